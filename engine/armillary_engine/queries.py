"""What lists are asked for: of instances, tasks and signals. A person asks a runtime so, and a runtime its store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .clock import as_microseconds
from .definition.problems import ArmillaryError
from .rows import SignalState


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """All given conditions hold. Newest first; ``after`` is the last id of the previous page (stable paging).
    ``version`` is an exact one; ``step``: where one of its tokens stands."""

    workflow: str | None = None
    version: str | None = None
    status: frozenset[str] | None = None
    reference: str | None = None
    step: str | None = None
    key: str | None = None
    parent: str | None = None
    started_before: datetime | None = None
    after: str | None = None
    limit: int = 50

    @property
    def before(self) -> int | None:
        """``started_before`` in microseconds since the epoch."""
        return None if self.started_before is None else as_microseconds(self.started_before)


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """``instance`` includes its children's tasks. Oldest first; ``after`` is the last id of the previous page."""

    instance: str | None = None
    status: str | None = "open"
    role: str | None = None
    assignee: str | None = None
    name: str | None = None
    after: str | None = None
    limit: int = 50

    @property
    def last(self) -> tuple[str, int] | None:
        """Instance and serial of ``after``. Raises ``task.unknown``."""
        if self.after is None:
            return None
        instance, _, serial = self.after.rpartition("/")
        if not instance or not serial.isdecimal():
            hint = "give the last id of the page before"
            raise ArmillaryError("task.unknown", f"expected the id of a task, got {self.after!r}", hint=hint)
        return instance, int(serial)


@dataclass(frozen=True, slots=True)
class SignalQuery:
    """All given conditions hold. Oldest first; ``after`` is the last id of the page before. A signal whose time is over
    is ``unmatched`` until somebody has ``decided`` about it."""

    id: str | None = None
    name: str | None = None
    status: SignalState | None = None
    instance: str | None = None
    after: str | None = None
    limit: int = 50
