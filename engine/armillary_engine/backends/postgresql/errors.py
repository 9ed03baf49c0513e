"""What PostgreSQL says, in words that a person can act on. No text here ever holds a password."""

from __future__ import annotations

import psycopg

from ...definition.problems import ArmillaryError

AGAIN = ("40001", "40P01", "23505")
"""Serialization failure, deadlock, a unique row that somebody else has just made: the transaction may run again."""
GUARD = "22012"


class StoreError(ArmillaryError):
    """The store itself failed; nothing was half-written."""


_STATES = {
    "28P01": "store.denied",
    "28000": "store.denied",
    "42501": "store.rights",
    "42P01": "store.changed",
    "42703": "store.changed",
    "3F000": "store.changed",
    "3D000": "store.unknown-database",
    "25006": "store.read-only",
    "53100": "store.full",
    "53300": "store.busy",
    "55P03": "store.busy",
    "40001": "store.contended",
    "40P01": "store.contended",
    "26000": "store.pooler",
    "42P05": "store.pooler",
    "57014": "store.busy",
    "54000": "store.too-large",
    "22021": "store.text",
    "57P01": "store.lost",
    "57P02": "store.lost",
    "57P03": "store.unavailable",
    "25P03": "store.lost",
    "57P05": "store.lost",
}
"""By SQLSTATE. Failures to connect come without one: then by their text."""
_SIGNS = (
    ("no pg_hba.conf entry", "store.denied"),
    ("SSL negotiation", "store.unavailable"),  # whatever answers there is no PostgreSQL
    ("SSL", "store.tls"),
    ("certificate", "store.tls"),
    ("invalid URI query parameter", "store.url"),
    ("bad value for ", "store.url"),
    ("invalid integer value", "store.url"),
    ("invalid connection option", "store.url"),
    ('value: "', "store.url"),
    ("password authentication failed", "store.denied"),
    ("no password supplied", "store.denied"),
    ('role "', "store.denied"),
    ('database "', "store.unknown-database"),
    ("too many clients", "store.busy"),
    ("remaining connection slots", "store.busy"),
    ("NUL (0x00)", "store.text"),
)
_TEXTS = {
    "store.denied": (
        "expected to be let in, and the server refused",
        "check the user and the password of the URL; where it says 'no encryption', it may want TLS: ?sslmode=…",
    ),
    "store.rights": (
        "expected the rights to do this, and the server refused",
        "let an administrator grant them, or make the schema: docs/howto/postgresql.md, Rights",
    ),
    "store.tls": (
        "expected a connection that both sides want, with TLS or without",
        "check sslmode and sslrootcert in the URL, and what the server asks for: ?sslmode=verify-full where it has TLS",
    ),
    "store.url": (
        "expected options that PostgreSQL's client knows, got others",
        "options stand after the ? of the URL: ?schema=name&sslmode=verify-full",
    ),
    "store.changed": (
        "expected this release's tables, and they have been changed or removed meanwhile",
        "see what there is, armillary db status, and start again with the release that fits",
    ),
    "store.unknown-database": ("expected a database of that name, got none", "make it: createdb NAME"),
    "store.read-only": (
        "expected to write, got a server that is read-only: a stand-by, or one that an administrator has made so",
        "connect to the primary (with several hosts, add target_session_attrs=read-write), or promote the stand-by",
    ),
    "store.full": ("expected room to write, got a full disk on the server", "free some space; nothing was lost"),
    "store.busy": (
        "expected a connection and an answer, got none in time",
        "raise max_connections on the server or run fewer processes; a statement_timeout may be too short",
    ),
    "store.contended": (
        "expected the transaction to go through, and others were in its way each time",
        "try again; nothing was half-written",
    ),
    "store.pooler": (
        "expected prepared statements to be kept, and a pooler lost them",
        "PgBouncer in transaction mode: 1.21 or later, with max_prepared_statements above 0; or session mode",
    ),
    "store.too-large": (
        "expected data within PostgreSQL's limits, got more",
        "a key, reference or signal id takes 2,700 bytes at most; keep large data outside the workflow",
    ),
    "store.text": (
        "expected texts without the character U+0000 and lone surrogates, which PostgreSQL does not store",
        "leave it out of keys, references, names and ids; in payloads and state it is fine",
    ),
    "store.lost": ("expected the server to answer, and the connection was lost", "try again; nothing was half-written"),
    "store.unavailable": (
        "expected a PostgreSQL server that answers, got none",
        "check that it runs, and the host and port of the URL",
    ),
}

_STANDING_BY = "session is read-only"
_ONLY_STAND_BYS = (
    "expected a server that may be written to, and who answers is read-only, as a stand-by is",
    "name the primary's host in the URL too, or promote the stand-by: pg_ctl promote",
)
"""Where ``target_session_attrs=read-write`` finds none: it may still come, as after a fail-over."""


def store_error(code: str, shown: str, detail: str = "") -> StoreError:
    """The error for ``code``."""
    message, hint = _ONLY_STAND_BYS if _STANDING_BY in detail else _TEXTS[code]
    first = next(iter(detail.strip().splitlines()), "")
    return StoreError(code, f"{message}: {shown}" + (f" ({first})" if first else ""), hint=hint)


def lost(error: Exception) -> bool:
    """Whether the connection is gone: whether what was sent has happened is not known."""
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.OperationalError) and _code(error) in (None, "store.lost", "store.unavailable")
    return False


def _code(error: psycopg.Error) -> str | None:
    if error.sqlstate:
        return _STATES.get(error.sqlstate)
    text = str(error)
    return next((code for sign, code in _SIGNS if sign in text), None)


def translated(error: Exception, shown: str, *, connecting: bool = False) -> Exception:
    """A :class:`StoreError` for what a person can act on; the error itself for a mistake of ours."""
    if not isinstance(error, psycopg.Error):
        return error
    code = _code(error)
    if code is None and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        code = "store.unavailable" if connecting else "store.lost"
    return error if code is None else store_error(code, shown, _detail(error))


def _detail(error: psycopg.Error) -> str:
    return str(error.diag.message_primary or error).replace("connection failed: ", "")
