"""Edges: a polyline with rounded corners, an arrowhead of its own, a label."""

from __future__ import annotations

from armillary_renderers.diagram.geometry import Box, Point
from armillary_renderers.diagram.model import Edge
from armillary_renderers.diagram.placed import PlacedEdge
from armillary_renderers.svg.elements import Xml, element, safe
from armillary_renderers.svg.text import lines

RADIUS = 7
HEAD = 8
"""Length of an arrowhead. Each edge has its own (no marker), so that its state colours it everywhere."""


def draw_edge(edge: Edge, placed: PlacedEdge, *, taken: bool, heat: int | None = None) -> Xml:
    """One edge with its label. ``heat``: 0 to 5, where the picture is a heat map."""
    group = element(
        "g",
        {
            "class": "armillary-edge",
            "data-edge": safe(edge.id),
            "data-source": safe(edge.source),
            "data-target": safe(edge.target),
            "data-kind": edge.kind,
            "data-taken": "true" if taken else "false",
        },
    )
    if heat is not None:
        group.set("data-heat", str(heat))
    points = placed.points
    group.append(element("path", {"class": "armillary-line", "d": rounded(points)}))
    group.append(element("path", {"class": "armillary-arrow", "d": arrow(points[-2], points[-1])}))
    if placed.label is not None:
        label = lines(
            "armillary-label", edge.label_lines, placed.label.x + placed.label.width // 2, placed.label.y + 12, 15
        )
        label.set("text-anchor", "middle")
        if " ".join(edge.label_lines) != edge.label:
            label.insert(0, element("title", {}, safe(edge.label)))
        group.append(label)
    return group


def meet(points: tuple[Point, ...], source: Box | None, target: Box | None) -> tuple[Point, ...]:
    """The line with its ends moved from the boxes of diamonds onto their outlines (``None``: no diamond)."""
    if source is not None:
        points = (_onto(source, points[0], points[1]), *points[1:])
    if target is not None:
        points = (*points[:-1], _onto(target, points[-1], points[-2]))
    return points


def _onto(box: Box, end: Point, before: Point) -> Point:
    (x, y), (cx, cy) = end, box.center
    if x == before.x:
        inward = box.height // 2 - box.height * abs(x - cx) // max(1, box.width)
        return Point(x, cy + (inward if y > cy else -inward)) if x != cx else end
    inward = box.width // 2 - box.width * abs(y - cy) // max(1, box.height)
    return Point(cx + (inward if x > cx else -inward), y) if y != cy else end


def rounded(points: tuple[Point, ...]) -> str:
    """The path of a polyline. It stops short of its end, where the arrowhead begins."""
    tail = _toward(points[-1], points[-2], HEAD - 1)
    path = [f"M{points[0].x} {points[0].y}"]
    corners = points[1:-1]
    for index, corner in enumerate(corners):
        before = points[index]
        after = points[index + 2]
        reach = min(RADIUS, _length(before, corner) // 2, _length(corner, after) // 2)
        start, stop = _toward(corner, before, reach), _toward(corner, after, reach)
        path.append(f"L{start.x} {start.y}Q{corner.x} {corner.y} {stop.x} {stop.y}")
    path.append(f"L{tail.x} {tail.y}")
    return "".join(path)


def arrow(before: Point, tip: Point) -> str:
    """The arrowhead at the end of a line."""
    base = _toward(tip, before, HEAD)
    if base.x == tip.x:
        return f"M{tip.x} {tip.y}L{base.x - 4} {base.y}H{base.x + 4}Z"
    return f"M{tip.x} {tip.y}L{base.x} {base.y - 4}V{base.y + 4}Z"


def _length(a: Point, b: Point) -> int:
    return abs(a.x - b.x) + abs(a.y - b.y)


def _toward(start: Point, goal: Point, by: int) -> Point:
    step = min(by, _length(start, goal))
    dx = (goal.x > start.x) - (goal.x < start.x)
    dy = (goal.y > start.y) - (goal.y < start.y)
    return Point(start.x + dx * step, start.y + dy * step)
