"""An instance as it was after any event of its history: diagram, state and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armillary_engine.definition.model import Definition, Value
from armillary_engine.interpreter.replay import replay
from armillary_engine.runtime import EventView, InstanceView, Status
from armillary_renderers.project.nesting import Shown
from armillary_renderers.project.overlay import Overlay
from msgspec.structs import replace

from .picture import ALL, Children, overlay_of

_STATUS: Mapping[str, Status] = {
    "instance.completed": "completed",
    "instance.failed": "failed",
    "instance.cancelled": "cancelled",
    "instance.suspended": "suspended",
}


@dataclass(frozen=True)
class Moment:
    """An instance after event ``number`` (0: before the first)."""

    number: int
    event: EventView | None
    view: InstanceView
    state: Mapping[str, Value]
    output: Value
    overlay: Overlay
    seen: int
    """How many events of the history had happened."""

    @property
    def status(self) -> Status:
        """``running waiting suspended completed failed cancelled``"""
        return self.view.status

    @property
    def steps(self) -> tuple[str, ...]:
        """Where it stood."""
        return self.view.steps


def moment(
    definition: Definition,
    view: InstanceView,
    events: Sequence[EventView],
    number: int,
    *,
    shown: Shown = ALL,
    children: Children | None = None,
) -> Moment:
    """The moment after event ``number`` of ``events``, which are a history from its first event or checkpoint on.

    ``view`` is the instance as it is now. Child workflows drawn in place are shown as they were when the next
    event came. A number beyond the last event is the last.
    """
    before = [event for event in events if event.number <= number]
    last = before[-1] if before else None
    following = events[len(before)] if len(before) < len(events) else None
    status, stood = _standing(before)
    inner: dict[str, Any] = {}
    for step, (child, told, _) in (children or {}).items():
        then = [event for event in told if following is None or event.at < following.at]
        inner[step] = (child, then, _standing(then)[0])
    overlay = overlay_of(definition, before, status, shown, inner)
    ended = status in ("completed", "failed", "cancelled")
    return Moment(
        number=0 if last is None else last.number,
        event=last,
        view=replace(
            view,
            status=status,
            steps=() if ended else stood,
            blocked=None,
            error=last.data if last is not None and status == "failed" else None,
            updated=view.started if last is None else last.at,
            ended=last.at if last is not None and ended else None,
        ),
        state=replay(before),
        output=last.data.get("output") if last is not None and status == "completed" else None,
        overlay=overlay,
        seen=len(before),
    )


def _standing(events: Sequence[EventView]) -> tuple[Status, tuple[str, ...]]:
    """The instance's status, and the steps that waited. It runs where none waits, or one for a service."""
    status: Status = "running"
    waits: dict[int, tuple[str, bool]] = {}
    for event in events:
        if event.type.startswith("instance."):
            status = _STATUS.get(event.type, "running")
        elif event.type in ("step.waiting", "call.retrying") and event.step is not None:
            waits[event.serial] = (event.step, event.type == "step.waiting" and event.data.get("for") == "call")
        elif event.type in ("step.done", "step.failed", "step.cancelled"):
            waits.pop(event.serial, None)
    if status == "running" and waits and not any(asks for _, asks in waits.values()):
        status = "waiting"
    return status, tuple(step for step, _ in waits.values())
