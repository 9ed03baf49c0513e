"""What is done beside the slices, in memory: see :class:`armillary_engine.backend.Upkeep`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ..clock import Clock
from ..definition.values import dumps
from ..messages import TIMER
from ..queries import SignalQuery
from ..rows import CallRow, Letter, LetterRecord, ScheduleRow, SentSignal, SignalState, SignalWait, TaskEventRow
from ..upkeep import Refusal
from .memory_reads import MemoryReads
from .memory_tables import KeptSignal


class MemoryUpkeep:
    """``tables`` of the store are looked up at each call."""

    def __init__(self, store: MemoryReads, clock: Callable[[], Clock]) -> None:
        self._store = store
        self._clock = clock

    def call(self, instance: str, serial: int) -> CallRow | None:
        with self._store.lock:
            return self._store.tables.calls.get((instance, serial))

    def accept_call(self, instance: str, serial: int, fence: int) -> bool:
        with self._store.lock:
            call = self._store.tables.calls.get((instance, serial))
            if call is None or call.fence != fence or call.state not in ("ready", "held"):
                return False
            self._store.tables.calls[instance, serial] = replace(call, state="accepted", owner=None)
            return True

    def signals(self, query: SignalQuery) -> Sequence[SentSignal]:
        with self._store.lock:
            kept = sorted(self._store.tables.signals.values(), key=lambda one: one.seq)
            if query.after is not None:
                last = self._store.tables.signals.get(query.after)
                kept = [one for one in kept if last is not None and one.seq > last.seq]
            found = [_sent(one) for one in kept]
        return [
            one
            for one in found
            if query.id in (None, one.row.id)
            and query.name in (None, one.row.name)
            and query.instance in (None, one.row.instance)
            and query.status in (None, one.state)
        ][: query.limit]

    def waits(self, name: str, limit: int) -> Sequence[tuple[str, SignalWait]]:
        with self._store.lock:
            found = sorted(
                (n, key[0], wait) for key, (n, wait) in self._store.tables.waits.items() if wait.name == name
            )
            return [(instance, wait) for _, instance, wait in found[:limit]]

    def expire_signals(self, n: int) -> Sequence[str]:
        with self._store.lock:
            tables, now = self._store.tables, self._clock().now()
            over = [one for one in tables.signals.values() if one.kept and one.row.expires <= now]
            over = sorted(over, key=lambda one: one.row.expires)[:n]
            for one in over:
                tables.signals[one.row.id] = replace(one, kept=False, over="unmatched")
            return [one.row.id for one in over]

    def decide(self, record: LetterRecord) -> LetterRecord | Refusal:
        kind, _, id = record.letter.partition("-")
        with self._store.lock:
            decided = self._signal(record, id) if kind == "signal" else self._message(record, int(id))
            if isinstance(decided, LetterRecord):
                self._store.tables.records.append(decided)
            return decided

    def _signal(self, record: LetterRecord, id: str) -> LetterRecord | Refusal:
        signal = self._store.tables.signals.get(id)
        if signal is None or signal.over != "unmatched":
            return "gone"
        self._store.tables.signals[id] = replace(signal, over="decided")
        return record

    def _message(self, record: LetterRecord, seq: int) -> LetterRecord | Refusal:
        tables, now = self._store.tables, self._clock().now()
        letter = tables.letters.get(seq)
        if letter is None or letter.state != "dead":
            return "gone"
        if record.status == "dropped":
            if self._needed(letter):
                return "needed"
            tables.remove_letter(seq)
            return record
        tables.remove_letter(seq)
        arrived = letter.arrived if letter.message.kind == TIMER else now  # it names the deadline that was due
        fresh = tables.new_letter(letter.message, arrived)
        suspended = tables.instances[letter.message.instance].row.status == "suspended"
        held = suspended and not letter.message.control
        tables.put_letter(replace(fresh, state="held") if held else fresh, eligible=now)
        return replace(record, replayed_as=str(fresh.seq))

    def _needed(self, letter: Letter) -> bool:
        sent = letter.message
        if self._store.tables.instances[sent.instance].row.ended is not None:
            return False
        others = list(self._store.pending(sent.instance))
        others.remove(("timer" if sent.kind == TIMER else "message", sent.serial))
        # Whether an accepted call is ever answered, only its service knows: its time-out alone resumes it.
        accepted = {("call", c.serial) for c in self._store.tables.calls_of(sent.instance) if c.state == "accepted"}
        return not any(sent.serial in (0, one[1]) for one in others if one not in accepted)

    def records(self, *, limit: int) -> Sequence[LetterRecord]:
        with self._store.lock:
            return self._store.tables.records[::-1][:limit]

    def schedules(self, id: str | None = None) -> Sequence[ScheduleRow]:
        with self._store.lock:
            found = self._store.tables.schedules
            return [found[one] for one in sorted(found) if id in (None, one)]

    def put_schedule(self, schedule: ScheduleRow) -> bool:
        with self._store.lock:
            before = self._store.tables.schedules.get(schedule.id)
            if schedule.revision != (1 if before is None else before.revision + 1):
                return False
            self._store.tables.schedules[schedule.id] = schedule
            return True

    def delete_schedule(self, id: str) -> bool:
        with self._store.lock:
            return self._store.tables.schedules.pop(id, None) is not None

    def due(self) -> int | None:
        with self._store.lock:
            tables = self._store.tables
            moments = [row.next for row in tables.schedules.values() if row.next is not None]
            moments += [one.row.expires for one in tables.signals.values() if one.kept]
            return min(moments, default=None)

    def comment(self, event: TaskEventRow) -> None:
        with self._store.lock:
            self._store.tables.task_events.append(event)


def _sent(signal: KeptSignal) -> SentSignal:
    state: SignalState
    if signal.over is not None:
        state = signal.over
    elif signal.kept:
        state = "kept"
    else:
        state = "told" if signal.row.mode == "all" else "taken"
    return SentSignal(signal.row, state, dumps(list(signal.takers)).decode())
