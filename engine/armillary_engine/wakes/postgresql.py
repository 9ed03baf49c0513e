"""Wake by ``LISTEN`` and ``NOTIFY``: one listening connection for each opening of a store, and no statement while idle.

Hints are sent by the connection that listens, never within a commit: ``NOTIFY`` there takes a lock of the whole
database until the commit has ended. The rest is :mod:`.bus`.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from ..backend import Hint
from ..backends.postgresql.connections import Connections, connect
from ..backends.postgresql.errors import StoreError
from ..backends.postgresql.places import Place
from .bus import GAPS, BusWake, LineLostError, texts

PAYLOAD = 7_500
"""Bytes; the server takes 8,000."""
PROBE = "probe"
PROBE_SECONDS = 5.0
SETTLE_SECONDS = 2.0
LONE = GAPS[0][1]
"""Seconds that are left between the hints of whoever tells one thing at a time."""
NOTIFY = b"SELECT pg_notify($1, $2)"
NAME = b"armillary_notify"


class PostgresqlLine:
    """Implements :class:`.bus.Line` by one connection, in the driver's pipeline mode: so nobody waits for an answer to
    what is sent. Who hears reads the answers."""

    limit = PAYLOAD
    waits = False
    outlived = False

    def __init__(self, place: Place, connections: Connections) -> None:
        self._place = place
        self._connections = connections
        self.channel = f"armillary_{place.schema}"[:63]
        self._bell, self._rung = socket.socketpair()
        self._bell.setblocking(False)  # one that has rung and was not heard yet is enough
        self._lock = threading.Lock()
        """For the connection, which two threads use."""
        self._unanswered: deque[str] = deque()
        self._flushed = True
        self._settled = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None

    def connect(self) -> None:
        connection = connect(self._place.listen or self._place.conninfo, self._place.shown)
        try:
            connection.execute(f'LISTEN "{self.channel}"'.encode())
            connection.pgconn.prepare(NAME, NOTIFY)
            with self._lock:
                connection.pgconn.enter_pipeline_mode()
                self._connection = connection
                self._post(connection.pgconn, self._unanswered)
        except psycopg.Error as error:
            connection.close()
            raise LineLostError(str(error)) from error

    def hear(self, seconds: float) -> Sequence[str]:
        connection = self._connection
        if connection is None:
            raise LineLostError("not connected")
        try:
            poll = select.poll()
            poll.register(connection.fileno(), select.POLLIN if self._flushed else select.POLLIN | select.POLLOUT)
            poll.register(self._rung, select.POLLIN)
            ready = dict(poll.poll(seconds * 1_000))
            if self._rung.fileno() in ready:
                self._rung.recv(64)
            if connection.fileno() not in ready:
                return ()
            with self._lock:
                heard = self._arrived(connection.pgconn)
        except (psycopg.Error, OSError, ValueError) as error:
            raise LineLostError(str(error)) from error
        if connection.closed:
            raise LineLostError("the server closed the connection")
        return heard

    def send(self, texts: Sequence[str]) -> None:
        with self._lock:
            connection = self._connection
            if connection is None or connection.closed:
                raise LineLostError("not connected")
            try:
                self._post(connection.pgconn, texts)
                self._unanswered += texts
            except psycopg.Error as error:
                raise LineLostError(str(error)) from error
            flushed = self._flushed
        if not flushed:
            self.interrupt()  # who hears sends the rest when the server takes it

    def _post(self, pq: PGconn, texts: Iterable[str]) -> None:
        for text in texts:
            pq.send_query_prepared(NAME, [self.channel.encode(), text.encode()])
            pq.pipeline_sync()
        self._settled.clear()
        self._flushed = not pq.flush()

    def _arrived(self, pq: PGconn) -> list[str]:
        """The texts that a connection has received. The answers to what was sent are counted."""
        pq.consume_input()
        if not self._flushed:
            self._flushed = not pq.flush()
        nothing = False
        while self._unanswered and not pq.is_busy():
            answer = pq.get_result()
            if answer is None and nothing:
                break
            nothing = answer is None  # the end of the answers to one of them
            if answer is not None and answer.status == ExecStatus.PIPELINE_SYNC:
                self._unanswered.popleft()
            elif answer is not None and answer.status == ExecStatus.FATAL_ERROR:
                raise LineLostError(answer.get_error_message())
        if not self._unanswered:
            self._settled.set()
        heard = []
        while (notice := pq.notifies()) is not None:
            heard.append(notice.extra.decode())
        return heard

    def settle(self) -> None:
        if self._unanswered:
            self._settled.wait(SETTLE_SECONDS)

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self._bell.send(b"x")

    def disconnect(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def release(self) -> None:
        """Closes what :meth:`interrupt` needs."""
        self._bell.close()
        self._rung.close()

    def probe(self, owner: str) -> None:
        """A pooler that gives each transaction another connection takes ``LISTEN`` and delivers nothing: noticed here,
        and not by instances that sleep on. Raises ``store.pooler``."""
        sent = f"{PROBE} {owner}"
        with self._connections.connection() as connection:
            connection.execute("SELECT pg_notify(%s, %s)", (self.channel, sent))
        ends = time.monotonic() + PROBE_SECONDS
        while (left := ends - time.monotonic()) > 0:
            if sent in self.hear(left):
                return
        message = f"expected a connection that can listen, got one that hears nothing: {self._place.shown}"
        hint = (
            "a pooler such as PgBouncer in transaction mode drops LISTEN: add &listen=postgresql://… with the "
            "server's own address, or &wake=redis://…, or use session mode"
        )
        raise StoreError("store.pooler", message, hint=hint)


class PostgresqlWake(BusWake):
    """Raises ``store.pooler`` where the connection cannot listen, ``store.unavailable``, …."""

    def __init__(self, place: Place, owner: str, connections: Connections) -> None:
        self._own = line = PostgresqlLine(place, connections)
        try:
            line.connect()
            line.probe(owner)
        except BaseException as error:
            line.disconnect()
            line.release()
            if isinstance(error, (psycopg.Error, LineLostError)):
                raise connections.translated(error.__cause__ or error) from error  # type: ignore[arg-type]
            raise
        super().__init__(line, owner)
        self._rode = threading.local()

    def offer(self, hint: Hint) -> tuple[str, str] | None:
        """The channel and the text of a hint that may be told together with what it tells of; ``None``: only
        :meth:`notify` may tell it. Where there is much to tell, all of it is gathered."""
        with self._lock:
            if self._is_alone() or not self._at_once() or self._gathers > LONE:
                return None
            self._gather(1)
        sent = texts(self._owner, hint, self._own.limit)
        return (self._own.channel, sent[0]) if len(sent) == 1 else None

    def told(self, hint: Hint) -> None:
        """A hint that was offered has gone: when this thread comes to notify it, that is done already."""
        self._rode.hint = hint
        with self._lock:
            self._gathered = time.monotonic() + self._gathers

    def notify(self, hint: Hint) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        rode, self._rode.hint = getattr(self._rode, "hint", None), None
        if hint != rode:
            super().notify(hint)

    def close(self) -> None:
        """See :class:`.bus.BusWake`."""
        super().close()
        self._own.release()
