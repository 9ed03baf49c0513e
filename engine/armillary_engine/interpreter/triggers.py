"""Triggers: what may resume an instance. A slice takes exactly one.

Those that answer a wait name it by its ``serial``; the waiting token that the outside holds is ``<instance>/<serial>``
(:func:`token`). A trigger whose wait is gone is stale: the interpreter ignores it and records that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..definition.model import Value


def token(instance: str, serial: int) -> str:
    """The waiting token of one visit of a step: what tasks, calls, timers and children are addressed by."""
    return f"{instance}/{serial}"


def split_token(text: str) -> tuple[str, int]:
    """``("instance", serial)`` of a waiting token; ValueError for anything else."""
    instance, _, serial = text.rpartition("/")
    if not instance or not (serial.isascii() and serial.isdigit() and len(serial) < 19):
        raise ValueError(f"expected a waiting token like 'instance/7', got {text!r}")
    return instance, int(serial)


@dataclass(frozen=True, slots=True)
class Start:
    """The first trigger; ``input`` has been checked against the input schema and has its defaults."""

    input: Value


@dataclass(frozen=True, slots=True)
class Continue:
    """Goes on with a slice that reached its limit."""


@dataclass(frozen=True, slots=True)
class Failed:
    """How a call, a child or an instance failed. ``code`` is dotted, rooted in ``timeout`` or ``failure``."""

    code: str
    message: str
    details: Value = None


@dataclass(frozen=True, slots=True)
class CallReturned:
    """One attempt of a call ended: with a ``reply``, or ``failed`` (then the retry policy decides)."""

    serial: int
    attempt: int
    reply: Value = None
    failed: Failed | None = None


@dataclass(frozen=True, slots=True)
class TaskCompleted:
    """A human task was answered; the answer has been checked against its schema and checks."""

    serial: int
    answer: Value
    by: str | None = None


@dataclass(frozen=True, slots=True)
class SignalArrived:
    """A signal that the wait matches."""

    serial: int
    signal: str
    """The sender's id of the signal."""
    name: str
    payload: Value = None


Purpose = Literal["timer", "timeout", "escalate", "retry"]


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A deadline of a wait has come. ``due`` is in microseconds since the epoch."""

    serial: int
    purpose: Purpose
    due: int


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """The last instance of a child's chain ended."""

    serial: int
    child: str
    status: Literal["completed", "failed", "cancelled"]
    output: Value = None
    error: Failed | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends the instance; with ``compensate`` after its compensations have run."""

    compensate: bool = False
    reason: str = ""
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Suspend:
    """Nothing advances until it is resumed; triggers and replies are stored."""

    reason: str = ""
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Goes on after ``Suspend``."""

    by: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """An operator's: the failed instance goes on from its failed step, under the same visit."""

    by: str | None = None


Trigger = (
    Start | Continue | CallReturned | TaskCompleted | SignalArrived | TimerDue | ChildEnded
    | Cancel | Suspend | Resume | Retry
)  # fmt: skip

CONTROL: tuple[type, ...] = (Cancel, Suspend, Resume, Retry)
"""These pass before other triggers of their instance, and reach it while it is suspended."""
