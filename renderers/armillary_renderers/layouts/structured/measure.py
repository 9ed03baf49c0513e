"""Measure blocks, bottom up: every block's extents around its axis, and the lanes it needs."""

from __future__ import annotations

from itertools import repeat

from armillary_renderers.diagram import model as d
from armillary_renderers.layouts.structured.guards import GuardMeasurer
from armillary_renderers.layouts.structured.jumps import FREE, NOT_OVER, Costs, Jumps
from armillary_renderers.layouts.structured.plans import (
    HEAD,
    BranchingPlan,
    Column,
    GuardPlan,
    LeafPlan,
    LoopPlan,
    NestedPlan,
    Plan,
    SequencePlan,
    Spacing,
)
from armillary_renderers.layouts.structured.route import NEAR
from armillary_renderers.layouts.structured.sides import enters_beside, last_returns_beside, level, second_row, sides
from armillary_renderers.sizes import DETAIL_SIZE
from armillary_renderers.svg.text_metrics import text_width

_NO_LABEL = (0, 0)


class Measurer:
    """Measures the blocks of one diagram."""

    def __init__(self, diagram: d.Diagram, space: Spacing) -> None:
        self.space = space
        self.jumps = Jumps(diagram)
        if space.swap:
            self.sizes = {node.id: (node.height, node.width) for node in diagram.nodes}
        else:
            self.sizes = {node.id: (node.width, node.height) for node in diagram.nodes}
        self.labels = {
            (edge.source, edge.slot): (edge.label_height, edge.label_width)
            if space.swap
            else (edge.label_width, edge.label_height)
            for edge in diagram.edges
            if edge.label_width
        }
        self.titled = {group.id: text_width(group.title, DETAIL_SIZE) for group in diagram.groups if group.title}

    def label(self, source: str, slot: str) -> tuple[int, int]:
        return self.labels.get((source, slot), _NO_LABEL)

    def block(self, block: d.Block, costs: Costs = FREE) -> Plan:
        """``costs``: what a ``next`` in the block would cross outside of it."""
        match block:
            case d.Branching():
                return self.branching(block, costs)
            case d.Loop():
                return self.loop(block) if block.before else self.until(block)
            case d.Guard():
                return GuardMeasurer(self).guard(block, costs)
            case d.Leaf():
                return self.leaf(block, costs)
            case d.Sequence():
                return self.sequence(block, costs)
            case d.Nested(step, inside):
                return self.nested(step, inside)

    def leaf(self, block: d.Leaf, costs: Costs) -> LeafPlan:
        width, height = self.sizes[block.node]
        half = width // 2
        leaving: str = block.exit
        if leaving == "next":
            leaving = costs.best
        plan = LeafPlan(half, half, height, height // 2, half, False, False, False, False, False, block.node, leaving)
        if leaving != "on":
            plan.nexts, plan.over, plan.under = leaving == "next", leaving == "over", leaving == "under"
            plan.leaves = plan.over or plan.under or leaving == "leave"
        return plan

    def sequence(self, block: d.Sequence, costs: Costs = FREE) -> SequencePlan:
        plan = SequencePlan(0, 0, 0, 0)
        if not block.items:
            return plan
        left = right = y = 0
        gap = self.space.gap
        items, tops = plan.items, plan.tops
        for item, cost in zip(block.items, self.jumps.costs(block, costs), strict=False):
            inner = self.leaf(item, cost) if type(item) is d.Leaf else self.block(item, cost)
            if items:
                y += gap
            else:
                plan.entry, plan.half, plan.framed = inner.entry, inner.half, inner.framed
            items.append(inner)
            tops.append(y)
            y += inner.height
            if inner.left > left:
                left = inner.left
            if inner.right > right:
                right = inner.right
            if inner.leaves or inner.nexts:
                plan.pass_on(inner)
        plan.left, plan.right, plan.height = left, right, y
        if plan.nexts and self.jumps.turns_under(block, costs):
            self._turn(plan)
        return plan

    def _turn(self, plan: SequencePlan) -> None:
        """Room for early exits that go down on the left and to the right under the block."""
        plan.turned = -plan.left - self.space.lane, plan.height + NEAR
        plan.left += self.space.lane
        plan.height += NEAR + 4
        plan.nexts, plan.leaves, plan.under = False, True, True

    def nested(self, step: str, inside: d.Sequence) -> NestedPlan:
        """A frame around a whole flow, entered and left on the axis; as wide as its title."""
        body = self.sequence(inside)
        start, before = self.pads(step)
        height, right = start + body.height + self.space.pad, body.right + self.space.pad
        title = self.titled[step] + 2 * self.space.pad
        if self.space.swap:
            height = max(height, title)
        else:
            right = max(right, title - body.left - before)
        return NestedPlan(
            body.left + before, right, height, height // 2, framed=True, step=step, body=body, top=start
        )  # fmt: skip

    # ── branches ─────────────────────────────────────────────────────────────────────────────────────────────────

    def branching(self, block: d.Branching, costs: Costs = FREE, only: int = 0) -> BranchingPlan:
        """``only``: all arms beside the axis go to that side (the handlers of a try stand on its outer side)."""
        space = self.space
        width, height = self.sizes[block.node]
        arranged = self.jumps.arrange(block, costs, only)
        inside = repeat(FREE) if arranged is None else arranged.costs
        plans = [self.sequence(arm.body, cost) for arm, cost in zip(block.arms, inside, strict=False)]
        drop = max([space.drop, *[self.label(block.node, arm.slot)[1] + space.drop // 2 for arm in block.arms]])
        axis = block.main if arranged is None else arranged.main
        main = Column(block.arms[axis].slot, plans[axis], 0)
        label = self.label(block.node, main.slot)[0]
        main.left = main.plan.left
        main.right = max(main.plan.right, label + 2 * space.label if label else 0)
        standing = sides(block, plans, only) if arranged is None else arranged.standing
        columns = [main]
        reach = {-1: main.left, 1: main.right}
        outermost = {-1: main, 1: main}
        for side in (1, -1):
            beside = level(block, plans, standing, side)
            for index in standing[side]:
                column = Column(block.arms[index].slot, plans[index], side, level=beside)
                column.above = not plans[index].items and len(standing[side]) == 1 and not space.swap
                near = self._lanes(column, reach[side], outermost[side])
                self._stand(block, column, near, width // 2)
                columns.append(column)
                reach[side] = abs(column.x) + (column.right if side > 0 else column.left)
                outermost[side] = column
        plan = BranchingPlan(
            left=max(reach[-1], width // 2),
            right=max(reach[1], width // 2),
            height=0,
            entry=0,
            half=width // 2,
            node=block.node,
            columns=columns,
        )
        self._heights(plan, height, drop)
        if arranged is not None:
            for inner in plans:
                plan.pass_on(inner)
            if any(column.leave_lane is not None or column.next_lane is not None for column in columns):
                self.buses(plan)
        if block.join is not None:
            self._join(plan, block.join)
        return plan

    def _lanes(self, column: Column, reach: int, inner: Column) -> int:
        """Lanes before a column, where early exits of a neighbour must get past the other; gives how far that reaches
        beyond the axis."""
        space, side = self.space, column.side
        if (side > 0 and inner.plan.leaves) or (side < 0 and inner.plan.nexts):
            reach += space.lane
            if side > 0:
                inner.leave_lane = reach + NEAR * inner.plan.under
                reach += NEAR * (inner.plan.under + inner.plan.over)
            else:
                inner.next_lane = -reach
        if column.plan.nexts if side > 0 else column.plan.leaves:
            reach += space.lane + NEAR * (side < 0 and column.plan.under + column.plan.over)
            if side > 0:
                column.next_lane = reach
            else:
                column.leave_lane = -reach
        return reach

    def _stand(self, block: d.Branching, column: Column, reach: int, half: int) -> None:
        """Where a column stands: beyond what is inside of it, and far enough from the gateway for its label."""
        space, plan, side = self.space, column.plan, column.side
        label = self.label(block.node, column.slot)[0]
        wide = label + 2 * space.label if label else 0
        inward, outward = (plan.left, plan.right) if side > 0 else (plan.right, plan.left)
        if column.level:
            gap = max(space.column, wide + HEAD) + (inward if space.swap else plan.half)
        elif column.above:
            gap = max(space.column // 2, wide)
        else:
            outward = max(outward, wide)
            gap = space.column // 2
        x = max(reach + space.column + inward, half + gap)
        lane = column.next_lane if side > 0 else column.leave_lane
        if lane is not None:  # close to the column, not to what it passes
            near = side * (x - inward - space.lane - NEAR * (side < 0 and plan.under))
            column.next_lane, column.leave_lane = (near, None) if side > 0 else (None, near)
        column.x = side * x
        column.left, column.right = (inward, outward) if side > 0 else (outward, inward)

    def _heights(self, plan: BranchingPlan, height: int, drop: int) -> None:
        """Tops of the gateway and its columns. A label over a level edge stays within the block."""
        space = self.space
        for column in plan.columns:
            if column.level:
                tall = 0 if space.swap else self.label(plan.node, column.slot)[1]
                column.top = height // 2 - column.plan.entry
                plan.head = max(plan.head, -column.top, tall + space.label - height // 2)
            else:
                column.top = height + drop
                if column.above:
                    tall = self.label(plan.node, column.slot)[1]
                    plan.head = max(plan.head, tall + space.label - height // 2)
        for column in plan.columns:
            column.top += plan.head
        plan.entry = plan.head + height // 2
        if any(column.plan.items for column in plan.columns):
            plan.height = max([column.top + column.plan.height for column in plan.columns])
        else:
            plan.height = plan.head + height + drop - space.drop // 2

    def buses(self, plan: BranchingPlan | GuardPlan) -> None:
        """Room under a block for early exits on their way to the right and, below those, to the left."""
        plan.leave_bus = plan.height + NEAR + NEAR * plan.over
        plan.next_bus = plan.leave_bus + NEAR + NEAR * plan.under
        plan.height = plan.next_bus + 4

    def _join(self, plan: BranchingPlan, join: str) -> None:
        width, height = self.sizes[join]
        plan.join = join
        plan.join_top = plan.height + self.space.gap
        plan.height = plan.join_top + height
        plan.left = max(plan.left, width // 2)
        plan.right = max(plan.right, width // 2)

    # ── loops ────────────────────────────────────────────────────────────────────────────────────────────────────

    def loop(self, block: d.Loop) -> LoopPlan:
        """Tested before: the exit goes straight on, the body stands beside the test, and control goes back up between
        the two into the lower border of the test."""
        space = self.space
        width, height = self.sizes[block.node]
        half = width // 2
        body = self.sequence(block.body)
        label, tall = self.label(block.node, "body")
        exit_label, exit_tall = self.label(block.node, "exit")
        start, before = self.pads(block.group)
        second = second_row(body, space)
        level = second >= height // 2 + HEAD and not body.framed and enters_beside(body, -1)
        back = half // 2
        beside = half + max(space.column, label + 2 * space.label + HEAD if label else 0)
        near = body.half if level and not space.swap else body.left
        x = max(back + space.lane + body.left, beside + near)
        lift = max(0, tall + space.label - height // 2)
        drop = space.drop
        if space.swap:
            lift, drop = 0, max(drop, tall + drop // 2)
        if level:
            lift = max(lift, body.entry - height // 2)
        head = start + lift + space.bus * body.over
        top = head + height // 2 - body.entry
        if not level:
            under = height + space.label if body.framed and x - body.left < half else height + HEAD - body.entry
            top = head + max(height // 2 + drop, under)
        bus = max(top + body.height, head + height) + space.pad
        beside_back = last_returns_beside(body) and not (level and len(body.items) == 1)
        level_back = beside_back and not body.under
        bottom = max(bus if level_back else bus + space.pad, head + height + exit_tall + space.pad)
        left = max(half, exit_label + 2 * space.label if exit_label else 0) + before
        around = x + body.right + space.lane
        right = (around if body.over or body.under else x + body.right) + space.pad
        return LoopPlan(
            left=left,
            right=right + (space.lane if body.leaves else 0),
            height=bottom,
            entry=head + height // 2,
            half=half,
            framed=True,
            node=block.node,
            body=body,
            body_x=x,
            level=level,
            before=True,
            group=block.group,
            head=head,
            top=top,
            back=back,
            bus=bus,
            around=around,
            high=start,
            exit=right + space.lane,
            frame=(-left, 0, right, bottom),
        )

    def until(self, block: d.Loop) -> LoopPlan:
        space = self.space
        width, height = self.sizes[block.node]
        body = self.sequence(block.body, NOT_OVER)
        again = self.label(block.node, "back")[0]
        tall = self.label(block.node, "exit")[1]
        exit_label = self.label(block.node, "exit")[0]
        start, before = self.pads(block.group)
        top = start + (0 if enters_beside(body, -1) or not body.items else space.bus)
        head = top + body.height + space.gap if body.items else top
        inner = max(body.left, width // 2) + space.lane
        back = inner + (space.lane if body.nexts else 0)
        left = back + max(before, again + 2 * space.label if again else 0)
        around = max(body.right, width // 2) + space.lane
        right = max(body.right, width // 2, exit_label + 2 * space.label, around * body.under) + space.pad
        bottom = head + height + max(space.pad, tall + space.label)
        return LoopPlan(
            left=left,
            right=right + (space.lane if body.leaves else 0),
            height=bottom,
            entry=top + body.entry if body.items else head + height // 2,
            framed=True,
            node=block.node,
            body=body,
            before=False,
            group=block.group,
            head=head,
            top=top,
            back=-back,
            next_lane=-inner,
            around=around,
            exit=right + space.lane,
            frame=(-left, 0, right, bottom),
        )

    def pads(self, group: str) -> tuple[int, int]:
        """Room in a frame before its first step and on its left; the title stands where the picture's top will be."""
        space = self.space
        title = space.title if group in self.titled else 0
        return (space.pad, space.pad + title) if space.swap else (space.pad + title, space.pad)
