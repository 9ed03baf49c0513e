"""Values that are known when a function is compiled: literals, captured constants, ``Decimal("1.5")``, ``date(…)``."""

from __future__ import annotations

import ast
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from armillary_engine.definition.durations import parse_duration
from armillary_engine.definition.model import Const, Expression, Value
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.values import normalize, number

from .context import BROKEN, Context, described
from .names import MISSING, UNSET

CONSTRUCTORS = (Decimal, date, datetime, time, timedelta)
WRITTEN: dict[Any, str] = {
    Decimal: 'Decimal("12.50")', date: "date(2026, 1, 31)", datetime: "datetime(2026, 1, 31, 9, 30, tzinfo=UTC)",
    time: "time(9, 30)", timedelta: "timedelta(days=14, hours=12)",
}  # fmt: skip
NUMBER = re.compile(r"(?<![\w.])(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[\d_]*\.?[\d_]+(?:[eE][+-]?[\d_]+)?\.?)")
KINDS = "text, whole numbers, Decimal, true, false, None, dates, timedelta, Enum members and tuples of those"


def literal(context: Context, node: ast.Constant) -> Expression:
    """A literal; numbers are read from the source text, so that ``0.1`` is exactly 0.1."""
    match node.value:
        case None | bool() | str():
            return constant(context, node, node.value)
        case int() | float():
            return read_number(context, node, source_number(context, node))
        case bytes():
            return context.refuse(node, "literal.bytes", "bytes are no JSON value", "write text")
        case complex():
            return context.refuse(
                node, "literal.complex", "expected a decimal number, got a complex one", "write a number"
            )
        case _:
            return context.refuse(node, "literal.ellipsis", "expected a value, got ...", "write the value, or None")


def source_number(context: Context, node: ast.Constant) -> str:
    """The digits as they were written. Inside an f-string, where older Pythons give no exact place, the literal of the
    same value is looked for in the whole string."""
    text = context.text(node)
    for candidate in [text, *NUMBER.findall(text)]:
        try:
            if ast.literal_eval(candidate) == node.value:
                return str(candidate)
        except (ValueError, SyntaxError):
            continue
    line = context.source.line(node.lineno)
    for candidate in NUMBER.findall(line):
        try:
            if ast.literal_eval(candidate) == node.value:
                return str(candidate)
        except (ValueError, SyntaxError):
            continue
    return repr(node.value)


def read_number(context: Context, node: ast.expr, text: str) -> Expression:
    """The digits of a literal as an exact number."""
    plain = text.replace("_", "")
    try:
        return Const(number(int(plain, 0) if re.match(r"0[xXoObB]", plain) else plain))
    except ArmillaryError as error:
        return context.refuse(node, "literal.number", error.message, "keep it as text, or round it")


def constant(context: Context, node: ast.AST, value: Any) -> Const:
    """``value`` as a JSON constant, or a refusal at ``node``."""
    try:
        return Const(json_value(value))
    except ArmillaryError as error:
        return context.refuse(node, error.code, error.message, error.hint)


def json_value(value: Any) -> Value:
    """A Python value as JSON; an error where it has no exact form."""
    match value:
        case Enum():
            return json_value(value.value)
        case tuple():
            return [json_value(item) for item in value]
        case datetime() if value.utcoffset() is None:
            hint = "give it a time zone, such as datetime(…, tzinfo=UTC)"
            raise ArmillaryError(
                "constant.time-zone", f"expected a date and time with a time zone, got {value}", hint=hint
            )
        case _:
            return normalize(value)


def captured(context: Context, node: ast.expr, value: Any) -> Expression:
    """A value from outside the function, inlined; what is no constant is an error that says what to do instead."""
    name = context.text(node)
    if value is UNSET:
        return context.refuse(
            node,
            "name.unset",
            f"{name} has no value yet where @workflow is applied",
            f"assign {name} before the function",
        )
    problem = objection(value)
    if problem is not None:
        what, hint = problem
        return context.refuse(node, "captured.kind", f"{name} can't be captured: it is {what}", hint.format(name=name))
    found = constant(context, node, value)
    if found is not BROKEN:
        context.captured[name] = found.value
    return found


def objection(value: Any) -> tuple[str, str] | None:
    """Why a value can't be captured: what it is and what to do instead; ``None`` if it can."""
    match value:
        case Enum():
            return objection(value.value)
        case None | bool() | int() | str() | Decimal() | date() | time() | timedelta():
            return None
        case tuple():
            return next((found for found in map(objection, value) if found is not None), None)
        case float():
            remedy = f'write it as Decimal("{value!r}"), or as a number in the workflow itself'
            return "a float, a binary number", remedy
        case list() | dict() | set() | frozenset():
            remedy = "write it inside the workflow, pass it in as input" + (
                ", or make it a tuple" if isinstance(value, (list, set, frozenset)) else ""
            )
            return described(value) + ", which may change", remedy
        case _:
            hint = "take the value out before the function: limit = {name}.limit\ncaptured are " + KINDS
            return described(value), hint


def constructed(context: Context, node: ast.Call, constructor: Any) -> Expression:
    """``Decimal("1.5")``, ``date(2026, 1, 31)``, ``timedelta(days=14)`` of literals."""
    arguments = [plain(context, argument) for argument in node.args]
    if constructor is not Decimal:
        arguments = [float(one) if isinstance(one, Decimal) else one for one in arguments]
    options = {keyword.arg: plain(context, keyword.value) for keyword in node.keywords if keyword.arg}
    if MISSING in arguments or MISSING in options.values() or len(options) != len(node.keywords):
        hint = f"{constructor.__name__}(…) takes literals here; for values use the operators and functions on texts"
        return context.refuse(
            node, "constant.arguments", f"{constructor.__name__} needs values that are known now", hint
        )
    try:
        if constructor is Decimal:
            return Const(number(*(str(argument) for argument in arguments)))
        make: Any = constructor
        value = make(*arguments, **options)
    except ArmillaryError as error:
        return context.refuse(node, error.code, error.message, error.hint)
    except (TypeError, ValueError, ArithmeticError) as error:  # what the constructor says is the author's to read
        hint = f"write {WRITTEN[constructor]}"
        return context.refuse(node, "constant.arguments", f"{constructor.__name__}: {error}", hint)
    return constant(context, node, value)


def plain(context: Context, node: ast.expr) -> Any:
    """The Python value of an argument of such a constructor, or ``MISSING``."""
    match node:
        case ast.Constant(value=float() | int() as value) if not isinstance(value, bool):
            text = source_number(context, node).replace("_", "")
            return value if isinstance(value, int) else Decimal(text)
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as operand):
            inner = plain(context, operand)
            return -inner if isinstance(inner, (int, Decimal)) else MISSING
        case ast.Name() | ast.Attribute():
            value = context.names.resolve(node)
            return value if value is MISSING or objection(value) is None or hasattr(value, "utcoffset") else MISSING
        case _:
            return MISSING


def duration(context: Context, node: ast.expr, found: Expression) -> str:
    """A duration option: ``"30s"``, ``"PT30S"`` or a ``timedelta``, as ISO 8601."""
    if isinstance(found, Const) and isinstance(found.value, str):
        try:
            return parse_duration(found.value)
        except ArmillaryError as error:
            context.refuse(node, error.code, error.message, error.hint)
    elif found is not BROKEN:
        hint = (
            'write a text such as "30s" or "14d", or a timedelta; for a time that is worked out, wait for it '
            'in a branch of its own: with parallel(join="any"): … with branch("late"): sleep(…)'
        )
        context.refuse(
            node, "option.duration", f"expected a duration that is known now, got {context.text(node)}", hint
        )
    return "PT0S"
