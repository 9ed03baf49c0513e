"""Decisions that were written as ``match``."""

from __future__ import annotations

from armillary_engine.definition.model import Const, Decision, Expression, ListOf, Op

from .literals import literal

Pattern = tuple[list[Const], Expression | None]


def matching(step: Decision) -> tuple[Expression, list[Pattern]] | None:
    """The subject and the patterns of a decision that was written as ``match``, which its id tells."""
    patterns = [pattern_of(branch.when) for branch in step.branches]
    if not step.id.startswith("match-") or not patterns or None in patterns:
        return None
    found = [one for one in patterns if one is not None]
    subject = found[0][0]
    if isinstance(subject, ListOf) or any(other != subject for other, _, _ in found):
        return None
    return subject, [(values, guard) for _, values, guard in found]


def pattern_of(test: Expression) -> tuple[Expression, list[Const], Expression | None] | None:
    """The subject, the values and the guard of one case."""
    match test:
        case Op("==", (subject, Const(None | bool() | int() | str()) as value)):
            return subject, [value], None
        case Op("in", (subject, ListOf(items))) if len(items) > 1:
            values = [one for one in items if isinstance(one, Const) and isinstance(one.value, int | str | None)]
            return (subject, values, None) if len(values) == len(items) else None
        case Op("and", (inner, guard)):
            found = pattern_of(inner)
            return (found[0], found[1], guard) if found is not None and found[2] is None else None
    return None


def literal_of(values: list[Const]) -> str:
    """``"a" | "b"``."""
    return " | ".join(literal(value.value) for value in values)
