"""``armillary compile``, ``validate``, ``render``: what needs no store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .output import Found, print_json, write
from .reports import FORMATS
from .sources import load, problems_of

if TYPE_CHECKING:
    from armillary_renderers.diagram.placed import Direction
    from armillary_renderers.layout import Density
    from armillary_renderers.project.facts import Detail
    from armillary_renderers.render import Picture
    from armillary_renderers.svg.fonts import Font
    from armillary_renderers.svg.theme import Theme

_SUFFIXES = {
    "svg": (".svg",),
    "png": (".png",),
    "pdf": (".pdf",),
    "json": (".json",),
    "mermaid": (".mmd", ".mermaid"),
    "dot": (".dot", ".gv"),
    "text": (".txt",),
    "html": (".html",),
}

_output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT", help="Write to this file."
)


@click.command("compile")
@click.argument("source", metavar="FILE[:NAME]")
@_output_option
def compile_command(source: str, output: Path | None) -> None:
    """Python or YAML to canonical JSON.

    A Python file is imported, which runs it: compile only what you trust. NAME says which of its workflows.
    """
    from armillary_engine.definition.codec import to_document

    from ..words import to_json

    write(to_json(to_document(load(source)), indent=2) + "\n", output)


@click.command("decompile")
@click.argument("source", metavar="DEFINITION")
@click.option("--to", type=click.Choice(["python", "yaml"]), default="python", show_default=True)
@_output_option
def decompile_command(source: str, to: Literal["python", "yaml"], output: Path | None) -> None:
    """Canonical to source that compiles to the same digest."""
    from ..authoring import decompile

    write(decompile(load(source), to), output)


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def diff_command(before: str, after: str, form: str) -> None:
    """What changed from one definition to another.

    Ends with 1 where they differ. A step with another id and the same content is told as renamed.
    """
    from ..authoring import diff

    found = diff(load(before), load(after))
    if form == "json":
        print_json(list(found.changes))
    else:
        click.echo(str(found))
    if found:
        raise Found


@click.command("validate")
@click.argument("sources", nargs=-1, required=True, metavar="FILE…")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", help="How to tell them.")
def validate_command(sources: tuple[str, ...], form: str) -> None:
    """All that is wrong with definitions. Ends with 1 where there is an error."""
    findings = {source: problems_of(source) for source in sources}
    report = FORMATS[form](findings)
    if report:
        click.echo(report)
    if any(problem.severity == "error" for problems in findings.values() for problem in problems):
        raise Found


@click.command("render")
@click.argument("source", metavar="DEFINITION")
@click.option("--layout", default="structured", show_default=True, metavar="NAME", help="How nodes are placed.")
@click.option("--format", "form", type=click.Choice(list(_SUFFIXES)), help="Default: as OUT ends, else svg.")
@click.option("--theme", type=click.Choice(["auto", "light", "dark", "high-contrast", "print"]), default="auto")
@click.option("--detail", type=click.Choice(["outline", "normal", "full"]), default="normal", show_default=True)
@click.option("--direction", type=click.Choice(["down", "right", "left"]), default="down", show_default=True)
@click.option(
    "--density",
    type=click.Choice(["compact", "normal", "airy"]),
    default="normal",
    show_default=True,
    help="How far things stand from each other.",
)
@click.option(
    "--wrap", type=click.IntRange(0), metavar="N", help="Continue in a further column after about N steps; 0: never."
)
@click.option(
    "--font", type=click.Choice(["system", "embedded"]), default="system", help="Embedded: inside of the SVG."
)
@click.option("--check", is_flag=True, help="Write nothing; end with 1 where OUT is not what would be written.")
@_output_option
def render_command(
    source: str,
    layout: str,
    form: str | None,
    theme: Theme,
    detail: Detail,
    direction: Direction,
    density: Density,
    wrap: int | None,
    font: Font,
    check: bool,
    output: Path | None,
) -> None:
    """Draw a definition.

    DEFINITION is file.py:name, a YAML or JSON file, or - for standard input. What is wrong with it is marked on its
    steps. The same definition gives the same bytes.
    """
    if check and output is None:
        raise click.UsageError("--check: expected -o OUT to compare with, got none")
    from ..display import render

    options = {"density": density, "font": font} | ({} if wrap is None else {"wrap": wrap})
    picture = render(load(source), layout=layout, theme=theme, detail=detail, direction=direction, **options)
    content = _content(picture, form or _format_of(output))
    if not check:
        write(content, output)
    elif output is not None and (not output.exists() or output.read_bytes() != _bytes(content)):
        click.echo(f"{output} is not what would be drawn; draw it anew without --check", err=True)
        raise Found


def _format_of(output: Path | None) -> str:
    if output is None:
        return "svg"
    for form, suffixes in _SUFFIXES.items():
        if output.suffix.lower() in suffixes:
            return form
    known = ", ".join(suffixes[0] for suffixes in _SUFFIXES.values())
    raise click.UsageError(f"-o: expected a file that ends in {known}, got {output}; or name a --format")


def _content(picture: Picture, form: str) -> str | bytes:
    match form:
        case "json":
            return picture.placed.to_json()
        case "mermaid":
            return picture.mermaid
        case "dot":
            return picture.dot
        case "text":
            return picture.outline
        case "html":
            return picture.html
        case "png" | "pdf":
            from armillary_renderers.raster import rasterize

            return rasterize(picture.svg, form)
        case _:
            return picture.svg


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
