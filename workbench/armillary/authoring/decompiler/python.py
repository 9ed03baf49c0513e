"""Steps → Python statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.expressions.printing import text
from armillary_engine.definition.fields import FIELDS
from armillary_engine.definition.model import (
    Body,
    Call,
    Complete,
    Const,
    ContinueWith,
    Decision,
    Each,
    Expression,
    Fail,
    Fork,
    Get,
    Handler,
    Leave,
    ListOf,
    Next,
    Object,
    Op,
    Reference,
    Repeat,
    Set,
    Signal,
    Step,
    StepMeta,
    Subworkflow,
    Task,
    Timer,
    Try,
)  # fmt: skip

from ..compile.texts import DIRECTIVE
from .expressions import Printer
from .literals import literal
from .matching import literal_of, matching
from .names import Naming, names_in
from .schemas import Types
from .verbs import VERBS

Lines = list[str]
GROWING = ("+", "-", "*", "/", "//", "%", "**")
WIDTH = 110


@dataclass
class Writer:
    """Writes the statements of one definition. ``named``: the steps that need their id written."""

    naming: Naming
    printer: Printer
    types: Types
    meta: Mapping[str, StepMeta]
    named: frozenset[str]
    returned: frozenset[str] = frozenset()
    """Verbs whose value is returned at once."""

    # ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def body(self, steps: Body, *, undone: bool = False) -> Lines:
        """The statements of a body; ``undone``: it is the body of a ``try``, at whose end compensate() means that."""
        lines: Lines = []
        for index, step in enumerate(steps):
            after = steps[index + 1] if index + 1 < len(steps) else None
            last = undone and after is None
            if after is None and index and self.is_returned(steps[index - 1], step):
                continue
            lines += self.step(step, short=not last, declares=declares(step, after))
        return lines or ["pass"]

    def is_returned(self, step: Step, after: Step) -> bool:
        """Whether ``after`` only returns what ``step`` gives, under the name that ``return call(…)`` makes up."""
        return step.id in self.returned and isinstance(after, Complete)

    def block(self, head: str, steps: Body, *, undone: bool = False, more: Iterable[str] = ()) -> Lines:
        """A head and an indented body."""
        inner = self.body(steps, undone=undone)
        more = list(more)
        if more and inner == ["pass"]:
            inner = []
        return [f"{head}:", *(f"    {line}" for line in [*inner, *more])]

    def step(self, step: Step, *, short: bool, declares: bool) -> Lines:
        """One step, with its id, title and note before it."""
        if isinstance(step, Try) and short and self.may_be_short(step):
            inner = self.step(step.body[0], short=True, declares=False)
            option = f"id={literal(step.id)}" if step.id in self.named else ""
            return [*inner, *self.block(f"with {self.naming.verb('compensate')}({option})", step.compensate or ())]
        return [*self.before(step, force=declares), *self.statement(step)]

    def may_be_short(self, step: Try) -> bool:
        """Whether a ``try`` is one step and how to undo it."""
        return len(step.body) == 1 and not step.handlers and step.compensate is not None and step.id not in self.meta

    def before(self, step: Step, *, force: bool = False) -> Lines:
        """``step("id", title=…)`` and the note as a comment."""
        meta = self.meta.get(step.id, StepMeta())
        comment = is_comment(meta.note)
        options = [literal(step.id)] if step.id in self.named or force else []
        if meta.title is not None:
            options.append(f"title={literal(meta.title)}")
        if meta.note is not None and not comment:
            options.append(f"note={literal(meta.note)}")
        if meta.labels:
            options.append(f"labels={literal(dict(meta.labels))}")
        if meta.layout:
            options.append(f"layout={literal(dict(meta.layout))}")
        lines = [f"# {line}" for line in (meta.note or "").split("\n")] if comment else []
        return lines + ([f"{self.naming.verb('step')}({', '.join(options)})"] if options else [])

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def statement(self, step: Step) -> Lines:
        match step:
            case Set(assign=assign):
                return self.assignment(assign)
            case Decision():
                return self.decision(step)
            case Repeat():
                return self.repeat(step)
            case Each():
                return self.each(step)
            case Fork():
                return self.fork(step)
            case Try():
                return self.attempt(step)
            case Leave():
                return ["break"]
            case Next():
                return ["continue"]
            case Fail(code=Get("error.code"), message=Get("error.message")):
                return ["raise"]
            case Complete(output=Const(None)):
                return ["return"]
            case Complete(output=output):
                return [f"return {self.show(output)}"]
            case Call() | Task() | Signal() | Subworkflow() | Timer() | Reference() | ContinueWith() | Fail():
                return self.verb(step)

    def show(self, expression: Expression) -> str:
        return self.printer.show(expression)

    def assignment(self, assign: Mapping[str, Expression]) -> Lines:
        """``a, b = x, y``; ``a += x`` and ``a.append(x)`` where a value grows."""
        for path, value in assign.items():
            match value:
                case Op(sign, (Get(same), more)) if same == path and len(assign) == 1 and sign in GROWING:
                    if isinstance(more, ListOf) and sign == "+" and len(more.items) == 1:
                        return [f"{path}.append({self.show(more.items[0])})"]
                    return [f"{path} {sign}= {self.show(more)}"]
        values = [self.show(value) for value in assign.values()]
        return [f"{', '.join(assign)} = {', '.join(values)}"]

    def verb(self, step: Step) -> Lines:
        """A verb with its options, over several lines when it is long."""
        name, parts = VERBS[type(step)](self, step)
        result = getattr(step, "result", None)
        head = f"{result} = " if result else ""
        head = "return " if step.id in self.returned else head
        whole = f"{head}{self.naming.verb(name)}({', '.join(parts)})"
        if len(whole) <= WIDTH and "\n" not in whole:
            return [whole]
        return [f"{head}{self.naming.verb(name)}(", *(f"    {part}," for part in parts), ")"]

    def decision(self, step: Decision) -> Lines:
        matched = matching(step)
        if matched is not None:
            subject, patterns = matched
            blocks: Lines = []
            for branch, (values, guard) in zip(step.branches, patterns, strict=True):
                blocks += self.block(f"case {literal_of(values)}{self.guard(guard)}", branch.body)
            blocks += self.block("case _", step.otherwise) if step.otherwise is not None else []
            return [f"match {self.show(subject)}:", *(f"    {line}" for line in blocks)]
        lines: Lines = []
        for index, branch in enumerate(step.branches):
            lines += self.block(f"{'elif' if index else 'if'} {self.show(branch.when)}", branch.body)
        if step.otherwise is not None:
            lines += self.block("else", step.otherwise)
        return lines

    def guard(self, test: Expression | None) -> str:
        """``if`` after a case."""
        return "" if test is None else f" if {self.show(test)}"

    def repeat(self, step: Repeat) -> Lines:
        options = [self.show(step.test)] if step.test is not None else []
        if step.until is not None:
            options.append(f"until=lambda: {self.show(step.until)}")
        if step.max is not None:
            options.append(f"max={step.max}")
        if step.test is not None and step.max is None:
            return self.block(f"while {options[0]}", step.body)
        return self.block(f"while {self.naming.verb('loop')}({', '.join(options)})", step.body)

    def each(self, step: Each) -> Lines:
        target, inner = self.printer.turn(step.name, step.items, [step.body, step.collect])
        outer = self.printer
        source, self.printer = text(outer.items(step.items, target)), inner
        lines = self.turns(step, target, source)
        self.printer = outer
        return lines

    def turns(self, step: Each, target: str, items: str) -> Lines:
        """The head and the body of a ``for``."""
        options = [f"parallel={step.parallel}"] if step.parallel != 1 else []
        more = []
        if step.collect is not None and step.result is not None:
            more = [f"{step.result} = {self.naming.verb('collect')}({self.show(step.collect)})"]
        elif step.collect is not None:
            options.append(f"collect=lambda: {self.show(step.collect)}")
        elif step.result is not None:
            options.append(f"result={literal(step.result)}")
        source = f"{self.naming.verb('each')}({', '.join([items, *options])})" if options else items
        return self.block(f"for {target} in {source}", step.body, more=more)

    def fork(self, step: Fork) -> Lines:
        join = "" if step.join == "all" else f"join={literal(step.join)}"
        lines = [f"with {self.naming.verb('parallel')}({join}):"]
        for branch in step.branches:
            inner = self.block(f"with {self.naming.verb('branch')}({literal(branch.label)})", branch.body)
            lines += [f"    {line}" for line in inner]
        return lines

    def attempt(self, step: Try) -> Lines:
        lines = self.block("try", step.body, undone=True)
        for handler in step.handlers:
            lines += self.block(f"except {self.caught(handler)}", handler.body)
        undo = None
        if step.compensate is not None:
            undo = self.block(f"with {self.naming.verb('compensate')}()", step.compensate)
        if undo is not None:
            lines += ["else:" if step.handlers else "finally:", *(f"    {line}" for line in undo)]
        elif not step.handlers:
            lines += ["finally:", "    pass"]
        return lines

    def caught(self, handler: Handler) -> str:
        """``Timeout as e``, ``(Failure("a"), Timeout)``."""
        names = [self.failure(code) for code in handler.catch]
        shown = names[0] if len(names) == 1 else f"({', '.join(names)})"
        name = handler.name
        if name is None and "error" in names_in(handler.body) and "error" not in self.naming.verbs:
            name = "error"
        return f"{shown} as {name}" if name else shown

    def failure(self, code: str) -> str:
        match code:
            case "timeout":
                return self.naming.verb("Timeout")
            case "failure":
                return self.naming.verb("Failure")
            case "*":
                return "Exception"
        return f"{self.naming.verb('Failure')}({literal(code)})"

    # ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def model(self, name: str, schema: Mapping[str, Any] | None, wanted: str) -> Lines:
        """``reply=Quote``."""
        return [] if schema is None else [f"{name}={self.types.of(schema, wanted)}"]

    def options(self, step: Step, names: Iterable[str]) -> Lines:
        """Options that are texts, numbers or expressions, where they are not the default."""
        rows = {row.attribute: row for row in FIELDS[type(step)]}
        lines = []
        for name in names:
            value = getattr(step, name)
            if value == rows[name].default:
                continue
            if isinstance(value, tuple):
                lines.append(f"{name}={literal(value)}")
            else:
                lines.append(f"{name}={literal(value)}" if isinstance(value, str) else f"{name}={self.show(value)}")
        return lines

    def values(self, expression: Expression, options: Iterable[str], option: str = "arguments") -> Lines:
        """Keywords for the members of an object, ``arguments=…`` for anything else."""
        if isinstance(expression, Object) and all(usable(key, options) for key in expression.members):
            return [f"{key}={self.show(value)}" for key, value in expression.members.items()]
        return [f"{option}={self.show(expression)}"]


def usable(key: str, options: Iterable[str]) -> bool:
    """Whether a key can be a keyword."""
    return is_identifier(key) and key not in options and not key.startswith("__")


def declares(step: Step, after: Step | None) -> bool:
    """Whether ``x = []`` stands before a loop that collects into ``x``, where it would count as a declaration."""
    empty = isinstance(step, Set) and list(step.assign.values()) == [ListOf(())]
    return empty and isinstance(step, Set) and isinstance(after, Each) and after.result in step.assign


def is_comment(note: str | None) -> bool:
    """Whether a note reads back from a comment as it is."""
    if not note:
        return False
    lines = note.split("\n")
    return all(
        line and line.isprintable() and line == line.strip() and line[0] != "#" and not DIRECTIVE.match(f"# {line}")
        for line in lines
    )
