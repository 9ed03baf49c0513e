"""Values on their way to the browser and back: numbers as text, large values cut with a count of what is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict

from armillary_engine.definition.problems import ArmillaryError


class NullNode(TypedDict):
    """Nothing."""

    type: Literal["null"]


class BooleanNode(TypedDict):
    """Yes or no."""

    type: Literal["boolean"]
    value: bool


class NumberNode(TypedDict):
    """A number, as text."""

    type: Literal["number"]
    text: str
    """All digits, never an exponent for a number of the canonical model."""


class TextNode(TypedDict):
    """A text; a long one is cut."""

    type: Literal["text"]
    text: str
    more: NotRequired[int]
    """How many characters were left off."""


class ListNode(TypedDict):
    """A list; a long one is cut."""

    type: Literal["list"]
    items: list[Node]
    more: NotRequired[int]


class ObjectNode(TypedDict):
    """Names and values, in order; a large one is cut."""

    type: Literal["object"]
    members: list[tuple[str, Node]]
    more: NotRequired[int]


Node = NullNode | BooleanNode | NumberNode | TextNode | ListNode | ObjectNode

MAX_TEXT = 20_000
MAX_MEMBERS = 500
MAX_NODES = 5_000
MAX_DEPTH = 40


@dataclass
class _Budget:
    nodes: int


def to_node(value: Any, *, nodes: int = MAX_NODES) -> Node:
    """A value as a tree for the browser, of at most ``nodes`` nodes; what is left off is counted in ``more``."""
    return _node(value, _Budget(nodes), MAX_DEPTH)


def _node(value: Any, budget: _Budget, depth: int) -> Node:
    budget.nodes -= 1
    match value:
        case None:
            return {"type": "null"}
        case bool():
            return {"type": "boolean", "value": value}
        case int() | Decimal() | float():
            return {"type": "number", "text": number_text(value)}
        case str():
            return _text(value)
        case datetime() | date():
            return _text(value.isoformat())
        case Mapping():
            return _object(value, budget, depth)
        case Sequence():
            return _list(value, budget, depth)
    return _text(str(value))


def _text(value: str) -> TextNode:
    if len(value) <= MAX_TEXT:
        return {"type": "text", "text": value}
    return {"type": "text", "text": value[:MAX_TEXT], "more": len(value) - MAX_TEXT}


def _object(value: Mapping[str, Any], budget: _Budget, depth: int) -> ObjectNode:
    members: list[tuple[str, Node]] = []
    for key, item in value.items():
        if depth == 0 or budget.nodes <= 0 or len(members) == MAX_MEMBERS:
            return {"type": "object", "members": members, "more": len(value) - len(members)}
        members.append((str(key), _node(item, budget, depth - 1)))
    return {"type": "object", "members": members}


def _list(value: Sequence[Any], budget: _Budget, depth: int) -> ListNode:
    items: list[Node] = []
    for item in value:
        if depth == 0 or budget.nodes <= 0 or len(items) == MAX_MEMBERS:
            return {"type": "list", "items": items, "more": len(value) - len(items)}
        items.append(_node(item, budget, depth - 1))
    return {"type": "list", "items": items}


def number_text(value: int | Decimal | float) -> str:
    """All digits of a number, without an exponent."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def to_json_text(value: Any) -> str:
    """JSON text of a value with exact numbers."""
    match value:
        case bool() | None | str():
            return json.dumps(value, ensure_ascii=False)
        case int() | Decimal() | float():
            return number_text(value)
        case Mapping():
            return (
                "{" + ", ".join(f"{to_json_text(str(key))}: {to_json_text(item)}" for key, item in value.items()) + "}"
            )
        case Sequence():
            return "[" + ", ".join(to_json_text(item) for item in value) + "]"
    return json.dumps(str(value))


def answer_of(text: str) -> Any:
    """The value of an answer's JSON text, with whole numbers as ``int`` and others as ``Decimal``.

    Raises ``task.answer-not-json`` with the place where reading stopped.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ArmillaryError(
            "task.answer-not-json",
            f"expected an answer in JSON, got text that cannot be read: {error}",
            hint="correct the JSON text",
        ) from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
