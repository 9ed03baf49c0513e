"""Definition → picture, in one function: project → measure → lay out → draw."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError, Problem

from armillary_renderers.collector import paused
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.placed import Direction, Placed
from armillary_renderers.layout import DENSITIES, Density, Options, find_layout
from armillary_renderers.project.facts import Detail
from armillary_renderers.project.from_definition import project
from armillary_renderers.project.nesting import Shown
from armillary_renderers.project.overlay import Overlay
from armillary_renderers.sizes import measure
from armillary_renderers.svg.fonts import FONTS, Font
from armillary_renderers.svg.theme import THEMES, Theme

_IDENTITY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SUFFIXES = ".svg, .json, .mmd, .dot, .txt, .html, .png or .pdf"
PAGE = 12
"""Ranks that fit a page."""
_DETAILS = ("outline", "normal", "full")
_DIRECTIONS = ("down", "right", "left")


def render(
    definition: Definition,
    *,
    layout: str = "structured",
    theme: Theme = "auto",
    detail: Detail = "normal",
    direction: Direction = "down",
    density: Density = "normal",
    wrap: int = PAGE,
    collapsed: Iterable[str] = (),
    expanded: Mapping[str, Definition] | None = None,
    overlay: Overlay | None = None,
    problems: Iterable[Problem] = (),
    legend: bool = False,
    title: str | None = None,
    id_prefix: str | None = None,
    font: Font = "system",
) -> Picture:
    """Draw a definition. The same arguments give the same bytes, in any process.

    ``density``: how far things stand from each other; sizes of nodes and texts stay.
    ``wrap`` continues a long flow in further columns of about that many ranks (a step and the gap after it), of more
    where the picture would become wider than three times its height; 0: never.
    ``collapsed`` draws each of those steps (a loop, a fork; a decision or a ``try`` that no jump leaves) and all that
    it owns as one node. ``expanded`` draws the child workflows of those subworkflow steps in place; the ids inside are
    ``step::id``, and may be in both options too.
    ``overlay`` shows an instance's state (an empty :class:`Overlay`: nothing reached yet); it never changes the layout.
    ``problems`` become markers on their steps. ``id_prefix`` is the id of the ``<svg>`` and scopes its styles; without
    it, it is derived from the content. ``font="embedded"`` puts what the texts need of DejaVu Sans into the SVG (about
    30 kB for each script), so that they look the same in every browser; no size depends on it.
    Raises :class:`ArmillaryError` (``render.option``, ``layout.unknown``).
    """
    _check("theme", theme, THEMES)
    _check("detail", detail, _DETAILS)
    _check("direction", direction, _DIRECTIONS)
    _check("density", density, DENSITIES)
    _check("font", font, FONTS)
    if id_prefix is not None and not _IDENTITY.fullmatch(id_prefix):
        raise ArmillaryError(
            "render.option",
            f"expected id_prefix to be a letter followed by letters, digits, - or _, got {id_prefix!r}",
            hint="leave it out: it is derived from the picture",
        )
    place = find_layout(layout)
    shown = Shown(frozenset(collapsed), expanded or {})
    with paused():
        diagram = measure(project(definition, detail=detail, problems=problems, title=title, shown=shown))
        placed = place(diagram, Options(direction=direction, density=density, wrap=wrap))
    return Picture(diagram, placed, theme, overlay, legend, id_prefix, font)


def _check(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ArmillaryError("render.option", f"expected {name} to be one of {', '.join(allowed)}, got {value!r}")


@dataclass(frozen=True)
class Picture:
    """A drawn diagram. ``svg`` is the document; ``save`` writes it or another form of it by the file's suffix."""

    diagram: Diagram
    placed: Placed
    theme: Theme = "auto"
    overlay: Overlay | None = None
    legend: bool = False
    id_prefix: str | None = None
    font: Font = "system"

    @cached_property
    def identity(self) -> str:
        """The id of the ``<svg>`` element: given, or derived from what is drawn."""
        if self.id_prefix is not None:
            return self.id_prefix
        placed, shown = self.placed, (self.theme, self.overlay is None, self.legend, self.diagram.title)
        drawn = (placed.layout, placed.direction, placed.nodes, placed.edges, placed.groups)
        return "armillary-" + hashlib.sha256(json.dumps((shown, drawn)).encode()).hexdigest()[:10]

    @cached_property
    def svg(self) -> str:
        return self._draw(self.theme, still=False)

    @paused()
    def _draw(self, theme: Theme, *, still: bool) -> str:
        from armillary_renderers.svg.draw import Style, draw

        embedded = self.font == "embedded" and not still
        style = Style(self.identity, theme, self.legend, still, embedded)
        return draw(self.diagram, self.placed, style, self.overlay)

    @cached_property
    def mermaid(self) -> str:
        from armillary_renderers.text.mermaid import mermaid

        return mermaid(self.diagram, direction=self.placed.direction)

    @cached_property
    def dot(self) -> str:
        from armillary_renderers.text.dot import dot

        return dot(self.diagram, direction=self.placed.direction)

    @cached_property
    def outline(self) -> str:
        from armillary_renderers.text.outline import outline

        return outline(self.diagram, self.overlay)

    @cached_property
    def html(self) -> str:
        """The SVG in a figure, for a page: scrolls sideways where it is wider than the page."""
        name = html.escape(self.diagram.title, quote=True)
        return f'<figure style="margin:0;overflow-x:auto" aria-label="{name}">{self.svg}</figure>'

    def save(self, path: str | Path) -> Path:
        """Write ``.svg .json .mmd .dot .txt .html``, or ``.png .pdf`` with the extra that rasterizes; gives the path.

        The file appears complete or not at all. Raises :class:`ArmillaryError` (``render.suffix``, ``render.file``).
        """
        target = Path(path)
        content = self._content(target.suffix.lower())
        partial = target.with_name(f".{target.name}.partial")
        try:
            partial.write_bytes(content)
            partial.replace(target)
        except OSError as error:
            if partial.is_file():
                partial.unlink()
            message = f"expected a file that can be written, got {target} ({error.strerror or error})"
            raise ArmillaryError("render.file", message, hint="make its folder, or name another place") from None
        return target

    def _content(self, suffix: str) -> bytes:
        match suffix:
            case ".svg":
                return self.svg.encode()
            case ".json":
                return self.placed.to_json().encode()
            case ".mmd":
                return self.mermaid.encode()
            case ".dot" | ".gv":
                return self.dot.encode()
            case ".txt":
                return self.outline.encode()
            case ".html":
                page = f"<title>{html.escape(self.diagram.title)}</title>{self.html}\n"
                return f'<!doctype html><meta charset="utf-8">{page}'.encode()
            case ".png" | ".pdf":
                from armillary_renderers.raster import rasterize

                theme: Theme = "light" if self.theme == "auto" else self.theme
                return rasterize(self._draw(theme, still=True), "png" if suffix == ".png" else "pdf")
        raise ArmillaryError(
            "render.suffix",
            f"expected a file ending in {_SUFFIXES}, got {suffix or 'no suffix'!r}",
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook keeps: readable with a kernel, without one, and by GitHub's preview."""
        return {
            "text/html": self.html,
            "image/svg+xml": self.svg,
            "text/vnd.mermaid": self.mermaid,
            "text/plain": self.outline,
        }
