"""What a trigger takes with it, on any SQL store: whether it is there, and taking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...definition.values import dumps
from ...mutation import Answered, Consumes, Met, Nothing, Replied, Taken
from ...rows import SignalRow, TaskEventRow
from .session import Session, insert, values

THERE: Mapping[type[Consumes], str] = {
    Taken: "SELECT 1 FROM messages WHERE instance = ? AND seq = ? AND deliveries = ?",
    Replied: "SELECT 1 FROM calls WHERE instance = ? AND serial = ? AND fence = ? AND state <> 'answered'",
    Answered: "SELECT 1 FROM tasks WHERE instance = ? AND serial = ? AND status = 'open'",
    Met: """SELECT 1 FROM waits WHERE instance = ? AND serial = ?
        AND NOT EXISTS (SELECT 1 FROM signals WHERE id = ?)""",
    Nothing: "SELECT 1 FROM instances WHERE id = ?",
}
"""Whether what a trigger consumes is there, and this worker's."""
REMOVE_MESSAGE = "DELETE FROM messages WHERE seq = ?"
MARK_ANSWERED = "UPDATE calls SET state = 'answered', owner = NULL WHERE instance = ? AND serial = ?"
COMPLETE_TASK = """UPDATE tasks SET status = 'completed', answer_json = ?, completed_by = ?, ended = ?
    WHERE instance = ? AND serial = ?"""
INSERT_TASK_EVENT = insert("task_events", TaskEventRow)
REMOVE_WAIT = "DELETE FROM waits WHERE instance = ? AND serial = ?"
INSERT_SIGNAL = insert("signals", SignalRow, "chain", "kept", "takers_json")
task_event_values = values(TaskEventRow)
signal_values = values(SignalRow)


def named(consumes: Consumes) -> tuple[int | str, ...]:
    """What tells it apart in :data:`THERE`, after the instance."""
    match consumes:
        case Taken(seq=seq, fence=fence):
            return (seq, fence)
        case Replied(serial=serial, fence=fence):
            return (serial, fence)
        case Answered(serial=serial):
            return (serial,)
        case Met(serial=serial, signal=signal):
            return (serial, signal.id)
        case Nothing():
            return ()


def consumable(session: Session, instance: str, consumes: Consumes) -> bool:
    """Whether what a trigger consumes is still there, and this worker's."""
    if isinstance(consumes, Nothing):
        return True
    return bool(session.rows(THERE[type(consumes)], (instance, *named(consumes))))


def takers_text(waits: Sequence[tuple[str, int]]) -> str:
    """The waiting tokens that a signal was handed to, as JSON."""
    return dumps([f"{instance}/{serial}" for instance, serial in waits]).decode()


def consume(session: Session, instance: str, consumes: Consumes, now: int) -> None:
    """Consumes what :func:`consumable` has found."""
    match consumes:
        case Taken(seq=seq):
            session.run(REMOVE_MESSAGE, (seq,))
        case Replied(serial=serial):
            session.run(MARK_ANSWERED, (instance, serial))
        case Answered(serial=serial, answer_json=answer, by=by):
            session.run(COMPLETE_TASK, (answer, by, now, instance, serial))
            event = TaskEventRow(instance, serial, "completed", now, by)
            session.run(INSERT_TASK_EVENT, task_event_values(event))
        case Met(serial=serial, signal=signal, chain=chain):
            session.run(REMOVE_WAIT, (instance, serial))
            session.run(INSERT_SIGNAL, (chain, 0, takers_text([(instance, serial)]), *signal_values(signal)))
        case Nothing():
            pass
