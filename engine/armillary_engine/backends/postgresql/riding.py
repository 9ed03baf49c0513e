"""A hint in the round trip of the lone commit that it tells of: a transaction of its own, right behind that.

Within the commit, ``NOTIFY`` would hold a lock of the whole database until the disk has answered. Behind it, it costs
neither a round trip nor another process of the server that has to wake up, and no commit fails because of it: a hint
that did not go is told in the usual way. It looks at what is stored, so it never tells of what came to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from psycopg.pq.abc import PGresult

from ...backend import Hint
from .binary import BIG, TEXT
from .exchange import Command, Named
from .session import qualified

KINDS = {"channel": TEXT, "text": TEXT, "id": TEXT, "revision": BIG}
COMMITTED = "SELECT pg_notify(%(channel)s, %(text)s) FROM instances WHERE id = %(id)s AND revision >= %(revision)s"
HANDED_OVER = "SELECT pg_notify(%(channel)s, %(text)s) FROM signals WHERE id = %(id)s AND kept = 0"
WORK = Hint()


class Carrier(Protocol):
    """A wake whose hints go by the server of the store."""

    def offer(self, hint: Hint) -> tuple[str, str] | None:
        """Channel and text, where a hint may go along."""
        ...

    def told(self, hint: Hint) -> None:
        """It has gone."""
        ...


class Riding:
    """The statements of one schema. ``carrier``: ``None`` where hints go another way."""

    def __init__(self, schema: str) -> None:
        self._statements = {text: Named(qualified(text, schema), KINDS) for text in (COMMITTED, HANDED_OVER)}
        self.carrier: Carrier | None = None

    def behind(self, statement: str, hint: Hint, **given: Any) -> Sequence[Command]:
        """What is to be sent behind a commit: nothing, or the hint."""
        offered = self.carrier.offer(hint) if self.carrier is not None else None
        if offered is None:
            return ()
        channel, text = offered
        return [self._statements[statement].command({"channel": channel, "text": text, **given})]

    def went(self, hint: Hint, answers: Sequence[PGresult]) -> None:
        """What the server has answered to it."""
        if self.carrier is not None and any(answer.ntuples for answer in answers):
            self.carrier.told(hint)
