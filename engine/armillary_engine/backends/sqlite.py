"""The embedded default: one SQLite file, for one process or several on one machine.

``sqlite:///relative/path.sqlite`` or ``sqlite:////absolute/path.sqlite``. Write-ahead log, ``synchronous=FULL``: what
was committed survives a power failure. One thread of each process writes; readers have connections of their own and
never wait for it. Nothing polls: an idle store executes no statement."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..backend import NOBODY, UNLIMITED, Capabilities, Defect, Wake, Whole
from ..clock import Clock, SystemClock
from ..definition.problems import ArmillaryError
from ..mutation import Claim, Mutation, Outcome
from ..rows import (
    CallRow,
    DefinitionRow,
    SignalRow,
    Stored,
)
from ..wakes.drivers import refuse_driver
from .sql import commit, outside, reads
from .sql.store import SqlStore
from .sqlite_errors import FAILURES, foreign, newer, older, store_error, translated
from .sqlite_files import Presence, WriteLock, peers_folder
from .sqlite_writer import SqliteSession, Writer

T = TypeVar("T")
APPLICATION = 0x41726D69
"""SQLite's application id of an Armillary store: ``Armi``."""
SCHEMA = 5
"""The number of the schema that this release reads and writes (SQLite's ``user_version``)."""
OWNERS = "SELECT owner FROM messages WHERE owner IS NOT NULL UNION SELECT owner FROM calls WHERE owner IS NOT NULL"


class SqliteBackend(SqlStore, Whole):
    """See :class:`armillary_engine.backend.Backend`; the docstrings there hold here."""

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self.path = path
        self.clock: Clock = clock or SystemClock()
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        with ExitStack() as undo:
            try:
                self._folder = peers_folder(path)
                self._presence = Presence(self._folder, self.owner)
                undo.callback(self._presence.close)
                self._lock = WriteLock(self._folder / "write.lock")
                undo.callback(self._lock.close)
                with self._lock:
                    prepare(path)
                self._writer = Writer(partial(connect, path), self._lock)
            except sqlite3.Error as error:
                raise translated(error, path) from error
            except OSError as error:
                raise store_error("store.unavailable", path, error.strerror or str(error)) from error
            undo.pop_all()
        self._offer()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(name="sqlite", durable=True, shared=True)

    def open_wake(self) -> Wake:
        from ..wakes.local_socket import open_local_wake

        return open_local_wake(self._folder, self.owner)

    def announce(self, services: Collection[str]) -> None:
        self._presence.announce(services)

    def announced(self) -> Collection[str]:
        return self._presence.announced()

    def dead_owners(self) -> Collection[str]:
        owners = self._read(lambda session: [row[0] for row in session.rows(OWNERS)])
        return self._presence.dead(owners)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        while self._readers:
            self._readers.pop().close()
        self._presence.close()
        self._lock.close()

    # ── how work reaches the file ────────────────────────────────────────────────────────────────────────────────────

    def _write(self, work: Callable[[SqliteSession], T], *, durable: bool = True) -> T:
        try:
            return self._writer.do(work, durable=durable)
        except FAILURES as error:
            raise self._error(error) from error

    def _read(self, work: Callable[[SqliteSession], T], *, one: bool = False) -> T:
        """``one``: a single statement, which sees one state of the store without a transaction."""
        if self._closed:
            raise self._closed_error()
        try:
            if one and (found := self._writer.glance(lambda session: (work(session),))) is not None:
                return found[0]
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = connect(self.path, reader=True)
            try:
                if one:
                    return work(SqliteSession(connection))
                connection.execute("BEGIN")
                try:
                    return work(SqliteSession(connection))
                finally:
                    connection.execute("ROLLBACK")
            finally:
                if self._closed:
                    connection.close()
                else:
                    self._readers.append(connection)
        except FAILURES as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> Exception:
        return self._closed_error() if self._closed else translated(error, self.path)

    def _closed_error(self) -> ArmillaryError:
        return ArmillaryError("store.closed", f"expected an open store, got a closed one: {self.path}")

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        return self._write(lambda session: commit.commit_all(session, mutations, self.clock.now()))

    def claim(self, n: int, owner: str, *, until: int, without: Collection[str] = NOBODY) -> Sequence[Claim]:
        def work(session: SqliteSession) -> Sequence[Claim]:
            return outside.claim(session, n, owner, self.clock.now(), until, without)

        return self._write(work, durable=False)

    def claim_calls(
        self, owner: str, *, services: Mapping[str, int], until: int, n: int = UNLIMITED
    ) -> Sequence[CallRow]:
        def work(session: SqliteSession) -> Sequence[CallRow]:
            return outside.claim_calls(session, owner, self.clock.now(), until, services, n)

        return self._write(work)

    def time_out(self, n: int) -> int:
        return self._write(lambda session: outside.time_out(session, self.clock.now(), n))

    def store_signal(self, signal: SignalRow) -> Sequence[str]:
        return self._write(lambda session: outside.store_signal(session, signal, self.clock.now()))

    def deploy(self, definition: DefinitionRow) -> DefinitionRow:
        return self._write(lambda session: outside.deploy(session, definition))

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, instances: Sequence[str]) -> Mapping[str, Stored]:
        return self._read(lambda session: reads.read(session, instances), one=len(instances) == 1)

    def known_versions(self, name: str) -> Sequence[tuple[str, str]]:
        return self.versions(name)

    def due(self, *, services: Collection[str], without: Collection[str] = NOBODY) -> int | None:
        return self._read(lambda session: reads.due(session, services, without, self.clock.now()))

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> Sequence[Defect]:
        return [*self._read(_integrity), *super().check()]


def _integrity(session: SqliteSession) -> list[Defect]:
    found = [row[0] for row in session.rows("PRAGMA integrity_check(10)")]
    return [Defect("check.integrity", "", text) for text in found if text != "ok"]


def connect(path: Path, *, reader: bool = False) -> sqlite3.Connection:
    """A connection that starts no transaction by itself and may be handed from thread to thread."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        connection.execute("PRAGMA busy_timeout = 10000")  # for other programs only: ours take the file lock first
        if reader:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(path: Path) -> None:
    """Makes sure that the file is an Armillary store of this release's schema; makes an empty file one."""
    connection = connect(path)
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        if application == APPLICATION:
            if schema != SCHEMA:
                raise newer(path, schema, SCHEMA) if schema > SCHEMA else older(path, schema, SCHEMA)
            _write_ahead(connection)
            return
        if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            raise foreign(path)
        _create(connection)
    finally:
        connection.close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Keeps the log that readers need so as not to stand in a writer's way. A file says whether it has one: those that
    a migration or ``VACUUM INTO`` has made have none."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


def _create(connection: sqlite3.Connection) -> None:
    from .sql.schema import statements  # SQLAlchemy is slow to import, and needed only here

    _write_ahead(connection)
    connection.execute("BEGIN IMMEDIATE")
    for statement in statements("sqlite"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute("COMMIT")


def open_backend(url: str, *, clock: Clock | None = None) -> SqliteBackend:
    """Opens the store of a ``sqlite:///`` URL; makes the file when it is missing."""
    return SqliteBackend(path_of(url), clock=clock)


def path_of(url: str) -> Path:
    """The file of a ``sqlite:///`` URL. Raises ``store.url``."""
    refuse_driver(url, "SQLite", "by local sockets, or by watching a file")
    text = url.removeprefix("sqlite:///")
    if text == url or not text:
        hint = "write sqlite:///folder/store.sqlite, or sqlite:////absolute/path.sqlite"
        raise ArmillaryError("store.url", f"expected a SQLite URL with a path, got {url!r}", hint=hint)
    return Path(text).expanduser().resolve()
