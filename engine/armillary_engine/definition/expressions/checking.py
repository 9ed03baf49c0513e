"""Finds in an expression what cannot work whatever the values: functions, members and types that do not fit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..expression_json import escape
from ..model import Const, Expression, Fn, Format, Get, If, ListOf, Map, Object, Op
from ..problems import Problem
from ..suggest import did_you_mean
from .advice import way_out, way_to_members, way_together
from .functions import CORE, Function, Functions, Parameter
from .printing import text
from .shapes import (
    BOOLEAN,
    NUMBER,
    TEXT,
    Kind,
    Lacking,
    Shape,
    item,
    item_at,
    member,
    names,
    of_schema,
    of_value,
    union,
)

_KINDS: dict[str, frozenset[str] | None] = {
    "any": None, "text": frozenset({"text"}), "number": frozenset({"number"}), "boolean": frozenset({"boolean"}),
    "list": frozenset({"list"}), "object": frozenset({"object"}), "date": frozenset({"text"}),
    "duration": frozenset({"text"}), "comparable": frozenset({"number", "text"}),
}  # fmt: skip
_WORDS = {
    "text": "text", "number": "a number", "boolean": "true or false", "null": "null", "list": "a list",
    "object": "an object",
}  # fmt: skip
_ORDERING = frozenset({"<", "<=", ">", ">="})
_COMPARISON = _ORDERING | {"==", "!=", "in", "not in"}
_LIKE = frozenset({"number", "text"})
_JOINED = frozenset({"number", "text", "list"})


def check(
    expression: Expression,
    known: Collection[str] | None = None,
    schemas: Mapping[str, Mapping[str, Any] | None] | None = None,
    *,
    functions: Functions = CORE,
) -> list[Problem]:
    """What is wrong with an expression that stands alone. ``known``: the names that may be read (``None``: any);
    ``schemas``: the JSON Schema of a name, where there is one."""
    given = schemas or {}
    shapes = {name: of_schema(schema, schema) for name, schema in given.items() if schema is not None}
    checker = Checker(functions, shapes, known)
    checker.infer(expression, "")
    return checker.problems


class Checker:
    """Infers shapes and notes ``problems``. ``shapes``: of names; ``known``: the names there are (``None``: any)."""

    def __init__(self, functions: Functions, shapes: dict[str, Shape], known: Collection[str] | None = None) -> None:
        self.functions = functions
        self.shapes = shapes
        self.known = known
        self.problems: list[Problem] = []
        self.quiet = False

    def report(self, code: str, message: str, pointer: str, hint: str = "") -> None:
        """Takes note of an error."""
        if not self.quiet:
            self.problems.append(Problem(f"expression.{code}", message, pointer=pointer, hint=hint))

    def expect(self, expression: Expression, pointer: str, wanted: frozenset[str], hint: str = "") -> Shape:
        """Infers, and reports a shape that is none of the ``wanted`` kinds."""
        shape = self.infer(expression, pointer)
        kinds = names(shape)
        if kinds is not None and not kinds & wanted:
            got = _listed(kinds)
            message = f"expected {_listed(wanted)}, got {got} from `{_short(expression)}`"
            self.report("type", message, pointer, hint or way_out(_short(expression), kinds, wanted))
            return None
        return shape

    def infer(self, expression: Expression, pointer: str) -> Shape:
        """The shape of an expression; what is wrong inside is reported on the way."""
        match expression:
            case Const(value):
                return of_value(value)
            case Get():
                return self.path(expression, pointer)
            case Op():
                return self.operation(expression, pointer)
            case If(condition, then, otherwise):
                self.condition(condition, f"{pointer}/if/0")
                return union((self.infer(then, f"{pointer}/if/1"), self.infer(otherwise, f"{pointer}/if/2")))
            case Object(members):
                inner = {key: self.infer(value, f"{pointer}/object/{escape(key)}") for key, value in members.items()}
                return (Kind("object", members=inner),)
            case ListOf(items):
                shapes = [self.infer(value, f"{pointer}/list/{i}") for i, value in enumerate(items)]
                return (Kind("list", item=union(shapes) if shapes else None, places=tuple(shapes) or None),)
            case Format(parts):
                for i, part in enumerate(parts):
                    if not isinstance(part, str):
                        self.infer(part, f"{pointer}/format/{i}")
                return TEXT
            case Map():
                return self.comprehension(expression, pointer)
            case Fn():
                return self.call(expression, pointer)

    def condition(self, expression: Expression, pointer: str) -> None:
        """Reports what can be neither true nor false."""
        self.expect(expression, pointer, _BOOLEAN)

    def path(self, expression: Get, pointer: str) -> Shape:
        """The shape at a path."""
        root, *steps = expression.path.split(".")
        if self.known is not None and root not in self.known:
            message = f"expected a name that is assigned, got {root!r}"
            hint = did_you_mean(root, self.known) or f"the names are {', '.join(sorted(self.known)[:10])}"
            self.report("unknown-name", message, pointer, hint)
        shape, seen = self.shapes.get(root), root
        for name in steps:
            kinds = names(shape)
            if kinds is not None and "object" not in kinds:
                message = f"expected an object in {seen!r} to take {name!r} from, got {_listed(kinds)}"
                self.report("type", message, pointer, way_to_members(seen, kinds))
                return None
            found = member(shape, name)
            if isinstance(found, Lacking):
                self.lacking(seen, name, found, pointer)
                return None
            shape, seen = found, f"{seen}.{name}"
        return shape

    def lacking(self, seen: str, name: str, found: Lacking, pointer: str) -> None:
        """Reports a member that the schema does not have."""
        hint = did_you_mean(name, found.known) or f"its members are: {', '.join(found.known[:10])}"
        self.report("unknown-member", f"expected a member of {seen!r}, got {name!r}", pointer, hint)

    def operation(self, expression: Op, pointer: str) -> Shape:
        """The shape of an operation's result."""
        op, args = expression.op, expression.args
        where = [f"{pointer}/args/{i}" for i in range(len(args))]
        if op in ("and", "or", "not"):
            for arg, place in zip(args, where, strict=True):
                self.condition(arg, place)
            return BOOLEAN
        if op in _COMPARISON:
            return self.comparison(expression, where)
        if op == "index":
            return self.index(args[0], args[1], where)
        if op == "slice":
            base = self.expect(args[0], where[0], _SLICED)
            for arg, place in zip(args[1:], where[1:], strict=True):
                self.expect(arg, place, _BOUND)
            return base
        if op == "+":
            return self.addition(expression, where)
        if op == "*":
            shapes = [self.expect(arg, place, _JOINED) for arg, place in zip(args, where, strict=True)]
            kinds = [names(shape) for shape in shapes]
            return NUMBER if kinds == [_NUMBER, _NUMBER] else None
        for arg, place in zip(args, where, strict=True):
            self.expect(arg, place, _NUMBER)
        return NUMBER

    def addition(self, expression: Op, where: list[str]) -> Shape:
        """Numbers, texts or lists; both sides alike."""
        left, right = (self.expect(arg, place, _JOINED) for arg, place in zip(expression.args, where, strict=True))
        common = _alike(left, right, _JOINED)
        if common is not None and not common:
            got = f"{_listed(names(left))} and {_listed(names(right))}"
            hint = self.together(expression, left, right)
            message = f"expected two numbers, two texts or two lists for `+`, got {got} in `{_short(expression)}`"
            self.report("type", message, where[0].rpartition("/args")[0], hint)
        if left is None or right is None or not common:
            return None
        return tuple(kind for kind in (*left, *right) if kind.name in common)

    def together(self, expression: Op, left: Shape, right: Shape) -> str:
        """How the two sides of an operator come together, for a hint."""
        first, second = map(_short, expression.args)
        return way_together(first, second, (names(left) or frozenset()) | (names(right) or frozenset()))

    def comparison(self, expression: Op, where: list[str]) -> Shape:
        """Always a boolean; ordering needs two numbers or two texts."""
        left, right = (self.infer(arg, place) for arg, place in zip(expression.args, where, strict=True))
        pointer = where[0].rpartition("/args")[0]
        if expression.op in _ORDERING:
            common = _alike(left, right, _LIKE)
            if common is not None and not common:
                got = f"{_listed(names(left))} and {_listed(names(right))}"
                wanted = f"two numbers or two texts for `{expression.op}`"
                message = f"expected {wanted}, got {got} in `{_short(expression)}`"
                hint = self.together(expression, left, right)
                self.report("type", message, pointer, hint)
        elif expression.op in ("in", "not in"):
            kinds = names(right)
            if kinds is not None and not kinds & _CONTAINERS:
                message = f"expected a list, an object or a text to look in, got {_listed(kinds)}"
                found = _short(expression.args[1])
                self.report("type", message, where[1], f"write [{found}] for a list of one, or == to compare")
        return BOOLEAN

    def index(self, base: Expression, key: Expression, where: list[str]) -> Shape:
        """A member or an item."""
        shape = self.expect(base, where[0], _CONTAINERS)
        self.infer(key, where[1])
        if isinstance(key, Const) and isinstance(key.value, str):
            if shape is not None and all(kind.name in ("object", "null") for kind in shape):
                found = member(shape, key.value)
                if isinstance(found, Lacking):
                    self.lacking(_short(base), key.value, found, where[1])
                    return None
                return found
            return None
        if names(shape) not in (frozenset({"list"}), frozenset({"list", "null"})):
            return None
        return item_at(shape, key.value) if isinstance(key, Const) and type(key.value) is int else item(shape)

    def comprehension(self, expression: Map, pointer: str) -> Shape:
        """A list of what ``to`` gives."""
        items = self.expect(expression.items, f"{pointer}/map/items", frozenset({"list"}))
        missing = object()
        before: Any = self.shapes.get(expression.name, missing)
        known, self.shapes[expression.name] = self.known, item(items)
        if known is not None:
            self.known = frozenset(known) | {expression.name}
        if expression.where is not None:
            self.condition(expression.where, f"{pointer}/map/where")
        to = self.infer(expression.to, f"{pointer}/map/to")
        self.known = known
        if before is missing:
            del self.shapes[expression.name]
        else:
            self.shapes[expression.name] = before
        return (Kind("list", item=to),)

    def call(self, expression: Fn, pointer: str) -> Shape:
        """The shape of a function's result."""
        function = self.functions.get(expression.fn)
        if function is None:
            hint = did_you_mean(expression.fn, self.functions) or "the functions are listed in the expression reference"
            message = f"expected a known function, got {expression.fn!r}"
            self.report("unknown-function", message, f"{pointer}/fn", hint)
            for i, arg in enumerate(expression.args):
                self.infer(arg, f"{pointer}/args/{i}")
            return None
        count = len(expression.args)
        if count < function.least or (function.most is not None and count > function.most):
            message = f"expected {function.signature}, got {count} argument{'s' if count != 1 else ''}"
            self.report("arguments", message, f"{pointer}/args", f"write {function.signature}: {function.doc}")
        given: list[Shape] = []
        for i, arg in enumerate(expression.args):
            accepted, place = _accepted(function, i), f"{pointer}/args/{i}"
            given.append(self.infer(arg, place) if accepted is None else self.expect(arg, place, accepted))
        if expression.fn == "zip":
            return (Kind("list", item=(Kind("list", places=tuple(map(item, given))),)),)
        if expression.fn == "enumerate" and given:
            return (Kind("list", item=(Kind("list", places=(NUMBER, item(given[0]))),)),)
        return _result(function)


_BOOLEAN, _NUMBER = frozenset({"boolean"}), frozenset({"number"})
_SLICED, _BOUND = frozenset({"list", "text"}), frozenset({"number", "null"})
_CONTAINERS = frozenset({"list", "object", "text"})


def _alike(left: Shape, right: Shape, of: frozenset[str]) -> frozenset[str] | None:
    first, second = names(left), names(right)
    return None if first is None or second is None else first & second & of


def _accepted(function: Function, index: int) -> frozenset[str] | None:
    if not function.parameters:
        return None
    parameter: Parameter = function.parameters[min(index, len(function.parameters) - 1)]
    kinds = parameter.kind if isinstance(parameter.kind, tuple) else (parameter.kind,)
    found: set[str] = {"null"} if parameter.null else set()
    for kind in kinds:
        accepted = _KINDS[kind]
        if accepted is None:
            return None
        found |= accepted
    return frozenset(found)


def _result(function: Function) -> Shape:
    kinds = function.result if isinstance(function.result, tuple) else (function.result,)
    found: list[Kind] = []
    for kind in kinds:
        accepted = _KINDS[kind]
        if accepted is None:
            return None
        found += [Kind(name) for name in sorted(accepted)]
    return tuple(found)


def _listed(kinds: frozenset[str] | None) -> str:
    return " or ".join(_WORDS[kind] for kind in sorted(kinds or ()))


def _short(expression: Expression) -> str:
    shown = text(expression)
    return shown if len(shown) <= 60 else shown[:59] + "…"
