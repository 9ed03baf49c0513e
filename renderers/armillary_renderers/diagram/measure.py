"""Measure a placed diagram: the figures that the gates of every layout are about.

``python -m armillary_renderers.diagram.measure FILE.json`` prints them for a placed diagram, as JSON with ``--json``.
Nothing here knows how a layout works; it sees boxes and points.
"""

from __future__ import annotations

import argparse
import json
import sys
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

from armillary_renderers.diagram.geometry import Box, Segment, cross, gap, overlap, segments, shared, through
from armillary_renderers.diagram.placed import Placed, PlacedEdge

NEAR = 8
"""Pixels: parallel segments of unrelated edges, and an edge and a foreign node, are at least this far apart."""
REACH = 34
"""Pixels: a label is at most this far from its own edge."""
_CELL = 96


@dataclass(frozen=True, slots=True)
class Measures:
    """Counts, pixels and shares. Faults are listed by id in ``faults``."""

    nodes: int
    edges: int
    crossings: int
    overlaps: int
    edges_through_nodes: int
    edges_near_nodes: int
    edges_near_edges: int
    edges_on_frames: int
    foreign_segments: int
    """Pairs of edges that run on one line though they share neither source nor target."""
    slanted: int
    detached: int
    """Edges whose first or last point is not on the border of their node or frame."""
    upward: int
    back: int
    upward_undeclared: int
    bends: int
    bends_per_edge: float
    labels: int
    labels_on_nodes: int
    labels_on_labels: int
    labels_on_edges: int
    labels_far: int
    labels_nearer_other: int
    area: int
    aspect: float
    node_share: float
    edge_length: int
    faults: tuple[str, ...]


def measure(placed: Placed) -> Measures:
    """All figures of one placed diagram. Time grows with its size times the number of things in one place."""
    field = _Field(placed)
    faults: list[str] = []
    counts = {name: _count(faults, name, found) for name, found in field.checks()}
    bends = sum(max(0, len(edge.points) - 2) for edge in placed.edges)
    node_area = sum(node.box.width * node.box.height for node in placed.nodes)
    area = max(1, placed.width * placed.height)
    upward = [edge for edge in placed.edges if _against(edge, placed)]
    return Measures(
        nodes=len(placed.nodes),
        edges=len(placed.edges),
        upward=len(upward),
        back=sum(edge.back for edge in placed.edges),
        upward_undeclared=sum(not edge.back for edge in upward),
        bends=bends,
        bends_per_edge=round(bends / max(1, len(placed.edges)), 3),
        labels=sum(edge.label is not None for edge in placed.edges),
        area=area,
        aspect=round(placed.width / max(1, placed.height), 3),
        node_share=round(node_area / area, 3),
        edge_length=sum(s.x2 - s.x1 + s.y2 - s.y1 for edge in placed.edges for s in segments(edge.points)),
        faults=tuple(faults),
        **counts,
    )


def _count(faults: list[str], name: str, found: Iterable[str]) -> int:
    listed = sorted(set(found))
    faults.extend(f"{name}: {fault}" for fault in listed)
    return len(listed)


def _against(edge: PlacedEdge, placed: Placed) -> bool:
    """True where the edge as a whole ends before it began, in reading direction; columns are read one by one."""
    (x1, y1), (x2, y2) = edge.points[0], edge.points[-1]
    first, last = (x1, x2) if placed.direction == "down" else (y1, y2)
    before, after = bisect(placed.columns, first), bisect(placed.columns, last)
    if before != after:
        return after < before
    return {"down": y2 < y1, "right": x2 < x1, "left": x2 > x1}[placed.direction]


class _Field:
    """Segments, boxes and labels, found by the cells of a coarse grid that they touch."""

    def __init__(self, placed: Placed) -> None:
        self.placed = placed
        self.edges = placed.edges
        self.runs = [(edge, segment) for edge in placed.edges for segment in segments(edge.points)]
        self.cells: dict[tuple[int, int], list[int]] = {}
        for index, (_, segment) in enumerate(self.runs):
            for cell in _cells(segment.x1, segment.y1, segment.x2, segment.y2, NEAR):
                self.cells.setdefault(cell, []).append(index)

    def checks(self) -> Iterator[tuple[str, Iterable[str]]]:
        yield "crossings", self.crossings()
        yield "overlaps", self.overlaps()
        yield "edges_through_nodes", self.through_nodes(0)
        yield "edges_near_nodes", self.through_nodes(NEAR)
        yield "edges_near_edges", self.near_edges()
        yield "edges_on_frames", self.on_frames()
        yield "foreign_segments", self.foreign()
        yield "slanted", (edge.id for edge, s in self.runs if s.x1 != s.x2 and s.y1 != s.y2)
        yield "detached", self.detached()
        yield "labels_on_nodes", self.labels_on_nodes()
        yield "labels_on_labels", self.labels_on_labels()
        yield "labels_on_edges", self.labels_on_edges()
        yield "labels_far", self.labels_far()
        yield "labels_nearer_other", self.labels_nearer_other()

    def around(self, box: Box, margin: int = 0) -> Iterator[tuple[PlacedEdge, Segment]]:
        seen: set[int] = set()
        for cell in _cells(box.x, box.y, box.right, box.bottom, margin):
            seen.update(self.cells.get(cell, ()))
        for index in sorted(seen):
            yield self.runs[index]

    def pairs(self) -> Iterator[tuple[PlacedEdge, Segment, PlacedEdge, Segment]]:
        """Segments of two different edges that come near each other."""
        seen: set[tuple[int, int]] = set()
        for indices in self.cells.values():
            for pair in combinations(indices, 2):
                if pair not in seen:
                    seen.add(pair)
                    (a, s), (b, t) = self.runs[pair[0]], self.runs[pair[1]]
                    if a is not b:
                        yield a, s, b, t

    def crossings(self) -> Iterator[str]:
        for a, s, b, t in self.pairs():
            if cross(s, t) or (not _related(a, b) and _touch(s, t)):
                yield f"{a.id} × {b.id}"

    def foreign(self) -> Iterator[str]:
        return (f"{a.id} = {b.id}" for a, s, b, t in self.pairs() if not _related(a, b) and shared(s, t) > 0)

    def near_edges(self) -> Iterator[str]:
        for a, s, b, t in self.pairs():
            if s.horizontal != t.horizontal or _related(a, b):
                continue
            apart = abs(s.y1 - t.y1) if s.horizontal else abs(s.x1 - t.x1)
            beside = (s.x1 < t.x2 and t.x1 < s.x2) if s.horizontal else (s.y1 < t.y2 and t.y1 < s.y2)
            if 0 < apart < NEAR and beside:
                yield f"{a.id} ∥ {b.id}"

    def overlaps(self) -> Iterator[str]:
        boxes = self.placed.nodes
        by_cell: dict[tuple[int, int], list[int]] = {}
        for index, node in enumerate(boxes):
            for cell in _cells(node.box.x, node.box.y, node.box.right, node.box.bottom, 0):
                by_cell.setdefault(cell, []).append(index)
        for indices in by_cell.values():
            for i, j in combinations(indices, 2):
                if overlap(boxes[i].box, boxes[j].box):
                    yield f"{boxes[i].id} on {boxes[j].id}"
        place = self.placed.node
        for group in self.placed.groups:
            members = set(group.members)
            for node in boxes:
                inside = node.id in members
                if not inside and overlap(group.box, node.box):
                    yield f"{node.id} on frame {group.id}"
            for member in group.members:
                if not _within(place[member].box, group.box):
                    yield f"{member} outside of frame {group.id}"

    def through_nodes(self, margin: int) -> Iterator[str]:
        for node in self.placed.nodes:
            x, y, width, height = node.box
            wide = Box(x - margin, y - margin, width + 2 * margin, height + 2 * margin)
            for edge, segment in self.around(wide):
                own = node.id in (edge.source, edge.target)
                if through(segment, wide) and not (own and margin):
                    yield f"{edge.id} {'near' if margin else 'through'} {node.id}"

    def on_frames(self) -> Iterator[str]:
        """Edges that run along a frame's border, less than 4 pixels from it."""
        for group in self.placed.groups:
            x, y, right, bottom = group.box.x, group.box.y, group.box.right, group.box.bottom
            level = (Segment(x, y, right, y), Segment(x, bottom, right, bottom))
            borders = (*level, Segment(x, y, x, bottom), Segment(right, y, right, bottom))
            for edge, segment in self.around(group.box, 4):
                for border in borders:
                    if border.horizontal != segment.horizontal or gap(segment, Box(*_box(border))) >= 4:
                        continue
                    length = segment.x2 - segment.x1 + segment.y2 - segment.y1
                    if length > 0:
                        yield f"{edge.id} along {group.id}"

    def detached(self) -> Iterator[str]:
        boxes = {group.id: group.box for group in self.placed.groups}
        boxes |= {node.id: node.box for node in self.placed.nodes}
        for edge in self.edges:
            for end, (x, y) in ((edge.source, edge.points[0]), (edge.target, edge.points[-1])):
                box = boxes[end]
                on_x = x in (box.x, box.right) and box.y <= y <= box.bottom
                on_y = y in (box.y, box.bottom) and box.x <= x <= box.right
                if not (on_x or on_y):
                    yield f"{edge.id} at {end}"

    # ── labels ───────────────────────────────────────────────────────────────────────────────────────────────────

    def labelled(self) -> Iterator[tuple[PlacedEdge, Box]]:
        return ((edge, edge.label) for edge in self.edges if edge.label is not None)

    def labels_on_nodes(self) -> Iterator[str]:
        cells: dict[tuple[int, int], list[PlacedEdge]] = {}
        for edge, box in self.labelled():
            for cell in _cells(box.x, box.y, box.right, box.bottom, 0):
                cells.setdefault(cell, []).append(edge)
        for node in self.placed.nodes:
            for cell in _cells(node.box.x, node.box.y, node.box.right, node.box.bottom, 0):
                for edge in cells.get(cell, ()):
                    if edge.label is not None and overlap(edge.label, node.box):
                        yield f"{edge.id} on {node.id}"

    def labels_on_labels(self) -> Iterator[str]:
        cells: dict[tuple[int, int], list[tuple[PlacedEdge, Box]]] = {}
        for edge, box in self.labelled():
            for cell in _cells(box.x, box.y, box.right, box.bottom, 0):
                cells.setdefault(cell, []).append((edge, box))
        for found in cells.values():
            for (a, first), (b, second) in combinations(found, 2):
                if overlap(first, second):
                    yield f"{a.id} on {b.id}"

    def labels_on_edges(self) -> Iterator[str]:
        for edge, box in self.labelled():
            for other, segment in self.around(box):
                if through(segment, box):
                    yield f"{edge.id} on {other.id}"

    def labels_far(self) -> Iterator[str]:
        for edge, box in self.labelled():
            if min(gap(segment, box) for segment in segments(edge.points)) > REACH:
                yield edge.id

    def labels_nearer_other(self) -> Iterator[str]:
        """A stretch that an edge shares with another counts as the edge's own."""
        for edge, box in self.labelled():
            own = min(gap(segment, box) for segment in segments(edge.points))
            for other, segment in self.around(box, REACH):
                if other is not edge and gap(segment, box) < own and not _on(segment, edge):
                    yield f"{edge.id}: {other.id}"


def _related(a: PlacedEdge, b: PlacedEdge) -> bool:
    return a.source == b.source or a.target == b.target


def _touch(a: Segment, b: Segment) -> bool:
    return a.x1 <= b.x2 and b.x1 <= a.x2 and a.y1 <= b.y2 and b.y1 <= a.y2


def _on(segment: Segment, edge: PlacedEdge) -> bool:
    return any(shared(segment, own) > 0 for own in segments(edge.points))


def _within(inner: Box, outer: Box) -> bool:
    return inner.x >= outer.x and inner.y >= outer.y and inner.right <= outer.right and inner.bottom <= outer.bottom


def _box(segment: Segment) -> tuple[int, int, int, int]:
    return segment.x1, segment.y1, segment.x2 - segment.x1, segment.y2 - segment.y1


def _cells(x1: int, y1: int, x2: int, y2: int, margin: int) -> Iterator[tuple[int, int]]:
    for column in range((x1 - margin) // _CELL, (x2 + margin) // _CELL + 1):
        for row in range((y1 - margin) // _CELL, (y2 + margin) // _CELL + 1):
            yield column, row


def main() -> int:
    """Print the figures of one placed diagram."""
    parser = argparse.ArgumentParser(
        prog="python -m armillary_renderers.diagram.measure", description="Measure a placed diagram."
    )
    parser.add_argument("file", type=Path, help="a placed diagram (.json)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    figures = asdict(measure(Placed.from_json(options.file.read_text(encoding="utf-8"))))
    if options.json:
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
        return 0
    for name, value in figures.items():
        rows = [f"  {fault}" for fault in value] if name == "faults" else [f"{name:22} {value}"]
        sys.stdout.write("".join(f"{row}\n" for row in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
