"""What reaches a SQL store from outside a slice: leases, signals, changes of tasks, definitions, dead letters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ...backend import TaskChange
from ...messages import timer
from ...mutation import Claim, Return
from ...rows import CallRow, DefinitionRow, InstanceRow, Letter, Message, SignalRow, Stored
from .commit import TAKE_WAIT, TIMES_OUT, hand, store, waits_for
from .consuming import INSERT_SIGNAL, INSERT_TASK_EVENT, signal_values, takers_text, task_event_values
from .session import Row, Session, columns, insert, names, values

LETTER = "m.seq, m.instance, m.kind, m.body, m.serial, m.control, m.arrived, m.state, m.deliveries, m.failures, m.error"
INSTANCE = columns(InstanceRow, "i.")
CALL = columns(CallRow)

# The first ready message of each instance of which no message is claimed, and no call overdue since before it arrived.
CLAIMABLE = f"""SELECT m.ready, {LETTER}, i.snapshot, {INSTANCE} FROM messages m JOIN instances i ON i.id = m.instance
    WHERE m.state = 'ready' AND m.ready <= ? AND NOT EXISTS (
        SELECT 1 FROM messages o WHERE o.instance = m.instance AND o.seq <> m.seq AND o.state = 'ready' AND (
            (o.owner IS NOT NULL AND o.ready > ?) OR (o.ready <= ? AND (
                o.control > m.control OR (o.control = m.control AND (
                    o.arrived < m.arrived OR (o.arrived = m.arrived AND o.seq < m.seq)))))))
    AND (m.control = 1 OR NOT EXISTS (
        SELECT 1 FROM calls c WHERE c.instance = m.instance AND {TIMES_OUT.format("c")} <= m.arrived))
    {{of}} ORDER BY m.ready, m.seq LIMIT ?"""
OF_DEFINITION = CLAIMABLE.replace("{of}", "AND m.owner IS NULL AND m.digest = ? {without}")
# From each to the next by the index: as many steps as there are definitions.
DIGESTS = """WITH RECURSIVE found(digest) AS (
    SELECT MIN(m.digest) FROM messages m WHERE m.state = 'ready' AND m.owner IS NULL
    UNION ALL SELECT (SELECT MIN(m.digest) FROM messages m
        WHERE m.state = 'ready' AND m.owner IS NULL AND m.digest > found.digest)
    FROM found WHERE found.digest IS NOT NULL) SELECT digest FROM found WHERE digest IS NOT NULL"""
LEASE = "UPDATE messages SET owner = ?, ready = ?, deliveries = deliveries + 1, failures = failures + 1 WHERE seq = ?"
GIVE_BACK = """UPDATE messages SET owner = NULL, ready = ?, failures = failures - ?, error = COALESCE(?, error),
    state = CASE WHEN ? = 1 THEN 'dead' ELSE state END WHERE seq = ? AND deliveries = ? AND owner IS NOT NULL"""
DUE_CALLS = f"SELECT {CALL} FROM calls WHERE state = 'ready' AND service = ? AND ready <= ? ORDER BY ready LIMIT ?"
LEASE_CALL = """UPDATE calls SET owner = ?, ready = ?, fence = fence + 1, deliveries = deliveries + 1
    WHERE instance = ? AND serial = ?"""
OVER = "SELECT instance, serial, timeout FROM calls WHERE timeout <= ? ORDER BY timeout LIMIT ?"
TIME_OUT = "UPDATE calls SET timeout = NULL WHERE instance = ? AND serial = ?"
EXTEND_CALL = """UPDATE calls SET ready = ? WHERE instance = ? AND serial = ? AND fence = ? AND owner IS NOT NULL
    AND state <> 'answered'"""
RELEASE_MESSAGES = "UPDATE messages SET owner = NULL, ready = ? WHERE owner = ?"
RELEASE_CALLS = "UPDATE calls SET owner = NULL, ready = ? WHERE owner = ?"

SIGNAL_KNOWN = "SELECT 1 FROM signals WHERE id = ?"
CHAIN_OF = "SELECT chain FROM instances WHERE id = ?"
ASSIGN_TASK = "UPDATE tasks SET assignee = ? WHERE instance = ? AND serial = ? AND status = 'open' AND {holder}"

DEFINITION = columns(DefinitionRow)
SAME_VERSION = f"SELECT {DEFINITION} FROM definitions WHERE name = ? AND version = ?"
REMOVE_DEFINITION = "DELETE FROM definitions WHERE digest = ?"
INSERT_DEFINITION = insert("definitions", DefinitionRow)
ENABLE = "UPDATE definitions SET enabled = ? WHERE digest = ?"

DEAD = """INSERT INTO messages
    (instance, kind, serial, control, body, arrived, state, ready, digest, deliveries, failures)
    SELECT m.instance, m.kind, m.serial, m.control, m.body, CASE WHEN m.kind = 'timer' THEN m.arrived ELSE ? END,
        CASE WHEN i.status = 'suspended' AND m.control = 0 THEN 'held' ELSE 'ready' END, ?, m.digest, 0, 0
    FROM messages m JOIN instances i ON i.id = m.instance WHERE m.seq = ? AND m.state = 'dead'"""
DROP = "DELETE FROM messages WHERE seq = ? AND state = 'dead'"

ALL = 1_000_000
_RESTING = names(InstanceRow).index("resting")
_definition_values = values(DefinitionRow)


def letter_of(row: Row) -> Letter:
    """A letter from the columns :data:`LETTER`."""
    seq, instance, kind, body, serial, control, arrived, state, deliveries, failures, error = row
    message = Message(instance, kind, body, serial, arrived, bool(control))
    return Letter(seq, message, arrived, state, deliveries, failures, error)


def instance_of(row: Row) -> InstanceRow:
    """An instance from its columns."""
    values_of: list[Any] = list(row)
    values_of[_RESTING] = bool(values_of[_RESTING])
    return InstanceRow(*values_of)


def without_marks(without: Collection[str]) -> str:
    """The condition that leaves out definitions and instances; each is a parameter twice."""
    marks = ", ".join("?" * len(without))
    return f"AND m.digest NOT IN ({marks}) AND m.instance NOT IN ({marks})" if without else ""


def claim(session: Session, n: int, owner: str, now: int, until: int, without: Collection[str]) -> Sequence[Claim]:
    """See :meth:`armillary_engine.backend.Writes.claim`."""
    marks = without_marks(without)
    found = session.rows(CLAIMABLE.replace("{of}", marks), (now, now, now, *without, *without, n))
    claims = []
    for row in found if len(found) < n else _shared_out(session, found, n, now, without):
        letter = letter_of((*row[1:9], row[9] + 1, row[10] + 1, row[11]))
        claims.append(Claim(letter, Stored(instance_of(row[13:]), row[12]), now))
    session.many(LEASE, [(owner, until, one.letter.seq) for one in claims])
    return claims


def _shared_out(
    session: Session, found: Sequence[Row], n: int, now: int, without: Collection[str]
) -> Sequence[Row]:  # fmt: skip
    """There is a backlog: each definition has its share of ``n``, and what it leaves goes to what was ready first."""
    digests = [digest for (digest,) in session.rows(DIGESTS) if digest not in without]
    share = max(1, n // max(1, len(digests)))
    of_one = OF_DEFINITION.replace("{without}", without_marks(without))
    parameters = ((now, now, now, digest, *without, *without, share) for digest in digests)
    heads = [row for given in parameters for row in session.rows(of_one, given)]
    taken = {row[1] for row in heads}
    rest = [row for row in found if row[1] not in taken]
    return sorted([*sorted(heads), *rest][:n])


def give_back(session: Session, returns: Sequence[Return]) -> None:
    """See :meth:`armillary_engine.backend.Writes.give_back`."""
    for back in returns:
        parameters = (back.ready, 0 if back.counts else 1, back.error, int(back.dead), back.seq, back.fence)
        session.run(GIVE_BACK, parameters)


def claim_calls(
    session: Session, owner: str, now: int, until: int, services: Mapping[str, int], n: int
) -> Sequence[CallRow]:
    """See :meth:`armillary_engine.backend.Writes.claim_calls`."""
    due: list[CallRow] = []
    for service, free in services.items():
        if free > 0:
            due += [CallRow(*row) for row in session.rows(DUE_CALLS, (service, now, min(free, n)))]
    first = sorted(due, key=lambda call: call.ready)[:n]
    session.many(LEASE_CALL, [(owner, until, call.instance, call.serial) for call in first])
    return [_leased(call, owner, until) for call in first]


def _leased(call: CallRow, owner: str, until: int) -> CallRow:
    return replace(call, owner=owner, ready=until, fence=call.fence + 1, deliveries=call.deliveries + 1)


def time_out(session: Session, now: int, n: int) -> int:
    """See :meth:`armillary_engine.backend.Writes.time_out`."""
    over = session.rows(OVER, (now, n))
    for instance, serial, moment in over:
        session.run(TIME_OUT, (instance, serial))
        store(session, timer(instance, serial, "timeout", moment), now)
    return len(over)


def extend_calls(
    session: Session, held: Collection[tuple[str, int, int]], until: int
) -> Collection[tuple[str, int, int]]:  # fmt: skip
    """See :meth:`armillary_engine.backend.Writes.extend_calls`."""
    return [one for one in held if not session.run(EXTEND_CALL, (until, *one))]


def release_owner(session: Session, owner: str, now: int) -> None:
    """See :meth:`armillary_engine.backend.Writes.release_owner`."""
    session.run(RELEASE_MESSAGES, (now, owner))
    session.run(RELEASE_CALLS, (now, owner))


def store_signal(session: Session, signal: SignalRow, now: int) -> Sequence[str]:
    """See :meth:`armillary_engine.backend.Writes.store_signal`."""
    if session.rows(SIGNAL_KNOWN, (signal.id,)):
        return ()
    limit = ALL if signal.mode == "all" else 1
    chain = None
    if signal.instance is not None:
        chain = next((row[0] for row in session.rows(CHAIN_OF, (signal.instance,))), None)
    to = None if signal.instance is None else (chain,)
    waits = waits_for(session, signal.name, signal.key, to, limit)
    kept = not waits and signal.mode == "one"
    takers = takers_text([(instance, serial) for _, instance, serial in waits])
    session.run(INSERT_SIGNAL, (chain, int(kept), takers, *signal_values(signal)))
    for seq, instance, serial in waits:
        session.run(TAKE_WAIT, (seq,))
        hand(session, instance, serial, signal.id, signal.name, signal.payload_json, now)
    return [instance for _, instance, _ in waits]


def change_task(session: Session, change: TaskChange) -> bool:
    """See :meth:`armillary_engine.backend.Writes.change_task`."""
    holder = "assignee IS NULL" if change.expected is None else "assignee = ?"
    expected = () if change.expected is None else (change.expected,)
    statement = ASSIGN_TASK.replace("{holder}", holder)
    if not session.run(statement, (change.assignee, change.instance, change.serial, *expected)):
        return False
    session.run(INSERT_TASK_EVENT, task_event_values(change.event))
    return True


def deploy(session: Session, definition: DefinitionRow) -> DefinitionRow:
    """See :meth:`armillary_engine.backend.Writes.deploy`."""
    for row in session.rows(SAME_VERSION, (definition.name, definition.version)):
        found = definition_of(row)
        if found.digest != definition.digest:
            return found
        definition = replace(definition, enabled=found.enabled)
    session.run(REMOVE_DEFINITION, (definition.digest,))
    session.run(INSERT_DEFINITION, _definition_values(definition))
    return definition


def definition_of(row: Row) -> DefinitionRow:
    """A definition from its columns; its last one is a truth value, which some databases give as a number."""
    values_of: list[Any] = [*row[:-1], bool(row[-1])]
    return DefinitionRow(*values_of)


def enable(session: Session, digest: str, enabled: bool) -> bool:
    """See :meth:`armillary_engine.backend.Writes.enable`."""
    return bool(session.run(ENABLE, (enabled, digest)))
