"""Measure a try: its body, its handlers beside it, its compensation on the other side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from armillary_renderers.diagram import model as d
from armillary_renderers.layouts.structured.jumps import Costs
from armillary_renderers.layouts.structured.plans import GuardPlan, LeafPlan, NestedPlan, Plan
from armillary_renderers.layouts.structured.route import NEAR
from armillary_renderers.layouts.structured.sides import enters_beside

if TYPE_CHECKING:
    from armillary_renderers.layouts.structured.measure import Measurer


ABOVE = 2
"""What leaves a frame above its body's early exits leaves this far above its body."""


class GuardMeasurer:
    """Measures one try, with the measurer of the blocks inside it."""

    def __init__(self, measurer: Measurer) -> None:
        self.measurer = measurer
        self.space = measurer.space

    def guard(self, block: d.Guard, costs: Costs) -> GuardPlan:
        """The plan of a try: the body first, then what stands beside it."""
        space = self.space
        side, in_body, in_handler = self.measurer.jumps.guard(block, costs)
        body = self.measurer.sequence(block.body, in_body)
        start = before = after = 0
        if block.group is not None:
            start, before = self.measurer.pads(block.group)
            after = space.pad
        handler = self._measured_handler(block, side, in_handler)
        plan = GuardPlan(
            left=body.left + before,
            right=body.right + after,
            height=start + body.height + after,
            entry=start + body.entry,
            leaves=body.leaves,
            nexts=body.nexts,
            over=body.over,
            under=body.under,
            framed=block.group is not None,
            step=block.step,
            body=body,
            body_top=start,
            sources=block.sources,
            side=side,
        )
        if block.group is not None:
            plan.frame = (-plan.left, 0, plan.right, plan.height)
        if block.handler is not None:
            assert handler is not None
            self._handler(block, plan, handler)
        if block.compensation is not None:
            self._compensation(block, plan)
        if plan.leave_lane is not None or plan.next_lane is not None or plan.handler_lane:
            self.measurer.buses(plan)
        return plan

    def _measured_handler(self, block: d.Guard, side: int, costs: Costs) -> Plan | None:
        if isinstance(block.handler, d.Branching):
            return self.measurer.branching(block.handler, costs, only=side)
        return None if block.handler is None else self.measurer.block(block.handler, costs)

    def _handler(self, block: d.Guard, plan: GuardPlan, handler: Plan) -> None:
        side, space = plan.side, self.space
        label, tall = max(self.measurer.label(source, "failure") for source in block.sources)
        self._raise_room(plan, self._source_y(block, plan, 0) - tall)
        plan.source_y = self._source_y(block, plan, -1)
        reach = self._past(plan, side)
        near = handler.left if side > 0 else handler.right
        if handler.nexts if side > 0 else handler.leaves:
            near += space.lane + NEAR * (handler.over + handler.under)
            plan.handler_lane = True
        plan.handler = handler
        plan.handler_x = side * (reach + max(space.column, label + 3 * space.label + 8) + near)
        plan.handler_beside = enters_beside(handler, -side)
        if plan.handler_beside:
            plan.handler_top = plan.source_y - handler.entry
        else:
            plan.handler_top = plan.source_y + space.drop
        if plan.handler_top < 0:
            self._lower(plan, -plan.handler_top)
        self._include(plan, handler, plan.handler_x, plan.handler_top)

    def _source_y(self, block: d.Guard, plan: GuardPlan, which: int) -> int:
        """The height at which the first (0) or the last (-1) failure leaves the body."""
        assert plan.body is not None
        if block.sources and block.sources[which] != block.step:
            for item, top in zip(plan.body.items, plan.body.tops, strict=True):
                name = item.node if isinstance(item, LeafPlan) else item.step if isinstance(item, NestedPlan) else ""
                if name == block.sources[which]:
                    return plan.body_top + top + item.entry
        if plan.body.leaves if plan.side > 0 else plan.body.nexts:
            return plan.body_top - ABOVE
        return min(plan.entry, plan.height // 2)

    def _raise_room(self, plan: GuardPlan, label_top: int) -> None:
        """Make room above, so that a label over a level edge stays within the block."""
        missing = self.space.label - label_top
        if missing > 0:
            self._lower(plan, missing)

    def _compensation(self, block: d.Guard, plan: GuardPlan) -> None:
        side, space = -plan.side, self.space
        assert block.compensation is not None
        inner = self.measurer.sequence(block.compensation)
        label, tall = self.measurer.label(block.group or _first(block), "compensation")
        assert plan.body is not None
        above = plan.body.leaves if side > 0 else plan.body.nexts
        self._raise_room(plan, (plan.body_top - ABOVE if above else plan.entry) - tall)
        reach = self._past(plan, side)
        near = inner.left if side > 0 else inner.right
        plan.compensation = inner
        plan.compensation_y = plan.body_top - ABOVE if above else plan.entry
        plan.compensation_x = side * (reach + max(space.column, label + 3 * space.label + 8) + near)
        plan.compensation_beside = enters_beside(inner, -side)
        if plan.compensation_beside:
            plan.compensation_top = plan.compensation_y - inner.entry
        else:
            plan.compensation_top = plan.compensation_y + space.drop
        if plan.compensation_top < 0:
            self._lower(plan, -plan.compensation_top)
        self._include(plan, inner, plan.compensation_x, plan.compensation_top)

    def _past(self, plan: GuardPlan, side: int) -> int:
        """How far the body reaches on a side, with a lane for early exits that something will stand in the way of."""
        assert plan.body is not None
        reach = plan.right if side > 0 else plan.left
        if side > 0 and plan.body.leaves:
            reach += self.space.lane + NEAR * plan.body.under
            plan.leave_lane = reach
            reach += NEAR * plan.body.over
        if side < 0 and plan.body.nexts:
            reach += self.space.lane
            plan.next_lane = -reach
        return reach

    def _lower(self, plan: GuardPlan, by: int) -> None:
        """Move everything down, so that a taller handler beside the first step fits."""
        plan.body_top += by
        plan.entry += by
        plan.source_y += by
        plan.handler_top += by if plan.handler is not None else 0
        plan.compensation_y += by
        plan.compensation_top += by if plan.compensation is not None else 0
        plan.height += by
        if plan.frame is not None:
            left, top, right, bottom = plan.frame
            plan.frame = (left, top + by, right, bottom + by)

    def _include(self, plan: GuardPlan, inner: Plan, x: int, top: int) -> None:
        plan.left = max(plan.left, inner.left - x)
        plan.right = max(plan.right, inner.right + x)
        plan.height = max(plan.height, top + inner.height)
        plan.pass_on(inner)


def _first(block: d.Guard) -> str:
    item = block.body.items[0]
    return item.node if isinstance(item, d.Leaf) else block.step
