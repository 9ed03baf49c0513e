"""The stores that a simulation drives: the real backends, made to run on one thread and to fail at any statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from ...backend import Backend
from ...backends.memory import MemoryBackend
from ...backends.memory_tables import Tables
from ...backends.memory_upkeep import MemoryUpkeep
from ...backends.sqlite import SqliteBackend
from ...backends.sqlite_writer import SqliteSession, Writer
from ...clock import Clock
from ...mutation import Consumes, Delivery, Mutation, Outcome, Return
from ...rows import LetterRecord, ScheduleRow, SignalRow
from ...upkeep import Refusal

T = TypeVar("T")


class Disk(Protocol):
    """What outlives the processes; each opens it anew."""

    def open(self, owner: str) -> Backend: ...

    def interrupt(self, store: Backend, statement: str, error: BaseException) -> None:
        """The next transaction of ``store`` raises ``error`` after ``statement`` (of a commit; any, when there is no
        such statement) and is undone."""
        ...

    def calm(self, store: Backend) -> bool:
        """Takes an interruption back. Whether it was still to come."""
        ...

    def close(self) -> None: ...


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class MemoryStore(MemoryBackend):
    """The store in memory with transactions that can be undone."""

    def __init__(self, tables: Tables, clock: Clock, owner: str) -> None:
        super().__init__(clock=clock)
        self.tables = tables
        self.owner = owner
        self.upkeep = _MemoryUpkeep(self, lambda: clock)
        self.armed: tuple[str, BaseException] | None = None
        self._saved: dict[str, Any] = {}

    def save(self) -> None:
        """What was done until now outlives the end of this transaction."""
        if self.armed is not None:
            self._saved = {one.name: _copied(getattr(self.tables, one.name)) for one in fields(Tables)}

    def do(self, work: Callable[[], T]) -> T:
        """A transaction. It costs nothing as long as nothing is to go wrong."""
        if self.armed is None:
            return work()
        self.save()
        try:
            done = work()
            self._passed("")
            return done
        except BaseException:
            for name, value in self._saved.items():
                setattr(self.tables, name, value)
            raise

    def _passed(self, statement: str) -> None:
        if self.armed is not None and self.armed[0] == statement:
            (_, error), self.armed = self.armed, None
            raise error

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        return self.do(lambda: super(MemoryStore, self).commit(mutations))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        return self.do(lambda: super(MemoryStore, self).deliver(deliveries))

    def store_signal(self, signal: SignalRow) -> Sequence[str]:
        return self.do(lambda: super(MemoryStore, self).store_signal(signal))

    def time_out(self, n: int) -> int:
        return self.do(lambda: super(MemoryStore, self).time_out(n))

    def give_back(self, returns: Sequence[Return]) -> None:
        return self.do(lambda: super(MemoryStore, self).give_back(returns))

    def _consume(self, instance: str, consumes: Consumes) -> None:
        super()._consume(instance, consumes)
        self._passed("consume")

    def _close(self, mutation: Mutation) -> None:
        super()._close(mutation)
        self._passed("close")

    def _project(self, mutation: Mutation) -> None:
        super()._project(mutation)
        self._passed("project")

    def _open(self, mutation: Mutation) -> None:
        super()._open(mutation)
        self._passed("open")

    def _send(self, mutation: Mutation) -> None:
        super()._send(mutation)
        self._passed("send")


class _MemoryUpkeep(MemoryUpkeep):
    """What is done beside the slices, with transactions that can be undone."""

    def __init__(self, store: MemoryStore, clock: Callable[[], Clock]) -> None:
        super().__init__(store, clock)
        self._do = store.do

    def accept_call(self, instance: str, serial: int, fence: int) -> bool:
        return self._do(lambda: super(_MemoryUpkeep, self).accept_call(instance, serial, fence))

    def expire_signals(self, n: int) -> Sequence[str]:
        return self._do(lambda: super(_MemoryUpkeep, self).expire_signals(n))

    def decide(self, record: LetterRecord) -> LetterRecord | Refusal:
        return self._do(lambda: super(_MemoryUpkeep, self).decide(record))

    def put_schedule(self, schedule: ScheduleRow) -> bool:
        return self._do(lambda: super(_MemoryUpkeep, self).put_schedule(schedule))

    def delete_schedule(self, id: str) -> bool:
        return self._do(lambda: super(_MemoryUpkeep, self).delete_schedule(id))


def _copied(value: Any) -> Any:
    """A copy that later changes of ``value`` leave alone: rows never change, lists and dictionaries do."""
    if isinstance(value, dict):
        return {key: one.copy() if isinstance(one, (list, dict)) else one for key, one in value.items()}
    return value.copy() if isinstance(value, list) else value


class MemoryDisk:
    """Tables that all processes share."""

    def __init__(self, clock: Clock) -> None:
        self._tables = Tables()
        self._clock = clock

    def open(self, owner: str) -> Backend:
        return MemoryStore(self._tables, self._clock, owner)

    def interrupt(self, store: Backend, statement: str, error: BaseException) -> None:
        cast(MemoryStore, store).armed = (statement, error)

    def calm(self, store: Backend) -> bool:
        memory = cast(MemoryStore, store)
        was, memory.armed = memory.armed is not None, None
        return was

    def close(self) -> None:
        """Nothing is left."""


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _FragileSession(SqliteSession):
    """A transaction that ends with an error after so many statements that change something."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.armed: tuple[int, BaseException] | None = None

    def _count(self) -> None:
        if self.armed is None:
            return
        left, error = self.armed
        self.armed = (left - 1, error) if left > 1 else None
        if left <= 1:
            raise error

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        changed = super().run(statement, parameters)
        self._count()
        return changed

    def many(self, statement: str, parameters: Any) -> None:
        super().many(statement, parameters)
        self._count()


class _InlineWriter(Writer):
    """The writer without its thread: a transaction is made by whoever asks for it."""

    def __init__(self, connection: sqlite3.Connection, lock: Any) -> None:
        self._lock = lock
        self._connection = connection
        self._session = self.session = _FragileSession(connection)

    def do(self, work: Callable[[SqliteSession], T], *, durable: bool = True) -> T:
        connection = self._connection
        with self._lock:
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = work(self._session)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        return done

    def glance(self, work: Callable[[SqliteSession], T]) -> T | None:
        return None  # what is read goes through the gate of a reader

    def close(self) -> None:
        self._connection.close()


class SqliteStore(SqliteBackend):
    """The SQLite store on one thread. The disk is not at stake here, so nothing waits for it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(path, clock=clock)
        threaded = self._writer
        threaded.close()
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = OFF")
        self.writer = self._writer = _InlineWriter(connection, self._lock)


class SqliteDisk:
    """A file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._statements = 0
        self._opened: list[SqliteStore] = []

    def open(self, owner: str) -> Backend:
        store = SqliteStore(self._path, self._clock)
        store.owner = owner
        self._opened.append(store)
        return store

    def interrupt(self, store: Backend, statement: str, error: BaseException) -> None:
        self._statements = self._statements % 9 + 1
        cast(SqliteStore, store).writer.session.armed = (self._statements, error)

    def calm(self, store: Backend) -> bool:
        session = cast(SqliteStore, store).writer.session
        was, session.armed = session.armed is not None, None
        return was

    def close(self) -> None:
        for store in self._opened:
            store.close()
