"""What is done beside the slices, on any SQL store: see :class:`armillary_engine.backend.Upkeep`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from ...clock import Clock
from ...messages import TIMER
from ...queries import SignalQuery
from ...rows import (
    CallRow,
    LetterRecord,
    ScheduleRow,
    SentSignal,
    SignalRow,
    SignalState,
    SignalWait,
    TaskEventRow,
)
from ...upkeep import Refusal
from .consuming import INSERT_TASK_EVENT
from .outside import CALL, DEAD, DROP
from .session import Row, Session, columns, insert, names, values

T = TypeVar("T")
Transaction = Callable[[Callable[[Session], Any]], Any]
"""Runs work in a transaction of its own and gives its result."""

ONE_CALL = f"SELECT {CALL} FROM calls WHERE instance = ? AND serial = ?"
ACCEPT = """UPDATE calls SET state = 'accepted', owner = NULL WHERE instance = ? AND serial = ? AND fence = ?
    AND state IN ('ready', 'held')"""
SIGNALS = f"""SELECT {columns(SignalRow, "s.")}, s.kept, s.takers_json FROM signals s WHERE {{where}}
    ORDER BY s.seq LIMIT ?"""
WAITS = "SELECT instance, serial, name, key FROM waits WHERE name = ? ORDER BY seq LIMIT ?"
EXPIRED = "SELECT id FROM signals WHERE kept = 1 AND expires <= ? ORDER BY expires LIMIT ?"
EXPIRE = "UPDATE signals SET kept = 2 WHERE id = ? AND kept = 1"
DECIDE = "UPDATE signals SET kept = 3 WHERE id = ? AND kept = 2"
RECORD = insert("letter_records", LetterRecord)
RECORDS = f"SELECT {columns(LetterRecord)} FROM letter_records ORDER BY seq DESC LIMIT ?"
# Two letters that could each do without the other must not be dropped at once, and a wait does not close while its
# signal is sent again: whoever decides has the instance's row.
# An accepted call is no reason to drop its time-out: whether it is ever answered, only its service knows.
HOLD = "UPDATE instances SET updated = updated WHERE id = (SELECT instance FROM messages WHERE seq = ?)"
_FOR_IT = "(m.serial = 0 OR {serial} = m.serial)"
NEEDED = f"""SELECT 1 FROM messages m JOIN instances i ON i.id = m.instance AND i.ended IS NULL
    WHERE m.seq = ? AND m.state = 'dead'
    AND NOT EXISTS (SELECT 1 FROM messages o WHERE o.instance = m.instance AND o.seq <> m.seq
        AND {_FOR_IT.format(serial="o.serial")})
    AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.instance = m.instance
        AND (c.timeout IS NOT NULL OR c.state NOT IN ('answered', 'accepted')) AND {_FOR_IT.format(serial="c.serial")})
    AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.instance = m.instance AND t.status = 'open'
        AND {_FOR_IT.format(serial="t.serial")})
    AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.instance = m.instance AND {_FOR_IT.format(serial="w.serial")})
    AND NOT EXISTS (SELECT 1 FROM instances k WHERE k.parent = m.instance AND k.ended IS NULL
        AND {_FOR_IT.format(serial="k.parent_serial")})"""
FRESH = "SELECT MAX(seq) FROM messages WHERE instance = ? AND kind = ? AND arrived = ? AND seq > ?"
SCHEDULES = f"SELECT {columns(ScheduleRow)} FROM schedules {{where}} ORDER BY id"
INSERT_SCHEDULE = f"{insert('schedules', ScheduleRow)} ON CONFLICT (id) DO NOTHING"
UPDATE_SCHEDULE = f"""UPDATE schedules SET {", ".join(f"{name} = ?" for name in names(ScheduleRow))}
    WHERE id = ? AND revision = ?"""
DELETE_SCHEDULE = "DELETE FROM schedules WHERE id = ?"
NEXT = """SELECT MIN(next) FROM schedules WHERE next IS NOT NULL
    UNION ALL SELECT MIN(expires) FROM signals WHERE kept = 1"""

_STATES: dict[int, SignalState] = {1: "kept", 2: "unmatched", 3: "decided"}
_STORED = {"kept": 1, "unmatched": 2, "decided": 3, "taken": 0, "told": 0}
_PAUSED = names(ScheduleRow).index("paused")
_BODY = names(LetterRecord).index("body")
_record_values = values(LetterRecord)
_schedule_values = values(ScheduleRow)
_task_event_values = values(TaskEventRow)


class SqlUpkeep:
    """Made by each SQL backend from its own ways to write, and to read by a single statement."""

    def __init__(self, write: Transaction, read: Transaction, clock: Clock) -> None:
        self._write = write
        self._read = read
        self._clock = clock

    # ── calls that are answered later ────────────────────────────────────────────────────────────────────────────────

    def call(self, instance: str, serial: int) -> CallRow | None:
        def work(session: Session) -> CallRow | None:
            return next((CallRow(*row) for row in session.rows(ONE_CALL, (instance, serial))), None)

        return self._in(self._read, work)

    def accept_call(self, instance: str, serial: int, fence: int) -> bool:
        return self._in(self._write, lambda session: bool(session.run(ACCEPT, (instance, serial, fence))))

    # ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def signals(self, query: SignalQuery) -> Sequence[SentSignal]:
        conditions, parameters = ["1 = 1"], list[Any]()
        for column in ("id", "name", "instance"):
            if (value := getattr(query, column)) is not None:
                conditions.append(f"s.{column} = ?")
                parameters.append(value)
        if query.status is not None:
            conditions.append("s.kept = ?")
            parameters.append(_STORED[query.status])
        if query.status in ("taken", "told"):
            conditions.append("s.mode = ?")
            parameters.append("all" if query.status == "told" else "one")
        if query.after is not None:
            conditions.append("s.seq > (SELECT a.seq FROM signals a WHERE a.id = ?)")
            parameters.append(query.after)
        statement = SIGNALS.replace("{where}", " AND ".join(conditions))
        rows = self._in(self._read, lambda session: session.rows(statement, (*parameters, query.limit)))
        return [_sent(row) for row in rows]

    def waits(self, name: str, limit: int) -> Sequence[tuple[str, SignalWait]]:
        rows = self._in(self._read, lambda session: session.rows(WAITS, (name, limit)))
        return [(row[0], SignalWait(*row[1:])) for row in rows]

    def expire_signals(self, n: int) -> Sequence[str]:
        now = self._clock.now()

        def work(session: Session) -> Sequence[str]:
            return [row[0] for row in session.rows(EXPIRED, (now, n)) if session.run(EXPIRE, (row[0],))]

        return self._in(self._write, work)

    # ── dead letters ─────────────────────────────────────────────────────────────────────────────────────────────────

    def decide(self, record: LetterRecord) -> LetterRecord | Refusal:
        kind, _, id = record.letter.partition("-")

        def work(session: Session) -> LetterRecord | Refusal:
            decided: LetterRecord | Refusal
            if kind == "signal":
                decided = record if session.run(DECIDE, (id,)) else "gone"
            else:
                decided = _message(session, record, int(id), self._clock.now())
            if isinstance(decided, LetterRecord):
                session.run(RECORD, _record_values(decided))
            return decided

        return self._in(self._write, work)

    def records(self, *, limit: int) -> Sequence[LetterRecord]:
        rows = self._in(self._read, lambda session: session.rows(RECORDS, (limit,)))
        return [_record(row) for row in rows]

    # ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────

    def schedules(self, id: str | None = None) -> Sequence[ScheduleRow]:
        statement = SCHEDULES.replace("{where}", "" if id is None else "WHERE id = ?")
        rows = self._in(self._read, lambda session: session.rows(statement, () if id is None else (id,)))
        return [_schedule(row) for row in rows]

    def put_schedule(self, schedule: ScheduleRow) -> bool:
        given = _schedule_values(schedule)
        if schedule.revision == 1:
            return self._in(self._write, lambda session: session.run(INSERT_SCHEDULE, given) == 1)
        key = (schedule.id, schedule.revision - 1)
        return self._in(self._write, lambda session: session.run(UPDATE_SCHEDULE, (*given, *key)) == 1)

    def delete_schedule(self, id: str) -> bool:
        return self._in(self._write, lambda session: session.run(DELETE_SCHEDULE, (id,)) == 1)

    # ── what is due ──────────────────────────────────────────────────────────────────────────────────────────────────

    def due(self) -> int | None:
        def work(session: Session) -> int | None:
            return min((row[0] for row in session.rows(NEXT) if row[0] is not None), default=None)

        return self._in(self._read, work)

    def comment(self, event: TaskEventRow) -> None:
        self._in(self._write, lambda session: session.run(INSERT_TASK_EVENT, _task_event_values(event)))

    def _in(self, transaction: Transaction, work: Callable[[Session], T]) -> T:
        done: T = transaction(work)
        return done


def _sent(row: Row) -> SentSignal:
    signal = SignalRow(*row[:-2])
    state = _STATES.get(row[-2], "told" if signal.mode == "all" else "taken")
    return SentSignal(signal, state, row[-1] or "[]")


def _record(row: Row) -> LetterRecord:
    given: list[Any] = list(row)
    given[_BODY] = bytes(given[_BODY])  # some drivers give a view of it
    return LetterRecord(*given)


def _schedule(row: Row) -> ScheduleRow:
    given: list[Any] = list(row)
    given[_PAUSED] = bool(given[_PAUSED])
    return ScheduleRow(*given)


def _message(session: Session, record: LetterRecord, seq: int, now: int) -> LetterRecord | Refusal:
    session.run(HOLD, (seq,))
    if record.status == "dropped":
        if session.rows(NEEDED, (seq,)):
            return "needed"
        return record if session.run(DROP, (seq,)) else "gone"
    if not session.run(DEAD, (now, now, seq)):
        return "gone"
    arrived = record.arrived if record.kind == TIMER else now  # it names the deadline that was due
    fresh = session.rows(FRESH, (record.instance, record.kind, arrived, seq))[0][0]
    session.run(DROP, (seq,))
    return replace(record, replayed_as=str(fresh))
