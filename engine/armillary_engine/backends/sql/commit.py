"""Committing mutations, on any SQL store. First all that may refuse is looked at, then everything is written: whatever
raises in between is the transaction's to undo."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from ...messages import RETRY, SIGNAL, TIMER, signal_body, signal_of
from ...mutation import Close, Delivery, Mutation, Outcome, Replied, Taken
from ...rows import CallRow, EventRow, InstanceRow, Message, SignalWait, TaskEventRow, TaskRow
from .consuming import (
    INSERT_TASK_EVENT,
    REMOVE_MESSAGE,
    REMOVE_WAIT,
    THERE,
    consumable,
    consume,
    named,
    takers_text,
    task_event_values,
)
from .session import Session, insert, insert_all, names, values

_FIXED = ("id", "workflow", "version", "digest", "chain", "started", "key", "parent", "parent_serial", "previous")
CHANGING = tuple(name for name in names(InstanceRow) if name not in _FIXED)

HEAD = "SELECT revision, status FROM instances WHERE id = ?"
OTHERS = "SELECT 1 FROM messages WHERE instance = ? AND state = 'ready' AND (ready <= ? OR owner IS NOT NULL) LIMIT 1"
TIMES_OUT = "COALESCE({}.timeout, 9223372036854775807)"
"""When the time of a call is over. It is no condition on the column, so that the index of all time-outs, which is
partial, will not do where those of one instance are asked for."""
OVERDUE = f"SELECT 1 FROM calls c WHERE c.instance = ? AND {TIMES_OUT.format('c')} <= ?"
BEFORE = {
    kind: f"""SELECT i.revision, i.status, EXISTS ({there}), EXISTS ({OTHERS}) OR EXISTS ({OVERDUE})
        FROM instances i WHERE i.id = ?"""
    for kind, there in THERE.items()
}
"""All that may refuse a slice, in one statement: each costs a slice as much as ten rows."""
HOLDER = "SELECT id FROM instances WHERE workflow = ? AND key = ?"

INSERT_INSTANCE = insert("instances", InstanceRow, "snapshot")
BEGIN_INSTANCE = f"{INSERT_INSTANCE} ON CONFLICT DO NOTHING"
UPDATE_INSTANCE = f"UPDATE instances SET snapshot = ?, {', '.join(f'{n} = ?' for n in CHANGING)} WHERE id = ?"
INSERT_EVENT = insert("history", EventRow, "instance")
INSERT_TASK = f"""{insert("tasks", TaskRow)} ON CONFLICT (instance, serial) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in names(TaskRow))}"""
CANCEL_TASK = "UPDATE tasks SET status = 'cancelled', ended = ? WHERE instance = ? AND serial = ? AND status = 'open'"
ESCALATE_TASK = "UPDATE tasks SET roles_json = ? WHERE instance = ? AND serial = ?"
INSERT_CALL = insert("calls", CallRow)
RETRY_CALL = """UPDATE calls SET fence = fence + 1, attempt = ?, ready = ?, state = ?, owner = NULL, deliveries = 0
    WHERE instance = ? AND serial = ?"""
REMOVE_CALL = "DELETE FROM calls WHERE instance = ? AND serial = ?"
INSERT_WAIT = "INSERT INTO waits (instance, serial, chain, name, key) VALUES (?, ?, ?, ?, ?)"
REMOVE_DEADLINES = f"DELETE FROM messages WHERE instance = ? AND serial = ? AND kind = '{TIMER}'"
CONTROL_GOES_ON = """UPDATE messages SET instance = ?, digest = ?, ready = arrived, owner = NULL
    WHERE instance = ? AND control = 1 AND state <> 'dead'"""
REMOVE_MESSAGES = "DELETE FROM messages WHERE instance = ? AND state <> 'dead'"
INSERT_MESSAGE = """INSERT INTO messages
    (instance, kind, serial, control, body, arrived, state, ready, digest, deliveries, failures)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)"""
RETRIED = f"SELECT 1 FROM messages WHERE instance = ? AND kind = '{RETRY}' AND state = 'ready' LIMIT 1"
ADDRESSEE = "SELECT next, status, revision, digest FROM instances WHERE id = ?"
HANDED = f"SELECT seq, body FROM messages WHERE instance = ? AND serial = ? AND kind = '{SIGNAL}'"
OFFERED = "SELECT seq, mode, name, key, instance, chain, payload_json, expires FROM signals WHERE id = ?"
WAITS_BY_KEY = "SELECT seq, instance, serial FROM waits WHERE name = ? AND key = ? ORDER BY seq LIMIT ?"
WAITS_BY_CHAIN = "SELECT seq, instance, serial FROM waits WHERE chain = ? AND name = ? ORDER BY seq LIMIT ?"
TAKE_WAIT = "DELETE FROM waits WHERE seq = ?"
KEEP_SIGNAL = "UPDATE signals SET kept = 1, takers_json = NULL WHERE seq = ?"
PASS_ON = "UPDATE signals SET takers_json = ? WHERE seq = ?"
# One whose time is over may not have been set aside yet. ``+ 0`` keeps the index of what is over next out of it.
KEPT_SIGNAL = """SELECT seq, id, name, payload_json FROM signals
        WHERE kept = 1 AND name = ? AND key = ? AND expires + 0 > ?
    UNION SELECT seq, id, name, payload_json FROM signals
        WHERE kept = 1 AND name = ? AND chain = ? AND expires + 0 > ? ORDER BY 1 LIMIT 1"""
TAKE_SIGNAL = "UPDATE signals SET kept = 0, takers_json = ? WHERE seq = ?"
HOLD_MESSAGES = "UPDATE messages SET state = ? WHERE instance = ? AND state = ? AND control = 0"
HOLD_CALLS = "UPDATE calls SET state = ? WHERE instance = ? AND serial > 0 AND state = ?"

_instance_values = values(InstanceRow)
_changing_values = attrgetter(*CHANGING)
_event_values = values(EventRow)
_call_values = values(CallRow)
_task_values = values(TaskRow)


def commit(session: Session, mutation: Mutation, now: int) -> Outcome:
    """Applies one mutation; anything but ``committed`` has written nothing."""
    row = mutation.row
    if mutation.expected is not None:
        refused = _before(session, mutation, now)
    elif not consumable(session, row.id, mutation.consumes):
        refused = Outcome("fenced", row.id)
    else:
        refused = _begin(session, mutation)
    if refused is not None:
        return refused
    _project(session, mutation)
    _consume_in(session, mutation, now)
    _close(session, mutation, now)
    if row.ended is not None and mutation.expected is not None:
        _sweep(session, mutation)
    _open(session, mutation, now)
    _send(session, mutation, now)
    return Outcome("committed", row.id, row.revision)


def _begin(session: Session, mutation: Mutation) -> Outcome | None:
    row = mutation.row
    if session.run(BEGIN_INSTANCE, (mutation.snapshot, *_instance_values(row))):
        return None
    for (holder,) in session.rows(HOLDER, (row.workflow, row.key)) if row.key is not None else ():
        return Outcome("exists", holder)
    return Outcome("exists", row.id)


def _before(session: Session, mutation: Mutation, now: int) -> Outcome | None:
    """What refuses a slice of a stored instance."""
    instance, consumes = mutation.row.id, mutation.consumes
    head = session.rows(BEFORE[type(consumes)], (instance, *named(consumes), instance, now, instance, now, instance))
    if not head:
        return Outcome("unknown", instance)
    revision, status, there, others = head[0]
    if revision != mutation.expected:
        return Outcome("conflict", instance, revision)
    if not isinstance(consumes, Taken) and (status == "suspended" or others):
        return Outcome("behind", instance, revision)
    return None if there else Outcome("fenced", instance)


def _project(session: Session, mutation: Mutation) -> None:
    row = mutation.row
    if mutation.expected is not None:
        session.run(UPDATE_INSTANCE, (mutation.snapshot, *_changing_values(row), row.id))
    if mutation.events:
        insert_all(session, INSERT_EVENT, [(row.id, *_event_values(event)) for event in mutation.events])


def _consume_in(session: Session, mutation: Mutation, now: int) -> None:
    consumes = mutation.consumes
    if isinstance(consumes, Replied):
        closing = any(close.serial == consumes.serial for close in mutation.closes)
        if closing or any(retry.serial == consumes.serial for retry in mutation.retries):
            return  # its row is removed, or made ready again, below
    consume(session, mutation.row.id, consumes, now)


def _close(session: Session, mutation: Mutation, now: int) -> None:
    row = mutation.row
    for close in mutation.closes:  # before signals are put back: none goes to a wait that closes, too
        if close.kind in ("signal", None):
            session.run(REMOVE_WAIT, (row.id, close.serial))
    for close in mutation.closes:
        _close_wait(session, row.id, close, now, ends=row.ended is not None)
    if mutation.holds is not None:
        before, after = ("ready", "held") if mutation.holds else ("held", "ready")
        session.run(HOLD_MESSAGES, (after, row.id, before))
        session.run(HOLD_CALLS, (after, row.id, before))


def _sweep(session: Session, mutation: Mutation) -> None:
    """What was sent to an instance that has ended goes with it."""
    row = mutation.row
    if row.next is not None:
        digest = next((new.row.digest for new in mutation.instances if new.row.id == row.next), row.digest)
        session.run(CONTROL_GOES_ON, (row.next, digest, row.id))
    session.run(REMOVE_MESSAGES, (row.id,))


def _close_wait(session: Session, instance: str, close: Close, now: int, *, ends: bool) -> None:
    if close.kind in ("task", None):
        _cancel_task(session, instance, close, now)
    if close.kind in ("signal", None) and close.reason != "done":
        for seq, body in session.rows(HANDED, (instance, close.serial)):
            if session.run(REMOVE_MESSAGE, (seq,)):
                _put_back(session, signal_of(Message(instance, SIGNAL, body)), now)
    if close.kind in ("call", None):
        session.run(REMOVE_CALL, (instance, close.serial))
    if not ends:
        session.run(REMOVE_DEADLINES, (instance, close.serial))


def _put_back(session: Session, signal: str, now: int) -> None:
    """A wait closed before it could take its signal: the signal goes to the next wait, or is kept; one whose time is
    over is kept for whoever sets it aside."""
    for seq, mode, name, key, target, chain, payload, expires in session.rows(OFFERED, (signal,)):
        if mode != "one":
            continue
        waits = waits_for(session, name, key, None if target is None else (chain,), 1) if expires > now else ()
        for wait, instance, serial in waits:
            session.run(TAKE_WAIT, (wait,))
            session.run(PASS_ON, (takers_text([(instance, serial)]), seq))
            hand(session, instance, serial, signal, name, payload, now)
        if not waits:
            session.run(KEEP_SIGNAL, (seq,))


def waits_for(
    session: Session, name: str, key: str | None, chain: tuple[str | None] | None, limit: int
) -> Sequence[tuple[int, str, int]]:
    """Open waits that a signal meets, oldest first: ``(seq, instance, serial)``; by ``chain`` if it was sent to an
    instance."""
    if chain is None:
        rows = session.rows(WAITS_BY_KEY, (name, key, limit))
    else:
        rows = session.rows(WAITS_BY_CHAIN, (*chain, name, limit))
    return [(seq, instance, serial) for seq, instance, serial in rows]


def _cancel_task(session: Session, instance: str, close: Close, now: int) -> None:
    if session.run(CANCEL_TASK, (now, instance, close.serial)):
        why = f'{{"reason":"{close.reason}"}}'
        event = TaskEventRow(instance, close.serial, "cancelled", now, None, why)
        session.run(INSERT_TASK_EVENT, task_event_values(event))


def _open(session: Session, mutation: Mutation, now: int) -> None:
    row = mutation.row
    state = "held" if row.status == "suspended" else "ready"
    for retry in mutation.retries:
        session.run(RETRY_CALL, (retry.attempt, retry.ready, state, row.id, retry.serial))
    for call in mutation.calls:
        session.run(INSERT_CALL, _call_values(call))
    if mutation.calls and state == "held":
        session.run(HOLD_CALLS, ("held", row.id, "ready"))
    for task in mutation.tasks:
        session.run(INSERT_TASK, _task_values(task))
    for escalation in mutation.escalations:
        session.run(ESCALATE_TASK, (escalation.roles_json, row.id, escalation.serial))
    if mutation.task_events:
        insert_all(session, INSERT_TASK_EVENT, [task_event_values(event) for event in mutation.task_events])
    for wait in mutation.waits:
        _open_wait(session, row, wait, now)


def _open_wait(session: Session, row: InstanceRow, wait: SignalWait, now: int) -> None:
    wanted = (wait.name, wait.key, now, wait.name, row.chain, now)
    for seq, signal, name, payload in session.rows(KEPT_SIGNAL, wanted):
        session.run(TAKE_SIGNAL, (takers_text([(row.id, wait.serial)]), seq))
        hand(session, row.id, wait.serial, signal, name, payload, now)
        return
    session.run(INSERT_WAIT, (row.id, wait.serial, row.chain, wait.name, wait.key))


def hand(
    session: Session, instance: str, serial: int, signal: str, name: str, payload: str, now: int
) -> None:  # fmt: skip
    """A signal and a wait have met: the signal goes to the instance as a message."""
    store(session, Message(instance, SIGNAL, signal_body(signal, name, payload), serial=serial), now)


def _send(session: Session, mutation: Mutation, now: int) -> None:
    for new in mutation.instances:
        session.run(INSERT_INSTANCE, (new.snapshot, *_instance_values(new.row)))
        store(session, new.start, now)
    for message in mutation.messages:
        if message.instance == mutation.row.id:
            _insert(session, message, mutation.row.status, mutation.row.digest, now)
        else:
            store(session, message, now)


def store(session: Session, message: Message, now: int) -> Outcome:
    """Stores a message. One to an instance that is unknown, or has ended, disappears: nobody can take it any more."""
    instance = message.instance
    found = session.rows(ADDRESSEE, (instance,))
    while found and message.follow and found[0][0] is not None:
        instance = found[0][0]
        found = session.rows(ADDRESSEE, (instance,))
    if not found:
        return Outcome("unknown", instance)
    _, status, revision, digest = found[0]
    if status in ("completed", "cancelled") or (status == "failed" and not _takes(session, instance, message)):
        return Outcome("ended", instance)
    _insert(session, message, status, digest, now, instance)
    return Outcome("committed", instance, revision)


def _takes(session: Session, failed: str, message: Message) -> bool:
    """One that failed can be retried; from then on it takes what an operator asks of one that lives."""
    return message.kind == RETRY or (message.control and bool(session.rows(RETRIED, (failed,))))


def _insert(
    session: Session, message: Message, status: str, digest: str, now: int, instance: str | None = None
) -> None:  # fmt: skip
    ready = now if message.ready is None else message.ready
    state = "held" if status == "suspended" and not message.control else "ready"
    given = (
        instance or message.instance, message.kind, message.serial, int(message.control), message.body, ready, state,
        ready, digest,
    )  # fmt: skip
    session.run(INSERT_MESSAGE, given)


def deliver(session: Session, delivery: Delivery, now: int) -> Outcome:
    """Stores a trigger together with what it consumes."""
    instance = delivery.message.instance
    if not consumable(session, instance, delivery.consumes):
        return Outcome("fenced" if session.rows(HEAD, (instance,)) else "unknown", instance)
    outcome = store(session, delivery.message, now)
    if outcome.kind == "committed":
        consume(session, instance, delivery.consumes, now)
    return outcome


def commit_all(session: Session, mutations: Sequence[Mutation], now: int) -> Sequence[Outcome]:
    """Applies mutations of distinct instances, in order."""
    return [commit(session, mutation, now) for mutation in mutations]
