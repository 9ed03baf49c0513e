"""Connections: a few, lent to whoever has work; those that died are noticed without asking the server."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from ...definition.problems import ArmillaryError
from .errors import AGAIN, lost, store_error, translated
from .exchange import StoreConnection, speaks
from .limits import OPTIONS, PATIENT, Watch, server_limits
from .places import Place
from .session import PostgresqlSession

T = TypeVar("T")
CONNECTIONS = 8
"""At most, of one opening of a store; the wake has one more."""
PATIENCE = 30.0
"""Seconds to wait for a connection."""
TRIES = 10
BACK_OFF = 0.0005
"""Seconds, at most, before the second try; more before each further one: whoever met must not meet again."""
PLANS = """SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off;
    SET jit = off;
    SET plan_cache_mode = force_generic_plan"""
"""A plan is kept for as long as a connection: one that was made while a table was small must still be right when it is
large. All that is hot finds its rows by an index. And it is made once: the server would go on to plan a statement of
twenty arrays anew each time, which takes longer than to run it."""
SNAPSHOT = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


def connect(conninfo: str, shown: str) -> StoreConnection:
    """A connection of its own. Raises ``store.unavailable``, ``store.denied``, …."""
    try:
        return StoreConnection.connect(make_conninfo(**{**OPTIONS, **conninfo_to_dict(conninfo)}), autocommit=True)
    except psycopg.Error as error:
        raise translated(error, shown, connecting=True) from None


class Connections:
    """Lends connections, and runs work in transactions: again where PostgreSQL says that it may.

    The one that was used last is lent first. A connection is made by whoever needs it, so that a server that is down is
    said to be down at once, and one that is up again is used at once; no thread minds them, and no statement asks
    whether they live."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._closed = False
        self._idle: deque[StoreConnection] = deque()
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._watch = Watch(place.answer)

    @contextmanager
    def connection(self, *, patient: bool = False) -> Iterator[StoreConnection]:
        """A connection in autocommit; waits for one. ``patient``: it may be kept for as long as it takes. Raises
        ``store.busy``, ``store.unavailable``, …."""
        if self._closed:
            raise self._closed_error()
        if not self._places.acquire(timeout=PATIENCE):
            raise store_error("store.busy", self.place.shown)
        try:
            connection = self._take() or self._connect()
            try:
                if not patient:
                    self._watch.begin(connection)
                yield connection
            except psycopg.Error:
                raise  # its own state says whether it can be used again
            except BaseException:
                connection.close()  # nobody knows what it is in the middle of
                raise
            finally:
                self._watch.end(connection)
                self._give(connection)
        finally:
            self._places.release()

    def _take(self) -> StoreConnection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not speaks(connection, 0):  # what it says unasked is its farewell
                return connection
            connection.close()

    def _connect(self) -> StoreConnection:
        connection = connect(self.place.conninfo, self.place.shown)
        connection.execute(f"{PLANS}; {server_limits(self.place.answer)}".encode())
        connection.prepared_max = 1_000
        return connection

    def _give(self, connection: StoreConnection) -> None:
        status = connection.info.transaction_status
        if status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN) and not connection.closed:
            connection.close()  # whatever it was in the middle of is undone
        if not connection.closed:
            self._idle.append(connection)
        if self._closed:
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def write(self, work: Callable[[PostgresqlSession], T]) -> T:
        """``work`` in a transaction: again after a deadlock, a serialization failure, or a race for a unique row."""

        def attempt() -> T:
            with self.connection() as connection, connection.transaction():
                return work(PostgresqlSession(connection, self.place.schema))

        return self.trying(attempt)

    def trying(self, attempt: Callable[[], T]) -> T:
        """``attempt``, again where PostgreSQL says that it may succeed then."""
        for left in reversed(range(TRIES)):
            try:
                return attempt()
            except psycopg.Error as error:
                if error.sqlstate in AGAIN and left:
                    time.sleep(random.uniform(0, BACK_OFF * (TRIES - left) ** 2))
                    continue
                raise self.translated(error) from error
        raise AssertionError("unreachable")

    def read(self, work: Callable[[PostgresqlSession], T], *, one: bool = False, patient: bool = False) -> T:
        """``work`` on one state of the store; ``one``: it is a single statement; ``patient``: it may take long. A lost
        connection is replaced once."""
        for last in (False, True):
            try:
                with self.connection(patient=patient) as connection:
                    session = PostgresqlSession(connection, self.place.schema)
                    if one:
                        return work(session)
                    connection.execute(f"{SNAPSHOT}; {PATIENT}".encode() if patient else SNAPSHOT)
                    try:
                        return work(session)
                    finally:
                        if not connection.closed:
                            connection.execute("COMMIT")  # after a rollback the driver forgets what it has prepared
            except UnicodeEncodeError as error:
                raise store_error("store.text", self.place.shown, str(error)) from error
            except psycopg.Error as error:
                if last or self._closed or not lost(error):
                    raise self.translated(error) from error
        raise AssertionError("unreachable")

    def translated(self, error: Exception) -> Exception:
        """The error in words."""
        return self._closed_error() if self._closed else translated(error, self.place.shown)

    def _closed_error(self) -> ArmillaryError:
        return ArmillaryError("store.closed", f"expected an open store, got a closed one: {self.place.shown}")

    def close(self) -> None:
        """Closes all of them."""
        self._closed = True
        self._watch.close()
        self._close_idle()
