"""Which side of a block is free, and which arms of a gateway stand on which side of it."""

from __future__ import annotations

from armillary_renderers.diagram import model as d
from armillary_renderers.layouts.structured.plans import (
    HEAD,
    BranchingPlan,
    GuardPlan,
    LeafPlan,
    Plan,
    SequencePlan,
    Spacing,
)

FAR = 1_000_000


def enters_beside(plan: Plan, side: int) -> bool:
    """True where the node entered first can be reached from that side."""
    match plan:
        case LeafPlan():
            return not (plan.leaves and side > 0) and not (plan.nexts and side < 0)
        case BranchingPlan():
            return not plan.has(side)
        case SequencePlan():
            return bool(plan.items) and enters_beside(plan.items[0], side)
    return False


def ends_on_the_left(plan: Plan) -> bool:
    """True where an edge out of the block may come from the left of its axis."""
    match plan:
        case BranchingPlan(join=None):
            return plan.has(-1)
        case GuardPlan():
            return plan.handler is not None and plan.side < 0
    return False


def returns_beside(plan: Plan, node: str) -> bool:
    """True where an edge can leave the node, the last on the block's axis, to the left without meeting anything."""
    match plan:
        case LeafPlan():
            return plan.node == node
        case SequencePlan():
            return bool(plan.items) and returns_beside(plan.items[-1], node)
        case BranchingPlan(join=None):
            others = [column for column in plan.columns if column.side < 0]
            if others and (plan.node == node or not goes_back(plan)):
                return plan.node == node and goes_back(plan)
            return returns_beside(plan.columns[0].plan, node)
    return False


def goes_back(plan: BranchingPlan) -> bool:
    """True where the only arm on the left has no steps: at the end of a loop's body it goes back straight."""
    left = [column for column in plan.columns if column.side < 0]
    return len(left) == 1 and not left[0].plan.items


def sides(block: d.Branching, plans: list[SequencePlan], only: int) -> dict[int, list[int]]:
    """Which arms stand right and left of the axis, from the inside out, where none has an early exit.

    They fill the side that is narrower. What stands before or after the gateway has no say: so a step inserted there
    moves nothing sideways.
    """
    found: dict[int, list[int]] = {1: [], -1: []}
    widths = {1: 0, -1: 0}
    for index, plan in enumerate(plans):
        if index == block.main:
            continue
        if only:
            side = only
        elif not plan.items and not found[-1] and block.join is None:
            side = -1
        else:
            side = 1 if widths[1] <= widths[-1] else -1
        widths[side] += plan.left + plan.right + 1
        found[side].append(index)
    for beside in found.values():
        if len(beside) > 1:  # What comes back to the main line need not go around what does not.
            beside.sort(key=lambda index: not goes_on(plans[index]))
    return found


def goes_on(plan: Plan) -> bool:
    """False where control ends in the block, whichever way it takes."""
    match plan:
        case LeafPlan():
            return plan.exit == "on"
        case SequencePlan():
            return not plan.items or goes_on(plan.items[-1])
        case BranchingPlan(join=None):
            return any(goes_on(column.plan) for column in plan.columns)
        case GuardPlan(body=body, handler=handler):
            return (body is not None and goes_on(body)) or (handler is not None and goes_on(handler))
    return True


def level(block: d.Branching, plans: list[SequencePlan], standing: dict[int, list[int]], side: int) -> bool:
    """True where the arm on that side may stand beside the gateway and be entered straight from its corner.

    More than three ways begin in one row below the gateway.
    """
    if len(standing[side]) != 1 or len(plans) > 3:
        return False
    plan = plans[standing[side][0]]
    return bool(plan.items) and not plan.framed and enters_beside(plan, -side)


def last_returns_beside(body: SequencePlan) -> bool:
    """True where control surely goes back from the left side of the body's last node."""
    if not body.items or not isinstance(body.items[-1], LeafPlan):
        return False
    return len(body.items) == 1 or not ends_on_the_left(body.items[-2])


def second_row(body: SequencePlan, space: Spacing) -> int:
    """How far below the centre of a loop's first node the next ones stand at least. The first node may stand beside the
    test only if they are below the test: what goes back from them would run through it otherwise."""
    if not body.items:
        return 0
    first, below = body.items[0], [(0, top, plan) for plan, top in zip(body.items[1:], body.tops[1:], strict=True)]
    if isinstance(first, BranchingPlan):
        below += [(arm.x, arm.top, arm.plan) for arm in first.columns if arm.plan.items and not arm.level]
    rows = []
    for x, top, plan in below:  # along an upright flow, what is wide may reach under the test with its upper border
        reaches = plan.left - x > first.half and not space.swap
        rows.append(top + (HEAD - space.label if reaches else plan.entry) - first.entry)
    return min(rows, default=FAR)
