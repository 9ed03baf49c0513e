"""What retention asks of a store, on any SQL store: see :class:`armillary_engine.upkeep.Retention`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from ...clock import Clock
from ...definition.values import dumps
from ...rows import EventRow
from ...upkeep import Surveyed
from .commit import INSERT_EVENT
from .session import Session, values
from .upkeep import Transaction

T = TypeVar("T")
GIVEN = "(SELECT value FROM json_each(?))"
"""Ids, as a JSON array."""
TAKE_LOCK = """INSERT INTO locks (name, owner, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
    SET owner = excluded.owner, until = excluded.until WHERE locks.owner = excluded.owner OR locks.until <= ?"""
GIVE_LOCK = "DELETE FROM locks WHERE name = ? AND owner = ?"

_STAYS = """(i.ended IS NULL
    OR EXISTS (SELECT 1 FROM messages m WHERE m.instance = i.id)
    OR EXISTS (SELECT 1 FROM instances k WHERE k.parent = i.id AND k.ended IS NULL)
    OR EXISTS (SELECT 1 FROM instances p WHERE p.id = i.parent AND p.ended IS NULL))"""
SURVEY = f"""SELECT i.seq, i.id, i.started, i.events, i.ended IS NOT NULL AND i.ended < ? AND i.status IN ({{statuses}})
        AND NOT EXISTS (SELECT 1 FROM instances n WHERE n.id = i.next) AND NOT {_STAYS}
    FROM instances i WHERE i.seq > ? ORDER BY i.seq LIMIT ?"""
CHAINS = f"""WITH RECURSIVE line(tail, id, previous) AS (
        SELECT i.id, i.id, i.previous FROM instances i WHERE i.id IN {GIVEN}
        UNION ALL SELECT l.tail, p.id, p.previous FROM line l JOIN instances p ON p.id = l.previous)
    SELECT tail, id FROM line"""
LOCKED = f"SELECT i.id FROM instances i WHERE i.id IN {GIVEN} ORDER BY i.id"
STAYING = f"SELECT i.id FROM instances i WHERE i.id IN {GIVEN} AND {_STAYS}"
FORGET = tuple(
    f"DELETE FROM {table} WHERE {column} IN {GIVEN}"
    for table, column in (
        ("history", "instance"), ("task_events", "instance"), ("tasks", "instance"), ("calls", "instance"),
        ("waits", "instance"), ("instances", "id"),
    )
)  # fmt: skip
TRIM = "DELETE FROM history WHERE instance = ? AND number <= ?"
_OLD_SIGNALS = "FROM signals WHERE expires < ? AND kept IN (0, 3) AND created < ?"
_OLD_RECORDS = "FROM letter_records WHERE decided < ?"
OLD_SIGNALS, OLD_RECORDS = f"SELECT COUNT(*) {_OLD_SIGNALS}", f"SELECT COUNT(*) {_OLD_RECORDS}"
FORGET_SIGNALS = f"DELETE FROM signals WHERE seq IN (SELECT seq {_OLD_SIGNALS} ORDER BY expires LIMIT ?)"
FORGET_RECORDS = f"DELETE FROM letter_records WHERE seq IN (SELECT seq {_OLD_RECORDS} ORDER BY seq LIMIT ?)"
_event_values = values(EventRow)


class SqlRetention:
    """Made by each SQL backend from its own ways to write and to read."""

    def __init__(self, write: Transaction, read: Transaction, clock: Clock) -> None:
        self._write = write
        self._read = read
        self._clock = clock

    def lock(self, name: str, owner: str, *, until: int) -> bool:
        given = (name, owner, until, self._clock.now())
        return self._in(self._write, lambda session: session.run(TAKE_LOCK, given) == 1)

    def unlock(self, name: str, owner: str) -> None:
        self._in(self._write, lambda session: session.run(GIVE_LOCK, (name, owner)))

    def survey(self, *, before: int, statuses: Collection[str], after: int, n: int) -> Sequence[Surveyed]:
        marks = ", ".join("?" * len(statuses)) or "NULL"
        statement = SURVEY.replace("{statuses}", marks)
        given = (before, *sorted(statuses), after, n)
        rows = self._in(self._read, lambda session: session.rows(statement, given))
        return [Surveyed(seq, id, started, events, bool(goes)) for seq, id, started, events, goes in rows]

    def forget(self, instances: Collection[str]) -> Sequence[str]:
        def work(session: Session) -> Sequence[str]:
            lines = session.rows(CHAINS, (_ids(instances),))
            members = _ids({id for _, id in lines})
            session.rows(LOCKED, (members,))  # whoever is about to bring one of them back is waited for
            staying = {row[0] for row in session.rows(STAYING, (members,))}
            kept = {tail for tail, id in lines if id in staying}
            gone = sorted({id for tail, id in lines if tail not in kept})
            for statement in FORGET:
                session.run(statement, (_ids(gone),))
            return gone

        return self._in(self._write, work) if instances else ()

    def trim(self, instance: str, checkpoint: EventRow) -> int:
        def work(session: Session) -> int:
            gone = session.run(TRIM, (instance, checkpoint.number))
            session.run(INSERT_EVENT, (instance, *_event_values(checkpoint)))
            return gone - 1

        return self._in(self._write, work)

    def settled(self, before: int) -> int:
        def work(session: Session) -> int:
            signals = session.rows(OLD_SIGNALS, (self._clock.now(), before))[0][0]
            return int(signals + session.rows(OLD_RECORDS, (before,))[0][0])

        return self._in(self._read, work)

    def forget_settled(self, before: int, n: int) -> int:
        def work(session: Session) -> int:
            signals = session.run(FORGET_SIGNALS, (self._clock.now(), before, n))
            return signals + session.run(FORGET_RECORDS, (before, n))

        return self._in(self._write, work)

    def _in(self, transaction: Transaction, work: Callable[[Session], T]) -> T:
        done: T = transaction(work)
        return done


def _ids(instances: Collection[str]) -> str:
    return dumps(list(instances)).decode()
