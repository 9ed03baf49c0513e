"""Mutation: all that becomes true together when a slice is committed, and what it consumed to become so.

A backend applies a mutation in one transaction, all of it or none. It holds only rows, texts and bytes: no backend
reads a snapshot, evaluates an expression or knows a step.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .rows import (
    CallRetry,
    CallRow,
    EventRow,
    InstanceRow,
    Letter,
    Message,
    SignalRow,
    SignalWait,
    Stored,
    TaskEventRow,
    TaskRow,
)

# ── what a trigger takes with it ─────────────────────────────────────────────────────────────────────────────────────


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A stored message that this worker claimed: it disappears. Fenced when somebody else has claimed it since."""

    seq: int
    fence: int


class Replied(msgspec.Struct, frozen=True, gc=False):
    """A call that this worker made: it is answered. Fenced when its lease went to somebody else, or it was closed."""

    serial: int
    fence: int


class Answered(msgspec.Struct, frozen=True, gc=False):
    """A human task: it is completed. Fenced when it is no longer open."""

    serial: int
    answer_json: str
    by: str | None = None


class Met(msgspec.Struct, frozen=True, gc=False):
    """A signal that is not stored yet, and the open wait that it meets: it is stored as taken by that. ``chain``: of
    the instance that it was sent to, if to one. Fenced when the wait is gone, or a signal of this id is known."""

    serial: int
    signal: SignalRow
    chain: str | None


class Nothing(msgspec.Struct, frozen=True, gc=False):
    """The trigger came from outside and leaves nothing behind: a start, an operator's request."""


Consumes = Taken | Replied | Answered | Met | Nothing


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A trigger that is to be stored for later, together with what it consumes (never :class:`Taken` or
    :class:`Met`)."""

    message: Message
    consumes: Consumes = Nothing()


# ── what a slice brings about ────────────────────────────────────────────────────────────────────────────────────────


class Close(msgspec.Struct, frozen=True, gc=False):
    """Whatever was stored for the wait ``serial`` closes: its call, task, signal wait and deadlines. ``kind`` says
    which of them it was, when that is known."""

    serial: int
    reason: Literal["done", "timeout", "cancelled", "failed"] = "done"
    kind: Literal["call", "task", "timer", "signal", "child"] | None = None


class Escalate(msgspec.Struct, frozen=True, gc=False):
    """The open task ``serial`` is offered to more roles."""

    serial: int
    roles_json: str


class NewInstance(msgspec.Struct, frozen=True, gc=False):
    """A child or the next of a chain, with the message that starts it."""

    row: InstanceRow
    snapshot: bytes
    start: Message


class Mutation(msgspec.Struct, frozen=True, gc=False):
    """``row`` is the projection as it is to be; ``expected`` is the revision that the slice read, or ``None``: the
    instance must not exist yet. ``messages`` hold deadlines of this instance and triggers for others; ``holds`` says
    that the instance was suspended (``True``: its triggers and calls wait) or resumed (``False``). Where it ends,
    ``closes`` names all that was open; its messages go as well."""

    row: InstanceRow
    snapshot: bytes
    consumes: Consumes
    expected: int | None
    events: tuple[EventRow, ...] = ()
    closes: tuple[Close, ...] = ()
    calls: tuple[CallRow, ...] = ()
    retries: tuple[CallRetry, ...] = ()
    tasks: tuple[TaskRow, ...] = ()
    escalations: tuple[Escalate, ...] = ()
    task_events: tuple[TaskEventRow, ...] = ()
    waits: tuple[SignalWait, ...] = ()
    messages: tuple[Message, ...] = ()
    instances: tuple[NewInstance, ...] = ()
    holds: bool | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a mutation or delivery. Only ``committed`` changed anything.

    ``conflict``: the instance has moved on; read it and interpret again. ``behind``: stored triggers of the instance
    come first (or it is suspended); store this one after them. ``fenced``: what it consumes is gone. ``exists``: the
    id or key is taken, by ``instance``. ``unknown``, ``ended``: there is no such instance, or it takes no triggers
    any more. ``met``: a wait that was opened may have met a signal that was kept."""

    kind: Literal["committed", "conflict", "behind", "fenced", "exists", "unknown", "ended"]
    instance: str
    revision: int = 0
    met: bool = True


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A message leased to a worker, with the instance as it was then. ``now`` is the store's clock at that moment."""

    letter: Letter
    stored: Stored
    now: int

    @property
    def consumes(self) -> Taken:
        return Taken(self.letter.seq, self.letter.deliveries)


class Return(msgspec.Struct, frozen=True, gc=False):
    """A claim given back: to be claimed again from ``ready`` on, or ``dead``. ``counts``: whether the delivery counts
    towards the limit (it does when the message failed, not when this worker lacked something)."""

    seq: int
    fence: int
    ready: int
    error: str | None = None
    dead: bool = False
    counts: bool = True
