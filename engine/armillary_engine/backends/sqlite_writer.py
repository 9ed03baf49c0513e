"""Writing to a SQLite file: one thread of a process at a time, and what waits meanwhile shares the next transaction and
its fsync.

Who is alone writes on their own thread: to hand a transaction to another thread and wait for it costs as much as the
transaction. When several write at a time, the writer's own thread does it for all: they queue up while it writes, so
that their transactions become few. The main thread never writes: an interrupt may come between any two of its
instructions, and a transaction that others share is not its to lose."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

from .sql.session import Row
from .sqlite_files import WriteLock

T = TypeVar("T")
BATCH = 64
"""At most so many jobs share a transaction."""
CALM = 16
"""After so many transactions that nobody shared, whoever comes is alone."""


class SqliteSession:
    """An open transaction of a connection; see :class:`.sql.session.Session`."""

    __slots__ = ("_execute", "_executemany")

    def __init__(self, connection: sqlite3.Connection) -> None:
        cursor = connection.cursor()  # one for all: each statement's rows are fetched before the next
        self._execute = cursor.execute
        self._executemany = cursor.executemany

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Executes, and gives the number of rows it changed."""
        return self._execute(statement, parameters).rowcount

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Row]:
        """Executes, and gives all rows."""
        return self._execute(statement, parameters).fetchall()

    def many(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Executes once for each of ``parameters``."""
        self._executemany(statement, parameters)


class _Job:
    """Something to write; without ``work``, only a turn. ``turn`` is taken until it is done: cheaper than an Event, and
    nobody else waits for it."""

    __slots__ = ("durable", "error", "result", "turn", "work")

    def __init__(self, work: Callable[[SqliteSession], Any] | None, *, durable: bool) -> None:
        self.work = work
        self.durable = durable
        self.result: Any = None
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()

    def attempt(self, session: SqliteSession) -> None:
        if self.work is not None:
            self.result = self.work(session)


_MAIN = threading.main_thread().ident


class Writer:
    """Does jobs, several to a transaction when several wait. A job that raises is undone and leaves the others
    alone."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], lock: WriteLock) -> None:
        self._lock = lock
        self._waiting: deque[_Job] = deque()
        self._guard = threading.Lock()
        self._writing = False
        """Somebody writes. The main thread never sets it: it may be interrupted right after that."""
        self._alone = CALM
        """So many transactions in a row were shared by nobody."""
        self._closed = False
        self._durable = True
        self._connection = connect()
        self._session = SqliteSession(self._connection)
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="armillary-writer", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[SqliteSession], T], *, durable: bool = True) -> T:
        """Does ``work`` in a transaction and waits for its commit. Not ``durable``: a power failure may undo it."""
        with self._guard:
            if self._closed:
                raise sqlite3.ProgrammingError("the store is closed")
            job = None if self._is_alone() and not self._waiting else _Job(work, durable=durable)
            if job is None:
                self._writing = True
            else:
                self._enqueue(job)
        if job is None:
            return self._do_alone(work, durable=durable)
        job.turn.acquire()
        if job.error is not None:
            raise job.error
        return cast(T, job.result)

    def _is_alone(self) -> bool:
        """Whether this thread may use the connection now. Holds the guard."""
        return not self._writing and self._alone >= CALM and threading.get_ident() != _MAIN

    def _do_alone(self, work: Callable[[SqliteSession], T], *, durable: bool) -> T:
        """A transaction that nobody shares, on this thread, without ado."""
        try:
            with self._lock:
                self._begin(durable=durable)
                try:
                    result = work(self._session)
                    self._connection.execute("COMMIT")
                except BaseException:
                    self._undo()
                    raise
                return result
        finally:
            self._hand_on(shared=bool(self._waiting))

    def glance(self, work: Callable[[SqliteSession], T]) -> T | None:
        """Does ``work``, which is one statement that reads, on the writer's connection: it knows what it has written
        itself, where a reader has to fetch that from the file. ``None``: it is not free; use a reader."""
        with self._guard:
            if self._closed or not self._is_alone():
                return None
            self._writing = True
        try:
            return work(self._session)
        finally:
            self._hand_on()

    def _hand_on(self, *, shared: bool = False) -> None:
        """This thread is done with the connection; the writer's own does what has come meanwhile. ``shared``: others
        wanted to write, too."""
        with self._guard:
            self._writing = False
            self._alone = 0 if shared else self._alone
            if self._waiting:
                self._wake.put(True)

    def close(self) -> None:
        """Finishes what waits, and ends the thread."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            last = _Job(None, durable=False)
            self._enqueue(last)
        last.turn.acquire()
        self._wake.put(False)
        self._thread.join()
        self._connection.close()

    def _enqueue(self, job: _Job) -> None:
        """For the writer's own thread. Holds the guard."""
        self._waiting.append(job)
        if not self._writing:
            self._wake.put(True)

    def _run(self) -> None:
        while self._wake.get():
            while self._write():
                pass

    def _write(self) -> bool:
        """One transaction for those who wait, unless somebody else writes. Whether there may be more."""
        with self._guard:
            if self._writing or not self._waiting:
                return False
            self._writing = True
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        self._do_batch(batch)
        for job in batch:
            job.turn.release()
        with self._guard:
            self._alone = self._alone + 1 if len(batch) == 1 and not self._waiting else 0
            self._writing = False
        return True

    def _do_batch(self, batch: list[_Job]) -> None:
        try:
            self._transaction(batch)
        except BaseException as error:  # noqa: BLE001 - whatever a job raises is its caller's to see
            if len(batch) == 1:
                batch[0].error = error
            else:
                for job in batch:
                    self._do_batch([job])

    def _transaction(self, batch: list[_Job]) -> None:
        if all(job.work is None for job in batch):
            return
        with self._lock:
            self._begin(durable=any(job.durable for job in batch))
            try:
                for job in batch:
                    job.attempt(self._session)
                self._connection.execute("COMMIT")
            except BaseException:
                self._undo()
                raise

    def _begin(self, *, durable: bool) -> None:
        if durable is not self._durable:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._connection.execute("BEGIN IMMEDIATE")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
