"""What is done beside the slices, as one process sees it: calls answered later, expiry, dead letters, schedules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ...rows import CallRow, LetterRecord, ScheduleRow
from ...upkeep import Refusal, Upkeep

if TYPE_CHECKING:
    from .gate import Gate

T = TypeVar("T")


class UpkeepGate:
    """Stands before the upkeep of a store as :class:`.gate.Gate` before the rest. What is not written here is the
    store's own."""

    def __init__(self, inner: Upkeep, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate
        self.asks = 0
        """How often it was asked what is due."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def accept_call(self, instance: str, serial: int, fence: int) -> bool:
        def seen(accepted: bool) -> None:
            call = self._inner.call(instance, serial)
            if accepted and call is not None:
                self._gate.world.watch.side.accepts(instance, serial, call.attempt)

        return self._write("accepting a call", lambda: self._inner.accept_call(instance, serial, fence), "call", seen)

    def expire_signals(self, n: int) -> Sequence[str]:
        def seen(over: Sequence[str]) -> None:
            self._gate.world.watch.side.expired(self._gate.process, over)

        return self._write("setting signals aside", lambda: self._inner.expire_signals(n), "signal", seen)

    def decide(self, record: LetterRecord) -> LetterRecord | Refusal:
        def seen(decided: LetterRecord | Refusal) -> None:
            self._gate.world.watch.side.decided(record, decided)

        return self._write("deciding about a dead letter", lambda: self._inner.decide(record), "signal", seen)

    def put_schedule(self, schedule: ScheduleRow) -> bool:
        before: ScheduleRow | None = None

        def seen(stored: bool) -> None:
            if stored:
                self._gate.world.watch.side.scheduled(self._gate.process, before, schedule)

        def work() -> bool:
            nonlocal before
            before = next(iter(self._inner.schedules(schedule.id)), None)
            return self._inner.put_schedule(schedule)

        return self._write("storing a schedule", work, None, seen)

    def delete_schedule(self, id: str) -> bool:
        return self._write("deleting a schedule", lambda: self._inner.delete_schedule(id))

    def call(self, instance: str, serial: int) -> CallRow | None:
        return self._gate.reading("reading a call", lambda: self._inner.call(instance, serial))

    def due(self) -> int | None:
        self.asks += 1
        return self._gate.reading("looking for chores", self._inner.due)

    def _write(
        self, what: str, work: Callable[[], T], kind: str | None = None, seen: Callable[[T], None] | None = None
    ) -> T:  # fmt: skip
        return self._gate.writing(what, work, seen, lambda: () if kind is None else (kind,))
