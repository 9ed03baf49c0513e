"""The store in memory: dictionaries and one lock. It is the executable specification of :mod:`..backend`.

Nothing outlives the process. ``memory://`` gives a store of its own, ``memory://name`` one that all who name it share.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from ..backend import NOBODY, UNLIMITED, Backend, Capabilities, TaskChange, Whole
from ..clock import Clock, SystemClock
from ..messages import SIGNAL, TIMER, signal_body, signal_of, timer
from ..mutation import Answered, Claim, Consumes, Delivery, Met, Mutation, Nothing, Outcome, Replied, Return, Taken
from ..rows import CallRow, DefinitionRow, Message, SignalRow, SignalWait, Stored, TaskEventRow
from ..wakes.drivers import refuse_driver
from ..wakes.inprocess import InProcessWake
from .memory_reads import MemoryReads
from .memory_retention import MemoryRetention
from .memory_tables import KeptSignal, Lease, Tables, meets
from .memory_upkeep import MemoryUpkeep


class MemoryBackend(MemoryReads, Whole):
    """See :class:`armillary_engine.backend.Backend`; the docstrings there hold here."""

    def __init__(self, *, clock: Clock | None = None, name: str = "") -> None:
        super().__init__(Tables(), clock or SystemClock(), threading.RLock())
        self.name = name
        self.owner = secrets.token_hex(4)
        self._wakes: list[InProcessWake] = []
        self._announced: set[str] = set()
        self.upkeep = MemoryUpkeep(self, lambda: self.clock)
        self.retention = MemoryRetention(self, lambda: self.clock)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(name="memory", durable=False, shared=False)

    def open_wake(self) -> InProcessWake:
        return InProcessWake(self._wakes)

    def announce(self, services: Collection[str]) -> None:
        self._announced |= set(services)

    def announced(self) -> Collection[str]:
        return frozenset(self._announced)

    def dead_owners(self) -> Collection[str]:
        return ()

    def close(self) -> None:
        """Forgets nothing: a runtime that opens the same named store again goes on with it."""

    # ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        with self.lock:
            return [self._commit(mutation) for mutation in mutations]

    def _commit(self, mutation: Mutation) -> Outcome:
        row = mutation.row
        refused = self._taken(mutation) if mutation.expected is None else self._stale(mutation)
        if refused is None and not self._consumable(row.id, mutation.consumes):
            refused = Outcome("fenced", row.id)
        if refused is not None:
            return refused
        self._consume(row.id, mutation.consumes)
        self._close(mutation)
        self._project(mutation)
        self._open(mutation)
        self._send(mutation)
        return Outcome("committed", row.id, row.revision)

    def _taken(self, mutation: Mutation) -> Outcome | None:
        row = mutation.row
        holder = None if row.key is None else self.tables.keys.get((row.workflow, row.key))
        if holder is None and row.id in self.tables.instances:
            holder = row.id
        return None if holder is None else Outcome("exists", holder)

    def _stale(self, mutation: Mutation) -> Outcome | None:
        stored = self.tables.instances.get(mutation.row.id)
        if stored is None:
            return Outcome("unknown", mutation.row.id)
        if stored.row.revision != mutation.expected:
            return Outcome("conflict", mutation.row.id, stored.row.revision)
        if not isinstance(mutation.consumes, Taken) and self._others_first(stored):
            return Outcome("behind", mutation.row.id, stored.row.revision)
        return None

    def _others_first(self, stored: Stored) -> bool:
        if stored.row.status == "suspended":
            return True
        now = self.clock.now()
        return stored.row.id in self.tables.overdue(now) or any(
            letter.state == "ready" and (self.tables.eligible[letter.seq] <= now or letter.seq in self.tables.leases)
            for letter in self.tables.letters_of(stored.row.id)
        )

    def _consumable(self, instance: str, consumes: Consumes) -> bool:
        return self.tables.consumable(instance, consumes)

    def _consume(self, instance: str, consumes: Consumes) -> None:
        tables, now = self.tables, self.clock.now()
        match consumes:
            case Taken(seq=seq):
                tables.remove_letter(seq)
            case Replied(serial=serial):
                call = tables.calls[instance, serial]
                tables.calls[instance, serial] = replace(call, state="answered", owner=None)
            case Answered(serial=serial, answer_json=answer, by=by):
                task = tables.tasks[instance, serial]
                done = replace(task, status="completed", answer_json=answer, completed_by=by, ended=now)
                tables.tasks[instance, serial] = done
                tables.task_events.append(TaskEventRow(instance, serial, "completed", now, by))
            case Met(serial=serial, signal=signal, chain=chain):
                del tables.waits[instance, serial]
                taker = f"{instance}/{serial}"
                tables.signals[signal.id] = KeptSignal(tables.number(), signal, chain, kept=False, takers=(taker,))
            case Nothing():
                pass

    def _close(self, mutation: Mutation) -> None:
        tables, id = self.tables, mutation.row.id
        for close in mutation.closes:
            tables.calls.pop((id, close.serial), None)
            tables.waits.pop((id, close.serial), None)
            tables.cancel_task(id, close, self.clock.now())
            for letter in tables.letters_of(id):
                if letter.message.serial != close.serial:
                    continue
                if letter.message.kind == SIGNAL:
                    tables.remove_letter(letter.seq)
                    self._put_back(signal_of(letter.message))
                elif letter.message.kind == TIMER and (letter.state != "dead" or mutation.row.ended is None):
                    tables.remove_letter(letter.seq)

    def _project(self, mutation: Mutation) -> None:
        tables, row = self.tables, mutation.row
        tables.put_instance(Stored(row, mutation.snapshot))
        tables.events.setdefault(row.id, []).extend(mutation.events)
        tables.task_events.extend(mutation.task_events)
        if row.next is not None:
            tables.pass_on(row.id, row.next)
        if row.ended is not None:
            tables.end(row.id)
        if mutation.holds is not None:
            tables.hold(row.id, held=mutation.holds)

    def _open(self, mutation: Mutation) -> None:
        tables, row = self.tables, mutation.row
        held = row.status == "suspended"
        for retry in mutation.retries:
            call = tables.calls[row.id, retry.serial]
            tables.calls[row.id, retry.serial] = replace(
                call,
                attempt=retry.attempt,
                fence=call.fence + 1,
                ready=retry.ready,
                owner=None,
                deliveries=0,
                state="held" if held else "ready",
            )
        for call in mutation.calls:
            tables.calls[row.id, call.serial] = replace(call, state="held", owner=None) if held else call
        for task in mutation.tasks:
            tables.tasks[row.id, task.serial] = task
        for escalation in mutation.escalations:
            task = tables.tasks[row.id, escalation.serial]
            tables.tasks[row.id, escalation.serial] = replace(task, roles_json=escalation.roles_json)
        for wait in mutation.waits:
            self._open_wait(row.id, row.chain, wait)

    def _open_wait(self, instance: str, chain: str, wait: SignalWait) -> None:
        now, signals = self.clock.now(), self.tables.signals.values()
        kept = (s for s in signals if s.kept and s.row.expires > now and meets(s.row, s.chain, wait, chain))
        signal = min(kept, key=lambda s: s.seq, default=None)
        if signal is None:
            self.tables.waits[instance, wait.serial] = (self.tables.number(), wait)
            return
        self.tables.signals[signal.row.id] = replace(signal, kept=False, takers=(f"{instance}/{wait.serial}",))
        self._hand(signal.row, instance, wait.serial)

    def _put_back(self, id: str) -> None:
        """A wait closed before it could take its signal: the signal goes to the next wait, or is kept; one whose time
        is over is kept for whoever sets it aside."""
        signal = self.tables.signals.get(id)
        if signal is None or signal.row.mode != "one":
            return
        takers = self._offer(signal.row, signal.chain) if signal.row.expires > self.clock.now() else []
        self.tables.signals[id] = replace(signal, kept=not takers, takers=tuple(takers))

    def _offer(self, signal: SignalRow, chain: str | None) -> list[str]:
        """Hands a signal to the waits that it meets, and gives their waiting tokens."""
        tables = self.tables
        meeting = tables.meeting(signal, chain)
        taken = meeting if signal.mode == "all" else meeting[:1]
        for key in taken:
            del tables.waits[key]
            self._hand(signal, *key)
        return [f"{instance}/{serial}" for instance, serial in taken]

    def _hand(self, signal: SignalRow, instance: str, serial: int) -> None:
        body = signal_body(signal.id, signal.name, signal.payload_json)
        self._store(Message(instance, SIGNAL, body, serial=serial))

    def _send(self, mutation: Mutation) -> None:
        for new in mutation.instances:
            self.tables.put_instance(Stored(new.row, new.snapshot))
            self._store(new.start)
        for message in mutation.messages:
            self._store(message)

    def _store(self, message: Message) -> Outcome:
        """A message to an instance that has ended, or is unknown, disappears: nobody can take it any more."""
        addressee = self.tables.living(message.instance) if message.follow else message.instance
        stored = self.tables.instances.get(addressee)
        if stored is None:
            return Outcome("unknown", message.instance)
        if stored.row.ended is not None and not self.tables.takes(stored, message):
            return Outcome("ended", addressee)
        now = self.clock.now()
        arrived = now if message.ready is None else message.ready
        fresh = replace(message, instance=addressee, ready=arrived, follow=False)
        letter = self.tables.new_letter(fresh, arrived)
        held = stored.row.status == "suspended" and not message.control
        self.tables.put_letter(replace(letter, state="held") if held else letter, eligible=arrived)
        return Outcome("committed", addressee, stored.row.revision)

    # ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def claim(self, n: int, owner: str, *, until: int, without: Collection[str] = NOBODY) -> Sequence[Claim]:
        with self.lock:
            tables, now, claims = self.tables, self.clock.now(), list[Claim]()
            for letter in self.shared_out(self.first_in_line(now, without), n):
                taken = replace(letter, deliveries=letter.deliveries + 1, failures=letter.failures + 1)
                tables.put_letter(taken, eligible=until)
                tables.leases[letter.seq] = Lease(owner, until)
                claims.append(Claim(taken, tables.instances[letter.message.instance], now))
            return claims

    def give_back(self, returns: Sequence[Return]) -> None:
        with self.lock:
            for back in returns:
                letter = self.tables.letters.get(back.seq)
                if letter is None or letter.deliveries != back.fence or back.seq not in self.tables.leases:
                    continue
                failures = letter.failures - (0 if back.counts else 1)
                given = replace(letter, failures=failures, error=back.error or letter.error)
                self.tables.put_letter(replace(given, state="dead") if back.dead else given, eligible=back.ready)
                del self.tables.leases[back.seq]

    def claim_calls(
        self, owner: str, *, services: Mapping[str, int], until: int, n: int = UNLIMITED
    ) -> Sequence[CallRow]:
        with self.lock:
            now, free, claimed = self.clock.now(), dict(services), list[CallRow]()
            due = (c for c in self.tables.calls.values() if c.state == "ready" and c.ready <= now)
            for call in sorted(due, key=lambda c: c.ready):
                if free.get(call.service, 0) <= 0 or len(claimed) >= n:
                    continue
                free[call.service] -= 1
                leased = replace(call, owner=owner, ready=until, fence=call.fence + 1, deliveries=call.deliveries + 1)
                self.tables.calls[call.instance, call.serial] = leased
                claimed.append(leased)
            return claimed

    def time_out(self, n: int) -> int:
        with self.lock:
            over = self.tables.time_out(self.clock.now(), n)
            for moment, key in over:
                self._store(timer(*key, "timeout", moment))
            return len(over)

    def extend_calls(self, held: Collection[tuple[str, int, int]], *, until: int) -> Collection[tuple[str, int, int]]:
        with self.lock:
            lost = []
            for instance, serial, fence in held:
                call = self.tables.calls.get((instance, serial))
                if call is None or call.fence != fence or call.owner is None:
                    lost.append((instance, serial, fence))
                else:
                    self.tables.calls[instance, serial] = replace(call, ready=until)
            return lost

    def release_owner(self, owner: str) -> None:
        with self.lock:
            now = self.clock.now()
            for seq in [seq for seq, lease in self.tables.leases.items() if lease.owner == owner]:
                self.tables.put_letter(self.tables.letters[seq], eligible=now)
                del self.tables.leases[seq]
            for key, call in self.tables.calls.items():
                if call.owner == owner:
                    self.tables.calls[key] = replace(call, owner=None, ready=now)

    # ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        with self.lock:
            return [self._deliver(delivery) for delivery in deliveries]

    def _deliver(self, delivery: Delivery) -> Outcome:
        instance = delivery.message.instance
        if not self._consumable(instance, delivery.consumes):
            known = instance in self.tables.instances
            return Outcome("fenced" if known else "unknown", instance)
        outcome = self._store(delivery.message)
        if outcome.kind == "committed":
            self._consume(instance, delivery.consumes)
        return outcome

    def store_signal(self, signal: SignalRow) -> Sequence[str]:
        with self.lock:
            tables = self.tables
            if signal.id in tables.signals:
                return ()
            chain = tables.chain_of(signal)
            number, taken = tables.number(), self._offer(signal, chain)
            kept = not taken and signal.mode == "one"
            tables.signals[signal.id] = KeptSignal(number, signal, chain, kept, tuple(taken))
            return [token.rpartition("/")[0] for token in taken]

    def change_task(self, change: TaskChange) -> bool:
        with self.lock:
            return self.tables.change_task(change)

    def deploy(self, definition: DefinitionRow) -> DefinitionRow:
        with self.lock:
            return self.tables.deploy(definition)

    def enable(self, digest: str, enabled: bool) -> bool:
        with self.lock:
            return self.tables.enable(digest, enabled)


_NAMED: dict[str, MemoryBackend] = {}


def open_backend(url: str, *, clock: Clock | None = None) -> Backend:
    """``memory://`` or ``memory://name``."""
    refuse_driver(url, "a store in memory", "within its process")
    name = url.removeprefix("memory://").strip("/")
    return _NAMED.setdefault(name, MemoryBackend(clock=clock, name=name)) if name else MemoryBackend(clock=clock)
