"""Where sensitive values go in a workflow: from the schemas that mark them ``x-sensitive`` into state, tasks, output.

Worked out from the definition alone, without regard to the order of steps, so that what is masked is masked at every
moment of an instance, and history that is replayed gives the state that is shown. What is computed from a sensitive
value is sensitive, but for a yes or no. A child workflow's input is what *its* schema says; its output is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import model
from .expressions import CORE, children
from .marks import OTHERS, Marks, any_in, at, below, bounded, marks_of, union, within
from .model import Body, Definition, Expression, Step
from .validate.walk import bodies, expressions, places

_YES_OR_NO = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "not"})
_WHOLE_ERROR: Mapping[str, Marks] = {"message": True, "details": True, "compensation": True}


@dataclass(frozen=True, slots=True)
class Kin:
    """What is known of a workflow that another one starts: its output, and whether its failures may tell a value."""

    output: Marks = False
    tells: bool = False
    codes: bool = False


NO_KIN: Callable[[str], Kin] = lambda _name: Kin()  # noqa: E731 - a name for what most callers need


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What is sensitive in the instances of one definition; by default nothing."""

    names: Mapping[str, Marks] = field(default_factory=dict)
    """By root name: ``input``, and what steps assign."""
    fields: Mapping[tuple[str, str], Marks] = field(default_factory=dict)
    """By step and field: ``payload``, ``title``, ``arguments``, ``match``, ``key``, …, and what it gets from outside:
    ``reply``, ``answer``, ``signal``, ``child``."""
    told: frozenset[str] = frozenset()
    """Steps whose failures may tell a sensitive value in their message or details."""
    codes: bool = False
    """A failure's code may be made of one."""
    output: Marks = False
    unknown: bool = False
    """The definition cannot be read here: all that its instances hold may be sensitive."""

    @property
    def kin(self) -> Kin:
        """What those who start it need to know."""
        return Kin(self.unknown or self.output, self.unknown or bool(self.told), self.unknown or self.codes)

    def __bool__(self) -> bool:
        marks = (self.unknown, self.output, *self.names.values(), *self.fields.values())
        return bool(self.told) or any(map(any_in, marks))

    def name(self, root: str) -> Marks:
        """Of the value of a root name."""
        return self.unknown or self.names.get(root, False)

    def field(self, step: str, attribute: str) -> Marks:
        """Of what a step was given, or was answered."""
        return self.unknown or self.fields.get((step, attribute), False)

    def any_field(self, attribute: str) -> Marks:
        """Of that field of whichever step it was."""
        found: Marks = self.unknown
        for (_, name), marks in self.fields.items():
            found = union(found, marks) if name == attribute else found
        return found

    def tells(self, step: str | None) -> bool:
        """Whether a failure of this step may tell a value."""
        return self.unknown or step in self.told


NOTHING = Sensitive()


def sensitive_of(definition: Definition, kin: Callable[[str], Kin] = NO_KIN) -> Sensitive:
    """What is sensitive in the instances of ``definition``; ``kin`` tells of the workflows that it starts."""
    flow = _Flow(definition, kin)
    while flow.pass_once():
        pass
    return Sensitive(flow.names, flow.fields, frozenset(flow.tells), flow.codes, flow.output)


@dataclass(slots=True)
class _Flow:
    """Grows until nothing is added any more; marks only ever grow, and have a bounded depth."""

    definition: Definition
    kin: Callable[[str], Kin]
    names: dict[str, Marks] = field(default_factory=dict)
    fields: dict[tuple[str, str], Marks] = field(default_factory=dict)
    tells: set[str] = field(default_factory=set)
    codes: bool = False
    output: Marks = False

    def pass_once(self) -> bool:
        """Goes through all steps; whether anything was added."""
        before = (dict(self.names), dict(self.fields), set(self.tells), self.codes, self.output)
        self.assign("input", marks_of(self.definition.input))
        self.output = union(self.output, marks_of(self.definition.output))
        for place in places(self.definition):
            self.step(place.step)
        return before != (self.names, self.fields, self.tells, self.codes, self.output)

    def assign(self, path: str | None, marks: Marks) -> None:
        """A value with these marks is assigned at a path."""
        if path is not None and any_in(marks):
            root, *members = path.split(".")
            self.names[root] = bounded(union(self.names.get(root, False), at(tuple(members), marks)))

    # ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def of(self, expression: Expression, local: Mapping[str, Marks]) -> Marks:
        """What is sensitive in the value of an expression. ``local``: names bound by comprehensions around it."""
        match expression:
            case model.Const():
                return False
            case model.Get(path):
                return self.read(path, local)
            case model.Object(members):
                return {name: self.of(inner, local) for name, inner in members.items()}
            case model.ListOf(items):
                return {OTHERS: self.all((*items,), local)}
            case model.If(_, then, otherwise):
                return union(self.of(then, local), self.of(otherwise, local))
            case model.Map(items, name, to, _):
                return {OTHERS: self.of(to, {**local, name: below(self.of(items, local), OTHERS)})}
            case model.Op(op, args):
                return self.operation(op, args, local)
            case model.Fn(fn, args):
                return self.function(fn, args, local)
            case _:
                return any(any_in(self.of(inner, local)) for inner in children(expression))

    def read(self, path: str, local: Mapping[str, Marks]) -> Marks:
        """What is sensitive at a path."""
        root, *members = path.split(".")
        known = local[root] if root in local else self.names.get(root, False)
        return within(known, tuple(members))

    def all(self, expressions: tuple[Expression, ...], local: Mapping[str, Marks]) -> Marks:
        """What is sensitive in any of them."""
        found: Marks = False
        for one in expressions:
            found = union(found, self.of(one, local))
        return found

    def operation(self, op: str, args: tuple[Expression, ...], local: Mapping[str, Marks]) -> Marks:
        """What is sensitive in what an operator gives."""
        if op in _YES_OR_NO:
            return False
        if op == "+":  # of lists, too
            return self.all(args, local)
        base = self.of(args[0], local)
        if op == "slice":
            return base
        if op == "index":
            return self.member(base, args[1])
        return any(any_in(self.of(arg, local)) for arg in args)

    def member(self, base: Marks, key: Expression) -> Marks:
        """What is sensitive in a member that an expression chooses."""
        if isinstance(base, bool):
            return base
        if isinstance(key, model.Const) and isinstance(key.value, str):
            return below(base, key.value)
        found: Marks = False
        for inner in base.values():
            found = union(found, inner)
        return found

    def function(self, fn: str, args: tuple[Expression, ...], local: Mapping[str, Marks]) -> Marks:
        """What is sensitive in what a function gives: all of it, but for those that only choose."""
        known = CORE.get(fn)
        if known is not None and known.result == "boolean":
            return False
        if fn == "get":
            return union(self.member(self.of(args[0], local), args[1]), self.all(args[2:], local))
        if fn == "coalesce":
            return self.all(args, local)
        return any(any_in(self.of(arg, local)) for arg in args)

    def touches(self, expression: Expression, local: Mapping[str, Marks]) -> bool:
        """Whether anything sensitive is read, whatever becomes of it: a failure tells the values that it met."""
        match expression:
            case model.Get(path):
                return any_in(self.read(path, local))
            case model.Map(items, name, to, where):
                inner = {**local, name: below(self.of(items, local), OTHERS)}
                parts = (to,) if where is None else (to, where)
                return self.touches(items, local) or any(self.touches(part, inner) for part in parts)
            case _:
                return any(self.touches(part, local) for part in children(expression))

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self, step: Step) -> None:
        """What a step adds."""
        for attribute, _, expression in expressions(step):
            if self.touches(expression, {}):
                self.tells.add(step.id)
            if attribute not in ("assign", "parts", "when", "message"):
                self.hold(step, attribute, self.of(expression, {}))
        match step:
            case model.Set(assign=assign):
                for path, expression in assign.items():
                    self.assign(path, self.of(expression, {}))
            case model.Reference(parts=parts):
                self.hold(step, "parts", {name: self.of(part, {}) for name, part in parts.items()})
                self.assign("instance.reference", any_in(self.fields.get((step.id, "key"), False)))
            case model.Call(reply=schema, result=path):
                self.take(step, "reply", path, marks_of(schema))
            case model.Task(answer=schema, result=path):
                self.take(step, "answer", path, marks_of(schema))
            case model.Signal(payload=schema, result=path):
                self.take(step, "signal", path, marks_of(schema))
            case model.Each(items=items, name=name, collect=collect, result=path):
                self.assign(name, below(self.of(items, {}), OTHERS))
                if collect is not None:
                    self.assign(path, {OTHERS: self.of(collect, {})})
            case model.Try():
                self.handlers(step)
            case _:
                self.end(step)

    def hold(self, step: Step, attribute: str, marks: Marks) -> None:
        """A field of a step has a value with these marks."""
        if any_in(marks):
            key = (step.id, attribute)
            self.fields[key] = bounded(union(self.fields.get(key, False), marks))

    def take(self, step: Step, attribute: str, path: str | None, marks: Marks) -> None:
        """A step gets a value from outside. What is said about one that is sensitive may tell it."""
        if any_in(marks):
            self.tells.add(step.id)
            self.hold(step, attribute, marks)
            self.assign(path, marks)

    def handlers(self, step: model.Try) -> None:
        """What handlers see of the failures that they catch."""
        if any(inner.id in self.tells for inner in _all(step.body)):
            marks: Marks = {**_WHOLE_ERROR, "code": self.codes}
            for name in {"error", *(handler.name for handler in step.handlers if handler.name)}:
                self.assign(name, marks)

    def end(self, step: Step) -> None:
        """Other workflows, and the ways to end."""
        match step:
            case model.Subworkflow(workflow=name, result=path):
                kin = self.kin(name)
                self.take(step, "child", path, kin.output)
                self.fails(step, kin)
            case model.ContinueWith(workflow=name):
                kin = self.kin(name)
                self.output = bounded(union(self.output, kin.output))
                self.fails(step, kin)
            case model.Complete(output=output):
                self.output = bounded(union(self.output, self.of(output, {})))
            case model.Fail(code=code):
                self.codes = self.codes or any_in(self.of(code, {}))

    def fails(self, step: Step, kin: Kin) -> None:
        """The failures of another workflow come up through a step."""
        self.codes = self.codes or kin.codes
        if kin.tells:
            self.tells.add(step.id)


def _all(body: Body) -> list[Step]:
    return [found for step in body for found in (step, *(one for _, inner in bodies(step) for one in _all(inner)))]
