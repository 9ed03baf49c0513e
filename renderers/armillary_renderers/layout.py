"""What a layout is, and how one is found.

A layout is a function ``(diagram, options) -> placed``, registered under the entry point group ``armillary.layouts``.
It gets a measured diagram, gives integer coordinates, is deterministic, and touches neither files nor network.
:mod:`armillary_renderers.testing` has the tests that every layout must pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Literal

from armillary_engine.definition.problems import ArmillaryError

from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.placed import Direction, Placed

GROUP = "armillary.layouts"
Density = Literal["compact", "normal", "airy"]
DENSITIES: tuple[Density, ...] = ("compact", "normal", "airy")


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may ask of any layout. ``wrap``: begin a new column after that many ranks (0: never); ``density``:
    how far things stand from each other, for layouts that know it."""

    direction: Direction = "down"
    density: Density = "normal"
    wrap: int = 0


Layout = Callable[[Diagram, Options], Placed]


_OURS = {name: f"armillary_renderers.layouts.{name}" for name in ("structured", "grid", "graphviz")}
"""Known without a look at the installed packages: that look takes longer than a layout."""


@lru_cache(maxsize=32)
def find_layout(name: str) -> Layout:
    """The layout registered as ``name``; ``layout.unknown`` names those that there are."""
    if name in _OURS:
        built_in: Layout = import_module(_OURS[name]).layout
        return built_in
    from importlib.metadata import entry_points  # takes longer to import than a picture to draw

    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted({*found, *_OURS}))
        raise ArmillaryError(
            "layout.unknown",
            f"expected one of the layouts {known}, got {name!r}",
            hint=f"install a package that registers it under the entry point group {GROUP!r}, or use another",
        )
    layout: Layout = found[name].load()
    return layout


def refuse_direction(name: str, options: Options, known: tuple[Direction, ...]) -> None:
    """For layouts that cannot draw every reading direction: raises ``layout.direction`` unless it is known."""
    if options.direction not in known:
        raise ArmillaryError(
            "layout.direction",
            f"expected direction {' or '.join(known)} with layout {name!r}, got {options.direction!r}",
            hint="use layout='structured', which draws down, right and left",
        )
