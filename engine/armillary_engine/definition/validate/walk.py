"""Goes through a definition: every step with its place, its bodies, its expressions, what it reads and writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ..expression_json import escape
from ..expressions import roots_of
from ..fields import FIELDS, Holds
from ..model import (
    Body,
    Branch,
    Call,
    Check,
    Decision,
    Definition,
    Each,
    Expression,
    Fork,
    Handler,
    Repeat,
    Set,
    Signal,
    Step,
    Subworkflow,
    Task,
    Try,
)  # fmt: skip

ROOTS = frozenset({"input", "instance", "error", "now"})
"""Names that the engine gives; no step may assign them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A step with its JSON pointer and the steps around it, innermost last, each with the name of the body."""

    step: Step
    pointer: str
    around: tuple[tuple[Step, str], ...]


def bodies(step: Step) -> Iterator[tuple[str, Body]]:
    """The bodies of a step by their JSON pointers below it."""
    match step:
        case Decision(branches=branches, otherwise=otherwise):
            for i, branch in enumerate(branches):
                yield f"branches/{i}/body", branch.body
            if otherwise is not None:
                yield "otherwise", otherwise
        case Fork(branches=parallel):
            for i, one in enumerate(parallel):
                yield f"branches/{i}/body", one.body
        case Repeat(body=body) | Each(body=body):
            yield "body", body
        case Try(body=body, handlers=handlers, compensate=compensate):
            yield "body", body
            for i, handler in enumerate(handlers):
                yield f"handlers/{i}/body", handler.body
            if compensate is not None:
                yield "compensate", compensate


def places(definition: Definition) -> Iterator[Place]:
    """Every step in the order of the document."""
    yield from _places(definition.body, "/body", ())


def _places(body: Body, pointer: str, around: tuple[tuple[Step, str], ...]) -> Iterator[Place]:
    for index, step in enumerate(body):
        where = f"{pointer}/{index}"
        yield Place(step, where, around)
        for below, inner in bodies(step):
            yield from _places(inner, f"{where}/{below}", (*around, (step, below)))


def expressions(step: Step) -> Iterator[tuple[str, str, Expression]]:
    """A step's own expressions: the attribute, the JSON pointer below the step, the expression."""
    for row in FIELDS[type(step)]:
        value = getattr(step, row.attribute)
        if value is None:
            continue
        match row.holds:
            case Holds.EXPRESSION:
                yield row.attribute, row.json, value
            case Holds.EXPRESSIONS | Holds.ASSIGNMENTS:
                for key, expression in value.items():
                    yield row.attribute, f"{row.json}/{escape(key)}", expression
            case Holds.OBJECTS if row.of in (Branch, Check):
                for i, item in enumerate(value):
                    yield "when", f"{row.json}/{i}/when", item.when
                    if isinstance(item, Check):
                        yield "message", f"{row.json}/{i}/message", item.message


def root(path: str) -> str:
    """The root name of a path."""
    return path.partition(".")[0]


def targets(step: Step) -> Iterator[tuple[str, str]]:
    """The paths that a step itself assigns, with their pointers below the step."""
    match step:
        case Set(assign=assign):
            for path in assign:
                yield path, f"assign/{escape(path)}"
        case (
            Call(result=path) | Task(result=path) | Each(result=path) | Signal(result=path) | Subworkflow(result=path)
        ) if path is not None:
            yield path, "result"


@dataclass(slots=True)
class Effects:
    """The root names that a step, with all that is inside, reads and writes; each with one step that does."""

    reads: dict[str, str] = field(default_factory=dict)
    writes: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    """Whether something inside may wait."""
    ends: bool = False
    """Whether something inside may end the instance."""

    def add(self, other: Effects, local: frozenset[str] = frozenset()) -> None:
        """Takes over ``other`` but for the ``local`` names."""
        for name, step in other.reads.items():
            if name not in local:
                self.reads.setdefault(name, step)
        for name, step in other.writes.items():
            if name not in local:
                self.writes.setdefault(name, step)
        self.waits = self.waits or other.waits
        self.ends = self.ends or other.ends


WAITING = frozenset({"call", "task", "timer", "signal", "subworkflow"})
ENDING = frozenset({"complete", "fail", "continue_with"})


class EffectsOf:
    """The effects of steps and bodies, each worked out once."""

    def __init__(self) -> None:
        self.steps: dict[int, Effects] = {}
        self.bodies: dict[int, Effects] = {}

    def body(self, body: Body) -> Effects:
        """The effects of a body."""
        found = self.bodies.get(id(body))
        if found is None or not body:
            found = Effects()
            for step in body:
                found.add(self.step(step))
            self.bodies[id(body)] = found
        return found

    def step(self, step: Step) -> Effects:
        """The effects of a step."""
        found = self.steps.get(id(step))
        if found is None:
            found = self.steps[id(step)] = self._of(step)
        return found

    def _of(self, step: Step) -> Effects:
        effects = Effects(waits=step.kind in WAITING, ends=step.kind in ENDING)
        own: set[str] = set()
        for attribute, _, expression in expressions(step):
            own |= roots_of(expression).difference(self._given(step, attribute))
        for path, _ in targets(step):
            effects.writes.setdefault(root(path), step.id)
            if "." in path:
                own.add(root(path))
        for name in own - ROOTS:
            effects.reads.setdefault(name, step.id)
        for below, body in bodies(step):
            if below == "compensate":  # it runs when the rest is over, but what it reads is taken down in its branch
                effects.add(Effects(self._captured(body)))
            else:
                effects.add(self.body(body), self._local(step, below, body))
        return effects

    def _given(self, step: Step, attribute: str) -> Collection[str]:
        """The names that a step gives to this expression of its own: they hide those of the instance."""
        match step:
            case Task() if attribute in ("when", "message"):
                return ("answer",)
            case Each(name=name, body=body, parallel=parallel) if attribute == "collect":
                return (name, *(self.body(body).writes if parallel > 1 else ()))
            case _:
                return ()

    def _captured(self, compensation: Body) -> dict[str, str]:
        """The names that a compensation reads before it has assigned them itself."""
        reads: dict[str, str] = {}
        assigned: set[str] = set()
        for step in compensation:
            for name, reader in self.step(step).reads.items():
                if name not in assigned:
                    reads.setdefault(name, reader)
            assigned.update(root(path) for path, _ in targets(step))
        return reads

    def _local(self, step: Step, below: str, body: Body) -> frozenset[str]:
        match step:
            case Each(name=name, parallel=parallel):
                return frozenset({name, *(self.body(body).writes if parallel > 1 else ())})
            case Try(handlers=handlers) if below.startswith("handlers/"):
                handler: Handler = handlers[int(below.split("/")[1])]
                return frozenset({handler.name} if handler.name else ())
            case _:
                return frozenset()
