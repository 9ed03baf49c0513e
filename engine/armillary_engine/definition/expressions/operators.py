"""Operators as closures: comparison by value, booleans that are booleans, parts of lists and objects."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from ..expression_json import kind_of as kind
from ..model import Expression, Op, Value
from .arithmetic import ARITHMETIC, NUMBERS, Make, Run, mismatch
from .failure import METER, Budget, ExpressionFailure, Meter, Scope, failure

# ── comparison ───────────────────────────────────────────────────────────────────────────────────────────────────────


def equal(x: Any, y: Any, meter: Meter, node: Expression) -> bool:
    """Deep equality by value; ``true`` is not ``1``."""
    kind_x, kind_y = type(x), type(y)
    if kind_x is not kind_y:
        return kind_x in NUMBERS and kind_y in NUMBERS and x == y
    if kind_x is list:
        meter.charge(len(x), node)
        same_size = len(x) == len(y)
        return same_size and all(equal(a, b, meter, node) for a, b in zip(x, y, strict=True))
    if kind_x is dict:
        meter.charge(len(x), node)
        return x.keys() == y.keys() and all(equal(x[key], y[key], meter, node) for key in x)
    return bool(x == y)


def _equality(wanted: bool) -> Make:
    def make(node: Op, args: list[Run], budget: Budget) -> Run:
        left, right = args

        def run(scope: Scope) -> Any:
            x, y = left(scope), right(scope)
            kind_x = type(x)
            if kind_x is type(y) and kind_x is not list and kind_x is not dict:
                return (x == y) is wanted
            return equal(x, y, scope.get(METER) or Meter(budget), node) is wanted

        return run

    return make


def _ordering(compare: Callable[[Any, Any], bool]) -> Make:
    def make(node: Op, args: list[Run], _budget: Budget) -> Run:
        left, right = args

        def run(scope: Scope) -> Any:
            x, y = left(scope), right(scope)
            kind_x, kind_y = type(x), type(y)
            if (kind_x in NUMBERS and kind_y in NUMBERS) or (kind_x is str and kind_y is str):
                return compare(x, y)
            raise mismatch(node, "two numbers or two texts", x, y)

        return run

    return make


def _membership(wanted: bool) -> Make:
    def make(node: Op, args: list[Run], _budget: Budget) -> Run:
        item_of, base_of = args

        def run(scope: Scope) -> Any:
            item, base = item_of(scope), base_of(scope)
            if type(base) is list:
                meter = scope[METER]
                meter.charge(len(base), node)
                return any(equal(item, member, meter, node) for member in base) is wanted
            if type(base) is dict:
                return (type(item) is str and item in base) is wanted
            if type(base) is str and type(item) is str:
                return (item in base) is wanted
            raise mismatch(node, "an item and a list, a name and an object, or two texts", item, base)

        return run

    return make


# ── booleans ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _junction(ends: bool) -> Make:
    """``and`` ends at the first false, ``or`` at the first true."""

    def make(node: Op, args: list[Run], _budget: Budget) -> Run:
        def run(scope: Scope) -> Any:
            for arg in args:
                value = arg(scope)
                if value is ends:
                    return ends
                if value is not (not ends):
                    raise _not_boolean(node, node.args[args.index(arg)], value)
            return not ends

        return run

    return make


def _not_boolean(node: Op, part: Expression, value: Value) -> ExpressionFailure:
    hint = "compare it: x > 0, x is not None, len(x) > 0"
    return failure("type", f"expected true or false for `{node.op}`, got {kind(value)}", node, (part, value), hint=hint)


def _not(node: Op, args: list[Run], _budget: Budget) -> Run:
    operand = args[0]

    def run(scope: Scope) -> Any:
        value = operand(scope)
        if value is True:
            return False
        if value is False:
            return True
        raise _not_boolean(node, node.args[0], value)

    return run


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _index(node: Op, args: list[Run], _budget: Budget) -> Run:
    base_of, key_of = args

    def run(scope: Scope) -> Any:
        base, key = base_of(scope), key_of(scope)
        if type(base) is dict and type(key) is str:
            if key in base:
                return base[key]
            known = ", ".join(sorted(base)[:10]) or "none"
            message = f"expected a member {key[:60]!r}, got none"
            raise failure("missing", message, node, (node.args[1], key), hint=f"its members are: {known}")
        if (type(base) is list or type(base) is str) and type(key) is int:
            if -len(base) <= key < len(base):
                return base[key]
            raise failure("index", f"expected an index below {len(base)}, got {key}", node, (node.args[1], key))
        if base is None:
            raise failure("null", "expected an object or a list to take a part of, got null", node)
        raise mismatch(node, "an object and a name, or a list and a whole number", base, key)

    return run


def _slice(node: Op, args: list[Run], _budget: Budget) -> Run:
    base_of, low_of, high_of = args

    def run(scope: Scope) -> Any:
        base, low, high = base_of(scope), low_of(scope), high_of(scope)
        if type(base) is not list and type(base) is not str:
            raise mismatch(node, "a list or a text", base)
        for end in (low, high):
            if end is not None and type(end) is not int:
                raise failure("type", f"expected whole numbers as bounds, got {kind(end)}", node)
        return base[low:high]

    return run


OPERATORS: dict[str, Make] = {
    **ARITHMETIC,
    "==": _equality(True),
    "!=": _equality(False),
    "<": _ordering(operator.lt),
    "<=": _ordering(operator.le),
    ">": _ordering(operator.gt),
    ">=": _ordering(operator.ge),
    "in": _membership(True),
    "not in": _membership(False),
    "and": _junction(False),
    "or": _junction(True),
    "not": _not,
    "index": _index,
    "slice": _slice,
}
"""Operator → what makes its closure."""
