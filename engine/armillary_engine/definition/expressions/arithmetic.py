"""Arithmetic operators as closures: exact to 34 digits, half-even; whole numbers are exact or an error."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal, DecimalException, Inexact
from typing import Any

from ..expression_json import kind_of as kind
from ..model import Expression, Op, Value
from ..values import DIGITS, WHOLE, JsonValueError, number, settle
from .core import CONTEXT
from .failure import Budget, ExpressionFailure, Scope, failure

Run = Callable[[Scope], Any]
Make = Callable[[Op, list[Run], Budget], Run]

NUMBERS = frozenset({int, Decimal})


def operands(node: Op, *values: Value) -> list[tuple[Expression, Value]]:
    """The arguments of an operator with their values."""
    return list(zip(node.args, values, strict=False))


def mismatch(node: Op, wanted: str, *values: Value) -> ExpressionFailure:
    """The failure of an operator whose operands are of the wrong types."""
    got = " and ".join(kind(value) for value in values)
    return failure("type", f"expected {wanted} for `{node.op}`, got {got}", node, *operands(node, *values))


def _whole(value: int, node: Op) -> int | Decimal:
    """A whole result that may have more than 34 digits."""
    if -WHOLE < value < WHOLE:
        return value
    try:
        return number(value)
    except JsonValueError:
        raise failure("number", "expected a whole result of at most 34 digits, got more", node) from None


def _decimal(compute: Callable[[Any, Any], Decimal], x: Any, y: Any, node: Op) -> int | Decimal:
    try:
        result = compute(x, y)
        if result.adjusted() >= DIGITS and node.op in "+-*" and _is_whole(x) and _is_whole(y):
            getattr(_STRICT, _STRICT_NAMES[node.op])(x, y)  # whole numbers are exact, or an error
        return settle(result)
    except ZeroDivisionError:
        raise _zero(node, x, y) from None
    except DecimalException:
        raise failure("number", f"expected a result in the range of 34-digit decimals for `{node.op}`", node,
                      *operands(node, x, y)) from None  # fmt: skip


_STRICT = CONTEXT.copy()
_STRICT.traps[Inexact] = True
_STRICT_NAMES = {"+": "add", "-": "subtract", "*": "multiply"}


def _is_whole(value: int | Decimal) -> bool:
    return isinstance(value, int) or value.adjusted() >= DIGITS  # 34 digits that begin that far up end before the point


def _zero(node: Op, x: Value, y: Value) -> ExpressionFailure:
    return failure("division-by-zero", f"expected a divisor other than 0 for `{node.op}`", node, *operands(node, x, y))


def _arithmetic(
    whole: Callable[[int, int], int], decimal: Callable[[Any, Any], Decimal], other: Callable[..., Value] | None = None
) -> Make:
    def make(node: Op, args: list[Run], budget: Budget) -> Run:
        left, right = args

        def run(scope: Scope) -> Any:
            x, y = left(scope), right(scope)
            kind_x, kind_y = type(x), type(y)
            if kind_x is int and kind_y is int:
                try:
                    result = whole(x, y)
                except ZeroDivisionError:
                    raise _zero(node, x, y) from None
                return result if -WHOLE < result < WHOLE else _whole(result, node)
            if kind_x in NUMBERS and kind_y in NUMBERS:
                return _decimal(decimal, x, y, node)
            if other is not None:
                return other(x, y, node, budget)
            raise mismatch(node, "two numbers", x, y)

        return run

    return make


def _concatenated(x: Any, y: Any, node: Op, budget: Budget) -> Any:
    if type(x) is type(y) and type(x) in (str, list):
        if len(x) + len(y) > budget.size:
            raise failure("size", f"expected a result of at most {budget.size:,} characters or items", node)
        return x + y
    hint = "write an f-string, or str(x)" if str in (type(x), type(y)) else ""
    found = mismatch(node, "two numbers, two texts or two lists", x, y)
    found.hint = hint
    raise found


def _repeated(x: Any, y: Any, node: Op, budget: Budget) -> Value:
    if type(x) is int:
        x, y = y, x
    if type(y) is int and (type(x) is str or type(x) is list):
        if len(x) * y > budget.size:
            raise failure("size", f"expected a result of at most {budget.size:,} characters or items", node)
        return x * y
    raise mismatch(node, "two numbers, or a text or list and a whole number", x, y)


def _divide(x: Any, y: Any) -> Decimal:
    return CONTEXT.divide(x, y)


def _division(node: Op, args: list[Run], _budget: Budget) -> Run:
    left, right = args

    def run(scope: Scope) -> Any:
        x, y = left(scope), right(scope)
        if type(x) not in NUMBERS or type(y) not in NUMBERS:
            raise mismatch(node, "two numbers", x, y)
        if y == 0:
            raise _zero(node, x, y)
        return _decimal(_divide, x, y, node)

    return run


def _floor_quotient(x: Any, y: Any) -> Decimal:
    if y == 0:
        raise ZeroDivisionError
    quotient, rest = CONTEXT.divmod(Decimal(x), Decimal(y))
    return CONTEXT.subtract(quotient, 1) if rest and (rest < 0) != (y < 0) else quotient


def _floor_rest(x: Any, y: Any) -> Decimal:
    if y == 0:
        raise ZeroDivisionError
    rest = CONTEXT.remainder(Decimal(x), Decimal(y))
    return CONTEXT.add(rest, Decimal(y)) if rest and (rest < 0) != (y < 0) else rest


def _power(node: Op, args: list[Run], _budget: Budget) -> Run:
    left, right = args

    def run(scope: Scope) -> Any:
        x, y = left(scope), right(scope)
        if type(x) not in NUMBERS or type(y) not in NUMBERS:
            raise mismatch(node, "two numbers", x, y)
        if y == 0:
            return 1
        if x == 0 and y < 0:
            raise _zero(node, x, y)
        if type(x) is int and type(y) is int and 0 < y * x.bit_length() <= 4_000:
            return _whole(x**y, node) if y > 0 else _decimal(CONTEXT.power, x, y, node)
        if type(x) is int and type(y) is int and y > 0:
            return _exact_power(x, y, node)
        return _decimal(CONTEXT.power, x, y, node)

    return run


def _exact_power(x: int, y: int, node: Op) -> Any:
    if x in (0, 1, -1):
        return x ** (y % 2 + 2)
    return _decimal(_STRICT.power, x, y, node)


def _negative(node: Op, args: list[Run], _budget: Budget) -> Run:
    operand = args[0]

    def run(scope: Scope) -> Any:
        x = operand(scope)
        if type(x) in NUMBERS:
            return settle(CONTEXT.minus(x)) if type(x) is Decimal else -x
        raise mismatch(node, "a number", x)

    return run


ARITHMETIC: dict[str, Make] = {
    "+": _arithmetic(operator.add, CONTEXT.add, _concatenated),
    "-": _arithmetic(operator.sub, CONTEXT.subtract),
    "*": _arithmetic(operator.mul, CONTEXT.multiply, _repeated),
    "/": _division,
    "//": _arithmetic(operator.floordiv, _floor_quotient),
    "%": _arithmetic(operator.mod, _floor_rest),
    "**": _power,
    "neg": _negative,
}
"""Operator → what makes its closure."""
