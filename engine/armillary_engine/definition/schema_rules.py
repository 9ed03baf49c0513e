"""The keywords of JSON Schema that look at one value alone, as rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .expression_json import kind_of
from .model import Value
from .values import dumps

Rule = Callable[[Any], tuple[str, str] | None]
"""Gives a code and what was expected when the value does not fit."""
_NUMBERS = (int, Decimal)


def _bound(fits: Callable[[Any, Any], bool], words: str) -> Callable[[Any], Rule]:
    def make(limit: Any) -> Rule:
        if type(limit) not in _NUMBERS:
            raise TypeError(f"expected a number, got {kind_of(limit)}")
        found = ("range", f"a number {words} {limit}")
        return lambda value: found if type(value) in _NUMBERS and not fits(value, limit) else None

    return make


def _multiple(step: Any) -> Rule:
    if type(step) not in _NUMBERS or step <= 0:
        raise TypeError("expected a number above 0")
    found = ("range", f"a multiple of {step}")

    def rule(value: Any) -> tuple[str, str] | None:
        if type(value) not in _NUMBERS:
            return None
        left, right = Decimal(value).as_integer_ratio(), Decimal(step).as_integer_ratio()
        return found if (left[0] * right[1]) % (left[1] * right[0]) else None

    return rule


def _size(
    kind: type[str] | type[list[Any]], fits: Callable[[int, int], bool], words: str, unit: str
) -> Callable[[Any], Rule]:
    def make(limit: Any) -> Rule:
        if type(limit) is not int or limit < 0:
            raise TypeError("expected a whole number of at least 0")
        found = ("length", f"{words} {limit} {unit}")
        return lambda value: found if isinstance(value, kind) and not fits(len(value), limit) else None

    return make


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b if type(a) not in (list, dict) else dumps(a) == dumps(b)


def _enum(options: Any) -> Rule:
    if not isinstance(options, list):
        raise TypeError("expected a list")
    wanted = "one of " + ", ".join(dumps(option).decode() for option in options[:10])
    wanted += ", …" if len(options) > 10 else ""
    return lambda value: None if any(_same(value, option) for option in options) else ("enum", wanted)


def _const(wanted: Value) -> Rule:
    return lambda value: None if _same(value, wanted) else ("enum", dumps(wanted).decode())


def _pattern(pattern: Any) -> Rule:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression, got {pattern!r}: {error}") from None
    found = ("pattern", f"text that matches {pattern}")
    return lambda value: found if type(value) is str and not compiled.search(value) else None


def _unique(wanted: Any) -> Rule:
    def rule(value: Any) -> tuple[str, str] | None:
        if wanted is not True or type(value) is not list:
            return None
        items: list[Any] = value
        different = len({dumps(item) for item in items}) == len(items)
        return None if different else ("length", "items that are all different")

    return rule


RULES: dict[str, Callable[[Any], Rule]] = {
    "enum": _enum, "const": _const,
    "minimum": _bound(lambda v, limit: v >= limit, "of at least"),
    "maximum": _bound(lambda v, limit: v <= limit, "of at most"),
    "exclusiveMinimum": _bound(lambda v, limit: v > limit, "above"),
    "exclusiveMaximum": _bound(lambda v, limit: v < limit, "below"),
    "multipleOf": _multiple,
    "minLength": _size(str, lambda size, limit: size >= limit, "at least", "characters"),
    "maxLength": _size(str, lambda size, limit: size <= limit, "at most", "characters"),
    "pattern": _pattern,
    "minItems": _size(list, lambda size, limit: size >= limit, "at least", "items"),
    "maxItems": _size(list, lambda size, limit: size <= limit, "at most", "items"),
    "uniqueItems": _unique,
}  # fmt: skip
"""Keyword → what makes its rule; raises ``TypeError`` or ``ValueError`` for an argument that is not regular."""
