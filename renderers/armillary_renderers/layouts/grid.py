"""The simplest layout there can be: every node in a row of its own, every edge in a lane of its own.

It knows nothing of blocks, so it draws any graph; edges cross. It shows what a layout has to do, and a picture that a
test needs fast.
"""

from __future__ import annotations

from armillary_renderers.diagram.geometry import Box, Point, clean
from armillary_renderers.diagram.model import Diagram, Edge
from armillary_renderers.diagram.placed import Placed, PlacedEdge, PlacedGroup, PlacedNode
from armillary_renderers.layout import Options, refuse_direction

GAP = 40
LANE = 12
PAD = 8
MARGIN = 20


def layout(diagram: Diagram, options: Options) -> Placed:
    """One column, from top to bottom in the diagram's order; only ``direction="down"``."""
    refuse_direction("grid", options, ("down",))
    depth = _depths(diagram)
    deepest = max(depth.values(), default=0)
    left = MARGIN + PAD * deepest
    widest = max(node.width for node in diagram.nodes)
    boxes: dict[str, Box] = {}
    y = MARGIN + PAD * deepest
    for node in diagram.nodes:
        boxes[node.id] = Box(left + (widest - node.width) // 2, y, node.width, node.height)
        y += node.height + GAP + 2 * PAD * deepest
    frames = {
        group.id: _around([boxes[member] for member in group.members], depth[group.id]) for group in diagram.groups
    }
    first = left + widest + PAD * deepest + GAP
    lanes = [first + LANE * index for index in range(len(diagram.edges))]
    edges = tuple(_edge(edge, boxes, frames, lane) for edge, lane in zip(diagram.edges, lanes, strict=True))
    labels = max((edge.label.right for edge in edges if edge.label), default=0)
    return Placed(
        width=max([*lanes, labels, first]) + MARGIN,
        height=y - GAP + MARGIN,
        direction="down",
        layout="grid",
        nodes=tuple(PlacedNode(node.id, boxes[node.id]) for node in diagram.nodes),
        edges=edges,
        groups=tuple(PlacedGroup(group.id, frames[group.id], group.members) for group in diagram.groups),
    )


def _depths(diagram: Diagram) -> dict[str, int]:
    """How many frames deep each group has others inside it, itself included: so outer frames are wider."""
    depth: dict[str, int] = {}
    sets = {group.id: frozenset(group.members) for group in diagram.groups}
    for group in sorted(diagram.groups, key=lambda group: len(group.members)):
        inside = [depth[other] for other in depth if sets[other] <= sets[group.id]]
        depth[group.id] = 1 + max(inside, default=0)
    return depth


def _around(boxes: list[Box], depth: int) -> Box:
    pad = PAD * depth
    left, top = min(box.x for box in boxes) - pad, min(box.y for box in boxes) - pad
    return Box(left, top, max(box.right for box in boxes) + pad - left, max(box.bottom for box in boxes) + pad - top)


def _edge(edge: Edge, boxes: dict[str, Box], frames: dict[str, Box], lane: int) -> PlacedEdge:
    """Out of the right side, along the lane, into the right side."""
    source = boxes.get(edge.source) or frames[edge.source]
    target = boxes.get(edge.target) or frames[edge.target]
    start = Point(source.right, source.bottom - 5)
    stop = Point(target.right, target.y + 5)
    points = clean([start, (lane, start.y), (lane, stop.y), stop])
    label = None
    if edge.label_width:
        label = Box(lane + 4, start.y + 3, edge.label_width, edge.label_height)
    return PlacedEdge(edge.id, edge.source, edge.target, edge.kind, edge.back, points, label)
