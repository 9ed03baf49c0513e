"""Which parts of a value a schema marks ``x-sensitive``, and the value without them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .model import Schema, Value
from .schema_nodes import resolve

Marks = bool | Mapping[str, "Marks"]
"""``True``: all of it is sensitive. ``False``: nothing. A mapping: by member; ``*`` stands for every item of a list and
for every member of an object that has no entry of its own."""

MASK = "•••"
"""What stands for a sensitive value."""
OTHERS = "*"
DEPTH = 8
"""Below so many members, what has a mark anywhere inside is sensitive as a whole: a loop may nest values for ever."""
PARTS = 10_000
"""Of a schema that has more parts, all is sensitive of which it is not known by then."""


def masked(value: Value, marks: Marks) -> Value:
    """``value`` with :data:`MASK` in place of what is marked; nulls stay."""
    if marks is False or value is None:
        return value
    if marks is True:
        return MASK
    if isinstance(value, dict):
        return {name: masked(item, below(marks, name)) for name, item in value.items()}
    if isinstance(value, list):
        inner = below(marks, OTHERS)
        return [masked(item, inner) for item in value]
    return value


def below(marks: Marks, member: str) -> Marks:
    """The marks of a member, or, by ``*``, of an item."""
    return marks if isinstance(marks, bool) else marks.get(member, marks.get(OTHERS, False))


def within(marks: Marks, path: tuple[str, ...]) -> Marks:
    """The marks at a path."""
    for member in path:
        marks = below(marks, member)
    return marks


def any_in(marks: Marks) -> bool:
    """Whether there is a mark anywhere."""
    return marks if isinstance(marks, bool) else any(map(any_in, marks.values()))


def union(one: Marks, other: Marks) -> Marks:
    """What either marks."""
    if one is True or other is True:
        return True
    if isinstance(one, bool) or isinstance(other, bool):
        return other if one is False else one
    return {name: union(below(one, name), below(other, name)) for name in {**one, **other}}


def at(path: tuple[str, ...], marks: Marks) -> Marks:
    """``marks`` of a value that is assigned at a path."""
    for member in reversed(path):
        marks = {member: marks} if any_in(marks) else False
    return marks


def bounded(marks: Marks, depth: int = DEPTH) -> Marks:
    """The same, no deeper than ``depth`` and without what marks nothing."""
    if isinstance(marks, bool) or not any_in(marks):
        return marks is True
    return {name: bounded(inner, depth - 1) for name, inner in marks.items()} if depth else True


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def marks_of(schema: Schema | None) -> Marks:
    """What a schema marks ``x-sensitive``. Where it refers to itself again and again, all of that is."""
    return False if schema is None or not mentioned(schema) else bounded(_Reader(schema).marks(schema, ()))


def mentioned(schema: Any) -> bool:
    """Whether a schema says ``x-sensitive`` anywhere."""
    if isinstance(schema, Mapping):
        return bool(schema.get("x-sensitive")) or any(map(mentioned, schema.values()))
    return isinstance(schema, list | tuple) and any(map(mentioned, schema))


class _Reader:
    """Reads one schema document, which has a mark somewhere."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._left = PARTS

    def marks(self, schema: Any, seen: tuple[str, ...]) -> Marks:
        """``seen``: the references that were followed to come here."""
        self._left -= 1
        if not isinstance(schema, Mapping):
            return False
        target = schema.get("$ref")
        if schema.get("x-sensitive") or self._left < 0 or seen.count(str(target)) > 1:
            return True
        found: Marks = False
        if isinstance(target, str):
            found = self.marks(resolve(target, self._root), (*seen, target))
        for inner in _same(schema):
            found = union(found, self.marks(inner, seen))
        members = {name: self.marks(inner, seen) for name, inner in schema.get("properties", {}).items()}
        others: Marks = False
        for inner in _others(schema):
            others = union(others, self.marks(inner, seen))
        for pattern, inner in schema.get("patternProperties", {}).items():
            marked = self.marks(inner, seen)
            others = union(others, marked)
            members |= {name: union(known, marked) for name, known in members.items() if re.search(pattern, name)}
        return union(found, {**members, OTHERS: others})


def _same(schema: Schema) -> Iterator[Any]:
    """Schemas of the same value."""
    for keyword in ("anyOf", "oneOf", "allOf"):
        yield from schema.get(keyword, ())
    for keyword in ("if", "then", "else", "not"):
        yield schema.get(keyword)
    yield from schema.get("dependentSchemas", {}).values()


def _others(schema: Schema) -> Iterator[Any]:
    """Schemas of items, and of members that have no name there."""
    for keyword in ("items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"):
        yield schema.get(keyword)
    yield from schema.get("prefixItems", ())
