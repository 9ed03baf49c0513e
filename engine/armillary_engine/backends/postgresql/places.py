"""What a ``postgresql://`` URL says: the server, and the schema that holds the tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ...definition.problems import ArmillaryError

SCHEMA = "armillary"
ANSWER = 60.0
SHORTEST, LONGEST = 4.0, 3_600.0
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_HINT = "write postgresql://user:password@host:5432/database, with ?schema=name for a schema other than armillary"


@dataclass(frozen=True, slots=True)
class Place:
    """``conninfo`` is what the driver connects with; it may hold a password. ``shown`` never does. ``listen`` is where
    to listen for commits, when that is another address (past a connection pooler); ``wake`` is the driver that is used
    instead, with its own URL. ``answer``: seconds after which a connection without an answer counts as lost."""

    conninfo: str
    shown: str
    schema: str = SCHEMA
    listen: str | None = None
    wake: str | None = None
    answer: float = ANSWER

    @property
    def channel(self) -> str:
        """Names the store among those that share a bus. Two servers may have a database of one name: then each hears
        the other's hints, which costs a look."""
        return f"armillary:{urlsplit(self.conninfo).path.strip('/')}:{self.schema}"


def place_of(url: str) -> Place:
    """Raises ``store.url``."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or "://" not in url:
        raise ArmillaryError("store.url", "expected a postgresql:// URL, got another one", hint=_HINT)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = options.pop("schema", SCHEMA)
    listen, wake = options.pop("listen", None), options.pop("wake", None)
    if not _NAME.fullmatch(schema):
        message = f"expected a schema of small letters, digits and _, got {schema!r}"
        raise ArmillaryError("store.url", message, hint=_HINT)
    answer = _seconds(options.pop("answer", None))
    query = urlencode(options, quote_via=quote)
    conninfo = urlunsplit(("postgresql", parts.netloc, parts.path, query, ""))
    host = parts.netloc.rpartition("@")[2] or "(local socket)"
    return Place(conninfo, f"postgresql://{host}{parts.path}?schema={schema}", schema, listen, wake, answer)


def _seconds(text: str | None) -> float:
    if text is None:
        return ANSWER
    if not re.fullmatch(r"[0-9]{1,4}", text) or not SHORTEST <= int(text) <= LONGEST:
        message = f"expected answer= to be {SHORTEST:.0f} to {LONGEST:.0f} seconds, got {text!r}"
        raise ArmillaryError("store.url", message, hint=f"leave it out for {ANSWER:.0f} seconds")
    return float(text)
