"""What will resume an instance: each of its waits has something in the store, and nothing is there for no wait."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ...backend import Backend
from ...interpreter import Snapshot


def unresumed(
    store: Backend, id: str, snapshot: Snapshot, dropped: Collection[tuple[str, str, int]]
) -> Iterator[str]:  # fmt: skip
    """What is wrong with the waits of an instance that lives. ``dropped``: what an operator has dropped, as instance,
    kind and serial."""
    waiting = [frame for frame in snapshot.frames if frame.wait is not None]
    if snapshot.status in ("completed", "failed", "cancelled") or not waiting:
        return
    letters = [one for one in store.letters(state=None, limit=1_000) if one.message.instance == id]
    gone = {(kind, serial) for instance, kind, serial in dropped if instance == id}
    there = {(one.message.kind, one.message.serial) for one in letters} | gone | set(store.pending(id))
    deadlines = {(one.message.serial, one.arrived) for one in letters if one.message.kind == "timer"}
    for frame in waiting:
        call = store.upkeep.call(id, frame.visit)
        if call is not None and call.timeout is not None:
            deadlines.add((frame.visit, call.timeout))
    for serial in {serial for serial, _ in deadlines} - {frame.visit for frame in waiting}:
        yield f"{id} has a deadline for visit {serial}, which waits for nothing"
    for frame in waiting:
        wait = frame.wait
        assert wait is not None
        if (wait.kind, frame.visit) not in there:
            yield f"{id} waits in {frame.step} (visit {frame.visit}) for a {wait.kind} that is not stored"
        escalates = wait.escalate if (wait.escalate or 0) > snapshot.now else None
        for moment in (wait.until, escalates):
            if moment is not None and (frame.visit, moment) not in deadlines and ("timer", frame.visit) not in gone:
                yield f"{id} waits in {frame.step} until {moment}, and no such deadline is stored"
