"""Core functions on numbers."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation

from ..expression_json import kind_of
from ..model import Value
from ..values import JsonValueError, number
from .core import CONTEXT, Entry, FunctionError, exact, whole

_NUMERIC = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,5})?\s*", re.ASCII)


def to_number(value: Value) -> int | Decimal:
    """A number, or a text that writes one exactly."""
    if type(value) is int or type(value) is Decimal:
        return value
    if type(value) is str and len(value) <= 1_000 and _NUMERIC.fullmatch(value):
        try:
            return number(value.strip())
        except JsonValueError as problem:
            raise FunctionError("number", problem.reason) from None
    shown = repr(value[:40]) if isinstance(value, str) else kind_of(value)
    raise FunctionError("value", f"expected a number or a text that writes one, got {shown}")


def _to_whole(value: Value) -> int | Decimal:
    found = to_number(value)
    if type(value) is str and type(found) is not int:
        raise FunctionError("value", f"expected a text that writes a whole number, got {value[:40]!r}")
    return _places(found, 0, "ROUND_DOWN")


def _places(value: int | Decimal, places: Value, rounding: str) -> int | Decimal:
    digits = whole(places, "places")
    if not -6144 <= digits <= 6176:
        raise FunctionError("value", f"expected places from -6144 to 6176, got {digits}")
    decimal = Decimal(value)
    if not decimal or -decimal.as_tuple().exponent <= digits:  # type: ignore[operator]
        return value
    try:
        return exact(decimal.quantize(Decimal(1).scaleb(-digits), rounding, CONTEXT))
    except InvalidOperation:
        raise FunctionError("number", "expected a result of at most 34 digits, got more") from None


def _absolute(value: int | Decimal) -> int | Decimal:
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)  # abs would round by the thread's context


def _numbers(items: list[Value]) -> list[int | Decimal]:
    for item in items:
        if type(item) is not int and type(item) is not Decimal:
            raise FunctionError("type", f"expected numbers, got {kind_of(item)}")
    return items  # type: ignore[return-value]


def _sum(items: list[Value]) -> int | Decimal:
    total: int | Decimal = 0
    for item in _numbers(items):
        total = exact(CONTEXT.add(Decimal(total), Decimal(item)))
    return total


def comparable(items: list[Value]) -> list[Value]:
    """Refuses a list that holds anything but numbers, or anything but texts."""
    kinds = {str if type(item) is str else Decimal if type(item) in (int, Decimal) else None for item in items}
    if len(kinds) > 1 or None in kinds:
        got = ", ".join(sorted({kind_of(item) for item in items}))
        raise FunctionError("type", f"expected numbers only, or texts only, got {got}")
    return items


def _extreme(args: tuple[Value, ...], choose: object) -> Value:
    items = list(args[0]) if len(args) == 1 and type(args[0]) is list else list(args)
    if not items:
        raise FunctionError("value", "expected at least one value, got none")
    return choose(comparable(items))  # type: ignore[operator, no-any-return]


ENTRIES = (
    Entry("number", "value:any", "number", to_number, "A text such as `12.50` as a number.",
          (('number("12.50")', "12.5"),)),
    Entry("int", "value:any", "number", _to_whole,
          "The whole part of a number, or the whole number that a text writes.",
          (("int(12.7)", "12"), ('int("12")', "12"))),
    Entry("abs", "value:number", "number", _absolute, "Without its sign.", (("abs(-3)", "3"),)),
    Entry("round", "value:number places:number?", "number", lambda v, p=0: _places(v, p, ROUND_HALF_EVEN),
          "Rounded to places (0); a half goes to the even neighbour.",
          (("round(2.5)", "2"), ("round(2.675, 2)", "2.68"))),
    Entry("round_half_up", "value:number places:number?", "number", lambda v, p=0: _places(v, p, ROUND_HALF_UP),
          "Rounded to places (0); a half goes away from zero.", (("round_half_up(2.5)", "3"),)),
    Entry("floor", "value:number places:number?", "number", lambda v, p=0: _places(v, p, ROUND_FLOOR),
          "Rounded down.", (("floor(-1.5)", "-2"),)),
    Entry("ceil", "value:number places:number?", "number", lambda v, p=0: _places(v, p, ROUND_CEILING),
          "Rounded up.", (("ceil(1.01, 1)", "1.1"),)),
    Entry("min", "values:any*", "comparable", lambda *args: _extreme(args, min),
          "The smallest of a list, or of the arguments.", (("min(3, 1, 2)", "1"),)),
    Entry("max", "values:any*", "comparable", lambda *args: _extreme(args, max),
          "The greatest of a list, or of the arguments.", (("max([3, 1, 2])", "3"),)),
    Entry("sum", "items:list", "number", _sum, "The sum of a list of numbers, exact to 34 digits.",
          (("sum([0.1, 0.2])", "0.3"),)),
)  # fmt: skip
