"""What to write where a value has a type that cannot stand there."""

from __future__ import annotations

CONDITION = {"list": "len({0}) > 0", "object": "len({0}) > 0", "text": '{0} != ""', "number": "{0} != 0"}
CONVERSION = {
    ("text", "number"): "write str({0})",
    ("text", "boolean"): "write str({0})",
    ("text", "list"): 'write join({0}, ", ")',
    ("text", "object"): "write str({0}), or take a member of it",
    ("number", "text"): "write number({0})",
    ("number", "list"): "write len({0}), sum({0}) or {0}[0]",
    ("number", "boolean"): "write 1 if {0} else 0",
    ("list", "object"): "write values({0}), keys({0}) or entries({0})",
    ("list", "text"): 'write split({0}, ",")',
    ("list", "number"): "write [{0}], or range({0})",
    ("object", "list"): "take one of its items: {0}[0]",
    ("null", "text"): "write None, or leave it out",
}
"""Wanted type, given type → the way from one to the other."""


def way_out(found: str, kinds: frozenset[str], wanted: frozenset[str]) -> str:
    """How to make a value of the ``wanted`` types of ``found``, which has one of ``kinds``; a sentence for a hint."""
    given = sorted(kinds - {"null"})
    if wanted == {"boolean"}:
        if "null" in kinds and given:
            return f"compare it: {found} is not None"
        test = CONDITION.get(given[0]) if len(given) == 1 else None
        return f"compare it: {test.format(found)}" if test else "compare it: x > 0, x is not None, len(x) > 0"
    if not given:
        return f"it is always null: assign a value to it, or write coalesce({found}, …)"
    for kind in ("text", "number", "list", "object", "null"):
        if kind in wanted and (kind, given[0]) in CONVERSION:
            return CONVERSION[kind, given[0]].format(found)
    return "take a part of it that is one, or give the function something else"


def way_to_members(seen: str, kinds: frozenset[str]) -> str:
    """How to come to a member of what has none."""
    if kinds == {"list"}:
        return f"take one of its items: {seen}[0], or go through them: [x.name for x in {seen}]"
    return f"it has no members: use {seen} itself, or correct the name before the dot"


def way_together(first: str, second: str, kinds: frozenset[str]) -> str:
    """How two values of different types come together."""
    if kinds == {"text", "number"}:
        return f"write number({first}) where it is text, or str({second}) where it is a number"
    if "text" in kinds:
        return "write an f-string, or str(x)"
    if "list" in kinds:
        return f"put the other into a list: {first} + [x]"
    if "null" in kinds:
        return f"write coalesce({first}, 0) where it may be null"
    return "compare and add values of the same type: take a member, or convert one of them"
