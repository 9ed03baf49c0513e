"""What SQL stores do alike: everything that is one piece of work on a session. How work reaches the database (one
writer's thread, a connection out of several) is each one's own, and so is what must be fast."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, TypeVar

from ...backend import Defect, Found, TaskChange
from ...clock import Clock
from ...mutation import Delivery, Outcome, Return
from ...queries import InstanceQuery, TaskQuery
from ...rows import DefinitionRow, EventRow, Letter, LetterState, SignalRow, Stored, TaskEventRow, TaskRow
from . import commit, outside, reads
from .retention import SqlRetention
from .session import Session
from .upkeep import SqlUpkeep

T = TypeVar("T")


class SqlStore:
    """The part of :class:`armillary_engine.backend.Backend` that a SQL store need not write; the docstrings there hold
    here. ``clock`` is set before :meth:`_offer` is called."""

    clock: Clock

    def _offer(self) -> None:
        """What is done beside the slices."""
        self.upkeep = SqlUpkeep(self._write, partial(self._read, one=True), self.clock)
        self.retention = SqlRetention(self._write, self._read, self.clock)

    def _write(self, work: Callable[[Any], T], *, durable: bool = True) -> T:
        """``work`` in a transaction; one that is not ``durable`` may be undone by a power failure."""
        raise NotImplementedError

    def _read(self, work: Callable[[Any], T], *, one: bool = False) -> T:
        """``work`` on one state of the store; ``one``: it is a single statement."""
        raise NotImplementedError

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def give_back(self, returns: Sequence[Return]) -> None:
        self._write(lambda session: outside.give_back(session, returns))

    def extend_calls(self, held: Collection[tuple[str, int, int]], *, until: int) -> Collection[tuple[str, int, int]]:
        return self._write(lambda session: outside.extend_calls(session, held, until), durable=False)

    def release_owner(self, owner: str) -> None:
        self._write(lambda session: outside.release_owner(session, owner, self.clock.now()))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        def work(session: Session) -> Sequence[Outcome]:
            return [commit.deliver(session, delivery, self.clock.now()) for delivery in deliveries]

        return self._write(work)

    def change_task(self, change: TaskChange) -> bool:
        return self._write(lambda session: outside.change_task(session, change))

    def enable(self, digest: str, enabled: bool) -> bool:
        return self._write(lambda session: outside.enable(session, digest, enabled))

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def definition(self, digest: str) -> DefinitionRow | None:
        return self._read(lambda session: reads.definition(session, digest), one=True)

    def definitions(self, name: str | None = None) -> Sequence[tuple[DefinitionRow, int]]:
        return self._read(lambda session: reads.definitions(session, name), one=True)

    def versions(self, name: str) -> Sequence[tuple[str, str]]:
        return self._read(lambda session: reads.versions(session, name), one=True)

    def instances(self, query: InstanceQuery) -> Sequence[Found]:
        return self._read(lambda session: reads.instances(session, query, self.clock.now()))

    def instance(self, instance: str) -> Found | None:
        return self._read(lambda session: reads.instance(session, instance, self.clock.now()))

    def by_key(self, workflow: str, key: str) -> str | None:
        return self._read(lambda session: reads.by_key(session, workflow, key), one=True)

    def history(self, instance: str, *, after: int, limit: int) -> Sequence[EventRow]:
        return self._read(lambda session: reads.history(session, instance, after, limit), one=True)

    def tasks(self, query: TaskQuery) -> Sequence[TaskRow]:
        return self._read(lambda session: reads.tasks(session, query))

    def task(self, instance: str, serial: int) -> TaskRow | None:
        return self._read(lambda session: reads.task(session, instance, serial), one=True)

    def task_events(self, instance: str, serial: int) -> Sequence[TaskEventRow]:
        return self._read(lambda session: reads.task_events(session, instance, serial), one=True)

    def would_meet(self, signal: SignalRow) -> tuple[Stored, int] | None:
        return self._read(lambda session: reads.would_meet(session, signal), one=True)

    def pending(self, instance: str) -> Sequence[tuple[str, int]]:
        return self._read(lambda session: reads.pending(session, instance), one=True)

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────

    def letters(self, *, state: LetterState | None = "dead", after: int = 0, limit: int = 50) -> Sequence[Letter]:
        return self._read(lambda session: reads.letters(session, state, after, limit), one=True)

    def check(self) -> Sequence[Defect]:
        return self._read(reads.check)
