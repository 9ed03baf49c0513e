"""How long anything may take before it counts as lost: here, and on the server.

A network that swallows what it is given ends no connection. Whoever waits for an answer then waits for ever, and the
server keeps the locks of a transaction whose client is gone for hours. So the system is asked to probe (``connect``),
the server to end what stands still, and whoever waits too long has their connection broken here."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Any

import psycopg

OPTIONS: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "armillary",
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Of each connection; half a minute of silence from the other machine ends it. What the URL says comes first."""
_SERVER = """SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
    SELECT set_config(name, value, false) FROM (VALUES ('statement_timeout', '{statement}ms'),
        ('idle_in_transaction_session_timeout', '{idle}ms')) AS ours (name, value) WHERE current_setting(name) = '0'"""


def server_limits(answer: float) -> str:
    """The same from the server's side, which gives up before the client does. Where an administrator has set limits,
    theirs hold."""
    return _SERVER.format(statement=round(answer * 750), idle=round(answer * 500))


PATIENT = "SET LOCAL statement_timeout = 0"
"""For what looks through a whole store."""
LOOK = 5.0
"""Seconds, at most, between two looks at what is lent."""


class Watch:
    """Breaks connections that are lent for longer than ``answer`` seconds: the server itself has given up by then. Its
    thread sleeps while none is lent."""

    def __init__(self, answer: float) -> None:
        self._answer = answer
        self._lent: dict[int, tuple[float, psycopg.Connection[Any]]] = {}
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, connection: psycopg.Connection[Any]) -> None:
        """It is lent from now on."""
        with self._lock:
            self._lent[id(connection)] = (time.monotonic(), connection)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="armillary-limits", daemon=True)
                self._thread.start()
        if not self._work.is_set():
            self._work.set()

    def end(self, connection: psycopg.Connection[Any]) -> None:
        """It has come back."""
        with self._lock:
            self._lent.pop(id(connection), None)

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        self._work.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._work.wait()
            self._closed.wait(min(LOOK, self._answer / 4))
            with self._lock:
                if not self._lent:
                    self._work.clear()
                for since, connection in self._lent.values():
                    if time.monotonic() - since > self._answer:
                        _break(connection)


def _break(connection: psycopg.Connection[Any]) -> None:
    """Whoever waits on it is told that it is lost. It stays theirs to close."""
    with contextlib.suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)
