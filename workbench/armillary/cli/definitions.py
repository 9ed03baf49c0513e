"""``armillary definitions …``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click
from armillary_engine.definition.problems import ArmillaryError, DefinitionError

from .output import Found, by_option, complain, json_option, opened, print_json, print_table, url_option
from .sources import load

if TYPE_CHECKING:
    from armillary_engine.definition.model import Definition
    from armillary_engine.runtime import DefinitionView


@click.group()
def definitions() -> None:
    """Workflows that can be started."""


@definitions.command()
@click.argument("sources", nargs=-1, required=True, metavar="DEFINITION…")
@click.option(
    "--mode", type=click.Choice(["strict", "warn"]), default="strict", show_default=True,
    help="Where some have problems: deploy nothing, or deploy the others.",
)  # fmt: skip
@by_option("Who deploys them.")
@json_option
@url_option
def deploy(
    sources: tuple[str, ...], mode: Literal["strict", "warn"], by: str | None, as_json: bool, url: str | None
) -> None:
    """Make definitions startable under their names. All are looked at before one is deployed."""
    from armillary_engine.definition.codec import identity
    from armillary_engine.runtime import Caller

    given, refused = _read(sources)
    if refused and mode == "strict":
        raise Found
    with opened(url, make=True) as runtime:
        unavailable = runtime.deploy_all(given, mode=mode, caller=Caller(by))
        named = {one.digest: one.name for one in map(identity, given)}
        stored = [view for name in dict.fromkeys(named.values()) for view in runtime.definitions(name)]
    views = [view for view in stored if view.digest in named]
    if as_json:
        print_json(views)
    for view in () if as_json else views:
        click.echo(f"deployed {view.name} {view.version} (digest {view.digest[:12]})")
    for one in unavailable:
        complain(DefinitionError(one.name, one.problems))
    if refused or unavailable:
        raise Found


def _read(sources: tuple[str, ...]) -> tuple[list[Definition], int]:
    """The definitions that can be used, and how many sources cannot, after all their problems were told."""
    from ..authoring.origins import with_source
    from ..definitions import validate

    read, refused = [], 0
    for source in sources:
        try:
            definition = load(source)
            problems = validate(definition)
            if any(problem.severity == "error" for problem in problems):
                raise DefinitionError(definition.name, problems)
            read.append(with_source(definition))
        except ArmillaryError as error:
            if len(sources) == 1:
                raise
            complain(error)
            refused += 1
    return read, refused


@definitions.command("list")
@click.option("--name", metavar="NAME", help="Only the versions of this workflow.")
@json_option
@url_option
def list_definitions(name: str | None, as_json: bool, url: str | None) -> None:
    """What is deployed."""
    from ..workbench import DEFINITION_HEADINGS, definition_row

    with opened(url) as runtime:
        views = runtime.definitions(name)
    if as_json:
        print_json(list(views))
    else:
        print_table(DEFINITION_HEADINGS, [definition_row(view) for view in views], empty="nothing deployed")


@definitions.command("show")
@click.argument("name")
@click.option("--version", default="*", show_default=True, metavar="RANGE", help="The highest version in this range.")
@url_option
def show_definition(name: str, version: str, url: str | None) -> None:
    """The canonical document of a deployed definition, as JSON."""
    from armillary_engine.definition.codec import to_document

    from ..authoring.origins import without_source
    from ..words import to_json

    with opened(url) as runtime:
        definition = runtime.definition(name, version)
    click.echo(to_json(to_document(without_source(definition)), indent=2))


@definitions.command()
@click.argument("name")
@click.argument("version")
@by_option("Who decides it.")
@json_option
@url_option
def disable(name: str, version: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Start no more instances on a version; those that are on it go on."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.disable(name, version, caller=Caller(by))
    _tell(view, as_json)


@definitions.command()
@click.argument("name")
@click.argument("version")
@by_option("Who decides it.")
@json_option
@url_option
def enable(name: str, version: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Let instances start on a version again."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.enable(name, version, caller=Caller(by))
    _tell(view, as_json)


def _tell(view: DefinitionView, as_json: bool) -> None:
    if as_json:
        print_json(view)
    else:
        click.echo(f"{view.name} {view.version} is {'enabled' if view.enabled else 'disabled'}")
