"""Prepared statements sent and answered in one round trip, by the driver's own low level (libpq's pipeline mode).

The driver's cursors take longer for a statement than the server does, most of it to convert parameters whose types are
known, and each of their waits meets the interpreter's lock. Here parameters are bytes already (:mod:`.binary`)."""

from __future__ import annotations

import contextlib
import re
import select
from collections.abc import Callable, Mapping, Sequence
from itertools import count, islice
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from ..sql.session import Row
from .binary import Kind, scalar

SELECTABLE = 1024
"""``select`` takes only numbers of files below this one."""
Command = tuple[bytes, Sequence[bytes | None]]
"""A statement with ``$1``, …, and its parameters in binary form."""


class Named:
    """A statement whose parameters are written ``%(name)s``; ``kinds`` has the types of all names."""

    def __init__(self, text: str, kinds: Mapping[str, Kind]) -> None:
        self._kinds: dict[str, Kind] = {}

        def number(found: re.Match[str]) -> str:
            self._kinds.setdefault(found[1], kinds[found[1]])
            return f"${list(self._kinds).index(found[1]) + 1}::{kinds[found[1]].name}"

        self._text = re.sub(r"%\((\w+)\)s", number, text).encode()

    def command(self, given: Mapping[str, Any]) -> Command:
        """With the values of its parameters."""
        return self._text, [scalar(kind, given[name]) for name, kind in self._kinds.items()]

    def rows(self, connection: StoreConnection, given: Mapping[str, Any]) -> Sequence[Row]:
        """Executes, as a transaction of its own, and gives all rows."""
        (answer,) = exchange(connection, [self.command(given)])
        return rows(connection, answer)


class StoreConnection(psycopg.Connection[Row]):
    """A connection that knows which statements it has prepared. They outlive a transaction that is undone, but not one
    that a cursor of the driver's has undone: then the driver has the server forget all (``DEALLOCATE ALL``)."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.prepared: dict[bytes, bytes] = {}
        self.numbers = count()


def exchange(
    connection: StoreConnection, commands: Sequence[Command], behind: Sequence[Command] = ()
) -> Sequence[PGresult]:
    """``commands``, each of which gives rows, as one transaction; what they gave. Raises what the server says: then
    nothing was done, or, where the connection was lost, nobody knows. ``behind`` is another transaction after it,
    whatever becomes of the first; where it fails, only what it would have given is missing."""
    try:
        return begin(connection, commands, behind)()
    except psycopg.errors.InvalidSqlStatementName:
        if not connection.prepared:
            raise
        connection.prepared.clear()
        return begin(connection, commands, behind)()


def begin(
    connection: StoreConnection, commands: Sequence[Command], behind: Sequence[Command] = ()
) -> Callable[[], Sequence[PGresult]]:
    """The first half of :func:`exchange`: sends, and gives what waits for the answers. Nothing else may be done with
    the connection before that."""
    pq = connection.pgconn
    pq.enter_pipeline_mode()
    fresh = _post(connection, commands)
    later = _post(connection, behind) if behind else None
    while pq.flush():
        _send_more(pq)
    return lambda: _finish(connection, fresh, later)


def _finish(
    connection: StoreConnection, fresh: Mapping[bytes, bytes], later: Mapping[bytes, bytes] | None
) -> Sequence[PGresult]:  # fmt: skip
    pq = connection.pgconn
    found: list[PGresult] = []
    failed = _read(connection, fresh, found)
    if later is not None and pq.status == ConnStatus.OK:
        with contextlib.suppress(psycopg.OperationalError):  # what came first is done, and known
            _read(connection, later, found)
    if pq.status == ConnStatus.OK:
        pq.exit_pipeline_mode()
    if failed is not None:
        raise psycopg.errors.error_from_result(failed)
    return [answer for answer in found if answer.status == ExecStatus.TUPLES_OK]


def _post(connection: StoreConnection, commands: Sequence[Command]) -> dict[bytes, bytes]:
    """Sends a transaction; the names of what is prepared by it."""
    pq, prepared = connection.pgconn, connection.prepared
    fresh: dict[bytes, bytes] = {}
    for text, parameters in commands:
        name = prepared.get(text) or fresh.get(text)
        if name is None:
            name = fresh[text] = b"armillary_%d" % next(connection.numbers)
            pq.send_prepare(name, text)
        pq.send_query_prepared(name, parameters, [Format.BINARY] * len(parameters), Format.BINARY)
    pq.pipeline_sync()
    return fresh


def _read(connection: StoreConnection, fresh: Mapping[bytes, bytes], found: list[PGresult]) -> PGresult | None:
    """Waits for all answers to a transaction: ``found``, and the failure, if one failed."""
    before = len(found)
    try:
        return _answers(connection.pgconn, found)
    finally:
        done = sum(answer.status == ExecStatus.COMMAND_OK for answer in found[before:])
        connection.prepared.update(islice(fresh.items(), done))  # what is prepared stays so when the rest is undone


def _answers(pq: PGconn, found: list[PGresult]) -> PGresult | None:
    failed: PGresult | None = None
    poll = select.poll()
    poll.register(pq.socket, select.POLLIN)
    while True:
        try:
            while pq.is_busy():
                poll.poll()
                pq.consume_input()
            answer = pq.get_result()
        except psycopg.OperationalError:
            if failed is None:
                raise
            return failed  # the server has said why it closes the connection
        if answer is None:  # the end of the answers to one of them
            if pq.status != ConnStatus.OK and failed is None:
                raise psycopg.OperationalError("the connection was lost")
            if pq.status != ConnStatus.OK:
                return failed
        elif answer.status == ExecStatus.PIPELINE_SYNC:
            return failed
        elif answer.status == ExecStatus.FATAL_ERROR:
            failed = failed or answer
        else:
            found.append(answer)


def speaks(connection: StoreConnection, seconds: float) -> bool:
    """Whether the server has something to say, or has within so many seconds."""
    socket = connection.pgconn.socket
    if socket < SELECTABLE:
        return bool(select.select([socket], [], [], seconds)[0])
    poll = select.poll()  # which waits for whole milliseconds
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(seconds * 1_000))


def _send_more(pq: PGconn) -> None:
    """Waits until the server takes more; it may have something to say before that."""
    poll = select.poll()
    poll.register(pq.socket, select.POLLIN | select.POLLOUT)
    if any(event & select.POLLIN for _, event in poll.poll()):
        pq.consume_input()


def rows(connection: StoreConnection, result: PGresult) -> Sequence[Row]:
    """The rows of an answer."""
    reader = Transformer(connection)
    reader.set_pgresult(result, format=Format.BINARY)
    return reader.load_rows(0, result.ntuples, tuple)
