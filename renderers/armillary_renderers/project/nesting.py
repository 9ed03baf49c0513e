"""Steps drawn as one (collapsed), and child workflows drawn in place (expanded)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from armillary_engine.definition import model as m

from armillary_renderers.diagram import model as d

SEPARATOR = "::"
"""Between the id of an expanded step and the ids of its child's steps: ``issue::quote``."""
WORDS = {"repeat": "loop", "each": "loop over items", "fork": "parallel branches", "decision": "decision", "try": "try"}


@dataclass(frozen=True, slots=True)
class Shown:
    """``collapsed``: steps drawn as one node. ``expanded``: subworkflow steps drawn as their child, by id."""

    collapsed: frozenset[str] = frozenset()
    expanded: Mapping[str, m.Definition] = field(default_factory=dict)

    def inside(self, step: str) -> Shown:
        """What is chosen for the child of an expanded step."""
        start = step + SEPARATOR
        return Shown(
            frozenset(name.removeprefix(start) for name in self.collapsed if name.startswith(start)),
            {name.removeprefix(start): child for name, child in self.expanded.items() if name.startswith(start)},
        )


def can_collapse(step: m.Step) -> bool:
    """Steps that own bodies, unless control may jump from inside of them to an outer loop's end or test."""
    match step:
        case m.Repeat() | m.Each() | m.Fork():
            return True
        case m.Decision() | m.Try():
            return not any(map(_jumps_out, bodies(step)))
    return False


def _jumps_out(body: m.Body) -> bool:
    return any(
        isinstance(step, m.Leave | m.Next)
        or (isinstance(step, m.Decision | m.Try) and any(map(_jumps_out, bodies(step))))
        for step in body
    )


def bodies(step: m.Step) -> Iterator[m.Body]:
    """The bodies that a step owns, in the order of the source."""
    match step:
        case m.Decision(branches=branches, otherwise=otherwise):
            yield from (branch.body for branch in branches)
            yield otherwise or ()
        case m.Fork(branches=ways):
            yield from (way.body for way in ways)
        case m.Repeat(body=body) | m.Each(body=body):
            yield body
        case m.Try(body=body, handlers=handlers, compensate=compensate):
            yield body
            yield from (handler.body for handler in handlers)
            yield compensate or ()


def inside(step: m.Step) -> Iterator[m.Step]:
    """All steps that a step owns, at any depth."""
    for body in bodies(step):
        for inner in body:
            yield inner
            yield from inside(inner)


def prefixed(diagram: d.Diagram, step: str) -> d.Diagram:
    """The diagram of a child as it stands inside of the step that starts it: every id begins with the step's."""
    start = step + SEPARATOR

    def node(found: d.Node) -> d.Node:
        return replace(found, id=start + found.id, step=None if found.step is None else start + found.step)

    def group(found: d.Group) -> d.Group:
        members = tuple(start + member for member in found.members)
        parent = step if found.parent is None else start + found.parent
        return replace(found, id=start + found.id, members=members, parent=parent)

    return replace(
        diagram,
        nodes=tuple(map(node, diagram.nodes)),
        edges=tuple(replace(edge, source=start + edge.source, target=start + edge.target) for edge in diagram.edges),
        groups=tuple(map(group, diagram.groups)),
        root=_sequence(diagram.root, start),
    )


def _sequence(found: d.Sequence, start: str) -> d.Sequence:
    return d.Sequence(tuple(_block(item, start) for item in found.items))


def _block(block: d.Block, start: str) -> d.Block:
    match block:
        case d.Leaf(node, leaving):
            return d.Leaf(start + node, leaving)
        case d.Sequence():
            return _sequence(block, start)
        case d.Branching(node, arms, main, join):
            arms = tuple(d.Arm(arm.slot, _sequence(arm.body, start)) for arm in arms)
            return d.Branching(start + node, arms, main, None if join is None else start + join)
        case d.Loop(node, body, before, group):
            return d.Loop(start + node, _sequence(body, start), before, start + group)
        case d.Nested(step, body):
            return d.Nested(start + step, _sequence(body, start))
        case d.Guard(step, body, sources, handler, compensation, frame):
            return d.Guard(
                start + step,
                _sequence(body, start),
                tuple(start + source for source in sources),
                None if handler is None else _block(handler, start),
                None if compensation is None else _sequence(compensation, start),
                None if frame is None else start + frame,
            )
