"""The shared statements on PostgreSQL: placeholders, the schema's tables by their full names, and what must be locked.

Tables are named in full, so that nothing depends on a setting of the connection: a pooler may give each transaction
another one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import psycopg

from ..sql import commit, outside, retention
from ..sql.session import Row

_TABLE = re.compile(
    r"\b(FROM|JOIN|INTO|UPDATE|USING)(\s+)"
    r"(definitions|instances|history|messages|calls|task_events|tasks|waits|signals|letter_records|schedules|locks)\b"
)
_GIVEN = "SELECT value FROM json_each(?)"
_GIVEN_HERE = "SELECT value FROM jsonb_array_elements_text(CAST(? AS jsonb)) AS given(value)"
SEPARATOR = "\x1f"
_LOCK = "'{schema}' || chr(31) || CASE WHEN s.instance IS NULL THEN 'key' || chr(31) || s.name || chr(31) || s.key"
_LOCK += " ELSE 'chain' || chr(31) || s.name || chr(31) || COALESCE(s.chain, '') END"
LOCKING = {
    # A signal that is put back is as one that is sent: see :mod:`.signals`.
    commit.OFFERED: f"""SELECT s.seq, s.mode, s.name, s.key, s.instance, s.chain, s.payload_json, s.expires
        FROM (SELECT * FROM signals WHERE id = ?) s,
        LATERAL (SELECT pg_advisory_xact_lock(hashtextextended({_LOCK}, 0))) l""",
    commit.WAITS_BY_KEY: commit.WAITS_BY_KEY + " FOR UPDATE",
    commit.WAITS_BY_CHAIN: commit.WAITS_BY_CHAIN + " FOR UPDATE",
    commit.HEAD: commit.HEAD + " FOR UPDATE",
    commit.ADDRESSEE: commit.ADDRESSEE + " FOR SHARE",
    outside.SAME_VERSION: outside.SAME_VERSION + " FOR UPDATE",
    retention.LOCKED: retention.LOCKED + " FOR UPDATE",
}
"""SQLite has one writer; here what a decision rests on is locked until the transaction ends."""


def qualified(statement: str, schema: str) -> str:
    """``statement`` with the full names of its tables."""
    return _TABLE.sub(rf'\1\2"{schema}".\3', statement)


def lock_name(*parts: str) -> str:
    """The name of an advisory lock."""
    return SEPARATOR.join(parts)


@lru_cache(maxsize=512)
def in_dialect(statement: str, schema: str) -> bytes:
    """A shared statement as the driver wants it."""
    statement = LOCKING.get(statement, statement).replace("{schema}", schema).replace(_GIVEN, _GIVEN_HERE)
    statement = statement.replace("%", "%%").replace("?", "%s")
    return qualified(statement, schema).encode()


class PostgresqlSession:
    """An open transaction of a connection; see :class:`..sql.session.Session`."""

    __slots__ = ("_cursor", "_schema")

    def __init__(self, connection: psycopg.Connection[Row], schema: str) -> None:
        self._cursor = connection.cursor()
        self._schema = schema

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Executes, and gives the number of rows it changed."""
        return self._cursor.execute(in_dialect(statement, self._schema), parameters, prepare=True).rowcount

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Row]:
        """Executes, and gives all rows."""
        return self._cursor.execute(in_dialect(statement, self._schema), parameters, prepare=True).fetchall()

    def many(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Executes once for each of ``parameters``."""
        self._cursor.executemany(in_dialect(statement, self._schema), parameters)
