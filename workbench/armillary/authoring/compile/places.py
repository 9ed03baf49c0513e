"""From a JSON pointer of the canonical document back to the author's source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armillary_engine.definition.fields import FIELDS
from armillary_engine.definition.model import Definition, Expression, Fn, Format, If, ListOf, Map, Object, Op
from armillary_engine.definition.problems import Span


def span_at(definition: Definition, pointer: str, known: Mapping[int, Span]) -> Span | None:
    """The place of the innermost step or expression on the way to ``pointer`` that was written by the author."""
    current: Any = definition
    found: Span | None = None
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    index = 0
    while index < len(keys):
        current, used = _step(current, keys[index:])
        if current is None:
            break
        found = known.get(id(current), found)
        index += used
    return found


def _step(current: Any, keys: list[str]) -> tuple[Any, int]:
    """The part of ``current`` under the first key or keys, and how many of them it took."""
    key = keys[0]
    match current:
        case Mapping():
            return current.get(key), 1
        case tuple():
            return (current[int(key)] if key.isdecimal() and int(key) < len(current) else None), 1
        case Op(args=args) | Fn(args=args):
            return (args if key == "args" else None), 1
        case If():
            return ((current.condition, current.then, current.otherwise) if key == "if" else None), 1
        case Object(members=members):
            return (members if key == "object" else None), 1
        case ListOf(items=items):
            return (items if key == "list" else None), 1
        case Format(parts=parts):
            return (parts if key == "format" else None), 1
        case Map() if len(keys) > 1:
            return {"items": current.items, "to": current.to, "where": current.where}.get(keys[1]), 2
    for row in FIELDS.get(type(current), ()):
        if row.json == key:
            return getattr(current, row.attribute), 1
    return None, 1


def known_spans(spans: list[tuple[Expression, Span]]) -> dict[int, Span]:
    """Spans by the identity of expressions, which the list keeps alive."""
    return {id(expression): span for expression, span in spans}
