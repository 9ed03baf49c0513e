"""Core functions on text."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from typing import Any

from ..expression_json import kind_of
from ..model import Value
from ..values import dumps
from .core import CONTEXT, Entry, FunctionError, check_size, whole


def to_text(value: Value, limit: int) -> str:
    """As Python's ``str`` for scalars, with numbers in plain digits; lists and objects as canonical JSON."""
    match value:
        case str():
            return value
        case None | bool() | int():
            return str(value)
        case Decimal():
            return format(value, "f") if -40 < value.adjusted() < 40 else str(value).lower()
    check_size(measure_value(value, limit), limit)
    return dumps(value).decode()


def measure_value(value: Value, limit: int) -> int:
    """At least the number of texts and numbers in ``value``; stops above ``limit``."""
    seen, stack = 0, [value]
    while stack and seen <= limit:
        item = stack.pop()
        seen += 1 + (len(item) if type(item) is str else 0)
        if type(item) is list:
            stack.extend(item)
        elif type(item) is dict:
            stack.extend(item.values())
            seen += sum(map(len, item))
    return seen


_SPEC = re.compile(r"(0?[1-9][0-9]?)?(,)?(?:\.([0-9]{1,2}))?([fd%])?", re.ASCII)


def format_number(value: int | Decimal, spec: str) -> str:
    """Python's format for decimals, half-even, never in scientific notation."""
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise FunctionError("value", f"expected a format such as '.2f', ',' or ',.2f', got {spec!r}")
    kind = found[4] or ""
    if kind == "d" and (type(value) is not int or found[3]):
        raise FunctionError("value", "expected a whole number for the format 'd', got a fraction")
    if kind != "%":
        spec = spec.rstrip("fd") + "f"
    number = Decimal(value)
    with localcontext(CONTEXT) as context:
        context.prec = 10_000  # formatting rounds at the places asked for, not at 34 digits
        return format(number, spec)


def money(value: int | Decimal, places: Value = 2) -> str:
    """Fixed number of places, half-even."""
    digits = whole(places, "places")
    if not 0 <= digits <= 34:
        raise FunctionError("value", f"expected 0 to 34 places, got {digits}")
    return format_number(value, f".{digits}f")


def _split(text: str, *rest: Any) -> Value:
    *given, limit = rest
    separator = given[0] if given else None
    if separator == "":
        raise FunctionError("value", "expected a separator, got an empty text")
    parts: list[Value] = list(text.split(separator))
    check_size(len(parts), limit)
    return parts


def _join(items: list[Value], separator: str, limit: int) -> str:
    for item in items:
        if type(item) is not str:
            raise FunctionError("type", f"expected a list of texts, got one with {kind_of(item)}")
    texts = [str(item) for item in items]
    check_size(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0), limit)
    return separator.join(texts)


def _replace(text: str, old: str, new: str, limit: int) -> str:
    if not old:
        raise FunctionError("value", "expected a text to look for, got an empty one")
    check_size(len(text) + text.count(old) * (len(new) - len(old)), limit)
    return text.replace(old, new)


def _pad(text: str, width: Value, rest: tuple[Any, ...], left: bool) -> str:
    *given, limit = rest
    size, fill = max(whole(width, "width"), 0), given[0] if given else " "  # Python's own takes no smaller than -2**63
    if len(fill) != 1:
        raise FunctionError("value", f"expected one character to fill with, got {len(fill)}")
    check_size(size, limit)
    return text.rjust(size, fill) if left else text.ljust(size, fill)


def _pad_left(text: str, width: Value, *rest: Any) -> str:
    return _pad(text, width, rest, left=True)


def _pad_right(text: str, width: Value, *rest: Any) -> str:
    return _pad(text, width, rest, left=False)


def _cased(text: str, limit: int, *, up: bool) -> str:
    check_size(len(text), limit)
    cased = text.upper() if up else text.lower()
    check_size(len(cased), limit)  # ß becomes SS
    return cased


ENTRIES = (
    Entry("str", "value:any", "text", to_text, "The value as text.", (("str(12.50)", '"12.5"'),), sized=True),
    Entry("upper", "text:text", "text", lambda t, n: _cased(t, n, up=True), "In capitals.",
          (('upper("abc")', '"ABC"'),), sized=True),
    Entry("lower", "text:text", "text", lambda t, n: _cased(t, n, up=False), "In small letters.",
          (('lower("ABC")', '"abc"'),), sized=True),
    Entry("strip", "text:text characters:text?", "text", lambda t, c=None: t.strip(c),
          "Without white space (or the given characters) at both ends.", (('strip("  a ")', '"a"'),)),
    Entry("split", "text:text separator:text?", "list", _split,
          "The parts between separators; without one, the words.", (('split("a,b", ",")', '["a", "b"]'),), sized=True),
    Entry("join", "items:list separator:text", "text", _join, "The texts with the separator between them.",
          (('join(["a", "b"], ", ")', '"a, b"'),), sized=True),
    Entry("replace", "text:text old:text new:text", "text", _replace, "Every `old` replaced by `new`.",
          (('replace("a-b", "-", "/")', '"a/b"'),), sized=True),
    Entry("startswith", "text:text prefix:text", "boolean", lambda t, p: t.startswith(p),
          "Whether the text begins with the prefix.", (('startswith("P-1", "P-")', "True"),)),
    Entry("endswith", "text:text suffix:text", "boolean", lambda t, s: t.endswith(s),
          "Whether the text ends with the suffix.", (('endswith("a.pdf", ".pdf")', "True"),)),
    Entry("pad_left", "text:text width:number fill:text?", "text",
          _pad_left,
          "Filled on the left up to the width.", (('pad_left("7", 3, "0")', '"007"'),), sized=True),
    Entry("pad_right", "text:text width:number fill:text?", "text",
          _pad_right,
          "Filled on the right up to the width.", (('pad_right("7", 3, ".")', '"7.."'),), sized=True),
    Entry("format_number", "value:number format:text", "text", format_number,
          "The number in a format such as `.2f`, `,`, `,.2f`, `.1%`; half-even.",
          (('format_number(12000.5, ",.2f")', '"12,000.50"'),)),
    Entry("money", "amount:number places:number?", "text", money,
          "The amount with a fixed number of places (2), half-even.", (("money(12.5)", '"12.50"'),)),
)  # fmt: skip
