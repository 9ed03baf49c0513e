"""The JSON form of expressions, and their normal form.

In normal form a constant is a scalar (a constant list is a ``list`` of constants), a negated literal number is a
negative constant, and a format has no empty and no adjacent literal parts. Reading and writing both give it, so that
expressions that are spelt differently but say the same have one digest.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .model import Const, Expression, Fn, Format, Get, If, ListOf, Map, Object, Op, Value
from .problems import DefinitionError, Problem
from .suggest import did_you_mean
from .values import JsonValueError, normalize

OPERATORS: dict[str, tuple[int, int | None]] = {
    "and": (2, None), "or": (2, None), "not": (1, 1), "==": (2, 2), "!=": (2, 2), "<": (2, 2), "<=": (2, 2),
    ">": (2, 2), ">=": (2, 2), "in": (2, 2), "not in": (2, 2), "+": (2, 2), "-": (2, 2), "*": (2, 2), "/": (2, 2),
    "//": (2, 2), "%": (2, 2), "**": (2, 2), "neg": (1, 1), "index": (2, 2), "slice": (3, 3),
}  # fmt: skip
"""Operator → least and greatest number of arguments (``None``: any number)."""

MAX_EXPRESSION_DEPTH = 100

Report = Callable[[str, str, str, str], None]
"""Takes a code, a message, a hint and a JSON pointer."""

_INVALID = Const(None)


def is_identifier(text: str) -> bool:
    """Whether ``text`` can stand as a name in the text form: an identifier that is no keyword and that Python's parser
    leaves as it is (it applies NFKC)."""
    if not text.isidentifier() or keyword.iskeyword(text):
        return False
    return text.isascii() or unicodedata.normalize("NFKC", text) == text


def is_path(text: str) -> bool:
    """Whether ``text`` is dotted identifiers."""
    return all(is_identifier(part) for part in text.split("."))


# ── normal form ──────────────────────────────────────────────────────────────────────────────────────────────────────


def constant(value: Value) -> Expression:
    """A value as an expression in normal form."""
    if type(value) is list:
        return ListOf(tuple(constant(item) for item in value))
    if type(value) is dict:
        return Object({key: constant(item) for key, item in value.items()})
    return Const(value)


def negated(expression: Expression) -> Expression:
    """``-expression`` in normal form."""
    value = expression.value if isinstance(expression, Const) else None
    if type(value) is int:
        return Const(-value)
    if isinstance(value, Decimal):
        return Const(value.copy_negate())  # unary minus would round by the thread's context
    return Op("neg", (expression,))


def format_of(parts: list[str | Expression]) -> Format:
    """A format in normal form: a constant text in a hole is literal text."""
    merged: list[str | Expression] = []
    for given in parts:
        part = given.value if isinstance(given, Const) and isinstance(given.value, str) else given
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return Format(tuple(merged))


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def expression_to_json(expression: Expression) -> dict[str, Any]:
    """The JSON form, as in the canonical document."""
    write = expression_to_json
    match expression:
        case Const(value):
            return {"const": value} if type(value) not in (list, dict) else write(constant(value))
        case Get(path):
            return {"get": path}
        case Op("neg", (Const(),)):
            folded = negated(expression.args[0])
            return {"op": "neg", "args": [write(expression.args[0])]} if isinstance(folded, Op) else write(folded)
        case Op(op, args):
            return {"op": op, "args": [write(arg) for arg in args]}
        case If(condition, then, otherwise):
            return {"if": [write(condition), write(then), write(otherwise)]}
        case Object(members):
            return {"object": {key: write(member) for key, member in members.items()}}
        case ListOf(items):
            return {"list": [write(item) for item in items]}
        case Format(parts):
            whole = format_of(list(parts)).parts
            return {"format": [part if isinstance(part, str) else write(part) for part in whole]}
        case Map(items, name, to, where):
            mapping: dict[str, Any] = {"items": write(items), "as": name, "to": write(to)}
            return {"map": mapping if where is None else mapping | {"where": write(where)}}
        case Fn(fn, args):
            return {"fn": fn, "args": [write(arg) for arg in args]}


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_expression(data: Any, pointer: str, report: Report, depth: int = MAX_EXPRESSION_DEPTH) -> Expression:
    """JSON → expression in normal form; what is wrong goes to ``report``, and something harmless stands in for it."""
    if depth <= 0:
        report("expression.too-deep", f"expected at most {MAX_EXPRESSION_DEPTH} nested expressions, got more",
               "assign parts of it to names first", pointer)  # fmt: skip
        return _INVALID
    if not isinstance(data, dict):
        report("shape.expression", f"expected an expression object, got {kind_of(data)}",
               'write {"const": …} for a constant and {"get": "name"} for a name', pointer)  # fmt: skip
        return _INVALID
    found = [key for key in _READERS if key in data]
    if len(found) != 1:
        got = " and ".join(found) if found else ", ".join(map(repr, sorted(data)[:3])) or "{}"
        hint = did_you_mean(next(iter(data)), _READERS) if len(data) and not found else ""
        report("shape.expression", f"expected one of {', '.join(_READERS)}, got {got}", hint, pointer)
        return _INVALID
    form = found[0]
    allowed = {form, "args"} if form in ("op", "fn") else {form}
    for key in data.keys() - allowed:
        report("shape.unknown-field", f"expected {' and '.join(sorted(allowed))}, got {key!r}", "", f"{pointer}/{key}")
    return _READERS[form](data, pointer, report, depth - 1)


def kind_of(value: Any) -> str:
    """What a value is called in messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | Decimal() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
    return type(value).__name__


def _read_list(data: Any, pointer: str, report: Report, depth: int) -> tuple[Expression, ...]:
    if not isinstance(data, list):
        report("shape.type", f"expected a list of expressions, got {kind_of(data)}", "", pointer)
        return ()
    return tuple(read_expression(item, f"{pointer}/{i}", report, depth) for i, item in enumerate(data))


def _read_const(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    try:
        return constant(normalize(data["const"], depth=depth))
    except JsonValueError as problem:
        report(problem.code, problem.reason, problem.hint, f"{pointer}/const{problem.pointer}")
        return _INVALID


def _read_get(data: dict[str, Any], pointer: str, report: Report, _depth: int) -> Expression:
    path = data["get"]
    if not isinstance(path, str) or not is_path(path):
        got = repr(path) if isinstance(path, str) else kind_of(path)
        hint = 'write {"op": "index", "args": [{"get": …}, {"const": key}]} for any other key'
        report("shape.path", f"expected dotted identifiers, got {got}", hint, f"{pointer}/get")
        return _INVALID
    return Get(path)


def _read_op(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    op = data["op"]
    args = _read_list(data.get("args"), f"{pointer}/args", report, depth)
    if not isinstance(op, str) or op not in OPERATORS:
        hint = did_you_mean(op, OPERATORS) if isinstance(op, str) else ""
        report("expression.unknown-operator", f"expected an operator, got {op!r}",
               hint or f"operators are {' '.join(OPERATORS)}", f"{pointer}/op")  # fmt: skip
        return _INVALID
    least, most = OPERATORS[op]
    if len(args) < least or (most is not None and len(args) > most):
        wanted = f"{least}" if most == least else f"at least {least}"
        report("shape.arguments", f"expected {wanted} arguments of {op!r}, got {len(args)}", "", f"{pointer}/args")
        return _INVALID
    return negated(args[0]) if op == "neg" else Op(op, args)


def _read_if(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    args = _read_list(data["if"], f"{pointer}/if", report, depth)
    if len(args) != 3:
        message = f"expected [condition, then, else], got {len(args)} expressions"
        report("shape.arguments", message, "", f"{pointer}/if")
        return _INVALID
    return If(*args)


def _read_object(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    members = data["object"]
    if not isinstance(members, dict):
        report("shape.type", f"expected an object of expressions, got {kind_of(members)}", "", f"{pointer}/object")
        return _INVALID
    where = f"{pointer}/object/"
    return Object({key: read_expression(members[key], where + escape(key), report, depth) for key in members})


def escape(key: str) -> str:
    """A key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _read_listof(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    return ListOf(_read_list(data["list"], f"{pointer}/list", report, depth))


def _read_format(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    parts = data["format"]
    if not isinstance(parts, list):
        report("shape.type", f"expected a list of texts and expressions, got {kind_of(parts)}", "", f"{pointer}/format")
        return _INVALID
    read = [
        part if isinstance(part, str) else read_expression(part, f"{pointer}/format/{i}", report, depth)
        for i, part in enumerate(parts)
    ]
    return format_of(read)


def _read_map(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    members, where = data["map"], f"{pointer}/map"
    if not isinstance(members, dict):
        report("shape.type", f"expected an object, got {kind_of(members)}", "", where)
        return _INVALID
    for key in members.keys() - {"items", "as", "to", "where"}:
        hint = did_you_mean(key, ("items", "as", "to", "where"))
        report("shape.unknown-field", f"expected items, as, where and to, got {key!r}", hint, f"{where}/{escape(key)}")
    missing = [key for key in ("items", "as", "to") if key not in members]
    if missing:
        report("shape.missing-field", f"expected {', '.join(missing)}, got none", "", where)
        return _INVALID
    name = members["as"]
    if not isinstance(name, str) or not is_identifier(name):
        report("shape.path", f"expected an identifier, got {name!r}", "", f"{where}/as")
        return _INVALID
    items, to = (read_expression(members[key], f"{where}/{key}", report, depth) for key in ("items", "to"))
    test = read_expression(members["where"], f"{where}/where", report, depth) if "where" in members else None
    return Map(items, name, to, test)


def _read_fn(data: dict[str, Any], pointer: str, report: Report, depth: int) -> Expression:
    args = _read_list(data.get("args", []), f"{pointer}/args", report, depth)
    name = data["fn"]
    if not isinstance(name, str) or not is_function_name(name):
        report("shape.path", f"expected the name of a function, got {name!r}",
               "write a core function's name, or name@major for a function of your own", f"{pointer}/fn")  # fmt: skip
        return _INVALID
    return Fn(name, args)


def is_function_name(text: str) -> bool:
    """Whether ``text`` is ``name`` or ``name@major``."""
    name, at, major = text.partition("@")
    plain = major.isascii() and major.isdecimal() and len(major) <= 6 and (major == "0" or major[0] != "0")
    return is_identifier(name) and (not at or plain)


_READERS: dict[str, Callable[[dict[str, Any], str, Report, int], Expression]] = {
    "const": _read_const, "get": _read_get, "op": _read_op, "if": _read_if, "object": _read_object,
    "list": _read_listof, "format": _read_format, "map": _read_map, "fn": _read_fn,
}  # fmt: skip


def expression_from_json(data: Any) -> Expression:
    """JSON → expression in normal form. Raises :class:`DefinitionError` with all that is wrong with it."""
    problems: list[Problem] = []

    def report(code: str, message: str, hint: str, pointer: str) -> None:
        problems.append(Problem(code, message, pointer=pointer, hint=hint))

    expression = read_expression(data, "", report)
    if problems:
        raise DefinitionError("expression", problems)
    return expression
