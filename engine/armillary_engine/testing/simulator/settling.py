"""How instances settle with each other, and with what they have done: what a parent hears is how its child ended, and
what was done is undone, the last first."""

from __future__ import annotations

from collections.abc import Iterator

from ...interpreter import Snapshot
from ...interpreter.triggers import Cancel, ChildEnded, Trigger
from ...messages import trigger_of
from ...mutation import Mutation

ENDS = frozenset({"instance.completed", "instance.failed", "instance.cancelled"})


def unsettled(before: Snapshot, mutation: Mutation, after: Snapshot, trigger: Trigger | None) -> Iterator[str]:
    """What a commit leaves unsettled. ``trigger``: the message that it consumes, if it is one."""
    yield from _listed(mutation, after)
    yield from _told(mutation, after)
    yield from _undone(before, mutation, after, trigger)


def _listed(mutation: Mutation, after: Snapshot) -> Iterator[str]:
    """What lists ask for, and what signals and operators follow, is what the snapshot says."""
    row, chain = mutation.row, after.chain
    status = "waiting" if after.status == "running" else after.status
    code = None if after.error is None else after.error.code
    listed = (row.status, row.revision, row.reference, row.chain, row.previous, row.next, row.error_json is None)
    said = (status, after.revision, after.reference, chain.root, chain.previous, chain.next, code is None)
    if listed != said:
        yield f"{row.id} is listed as {listed}, and is {said}"
    if (row.ended is None) != (row.status in ("waiting", "suspended")):
        yield f"{row.id} is {row.status}, and its end is {row.ended}"


def _told(mutation: Mutation, after: Snapshot) -> Iterator[str]:
    """A child tells its parent how it has ended, and what it gives."""
    told = [trigger_of(message, arrived=0) for message in mutation.messages if message.kind == "child"]
    owed = after.parent is not None and any(event.type in ENDS for event in mutation.events)
    if len(told) != owed:
        yield f"{after.instance} is {after.status}, and tells its parent {len(told)} times"
    for one in told:
        assert isinstance(one, ChildEnded)
        code = None if after.error is None else after.error.code
        says = (one.status, one.output, None if one.error is None else one.error.code)
        if says != (after.status, after.output, code):
            yield f"{after.instance} is {(after.status, after.output, code)}, and tells its parent {says}"


def _undone(before: Snapshot, mutation: Mutation, after: Snapshot, trigger: Trigger | None) -> Iterator[str]:
    """Whoever fails, or is cancelled so, undoes what it has done: all of it, and the last first."""
    registered = [one.visit for one in before.compensations]
    for event in mutation.events:
        if event.type != "compensation.started":
            continue
        if registered and event.serial in registered and registered[-1] != event.serial:
            yield f"{after.instance} undoes visit {event.serial} before visit {registered[-1]}"
        registered = [visit for visit in registered if visit != event.serial]
    fails = before.compensating is None and any(event.type == "instance.failed" for event in mutation.events)
    if fails and (before.compensations or after.compensations) and not _starts(mutation):
        yield f"{after.instance} failed, and undoes nothing"
    asked = isinstance(trigger, Cancel) and trigger.compensate and before.compensating is None
    if asked and before.compensations and after.status == "cancelled" and not _starts(mutation):
        yield f"{after.instance} was to undo what it did, and has not begun to"
    if isinstance(trigger, Cancel) and not trigger.compensate and _starts(mutation):
        yield f"{after.instance} was not to undo what it did, and begins to"


def _starts(mutation: Mutation) -> bool:
    return any(event.type == "compensation.started" for event in mutation.events)
