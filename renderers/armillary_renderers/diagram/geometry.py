"""Points, boxes and axis-parallel segments. Integers only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple


class Point(NamedTuple):
    """A place, x to the right and y downward."""

    x: int
    y: int


class Box(NamedTuple):
    """A rectangle by its top left corner and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def center(self) -> Point:
        return Point(self.x + self.width // 2, self.y + self.height // 2)


Route = tuple[tuple[int, int], ...]
"""The points of a polyline: plain tuples, which cost the garbage collector nothing."""


class Segment(NamedTuple):
    """Horizontal or vertical, its ends in ascending order."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def horizontal(self) -> bool:
        return self.y1 == self.y2


def clean(points: Sequence[tuple[int, int]]) -> Route:
    """The same polyline without repeated and without collinear points."""
    if len(points) == 2:
        return tuple(points)
    kept: list[tuple[int, int]] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1:
            x, y = point
            (x0, y0), (x1, y1) = kept[-2], kept[-1]
            onward = (x0 == x1 == x and (y1 - y0) * (y - y1) > 0) or (y0 == y1 == y and (x1 - x0) * (x - x1) > 0)
            if onward:
                kept.pop()
        kept.append(point)
    return tuple(kept)


def segments(points: Sequence[tuple[int, int]]) -> Iterator[Segment]:
    """The straight stretches of a polyline."""
    for (x1, y1), (x2, y2) in pairwise(points):
        yield Segment(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def overlap(a: Box, b: Box) -> bool:
    """True where the insides of two boxes meet."""
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def through(segment: Segment, box: Box) -> bool:
    """True where a segment passes through the inside of a box."""
    return segment.x1 < box.right and segment.x2 > box.x and segment.y1 < box.bottom and segment.y2 > box.y


def gap(segment: Segment, box: Box) -> int:
    """The larger of the horizontal and the vertical distance; 0 where they touch."""
    dx = max(box.x - segment.x2, segment.x1 - box.right, 0)
    dy = max(box.y - segment.y2, segment.y1 - box.bottom, 0)
    return max(dx, dy)


def cross(a: Segment, b: Segment) -> bool:
    """True where a horizontal and a vertical segment meet at a point inside both."""
    if a.horizontal == b.horizontal:
        return False
    flat, upright = (a, b) if a.horizontal else (b, a)
    return flat.x1 < upright.x1 < flat.x2 and upright.y1 < flat.y1 < upright.y2


def shared(a: Segment, b: Segment) -> int:
    """The length that two segments on one line have in common."""
    if a.horizontal != b.horizontal:
        return 0
    if a.horizontal:
        return max(0, min(a.x2, b.x2) - max(a.x1, b.x1)) if a.y1 == b.y1 else 0
    return max(0, min(a.y2, b.y2) - max(a.y1, b.y1)) if a.x1 == b.x1 else 0
