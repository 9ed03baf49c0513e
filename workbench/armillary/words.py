"""The words that tables, the command line and error texts use for values, moments and events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from armillary_engine.definition.problems import Span
from armillary_engine.runtime import EventView, InstanceView, TaskView

from .widgets.describe import row_of


def value_text(value: Any, *, limit: int = 72) -> str:
    """``value`` as JSON on one line, numbers exact, cut to ``limit`` characters."""
    return clip(to_json(value), limit)


def clip(text: str, limit: int) -> str:
    """``text``, cut to ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON text of a ``Value``; a ``Decimal`` is written as the number that it is, never through a binary float."""
    match value:
        case Decimal():
            return str(value)
        case Mapping():
            members = [
                f"{json.dumps(str(key), ensure_ascii=False)}: {_nested(item, indent)}" for key, item in value.items()
            ]
            return _brackets("{", members, "}", indent)
        case list() | tuple():
            return _brackets("[", [_nested(item, indent) for item in value], "]", indent)
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)


def _nested(value: Any, indent: int | None) -> str:
    text = to_json(value, indent=indent)
    return text if indent is None else text.replace("\n", "\n" + " " * indent)


def _brackets(opening: str, items: Sequence[str], closing: str, indent: int | None) -> str:
    if not items or indent is None:
        return opening + ", ".join(items) + closing
    margin = "\n" + " " * indent
    return opening + margin + ("," + margin).join(items) + "\n" + closing


def moment(at: datetime | None) -> str:
    """Local time to the second, such as ``2026-05-04 13:37:00``; empty for None."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at else ""


def standing(view: InstanceView) -> str:
    """Where an instance stands, in a few words: ``waiting at review-quote``, ``failed (failure.x): no such policy``."""
    if view.blocked:
        return f"blocked: {view.blocked}"
    if view.error:
        return f"{view.status} ({view.error.get('code')}): {view.error.get('message')}"
    where = ", ".join(view.steps)
    return f"{view.status} at {where}" if where else view.status


def quoted(span: Span | None) -> list[str]:
    """The author's line with a caret under what is meant, and which line it is; nothing where that is not known."""
    from .authoring.errors import where

    return [] if span is None else [f"  {line}" for line in where(span)]


def task_standing(view: TaskView) -> str:
    """``open``, ``open, claimed by ann``, ``completed``, ``cancelled``."""
    return f"{view.status}, claimed by {view.assignee}" if view.assignee and view.status == "open" else view.status


def event_text(event: EventView) -> str:
    """What happened, in the words of the live view, without the step's name: ``waits for a person``."""
    return row_of(event)["text"]


def event_place(event: EventView) -> str:
    """The step that an event is about; empty where it is about the instance."""
    return "" if event.type.startswith("instance.") else event.step or ""


def changes(event: EventView, *, limit: int = 72) -> str:
    """The state changes of an event: ``quote = {"premium": 12500}; remarks removed``."""
    words = [f"{row[0]} = {to_json(row[1])}" if len(row) > 1 else f"{row[0]} removed" for row in event.patch]
    return clip("; ".join(words), limit)
