"""Expressions as Python objects, for programs that make workflows: operators make syntax trees, nothing is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from armillary_engine.definition.expression_json import constant, is_identifier, negated
from armillary_engine.definition.expressions.functions import CORE
from armillary_engine.definition.model import Expression, Fn, Get, If, ListOf, Object, Op
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.suggest import did_you_mean
from armillary_engine.definition.values import normalize

EXPRESSIONS = (Get, Op, If, ListOf, Object, Fn)


class Value:
    """An expression of a workflow that is being built: ``quote.premium > 10_000``, ``a & ~b``, ``xs[0]``.

    Members are attributes, or ``value["any key"]``. ``and``, ``or`` and ``not`` are ``&``, ``|`` and ``~``.
    """

    __slots__ = ("_expression",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def __getattr__(self, name: str) -> Value:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, key: Any) -> Value:
        owner = self._expression
        if isinstance(key, slice):
            return Value(Op("slice", (owner, expression_of(key.start), expression_of(key.stop))))
        if isinstance(key, str) and is_identifier(key) and isinstance(owner, Get):
            return Value(Get(f"{owner.path}.{key}"))
        return Value(Op("index", (owner, expression_of(key))))

    def __iter__(self) -> NoReturn:
        raise ArmillaryError("builder.iteration", "a value is not known yet, so it can't be gone through here",
                             hint="write `with build.each(items) as item:`")  # fmt: skip

    def __bool__(self) -> NoReturn:
        raise ArmillaryError("builder.truth", "a value is not known yet, so it is neither true nor false here",
                             hint="write &, | and ~ for and, or and not, build.when(…) for if")  # fmt: skip

    def __repr__(self) -> str:
        from armillary_engine.definition.expressions.printing import text

        return f"Value({text(self._expression)})"

    def __eq__(self, other: object) -> Any:
        return _two("==", self, other)

    def __ne__(self, other: object) -> Any:
        return _two("!=", self, other)

    def __lt__(self, other: object) -> Value:
        return _two("<", self, other)

    def __le__(self, other: object) -> Value:
        return _two("<=", self, other)

    def __gt__(self, other: object) -> Value:
        return _two(">", self, other)

    def __ge__(self, other: object) -> Value:
        return _two(">=", self, other)

    def __add__(self, other: object) -> Value:
        return _two("+", self, other)

    def __radd__(self, other: object) -> Value:
        return _two("+", other, self)

    def __sub__(self, other: object) -> Value:
        return _two("-", self, other)

    def __rsub__(self, other: object) -> Value:
        return _two("-", other, self)

    def __mul__(self, other: object) -> Value:
        return _two("*", self, other)

    def __rmul__(self, other: object) -> Value:
        return _two("*", other, self)

    def __truediv__(self, other: object) -> Value:
        return _two("/", self, other)

    def __rtruediv__(self, other: object) -> Value:
        return _two("/", other, self)

    def __floordiv__(self, other: object) -> Value:
        return _two("//", self, other)

    def __mod__(self, other: object) -> Value:
        return _two("%", self, other)

    def __pow__(self, other: object) -> Value:
        return _two("**", self, other)

    def __neg__(self) -> Value:
        return Value(negated(self._expression))

    def __and__(self, other: object) -> Value:
        return _chain("and", self, other)

    def __or__(self, other: object) -> Value:
        return _chain("or", self, other)

    def __invert__(self) -> Value:
        return Value(Op("not", (self._expression,)))

    def is_in(self, items: object) -> Value:
        """Whether ``items`` hold it."""
        return _two("in", self, items)


def _two(sign: str, left: object, right: object) -> Value:
    return Value(Op(sign, (expression_of(left), expression_of(right))))


def _chain(word: str, left: object, right: object) -> Value:
    first = expression_of(left)
    before = first.args if isinstance(first, Op) and first.op == word else (first,)
    return Value(Op(word, (*before, expression_of(right))))


def expression_of(value: object) -> Expression:
    """A value, or Python data that may hold values, as an expression."""
    if isinstance(value, Value):
        return value._expression
    if isinstance(value, Mapping):
        return Object({str(key): expression_of(one) for key, one in value.items()})
    if isinstance(value, list | tuple):
        return ListOf(tuple(expression_of(one) for one in value))
    return constant(normalize(value))


def choose(condition: object, then: object, otherwise: object) -> Value:
    """``then if condition else otherwise``."""
    return Value(If(expression_of(condition), expression_of(then), expression_of(otherwise)))


def apply(function: str, *arguments: object) -> Value:
    """A function of the registry: ``apply("round", x, 2)``, or the author's own as ``apply("risk@1", x)``."""
    if "@" not in function and function not in CORE:
        hint = did_you_mean(function, CORE) or "the expression reference lists them"
        raise ArmillaryError("builder.function", f"expected a function of the registry, got {function!r}", hint=hint)
    return Value(Fn(function, tuple(expression_of(one) for one in arguments)))
