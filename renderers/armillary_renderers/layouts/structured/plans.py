"""Measured blocks: extents to the left and right of the axis, the height, and where inner blocks stand.

All numbers are relative: x to the block's axis (its main line), y to its top. ``entry`` is the y of the centre of the
node that control enters. ``leaves`` and ``nexts`` say whether an edge leaves the block to the right (out of a loop, or
around the rest of its body) or to the left (to its test); they cross the block's border horizontally, so nothing may
stand in their way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from armillary_renderers.layout import Options

HEAD = 10
"""Room for an arrowhead."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """Pixels. ``swap``: the flow runs sideways, so widths and heights trade places."""

    gap: int = 24
    """Between one step and the next."""
    column: int = 22
    """Between branches."""
    lane: int = 14
    """Between a lane and what it passes."""
    drop: int = 26
    """Below a gateway."""
    pad: int = 12
    """Inside a frame."""
    title: int = 18
    """A frame's title, where it has one."""
    bus: int = 12
    """Above a node: where edges from other columns come together."""
    label: int = 6
    """Between an edge and its label."""
    margin: int = 20
    swap: bool = False


def spacing(options: Options) -> Spacing:
    """The distances for a density, and whether the flow runs sideways."""
    swap = options.direction != "down"
    match options.density:
        case "compact":
            return Spacing(gap=22, column=16, lane=12, drop=24, pad=10, bus=10, swap=swap)
        case "airy":
            return Spacing(gap=40, column=40, lane=20, drop=38, pad=18, bus=18, swap=swap)
    return Spacing(swap=swap)


@dataclass(slots=True)
class Plan:
    """What every measured block has."""

    left: int
    right: int
    height: int
    entry: int
    """y of the centre of the node that is entered first."""
    half: int = 0
    """Half of that node's width."""
    leaves: bool = False
    nexts: bool = False
    over: bool = False
    under: bool = False
    """Of what leaves to the right, some goes back to the test, over the body or under it: above, below the rest."""
    framed: bool = False
    """A frame stands around the entry; edges come in from above only."""

    def pass_on(self, inner: Plan) -> None:
        """What leaves a block inside leaves this one too."""
        self.leaves = self.leaves or inner.leaves
        self.nexts = self.nexts or inner.nexts
        self.over = self.over or inner.over
        self.under = self.under or inner.under


@dataclass(slots=True)
class LeafPlan(Plan):
    """One node."""

    node: str = ""
    exit: str = "on"


@dataclass(slots=True)
class SequencePlan(Plan):
    """Blocks below each other on one axis."""

    items: list[Plan] = field(default_factory=list)
    tops: list[int] = field(default_factory=list)
    turned: tuple[int, int] | None = None
    """x of a lane on the left, down which early exits go, and y at which they pass under all of it to the right."""


@dataclass(slots=True)
class Column:
    """One arm beside or on the axis. ``lane``: x of the lane in which its early exits get past outer columns."""

    slot: str
    plan: SequencePlan
    side: int
    """-1 left of the axis, 0 on it, +1 right of it."""
    x: int = 0
    left: int = 0
    right: int = 0
    top: int = 0
    level: bool = False
    """Its first node stands beside the gateway and is entered straight from the gateway's corner."""
    above: bool = False
    """The label of an arm without steps stands above the level stretch, where no other edge is."""
    leave_lane: int | None = None
    next_lane: int | None = None


@dataclass(slots=True)
class BranchingPlan(Plan):
    """A gateway, its columns and its join."""

    node: str = ""
    columns: list[Column] = field(default_factory=list)
    head: int = 0
    """Top of the gateway."""
    leave_bus: int = 0
    next_bus: int = 0
    """y at which early exits pass under the columns; meaningful where a column has a lane."""
    join: str | None = None
    join_top: int = 0

    def has(self, side: int) -> bool:
        return any(column.side == side for column in self.columns)


@dataclass(slots=True)
class LoopPlan(Plan):
    """A loop in its frame."""

    node: str = ""
    body: SequencePlan | None = None
    body_x: int = 0
    """Of the body's axis."""
    level: bool = False
    """The body's first node stands beside the test and is entered straight from its corner."""
    before: bool = True
    group: str = ""
    head: int = 0
    """Top of the node that tests."""
    top: int = 0
    """Of the body."""
    back: int = 0
    """x of the lane of the edges that go back."""
    next_lane: int = 0
    bus: int = 0
    """y at which edges go back under the body."""
    around: int = 0
    high: int = 0
    """x of the lane of the edges that go back around the body, and y at which they pass over it."""
    exit: int = 0
    """x of the lane of the edges that leave."""
    frame: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, top, right, bottom."""


@dataclass(slots=True)
class NestedPlan(Plan):
    """A child workflow in its frame."""

    step: str = ""
    body: SequencePlan | None = None
    top: int = 0
    """Of the body."""


@dataclass(slots=True)
class GuardPlan(Plan):
    """A try: its body, the handlers beside it, the compensation on the other side."""

    step: str = ""
    body: SequencePlan | None = None
    body_top: int = 0
    sources: tuple[str, ...] = ()
    side: int = 1
    """Of the handlers; the compensation stands on the other."""
    handler: Plan | None = None
    handler_x: int = 0
    handler_top: int = 0
    handler_lane: bool = False
    """Early exits of the handlers pass under the body, from a lane before the handlers."""
    handler_beside: bool = True
    """Entered from its side, at the height of the last source; otherwise from above."""
    source_y: int = 0
    """Where a failure leaves the frame, if it does."""
    compensation: SequencePlan | None = None
    compensation_x: int = 0
    compensation_top: int = 0
    compensation_beside: bool = True
    compensation_y: int = 0
    frame: tuple[int, int, int, int] | None = None
    leave_lane: int | None = None
    next_lane: int | None = None
    leave_bus: int = 0
    next_bus: int = 0
