"""How a definition's own names and values read on a picture."""

from __future__ import annotations

import re

from armillary_engine.definition import model as m
from armillary_engine.definition.expressions.printing import text as expression_text

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_UNITS = ("y", "mo", "w", "d", "h", "min", "s")


def words(name: str) -> str:
    """``ReviewQuote``, ``review-quote`` and ``review_quote`` all give ``Review quote``."""
    parts = re.split(r"[\s_\-./]+", _CAMEL.sub(" ", name))
    lowered = [part if part.isupper() and len(part) > 1 else part.lower() for part in parts if part]
    text = " ".join(lowered)
    return text[:1].upper() + text[1:]


def duration(text: str) -> str:
    """``PT30S`` gives ``30 s``, ``P1DT2H`` gives ``1 d 2 h``; what is no duration is given back as it is."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return text
    return " ".join(f"{number} {unit}" for number, unit in zip(found.groups(), _UNITS, strict=True) if number)


def value(expression: m.Expression) -> str:
    """An expression as a person reads it: a constant text bare, a duration in words, the rest in its text form."""
    if isinstance(expression, m.Const) and isinstance(expression.value, str):
        return duration(expression.value)
    return condition(expression)


def condition(expression: m.Expression) -> str:
    """An expression in its text form; the order in which an object's members were written has no say."""
    return expression_text(_ordered(expression))


def _ordered(expression: m.Expression) -> m.Expression:
    match expression:
        case m.Object(members):
            return m.Object({name: _ordered(members[name]) for name in sorted(members)})
        case m.ListOf(items):
            return m.ListOf(tuple(map(_ordered, items)))
        case m.Op(op, args):
            return m.Op(op, tuple(map(_ordered, args)))
        case m.Fn(fn, args):
            return m.Fn(fn, tuple(map(_ordered, args)))
        case m.If(asked, then, otherwise):
            return m.If(_ordered(asked), _ordered(then), _ordered(otherwise))
        case m.Map(items, name, to, where):
            return m.Map(_ordered(items), name, _ordered(to), None if where is None else _ordered(where))
        case m.Format(parts):
            return m.Format(tuple(part if isinstance(part, str) else _ordered(part) for part in parts))
    return expression
