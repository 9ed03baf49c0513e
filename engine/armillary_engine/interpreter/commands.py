"""What a slice asks to become true together with its snapshot. Data only; a mutation commits all of it or none.

Times are integer microseconds since the epoch, UTC. ``serial`` is the visit that a command belongs to. Structs, because
a slice makes a dozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from ..definition.model import Schema, Value
from .triggers import Failed, Purpose


class OpenCall(msgspec.Struct, frozen=True, gc=False):
    """A request to a service, stored before the transport sees it. Later attempts send the same ``arguments``."""

    serial: int
    step: str
    service: str
    operation: str
    arguments: Value
    key: str
    """The idempotency key: the same for every attempt of this visit."""
    deadline: int
    """End of the whole step: it comes back as ``TimerDue(serial, "timeout", deadline)`` unless the wait is closed
    before, whatever becomes of the attempts; there is no :class:`Due` beside it."""
    attempt_timeout: int
    """Microseconds for one attempt."""
    heartbeat: int | None = None
    attempt: int = 1


class RetryCall(msgspec.Struct, frozen=True, gc=False):
    """Attempt number ``attempt`` may be sent from ``due`` on; no slice runs in between."""

    serial: int
    attempt: int
    due: int


class OpenTask(msgspec.Struct, frozen=True, gc=False):
    """A human task. After an operator's retry the same ``serial`` opens again."""

    serial: int
    step: str
    name: str
    title: str
    roles: tuple[str, ...]
    assignee: str | None
    payload: Value
    answer: Schema | None
    due: int | None = None
    priority: int = 0


class EscalateTask(msgspec.Struct, frozen=True, gc=False):
    """The open task is offered to ``roles`` as well, and its task events say so."""

    serial: int
    roles: tuple[str, ...]


class OpenSignal(msgspec.Struct, frozen=True, gc=False):
    """Waits for one signal ``name`` whose key equals ``key`` (canonical JSON text), or, with ``None``, for one
    addressed to the instance. Signals addressed to the instance by id match in either case."""

    serial: int
    step: str
    name: str
    key: str | None


class Due(msgspec.Struct, frozen=True, gc=False):
    """A deadline of wait ``serial``; it comes back as ``TimerDue`` unless the wait is closed before."""

    serial: int
    purpose: Purpose
    at: int


class CloseWait(msgspec.Struct, frozen=True, gc=False):
    """The wait is over: whatever was stored for it (call, task, signal wait, dues, child link) closes."""

    serial: int
    reason: Literal["done", "timeout", "cancelled", "failed"]
    kind: Literal["call", "task", "timer", "signal", "child"]


class StartChild(msgspec.Struct, frozen=True, gc=False):
    """``child`` is the new instance's id, derived from the waiting token. ``digest`` was resolved on entry."""

    serial: int
    step: str
    child: str
    workflow: str
    version: str
    digest: str
    input: Value


class CancelChild(msgspec.Struct, frozen=True, gc=False):
    """Cancels the living member of the chain that starts at ``child``, as ``Cancel(compensate)`` does."""

    serial: int
    child: str
    compensate: bool = False


class StartNext(msgspec.Struct, frozen=True, gc=False):
    """The next instance of this one's chain: it takes over the parent link and the unread signals."""

    id: str
    workflow: str
    version: str
    digest: str
    input: Value


class SetReference(msgspec.Struct, frozen=True, gc=False):
    """The instance's business reference, searchable from now on."""

    key: str
    parts: Mapping[str, Value] = {}


class GoOn(msgspec.Struct, frozen=True, gc=False):
    """The slice reached its limit: store a ``Continue`` trigger after those already waiting."""


class End(msgspec.Struct, frozen=True, gc=False):
    """The instance is over. Its parent, if any, gets ``ChildEnded`` (not when a ``StartNext`` goes with it)."""

    status: Literal["completed", "failed", "cancelled"]
    output: Value = None
    error: Failed | None = None


Command = (
    OpenCall | RetryCall | OpenTask | EscalateTask | OpenSignal | Due | CloseWait | StartChild | CancelChild
    | StartNext | SetReference | GoOn | End
)  # fmt: skip


Patch = tuple[tuple[str, Value] | tuple[str], ...]
"""Changes of the state in order: ``(path, value)`` sets, ``(path,)`` removes."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One row of history, in order. ``serial`` is the visit (0: the instance's own).

    Types: ``instance.started completed failed cancelling cancelled suspended resumed retried continued`` ·
    ``step.entered waiting done failed cancelled caught`` · ``call.retrying`` · ``task.escalated`` · ``trigger.stale`` ·
    ``slice.limit`` · ``compensation.started done failed cancelled``. ``step.waiting`` carries
    ``{"for": "call|task|timer|signal|child"}``; ``step.failed`` and ``instance.failed`` carry
    ``{"code": …, "message": …}``; a decision's ``step.done`` carries ``{"branch": index | "otherwise"}``.

    A visit's first event says that it began: ``step.entered`` for steps that own bodies, ``step.waiting`` for those
    that wait, ``step.done`` for those that are over at once (``set``, ``reference``, ``decision``, ``leave``, …). Its
    last one is ``step.done``, ``failed`` or ``cancelled``. ``step.caught`` is between: a handler of that ``try`` goes
    on. Names that stay in a turn of a parallel ``each`` or in a compensation are in no patch: ``data["local"]`` tells
    them.
    """

    type: str
    serial: int = 0
    step: str | None = None
    data: Mapping[str, Value] = {}
    patch: Patch = ()
