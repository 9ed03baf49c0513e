"""What the store in memory tells: its reads, what an operator sees, and its check."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice

from ..backend import NOBODY, Defect, Found
from ..clock import Clock
from ..definition.values import loads
from ..interpreter.replay import CHECKPOINT
from ..messages import TIMER
from ..queries import InstanceQuery, TaskQuery
from ..rows import DefinitionRow, EventRow, InstanceRow, Letter, LetterState, SignalRow, Stored, TaskEventRow, TaskRow
from .memory_tables import Tables


class MemoryReads:
    """The reading half of the store in memory."""

    def __init__(self, tables: Tables, clock: Clock, lock: threading.RLock) -> None:
        self.tables = tables
        self.clock = clock
        self.lock = lock

    def read(self, instances: Sequence[str]) -> Mapping[str, Stored]:
        with self.lock:
            return {id: self.tables.instances[id] for id in instances if id in self.tables.instances}

    def definition(self, digest: str) -> DefinitionRow | None:
        with self.lock:
            return self.tables.definitions.get(digest)

    def definitions(self, name: str | None = None) -> Sequence[tuple[DefinitionRow, int]]:
        with self.lock:
            living = [s.row.digest for s in self.tables.instances.values() if s.row.ended is None]
            newest_first = reversed(self.tables.definitions.values())
            return [(row, living.count(row.digest)) for row in newest_first if name in (None, row.name)]

    def versions(self, name: str) -> Sequence[tuple[str, str]]:
        with self.lock:
            newest_first = reversed(self.tables.definitions.values())
            return [(row.version, row.digest) for row in newest_first if row.name == name and row.enabled]

    def known_versions(self, name: str) -> Sequence[tuple[str, str]]:
        return self.versions(name)

    # ── instances ────────────────────────────────────────────────────────────────────────────────────────────────────

    def instance(self, id: str) -> Found | None:
        with self.lock:
            stored = self.tables.instances.get(id)
            return None if stored is None else self._found(stored.row)

    def by_key(self, workflow: str, key: str) -> str | None:
        with self.lock:
            return self.tables.keys.get((workflow, key))

    def instances(self, query: InstanceQuery) -> Sequence[Found]:
        with self.lock:
            ids = list(reversed(self.tables.instances))
            if query.after is not None:
                ids = ids[ids.index(query.after) + 1 :] if query.after in self.tables.instances else []
            found = (self._found(self.tables.instances[id].row) for id in ids)
            return list(islice((one for one in found if _wanted(one, query)), query.limit))

    def _found(self, row: InstanceRow) -> Found:
        tables, now = self.tables, self.clock.now()
        letters = list(tables.letters_of(row.id))
        calls = tables.calls_of(row.id)
        ready = any(one.state == "ready" and tables.eligible[one.seq] <= now for one in letters)
        leased = any(one.seq in tables.leases for one in letters)
        if row.ended is not None:
            return Found(row, running=row.status == "failed" and (ready or leased))
        due = [call for call in calls if call.state == "ready" and call.ready <= now]
        late = row.status != "suspended" and any(call.timeout is not None and call.timeout <= now for call in calls)
        flying = any(call.state == "ready" and call.owner is not None for call in calls)
        return Found(
            row,
            running=ready or late or leased or bool(due) or flying,
            children=tuple(tables.children(row.id)),
            services=tuple(sorted({call.service for call in due})),
            ready=ready or late,
            dead=next((one.error or "" for one in letters if one.state == "dead"), None),
            accepted=tuple(call.serial for call in calls if call.state == "accepted"),
        )

    def history(self, instance: str, *, after: int, limit: int) -> Sequence[EventRow]:
        with self.lock:
            return self.tables.events.get(instance, [])[after : after + limit]

    # ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def task(self, instance: str, serial: int) -> TaskRow | None:
        with self.lock:
            return self.tables.tasks.get((instance, serial))

    def tasks(self, query: TaskQuery) -> Sequence[TaskRow]:
        with self.lock:
            tasks = list(self.tables.tasks.values())
            if query.last is not None:
                keys = list(self.tables.tasks)
                tasks = tasks[keys.index(query.last) + 1 :] if query.last in self.tables.tasks else []
            family = None if query.instance is None else self._family(query.instance)
            matching = (t for t in tasks if (family is None or t.instance in family) and _task_wanted(t, query))
            return list(islice(matching, query.limit))

    def _family(self, instance: str) -> set[str]:
        family, before = {instance}, 0
        while len(family) > before:
            before = len(family)
            family |= {s.row.id for s in self.tables.instances.values() if s.row.parent in family}
        return family

    def task_events(self, instance: str, serial: int) -> Sequence[TaskEventRow]:
        with self.lock:
            return [e for e in self.tables.task_events if (e.instance, e.serial) == (instance, serial)]

    # ── what is next ─────────────────────────────────────────────────────────────────────────────────────────────────

    def first_in_line(self, now: int, without: Collection[str]) -> list[Letter]:
        """Of each instance that has no claimed message, the first ready one; in order of arrival."""
        tables, first = self.tables, dict[str, Letter]()
        overdue = tables.overdue(now)
        busy = {tables.letters[seq].message.instance for seq, lease in tables.leases.items() if lease.until > now}
        for letter in tables.letters.values():
            instance = letter.message.instance
            if letter.state != "ready" or tables.eligible[letter.seq] > now or instance in busy:
                continue
            if not letter.message.control and overdue.get(instance, now + 1) <= letter.arrived:
                continue  # that deadline comes first
            if instance in without or tables.instances[instance].row.digest in without:
                continue
            if instance not in first or _order(letter) < _order(first[instance]):
                first[instance] = letter
        return sorted(first.values(), key=_order)

    def shared_out(self, letters: list[Letter], n: int) -> list[Letter]:
        """``n`` of them at most: each definition has its share, and what it leaves goes to what came first."""
        if len(letters) <= n:
            return letters
        shares: dict[str, list[Letter]] = {}
        for letter in letters:
            shares.setdefault(self.tables.instances[letter.message.instance].row.digest, []).append(letter)
        heads = [letter for share in shares.values() for letter in share[: max(1, n // len(shares))]]
        taken = {letter.seq for letter in heads}
        rest = [letter for letter in letters if letter.seq not in taken]
        return sorted([*sorted(heads, key=_order), *rest][:n], key=_order)

    def would_meet(self, signal: SignalRow) -> tuple[Stored, int] | None:
        with self.lock:
            for instance, serial in self.tables.meeting(signal, self.tables.chain_of(signal))[:1]:
                return self.tables.instances[instance], serial
            return None

    def pending(self, instance: str) -> Sequence[tuple[str, int]]:
        with self.lock:
            tables = self.tables
            calls = tables.calls_of(instance)
            found = [("call", call.serial) for call in calls if call.state != "answered"]
            found += [("timer", call.serial) for call in calls if call.timeout is not None]
            found += [
                ("task", t.serial) for t in tables.tasks.values() if t.instance == instance and t.status == "open"
            ]
            found += [("signal", serial) for owner, serial in tables.waits if owner == instance]
            messages = [letter.message for letter in tables.letters_of(instance)]
            found += [("timer" if one.kind == TIMER else "message", one.serial) for one in messages]
            children = (tables.instances[child].row for child in tables.children(instance))
            found += [("child", child.parent_serial or 0) for child in children]
            return sorted(found, key=lambda one: (one[1], one[0]))

    def due(self, *, services: Collection[str], without: Collection[str] = NOBODY) -> int | None:
        with self.lock:
            tables, now = self.tables, self.clock.now()
            busy = {tables.letters[seq].message.instance: lease.until for seq, lease in tables.leases.items()}
            moments = [
                busy.get(letter.message.instance, now)
                if tables.eligible[letter.seq] <= now
                else tables.eligible[letter.seq]
                for letter in tables.letters.values()
                if letter.state == "ready"
                and letter.message.instance not in without
                and tables.instances[letter.message.instance].row.digest not in without
            ]
            moments += [c.ready for c in tables.calls.values() if c.state == "ready" and c.service in services]
            moments += [c.timeout for c in tables.calls.values() if c.timeout is not None]
            return min(moments, default=None)

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────

    def letters(self, *, state: LetterState | None = "dead", after: int = 0, limit: int = 50) -> Sequence[Letter]:
        with self.lock:
            wanted = (x for x in self.tables.letters.values() if x.seq > after and state in (None, x.state))
            return sorted(wanted, key=lambda letter: letter.seq)[:limit]

    def check(self) -> Sequence[Defect]:
        with self.lock:
            return [*self._sleepers(), *self._orphans(), *self._gaps()]

    def _sleepers(self) -> list[Defect]:
        tables = self.tables
        reasons: list[Callable[[str], bool]] = [
            lambda id: any(tables.letters_of(id)),
            lambda id: any(call.state != "answered" or call.timeout is not None for call in tables.calls_of(id)),
            lambda id: any(t.instance == id and t.status == "open" for t in tables.tasks.values()),
            lambda id: any(key[0] == id for key in tables.waits),
            lambda id: bool(tables.children(id)),
        ]
        return [
            Defect("check.no-wake", id, "lives, but nothing that is stored will ever resume it")
            for id, stored in tables.instances.items()
            if stored.row.ended is None and stored.row.status != "suspended" and not any(has(id) for has in reasons)
        ]

    def _orphans(self) -> list[Defect]:
        tables = self.tables
        owners = [(key[0], "call") for key in tables.calls]
        owners += [(key[0], "signal wait") for key in tables.waits]
        owners += [(t.instance, "open task") for t in tables.tasks.values() if t.status == "open"]
        replayed = {record.replayed_as for record in tables.records}
        letters = [x for x in tables.letters.values() if x.state != "dead" and str(x.seq) not in replayed]
        owners += [(letter.message.instance, "message") for letter in letters]
        orphans = []
        for id, what in owners:
            stored = tables.instances.get(id)
            retried = what == "message" and stored is not None and stored.row.status == "failed"
            if stored is None or (stored.row.ended is not None and not retried):
                orphans.append(Defect("check.orphan", id, f"a {what} of an instance that does not live"))
        return orphans

    def _gaps(self) -> list[Defect]:
        return [
            Defect("check.gap", id, f"says {stored.row.events} events, its history is not 1 to {stored.row.events}")
            for id, stored in self.tables.instances.items()
            if [e.number for e in self.tables.events.get(id, [])] != list(range(self._first(id), stored.row.events + 1))
        ]

    def _first(self, id: str) -> int:
        """A history that was trimmed begins with a checkpoint."""
        first = next(iter(self.tables.events.get(id, ())), None)
        return first.number if first is not None and first.type == CHECKPOINT else 1


def _order(letter: Letter) -> tuple[bool, int, int]:
    return (not letter.message.control, letter.arrived, letter.seq)


def _wanted(found: Found, query: InstanceQuery) -> bool:
    row = found.row
    status = "running" if row.status == "waiting" and found.running else row.status
    return (
        query.workflow in (None, row.workflow)
        and (query.status is None or status in query.status)
        and query.version in (None, row.version)
        and query.reference in (None, row.reference)
        and query.key in (None, row.key)
        and query.parent in (None, row.parent)
        and (query.before is None or row.started < query.before)
        and (query.step is None or query.step in _texts(row.steps_json))
    )


def _task_wanted(task: TaskRow, query: TaskQuery) -> bool:
    return (
        query.status in (None, task.status)
        and query.assignee in (None, task.assignee)
        and query.name in (None, task.name)
        and (query.role is None or query.role in _texts(task.roles_json))
    )


def _texts(json: str) -> list[str]:
    texts = loads(json)
    return [str(text) for text in texts] if isinstance(texts, list) else []
