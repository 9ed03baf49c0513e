"""Give coordinates, top down: each block gets its axis and its top, and hands back the edges that leave it."""

from __future__ import annotations

from armillary_renderers.diagram.geometry import Box
from armillary_renderers.layouts.structured.measure import Measurer
from armillary_renderers.layouts.structured.plans import (
    BranchingPlan,
    Column,
    GuardPlan,
    LeafPlan,
    LoopPlan,
    NestedPlan,
    Plan,
    SequencePlan,
)
from armillary_renderers.layouts.structured.route import NEAR, End, Entry, Flow, Routes, turned_under, under
from armillary_renderers.layouts.structured.sides import enters_beside, returns_beside

_new = tuple.__new__


class Placer:
    """``boxes`` and ``frames`` by id, ``routes`` the edges."""

    def __init__(self, measurer: Measurer) -> None:
        self.space = measurer.space
        self.sizes, self.label_sizes = measurer.sizes, measurer.labels
        self.boxes: dict[str, Box] = {}
        self.frames: dict[str, Box] = {}
        self.routes = Routes(self.space.bus)

    def block(self, plan: Plan, x: int, y: int) -> Flow:
        match plan:
            case BranchingPlan():
                return self.branching(plan, x, y)
            case LoopPlan():
                return self.loop(plan, x, y) if plan.before else self.until(plan, x, y)
            case GuardPlan():
                return self.guard(plan, x, y)
            case LeafPlan():
                return self.leaf(plan, x, y)
            case SequencePlan():
                return self.sequence(plan, x, y)
            case NestedPlan():
                return self.nested(plan, x, y)
        raise TypeError(plan)

    def node(self, identity: str, x: int, y: int) -> Box:
        width, height = self.sizes[identity]
        box = self.boxes[identity] = _new(Box, (x - width // 2, y, width, height))
        return box

    def label(self, source: str, slot: str, x: int, y: int, side: int = 1) -> None:
        """A label beside an upright segment at ``x``, its top at ``y``."""
        size = self.label_sizes.get((source, slot))
        if size is not None:
            width, height = size
            left = x + self.space.label if side > 0 else x - self.space.label - width
            self.routes.labels[source, slot] = _new(Box, (left, y, width, height))

    def label_above(self, source: str, slot: str, x: int, y: int, side: int) -> None:
        """A label above a level segment at ``y`` that starts at ``x`` and goes to that side."""
        size = self.label_sizes.get((source, slot))
        if size is not None:
            (width, height), room = size, self.space.label
            left = x + room if side > 0 else x - room - width
            self.routes.labels[source, slot] = _new(Box, (left, y - room // 2 - height, width, height))

    def label_along(self, source: str, slot: str, x: int, y: int, side: int) -> None:
        """A label along a level segment: above it as the picture is read, so after it where the flow runs sideways."""
        self.label_above(source, slot, x, y, side)
        box = self.routes.labels.get((source, slot))
        if box is not None and self.space.swap:
            self.routes.labels[(source, slot)] = box._replace(y=y + self.space.label // 2)

    def entry(self, plan: Plan, identity: str, x: int, clear: int) -> Entry:
        _, top, width, height = self.boxes[identity]
        left = not plan.framed and enters_beside(plan, -1)
        right = not plan.framed and enters_beside(plan, 1)
        return Entry(identity, x, top + height // 2, width // 2, top, clear, left, right)

    # ── leaves and sequences ─────────────────────────────────────────────────────────────────────────────────────

    def leaf(self, plan: LeafPlan, x: int, y: int) -> Flow:
        node, leaves, nexts = plan.node, plan.leaves, plan.nexts
        left, _, width, height = self.node(node, x, y)
        middle = y + height // 2
        flow = Flow(Entry(node, x, middle, width // 2, y, y, not nexts, not leaves))
        match plan.exit:
            case "on":
                flow.ends = [self.end(node, x)]
            case "leave" | "over" | "under":
                flow.leaves = [End(node, "", [(left + width, middle)], way=plan.under - plan.over)]
            case "next":
                flow.nexts = [End(node, "", [(left, middle)])]
        return flow

    def sequence(self, plan: SequencePlan, x: int, y: int) -> Flow:
        """From a plain node to the next goes a straight edge: most of what is drawn, so nothing else is made for it."""
        flow = Flow(None)
        boxes, sizes, routes = self.boxes, self.sizes, self.routes
        last, bottom = "", 0
        for item, top in zip(plan.items, plan.tops, strict=True):
            above = y + top
            if type(item) is LeafPlan and item.exit == "on":
                node = item.node
                width, height = sizes[node]
                boxes[node] = _new(Box, (x - item.half, above, width, height))
                if last:
                    routes.points[last, ""] = ((x, bottom), (x, above))
                elif flow.entry is None:
                    flow.entry = Entry(node, x, above + item.entry, item.half, above, above, True, True)
                else:
                    routes.connect(flow.ends, Entry(node, x, above + item.entry, item.half, above, above, True, True))
                last, bottom = node, above + height
                continue
            if last:
                flow.ends = [self.end(last, x)]
                last = ""
            inner = self.block(item, x, above)
            if flow.entry is None:
                flow.entry = inner.entry
            elif inner.entry is not None:
                self.routes.connect(flow.ends, inner.entry)
            flow.ends = inner.ends
            if inner.leaves:
                flow.leaves += inner.leaves
            if inner.nexts:
                flow.nexts += inner.nexts
        if last:
            flow.ends = [self.end(last, x)]
        if plan.turned is not None:
            flow.leaves += turned_under(flow.nexts, x + plan.turned[0], y + plan.turned[1])
            flow.nexts = []
        return flow

    def end(self, node: str, x: int) -> End:
        """The edge that leaves a plain node."""
        left, top, _, height = self.boxes[node]
        return End(node, "", [(x, top + height)], (left, top + height // 2))

    def nested(self, plan: NestedPlan, x: int, y: int) -> Flow:
        assert plan.body is not None
        box = self.frame(plan.step, x, y, (-plan.left, 0, plan.right, plan.height))
        self.sequence(plan.body, x, y + plan.top)
        entry = Entry(plan.step, x, box.center.y, 0, y, y)
        return Flow(entry, [End(plan.step, "", [(x, box.bottom)])])

    # ── branches ─────────────────────────────────────────────────────────────────────────────────────────────────

    def branching(self, plan: BranchingPlan, x: int, y: int) -> Flow:
        head = self.node(plan.node, x, y + plan.head)
        flow = Flow(self.entry(plan, plan.node, x, y))
        middle = head.center.y
        for column in plan.columns:
            axis = x + column.x
            start = End(plan.node, column.slot, [(x, head.bottom)])
            border = head.right if column.side > 0 else head.x
            if column.level:
                start = End(plan.node, column.slot, [(border, middle)])
                self.label_along(plan.node, column.slot, border, middle, column.side)
            elif column.side:
                beside = (border, middle) if column.side < 0 and not column.plan.items else None
                start = End(plan.node, column.slot, [(border, middle), (axis, middle)], beside)
                if column.above:
                    self.label_above(plan.node, column.slot, border, middle, column.side)
                else:
                    self.label(plan.node, column.slot, axis, middle + 10, column.side)
            else:
                self.label(plan.node, column.slot, axis, head.bottom + 5)
            self.column(plan, column, start, axis, x, y, flow)
        if plan.join is not None:
            box = self.node(plan.join, x, y + plan.join_top)
            into = Entry(plan.join, x, box.center.y, box.width // 2, box.y, box.y, True, True)
            self.routes.connect(flow.ends, into)
            flow.ends = [End(plan.join, "", [(x, box.bottom)])]
        return flow

    def column(self, plan: BranchingPlan, column: Column, start: End, axis: int, x: int, y: int, flow: Flow) -> None:
        if not column.plan.items:
            flow.ends.append(start)
            return
        inner = self.sequence(column.plan, axis, y + column.top)
        assert inner.entry is not None
        if column.level:
            self.routes.finish(start, (axis - column.side * inner.entry.half, inner.entry.y))
        else:
            self.routes.finish(start, (axis, inner.entry.top))
        flow.ends += inner.ends
        flow.leaves += under(inner.leaves, column.leave_lane, x, y + plan.leave_bus)
        flow.nexts += under(inner.nexts, column.next_lane, x, y + plan.next_bus)

    # ── loops ────────────────────────────────────────────────────────────────────────────────────────────────────

    def frame(self, group: str, x: int, y: int, frame: tuple[int, int, int, int]) -> Box:
        left, top, right, bottom = frame
        box = Box(x + left, y + top, right - left, bottom - top)
        self.frames[group] = box
        return box

    def loop(self, plan: LoopPlan, x: int, y: int) -> Flow:
        """Tested before: the body stands beside the test, what goes back runs up between it and the exit."""
        assert plan.body is not None
        self.frame(plan.group, x, y, plan.frame)
        head = self.node(plan.node, x, y + plan.head)
        middle = head.center.y
        axis, back, leaving = x + plan.body_x, x + plan.back, x + plan.exit
        flow = Flow(self.entry(plan, plan.node, x, y))
        assert flow.entry is not None
        flow.entry.left_free = True
        flow.entry.border = x + plan.frame[0]
        body = self.sequence(plan.body, axis, y + plan.top)
        enter = End(plan.node, "body", [(head.right, middle)])
        self.label_along(plan.node, "body", head.right, middle, 1)
        if body.entry is None:
            body.ends = [enter.turn((axis, middle))]
        elif plan.level:
            self.routes.finish(enter, (axis - body.entry.half, middle))
            self.routes.entered.add((body.entry.node, -1))
        else:
            self.routes.finish(enter, (axis, middle), (axis, body.entry.top))
        for end in body.ends:
            free = end.beside is not None and (end.source, -1) not in self.routes.entered
            if free and end.beside and returns_beside(plan.body, end.source):
                border, level = end.beside
                end.points = [(border, level)]
            else:
                level = y + plan.bus
            self.routes.finish(end, (end.x, level), (back, level), (back, head.bottom))
        for end in body.nexts:
            self.routes.finish(end, (back, end.y), (back, head.bottom))
        around, low, high = x + plan.around, y + plan.bus, y + plan.high
        for end in body.leaves:
            if end.way > 0:
                self.routes.finish(end, (around, end.y), (around, low), (back, low), (back, head.bottom))
            elif end.way < 0:
                self.routes.finish(end, (around, end.y), (around, high), (x, high), (x, head.y))
        flow.ends = [End(plan.node, "exit", [(x, head.bottom)])]
        self.label(plan.node, "exit", x, head.bottom + 5, -1)
        flow.ends += [end.turn((leaving, end.y)) for end in body.leaves if not end.way]
        return flow

    def until(self, plan: LoopPlan, x: int, y: int) -> Flow:
        """Tested after: the test stands below the body, and one edge goes back up from it."""
        assert plan.body is not None
        self.frame(plan.group, x, y, plan.frame)
        body = self.sequence(plan.body, x, y + plan.top)
        test = self.node(plan.node, x, y + plan.head)
        middle = test.center.y
        into = Entry(plan.node, x, middle, test.width // 2, test.y, test.y, False, True)
        self.routes.connect(body.ends, into)
        level = test.y - self.space.bus
        for end in body.nexts:
            lane = x + plan.next_lane
            self.routes.finish(end, (lane, end.y), (lane, level), (x, level), (x, test.y))
        for end in body.leaves:
            if end.way:
                self.routes.finish(end, (x + plan.around, end.y), (x + plan.around, middle), (test.right, middle))
        first = body.entry or into
        flow = Flow(Entry(first.node, x, first.y, first.half, first.top, y))
        back = x + plan.back
        again = End(plan.node, "back", [(test.x, middle), (back, middle)])
        tall = self.label_sizes.get((plan.node, "back"), (0, 0))[1]
        self.label(plan.node, "back", back, middle - 10 - tall, -1)
        if body.entry is not None and enters_beside(plan.body, -1) and not plan.body.framed:
            self.routes.finish(again, (back, first.y), (x - first.half, first.y))
            self.routes.taken.add((first.node, -1))
        else:
            above = first.clear - self.space.bus
            self.routes.finish(again, (back, above), (x, above), (x, first.top))
        flow.ends = [End(plan.node, "exit", [(x, test.bottom)])]
        self.label(plan.node, "exit", x, test.bottom + 4)
        flow.ends += [end.turn((x + plan.exit, end.y)) for end in body.leaves if not end.way]
        return flow

    # ── failure ──────────────────────────────────────────────────────────────────────────────────────────────────

    def guard(self, plan: GuardPlan, x: int, y: int) -> Flow:
        assert plan.body is not None
        self.routes.taken.update((source, plan.side) for source in plan.sources)
        body = self.sequence(plan.body, x, y + plan.body_top)
        assert body.entry is not None
        frame = None
        if plan.frame is not None and plan.step:
            frame = self.frame(plan.step, x, y, plan.frame)
        entry = body.entry
        if frame is not None or plan.compensation is not None:
            entry.left_free = entry.right_free = False
        entry.clear = y  # a taller neighbour may begin above the first node
        leave_bus, next_bus = y + plan.leave_bus, y + plan.next_bus
        flow = Flow(entry, body.ends)
        flow.leaves += under(body.leaves, plan.leave_lane, x, leave_bus)
        flow.nexts += under(body.nexts, plan.next_lane, x, next_bus)
        if plan.handler is not None:
            self.handler(plan, flow, frame, x, y)
        if plan.compensation is not None:
            self.compensation(plan, flow, frame, x, y)
        return flow

    def handler(self, plan: GuardPlan, flow: Flow, frame: Box | None, x: int, y: int) -> None:
        assert plan.handler is not None
        side, axis = plan.side, x + plan.handler_x
        inner = self.block(plan.handler, axis, y + plan.handler_top)
        for source in plan.sources:
            box = self.boxes.get(source) or self.frames.get(source) if source != plan.step else None
            level = box.center.y if box is not None else y + plan.source_y
            outline = box or frame
            assert outline is not None
            border = outline.right if side > 0 else outline.x
            edge = frame if frame is not None else outline
            self.label_above(source, "failure", edge.right if side > 0 else edge.x, level, side)
            start = End(source, "failure", [(border, level)])
            if inner.entry is None:
                flow.ends.append(start.turn((axis, level)))
            elif level == inner.entry.y:
                self.routes.finish(start, (axis - side * inner.entry.half, level))
            else:
                self.routes.finish(start, (axis, level), (axis, inner.entry.top))
        flow.ends += inner.ends
        reach = plan.handler.left if side > 0 else plan.handler.right + NEAR * plan.handler.under
        lane = plan.handler_x - side * (reach + self.space.lane)
        leave_bus, next_bus = y + plan.leave_bus, y + plan.next_bus
        flow.leaves += under(inner.leaves, lane if plan.handler_lane and side < 0 else None, x, leave_bus)
        flow.nexts += under(inner.nexts, lane if plan.handler_lane and side > 0 else None, x, next_bus)

    def compensation(self, plan: GuardPlan, flow: Flow, frame: Box | None, x: int, y: int) -> None:
        assert plan.compensation is not None
        assert flow.entry is not None
        side, axis = -plan.side, x + plan.compensation_x
        inner = self.sequence(plan.compensation, axis, y + plan.compensation_top)
        assert inner.entry is not None
        outline = frame or self.boxes[flow.entry.node]
        source = plan.step if frame is not None else flow.entry.node
        border, level = (outline.right if side > 0 else outline.x), y + plan.compensation_y
        start = End(source, "compensation", [(border, level)])
        self.label_above(source, "compensation", border, level, side)
        if level == inner.entry.y:
            self.routes.finish(start, (axis - side * inner.entry.half, level))
        else:
            self.routes.finish(start, (axis, level), (axis, inner.entry.top))
