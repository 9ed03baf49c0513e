"""Committing: together in one round trip; what isn't plain, or not as expected, one by one; what is unknown, found
out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

import psycopg
from psycopg.pq.abc import PGresult

from ...backend import Begun
from ...clock import Clock
from ...definition.problems import ArmillaryError
from ...hints import hint_of
from ...mutation import Mutation, Outcome
from ...rows import InstanceRow
from ..sql import commit
from ..sql.reads import STORED
from ..sql.session import names
from .binary import TEXT, array
from .catalogue import Catalogue
from .connections import Connections
from .errors import AGAIN, GUARD, lost
from .exchange import Command, StoreConnection, begin, exchange, speaks
from .riding import COMMITTED, Riding
from .session import PostgresqlSession
from .signals import LOCKS, RAW_LOCKS, Signals
from .together import Together, plain

log = logging.getLogger(__name__)
Sent = tuple[Callable[[], Sequence[PGresult]], Callable[[float], bool]]


class Committing:
    """Says what became of each job: a sequence of mutations. ``virtual``: the clock is a test's, not the server's."""

    def __init__(
        self, connections: Connections, signals: Signals, catalogue: Catalogue, riding: Riding, clock: Clock, *,
        virtual: bool,
    ) -> None:  # fmt: skip
        self._connections = connections
        self._catalogue = catalogue
        self._schema = connections.place.schema
        self._signals = signals
        self._riding = riding
        self._clock = clock
        self._virtual = virtual
        self.alone = 0
        """How many mutations went one by one."""

    def commit(self, jobs: Sequence[Sequence[Mutation]]) -> Sequence[Sequence[Outcome] | BaseException]:
        """What became of each job, in order; or why it failed."""
        mutations = [mutation for job in jobs for mutation in job]
        unsure = False
        if all(plain(mutation) for mutation in mutations):
            unsure = (found := self._try_together(mutations)) is None
            if found:
                return [_all_committed(job) for job in jobs]
        elif len(jobs) > 1:
            return self._apart(jobs)
        return [self._one_by_one(job, unsure=unsure) for job in jobs]

    def begin(self, job: Sequence[Mutation]) -> Begun:
        """Sends one job, on a connection of its own."""
        sent, unsure = None, False
        try:
            if all(plain(mutation) for mutation in job):
                sent = self._post(job)
        except psycopg.Error as error:
            unsure = self._in_doubt(error) is None  # it may have been sent all the same
        if sent is None:
            return Begun(lambda: self._alone(job, unsure=unsure))
        answers, ready = sent
        return Begun(lambda: self._finish(job, answers), ready)

    def _apart(self, jobs: Sequence[Sequence[Mutation]]) -> Sequence[Sequence[Outcome] | BaseException]:
        """The plain jobs together, and the others alone."""
        plain_jobs = [job for job in jobs if all(plain(mutation) for mutation in job)]
        found = dict(zip(map(id, plain_jobs), self.commit(plain_jobs) if plain_jobs else (), strict=True))
        return [found[id(job)] if id(job) in found else self._one_by_one(job) for job in jobs]

    def _try_together(self, mutations: Sequence[Mutation]) -> bool | None:
        """Whether all were committed, or nothing; ``None``: the connection was lost, so it may be either."""
        commands = self._commands(mutations)
        if commands is None:
            return False
        try:
            with self._connections.connection() as connection:
                self._send(connection, commands, mutations)
        except psycopg.Error as error:
            return self._in_doubt(error)
        return True

    def _in_doubt(self, error: psycopg.Error) -> bool | None:
        """See :meth:`_try_together`; raises what will not be better one by one."""
        if lost(error):
            return None
        if error.sqlstate == GUARD or error.sqlstate in AGAIN or isinstance(error, FORGOTTEN):
            return False
        raise self._connections.translated(error) from error

    def _commands(self, mutations: Sequence[Mutation]) -> Sequence[Command] | None:
        """The statements that commit them together; ``None``: they must go one by one."""
        checks = self._catalogue.checks(mutations)
        batch = Together(mutations, checks) if checks is not None else None
        if batch is None or not batch.possible:
            return None
        locks = self._signals.locks(mutations)
        before: list[Command] = [(RAW_LOCKS, [array(TEXT, locks)])] if locks else []
        return [*before, *batch.commands(self._schema, self._clock.now() if self._virtual else None)]

    def _post(self, job: Sequence[Mutation]) -> Sent | None:
        """What waits for the answers, and what says whether they come; ``None``: nothing was sent, since they must go
        one by one."""
        commands = self._commands(job)
        if commands is None:
            return None
        with ExitStack() as undo:
            connection = undo.enter_context(self._connections.connection())
            answers = begin(connection, commands)
            lent = undo.pop_all()

        def finish() -> Sequence[PGresult]:
            with lent:
                try:
                    return answers()
                except FORGOTTEN:
                    connection.prepared.clear()
                    raise

        return finish, partial(speaks, connection)

    def _finish(self, job: Sequence[Mutation], answers: Callable[[], Sequence[PGresult]]) -> Sequence[Outcome]:
        try:
            answers()
        except psycopg.Error as error:
            return self._alone(job, unsure=self._in_doubt(error) is None)
        return _all_committed(job)

    def _alone(self, job: Sequence[Mutation], *, unsure: bool) -> Sequence[Outcome]:
        found = self._one_by_one(job, unsure=unsure)
        if isinstance(found, BaseException):
            raise found
        return found

    def _send(
        self, connection: StoreConnection, commands: Sequence[Command], mutations: Sequence[Mutation]
    ) -> None:  # fmt: skip
        """The hint of a lone mutation goes along, but for those above it: who they are, the engine knows."""
        lone = mutations[0] if len(mutations) == 1 and mutations[0].row.parent is None else None
        if lone is None:
            exchange(connection, commands)
            return
        hint = hint_of(lone)
        behind = self._riding.behind(COMMITTED, hint, id=lone.row.id, revision=lone.row.revision)
        self._riding.went(hint, exchange(connection, commands, behind)[len(commands) :])

    def _one_by_one(self, job: Sequence[Mutation], *, unsure: bool = False) -> Sequence[Outcome] | BaseException:
        self.alone += len(job)
        try:
            self._catalogue.refresh(job)
        except Exception as error:  # noqa: BLE001 - as below
            return error
        locks = self._signals.locks(job)

        def work(session: PostgresqlSession) -> list[Outcome]:
            if locks:
                session.rows(LOCKS, (locks,))
            now = self._clock.now()
            return [self._one(session, mutation, now, unsure=unsure) for mutation in job]

        for last in (False, True):
            try:
                return self._connections.write(work)
            except ArmillaryError as error:
                if last or error.code != "store.lost":
                    return error
                unsure = True
            except Exception as error:  # noqa: BLE001 - it is its caller's to see, and nobody else's
                return error
        raise AssertionError("unreachable")

    def _one(self, session: PostgresqlSession, mutation: Mutation, now: int, *, unsure: bool) -> Outcome:
        if self._catalogue.refused(mutation):
            return Outcome("conflict", mutation.row.id)
        outcome = commit.commit(session, mutation, now)
        if unsure and outcome.kind in ("conflict", "exists") and self._was_ours(session, mutation):
            return Outcome("committed", mutation.row.id, mutation.row.revision)
        return outcome

    def _was_ours(self, session: PostgresqlSession, mutation: Mutation) -> bool:
        """A connection that was lost may have committed all the same: then what is stored is exactly this."""
        row = mutation.row
        return any(
            stored[1 + _REVISION] == row.revision
            and stored[1 + _UPDATED] == row.updated
            and stored[0] == mutation.snapshot
            for stored in session.rows(STORED, (row.id,))
        )


def _all_committed(job: Sequence[Mutation]) -> Sequence[Outcome]:
    return [Outcome("committed", one.row.id, one.row.revision, met=False) for one in job]


FORGOTTEN = psycopg.errors.InvalidSqlStatementName
"""The server has forgotten what was prepared."""
_NAMES = names(InstanceRow)
_REVISION, _UPDATED = _NAMES.index("revision"), _NAMES.index("updated")
