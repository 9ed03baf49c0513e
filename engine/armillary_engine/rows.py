"""Rows: what a store keeps, in plain integers, texts and bytes. A backend needs to know nothing else of a workflow.

Times are integer microseconds since the epoch. A field named ``…_json`` holds canonical JSON text; the snapshot is
opaque bytes. ``serial`` is the visit of a step that a row belongs to, unique within its instance. Structs, because a
frozen dataclass of twenty fields takes ten times as long to make, and a slice makes dozens of rows.
"""

from __future__ import annotations

from typing import Literal

import msgspec

InstanceStatus = Literal["waiting", "suspended", "completed", "failed", "cancelled"]
TaskStatus = Literal["open", "completed", "cancelled"]
LetterState = Literal["ready", "held", "dead"]
CallState = Literal["ready", "held", "accepted", "answered"]


class DefinitionRow(msgspec.Struct, frozen=True, gc=False):
    """A deployed definition; ``document`` is its canonical JSON, with ``meta``."""

    name: str
    version: str
    digest: str
    document: bytes
    deployed: int
    deployed_by: str | None = None
    enabled: bool = True


class InstanceRow(msgspec.Struct, frozen=True, gc=False):
    """The projection of an instance. Stored as ``waiting`` while it lives; whether it is running just now follows from
    its messages and calls."""

    id: str
    workflow: str
    version: str
    digest: str
    chain: str
    """The first instance of its chain: its own id unless it was continued from another."""
    started: int
    updated: int
    status: InstanceStatus = "waiting"
    resting: bool = False
    """Nothing but somebody or something outside will resume it (apart from time-outs), or it is over or suspended."""
    revision: int = 0
    events: int = 0
    """How many history rows it has."""
    steps_json: str = "[]"
    key: str | None = None
    parent: str | None = None
    parent_serial: int | None = None
    previous: str | None = None
    next: str | None = None
    reference: str | None = None
    parts_json: str = "{}"
    error_json: str | None = None
    ended: int | None = None


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An instance as it is in the store."""

    row: InstanceRow
    snapshot: bytes


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """One event of an instance's history; ``number`` counts from 1 without gaps."""

    number: int
    type: str
    at: int
    serial: int
    step: str | None
    data_json: str = "{}"
    patch_json: str = "[]"


class Message(msgspec.Struct, frozen=True, gc=False):
    """A trigger on its way to an instance; ready at once, or at ``ready`` (a deadline).

    ``control`` ones pass before the others and reach a suspended instance. ``follow``: an ``instance`` that was
    continued hands it to the living member of its chain.
    """

    instance: str
    kind: str
    body: bytes
    serial: int = 0
    ready: int | None = None
    control: bool = False
    follow: bool = False


class Letter(msgspec.Struct, frozen=True, gc=False):
    """A message as it is in the store: peeked at by an operator, or claimed by a worker."""

    seq: int
    message: Message
    arrived: int
    state: LetterState = "ready"
    deliveries: int = 0
    """How often it was claimed; the fence of its last lease."""
    failures: int = 0
    """How many of these deliveries came to nothing, the one under way included."""
    error: str | None = None


class CallRow(msgspec.Struct, frozen=True, gc=False):
    """A request to a service that has not been answered. ``owner``: leased at once to this worker until ``ready``.
    ``timeout``: when the instance must be told that the step's time is over; ``None``: it has been."""

    instance: str
    serial: int
    step: str
    service: str
    operation: str
    arguments_json: str
    key: str
    deadline: int
    attempt_timeout: int
    attempt: int = 1
    ready: int = 0
    owner: str | None = None
    fence: int = 0
    deliveries: int = 0
    heartbeat: int | None = None
    state: CallState = "ready"
    timeout: int | None = None


class CallRetry(msgspec.Struct, frozen=True, gc=False):
    """Attempt ``attempt`` may be sent from ``ready`` on."""

    serial: int
    attempt: int
    ready: int


class TaskRow(msgspec.Struct, frozen=True, gc=False):
    """A human task, open or over."""

    instance: str
    serial: int
    step: str
    name: str
    title: str
    roles_json: str
    payload_json: str
    created: int
    assignee: str | None = None
    schema_json: str | None = None
    priority: int = 0
    due: int | None = None
    status: TaskStatus = "open"
    ended: int | None = None
    answer_json: str | None = None
    completed_by: str | None = None


class TaskEventRow(msgspec.Struct, frozen=True, gc=False):
    """What happened to a task, and who did it."""

    instance: str
    serial: int
    type: Literal[
        "created", "claimed", "released", "reassigned", "delegated", "commented", "escalated", "completed", "cancelled"
    ]
    at: int
    actor: str | None = None
    data_json: str = "{}"


class SignalWait(msgspec.Struct, frozen=True, gc=False):
    """``key`` is canonical JSON text; ``None``: only signals that are addressed to the instance."""

    serial: int
    name: str
    key: str | None


class SignalRow(msgspec.Struct, frozen=True, gc=False):
    """A signal that was sent: by ``key`` (canonical JSON text) or to an ``instance`` (any id of its chain)."""

    id: str
    name: str
    payload_json: str
    created: int
    expires: int
    key: str | None = None
    instance: str | None = None
    mode: Literal["one", "all"] = "one"


SignalState = Literal["kept", "taken", "told", "unmatched", "decided"]


class SentSignal(msgspec.Struct, frozen=True, gc=False):
    """A signal as it is in the store. ``unmatched``: its time to live ended; ``decided``: somebody replayed or dropped
    it then. ``takers_json``: the waiting tokens that it was handed to."""

    row: SignalRow
    state: SignalState
    takers_json: str = "[]"


class LetterRecord(msgspec.Struct, frozen=True, gc=False):
    """What was decided about a dead letter: a message (``letter`` is ``message-<seq>``) or an unmatched signal
    (``signal-<id>``)."""

    letter: str
    status: Literal["replayed", "dropped"]
    kind: str
    instance: str | None
    name: str | None
    body: bytes
    arrived: int
    attempts: int
    error: str | None
    decided: int
    decided_by: str | None = None
    replayed_as: str | None = None


class ScheduleRow(msgspec.Struct, frozen=True, gc=False):
    """Recurring starts. ``next``: when it is due; ``None``: it never is (paused, or there is no further moment)."""

    id: str
    workflow: str
    version: str
    input_json: str
    every_json: str
    missed: str
    at_most: int
    created: int
    created_by: str | None = None
    revision: int = 1
    paused: bool = False
    next: int | None = None
    last: int | None = None
    last_instance: str | None = None
    error: str | None = None
