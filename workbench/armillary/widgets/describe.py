"""Events of an instance's history as rows that a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from armillary_engine.runtime import EventView

from .messages import Row
from .values import Node, to_node

Tone = Literal["plain", "good", "busy", "bad", "quiet"]

_WAITS = {
    "call": "waits for the reply of a service",
    "task": "waits for a person",
    "timer": "waits for its time",
    "signal": "waits for a signal",
    "child": "waits for a child workflow",
}

_TEXTS: dict[str, tuple[Tone, str]] = {
    "instance.started": ("plain", "started"),
    "instance.completed": ("good", "completed"),
    "instance.failed": ("bad", "failed"),
    "instance.cancelling": ("busy", "undoes what was done, to be cancelled"),
    "instance.cancelled": ("bad", "cancelled"),
    "instance.suspended": ("busy", "suspended"),
    "instance.resumed": ("plain", "resumed"),
    "instance.retried": ("plain", "taken up again"),
    "instance.continued": ("plain", "continued"),
    "step.entered": ("plain", "entered"),
    "step.waiting": ("busy", "waits"),
    "step.done": ("good", "done"),
    "step.failed": ("bad", "failed"),
    "step.cancelled": ("bad", "cancelled"),
    "call.retrying": ("bad", "an attempt failed"),
    "task.escalated": ("busy", "escalated"),
    "trigger.stale": ("quiet", "came too late and was ignored"),
    "slice.limit": ("quiet", "goes on in a new slice"),
    "compensation.started": ("busy", "compensation started"),
}


_TOLD = frozenset({"for", "service", "operation", "attempt", "branch", "message", "due", "by", "reason"})
"""What the text says already."""


def row_of(event: EventView) -> Row:
    """One event as a row of the history."""
    tone, text = _TEXTS.get(event.type, ("plain", event.type))
    told = _TOLD if event.type in _TEXTS else frozenset[str]()
    return {
        "number": event.number,
        "at": event.at.isoformat(),
        "type": event.type,
        "step": event.step,
        "tone": tone,
        "text": _with_details(event, text) + _who_and_why(event.data),
        "detail": [(key, to_node(value, nodes=500)) for key, value in event.data.items() if key not in told],
        "patch": [_patch(entry) for entry in event.patch],
    }


def _with_details(event: EventView, text: str) -> str:
    data = event.data
    match event.type:
        case "step.waiting" if data.get("for") == "call" and data.get("service"):
            return f"asks {data['service']} / {data.get('operation')}"
        case "step.waiting" if data.get("for") == "signal" and data.get("name"):
            return f"waits for the signal {data['name']}"
        case "step.waiting" if data.get("for") == "child" and data.get("workflow"):
            return f"waits for the child workflow {data['workflow']}"
        case "step.waiting":
            return _WAITS.get(str(data.get("for")), text)
        case "step.done" if "branch" in data:
            return _way(data["branch"])
        case "step.done" if isinstance(attempt := data.get("attempt"), int) and attempt > 1:
            return f"{text} at attempt {attempt}"
        case "call.retrying":
            return f"{_retry(event)}: {data.get('message') or data.get('code')}"
        case "instance.failed" if event.step and data.get("code"):
            return f"{text} with {data['code']}"  # its step has said why
        case "step.failed" | "instance.failed" if data.get("message") or data.get("code"):
            return f"{text}: {data.get('message') or data['code']}"
    return text


def _who_and_why(data: Mapping[str, Any]) -> str:
    """`` by ann: the customer has withdrawn``, of what people did."""
    who = f" by {data['by']}" if data.get("by") else ""
    return f"{who}: {data['reason']}" if data.get("reason") else who


def _retry(event: EventView) -> str:
    """``attempt 1 failed, tried again in 0.5 s``"""
    attempt, due = event.data.get("attempt"), event.data.get("due")
    failed = f"attempt {attempt - 1} failed" if isinstance(attempt, int) else "an attempt failed"
    if not isinstance(due, int):
        return f"{failed}, tried again"
    seconds = max(0.0, due / 1_000_000 - event.at.timestamp())
    return f"{failed}, tried again in {seconds:.3g} s"


def _way(branch: Any) -> str:
    """Which condition of a decision held."""
    if not isinstance(branch, int):
        return "no condition holds"
    names = ("the first", "the second", "the third")
    return f"{names[branch]} condition holds" if branch < len(names) else f"condition {branch + 1} holds"


def _patch(entry: Any) -> tuple[str, Node | None]:
    path, *value = entry
    return (str(path), to_node(value[0], nodes=500) if value else None)
