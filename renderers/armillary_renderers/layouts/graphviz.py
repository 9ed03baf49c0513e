"""Graphviz as a layout: ``dot`` places nodes, frames and orthogonal edges; what it gives becomes whole pixels.

Needs the extra ``graphviz`` and the program ``dot``. Its drawings have crossings, and labels stand where there is room
beside the first stretch of their edge; the same ``dot`` gives the same bytes, another version may not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from armillary_engine.definition.problems import ArmillaryError

from armillary_renderers.diagram.geometry import Box, Point, Route, clean
from armillary_renderers.diagram.model import Diagram, Edge
from armillary_renderers.diagram.placed import Placed, PlacedEdge, PlacedGroup, PlacedNode
from armillary_renderers.layout import Options

MARGIN = 20
GAP = 6
"""Between an edge and its label."""
_GAPS = {"compact": 28, "normal": 36, "airy": 48}
_RANKS = {"down": "TB", "right": "LR", "left": "RL"}


def layout(diagram: Diagram, options: Options) -> Placed:
    """Place a measured diagram with ``dot``; raises ``layout.graphviz`` where it is missing or cannot."""
    found = _run(_source(diagram, options, "ortho")) or _run(_source(diagram, options, "polyline"))
    if found is None:
        message = f"expected dot to lay out {len(diagram.nodes)} nodes, but it fails on them"
        raise ArmillaryError("layout.graphviz", message, hint="use layout='structured'")
    height = round(float(found["bb"].split(",")[3]))
    objects = {item["name"]: item for item in found.get("objects", ())}
    boxes = {node.id: _box(objects[f"n{index}"], node, height) for index, node in enumerate(diagram.nodes)}
    frames = {group.id: _frame(objects[f"cluster{index}"], height) for index, group in enumerate(diagram.groups)}
    lines = {edge["id"]: _points(edge.get("pos", ""), height) for edge in found.get("edges", ())}
    ends = frames | boxes
    routes = [
        _route(lines.get(f"e{index}", []), ends[edge.source], ends[edge.target])
        for index, edge in enumerate(diagram.edges)
    ]
    labels = [_label(edge, route) for edge, route in zip(diagram.edges, routes, strict=True)]
    return _moved(diagram, options, boxes, frames, routes, labels)


def _run(source: str) -> dict[str, Any] | None:
    """What ``dot`` says; ``None`` where it ends in an error, as its orthogonal router does on some drawings."""
    hint = "pip install 'armillary[graphviz]' and the program (Debian: sudo apt-get install graphviz)"
    try:
        import graphviz
    except ImportError:
        message = "expected the Python package graphviz for layout 'graphviz', found none"
        raise ArmillaryError("layout.graphviz", message, hint=hint) from None
    try:
        document: dict[str, Any] = json.loads(graphviz.Source(source, engine="dot").pipe("json", quiet=True))
    except graphviz.ExecutableNotFound:
        message = "expected the program dot on the search path for layout 'graphviz', found none"
        raise ArmillaryError("layout.graphviz", message, hint=hint) from None
    except graphviz.CalledProcessError:
        return None
    return document


def _source(diagram: Diagram, options: Options, splines: str) -> str:
    """What ``dot`` gets: numbered names, so that no step id is a word of its language; sizes in points of a pixel."""
    gap = _GAPS[options.density]
    lines = [
        "digraph {",
        f"rankdir={_RANKS[options.direction]}; splines={splines}; ranksep={gap / 72:.4f}; nodesep={gap / 72:.4f}",
        'outputorder=nodesfirst; forcelabels=false; node [shape=box, fixedsize=true, label=""]',
    ]
    names = {node.id: f"n{index}" for index, node in enumerate(diagram.nodes)}
    lines += [
        f"n{index} [width={node.width / 72:.4f}, height={node.height / 72:.4f}]"
        for index, node in enumerate(diagram.nodes)
    ]
    lines += _clusters(diagram, None, names)
    first = {group.id: group.members[0] for group in diagram.groups}
    last = {group.id: group.members[-1] for group in diagram.groups}
    for index, edge in enumerate(diagram.edges):
        source = edge.source if edge.source in names else (last if edge.kind == "flow" else first)[edge.source]
        target = edge.target if edge.target in names else first[edge.target]
        back = ", constraint=false" if edge.back else ""
        lines.append(f"{names[source]} -> {names[target]} [id=e{index}{back}]")
    return "\n".join([*lines, "}"])


def _clusters(diagram: Diagram, parent: str | None, names: dict[str, str]) -> Iterator[str]:
    for index, group in enumerate(diagram.groups):
        if group.parent == parent:
            yield f"subgraph cluster{index} {{ margin=16; " + " ".join(names[member] for member in group.members)
            yield from _clusters(diagram, group.id, names)
            yield "}"


def _box(item: dict[str, Any], node: Any, height: int) -> Box:
    x, y = (float(part) for part in item["pos"].split(","))
    return Box(round(x) - node.width // 2, height - round(y) - node.height // 2, node.width, node.height)


def _frame(item: dict[str, Any], height: int) -> Box:
    left, low, right, high = (round(float(part)) for part in item["bb"].split(","))
    return Box(left, height - high, right - left, high - low)


def _points(pos: str, height: int) -> list[Point]:
    """The corners of an orthogonal spline: every third of its control points, turned so that y grows downward."""
    parts = pos.split()
    tip = next((part for part in parts if part.startswith("e,")), None)
    curve = [part for part in parts if part[0] not in "es"][::3]
    if tip is not None:
        curve.append(tip.removeprefix("e,"))
    return [Point(round(float(x)), height - round(float(y))) for x, y in (part.split(",") for part in curve)]


def _route(line: list[Point], source: Box, target: Box) -> Route:
    """The line from border to border in level and upright stretches; where ``dot`` gave none, the plainest there is."""
    inner = [point for point in line if not _inside(point, source) and not _inside(point, target)]
    start, stop = source.center, target.center
    corners: list[Point] = [start]
    for point in [*inner, stop]:
        corners += _elbow(corners, point)
    cut = _left(corners, source)
    reversed_ = _left(cut[::-1], target)
    path = clean(reversed_[::-1])
    return path if len(path) > 1 else _plain(source, target)


def _elbow(corners: list[Point], point: Point) -> list[Point]:
    """The point, after a corner where it is neither level with the last one nor above or below it."""
    x, y = corners[-1]
    near = 2
    if abs(point.x - x) <= near and len(corners) > 1:
        point = Point(x, point.y)
    elif abs(point.y - y) <= near and len(corners) > 1:
        point = Point(point.x, y)
    if x in (point.x,) or y in (point.y,):
        return [point]
    level = len(corners) > 1 and corners[-2].x == x
    return [Point(x, point.y) if level else Point(point.x, y), point]


def _left(points: list[Point], box: Box) -> list[Point]:
    """The part of a line after it last leaves a box, from the box's border."""
    last = max((i for i, point in enumerate(points) if _inside(point, box)), default=0)
    if last + 1 >= len(points):
        return points[-1:]
    (x, y), (x2, y2) = points[last], points[last + 1]
    if x == x2:
        return [Point(x, box.bottom if y2 > y else box.y), *points[last + 1 :]]
    return [Point(box.right if x2 > x else box.x, y), *points[last + 1 :]]


def _plain(source: Box, target: Box) -> Route:
    """Beside both boxes."""
    x = max(source.right, target.right) + GAP * 2
    return clean(
        [
            (source.right, source.center.y),
            (x, source.center.y),
            (x, target.center.y),
            (target.right, target.center.y),
        ]
    )


def _inside(point: Point, box: Box) -> bool:
    return box.x <= point.x <= box.right and box.y <= point.y <= box.bottom


def _label(edge: Edge, route: Route) -> Box | None:
    if not edge.label_width:
        return None
    (x, y), (x2, y2) = route[0], route[1]
    if x == x2:
        top = y + GAP if y2 > y else y - GAP - edge.label_height
        return Box(x + GAP, top, edge.label_width, edge.label_height)
    left = x + GAP if x2 > x else x - GAP - edge.label_width
    return Box(left, y - GAP // 2 - edge.label_height, edge.label_width, edge.label_height)


def _moved(
    diagram: Diagram,
    options: Options,
    boxes: dict[str, Box],
    frames: dict[str, Box],
    routes: list[Route],
    labels: list[Box | None],
) -> Placed:
    every = [*boxes.values(), *frames.values(), *filter(None, labels)]
    xs = [x for box in every for x in (box.x, box.right)] + [x for route in routes for x, _ in route]
    ys = [y for box in every for y in (box.y, box.bottom)] + [y for route in routes for _, y in route]
    dx, dy = MARGIN - min(xs), MARGIN - min(ys)

    def move(box: Box) -> Box:
        return Box(box.x + dx, box.y + dy, box.width, box.height)

    return Placed(
        width=max(xs) + dx + MARGIN,
        height=max(ys) + dy + MARGIN,
        direction=options.direction,
        layout="graphviz",
        nodes=tuple(PlacedNode(node.id, move(boxes[node.id])) for node in diagram.nodes),
        edges=tuple(
            PlacedEdge(edge.id, edge.source, edge.target, edge.kind, edge.back, route, label)
            for edge, route, label in zip(
                diagram.edges,
                (tuple((x + dx, y + dy) for x, y in route) for route in routes),
                (None if label is None else move(label) for label in labels),
                strict=True,
            )
        ),
        groups=tuple(PlacedGroup(group.id, move(frames[group.id]), group.members) for group in diagram.groups),
    )
