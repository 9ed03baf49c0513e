"""What is known while one function is compiled: its names, its problems, and the steps that are being made."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from armillary_engine.definition.expressions.functions import Function
from armillary_engine.definition.model import Const, Expression, Schema, Value
from armillary_engine.definition.problems import Problem, Severity, Span

from ..source import Source
from .names import Names

BROKEN = Const(None)
"""Stands for an expression that was refused; the problem is already recorded."""
NOTHING: Mapping[str, Expression] = {}
RESERVED = ("input", "instance", "error", "now")
"""Root names that the engine gives."""


@dataclass
class Mark:
    """A step under construction. ``key`` is its id until all ids are known."""

    key: str
    span: Span
    base: str
    explicit: str | None
    labels: tuple[str, ...]
    title: str | None = None
    note: str | None = None
    branch_labels: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class StepName:
    """What a ``step(…)`` line says about the next statement."""

    node: ast.stmt
    id: str | None
    title: str | None
    note: str | None
    labels: Mapping[str, str]
    layout: Mapping[str, Any]


@dataclass(frozen=True)
class Read:
    """A member that an expression reads, for checking it once all types are known."""

    owner: Expression
    key: str
    node: ast.expr
    source: Source
    bound: Mapping[str, Schema | Expression]


Origin = Schema | Expression | None
"""Where the value of a name comes from: a schema, an expression, or unknown."""


@dataclass
class Context:
    """Shared by all that is compiled into one definition; ``source``, ``names`` and ``parameters`` are a fragment's own
    inside it."""

    source: Source
    names: Names
    parameters: dict[str, Expression] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    """Names of an inlined fragment, as they are called in the definition."""
    problems: list[Problem] = field(default_factory=list)
    captured: dict[str, Value] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    spans: list[tuple[Expression, Span]] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    origins: dict[str, list[Origin]] = field(default_factory=dict)
    input_schema: Schema = field(default_factory=dict)
    bound: dict[str, Expression] = field(default_factory=dict)
    """Names of comprehensions, lambdas, ``for`` and ``except`` around the current place."""
    bound_origins: dict[str, Schema | Expression] = field(default_factory=dict)
    """What is known of bound names: the schema, or the items of which it is one."""
    labels: tuple[str, ...] = ()
    handlers: tuple[str, ...] = ()
    """``error`` for every handler around the current place."""
    loops: tuple[str, ...] = ()
    """Loops and forks around the current place, innermost last."""
    pending: StepName | None = None
    comments: dict[int, str] = field(default_factory=dict)
    statement: ast.stmt = field(default_factory=ast.Pass)
    """The statement that is being compiled."""
    functions: dict[str, Function] = field(default_factory=dict)
    """The author's own functions that are called."""
    worded: dict[str, str] = field(default_factory=dict)
    """Expressions' texts that the author wrote as a name: the parts of an item that ``for a, b in …`` takes apart."""
    names_used: set[str] = field(default_factory=set)
    fragments: tuple[object, ...] = ()

    def refuse(self, node: ast.AST, code: str, message: str, hint: str = "", *, severity: Severity = "error") -> Const:
        """Records a problem at ``node``; gives a placeholder so that the rest can still be looked at."""
        problem = Problem(code, message, severity, hint=hint, span=self.span(node))
        if problem not in self.problems:
            self.problems.append(problem)
        return BROKEN

    def span(self, node: ast.AST) -> Span:
        return self.source.span(node)

    def text(self, node: ast.AST) -> str:
        return self.source.segment(node)

    @contextmanager
    def inside(self, bound: Mapping[str, Expression] = NOTHING, *, label: str = "", loop: str = "") -> Iterator[None]:
        """Within a branch, a handler or a loop; ``bound`` names are known there only."""
        before = (self.labels, self.loops, dict(self.bound), dict(self.bound_origins))
        self.labels = (*self.labels, label) if label else self.labels
        self.loops = (*self.loops, loop) if loop else self.loops
        self.bound |= bound
        for name in bound:
            self.bound_origins.pop(name, None)
        try:
            yield
        finally:
            self.labels, self.loops, self.bound, self.bound_origins = before

    def mark(self, node: ast.AST, base: str, explicit: str | None = None) -> str:
        """Begins a step and gives its provisional id."""
        key = f"\0{len(self.marks)}"
        mark = Mark(key, self.span(self.statement if isinstance(node, ast.Call) else node), base, explicit, self.labels)
        name, self.pending = self.pending, None
        if name is not None:
            if name.id and explicit:
                self.refuse(
                    name.node, "id.twice", f"the next step is named {explicit!r} by id= too", "keep one of the two"
                )
            mark.explicit = name.id or explicit
            mark.title, mark.note, mark.branch_labels, mark.layout = name.title, name.note, name.labels, name.layout
        self.marks.append(mark)
        return key

    def annotate(self, key: str, note: str) -> None:
        """Keeps the comment above a statement as the note of its step."""
        for mark in self.marks:
            if mark.key == key and mark.note is None:
                mark.note = note

    def assign(self, path: str, origin: Origin) -> None:
        """Remembers where the value of a name comes from; a value of which a member is set is unknown beyond that."""
        root, _, rest = path.partition(".")
        self.origins.setdefault(root, []).append(None if rest else origin)

    def read(self, owner: Expression, key: str, node: ast.expr) -> None:
        """Remembers that ``node`` reads the member ``key`` of ``owner``."""
        self.reads.append(Read(owner, key, node, self.source, dict(self.bound_origins)))

    def fresh(self, wanted: str) -> str:
        """A state name that nothing else has, from now on taken."""
        name = self.unused(wanted)
        self.names_used.add(name)
        return name

    def unused(self, wanted: str) -> str:
        taken = (
            self.names.locals
            | self.names.parameters
            | self.names_used
            | set(RESERVED)
            | set(self.bound)
            | set(vars(builtins))
            | set(keyword.kwlist)
        )
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        return name


def described(value: Any) -> str:
    """What something is, for a message: ``a list``, ``a DataFrame``."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
