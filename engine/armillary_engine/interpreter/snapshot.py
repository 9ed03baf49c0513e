"""The snapshot: all that is kept of an instance between two slices, and nothing else.

The tokens of an instance are its *frames*: one for each visit of a step that has begun and not ended, linked to the
visit that owns the body it stands in. A frame without children waits (``wait``); what is about to run is in ``ready``.
Decisions leave no frame: they are over when they have chosen.

Times are integer microseconds since the epoch, UTC. Values inside a snapshot are never changed in place.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..definition.model import Value

SCHEMA = 1
"""The number of this form. Whoever changes a field raises it and adds an upgrade to :mod:`.encoding`."""

Status = Literal["running", "waiting", "suspended", "completed", "failed", "cancelled"]
ENDED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})

WaitKind = Literal["call", "task", "timer", "signal", "child"]


class Wait(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """What a frame waits for; the waiting token is ``<instance>/<visit>``."""

    kind: WaitKind
    since: int
    until: int | None = None
    """When the step times out; for a timer, when it fires."""
    attempt: int = 1
    """Of a call or a child: counts on through an operator's retry, under the same visit."""
    last: int = 1
    """The last attempt that the retry policy allows."""
    again: int | None = None
    """A call in back-off: when ``attempt`` may be sent."""
    escalate: int | None = None
    """When the task is offered to more roles."""
    child: str | None = None
    """The id of the child instance."""


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One turn of an ``each`` and its local names: the item and, in a parallel one, what its body assigns."""

    index: int
    names: dict[str, Any]


class Collected(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What turn ``index`` of an ``each`` has given."""

    index: int
    value: Any


class Frame(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One visit of a step that has begun and not ended."""

    step: str
    visit: int
    parent: int = 0
    """The visit that owns the body this step stands in; 0 is the instance."""
    branch: int = 0
    """Which body of the owner; in an ``each``, which turn."""
    wait: Wait | None = None
    count: int = 0
    """Turns begun, of a ``repeat`` or an ``each``; attempts made, of a wait that an operator's retry opens again."""
    items: list[Any] | None = None
    turns: tuple[Turn, ...] = ()
    collected: tuple[Collected, ...] = ()
    arrived: tuple[int, ...] = ()
    """Branches of a fork that have ended, in order of arrival."""
    names: dict[str, Any] | None = None
    """Local names: a handler's ``error``, a compensation's captured state."""
    sealed: bool = False
    """A compensation: it sees the captured names and none of the instance's."""

    def with_names(self, branch: int, names: dict[str, Any]) -> Frame:
        """This frame with other local names: a compensation's own, or those of turn ``branch``."""
        if self.sealed:
            return msgspec.structs.replace(self, names=names)
        turns = tuple(Turn(branch, names) if turn.index == branch else turn for turn in self.turns)
        return msgspec.structs.replace(self, turns=turns)


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is about to run: step ``step`` in body ``branch`` of visit ``parent``; with no step, that body's end."""

    step: str | None
    parent: int = 0
    branch: int = 0
    visit: int = 0
    """Set when the step goes on under a visit that it already has."""


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A compensation that waits for the instance to fail: of which ``try``, and the names it will see."""

    step: str
    visit: int
    names: dict[str, Any]


class Error(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why an instance failed, and where."""

    code: str
    message: str
    step: str | None = None
    visit: int = 0
    details: Any = None
    compensation: Error | None = None
    """The failure of a compensation that ran because of this one."""


class Compensating(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Compensations are running; how the instance ends after the last one."""

    status: Literal["failed", "cancelled"]
    error: Error | None = None
    reason: str = ""
    by: str | None = None


class Parent(msgspec.Struct, frozen=True, gc=False):
    """The visit of another instance that waits for the end of this one's chain."""

    instance: str
    serial: int


class Chain(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Where an instance stands in its ``continue_with`` chain; ``root`` is the first one's id."""

    root: str
    number: int = 1
    previous: str | None = None
    next: str | None = None


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An instance at one revision."""

    schema: int
    instance: str
    workflow: str
    version: str
    digest: str
    chain: Chain
    created: int
    revision: int = 0
    serial: int = 0
    """The last visit that was given out; never goes back."""
    status: Status = "running"
    started: int | None = None
    now: int = 0
    input: Any = None
    state: dict[str, Any] = {}
    reference: str | None = None
    parts: dict[str, Any] = {}
    frames: tuple[Frame, ...] = ()
    ready: tuple[Place, ...] = ()
    """What runs next, the last one first."""
    continuing: bool = False
    """A ``Continue`` trigger is stored for it."""
    compensations: tuple[Registration, ...] = ()
    compensating: Compensating | None = None
    error: Error | None = None
    failed: Place | None = None
    """Where an operator's retry goes on."""
    output: Any = None
    parent: Parent | None = None
    size: int = 0
    """An upper bound of the bytes of all values that are kept."""


def new_snapshot(
    *,
    instance: str,
    workflow: str,
    version: str,
    digest: str,
    now: int,
    parent: Parent | None = None,
    chain: Chain | None = None,
) -> Snapshot:
    """The snapshot of an instance that has not begun: a ``Start`` trigger must be stored with it.

    ``chain`` is for an instance that continues another one; see :func:`next_chain`.
    """
    return Snapshot(
        schema=SCHEMA, instance=instance, workflow=workflow, version=version, digest=digest,
        chain=chain or Chain(root=instance), created=now, now=now, parent=parent,
    )  # fmt: skip


def next_id(snapshot: Snapshot) -> str:
    """The id of the next instance of this one's chain."""
    return f"{snapshot.chain.root}~{snapshot.chain.number + 1}"


def next_chain(snapshot: Snapshot) -> Chain:
    """The place in the chain of the instance that ``snapshot`` continues with."""
    return Chain(root=snapshot.chain.root, number=snapshot.chain.number + 1, previous=snapshot.instance)


def child_id(instance: str, serial: int, attempt: int = 1) -> str:
    """The id of a child instance, derived from the waiting token of its subworkflow step. An operator's retry starts
    another child, with the next ``attempt``."""
    return f"{instance}:{serial}" if attempt == 1 else f"{instance}:{serial}.{attempt}"


class Position(msgspec.Struct, frozen=True):
    """Where a token stands, for views. ``kind`` is ``ready`` between two slices of a long run, ``failed`` for the step
    that failed an instance."""

    step: str
    visit: int
    kind: Literal["call", "task", "timer", "signal", "child", "ready", "failed"]
    since: int | None = None
    until: int | None = None
    attempt: int = 1
    again: int | None = None
    child: str | None = None


def positions(snapshot: Snapshot) -> tuple[Position, ...]:
    """Where the tokens of an instance stand, oldest visit first. Nowhere, if it ended otherwise than by failing."""
    if snapshot.status == "failed":
        error = snapshot.error.compensation or snapshot.error if snapshot.error else None
        return (Position(error.step, error.visit, "failed"),) if error is not None and error.step else ()
    if snapshot.status in ENDED:
        return ()
    waiting = [
        Position(frame.step, frame.visit, wait.kind, wait.since, wait.until, wait.attempt, wait.again, wait.child)
        for frame in snapshot.frames
        if (wait := frame.wait) is not None
    ]
    steps = {frame.visit: frame.step for frame in snapshot.frames}
    ready = [
        Position(step, place.visit, "ready")
        for place in reversed(snapshot.ready)
        if (step := place.step or steps.get(place.parent)) is not None
    ]
    return (*waiting, *ready)


def steps_of(snapshot: Snapshot) -> tuple[str, ...]:
    """The steps where the tokens of an instance stand, each once."""
    if snapshot.status in ENDED:
        return tuple(position.step for position in positions(snapshot))
    steps = [frame.step for frame in snapshot.frames if frame.wait is not None]
    if snapshot.ready:
        steps += [position.step for position in positions(snapshot) if position.kind == "ready"]
    return tuple(dict.fromkeys(steps))


def error_value(error: Error) -> dict[str, Value]:
    """An error as expressions (``error``), history and views see it."""
    value: dict[str, Value] = {"code": error.code, "message": error.message, "step": error.step}
    value["details"] = error.details
    if error.compensation is not None:
        value["compensation"] = error_value(error.compensation)
    return value
