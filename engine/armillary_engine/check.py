"""What must hold in a store, proved row by row: ``armillary db check``, and the end of every engine test.

Every instance that has not ended has a durable reason to go on; each wait of its snapshot has its row and its deadline,
and each of these its wait; nothing is stored for an instance that is over, and no child lives that nobody waits for;
history has no gap, and its patches give exactly the state of the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .backend import Backend, Defect, Found
from .definition.codec import loads
from .definition.model import Value
from .definition.problems import ArmillaryError
from .interpreter import Snapshot, decode, replay
from .queries import InstanceQuery
from .rows import EventRow, Stored

PAGE = 200
"""Instances, and events, that are read at a time."""


def check_store(store: Backend) -> Sequence[Defect]:
    """All defects of a store that nobody is working on just now; of one at work, possibly some that pass."""
    return [*store.check(), *_instances(store)]


def _instances(store: Backend) -> Iterator[Defect]:
    after: str | None = None
    while page := store.instances(InstanceQuery(after=after, limit=PAGE)):
        for found in page:
            yield from _instance(store, found)
        after = page[-1].row.id


def _instance(store: Backend, found: Found) -> Iterator[Defect]:
    row = found.row
    stored = store.read([row.id]).get(row.id)
    if stored is None:
        return
    if store.definition(row.digest) is None:
        yield Defect("check.definition", row.id, f"is on {row.workflow} {row.version}, which is not in the store")
    try:
        snapshot = decode(stored.snapshot)
    except ArmillaryError as error:
        if error.code != "snapshot.newer":
            yield Defect("check.snapshot", row.id, error.message)
        return
    yield from _projection(stored, snapshot)
    yield from _waits(store, stored, snapshot)
    yield from _parent(store, stored, snapshot)
    yield from _state(store, stored, snapshot)


def _projection(stored: Stored, snapshot: Snapshot) -> Iterator[Defect]:
    row = stored.row
    status = "waiting" if snapshot.status == "running" else snapshot.status
    said = (row.id, row.digest, row.revision, row.status, row.reference)
    held = (snapshot.instance, snapshot.digest, snapshot.revision, status, snapshot.reference)
    if said != held:
        yield Defect("check.projection", row.id, f"expected the row {held}, as the snapshot says, got {said}")


def _waits(store: Backend, stored: Stored, snapshot: Snapshot) -> Iterator[Defect]:
    if stored.row.ended is not None:
        return
    pending = set(store.pending(stored.row.id))
    again = store.read([stored.row.id]).get(stored.row.id)
    if again is None or again.row.revision != stored.row.revision:
        return  # it went on meanwhile
    waiting = {frame.visit: (frame.step, frame.wait) for frame in snapshot.frames if frame.wait is not None}
    for visit, (step, wait) in waiting.items():
        if not pending & {(wait.kind, visit), ("message", visit), ("timer", visit)}:
            yield Defect("check.wait", stored.row.id, f"waits in {step!r} for a {wait.kind} that is not stored")
        elif wait.until is not None and ("timer", visit) not in pending:
            yield Defect("check.wait", stored.row.id, f"waits in {step!r} until a moment that is not stored")
    for kind, visit in sorted(pending):
        if kind in ("call", "task", "signal") and not (visit in waiting and waiting[visit][1].kind == kind):
            yield Defect("check.orphan", stored.row.id, f"a {kind} (visit {visit}) that it does not wait for")
        elif kind == "timer" and visit not in waiting:
            yield Defect("check.orphan", stored.row.id, f"a deadline (visit {visit}) that it does not wait for")


def _parent(store: Backend, stored: Stored, snapshot: Snapshot) -> Iterator[Defect]:
    """A child lives for as long as its parent waits for it; or it is about to be cancelled, or is on its way to end."""
    row = stored.row
    if row.parent is None or row.ended is not None or snapshot.compensating is not None:
        return
    parent = store.read([row.parent]).get(row.parent)
    if parent is not None and parent.row.ended is None:
        try:
            frames = decode(parent.snapshot).frames
        except ArmillaryError:  # it is told of the parent, or only a newer release knows
            return
        if any(frame.wait is not None and frame.wait.child == row.chain for frame in frames):
            return
    if ("message", 0) not in store.pending(row.id):
        yield Defect("check.orphan", row.id, f"a child that its parent {row.parent} does not wait for")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as replay reads it."""

    type: str
    data: Mapping[str, Value]
    patch: Sequence[Sequence[Any]]


def _state(store: Backend, stored: Stored, snapshot: Snapshot) -> Iterator[Defect]:
    state = replay(recorded(event) for event in _events(store, stored))
    if state != snapshot.state:
        yield Defect("check.replay", stored.row.id, "its history gives another state than its snapshot has")


def _events(store: Backend, stored: Stored) -> Iterator[EventRow]:
    after = 0
    while after < stored.row.events:
        page = store.history(stored.row.id, after=after, limit=min(PAGE, stored.row.events - after))
        if not page:
            return
        yield from page
        after = page[-1].number


def recorded(event: EventRow) -> Recorded:
    """An event of a store, for :func:`~.interpreter.replay`."""
    data = cast(dict[str, Value], loads(event.data_json, depth=1_000))
    return Recorded(event.type, data, cast(Any, loads(event.patch_json, depth=1_000)))
