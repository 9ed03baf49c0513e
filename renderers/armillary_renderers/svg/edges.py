"""Edges: a polyline with rounded corners, an arrowhead of its own, a label."""

from __future__ import annotations

from armillary_renderers.diagram.geometry import Box, Route
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


def meet(points: Route, source: Box | None, target: Box | None) -> Route:
    """The line with its ends moved from the boxes of diamonds onto their outlines (``None``: no diamond)."""
    if source is not None:
        points = (_onto(source, points[0], points[1]), *points[1:])
    if target is not None:
        points = (*points[:-1], _onto(target, points[-1], points[-2]))
    return points


def _onto(box: Box, end: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    (x, y), (cx, cy) = end, box.center
    if x == before[0]:
        inward = box.height // 2 - box.height * abs(x - cx) // max(1, box.width)
        return (x, cy + (inward if y > cy else -inward)) if x != cx else end
    inward = box.width // 2 - box.width * abs(y - cy) // max(1, box.height)
    return (cx + (inward if x > cx else -inward), y) if y != cy else end


def rounded(points: Route) -> str:
    """The path of a polyline. It stops short of its end, where the arrowhead begins."""
    x, y = points[0]
    path = f"M{x} {y}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(RADIUS, _length(before, corner) // 2, _length(corner, after) // 2)
        (x1, y1), (x2, y2) = _toward(corner, before, reach), _toward(corner, after, reach)
        x, y = corner
        path += f"L{x1} {y1}Q{x} {y} {x2} {y2}"
    x, y = _toward(points[-1], points[-2], HEAD - 1)
    return f"{path}L{x} {y}"


def arrow(before: tuple[int, int], tip: tuple[int, int]) -> str:
    """The arrowhead at the end of a line."""
    (x, y), (base_x, base_y) = tip, _toward(tip, before, HEAD)
    if base_x == x:
        return f"M{x} {y}L{base_x - 4} {base_y}H{base_x + 4}Z"
    return f"M{x} {y}L{base_x} {base_y - 4}V{base_y + 4}Z"


def _length(a: tuple[int, int], b: tuple[int, int]) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _toward(start: tuple[int, int], goal: tuple[int, int], by: int) -> tuple[int, int]:
    """So far from the start towards a goal that is level with it, or above or below it; never beyond."""
    x, y = start
    dx, dy = goal[0] - x, goal[1] - y
    if dx:
        return (x + min(by, dx), y) if dx > 0 else (x - min(by, -dx), y)
    return (x, y + min(by, dy)) if dy > 0 else (x, y - min(by, -dy))
