"""Triggers as stored messages, and back. The body is canonical JSON of what the message's columns do not already
say."""

from __future__ import annotations

from typing import Any, cast

from .definition.model import Value
from .definition.problems import ArmillaryError
from .definition.values import dumps, loads
from .interpreter.triggers import (
    CONTROL,
    CallReturned,
    Cancel,
    ChildEnded,
    Continue,
    Failed,
    Purpose,
    Resume,
    Retry,
    SignalArrived,
    Start,
    Suspend,
    TaskCompleted,
    TimerDue,
    Trigger,
)
from .rows import Message

TIMER = "timer"
"""The kind of a deadline; closing its wait removes it."""
SIGNAL = "signal"
RETRY = "retry"


def message(instance: str, trigger: Trigger, *, ready: int | None = None, follow: bool = False) -> Message:
    """``trigger`` on its way to ``instance``."""
    kind, serial, body = _fields(trigger)
    control = isinstance(trigger, CONTROL)
    return Message(instance, kind, dumps(body), serial=serial, ready=ready, control=control, follow=follow)


def timer(instance: str, serial: int, purpose: Purpose, at: int) -> Message:
    """A deadline: the :class:`TimerDue` that comes at ``at``."""
    return Message(instance, TIMER, b'"%b"' % purpose.encode(), serial=serial, ready=at)


def signal_body(id: str, name: str, payload_json: str) -> bytes:
    """The body of the message that hands a stored signal to a wait. Backends make it when the two meet."""
    return b'{"name":%b,"payload":%b,"signal":%b}' % (dumps(name), payload_json.encode(), dumps(id))


def signal_of(message: Message) -> str:
    """The id of the signal that a message of :func:`signal_body` hands over."""
    body = cast(Any, loads(message.body, depth=1_000))
    return str(body["signal"])


def _failed(failed: Failed | None) -> Value:
    return None if failed is None else [failed.code, failed.message, failed.details]


def _fields(trigger: Trigger) -> tuple[str, int, Value]:
    match trigger:
        case Start(input=value):
            return "start", 0, value
        case Continue():
            return "continue", 0, None
        case CallReturned():
            return "call", trigger.serial, [trigger.attempt, trigger.reply, _failed(trigger.failed)]
        case TaskCompleted():
            return "task", trigger.serial, [trigger.answer, trigger.by]
        case SignalArrived():
            body: Value = {"name": trigger.name, "payload": trigger.payload, "signal": trigger.signal}
            return SIGNAL, trigger.serial, body
        case TimerDue():
            return TIMER, trigger.serial, trigger.purpose
        case ChildEnded():
            ended: Value = [trigger.child, trigger.status, trigger.output, _failed(trigger.error)]
            return "child", trigger.serial, ended
        case Cancel():
            return "cancel", 0, [trigger.compensate, trigger.reason, trigger.by]
        case Suspend():
            return "suspend", 0, [trigger.reason, trigger.by]
        case Resume():
            return "resume", 0, trigger.by
        case Retry():
            return RETRY, 0, trigger.by


def trigger_of(message: Message, *, arrived: int) -> Trigger:
    """The trigger that a stored message carries. ``arrived``: when it did; a deadline arrives when it is due. Raises
    ``trigger.newer``."""
    body = cast(Any, loads(message.body, depth=1_000))
    serial = message.serial
    match message.kind:
        case "start":
            return Start(body)
        case "continue":
            return Continue()
        case "call":
            return CallReturned(serial, body[0], body[1], body[2] and Failed(*body[2]))
        case "task":
            return TaskCompleted(serial, body[0], body[1])
        case "signal":
            return SignalArrived(serial, body["signal"], body["name"], body["payload"])
        case "timer":
            return TimerDue(serial, body, arrived)
        case "child":
            return ChildEnded(serial, body[0], body[1], body[2], body[3] and Failed(*body[3]))
        case "cancel":
            return Cancel(body[0], body[1], body[2])
        case "suspend":
            return Suspend(body[0], body[1])
        case "resume":
            return Resume(body)
        case "retry":
            return Retry(body)
        case kind:
            hint = "upgrade Armillary here, or leave this instance to a worker that is newer"
            text = f"expected a kind of message that this release knows, got {kind!r}"
            raise ArmillaryError("trigger.newer", text, hint=hint)
