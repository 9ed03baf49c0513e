"""What prepares the parts of steps: expressions become closures, durations microseconds, schemas checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..definition import model
from ..definition.durations import duration_microseconds
from ..definition.expressions import CORE, Evaluator, Functions, compile_expression, functions_of, roots_of
from ..definition.model import Body, Expression, Schema, Step, Value
from ..definition.problems import Problem
from ..definition.schema import compile_schema
from ..definition.validate.walk import EffectsOf

SchemaCheck = Callable[[Value], tuple[Value, Sequence[Problem]]]
"""A value → the value with the schema's defaults, and what is wrong with it."""


@dataclass(slots=True)
class Compiler:
    """Prepares what a step is made of, and notes what the whole definition needs."""

    functions: Functions = field(default_factory=lambda: CORE)
    reads: set[str] = field(default_factory=set)
    """Root names that some expression reads."""
    services: set[str] = field(default_factory=set)

    def expression(self, expression: Expression) -> Evaluator:
        """An expression as a closure."""
        self.reads |= roots_of(expression)
        return compile_expression(expression, self.functions)

    def optional(self, expression: Expression | None) -> Evaluator | None:
        """The same for one that may be missing."""
        return None if expression is None else self.expression(expression)

    def duration(self, text: str | None) -> int | None:
        """ISO 8601 → microseconds."""
        return None if text is None else duration_microseconds(text)

    def path(self, text: str | None) -> tuple[str, ...]:
        """A path in its parts; nothing for no path."""
        return tuple(text.split(".")) if text else ()

    def schema(self, schema: Schema | None) -> SchemaCheck | None:
        """A schema as a check."""
        return None if schema is None else compile_schema(schema).apply


def problems_text(problems: Sequence[Problem]) -> str:
    """Problems of a value in one sentence."""
    shown = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in problems[:5])
    return shown if len(problems) <= 5 else f"{shown}; and {len(problems) - 5} more"


# ── what definitions are made of ─────────────────────────────────────────────────────────────────────────────────────


def bodies_of(step: Step) -> tuple[Body, ...]:
    """The bodies that a step owns, in the order of :attr:`.node.Node.bodies`."""
    match step:
        case model.Decision(branches=branches, otherwise=otherwise):
            return (*(branch.body for branch in branches), otherwise or ())
        case model.Repeat(body=body) | model.Each(body=body):
            return (body,)
        case model.Fork(branches=forks):
            return tuple(fork.body for fork in forks)
        case model.Try(body=body, handlers=handlers, compensate=compensate):
            last = () if compensate is None else (compensate,)
            return (body, *(handler.body for handler in handlers), *last)
        case _:
            return ()


def steps_in(body: Body) -> Iterator[Step]:
    """All steps of a body, at any depth, in document order."""
    for step in body:
        yield step
        for inner in bodies_of(step):
            yield from steps_in(inner)


def expressions_of(part: Any) -> Iterator[Expression]:
    """The expressions of a step itself, without those of the bodies it owns."""
    for member in fields(part):
        yield from _expressions_in(getattr(part, member.name))


def _expressions_in(value: Any) -> Iterator[Expression]:
    match value:
        case (
            model.Const() | model.Get() | model.Op() | model.If() | model.Object() | model.ListOf() | model.Format()
            | model.Map() | model.Fn()
        ):  # fmt: skip
            yield value
        case model.Check() | model.Branch():
            yield from expressions_of(value)
        case tuple():
            for item in value:
                yield from _expressions_in(item)
        case Mapping():
            for item in value.values():
                yield from _expressions_in(item)
        case _:
            return


def can_wait(body: Body) -> bool:
    """Whether a step that waits is in a body, at any depth; but for compensations, which run when the rest is over."""
    return EffectsOf().body(body).waits


def functions_in(body: Body) -> frozenset[str]:
    """The functions that the expressions of a body call."""
    found = (functions_of(expression) for step in steps_in(body) for expression in expressions_of(step))
    return frozenset().union(*found)


def names_read(body: Body) -> frozenset[str]:
    """The root names that a body reads, or assigns a member of."""
    read: set[str] = set()
    for step in steps_in(body):
        read = read.union(*(roots_of(expression) for expression in expressions_of(step)))
        assigned = step.assign if isinstance(step, model.Set) else (getattr(step, "result", None) or "",)
        read |= {path.partition(".")[0] for path in assigned if "." in path}
    return frozenset(read)
