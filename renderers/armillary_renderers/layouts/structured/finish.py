"""From coordinates around an axis to a placed diagram: the reading direction, the margin, the order of things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from armillary_renderers.diagram.geometry import Box, Route
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.placed import Placed, PlacedEdge, PlacedGroup, PlacedNode
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured.place import Placer
from armillary_renderers.layouts.structured.plans import SequencePlan

_Key = tuple[str, str]
_Id = TypeVar("_Id", str, _Key)
_new = tuple.__new__
"""Makes a named tuple in half the time of its own constructor; there are tens of thousands."""


def finish(
    diagram: Diagram, placer: Placer, plan: SequencePlan, options: Options, columns: tuple[int, ...] = ()
) -> Placed:
    """Nodes, edges and groups in the diagram's order; ``columns``: where further columns begin."""
    margin = placer.space.margin
    left = top = margin
    across, along = margin + plan.left + plan.right, margin + plan.height
    if options.wrap:
        left, top, across, along = _bounds(placer)
    frame = _Frame(options.direction, margin - left, margin - top, along - top + 2 * margin)
    boxes, frames, labels = frame.boxes(placer.boxes), frame.boxes(placer.frames), frame.boxes(placer.routes.labels)
    routes = frame.routes(placer.routes.points)
    width, height = across - left + 2 * margin, along - top + 2 * margin
    if options.direction != "down":
        width, height = height, width
    edges = []
    for edge in diagram.edges:
        key = (edge.source, edge.slot)
        made = (edge.id, edge.source, edge.target, edge.kind, edge.back, routes[key], labels.get(key))
        edges.append(_new(PlacedEdge, made))
    return Placed(
        width=width,
        height=height,
        direction=options.direction,
        layout="structured",
        nodes=tuple([_new(PlacedNode, (node.id, boxes[node.id])) for node in diagram.nodes]),
        edges=tuple(edges),
        groups=tuple([PlacedGroup(group.id, frames[group.id], group.members) for group in diagram.groups]),
        columns=tuple([x + frame.dx for x in columns]),
    )


def _bounds(placer: Placer) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of everything, before it is turned."""
    boxes = [box for found in (placer.boxes, placer.frames, placer.routes.labels) for box in found.values()]
    points = [point for route in placer.routes.points.values() for point in route]
    return (
        min([*[box[0] for box in boxes], *[x for x, _ in points]]),
        min([*[box[1] for box in boxes], *[y for _, y in points]]),
        max([*[x + width for x, _, width, _ in boxes], *[x for x, _ in points]]),
        max([*[y + height for _, y, _, height in boxes], *[y for _, y in points]]),
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """From coordinates along an axis to those of the picture: moved, and turned for a sideways flow."""

    direction: str
    dx: int
    dy: int
    far: int
    """The picture's extent along the flow: a flow to the left is measured from there."""

    @property
    def idle(self) -> bool:
        return self.direction == "down" and self.dx == self.dy == 0

    def routes(self, routes: dict[_Key, Route]) -> dict[_Key, Route]:
        return routes if self.idle else {key: self.points(points) for key, points in routes.items()}

    def boxes(self, boxes: dict[_Id, Box]) -> dict[_Id, Box]:
        return boxes if self.idle else {key: self.box(box) for key, box in boxes.items()}

    def points(self, points: Route) -> Route:
        dx, dy, far = self.dx, self.dy, self.far
        if self.direction == "down":
            return tuple([(x + dx, y + dy) for x, y in points])
        if self.direction == "right":
            return tuple([(y + dy, x + dx) for x, y in points])
        return tuple([(far - y - dy, x + dx) for x, y in points])

    def box(self, box: Box) -> Box:
        x, y, width, height = box
        if self.direction == "down":
            return _new(Box, (x + self.dx, y + self.dy, width, height))
        if self.direction == "right":
            return _new(Box, (y + self.dy, x + self.dx, height, width))
        return _new(Box, (self.far - (y + height) - self.dy, x + self.dx, height, width))
