"""What retention asks of a store, in memory: see :class:`armillary_engine.upkeep.Retention`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..clock import Clock
from ..rows import EventRow, InstanceRow
from ..upkeep import Surveyed
from .memory_reads import MemoryReads
from .memory_tables import Lease, Tables


class MemoryRetention:
    """``tables`` of the store are looked up at each call."""

    def __init__(self, store: MemoryReads, clock: Callable[[], Clock]) -> None:
        self._store = store
        self._clock = clock

    def lock(self, name: str, owner: str, *, until: int) -> bool:
        with self._store.lock:
            held = self._store.tables.locks.get(name)
            if held is not None and held.owner != owner and held.until > self._clock().now():
                return False
            self._store.tables.locks[name] = Lease(owner, until)
            return True

    def unlock(self, name: str, owner: str) -> None:
        with self._store.lock:
            held = self._store.tables.locks.get(name)
            if held is not None and held.owner == owner:
                del self._store.tables.locks[name]

    def survey(self, *, before: int, statuses: Collection[str], after: int, n: int) -> Sequence[Surveyed]:
        with self._store.lock:
            tables = self._store.tables
            rows = [(tables.order[id], stored.row) for id, stored in tables.instances.items()]
            return [
                Surveyed(number, row.id, row.started, row.events, _goes(tables, row, before, statuses))
                for number, row in rows
                if number > after
            ][:n]

    def forget(self, instances: Collection[str]) -> Sequence[str]:
        with self._store.lock:
            tables = self._store.tables
            lines = [_line(tables, id) for id in sorted(instances)]
            gone = {row.id for line in lines if not any(_stays(tables, row) for row in line) for row in line}
            for id in gone:
                row = tables.instances.pop(id).row
                del tables.order[id]
                if row.key is not None:
                    del tables.keys[row.workflow, row.key]
                tables.events.pop(id, None)
            tables.tasks = {key: task for key, task in tables.tasks.items() if key[0] not in gone}
            tables.task_events = [event for event in tables.task_events if event.instance not in gone]
            return sorted(gone)

    def trim(self, instance: str, checkpoint: EventRow) -> int:
        with self._store.lock:
            events = self._store.tables.events[instance]
            kept = [event for event in events if event.number > checkpoint.number]
            self._store.tables.events[instance] = [checkpoint, *kept]
            return len(events) - len(kept) - 1

    def settled(self, before: int) -> int:
        with self._store.lock:
            return len(self._old_signals(before)) + sum(one.decided < before for one in self._store.tables.records)

    def forget_settled(self, before: int, n: int) -> int:
        with self._store.lock:
            tables = self._store.tables
            signals = self._old_signals(before)[:n]
            for id in signals:
                del tables.signals[id]
            old = [one for one in tables.records if one.decided < before][:n]
            tables.records = [one for one in tables.records if one not in old]
            return len(signals) + len(old)

    def _old_signals(self, before: int) -> list[str]:
        now = self._clock().now()
        return [
            one.row.id
            for one in self._store.tables.signals.values()
            if one.row.expires < now and one.row.created < before and not one.kept and one.over != "unmatched"
        ]


def _goes(tables: Tables, row: InstanceRow, before: int, statuses: Collection[str]) -> bool:
    old = row.ended is not None and row.ended < before and row.status in statuses
    return old and row.next not in tables.instances and not _stays(tables, row)


def _stays(tables: Tables, row: InstanceRow) -> bool:
    parent = None if row.parent is None else tables.instances.get(row.parent)
    below = parent is not None and parent.row.ended is None
    return row.ended is None or below or any(tables.letters_of(row.id)) or bool(tables.children(row.id))


def _line(tables: Tables, id: str) -> list[InstanceRow]:
    """An instance and those that it was continued from."""
    line: list[InstanceRow] = []
    while (stored := tables.instances.get(id)) is not None:
        line.append(stored.row)
        if stored.row.previous is None:
            break
        id = stored.row.previous
    return line
