"""What the shapes, lines and badges of a picture mean, in rows below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from armillary_renderers.diagram.geometry import Box
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.placed import Placed
from armillary_renderers.project.overlay import CHANGES, Overlay, shows_instance
from armillary_renderers.project.overlays import LEVELS, SIGNS, level
from armillary_renderers.sizes import DETAIL_SIZE
from armillary_renderers.svg.accessibility import KINDS
from armillary_renderers.svg.elements import Xml, element
from armillary_renderers.svg.shapes import ICONS, outline
from armillary_renderers.svg.text_metrics import text_width
from armillary_renderers.svg.theme import STATES

ROW = 28
MARGIN = 20
SAMPLE = 34
_LINES = {"flow": "control flow", "failure": "failure or time-out", "compensation": "compensation"}


@dataclass(frozen=True, slots=True)
class Legend:
    """The rows, and the height that they add to the picture."""

    xml: Xml
    height: int


def legend(diagram: Diagram, placed: Placed, identity: str, overlay: Overlay | None) -> Legend:
    """Entries for the kinds of nodes and edges that occur, and for what the overlay shows: states, counts, changes."""
    kinds = {node.kind for node in diagram.nodes}
    rows = Xml("g", {"class": "armillary-legend", "aria-hidden": "true"})
    cursor = _Cursor(placed.width, placed.height)
    for kind, word in KINDS.items():
        if kind in kinds:
            x, y = cursor.take(SAMPLE + 8 + text_width(word, DETAIL_SIZE))
            rows.append(_sample(kind, x, y, identity))
            rows.append(_words(word, x + SAMPLE + 8, y))
    found = {edge.kind for edge in diagram.edges}
    for kind, word in _LINES.items():
        if kind in found:
            x, y = cursor.take(SAMPLE + 8 + text_width(word, DETAIL_SIZE))
            line = element("g", {"class": "armillary-edge", "data-kind": kind})
            line.append(element("path", {"class": "armillary-line", "d": f"M{x} {y + 9}H{x + SAMPLE - 7}"}))
            arrow = f"M{x + SAMPLE} {y + 9}L{x + SAMPLE - 8} {y + 5}V{y + 13}Z"
            line.append(element("path", {"class": "armillary-arrow", "d": arrow}))
            rows.append(line)
            rows.append(_words(word, x + SAMPLE + 8, y))
    for attributes, word in _overlaid(overlay):
        x, y = cursor.take(SAMPLE + 8 + text_width(word, DETAIL_SIZE))
        sample = _sample("set", x, y, identity, icon=False)
        sample.attrib.update(attributes)
        rows.append(sample)
        rows.append(_words(word, x + SAMPLE + 8, y))
    for state in STATES if overlay is not None and shows_instance(overlay) and not overlay.changes else ():
        x, y = cursor.take(text_width(state, 11, bold=True) + 26)
        node = element("g", {"class": "armillary-node", "data-state": state})
        states = element("g", {"class": "armillary-states", "transform": f"translate({x} {y})"})
        states.append(element("use", {"class": f"armillary-state-{state}", "xlink:href": f"#{identity}-state-{state}"}))
        node.append(states)
        rows.append(node)
    return Legend(rows, cursor.y + ROW + MARGIN // 2 - placed.height)


def _overlaid(overlay: Overlay | None) -> Iterator[tuple[dict[str, str], str]]:
    """What counts and changes look like, where there are any: attributes of a node, and what they mean."""
    if overlay is None:
        return
    if most := max(overlay.heat.values(), default=0):
        for step in sorted({level(count, most) for count in overlay.heat.values()}):
            yield {"data-heat": str(step)}, f"entered up to {-(-most * step // LEVELS):,} times" if step else "never"
    for change in CHANGES:
        if change in overlay.changes.values():
            yield {"data-change": change}, f"{SIGNS[change]} {change}"


class _Cursor:
    """The next free place, row by row."""

    def __init__(self, width: int, top: int) -> None:
        self.width = width
        self.x, self.y = MARGIN, top

    def take(self, width: int) -> tuple[int, int]:
        if self.x > MARGIN and self.x + width > self.width - MARGIN:
            self.x, self.y = MARGIN, self.y + ROW
        place = (self.x, self.y)
        self.x += width + MARGIN
        return place


def _sample(kind: str, x: int, y: int, identity: str, *, icon: bool = True) -> Xml:
    sample = element("g", {"class": "armillary-node", "data-kind": kind})
    round_ = kind in ("start", "end", "catch")
    sample.append(outline(kind, Box(x + 8, y, 18, 18) if round_ else Box(x, y - 1, SAMPLE, 20)))
    if icon and kind in ICONS:
        size = f"translate({x + 11} {y + 3}) scale(.75)"
        place = {"class": "armillary-icon", "xlink:href": f"#{identity}-icon-{kind}", "transform": size}
        sample.append(element("use", place))
    return sample


def _words(text: str, x: int, y: int) -> Xml:
    return element("text", {"class": "armillary-detail", "x": str(x), "y": str(y + 13)}, text)
