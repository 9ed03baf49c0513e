"""What a SQL store tells: instances, tasks, history, what is due, and its check."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...backend import Defect, Found
from ...definition.values import dumps
from ...queries import InstanceQuery, TaskQuery
from ...rows import DefinitionRow, EventRow, InstanceRow, Letter, SignalRow, Stored, TaskEventRow, TaskRow
from .commit import TIMES_OUT
from .outside import DEFINITION, LETTER, definition_of, instance_of, letter_of, without_marks
from .session import Session, columns

INSTANCE = columns(InstanceRow, "i.")
STORED = f"SELECT i.snapshot, {INSTANCE} FROM instances i WHERE i.id = ?"
MET = f"""SELECT w.serial, i.snapshot, {INSTANCE} FROM waits w JOIN instances i ON i.id = w.instance
    WHERE w.name = ? AND {{matches}} ORDER BY w.seq LIMIT 1"""
MET_BY_KEY = MET.replace("{matches}", "w.key = ?")
MET_BY_CHAIN = MET.replace("{matches}", "w.chain = (SELECT z.chain FROM instances z WHERE z.id = ?)")
ONE_DEFINITION = f"SELECT {DEFINITION} FROM definitions WHERE digest = ?"
LIVING = "(SELECT COUNT(*) FROM instances i WHERE i.digest = d.digest AND i.ended IS NULL)"
DEFINITIONS = f"SELECT {columns(DefinitionRow, 'd.')}, {LIVING} FROM definitions d {{where}} ORDER BY d.seq DESC"
VERSIONS = "SELECT version, digest FROM definitions WHERE name = ? AND enabled ORDER BY seq DESC"
BY_KEY = "SELECT id FROM instances WHERE workflow = ? AND key = ?"
HISTORY = f"SELECT {columns(EventRow)} FROM history WHERE instance = ? AND number > ? ORDER BY number LIMIT ?"
TASK = f"SELECT {columns(TaskRow)} FROM tasks WHERE instance = ? AND serial = ?"
TASK_EVENTS = f"SELECT {columns(TaskEventRow)} FROM task_events WHERE instance = ? AND serial = ? ORDER BY seq"

_READY = f"""(EXISTS (SELECT 1 FROM messages m WHERE m.instance = i.id AND m.state = 'ready' AND m.ready <= ?)
    OR (i.status <> 'suspended' AND EXISTS (SELECT 1 FROM calls c WHERE c.instance = i.id
        AND {TIMES_OUT.format("c")} <= ?)))"""
_LEASED = "EXISTS (SELECT 1 FROM messages m WHERE m.instance = i.id AND m.owner IS NOT NULL)"
_CALLING = """EXISTS (SELECT 1 FROM calls c WHERE c.instance = i.id AND c.state = 'ready'
    AND (c.owner IS NOT NULL OR c.ready <= ?))"""
_RUNNING = f"(i.status IN ('waiting', 'failed') AND ({_READY} OR {_LEASED} OR {_CALLING}))"
FOUND = f"SELECT {INSTANCE}, {_RUNNING}, {_READY} FROM instances i"
MOMENTS = FOUND.count("?")
"""So often it is told what time it is."""
RUNNING = """SELECT instance FROM messages WHERE state = 'ready' AND ready <= ?
    UNION SELECT instance FROM messages WHERE owner IS NOT NULL
    UNION SELECT instance FROM calls WHERE timeout <= ?
    UNION SELECT instance FROM calls WHERE state = 'ready' AND (owner IS NOT NULL OR ready <= ?)"""
CHILDREN = "SELECT id FROM instances WHERE parent = ? AND ended IS NULL ORDER BY seq"
DUE_SERVICES = "SELECT service FROM calls WHERE instance = ? AND serial > 0 AND state = 'ready' AND ready <= ?"
ACCEPTED = "SELECT serial FROM calls WHERE instance = ? AND serial > 0 AND state = 'accepted'"
DEAD_LETTER = "SELECT error FROM messages WHERE instance = ? AND state = 'dead' ORDER BY seq LIMIT 1"

LETTERS = f"SELECT {LETTER} FROM messages m WHERE m.seq > ? {{state}} ORDER BY m.seq LIMIT ?"
# Whether a list of texts as JSON has one, as JSON. ``LIKE`` takes capital letters for small ones on some databases.
_HAS = "REPLACE({0}, ?, '') <> {0}"
FAMILY = """WITH RECURSIVE family(id) AS (SELECT CAST(? AS TEXT)
    UNION SELECT i.id FROM instances i JOIN family f ON i.parent = f.id) SELECT id FROM family"""

PENDING = """SELECT 'call', serial FROM calls WHERE instance = ? AND state <> 'answered'
    UNION ALL SELECT 'timer', serial FROM calls WHERE instance = ? AND timeout IS NOT NULL
    UNION ALL SELECT 'task', serial FROM tasks WHERE instance = ? AND status = 'open'
    UNION ALL SELECT 'signal', serial FROM waits WHERE instance = ?
    UNION ALL SELECT CASE WHEN kind = 'timer' THEN 'timer' ELSE 'message' END, serial FROM messages WHERE instance = ?
    UNION ALL SELECT 'child', parent_serial FROM instances WHERE parent = ? AND ended IS NULL ORDER BY 2, 1"""

# Ready now, or the end of the lease of an instance's claimed message.
READY_NOW = """SELECT MIN(CASE WHEN o.ready IS NULL THEN m.ready ELSE o.ready END) FROM messages m
    LEFT JOIN messages o ON o.instance = m.instance AND o.state = 'ready' AND o.owner IS NOT NULL AND o.ready > ?
    WHERE m.state = 'ready' AND m.ready <= ? {without}"""
READY_LATER = (
    "SELECT m.ready FROM messages m WHERE m.state = 'ready' AND m.ready > ? {without} ORDER BY m.ready LIMIT 1"
)
OVER_LATER = "SELECT MIN(timeout) FROM calls WHERE timeout IS NOT NULL"
CALL_LATER = "SELECT MIN(ready) FROM calls WHERE state = 'ready' AND service = ?"

_LIVES = "i.ended IS NULL AND i.status <> 'suspended'"
_NO_WAKE = f"""SELECT i.id FROM instances i WHERE {_LIVES}
    AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.instance = i.id)
    AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.instance = i.id
        AND (c.state <> 'answered' OR c.timeout IS NOT NULL))
    AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.instance = i.id AND t.status = 'open')
    AND NOT EXISTS (SELECT 1 FROM waits w WHERE w.instance = i.id)
    AND NOT EXISTS (SELECT 1 FROM instances k WHERE k.parent = i.id AND k.ended IS NULL)"""
# A history that was trimmed begins with a checkpoint.
_FIRST = """(SELECT CASE WHEN h.type = 'checkpoint' THEN h.number ELSE 1 END FROM history h WHERE h.instance = i.id
    ORDER BY h.number LIMIT 1)"""
_GAPS = f"""SELECT i.id, i.events FROM instances i
    WHERE i.events <> COALESCE((SELECT MAX(number) FROM history h WHERE h.instance = i.id), 0)
    OR i.events + 1 <> (SELECT COUNT(*) FROM history h WHERE h.instance = i.id) + COALESCE({_FIRST}, 1)"""
_ORPHANS = {
    "call": "SELECT x.instance FROM calls x WHERE {dead}",
    "signal wait": "SELECT x.instance FROM waits x WHERE {dead}",
    "open task": "SELECT x.instance FROM tasks x WHERE x.status = 'open' AND {dead}",
    "message": """SELECT x.instance FROM messages x WHERE x.state <> 'dead' AND {dead}
        AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = x.instance AND i.status = 'failed')
        AND NOT EXISTS (SELECT 1 FROM letter_records r WHERE r.replayed_as = CAST(x.seq AS TEXT))""",
}
_DEAD = "NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = x.instance AND i.ended IS NULL)"


def read(session: Session, instances: Sequence[str]) -> Mapping[str, Stored]:
    """See :meth:`armillary_engine.backend.Reads.read`."""
    found = {}
    for wanted in instances:
        for row in session.rows(STORED, (wanted,)):
            found[wanted] = Stored(instance_of(row[1:]), row[0])
    return found


def would_meet(session: Session, signal: SignalRow) -> tuple[Stored, int] | None:
    """See :meth:`armillary_engine.backend.Reads.would_meet`."""
    by, to = (MET_BY_KEY, signal.key) if signal.instance is None else (MET_BY_CHAIN, signal.instance)
    for row in session.rows(by, (signal.name, to)):
        return Stored(instance_of(row[2:]), row[1]), row[0]
    return None


def definition(session: Session, digest: str) -> DefinitionRow | None:
    """See :meth:`armillary_engine.backend.Reads.definition`."""
    return next((definition_of(row) for row in session.rows(ONE_DEFINITION, (digest,))), None)


def definitions(session: Session, name: str | None) -> Sequence[tuple[DefinitionRow, int]]:
    """See :meth:`armillary_engine.backend.Reads.definitions`."""
    where, parameters = ("", ()) if name is None else ("WHERE d.name = ?", (name,))
    rows = session.rows(DEFINITIONS.replace("{where}", where), parameters)
    return [(definition_of(row[:-1]), row[-1]) for row in rows]


def versions(session: Session, name: str) -> Sequence[tuple[str, str]]:
    """See :meth:`armillary_engine.backend.Reads.versions`."""
    return [(row[0], row[1]) for row in session.rows(VERSIONS, (name,))]


def by_key(session: Session, workflow: str, key: str) -> str | None:
    """See :meth:`armillary_engine.backend.Reads.by_key`."""
    return next((row[0] for row in session.rows(BY_KEY, (workflow, key))), None)


def instance(session: Session, wanted: str, now: int) -> Found | None:
    """See :meth:`armillary_engine.backend.Reads.instance`."""
    rows = session.rows(f"{FOUND} WHERE i.id = ?", (*(now,) * MOMENTS, wanted))
    return next((_found(session, row, now) for row in rows), None)


def instances(session: Session, query: InstanceQuery, now: int) -> Sequence[Found]:
    """See :meth:`armillary_engine.backend.Reads.instances`."""
    conditions, parameters = ["1 = 1"], list[Any]()

    def where(condition: str, *values: Any) -> None:
        conditions.append(condition)
        parameters.extend(values)

    for column in ("workflow", "version", "reference", "key", "parent"):
        value = getattr(query, column)
        if value is not None:
            where(f"i.{column} = ?", value)
    if query.before is not None:
        where("i.started < ?", query.before)
    if query.step is not None:
        where(_HAS.format("i.steps_json"), dumps(query.step).decode())
    if query.after is not None:
        where("i.seq < (SELECT a.seq FROM instances a WHERE a.id = ?)", query.after)
    if query.status is not None:
        condition, values = _having(query.status, now)
        where(condition, *values)
    statement = f"{FOUND} WHERE {' AND '.join(conditions)} ORDER BY i.seq DESC LIMIT ?"
    rows = session.rows(statement, (*(now,) * MOMENTS, *parameters, query.limit))
    return [_found(session, row, now) for row in rows]


def _having(statuses: frozenset[str], now: int) -> tuple[str, list[Any]]:
    """The condition for any of these statuses. Who runs is found from what is ready, not instance by instance."""
    conditions, parameters = list[str](), list[Any]()
    if "running" in statuses:  # with an inequality, so that the few that run are where the search begins
        conditions.append(f"(i.id IN ({RUNNING}) AND i.status <> 'suspended' AND i.ended IS NULL)")
        parameters += [now] * RUNNING.count("?")
    if "waiting" in statuses:
        conditions.append(f"(i.status = 'waiting' AND i.id NOT IN ({RUNNING}))")
        parameters += [now] * RUNNING.count("?")
    if stored := sorted(statuses - {"running", "waiting"}):
        conditions.append(f"i.status IN ({', '.join('?' * len(stored))})")
        parameters += stored
    return f"({' OR '.join(conditions) or '1 = 0'})", parameters


def _found(session: Session, row: tuple[Any, ...], now: int) -> Found:
    stored = instance_of(row[:-2])
    running, ready = (bool(flag) for flag in row[-2:])
    if stored.ended is not None:
        return Found(stored, running=running)
    dead = session.rows(DEAD_LETTER, (stored.id,))
    return Found(
        stored,
        running=running,
        children=tuple(row[0] for row in session.rows(CHILDREN, (stored.id,))),
        services=tuple(sorted({row[0] for row in session.rows(DUE_SERVICES, (stored.id, now))})) if running else (),
        ready=ready,
        dead=(dead[0][0] or "") if dead else None,
        accepted=() if running or stored.resting else tuple(row[0] for row in session.rows(ACCEPTED, (stored.id,))),
    )


def history(session: Session, wanted: str, after: int, limit: int) -> Sequence[EventRow]:
    """See :meth:`armillary_engine.backend.Reads.history`."""
    return [EventRow(*row) for row in session.rows(HISTORY, (wanted, after, limit))]


def task(session: Session, wanted: str, serial: int) -> TaskRow | None:
    """See :meth:`armillary_engine.backend.Reads.task`."""
    return next((TaskRow(*row) for row in session.rows(TASK, (wanted, serial))), None)


def tasks(session: Session, query: TaskQuery) -> Sequence[TaskRow]:
    """See :meth:`armillary_engine.backend.Reads.tasks`."""
    conditions, parameters = ["1 = 1"], list[Any]()
    if query.instance is not None:
        family = [row[0] for row in session.rows(FAMILY, (query.instance,))]
        conditions.append(f"t.instance IN ({', '.join('?' * len(family))})")
        parameters += family
    for column in ("status", "assignee", "name"):
        value = getattr(query, column)
        if value is not None:
            conditions.append(f"t.{column} = ?")
            parameters.append(value)
    if query.role is not None:
        conditions.append(_HAS.format("t.roles_json"))
        parameters.append(dumps(query.role).decode())
    if query.last is not None:
        conditions.append("t.seq > (SELECT a.seq FROM tasks a WHERE a.instance = ? AND a.serial = ?)")
        parameters += query.last
    where = " AND ".join(conditions)
    statement = f"SELECT {columns(TaskRow, 't.')} FROM tasks t WHERE {where} ORDER BY t.seq LIMIT ?"
    return [TaskRow(*row) for row in session.rows(statement, (*parameters, query.limit))]


def task_events(session: Session, wanted: str, serial: int) -> Sequence[TaskEventRow]:
    """See :meth:`armillary_engine.backend.Reads.task_events`."""
    return [TaskEventRow(*row) for row in session.rows(TASK_EVENTS, (wanted, serial))]


def letters(session: Session, state: str | None, after: int, limit: int) -> Sequence[Letter]:
    """See :meth:`armillary_engine.backend.Operations.letters`."""
    where, parameters = ("", ()) if state is None else ("AND m.state = ?", (state,))
    rows = session.rows(LETTERS.replace("{state}", where), (after, *parameters, limit))
    return [letter_of(row) for row in rows]


def pending(session: Session, wanted: str) -> Sequence[tuple[str, int]]:
    """See :meth:`armillary_engine.backend.Reads.pending`."""
    return [(row[0], row[1]) for row in session.rows(PENDING, (wanted,) * 6)]


def due(session: Session, services: Collection[str], without: Collection[str], now: int) -> int | None:
    """See :meth:`armillary_engine.backend.Reads.due`."""
    marks = without_marks(without)
    moments = [row[0] for row in session.rows(READY_NOW.replace("{without}", marks), (now, now, *without, *without))]
    moments += [row[0] for row in session.rows(READY_LATER.replace("{without}", marks), (now, *without, *without))]
    moments += [row[0] for row in session.rows(OVER_LATER)]
    moments += [row[0] for service in services for row in session.rows(CALL_LATER, (service,))]
    return min((moment for moment in moments if moment is not None), default=None)


def check(session: Session) -> Sequence[Defect]:
    """See :meth:`armillary_engine.backend.Operations.check`."""
    sleepers = [
        Defect("check.no-wake", row[0], "lives, but nothing that is stored will ever resume it")
        for row in session.rows(_NO_WAKE)
    ]
    orphans = [
        Defect("check.orphan", row[0], f"a {what} of an instance that does not live")
        for what, statement in _ORPHANS.items()
        for row in session.rows(statement.replace("{dead}", _DEAD))
    ]
    gaps = [
        Defect("check.gap", row[0], f"says {row[1]} events, its history is not 1 to {row[1]}")
        for row in session.rows(_GAPS)
    ]
    return [*sleepers, *orphans, *gaps]
