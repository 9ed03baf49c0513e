"""Placed diagram → SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import svgwrite

from armillary_renderers.diagram.geometry import Box
from armillary_renderers.diagram.model import Diagram, Group, Mark, Node
from armillary_renderers.diagram.placed import Placed
from armillary_renderers.project.overlay import Overlay, StepState, shows_instance
from armillary_renderers.project.overlays import level
from armillary_renderers.sizes import (
    BADGE_GAP,
    BADGE_HEIGHT,
    DETAIL_LINE,
    DIAMONDS,
    ICON,
    PAD_X,
    TITLE_LINE,
    badge_rows,
)
from armillary_renderers.svg.accessibility import STATE_WORDS, description, node_label
from armillary_renderers.svg.edges import draw_edge, meet
from armillary_renderers.svg.elements import Subtree, Xml, element, safe, written
from armillary_renderers.svg.fonts import FAMILY, font_faces
from armillary_renderers.svg.legend import legend
from armillary_renderers.svg.live import Live, problem, problem_marker, state_badges
from armillary_renderers.svg.shapes import ICONS, outline
from armillary_renderers.svg.text import lines
from armillary_renderers.svg.theme import FONTS, Theme, style_sheet

_CENTRED = frozenset({"decision", "repeat", "fork", "join"})
_UNREACHED = StepState("not-reached")
_NOTHING = Overlay()
"""Stands for no overlay at all: then no element is there that only shows a state."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a picture is drawn. ``identity`` is its id; ``still``: only what is seen now, for paper and rasterizers;
    ``embedded``: with its font."""

    identity: str
    theme: Theme = "auto"
    legend: bool = False
    still: bool = False
    embedded: bool = False


def draw(diagram: Diagram, placed: Placed, style: Style, overlay: Overlay | None = None) -> str:
    """One SVG document, self-contained: no script, no foreign content, no reference to anything outside of it."""
    keys = legend(diagram, placed, style.identity, overlay) if style.legend else None
    height = placed.height + (keys.height if keys is not None else 0)
    identity = style.identity
    drawing = svgwrite.Drawing(debug=False, size=(placed.width, height))
    drawing.attribs.update(
        {
            "id": identity,
            "class": "armillary-diagram",
            "viewBox": f"0 0 {placed.width} {height}",
            "role": "graphics-document",
            "aria-roledescription": "workflow diagram",
            "aria-labelledby": f"{identity}-title {identity}-desc",
            "data-live": "true" if overlay is not None and shows_instance(overlay) else "false",
            "data-layout": placed.layout,
            "data-direction": placed.direction,
        }
    )
    size = {"width": str(placed.width), "height": str(height)}
    shown = list(_foreground(diagram, placed, style, _NOTHING if overlay is None else overlay))
    faces = font_faces("".join(text for part in shown for text in part.itertext())) if style.embedded else []
    parts = [*_background(diagram, style, faces, size, overlay is not None), *shown]
    if keys is not None:
        parts.append(keys.xml)
    drawing.elements = [Subtree(part) for part in parts]
    return written(drawing.get_xml())


def _background(diagram: Diagram, style: Style, faces: list[str], size: dict[str, str], live: bool) -> Iterator[Xml]:
    yield element("title", {"id": f"{style.identity}-title"}, safe(diagram.title))
    yield element("desc", {"id": f"{style.identity}-desc"}, safe(description(diagram)))
    family = [f"#{style.identity}{{font-family:'{FAMILY}',{FONTS}}}"] if faces else []
    yield element("style", {}, "\n".join([*faces, style_sheet(style.identity, style.theme), *family]))
    yield _definitions(style.identity, {node.kind for node in diagram.nodes}, live)
    yield element("rect", {"class": "armillary-surface", "rx": "6", **size})


def _foreground(diagram: Diagram, placed: Placed, style: Style, overlay: Overlay) -> Iterator[Xml]:
    """From the back to the front; of edges that share a lane those taken come last; nodes stand in reading order, which
    is the order of the tab key too."""
    for group, place in zip(diagram.groups, placed.groups, strict=True):
        yield _group(group, place.box, overlay.steps.get(group.id, _UNREACHED))
    diamonds = {
        node.id: node.box for node, drawn in zip(placed.nodes, diagram.nodes, strict=True) if drawn.kind in DIAMONDS
    }
    busiest = max(overlay.flows.values(), default=0)
    routes = zip(diagram.edges, placed.edges, strict=True)
    for edge, route in sorted(routes, key=lambda both: (both[0].source, both[0].target) in overlay.taken):
        pair = (edge.source, edge.target)
        heat = level(overlay.flows.get(pair, 0), busiest) if busiest else None
        points = meet(route.points, diamonds.get(edge.source), diamonds.get(edge.target))
        yield draw_edge(edge, route._replace(points=points), taken=pair in overlay.taken, heat=heat)
    live = Live(overlay, style.identity, still=style.still) if overlay is not _NOTHING else None
    for node, spot in zip(diagram.nodes, placed.nodes, strict=True):
        found = (*diagram.problems.get(node.id, ()), *overlay.problems.get(node.id, ()))
        yield _node(node, spot.box, style.identity, live, found)


def _definitions(identity: str, kinds: set[str], live: bool) -> Xml:
    """Icons, markers and state badges, drawn once and used by every node.

    No rule of the style sheet reaches into what ``<use>`` shows; it inherits: ``fill`` for the badge and ``color`` for
    what stands on it.
    """
    defs = element("defs", {})
    for kind, path in ICONS.items():
        if kind in kinds:
            defs.append(element("path", {"id": f"{identity}-icon-{kind}", "d": path}))
    defs.append(problem_marker(identity))
    if live:
        defs.extend(state_badges(identity))
    return defs


def _group(group: Group, box: Box, state: StepState) -> Xml:
    made = element(
        "g",
        {
            "class": "armillary-group",
            "data-group": safe(group.id),
            "data-kind": group.kind,
            "data-state": state.state,
        },
    )
    made.append(
        element(
            "rect",
            {
                "class": "armillary-frame",
                "x": str(box.x),
                "y": str(box.y),
                "width": str(box.width),
                "height": str(box.height),
                "rx": "10",
            },
        )
    )
    if group.title:
        place = {"class": "armillary-detail", "x": str(box.x + 12), "y": str(box.y + 17)}
        made.append(element("text", place, safe(group.title)))
    return made


def _node(node: Node, box: Box, identity: str, live: Live | None, problems: tuple[Mark, ...]) -> Xml:
    label = safe(node_label(node, problems))
    attributes = {"class": "armillary-node", "data-node": safe(node.id), "data-kind": node.kind}
    state = _UNREACHED if live is None else live.overlay.steps.get(node.id, _UNREACHED)
    if node.kind == "join" and live is not None:  # it stands for no step: the way goes on from it, or not yet
        attributes["data-state"] = "done" if node.id in live.arrived else "not-reached"
    if node.step is not None:
        attributes["data-step"] = safe(node.step)
        attributes["data-state"] = state.state
        attributes["tabindex"] = "0"
        attributes["data-label"] = label
        label = f"{label}, {STATE_WORDS[state.state]}"
        if live is not None:
            label = live.tell(node, attributes, label)
    if problems:
        attributes["data-problem"] = problems[0].severity
    attributes["role"] = "graphics-symbol"
    attributes["aria-label"] = label
    made = element("g", attributes)
    title = "\n".join(
        part for part in (_hidden(node), node.note, state.note, *(mark.message for mark in problems)) if part
    )
    if title:
        made.append(element("title", {}, safe(title)))
    made.append(outline(node.kind, box))
    _content(made, node, box, identity)
    if live is not None and node.step is not None:
        live.draw(made, node, box)
    if problems or (live is not None and not live.still):
        made.append(problem(node.kind, box, identity, problems[0] if problems else None))
    return made


def _hidden(node: Node) -> str:
    """The whole text, where wrapping cut it."""
    shown = " ".join((*node.title_lines, *node.detail_lines))
    return f"{node.title}\n{node.subtitle}".strip() if "…" in shown else ""


def _content(parent: Xml, node: Node, box: Box, identity: str) -> None:
    if node.kind in _CENTRED:
        first = box.center.y - (len(node.title_lines) * TITLE_LINE) // 2 + 13
        text = lines("armillary-text", node.title_lines, box.center.x, first, TITLE_LINE)
        text.set("text-anchor", "middle")
        parent.append(text)
        if node.kind == "repeat":
            _icon(parent, node.kind, box.center.x - 5, box.y + 6, identity, "scale(.65)")
        return
    if node.kind == "catch":
        _icon(parent, node.kind, box.center.x - 8, box.center.y - 8, identity)
        return
    if not node.title_lines:
        return
    rows = badge_rows(node, box.width - 2 * PAD_X - ICON)
    tall = TITLE_LINE * len(node.title_lines) + DETAIL_LINE * len(node.detail_lines) + (BADGE_HEIGHT + 5) * len(rows)
    top = box.y + (box.height - tall) // 2
    left = box.x + PAD_X + ICON
    _icon(parent, node.kind, box.x + PAD_X, top + 1, identity)
    parent.append(lines("armillary-title", node.title_lines, left, top + 13, TITLE_LINE))
    top += TITLE_LINE * len(node.title_lines)
    if node.detail_lines:
        parent.append(lines("armillary-detail", node.detail_lines, left, top + 11, DETAIL_LINE))
        top += DETAIL_LINE * len(node.detail_lines)
    for row in rows:
        _badges(parent, row, left, top + 4)
        top += BADGE_HEIGHT + 5


def _icon(parent: Xml, kind: str, x: int, y: int, identity: str, scale: str = "") -> None:
    place = f"translate({x} {y}) {scale}".rstrip()
    icon = {"class": "armillary-icon", "xlink:href": f"#{identity}-icon-{kind}", "transform": place}
    parent.append(element("use", icon))


def _badges(parent: Xml, row: list[tuple[str, int]], x: int, y: int) -> None:
    for text, width in row:
        place = {"x": str(x), "y": str(y), "width": str(width), "height": str(BADGE_HEIGHT), "rx": "8"}
        parent.append(element("rect", {"class": "armillary-badge", **place}))
        middle = {"class": "armillary-fact", "x": str(x + width // 2), "y": str(y + 12), "text-anchor": "middle"}
        parent.append(element("text", middle, safe(text)))
        x += width + BADGE_GAP
