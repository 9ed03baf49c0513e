"""The PostgreSQL store: see :class:`armillary_engine.backend.Backend`; the docstrings there hold here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import TypeVar

import psycopg

from ...backend import NOBODY, UNLIMITED, Begun, Capabilities, Defect, Wake
from ...clock import Clock
from ...mutation import Claim, Mutation, Outcome
from ...rows import (
    CallRow,
    DefinitionRow,
    SignalRow,
    Stored,
)
from ..sql import outside, reads
from ..sql.session import Row
from ..sql.store import SqlStore
from .catalogue import Catalogue
from .claims import CLOCK, Claims
from .clock import DatabaseClock
from .committing import Committing
from .connections import Connections, connect
from .exchange import StoreConnection
from .group import Group
from .peers import OWNERS, dead, new_owner
from .places import place_of
from .preparing import expect_prepared_statements, prepare
from .riding import Riding
from .session import PostgresqlSession, in_dialect, lock_name, qualified
from .signals import LOCKS, Signals

T = TypeVar("T")
NAME = "SELECT name FROM definitions WHERE digest = ?"
STORED = f"SELECT i.snapshot, {reads.INSTANCE} FROM instances i WHERE i.id = ANY(%s)"


class PostgresqlBackend(SqlStore):
    """A store in one schema of a PostgreSQL database."""

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        self.place = place = place_of(url)
        self.owner = new_owner()
        with ExitStack() as undo:
            first = connect(place.conninfo, place.shown)
            undo.callback(first.close)
            try:
                expect_prepared_statements(first, place)
                prepare(first, place)
                self._measured = DatabaseClock(lambda: _one(first.execute(CLOCK)))
            except psycopg.Error as error:
                raise self._translated(error) from error
            self.clock: Clock = clock or self._measured
            self._virtual = clock is not None
        self._claims = Claims(place.schema)
        self._riding = Riding(place.schema)
        self._signals = Signals(place.schema, self._riding)
        self._connections = Connections(place)
        self._offer()
        self._services: frozenset[str] = frozenset()
        self._stored = qualified(STORED, place.schema)
        self._release = in_dialect(outside.RELEASE_MESSAGES, place.schema)
        self._unknown = False
        self._catalogue = Catalogue(self.versions, self.clock)
        self._committing = Committing(
            self._connections, self._signals, self._catalogue, self._riding, self.clock, virtual=self._virtual
        )  # fmt: skip
        self._group = Group(self._committing.commit)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(name="postgresql", durable=True, shared=True)

    def open_wake(self) -> Wake:
        if self.place.wake is not None:
            from ...wakes.drivers import open_driver

            return open_driver(self.place.wake, channel=self.place.channel, owner=self.owner)
        from ...wakes.postgresql import PostgresqlWake

        wake = PostgresqlWake(self.place, self.owner, self._connections)
        if self.place.listen is None:
            self._riding.carrier = wake  # past a pooler may be another server's line
        return wake

    def announce(self, services: Collection[str]) -> None:
        self._services = frozenset(services)

    def announced(self) -> Collection[str]:
        return self._services

    def dead_owners(self) -> Collection[str]:
        return dead(self._read(lambda session: [row[0] for row in session.rows(OWNERS)], one=True))

    def close(self) -> None:
        self._connections.close()

    def _translated(self, error: Exception) -> Exception:
        from .errors import translated

        return translated(error, self.place.shown)

    @property
    def _now(self) -> int | None:
        """For the statements that take the server's own clock."""
        return self.clock.now() if self._virtual else None

    def _write(self, work: Callable[[PostgresqlSession], T], *, durable: bool = True) -> T:
        return self._connections.write(work)

    def _read(self, work: Callable[[PostgresqlSession], T], *, one: bool = False) -> T:
        return self._connections.read(work, one=one)

    def _directly(self, work: Callable[[StoreConnection], T]) -> T:
        """One statement, which is its own transaction."""

        def attempt() -> T:
            with self._connections.connection() as connection:
                return work(connection)

        return self._connections.trying(attempt)

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        return self._group.commit(mutations)

    def begin(self, mutations: Sequence[Mutation]) -> Begun:
        return self._committing.begin(mutations)

    def claim(self, n: int, owner: str, *, until: int, without: Collection[str] = NOBODY) -> Sequence[Claim]:
        def work(run: StoreConnection) -> Sequence[Claim]:
            if self._unknown:
                # Claims that never reached us: one worker at a time takes messages under an owner's name.
                run.execute(self._release, (self.clock.now(), owner))
            self._unknown = True
            claims = self._claims.claim(run, n, owner, self._now, until, without)
            self._unknown = False
            return claims

        return self._directly(work)

    def claim_calls(
        self, owner: str, *, services: Mapping[str, int], until: int, n: int = UNLIMITED
    ) -> Sequence[CallRow]:
        return self._directly(lambda run: self._claims.claim_calls(run, owner, self._now, until, services, n))

    def time_out(self, n: int) -> int:
        return self._directly(lambda run: self._claims.time_out(run, self._now, n))

    def store_signal(self, signal: SignalRow) -> Sequence[str]:
        return self._directly(lambda run: self._signals.send(run, signal, self._now))

    def deploy(self, definition: DefinitionRow) -> DefinitionRow:
        lock = lock_name(self.place.schema, "deploy", definition.name)

        def work(session: PostgresqlSession) -> DefinitionRow:
            session.rows(LOCKS, ([lock],))
            return outside.deploy(session, definition)

        return self._write(work)

    def enable(self, digest: str, enabled: bool) -> bool:
        """Before a deployment of the same name or after it: that puts a new row in the place of the old one."""

        def work(session: PostgresqlSession) -> bool:
            for (name,) in session.rows(NAME, (digest,)):
                session.rows(LOCKS, ([lock_name(self.place.schema, "deploy", name)],))
            return outside.enable(session, digest, enabled)

        return self._write(work)

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, instances: Sequence[str]) -> Mapping[str, Stored]:
        def work(session: PostgresqlSession) -> Mapping[str, Stored]:
            rows = session.rows(self._stored.replace("%s", "?"), (list(instances),))
            return {row[1]: Stored(outside.instance_of(row[1:]), row[0]) for row in rows}

        return self._read(work, one=True)

    def would_meet(self, signal: SignalRow) -> tuple[Stored, int] | None:
        return self._directly(lambda run: self._signals.would_meet(run, signal))

    def check(self) -> Sequence[Defect]:
        return self._connections.read(reads.check, patient=True)

    def known_versions(self, name: str) -> Sequence[tuple[str, str]]:
        # A test's clock may stand still: then nobody could say what was resolved before a change.
        return self.versions(name) if self._virtual else self._catalogue.known(name)

    def due(self, *, services: Collection[str], without: Collection[str] = NOBODY) -> int | None:
        before = self._measured.ticks()
        due, at = self._directly(lambda run: self._claims.due(run, self._now, services, without))
        if not self._virtual:
            self._measured.observe(at, before, self._measured.ticks())
        return due


def _one(cursor: psycopg.Cursor[Row]) -> int:
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])
