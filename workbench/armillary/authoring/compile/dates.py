"""Arithmetic and order of dates, which are texts in the definition: by time, not by characters."""

from __future__ import annotations

import ast
from datetime import date, datetime, timedelta
from decimal import Decimal

from armillary_engine.definition.durations import SECOND, duration_microseconds
from armillary_engine.definition.model import Const, Expression, Fn, Op
from armillary_engine.definition.values import number

from . import expressions, functions
from .context import BROKEN, Context
from .shapes import is_moment


def arithmetic(context: Context, node: ast.BinOp, left: Expression, right: Expression) -> Expression | None:
    """``now + timedelta(days=3)`` and ``due - timedelta(hours=1)``; ``None`` when no ``timedelta`` is written."""
    if not isinstance(node.op, (ast.Add, ast.Sub)):
        return None
    if is_timedelta(context, node.right):
        return Fn("date_add" if isinstance(node.op, ast.Add) else "date_subtract", (left, right))
    if is_timedelta(context, node.left) and isinstance(node.op, ast.Add):
        return Fn("date_add", (right, left))
    if isinstance(node.op, ast.Sub) and is_date(context, node.left, left) and is_date(context, node.right, right):
        between = f"({context.text(node.right)}, {context.text(node.left)})"
        hint = f"for days write days_between{between}, for seconds seconds_between{between} (from armillary.functions)"
        return context.refuse(node, "operator.dates", "dates can't be subtracted", hint)
    return None


def between(context: Context, node: ast.expr) -> tuple[Expression, Expression] | None:
    """The start and the end of ``(end - start)``, where both are dates."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return None
    if is_timedelta(context, node.right):
        return None
    end, start = (expressions.expression(context, side) for side in (node.left, node.right))
    known = is_date(context, node.left, end) and is_date(context, node.right, start)
    return (start, end) if known else None


def days(context: Context, node: ast.Attribute) -> Expression | None:
    """``(end - start).days``."""
    found = between(context, node.value) if node.attr == "days" else None
    return None if found is None else Fn("days_between", found)


def is_timedelta(context: Context, node: ast.expr) -> bool:
    """Whether an expression is written as a ``timedelta``."""
    if isinstance(node, ast.Call):
        return context.names.resolve(node.func) is timedelta
    return isinstance(context.names.resolve(node), timedelta)


def order(
    context: Context, nodes: tuple[ast.expr, ast.expr], sign: str, left: Expression, right: Expression
) -> Expression | None:
    """``a < b`` of dates, as ``is_before``; ``None`` when neither is known to be a date."""
    if sign not in ("<", ">", "<=", ">="):
        return None
    sides = [is_date(context, *pair) for pair in zip(nodes, (left, right), strict=True)]
    if not any(sides) or any(is_as_text(context, node) for node in nodes):
        return None
    before = Fn("is_before", (left, right) if sign in ("<", ">=") else (right, left))
    return before if sign in ("<", ">") else Op("not", (before,))


def lengths(context: Context, nodes: list[ast.expr]) -> list[Expression] | None:
    """Seconds for each of ``end - start`` and ``timedelta(…)`` that are compared; ``None`` where other things are."""
    if not any(isinstance(node, ast.BinOp) and between(context, node) for node in nodes):
        return None
    found = [length(context, node) for node in nodes]
    return None if None in found else [one for one in found if one is not None]


def length(context: Context, node: ast.expr) -> Expression | None:
    """The seconds of ``end - start``, or of a ``timedelta``; ``None`` for anything else."""
    dates = between(context, node)
    if dates is not None:
        return Fn("seconds_between", dates)
    if not is_timedelta(context, node):
        return None
    found = expressions.expression(context, node)
    if isinstance(found, Const) and isinstance(found.value, str):
        return Const(number(Decimal(duration_microseconds(found.value)) / SECOND))
    return found if found is BROKEN else Fn("duration_seconds", (found,))


UNITS = ("days", "hours", "minutes", "seconds")


def duration(context: Context, node: ast.Call) -> Expression | None:
    """``timedelta(days=n)`` of values that are not known now; ``None`` for units that ``duration`` has not."""
    given = {keyword.arg: keyword.value for keyword in node.keywords} | dict(zip(UNITS, node.args[:1], strict=False))
    if len(node.args) > 1 or not given.keys() <= {*UNITS, "weeks"}:
        return None
    found = {unit: expressions.expression(context, one) for unit, one in given.items() if unit}
    weeks = found.pop("weeks", None)
    if weeks is not None:
        weeks = Op("*", (weeks, Const(7)))
        found["days"] = Op("+", (found["days"], weeks)) if "days" in found else weeks
    last = max((index for index, unit in enumerate(UNITS) if unit in found), default=0)
    return Fn("duration", tuple(found.get(unit, Const(0)) for unit in UNITS[: last + 1]))


def is_date(context: Context, node: ast.expr, found: Expression) -> bool:
    """Whether a value is known to be a date, and is not taken as text."""
    if isinstance(found, Const):
        return is_written_date(context, node)
    return not is_as_text(context, node) and is_moment(context, found)


def is_written_date(context: Context, node: ast.expr) -> bool:
    """Whether a constant is written as a date: ``date(2026, 1, 31)``, or a captured one."""
    if isinstance(node, ast.Call):
        return context.names.resolve(node.func) in (date, datetime)
    return isinstance(context.names.resolve(node), date)


def is_as_text(context: Context, node: ast.expr) -> bool:
    """Whether an expression is ``as_text(…)``."""
    return isinstance(node, ast.Call) and context.names.resolve(node.func) is functions.AS_TEXT
