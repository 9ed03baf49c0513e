"""Definition → diagram: every step kind, its edges, its groups and the block tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from armillary_engine.definition import model as m
from armillary_engine.definition.problems import Problem

from armillary_renderers.diagram import model as d
from armillary_renderers.project.facts import Detail, common_subject, facts
from armillary_renderers.project.nesting import WORDS, Shown, can_collapse, inside, prefixed
from armillary_renderers.project.pieces import NO_META, Flow, OpenLoop, asked, backward, leaf
from armillary_renderers.project.raising import catch_label
from armillary_renderers.project.raising import sources as failing
from armillary_renderers.project.words import words

START = ":start"
END = ":end"
ALL = Shown()


def project(
    definition: m.Definition,
    *,
    detail: Detail = "normal",
    problems: Iterable[Problem] = (),
    title: str | None = None,
    shown: Shown = ALL,
) -> d.Diagram:
    """The diagram of a definition. A definition with problems is drawn too; their messages are kept by node.

    ``shown`` says which steps are drawn as one and which child workflows in place.
    """
    builder = _Builder(definition.meta, detail, shown)
    builder.nodes.append(d.Node(START, "start", "Start"))
    flow = builder.body(definition.body)
    builder.connect([d.Edge(START, "")], flow.entry or END)
    open_ends = flow.ends if flow.entry else []
    items: tuple[d.Block, ...] = (d.Leaf(START), *flow.block.items)
    if open_ends or not flow.entry:
        builder.nodes.append(d.Node(END, "end", "End"))
        builder.connect(open_ends, END)
        items = (*items, d.Leaf(END, "end"))
    return d.Diagram(
        name=definition.name,
        title=title or definition.meta.title or words(definition.name),
        description=definition.meta.description or "",
        nodes=tuple(builder.nodes),
        edges=tuple(builder.edges),
        groups=tuple(reversed(builder.groups)),  # outer ones first: they are drawn behind
        root=d.Sequence(items),
        problems=_by_node(problems, builder),
    )


def _by_node(problems: Iterable[Problem], builder: _Builder) -> Mapping[str, tuple[d.Mark, ...]]:
    """Errors and warnings, not remarks. What has no step, or a step that is not drawn, is shown at the start."""
    known = {node.id for node in builder.nodes}
    marks: dict[str, list[d.Mark]] = {}
    for problem in problems:
        if problem.severity == "info":
            continue
        step = builder.hidden.get(problem.step or "", problem.step)
        place = step if step in known else START
        marks.setdefault(place or START, []).append(d.Mark(problem.severity, problem.message))
    return {place: tuple(sorted(found, key=lambda mark: mark.severity)) for place, found in marks.items()}


class _Builder:
    def __init__(self, meta: m.Meta, detail: Detail, shown: Shown) -> None:
        self.meta = meta
        self.shown = shown
        self.hidden: dict[str, str] = {}
        self.detail: Detail = detail
        self.nodes: list[d.Node] = []
        self.edges: list[d.Edge] = []
        self.groups: list[d.Group] = []
        self.loops: list[OpenLoop] = []
        self.frames: list[str] = []

    # ── pieces ───────────────────────────────────────────────────────────────────────────────────────────────────

    def connect(self, ends: Iterable[d.Edge], target: str) -> None:
        self.edges.extend(d.Edge(end.source, target, end.slot, end.kind, end.label, end.back) for end in ends)

    def add(self, step: m.Step) -> str:
        meta = self.meta.steps.get(step.id, NO_META)
        known = facts(step, meta, detail=self.detail)
        self.nodes.append(
            d.Node(
                id=step.id,
                kind=step.kind,
                title=known.title,
                step=step.id,
                subtitle=known.subtitle,
                details=known.details,
                badges=known.badges,
                note=meta.note or "",
            )
        )
        return step.id

    def frame(self, step: m.Step, first: int, title: str) -> str:
        """A group around all nodes added since ``first``."""
        identity = step.id
        members = tuple(node.id for node in self.nodes[first:])
        parent = self.frames[-1] if self.frames else None
        self.groups.append(d.Group(identity, step.kind, title, members, parent))
        return identity

    def label(self, step: m.Step, slot: str, default: str) -> str:
        return self.meta.steps.get(step.id, NO_META).labels.get(slot, default)

    # ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────

    def body(self, steps: m.Body) -> Flow:
        items: list[d.Block] = []
        entry: str | None = None
        ends: list[d.Edge] = []
        for step in steps:
            flow = self.step(step)
            if entry is None:
                entry = flow.entry
            elif flow.entry is not None:
                self.connect(ends, flow.entry)
            if flow.entry is not None:
                ends = flow.ends
            items.extend(flow.block.items)
        return Flow(d.Sequence(tuple(items)), entry, ends)

    def step(self, step: m.Step) -> Flow:
        if step.id in self.shown.collapsed and can_collapse(step):
            return self.collapsed(step)
        if isinstance(step, m.Subworkflow) and step.id in self.shown.expanded:
            return self.nested(step, self.shown.expanded[step.id])
        return self.open(step)

    def collapsed(self, step: m.Step) -> Flow:
        """One node for a step and all that it owns; control goes on from it if it does from any place inside."""
        flow = _Builder(self.meta, self.detail, ALL).open(step)
        if flow.entry is None:
            return flow
        within = [inner.id for inner in inside(step)]
        self.hidden |= dict.fromkeys(within, step.id)
        title = facts(step, self.meta.steps.get(step.id, NO_META), detail="outline").title
        told = f"{WORDS[step.kind]}, {len(within)} {'step' if len(within) == 1 else 'steps'}"
        self.nodes.append(d.Node(step.id, "collapsed", title, step.id, told))
        return leaf(step.id, "on", [d.Edge(step.id, "")]) if flow.ends else leaf(step.id, "end", [])

    def nested(self, step: m.Subworkflow, definition: m.Definition) -> Flow:
        """A child from its start to its ends, in a frame. Whichever way it ends, its parent goes on."""
        child = project(definition, detail=self.detail, shown=self.shown.inside(step.id))
        child = prefixed(child, step.id)
        first = len(self.nodes)
        self.nodes += child.nodes
        self.edges += child.edges
        self.groups += reversed(child.groups)
        self.frame(step, first, facts(step, self.meta.steps.get(step.id, NO_META), detail="outline").title)
        block = d.Nested(step.id, child.root)
        return Flow(d.Sequence((block,)), step.id, [d.Edge(step.id, "")])

    def open(self, step: m.Step) -> Flow:
        match step:
            case m.Decision():
                return self.decision(step)
            case m.Fork():
                return self.fork(step)
            case m.Repeat(until=until) if until is not None:
                return self.until(step)
            case m.Repeat() | m.Each():
                return self.loop(step)
            case m.Try():
                return self.guard(step)
            case m.Leave():
                return self.jump(step)
            case m.Next():
                return self.jump(step)
            case m.Complete() | m.Fail() | m.ContinueWith():
                return leaf(self.add(step), "end", [])
        node = self.add(step)
        return leaf(node, "on", [d.Edge(node, "")])

    def jump(self, step: m.Leave | m.Next) -> Flow:
        node = self.add(step)
        if not self.loops:  # a definition with this problem is drawn as well
            return leaf(node, "end", [])
        if isinstance(step, m.Leave):
            self.loops[-1].leaves.append(d.Edge(node, "", kind="leave"))
            return leaf(node, "leave", [])
        self.loops[-1].nexts.append(d.Edge(node, "", kind="next"))
        return leaf(node, "next", [])

    # ── branches ─────────────────────────────────────────────────────────────────────────────────────────────────

    def decision(self, step: m.Decision) -> Flow:
        node = self.add(step)
        single = len(step.branches) == 1
        cases = common_subject(step.branches) is not None
        ways: list[tuple[str, str, m.Body]] = []
        for index, branch in enumerate(step.branches):
            label = self.label(step, str(index), asked(branch, single, cases))
            ways.append((str(index), label, branch.body))
        ways.append(("otherwise", self.label(step, "otherwise", "no" if single else "otherwise"), step.otherwise or ()))
        return self.branching(step, node, ways)

    def fork(self, step: m.Fork) -> Flow:
        node = self.add(step)
        ways = [(str(index), branch.label, branch.body) for index, branch in enumerate(step.branches)]
        flow = self.branching(step, node, ways)
        (block,) = flow.block.items
        assert isinstance(block, d.Branching)
        if not flow.ends:
            return flow
        join = f"{node}:join"
        text = f"{step.join} of {len(ways)}" if isinstance(step.join, int) else step.join
        self.nodes.append(d.Node(join, "join", text.capitalize()))
        self.connect(flow.ends, join)
        closed = replace(block, join=join)
        return Flow(d.Sequence((closed,)), node, [d.Edge(join, "")])

    def branching(self, step: m.Step, node: str, ways: list[tuple[str, str, m.Body]]) -> Flow:
        arms: list[d.Arm] = []
        ends: list[d.Edge] = []
        reach: list[int] = []
        for slot, label, body in ways:
            edge = d.Edge(node, "", slot=slot, kind="branch", label=label)
            before = len(self.nodes)
            flow = self.body(body)
            arms.append(d.Arm(slot, flow.block))
            if flow.entry is None:
                ends.append(edge)
            else:
                self.connect([edge], flow.entry)
                ends.extend(flow.ends)
            reach.append(len(self.nodes) - before if flow.ends or flow.entry is None else -1)
        hint = self.meta.steps.get(step.id, NO_META).layout.get("main")
        slots = [slot for slot, _, _ in ways]
        main = slots.index(str(hint)) if str(hint) in slots else reach.index(max(reach))
        return Flow(d.Sequence((d.Branching(node, tuple(arms), main),)), node, ends)

    # ── loops ────────────────────────────────────────────────────────────────────────────────────────────────────

    def loop(self, step: m.Repeat | m.Each) -> Flow:
        """Tested before: the test or the next item, then the body, then back up."""
        first = len(self.nodes)
        self.frames.append(step.id)
        node = self.add(step)
        names = ("each", "done") if isinstance(step, m.Each) else ("yes", "no")
        enter = d.Edge(node, "", slot="body", kind="branch", label=self.label(step, "body", names[0]))
        inner = OpenLoop()
        self.loops.append(inner)
        flow = self.body(step.body)
        self.loops.pop()
        self.frames.pop()
        if flow.entry is None:
            back = [enter]
        else:
            self.connect([enter], flow.entry)
            back = flow.ends
        self.connect((replace(end, back=True, kind=backward(end)) for end in [*back, *inner.nexts]), node)
        group = self.frame(step, first, "")
        leaving = d.Edge(node, "", slot="exit", kind="exit", label=self.label(step, "exit", names[1]))
        block = d.Loop(node, flow.block, True, group)
        return Flow(d.Sequence((block,)), node, [leaving, *inner.leaves])

    def until(self, step: m.Repeat) -> Flow:
        """Tested after: the body, then the test, then back up or on."""
        first = len(self.nodes)
        self.frames.append(step.id)
        inner = OpenLoop()
        self.loops.append(inner)
        flow = self.body(step.body)
        self.loops.pop()
        self.frames.pop()
        node = self.add(step)
        self.connect([*flow.ends, *inner.nexts], node)
        entry = flow.entry or node
        again = d.Edge(node, "", slot="back", kind="back", back=True, label=self.label(step, "back", "no"))
        self.connect([again], entry)
        group = self.frame(step, first, "")
        leaving = d.Edge(node, "", slot="exit", kind="exit", label=self.label(step, "exit", "yes"))
        block = d.Loop(node, flow.block, False, group)
        return Flow(d.Sequence((block,)), entry, [leaving, *inner.leaves])

    # ── failure ──────────────────────────────────────────────────────────────────────────────────────────────────

    def guard(self, step: m.Try) -> Flow:
        first = len(self.nodes)
        self.frames.append(step.id)
        flow = self.body(step.body)
        self.frames.pop()
        if flow.entry is None:  # nothing can fail in an empty body
            return flow
        sources = failing(step)
        lone = len(flow.block.items) == 1 and isinstance(flow.block.items[0], d.Leaf)
        whole = () if not step.handlers else (step.id,)
        group = None
        if not lone or (step.handlers and not sources):
            group = self.frame(step, first, self.meta.steps.get(step.id, NO_META).title or "Try")
        ends = list(flow.ends)
        handler = self.handlers(step, sources or whole, ends)
        compensation = self.compensation(step, group or flow.entry)
        block = d.Guard(step.id, flow.block, sources or whole, handler, compensation, group)
        return Flow(d.Sequence((block,)), flow.entry, ends)

    def handlers(self, step: m.Try, sources: tuple[str, ...], ends: list[d.Edge]) -> d.Block | None:
        """One handler is entered directly; several stand behind a gateway that chooses by code."""
        if not step.handlers:
            return None
        if len(step.handlers) == 1:
            handler = step.handlers[0]
            label = self.label(step, "0", catch_label(handler))
            edges = [d.Edge(source, "", slot="failure", kind="failure", label=label) for source in sources]
            flow = self.body(handler.body)
            if flow.entry is None:
                ends.extend(edges)
            else:
                self.connect(edges, flow.entry)
                ends.extend(flow.ends)
            return flow.block
        gateway = f"{step.id}:catch"
        self.nodes.append(d.Node(gateway, "catch", "Which failure?"))
        self.connect((d.Edge(source, "", slot="failure", kind="failure") for source in sources), gateway)
        ways = [
            (str(index), self.label(step, str(index), catch_label(handler)), handler.body)
            for index, handler in enumerate(step.handlers)
        ]
        chosen = self.branching(step, gateway, ways)
        ends.extend(chosen.ends)
        return chosen.block.items[0]

    def compensation(self, step: m.Try, source: str) -> d.Sequence | None:
        if not step.compensate:
            return None
        outer, self.loops = self.loops, []
        flow = self.body(step.compensate)
        self.loops = outer
        if flow.entry is None:
            return None
        self.connect([d.Edge(source, "", slot="compensation", kind="compensation", label="undo")], flow.entry)
        return flow.block
