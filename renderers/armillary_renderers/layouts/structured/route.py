"""Edges under way: where one has got to, and how it reaches its target."""

from __future__ import annotations

from dataclasses import dataclass, field

from armillary_renderers.diagram.geometry import Box, Route, clean

NEAR = 8
CLEAR = 14
"""An edge passes a node's side at this distance before it turns into it."""


@dataclass(slots=True)
class End:
    """An edge whose target is not reached yet. Its last point is the corner (or border) it goes on from."""

    source: str
    slot: str
    points: list[tuple[int, int]]
    beside: tuple[int, int] | None = None
    """Left border and centre y of a plain node, whose side a returning edge may leave from instead."""
    way: int = 0
    """Of one that goes out to the right: 0 on, after the loop; back to its test over the body -1, or under it 1."""

    @property
    def x(self) -> int:
        return self.points[-1][0]

    @property
    def y(self) -> int:
        return self.points[-1][1]

    def turn(self, *points: tuple[int, int]) -> End:
        return End(self.source, self.slot, [*self.points, *points], None, self.way)


@dataclass(slots=True)
class Entry:
    """How a block is entered: its first node, and which of the node's sides are free for edges from other columns."""

    node: str
    x: int
    y: int
    """Centre of the node."""
    half: int
    top: int
    """Upper border of the node."""
    clear: int
    """Upper border of the block, of a frame if it has one: where edges come together is above it."""
    left_free: bool = False
    right_free: bool = False
    border: int | None = None
    """Left border of the frame that an edge from the left passes on its way in; it must not run along it."""


@dataclass(slots=True)
class Flow:
    """What a placed block gives to the one around it. ``leaves`` go on to the right and ``nexts`` to the left."""

    entry: Entry | None
    ends: list[End] = field(default_factory=list)
    leaves: list[End] = field(default_factory=list)
    nexts: list[End] = field(default_factory=list)


@dataclass(slots=True)
class Routes:
    """The finished edges by (source, slot), and which sides of nodes are taken."""

    bus: int
    points: dict[tuple[str, str], Route] = field(default_factory=dict)
    labels: dict[tuple[str, str], Box] = field(default_factory=dict)
    taken: set[tuple[str, int]] = field(default_factory=set)
    entered: set[tuple[str, int]] = field(default_factory=set)
    """Sides of nodes that edges from other columns come in by."""

    def finish(self, end: End, *points: tuple[int, int]) -> None:
        self.points[end.source, end.slot] = clean([*end.points, *points])

    def connect(self, ends: list[End], entry: Entry) -> None:
        """Straight from above where the axis is the same; else into a free side (one bend); else from above (two)."""
        axis = entry.x
        for end in ends:
            x = end.x
            if x == axis:
                points = end.points
                if len(points) == 1 and points[0][1] < entry.top:
                    self.points[end.source, end.slot] = (points[0], (axis, entry.top))
                else:
                    self.finish(end, (axis, entry.top))
                continue
            side = 1 if x > axis else -1
            free = entry.right_free if side > 0 else entry.left_free
            free = free and (entry.node, side) not in self.taken and not _along(x, entry)
            if free and abs(x - axis) >= entry.half + CLEAR:
                self.finish(end, (x, entry.y), (axis + side * entry.half, entry.y))
                self.entered.add((entry.node, side))
            else:
                level = entry.clear - self.bus
                self.finish(end, (x, level), (axis, level), (axis, entry.top))


def _along(x: int, entry: Entry) -> bool:
    return entry.border is not None and abs(x - entry.border) < 2 * NEAR


def under(ends: list[End], lane: int | None, x: int, bus: int) -> list[End]:
    """Early exits that outer columns stand in the way of: down a lane, then under those columns."""
    if lane is None:
        return ends
    turned = []
    for end in ends:
        beside, level = x + lane - NEAR * end.way, bus + NEAR * end.way
        turned.append(end.turn((beside, end.y), (beside, level)))
    return turned


def turned_under(ends: list[End], lane: int, bus: int) -> list[End]:
    """Early exits on the left that go down a lane there, and on to the right as those under a loop's body do."""
    return [End(end.source, end.slot, [*end.points, (lane, end.y), (lane, bus)], None, 1) for end in ends]
