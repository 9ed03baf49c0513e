"""Values as Python, the way the printer of expressions writes them: double quotes, exact numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from armillary_engine.definition.expression_json import constant
from armillary_engine.definition.expressions.printing import text

WIDTH = 112


def literal(value: Any) -> str:
    """A value on one line, for where numbers are read from the source text."""
    return text(constant(list(value) if isinstance(value, tuple) else value))


def spread(value: Any, *, indent: int = 0, used: int = 0) -> str:
    """A value for where Python itself reads it: on one line if it fits after ``used`` characters, otherwise a member or
    an item on a line each; a number that no binary number stands for is a ``Decimal("…")``."""
    if isinstance(value, Decimal):
        return literal(value) if Decimal(repr(float(value))) == value else f"Decimal({literal(str(value))})"
    if not isinstance(value, (dict, list)):
        return literal(value)
    keys = [f"{literal(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    items = list(value.values()) if isinstance(value, dict) else value
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    rows = [key + spread(item, indent=indent + 4, used=len(key)) for key, item in zip(keys, items, strict=True)]
    short = opening + ", ".join(rows) + closing
    if "\n" not in short and indent + used + len(short) <= WIDTH:
        return short
    margin = " " * (indent + 4)
    return opening + "".join(f"\n{margin}{row}," for row in rows) + "\n" + " " * indent + closing
