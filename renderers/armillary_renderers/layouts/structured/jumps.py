"""Which way early exits get out of a loop's body: decided before anything is measured.

``leave`` always goes out to the right. ``next`` usually goes to the left, into the lane that leads back to the test. It
may also go to the right and back *under* the body, as long as no ``leave`` comes out below it, or *over* the body, as
long as none comes out above it. In a branch that ends in a ``leave`` of its own it may go down on the left, and to the
right under that end. What would cross is counted for each way, and the cheapest is taken; where the usual
places of a gateway's arms make something cross, all others are tried. Blocks without early exits never come here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product, repeat
from typing import NamedTuple

from armillary_renderers.diagram import model as d

SEARCHED = 6
"""Arms beside the main one, of which all places are tried."""


class Costs(NamedTuple):
    """How many edges a ``next`` would cross outside of a block: to the left, or by the right over or under the body."""

    left: int = 0
    over: int = 0
    under: int = 0

    @property
    def best(self) -> str:
        """The cheapest way: the left one if nothing is cheaper."""
        if self.left <= min(self.over, self.under):
            return "next"
        return "under" if self.under <= self.over else "over"


FREE = Costs()
NOT_OVER = Costs(over=1000)
"""In a loop tested after its body, whose test nothing reaches from above."""


class Exits(NamedTuple):
    """What control does at the end of a block, and how many nodes the block has."""

    goes_on: bool = True
    leaves: bool = False
    nexts: bool = False
    nodes: int = 1

    @property
    def jumps(self) -> bool:
        return self.leaves or self.nexts


_LEAVES = {"on": Exits(), "leave": Exits(False, True), "next": Exits(False, nexts=True), "end": Exits(False)}
"""Of single nodes, by where control goes from them."""


_NOTHING = Exits(nodes=0)


class Arrangement(NamedTuple):
    """The arm on the axis, those right (1) and left (-1) of it from the inside out, and what a ``next`` in each would
    cross."""

    main: int
    standing: dict[int, list[int]]
    costs: list[Costs]


class Jumps:
    """The exits of every block of a diagram, by the block's identity; empty where the diagram has no early exit.

    ``crossed`` grows while the diagram is measured: 0 at the end promises a drawing without a crossing.
    """

    def __init__(self, diagram: d.Diagram) -> None:
        self.crossed = 0
        self._found: dict[int, Exits] = {}
        self._jumping: set[int] = set()
        if any(
            node.kind in ("leave", "next") for node in diagram.nodes
        ):  # an edge may go on as another loop's way back
            self._sequence(diagram.root)

    def __bool__(self) -> bool:
        return bool(self._found)

    def of(self, block: d.Block) -> Exits:
        return _LEAVES[block.exit] if type(block) is d.Leaf else self._found[id(block)]

    def costs(self, block: d.Sequence, costs: Costs) -> Iterator[Costs]:
        """For each item: a ``next`` in it that goes over or under must not meet a ``leave`` above or below it; where it
        goes under the block's end, that counts as the way to the left."""
        if id(block) not in self._jumping:
            return repeat(FREE, len(block.items))
        left, over, under = costs
        leaving = [index for index, item in enumerate(block.items) if self.of(item).leaves]
        if not leaving:
            return repeat(costs, len(block.items))
        first, last = leaving[0], leaving[-1]
        each = [Costs(left, over + (index > first), under + (index < last)) for index in range(len(block.items))]
        end = self._under_its_end(block, costs)
        return iter([cost._replace(left=end) if end < min(cost) else cost for cost in each])

    def turns_under(self, block: d.Sequence, costs: Costs) -> bool:
        """Whether what goes to the left in a block goes on down beside it and to the right under its end."""
        return id(block) in self._jumping and self._under_its_end(block, costs) < costs.left

    def _under_its_end(self, block: d.Sequence, costs: Costs) -> int:
        return costs.under + self.of(block).goes_on

    def arrange(self, block: d.Branching, costs: Costs, only: int) -> Arrangement | None:
        """Where arms stand and how their exits run; ``None`` where none has an early exit."""
        if id(block) not in self._jumping:
            return None
        arms = [self.of(arm.body) for arm in block.arms]
        best: tuple[int, Arrangement] | None = None
        for main, places in _places(block, arms, only):
            standing = _standing(arms, places)
            order = [*reversed(standing[-1]), main, *standing[1]]
            crossed, found = _weighed([arms[index] for index in order], costs)
            if best is None or crossed < best[0]:
                inside = [cost for _, cost in sorted(zip(order, found, strict=True))]
                best = crossed, Arrangement(main, standing, inside)
            if not crossed:
                break
        assert best is not None
        self.crossed += best[0]
        return best[1]

    def guard(self, block: d.Guard, costs: Costs) -> tuple[int, Costs, Costs]:
        """The side of a try's handlers, and what a ``next`` in its body and in its handlers would cross."""
        if id(block) not in self._jumping or block.handler is None:
            return 1, costs, costs
        body, handler = self.of(block.body), self.of(block.handler)
        left, over, under = costs
        passing = handler.goes_on + self._fails_below(block)
        right = (
            Costs(left, over + passing + handler.leaves, under + passing),
            Costs(left + body.goes_on + body.leaves, over, under + body.leaves),
        )
        crossed_right = body.leaves * passing + body.nexts * min(right[0]) + handler.nexts * min(right[1])
        turned = (
            Costs(left + passing, over, under + handler.leaves),
            Costs(left, over + body.goes_on + body.jumps, under + body.goes_on + body.nexts),
        )
        crossed_left = handler.leaves * body.goes_on
        crossed_left += body.nexts * min(turned[0]) + handler.nexts * min(turned[1])
        self.crossed += min(crossed_left, crossed_right)
        return (-1, *turned) if crossed_left < crossed_right else (1, *right)

    def _fails_below(self, block: d.Guard) -> bool:
        """True where a failure leaves the body below an early exit: from its frame it leaves above all of them."""
        above = False
        for item in block.body.items:
            if above and isinstance(item, d.Leaf) and item.node in block.sources:
                return True
            above = above or self.of(item).jumps
        return False

    # ── exits, bottom up ─────────────────────────────────────────────────────────────────────────────────────────

    def _sequence(self, block: d.Sequence) -> Exits:
        if not block.items:
            self._found[id(block)] = _NOTHING
            return _NOTHING
        found = [_LEAVES[item.exit] if type(item) is d.Leaf else self._block(item) for item in block.items]
        return self._keep(block, found, found[-1].goes_on)

    def _block(self, block: d.Block) -> Exits:
        match block:
            case d.Leaf():
                return _LEAVES[block.exit]
            case d.Sequence():
                return self._sequence(block)
            case d.Branching(arms=arms, join=join):
                found = [self._sequence(arm.body) for arm in arms]
                return self._keep(block, found, join is not None or any(part.goes_on for part in found))
            case d.Guard(body=body, handler=handler, compensation=compensation):
                found = [self._sequence(body)] + ([] if handler is None else [self._block(handler)])
                if compensation is not None:
                    self._sequence(compensation)
                return self._keep(block, found, any(part.goes_on for part in found))
            case d.Loop(body=body) | d.Nested(body=body):
                made = Exits(nodes=self._sequence(body).nodes + 1)
                self._found[id(block)] = made
                return made

    def _keep(self, block: d.Block, found: Iterable[Exits], goes_on: bool) -> Exits:
        nodes, leaves, nexts = 0, False, False
        for _, leaving, returning, count in found:
            nodes += count
            leaves = leaves or leaving
            nexts = nexts or returning
        if leaves or nexts:
            self._jumping.add(id(block))
        made = self._found[id(block)] = Exits(goes_on, leaves, nexts, nodes)
        return made


def _places(block: d.Branching, arms: list[Exits], only: int) -> Iterator[tuple[int, dict[int, int]]]:
    """The arm on the axis and sides for the others: the usual ones first. Another arm is put on the axis only where
    none goes on, so that there is no main line."""
    mains = range(len(arms)) if not any(arm.goes_on for arm in arms) else ()
    for main in (block.main, *mains):
        beside = [index for index in range(len(arms)) if index != main]
        usual = dict.fromkeys(beside, only) if only else _usual(arms, main, beside)
        yield main, usual
        if len(beside) <= SEARCHED and not only:
            for turned in product((1, -1), repeat=len(beside)):
                yield main, {index: side * turn for (index, side), turn in zip(usual.items(), turned, strict=True)}


def _usual(arms: list[Exits], main: int, beside: list[int]) -> dict[int, int]:
    """What leaves goes right and what returns left; other arms fill the smaller side, unless the main arm needs it."""
    usual: dict[int, int] = {}
    filled = {1: 0, -1: 0}
    axis = arms[main]
    for index in beside:
        arm = arms[index]
        if arm.leaves != arm.nexts:
            side = 1 if arm.leaves else -1
        elif axis.leaves != axis.nexts:
            side = -1 if axis.leaves else 1
        elif not arm.nodes and not filled[-1]:
            side = -1
        else:
            side = 1 if filled[1] <= filled[-1] else -1
        usual[index] = side
        filled[side] += arm.nodes + 1
    return usual


def _standing(arms: list[Exits], places: dict[int, int]) -> dict[int, list[int]]:
    """From the inside out: what jumps to that side stands outermost, of those what does not go on."""
    found: dict[int, list[int]] = {1: [], -1: []}
    for index, side in places.items():
        found[side].append(index)
    found[1].sort(key=lambda index: (arms[index].leaves, arms[index].jumps and not arms[index].goes_on))
    found[-1].sort(key=lambda index: (arms[index].nexts, arms[index].jumps and not arms[index].goes_on))
    return found


def _weighed(arms: list[Exits], costs: Costs) -> tuple[int, list[Costs]]:
    """How much crosses with the arms in that order from left to right, and what a ``next`` in each would cross."""
    crossed, found = 0, []
    going, leaving = sum(arm.goes_on for arm in arms), sum(arm.leaves for arm in arms)
    before = left = rightward = over = 0
    for arm in arms:
        after = going - before - arm.goes_on
        further = leaving - left - arm.leaves
        cost = Costs(costs.left + before + rightward, costs.over + after + further, costs.under + after + left + over)
        found.append(cost)
        crossed += arm.leaves * after + arm.nexts * min(cost)
        before += arm.goes_on
        left += arm.leaves
        rightward += arm.leaves or (arm.nexts and cost.best != "next")
        over += arm.nexts and cost.best == "over"
    return crossed, found
