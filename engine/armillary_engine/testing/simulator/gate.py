"""A store as one process sees it: each transaction may fail before, inside or after, be held up, or be its last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ...backend import NOBODY, UNLIMITED, Backend, Begun, Capabilities, TaskChange, Wake
from ...clock import Clock
from ...definition.problems import ArmillaryError
from ...mutation import Claim, Delivery, Mutation, Outcome, Return
from ...rows import CallRow, SignalRow, Stored
from .definitions import kind_of
from .faults import Fault, Killed
from .gate_upkeep import UpkeepGate
from .hands import Hands

if TYPE_CHECKING:
    from .process import Process
    from .world import World

T = TypeVar("T")
Kinds = Callable[[], Collection[str]]


def kinds_of(mutations: Sequence[Mutation]) -> set[str]:
    """The kinds of the steps that slices concern."""
    return {kind_of(event.step) for one in mutations for event in one.events if event.step}


class Gate:
    """Stands between a process and the store. What is not written here is the store's own."""

    def __init__(self, inner: Backend, process: Process, world: World) -> None:
        self.inner = inner
        self.process = process
        self.world = world
        self.upkeep = UpkeepGate(inner.upkeep, self)
        self.hands = Hands(process)
        self.alive = True
        self.over = False
        self.untold = False
        """Something was committed here, and the others have not been told."""
        self.in_hand: Collection[str] = ()
        """The kinds of the steps of the last slices that were committed here."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    @property
    def clock(self) -> Clock:
        return self.world

    @property
    def owner(self) -> str:
        return self.process.owner

    def open_wake(self) -> Wake:
        return self.process

    def dead_owners(self) -> Collection[str]:
        return self.world.dead_owners()

    def close(self) -> None:
        self.alive = False

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _expect_alive(self) -> None:
        if not self.alive:
            raise Killed

    def _strike(self, fault: Fault, what: str, point: str, kinds: Kinds) -> None:
        self.world.hit(point, fault.action, kinds)
        when = "before" if point == "before" else "after"
        match fault.action:
            case "crash":
                self.world.crash(self.process, f"{when} {what}")
                raise Killed
            case "error":
                self.world.story.tell("%s: the store fails, %s %s", self.process, when, what)
                raise ArmillaryError("store.unavailable", f"expected the store to answer, got a fault {when} {what}")
            case "freeze":
                self.world.freeze(self.process, f"{when} {what}")
            case "preempt":
                self.world.preempt(self.process, f"{when} {what}")
            case "forward" | "back":
                self.world.jump(forward=fault.action == "forward")
        self._expect_alive()

    def _transaction(
        self, what: str, fault: Fault | None, work: Callable[[], T], seen: Callable[[T], None], kinds: Kinds,
        after: str = "committed",
    ) -> T:  # fmt: skip
        if fault is None:
            done = work()
            seen(done)
            return done
        if fault.phase == "before":
            self._strike(fault, what, "before", kinds)
        done = self._inside(what, fault, work, kinds) if fault.phase == "inside" else work()
        seen(done)
        if fault.phase == "after":
            self._strike(fault, what, after, kinds)
        return done

    def _inside(self, what: str, fault: Fault, work: Callable[[], T], kinds: Kinds) -> T:
        disk = self.world.disk
        error: BaseException = ArmillaryError("store.unavailable", "a fault within the transaction")
        if fault.action == "crash":
            error = Killed()
        disk.interrupt(self.inner, fault.statement, error)
        try:
            return work()
        except BaseException as raised:
            if raised is error:
                self.world.hit(fault.statement or "before", fault.action, kinds)
                where = f", after its statement {fault.statement}" if fault.statement else ""
                self.world.story.tell("%s: %s fails%s", self.process, what, where)
                if fault.action == "crash":
                    self.world.crash(self.process, f"within {what}")
            raise
        finally:
            disk.calm(self.inner)

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        self._expect_alive()
        world = self.world

        def kinds() -> set[str]:
            return kinds_of(mutations)

        def seen(outcomes: Sequence[Outcome]) -> None:
            self.in_hand, self.untold = (), True
            for mutation, outcome in zip(mutations, outcomes, strict=True):
                world.watch.committed(self.process, mutation, outcome)
            world.watch.batch(mutations, outcomes)

        done = self._transaction("the commit", world.faults.commit(), lambda: self.inner.commit(mutations), seen, kinds)
        self.in_hand = mutations  # type: ignore[assignment]
        self.hands.committed(mutations, done)
        return done

    def begin(self, mutations: Sequence[Mutation]) -> Begun:
        """All that can go wrong does in its second half. Services answer meanwhile, whoever asks whether it is over or
        not."""
        self._expect_alive()
        asked = False

        def ready(seconds: float) -> bool:
            nonlocal asked
            first, asked = not asked, True
            if first:
                self.world.network.answer_now(self.process)
            return not first

        def commit() -> Sequence[Outcome]:
            self.world.network.answer_now(self.process)
            return self.commit(mutations)

        return Begun(commit, ready)

    def kinds_in_hand(self) -> set[str]:
        """The kinds of the steps of the last slices that were committed here."""
        return kinds_of(self.in_hand)  # type: ignore[arg-type]

    def claim(self, n: int, owner: str, *, until: int, without: Collection[str] = NOBODY) -> Sequence[Claim]:
        self._expect_alive()
        world = self.world
        claims: Sequence[Claim] = ()

        def seen(done: Sequence[Claim]) -> None:
            nonlocal claims
            claims = done
            world.watch.claimed(self.process, done)

        self.hands.claimed(self._transaction(
            "the claim", world.faults.claim(), lambda: self.inner.claim(n, owner, until=until, without=without), seen,
            lambda: world.would_do(claims), "claimed",
        ))  # fmt: skip
        return claims

    def claim_calls(
        self, owner: str, *, services: Mapping[str, int], until: int, n: int = UNLIMITED
    ) -> Sequence[CallRow]:
        self._expect_alive()

        def work() -> Sequence[CallRow]:
            return self.inner.claim_calls(owner, services=services, until=until, n=n)

        def seen(calls: Sequence[CallRow]) -> None:
            self.world.watch.wrote()
            for call in calls:
                self.world.watch.side.claimed(call)

        fault = self.world.faults.claim()
        calls = self._transaction("the claim of calls", fault, work, seen, lambda: ("call",), "claimed")
        self.hands.leased(calls)
        return calls

    def time_out(self, n: int) -> int:
        """Nobody is told of it: whoever shares the store knows that moment as well."""
        self._expect_alive()

        def seen(_found: int) -> None:
            self.world.watch.timed_out()

        fault = self.world.faults.claim()
        return self._transaction(
            "timing out", fault, lambda: self.inner.time_out(n), seen, lambda: ("call",), "claimed"
        )

    def give_back(self, returns: Sequence[Return]) -> None:
        def seen(_done: None) -> None:
            for back in returns:
                if back.dead:
                    self.world.people.letter_died()

        self.writing("giving back", lambda: self.inner.give_back(returns), seen)
        self.hands.gave_back(returns)

    def extend_calls(self, held: Collection[tuple[str, int, int]], *, until: int) -> Collection[tuple[str, int, int]]:
        return self.writing("extending leases", lambda: self.inner.extend_calls(held, until=until))

    def release_owner(self, owner: str) -> None:
        if not self.over:
            self.writing("releasing leases", lambda: self.inner.release_owner(owner))

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        def seen(outcomes: Sequence[Outcome]) -> None:
            for delivery, outcome in zip(deliveries, outcomes, strict=True):
                self.world.watch.delivered(self.process, delivery, outcome)

        return self.writing("the delivery", lambda: self.inner.deliver(deliveries), seen)

    def store_signal(self, signal: SignalRow) -> Sequence[str]:
        def seen(went_to: Sequence[str]) -> None:
            self.world.watch.signalled(self.process, signal, went_to)

        return self.writing("the signal", lambda: self.inner.store_signal(signal), seen)

    def change_task(self, change: TaskChange) -> bool:
        return self.writing("the change of a task", lambda: self.inner.change_task(change))

    def writing(
        self, what: str, work: Callable[[], T], seen: Callable[[T], None] | None = None, kinds: Kinds = tuple
    ) -> T:  # fmt: skip
        """A transaction that is neither a claim nor the commit of slices."""
        self._expect_alive()

        def wrote(done: T) -> None:
            self.untold = True
            self.world.watch.wrote()
            if seen is not None:
                seen(done)

        return self._transaction(what, self.world.faults.other(), work, wrote, kinds)

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def due(self, *, services: Collection[str], without: Collection[str] = NOBODY) -> int | None:
        return self.reading("looking", lambda: self.inner.due(services=services, without=without))

    def read(self, instances: Sequence[str]) -> Mapping[str, Stored]:
        return self.reading("reading", lambda: self.inner.read(instances))

    def would_meet(self, signal: SignalRow) -> tuple[Stored, int] | None:
        """Nobody asks where others are sent at the same time."""
        if self.world.crowded:
            return None
        return self.reading("looking for a wait", lambda: self.inner.would_meet(signal))

    def reading(self, what: str, work: Callable[[], T]) -> T:
        """A read."""
        self._expect_alive()
        fault = self.world.faults.read()
        if fault is None:
            return work()
        return self._transaction(what, fault, work, lambda _done: None, tuple)
