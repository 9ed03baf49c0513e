"""What the cases work with: a store that can be opened again, rows to put into it, and the check at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec.structs import replace

from ...backend import Backend
from ...clock import Clock
from ...mutation import Claim, Close, Consumes, Delivery, Mutation, Nothing, Outcome, Return
from ...rows import CallRow, EventRow, InstanceRow, Letter, LetterRecord, Message, SignalWait, Stored, TaskRow
from ...upkeep import Refusal
from ..clock import VirtualClock

SECOND = 1_000_000
FOREVER = SignalWait(9, "never", None)
"""What an instance waits for that is to go on living."""
Factory = Callable[[Clock], Backend]
Hold = Callable[[Backend], AbstractContextManager[threading.Event]]


def _not_held(_store: Backend) -> AbstractContextManager[threading.Event]:
    raise TypeError("expected a bench that can hold a transaction open, got one without; make it with Bench(…, hold)")


@dataclass(slots=True)
class Bench:
    """A store under test, with the moves that the cases are made of."""

    factory: Factory
    hold: Hold = _not_held
    """Holds the next transaction of an opening open, just before it is committed."""
    clock: VirtualClock = field(default_factory=VirtualClock)
    opened: list[Backend] = field(default_factory=list)

    def open(self) -> Backend:
        """Opens the store once more: as another process does."""
        self.opened.append(self.factory(self.clock))
        return self.opened[-1]

    @property
    def store(self) -> Backend:
        return self.opened[0]

    def close(self) -> None:
        for backend in self.opened:
            backend.close()

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, instance: str = "i", **parts: Any) -> Mutation:
        """The first mutation of an instance: it waits for the signal ``never`` unless ``parts`` open something else."""
        now = self.clock.now()
        of_row = {name: parts.pop(name) for name in _ROW_FIELDS if name in parts}
        given = {"digest": "d1", "chain": instance, "started": now, "updated": now, "steps_json": '["s"]', **of_row}
        row = InstanceRow(id=instance, workflow="Case", version="1.0.0", revision=1, events=1, **given)
        event = EventRow(1, "instance.started", now, 0, None)
        snapshot = parts.pop("snapshot", f"{instance}@1".encode())
        return Mutation(row, snapshot, Nothing(), None, events=(event,), **parts)

    def after(self, stored: Stored, consumes: Consumes, **parts: Any) -> Mutation:
        """The next mutation of an instance; where it ends, it closes what is open, unless ``closes`` says what."""
        now = self.clock.now()
        if parts.get("ended") is not None and "closes" not in parts:
            parts["closes"] = tuple(
                Close(serial, "done", kind)  # type: ignore[arg-type]
                for kind, serial in self.store.pending(stored.row.id)
                if kind in ("call", "task", "signal")
            )
        of_row = {name: parts.pop(name) for name in _ROW_FIELDS if name in parts}
        revision, number = stored.row.revision + 1, stored.row.events + 1
        row = replace(stored.row, revision=revision, events=number, updated=now, **of_row)
        event = EventRow(number, "step.done", now, 1, "s")
        snapshot = parts.pop("snapshot", f"{row.id}@{revision}".encode())
        return Mutation(row, snapshot, consumes, stored.row.revision, events=(event,), **parts)

    def call(self, instance: str = "i", serial: int = 1, **fields: Any) -> CallRow:
        """A call to ``rating``, due now."""
        now = self.clock.now()
        row = CallRow(
            instance, serial, "s", "rating", "quote", '{"a":1}', f"{instance}/{serial}", now + 3600 * SECOND,
            30 * SECOND, ready=now,
        )  # fmt: skip
        return replace(row, **fields)

    def task(self, instance: str = "i", serial: int = 1, **fields: Any) -> TaskRow:
        """An open task for the role ``underwriter``."""
        row = TaskRow(instance, serial, "s", "Review", "Review it", '["underwriter"]', "null", self.clock.now())
        return replace(row, **fields)

    # ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, mutation: Mutation, backend: Backend | None = None) -> Outcome:
        (outcome,) = (backend or self.store).commit([mutation])
        return outcome

    def begin(self, instance: str = "i", **parts: Any) -> Stored:
        """Starts an instance, which must succeed."""
        assert self.commit(self.start(instance, **parts)).kind == "committed"
        return self.read(instance)

    def read(self, instance: str = "i") -> Stored:
        return self.store.read([instance])[instance]

    def send(self, message: Message, backend: Backend | None = None) -> Outcome:
        (outcome,) = (backend or self.store).deliver([Delivery(message)])
        return outcome

    def claim(self, n: int = 10, backend: Backend | None = None, *, seconds: float = 30, **options: Any) -> list[Claim]:
        store = backend or self.store
        return list(store.claim(n, store.owner, until=self.clock.now() + int(seconds * SECOND), **options))

    def claim_calls(self, backend: Backend | None = None, *, seconds: float = 30, **services: int) -> list[CallRow]:
        store = backend or self.store
        until = self.clock.now() + int(seconds * SECOND)
        return list(store.claim_calls(store.owner, services=services or {"rating": 10}, until=until))

    def decide(
        self, letter: Letter, status: Literal["replayed", "dropped"], backend: Backend | None = None
    ) -> LetterRecord | Refusal:  # fmt: skip
        """What an operator says about a dead letter."""
        sent = letter.message
        record = LetterRecord(
            f"message-{letter.seq}",
            status,
            sent.kind,
            sent.instance,
            None,
            sent.body,
            letter.arrived,
            letter.failures,
            letter.error,
            self.clock.now(),
            "ann",
        )
        return (backend or self.store).upkeep.decide(record)

    def kill(self, claim: Claim) -> Letter:
        """A claimed message becomes a dead letter."""
        seq, fence = claim.letter.seq, claim.letter.deliveries
        self.store.give_back([Return(seq, fence, self.clock.now(), error="broken", dead=True)])
        return next(one for one in self.store.letters() if one.seq == seq)


_ROW_FIELDS = frozenset(InstanceRow.__struct_fields__) - {"id", "revision", "events"}

Case = Callable[[Bench], None]
CASES: list[Case] = []


def case(function: Case) -> Case:
    """Makes a function part of the suite."""
    CASES.append(function)
    return function


def name(function: Case) -> str:
    """How a case is called in test reports."""
    return function.__name__


def run(function: Case, factory: Factory, hold: Hold) -> None:
    """Runs one case on a fresh store, and the store's own check after it."""
    bench = Bench(factory, hold)
    bench.open()
    try:
        function(bench)
        assert list(bench.store.check()) == []
    finally:
        bench.close()


def message(instance: str = "i", kind: str = "continue", body: bytes = b"null", **fields: Any) -> Message:
    """A trigger."""
    return replace(Message(instance, kind, body), **fields)
