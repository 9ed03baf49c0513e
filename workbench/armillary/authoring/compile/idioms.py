"""Python's own ways of saying what a function of the registry says with other words."""

from __future__ import annotations

import ast
import builtins
import decimal
import statistics
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from armillary_engine.definition.expressions.functions import CORE
from armillary_engine.definition.model import Const, Expression, Fn, Get, ListOf, Map, Object, Op

from . import expressions
from .context import BROKEN, Context
from .names import MISSING

Idiom = Callable[[Context, ast.Call], Expression | None]
"""Gives what a call means, or ``None`` where it is an ordinary call."""


def idiom(context: Context, node: ast.Call, value: Any) -> Expression | None:
    """What a call of Python's own ``value`` means, if it is one of these."""
    try:
        known = IDIOMS.get(value)
    except TypeError:  # what cannot be hashed is none
        return None
    return None if known is None else known(context, node)


def total(context: Context, node: ast.Call) -> Expression | None:
    """``sum(items, start)``, where a start of 0 only tells a type checker what is summed."""
    start = node.args[1:] + [keyword.value for keyword in node.keywords if keyword.arg == "start"]
    if len(start) != 1 or len(node.args) + len(node.keywords) != 2:
        return None
    items, first = (expressions.expression(context, one) for one in (node.args[0], start[0]))
    summed = Fn("sum", (items,))
    return summed if first == Const(0) else Op("+", (first, summed))


def ordered(context: Context, node: ast.Call) -> Expression | None:
    """``sorted(items, key=lambda x: (x.price, x.name), reverse=True)``."""
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    if not options:
        return None
    if len(node.args) != 1 or not set(options) <= {"key", "reverse"}:
        return context.refuse(
            node, "function.arguments", "expected sorted(items, key=…, reverse=…)", "write the items first"
        )
    items = expressions.expression(context, node.args[0])
    backwards = expressions.expression(context, options["reverse"]) if "reverse" in options else Const(False)
    if "key" not in options:
        return Fn("sorted", (items, backwards))
    if not (isinstance(backwards, Const) and isinstance(backwards.value, bool)):
        return context.refuse(
            options["reverse"], "function.key", "expected reverse= to be True or False", "write it out"
        )
    return by_key(context, items, options["key"], backwards=backwards.value)


def by_key(context: Context, items: Expression, key: ast.expr, *, backwards: bool = False) -> Expression:
    """Items in the order of the members that a lambda reads. As in Python, equal ones stay as they were, backwards too;
    by several members they are sorted by the last first."""
    members = members_read(key)
    if members is None:
        hint = "write key=lambda item: item.member, or key=lambda item: (item.a, item.b); or sort in a service"
        return context.refuse(key, "function.key", f"expected members to sort by, got {context.text(key)}", hint)
    found = Fn("reversed", (items,)) if backwards else items
    for member in reversed(members):
        found = Fn("sort_by", (found, Const(member)))
    return Fn("reversed", (found,)) if backwards else found


def members_read(key: ast.expr) -> list[str] | None:
    """The members of ``lambda item: item.a`` and ``lambda item: (item.a, item["b"])``."""
    match key:
        case ast.Lambda(args=ast.arguments(args=[ast.arg(arg=name)]), body=ast.Tuple(elts=parts)):
            pass
        case ast.Lambda(args=ast.arguments(args=[ast.arg(arg=name)]), body=part):
            parts = [part]
        case _:
            return None
    found: list[str] = []
    for part in parts:
        match part:
            case ast.Attribute(value=ast.Name(id=owner), attr=member) if owner == name:
                found.append(member)
            case ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str() as member)) if owner == name:
                found.append(member)
            case _:
                return None
    return found or None


def extreme(context: Context, node: ast.Call) -> Expression | None:
    """``min(items, key=lambda x: x.price)``: the first of the sorted items."""
    match node:
        case ast.Call(args=[items], keywords=[ast.keyword(arg="key", value=key)]):
            backwards = context.names.resolve(node.func) is builtins.max
            found = by_key(context, expressions.expression(context, items), key, backwards=backwards)
            return found if found is BROKEN else Fn("first", (found,))
    return None


def listed(context: Context, node: ast.Call) -> Expression | None:
    """``list(items)`` of what is a list already."""
    if not node.args and not node.keywords:
        return ListOf(())
    if len(node.args) != 1 or node.keywords:
        return None
    items = expressions.expression(context, node.args[0])
    function = CORE.get(items.fn) if isinstance(items, Fn) else None
    sure = isinstance(items, ListOf | Map) or (function is not None and function.result == "list")
    return items if sure or items is BROKEN else None


def mapping(context: Context, node: ast.Call) -> Expression | None:
    """``dict()`` and ``dict(name=value)``."""
    if node.args or any(keyword.arg is None for keyword in node.keywords):
        return None
    return Object({keyword.arg or "": expressions.expression(context, keyword.value) for keyword in node.keywords})


def found_first(context: Context, node: ast.Call) -> Expression | None:
    """``next((x for x in items if …), default)``."""
    if node.keywords or not node.args or not isinstance(node.args[0], ast.GeneratorExp) or len(node.args) > 2:
        return None
    items, *rest = (expressions.expression(context, argument) for argument in node.args)
    return Fn("get", (items, Const(0), *rest)) if rest else Fn("first", (items,))


def average(context: Context, node: ast.Call) -> Expression | None:
    """``statistics.mean(items)`` of a name: its sum by its length."""
    if len(node.args) != 1 or node.keywords:
        return None
    items = expressions.expression(context, node.args[0])
    return Op("/", (Fn("sum", (items,)), Fn("len", (items,)))) if isinstance(items, Get) else None


IDIOMS: dict[Any, Idiom] = {
    sum: total, sorted: ordered, min: extreme, max: extreme, list: listed, tuple: listed, dict: mapping,
    next: found_first, statistics.mean: average, statistics.fmean: average,
}  # fmt: skip
ROUNDINGS = {
    decimal.ROUND_HALF_EVEN: "round", decimal.ROUND_HALF_UP: "round_half_up", decimal.ROUND_FLOOR: "floor",
    decimal.ROUND_CEILING: "ceil",
}  # fmt: skip


def quantized(context: Context, node: ast.Call, owner: Expression) -> Expression:
    """``amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)``: rounded to as many places."""
    given = [*node.args, *(one.value for one in node.keywords if one.arg == "exp")]
    modes = [one.value for one in node.keywords if one.arg == "rounding"] + given[1:]
    places = places_of(context, given[0]) if given else None
    mode = mode_of(context, modes)
    if places is None:
        hint = "write round(amount, 2)"
        return context.refuse(node, "function.arguments", 'expected quantize(Decimal("0.01")) or the like', hint)
    if mode is None:
        hint = "round, round_half_up, floor and ceil (from armillary.functions) each take the number of places"
        return context.refuse(modes[0], "function.arguments", f"there is no rounding {context.text(modes[0])}", hint)
    return Fn(mode, (owner, Const(places)))


def places_of(context: Context, node: ast.expr) -> int | None:
    """How many places a constant such as ``Decimal("0.01")`` has."""
    match node:
        case ast.Call(args=[ast.Constant(value=str() | int() as text)]) if context.names.resolve(node.func) is Decimal:
            exponent = Decimal(text).as_tuple().exponent if is_number(str(text)) else None
        case ast.Name() | ast.Attribute():
            value = context.names.resolve(node)
            exponent = value.as_tuple().exponent if isinstance(value, Decimal) else None
        case _:
            return None
    return -exponent if isinstance(exponent, int) and exponent <= 0 else None


def is_number(text: str) -> bool:
    """Whether ``Decimal`` reads a text."""
    try:
        return Decimal(text).is_finite()
    except decimal.InvalidOperation:
        return False


def mode_of(context: Context, nodes: Iterable[ast.expr]) -> str | None:
    """The function that rounds as one of the constants of ``decimal`` says."""
    for node in nodes:
        value = context.names.resolve(node) if not isinstance(node, ast.Constant) else node.value
        return ROUNDINGS.get(value) if value is not MISSING and isinstance(value, str) else None
    return "round"
