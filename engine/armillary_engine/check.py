"""What must hold in a store, proved row by row: ``armillary db check``, and the end of every engine test.

Every instance that has not ended has a durable reason to go on, and each wait of its snapshot has its row; nothing is
stored for an instance that is over; history has no gap, and its patches give exactly the state of the snapshot.
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
    serials = {serial for kind, serial in pending if kind == "message"}
    for frame in snapshot.frames:
        wait = frame.wait
        if wait is not None and (wait.kind, frame.visit) not in pending and frame.visit not in serials:
            yield Defect("check.wait", stored.row.id, f"waits in {frame.step!r} for a {wait.kind} that is not stored")


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
