"""What lists are asked for: of instances, tasks and signals. A person asks a runtime so, and a runtime its store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .clock import as_microseconds
from .definition.problems import ArmillaryError
from .interpreter.triggers import split_token
from .rows import SignalState

MANY = 1_000_000


def expect_limit(limit: int) -> None:
    """Raises ``query.limit``."""
    if not 0 <= limit <= MANY:
        raise ArmillaryError(
            "query.limit", f"expected a limit of 0 to {MANY:,}, got {limit:,}", hint="ask page by page"
        )


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

    def __post_init__(self) -> None:
        expect_limit(self.limit)
        if self.started_before is not None and self.started_before.tzinfo is None:
            message = f"expected started_before with a time zone, got {self.started_before.isoformat()}"
            raise ArmillaryError("query.moment", message, hint="add one, for example timezone.utc")

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

    def __post_init__(self) -> None:
        expect_limit(self.limit)

    @property
    def last(self) -> tuple[str, int] | None:
        """Instance and serial of ``after``. Raises ``task.unknown``."""
        if self.after is None:
            return None
        try:
            return split_token(self.after)
        except ValueError:
            hint = "give the last id of the page before"
            message = f"expected the id of a task, got {self.after!r}"
            raise ArmillaryError("task.unknown", message, hint=hint) from None


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

    def __post_init__(self) -> None:
        expect_limit(self.limit)
