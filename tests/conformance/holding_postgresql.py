"""Keeps transactions of a PostgreSQL store open just before their commit, by a trigger that waits for a lock there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

KEY = 4_711
TRIGGER = """
CREATE OR REPLACE FUNCTION "{schema}".held() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared({key}); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER held AFTER INSERT ON "{schema}".instances DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "{schema}".held();
CREATE CONSTRAINT TRIGGER held_again AFTER UPDATE ON "{schema}".instances DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "{schema}".held();
CREATE CONSTRAINT TRIGGER held_in AFTER INSERT ON "{schema}".definitions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "{schema}".held();
CREATE CONSTRAINT TRIGGER held_in_again AFTER UPDATE ON "{schema}".definitions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "{schema}".held();
CREATE CONSTRAINT TRIGGER held_too AFTER INSERT ON "{schema}".signals DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION "{schema}".held();
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"


def holding(url: str) -> Callable[[Any], AbstractContextManager[threading.Event]]:
    """Gives the ``hold`` of a store: all its transactions wait before they commit, until the context ends."""
    server, _, query = url.partition("?")
    schema = parse_qs(urlsplit(url).query)["schema"][0]
    rest = "&".join(part for part in query.split("&") if not part.startswith("schema="))
    dsn = f"{server}?{rest}" if rest else server
    key = KEY + hash(schema) % 1_000_000

    @contextmanager
    def hold(_store: Any) -> Iterator[threading.Event]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            present = connection.execute("SELECT 1 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                                         "WHERE t.tgname = 'held_too' AND c.relnamespace = %s::regnamespace",
                                         (f'"{schema}"',)).fetchone()  # fmt: skip
            if present is None:
                connection.execute(TRIGGER.format(schema=schema, key=key))
            connection.execute("SELECT pg_advisory_lock(%s)", (key,))
            try:
                yield _Held(connection, key)
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s)", (key,))

    return hold


class _Held(threading.Event):
    """Set when a transaction waits for the lock; the server is asked, as nobody tells."""

    def __init__(self, connection: psycopg.Connection[Any], key: int) -> None:
        super().__init__()
        self._connection, self._key = connection, key

    def wait(self, timeout: float | None = None) -> bool:
        for _ in range(100_000):
            found = self._connection.execute(WAITING, (self._key,)).fetchone()
            if found is not None and found[0]:
                return True
        raise AssertionError("expected a transaction to be held open, and none was")
