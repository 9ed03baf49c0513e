"""What is shown of definitions, instances, tasks and events: snapshots of read models that never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from .definition.model import Schema, Value

Status = Literal["running", "waiting", "suspended", "completed", "failed", "cancelled"]
Until = Literal["resting", "ended"]
ENDED: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class DefinitionView:
    """A deployed definition."""

    name: str
    version: str
    digest: str
    enabled: bool
    deployed: datetime
    deployed_by: str | None
    instances: int
    """How many instances that have not ended are on it."""


class InstanceView(msgspec.Struct, frozen=True):
    """An instance, as it was when it was asked for. A struct, as are events: they are made by the thousand."""

    id: str
    workflow: str
    version: str
    digest: str
    status: Status
    resting: bool
    """It waits for somebody or something outside (a task, a signal, an answer, a child that rests), not for its own
    timer or back-off; or it has ended, or is suspended. Not while something that was asked is about to be done."""
    revision: int
    """Grows with each commit."""
    steps: tuple[str, ...]
    """The steps where it stands."""
    reference: str | None = None
    parts: Mapping[str, Value] = {}
    key: str | None = None
    parent: str | None = None
    previous: str | None = None
    next: str | None = None
    blocked: str | None = None
    """Why no worker takes it, in words: ``waiting for service 'rating'``."""
    error: Mapping[str, Value] | None = None
    """``{"code", "message", "step"}`` of an instance that failed."""
    started: datetime | None = None
    updated: datetime | None = None
    ended: datetime | None = None

    def reached(self, until: Until) -> bool:
        """Whether it rests or has ended. One that failed and is to be retried has not: that is about to be done."""
        if self.status == "failed":
            return self.resting
        return self.status in ENDED or (until == "resting" and self.resting)


@dataclass(frozen=True, slots=True)
class InstanceState:
    """The values of an instance at one revision."""

    revision: int
    input: Value
    state: Mapping[str, Value]
    output: Value


@dataclass(frozen=True, slots=True)
class TaskView:
    """A human task, open or over."""

    id: str
    """The waiting token, ``<instance>/<serial>``."""
    instance: str
    step: str
    name: str
    title: str
    status: Literal["open", "completed", "cancelled"]
    roles: tuple[str, ...]
    assignee: str | None
    payload: Value
    answer_schema: Schema | None
    priority: int
    created: datetime
    due: datetime | None = None
    ended: datetime | None = None
    answer: Value = None


class EventView(msgspec.Struct, frozen=True):
    """One row of an instance's history; see :class:`armillary_engine.interpreter.commands.Event` for the types."""

    instance: str
    number: int
    """Counts from 1 without gaps."""
    type: str
    at: datetime
    serial: int
    step: str | None
    data: Mapping[str, Value]
    patch: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Changed:
    """Something about an instance was committed (by this process or another one)."""

    instance: str
    revision: int
    """0: not of the instance itself, but around it: a child of it changed, or who holds one of its tasks."""
