"""The part of a store's contract that is about what is done beside the slices; see :mod:`.backend`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .queries import SignalQuery
from .rows import CallRow, EventRow, LetterRecord, ScheduleRow, SentSignal, SignalWait, TaskEventRow

Refusal = Literal["gone", "needed"]


class Upkeep(Protocol):
    """What is done beside the slices: calls that are answered later, signals whose time is over, schedules. Shared by
    the SQL stores: ``backends/sql/upkeep.py``."""

    def call(self, instance: str, serial: int) -> CallRow | None: ...

    def accept_call(self, instance: str, serial: int, fence: int) -> bool:
        """The service has taken a call and will answer later: its lease ends, nobody sends it again. Whether the fence
        still held."""
        ...

    def signals(self, query: SignalQuery) -> Sequence[SentSignal]: ...

    def waits(self, name: str, limit: int) -> Sequence[tuple[str, SignalWait]]:
        """Open waits for signals of this name, oldest first, each with its instance."""
        ...

    def expire_signals(self, n: int) -> Sequence[str]:
        """Kept signals whose time is over become ``unmatched``: their ids, ``n`` at most."""
        ...

    def decide(self, record: LetterRecord) -> LetterRecord | Refusal:
        """Replays or drops a dead letter, as ``record`` says, and keeps the record: with the number of the new message
        in ``replayed_as``. A signal only changes its state. ``gone``: there is no such dead letter any more.
        ``needed``: it is to be dropped, and nothing else that is stored can resume the wait that it is for (or, where
        it is for none, its living instance)."""
        ...

    def records(self, *, limit: int) -> Sequence[LetterRecord]:
        """What was decided about dead letters, newest first."""
        ...

    def schedules(self, id: str | None = None) -> Sequence[ScheduleRow]:
        """All, or the one of that id, by id."""
        ...

    def put_schedule(self, schedule: ScheduleRow) -> bool:
        """Stores a schedule whose revision is one more than that of the stored one (1: there is none). Whether it
        was."""
        ...

    def delete_schedule(self, id: str) -> bool: ...

    def due(self) -> int | None:
        """When the next kept signal or schedule is due."""
        ...

    def comment(self, event: TaskEventRow) -> None:
        """Appends an event to those of a task."""
        ...


@dataclass(frozen=True, slots=True)
class Surveyed:
    """An instance as retention sees it. ``position`` orders instances by when they were stored; ``removable``: it and
    the chain that it ends may go."""

    position: int
    instance: str
    started: int
    events: int
    removable: bool


class Retention(Protocol):
    """What :mod:`.retention` asks of a store. Shared by the SQL stores: ``backends/sql/retention.py``."""

    def lock(self, name: str, owner: str, *, until: int) -> bool:
        """Takes, or extends, the lock of a job that one at a time may do. False: somebody else has it, and its time is
        not over."""
        ...

    def unlock(self, name: str, owner: str) -> None:
        """Gives a lock back, if ``owner`` has it."""
        ...

    def survey(self, *, before: int, statuses: Collection[str], after: int, n: int) -> Sequence[Surveyed]:
        """The ``n`` instances after a position, in order. Removable is one that ended before ``before`` in one of
        ``statuses``, was not continued by one that is still there, has no living parent or child, and no message."""
        ...

    def forget(self, instances: Collection[str]) -> Sequence[str]:
        """Removes those that still are removable, each with the chain that it ends and all that is stored for them, in
        one transaction. Gives the ids that are gone."""
        ...

    def trim(self, instance: str, checkpoint: EventRow) -> int:
        """Puts ``checkpoint`` in the place of all events up to its number; gives how many went."""
        ...

    def settled(self, before: int) -> int:
        """How many signals that nobody will take any more (their time is over), and decisions about dead letters, are
        older than ``before``."""
        ...

    def forget_settled(self, before: int, n: int) -> int:
        """Removes them, ``n`` of a kind at most; gives how many went."""
        ...
