"""Views and queries of the Runtime contract for whoever operates an engine: signals and why they matched, dead letters,
schedules, what happened to a task, definitions that cannot be used. Times are aware UTC datetimes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .definition.model import Value
from .definition.problems import Problem
from .queries import expect_limit

SignalStatus = Literal["kept", "taken", "told", "unmatched"]
Missed = Literal["skip", "once", "all"]


@dataclass(frozen=True, slots=True)
class SignalView:
    """A signal that was sent. ``kept``: no wait has taken it yet; ``taken``: by a wait of ``taker``; ``told``: mode
    ``all``, to the waits open at that moment; ``unmatched``: its time to live ended, it is a dead letter now."""

    id: str
    """The sender's; sending it again does nothing."""
    name: str
    status: SignalStatus
    match: Value
    """What the wait's ``match`` must equal; null if it is addressed to an instance."""
    instance: str | None
    mode: Literal["one", "all"]
    payload: Value
    created: datetime
    expires: datetime
    takers: tuple[str, ...] = ()
    """The waiting tokens ``<instance>/<serial>`` that it was handed to."""


@dataclass(frozen=True, slots=True)
class SignalWaitView:
    """An open wait for a signal. ``match=None`` with ``addressed``: only signals sent to its instance."""

    token: str
    name: str
    match: Value
    addressed: bool


@dataclass(frozen=True, slots=True)
class SignalExplanation:
    """Why a signal matched or did not, in words (``reason``). One that nobody has taken comes with the waits of its
    name that are open now (at most 20)."""

    signal: SignalView
    reason: str
    waits: tuple[SignalWaitView, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskEventView:
    """What happened to a task: ``created claimed released reassigned delegated commented escalated completed
    cancelled``. Only appended to. ``data``: ``{"to", "from"}``, ``{"text"}``, ``{"roles"}``, ``{"reason"}``."""

    task: str
    type: str
    at: datetime
    actor: str | None
    data: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class DeadLetterView:
    """What could not be processed. ``reason``: ``poison`` (a trigger that came to nothing ``attempts`` times) or
    ``unmatched`` (a signal that no wait took in time). ``body`` is what it carried."""

    id: str
    """``message-<number>`` or ``signal-<id>``."""
    reason: Literal["poison", "unmatched"]
    kind: str
    """The trigger's: ``start call task signal timer child …``"""
    instance: str | None
    name: str | None
    """The signal's."""
    arrived: datetime
    attempts: int
    error: str | None
    body: Value
    status: Literal["dead", "replayed", "dropped"] = "dead"
    decided: datetime | None = None
    decided_by: str | None = None
    replayed_as: str | None = None
    """The number of the new message, or the id of the new signal."""


@dataclass(frozen=True, slots=True)
class DeadLetterQuery:
    """Oldest first; ``after`` is the last id of the page before. ``status=None``: the decided ones as well."""

    instance: str | None = None
    status: Literal["dead", "replayed", "dropped"] | None = "dead"
    after: str | None = None
    limit: int = 50

    def __post_init__(self) -> None:
        expect_limit(self.limit)


@dataclass(frozen=True, slots=True)
class Every:
    """When a schedule starts instances: a ``cron`` line of five fields (or six, with seconds) in a time zone, or an
    ``interval`` in seconds counted from ``anchor`` (default: the moment when it was made). One of the two."""

    cron: str | None = None
    timezone: str = "UTC"
    interval: float | None = None
    anchor: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """Recurring starts. Each is started under the key ``schedule:<id>:<due in ISO 8601>``, so none is doubled."""

    id: str
    workflow: str
    version: str
    input: Value
    every: Every
    missed: Missed
    """For runs that nobody was awake for: ``skip`` them, start the last one ``once``, or ``all`` of them (at most the
    last ``at_most``)."""
    at_most: int
    paused: bool
    next: datetime | None
    """``None``: it is paused, or there is no further moment."""
    last: datetime | None
    """The due time of the last run."""
    last_instance: str | None
    error: str | None
    """Why the last run could not be started."""
    created: datetime
    created_by: str | None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A definition that was given at start-up and cannot be used, with all its problems."""

    name: str
    version: str | None
    problems: Sequence[Problem]
