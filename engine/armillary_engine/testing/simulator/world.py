"""The world of one seed: a clock, processes that come and go, people, and everything that happens, one thing at a time.

Each event is a function and the moment at which it is called; the earliest is next. Whoever is held up in the middle of
a transaction waits in a nested loop of the same events, so that others go on meanwhile, on one thread.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

from ...interpreter import Program, decode, interpret
from ...messages import trigger_of
from ...mutation import Claim
from ...rows import DefinitionRow
from ..clock import BEGINNING
from .definitions import SERVICES, kind_of
from .faults import Coverage, Faults, Killed
from .network import Network
from .people import People
from .process import Process, Services
from .stores import Disk, MemoryDisk
from .story import Story, Violation
from .watch import Watch

SECOND = 1_000_000
NAMES = ("alpha", "beta", "gamma")
DEEPEST = 2
"""So many may be held up at a time, each within the other's time."""


class World:
    """Everything that a run consists of. It is the clock, too."""

    def __init__(
        self, seed: int, rows: Sequence[DefinitionRow], programs: Mapping[str, Program],
        disk: Callable[[World], Disk] = MemoryDisk, *, faulty: bool = True,
    ) -> None:  # fmt: skip
        self.random = Random(seed)
        self.offset = BEGINNING
        self.latest = BEGINNING
        """The latest moment that any clock has shown."""
        self.set_back = 0
        """By how much the clock was set back, all in all."""
        self.story = Story()
        self.faults = Faults(self.random, 1.0 if faulty else 0.0)
        self.coverage = Coverage()
        self.services = Services()
        self.disk = disk(self)
        self.watch = Watch(self)
        self.people = People(self)
        self.poisonous: dict[int, bool] = {}
        """Messages that were claimed, and whether they come to nothing whenever they are taken."""
        self.programs = programs
        self.crowded = seed % 2 == 1
        """Signals are sent while others are, so that workers take all of them."""
        self._limit = 1 if self.random.random() < 0.15 else None
        self._events: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = count()
        self._openings = count(1)
        self._names = count(1)
        self.network = Network(self)
        self.depth = 0
        self.crashes = 0
        self.happened = 0
        for row in rows:
            self.watch.store.deploy(row)
        self.processes: list[Process] = []
        for name in NAMES[: 1 + self.random.randrange(3)]:
            self.open(name)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def true(self) -> int:
        """Microseconds since the beginning, whatever the clock says."""
        return self.story.true

    def now(self) -> int:
        """See :class:`armillary_engine.clock.Clock`."""
        return self.story.true + self.offset

    def wait(self, flag: threading.Event, until: int | None) -> bool:
        """Nobody may wait here."""
        raise AssertionError("expected nobody to block in a simulation")

    def jump(self, *, forward: bool) -> None:
        """The machine's clock is set."""
        span = int(10 ** self.random.uniform(5, 8.5 if forward else 7.5))
        self.offset += span if forward else -span
        self.set_back += 0 if forward else span
        self.latest = max(self.latest, self.now())
        self.story.tell("the clock goes %s by %.1f s", "on" if forward else "back", span / SECOND)
        for process in self.processes:
            if not forward:  # what had begun may lie ahead again
                process.miss(self.happened)
            if process.up and process.resting:
                self._schedule(process)

    def at(self, delay: int, act: Callable[..., None], *parts: Any) -> None:
        """``act(*parts)`` happens after ``delay`` microseconds."""
        heapq.heappush(self._events, (self.story.true + max(delay, 0), next(self._number), act, parts))

    def next_event(self) -> int | None:
        """When something will happen."""
        return self._events[0][0] if self._events else None

    def happen(self) -> None:
        """The next event."""
        moment, _, act, parts = heapq.heappop(self._events)
        if moment - self.story.true > 10_000 and not self.depth:
            self.network.expect_awake()
        self.story.true = max(self.story.true, moment)
        self.latest = max(self.latest, self.now())
        self.happened += 1
        act(*parts)
        for process in self.processes:
            if process.up and process.resting and process.flag:
                self._schedule(process)
        self.watch.after_event()

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, name: str, owner: str | None = None) -> None:
        """A process opens the store."""
        number = next(self._openings)
        try:
            lacks = self._lacks()
            process = Process(self, name, owner or f"{name}{number}", number, self.programs, self._limit, lacks)
        except Killed:
            return
        except Exception as error:  # the store failed while it was opened
            if getattr(error, "code", "").startswith("store."):
                self.at(SECOND, self.open, name, owner)
                return
            raise
        self.processes.append(process)
        self._again(process)
        self.story.tell("%s opens the store as %s%s", process, process.owner, f", without {lacks}" if lacks else "")
        if lacks is not None:
            self.coverage.sights["service or function lacking"] += 1
            self.at(int(10 ** self.random.uniform(5, 7.7)), process.get_what_it_lacks)

    def _lacks(self) -> str | None:
        """A notebook that opens its store again has not run its cells yet."""
        if not self.faults.chance(0.15):
            return None
        return (*SERVICES, "functions")[int(self.random.random() * 3)]

    def new_id(self) -> str:
        """An id for an instance that nobody has named: the same for the same seed."""
        return f"n{next(self._names)}"

    def dead_owners(self) -> Collection[str]:
        """Those whose death is known: sometimes nobody's."""
        living = {process.owner for process in self.processes if process.up}
        if self.random.random() < 0.5:
            return ()
        return [process.owner for process in self.processes if process.owner not in living]

    def crash(self, process: Process, where: str) -> None:
        """A process dies, with all that it had in hand; it comes back, at times under the same name."""
        self.crashes += 1
        if process.gate.untold or process.in_turn:
            for other in self.processes:
                other.miss(self.happened)
        process.up = process.gate.alive = False
        self.story.tell("%s dies, %s", process, where)
        same = self.random.random() < 0.5
        self.coverage.actions["restarted under the same name" if same else "restarted"] += 1
        self.at(int(10 ** self.random.uniform(4, 8)), self.open, process.name, process.owner if same else None)

    def stop(self, process: Process) -> None:
        """A process is asked to stop, and comes back."""
        if not process.up or process.frozen or process.in_turn:
            return
        self.story.tell("%s stops", process)
        self.coverage.actions["stopped"] += 1
        try:
            process.runtime.close()
        except Killed:
            return
        except Exception as error:
            if not getattr(error, "code", "").startswith("store."):
                raise
        process.up = process.gate.alive = False
        self.at(int(10 ** self.random.uniform(4, 7.5)), self.open, process.name)

    def _again(self, process: Process) -> None:
        process.token += 1
        self.at(1 + int(self.random.random() * 400), self._turn, process, process.token)

    def _schedule(self, process: Process) -> None:
        """A process that rests is woken by its flag, or when its time has come."""
        if process.flag:
            process.resting = False
            self._again(process)
        elif process.until is not None:
            process.token += 1
            self.at(process.until - self.now() + int(self.random.random() * 200), self._turn, process, process.token)

    def _turn(self, process: Process, token: int) -> None:
        if not process.up or process.token != token:
            return
        if process.frozen or process.in_turn:
            process.deferred.append((self._turn, (process, token)))
            return
        if process.resting and not process.flag and process.until is not None and process.until > self.now():
            self._schedule(process)  # the clock was set back meanwhile
            return
        process.in_turn, process.resting = True, False
        began, looks, asks = self.happened, process.looks(), process.gate.upkeep.asks
        try:
            rest = process.loop.turn()
        except Killed:
            return
        finally:
            process.in_turn = False
        self._rejoin(process)
        if process.blind_since is not None and process.blind_since < began and process.looks() > looks:
            process.blind_since = None
        if process.misses_chores is not None and process.misses_chores < began and process.gate.upkeep.asks > asks:
            process.misses_chores = None
        if rest is None:
            self._again(process)
        elif rest.failed:
            process.token += 1
            self.at(2 * SECOND, self._turn, process, process.token)
        else:
            if not process.flag:
                process.gate.hands.expect_empty()
            process.resting, process.until = True, rest.until
            self._schedule(process)

    # ── being held up ────────────────────────────────────────────────────────────────────────────────────────────────

    def freeze(self, process: Process, where: str) -> None:
        """A process stands still beyond its leases, and then goes on as if nothing had been."""
        if self.depth >= DEEPEST:
            return
        span = int(self.random.uniform(61, 130) * SECOND)
        self.story.tell("%s stands still, %s", process, where)
        process.frozen += 1
        until = self.story.true + span
        try:
            self._meanwhile(lambda: self.next_event() is not None and (self.next_event() or 0) <= until, 40)
        finally:
            process.frozen -= 1
        self.story.true = max(self.story.true, until)
        self.latest = max(self.latest, self.now())
        self._rejoin(process)
        self.story.tell("%s goes on", process)

    def preempt(self, process: Process, where: str) -> None:
        """A thread of a process is held up for a moment; the others go on, those of the same process too."""
        if self.depth >= DEEPEST:
            return
        self.story.tell("a thread of %s is held up, %s", process, where)
        if self.random.random() < 0.5:
            self._bring_forward()
        self._meanwhile(lambda: bool(self._events), 1 + self.random.randrange(6))
        self.story.tell("the thread of %s goes on", process)

    def _bring_forward(self) -> None:
        """Somebody asks for something just now."""
        asked = [event for event in self._events if event[2] == self.people.perform]
        if asked:
            first = min(asked)
            self._events.remove(first)
            heapq.heapify(self._events)
            self.at(0, first[2], *first[3])

    def _meanwhile(self, more: Callable[[], bool], most: int) -> None:
        self.depth += 1
        self.story.depth += 1
        try:
            while most and more():
                most -= 1
                self.happen()
        finally:
            self.depth -= 1
            self.story.depth -= 1

    def _rejoin(self, process: Process) -> None:
        if process.deferred and not process.frozen:
            deferred, process.deferred = process.deferred, []
            for act, parts in deferred:
                self.at(int(self.random.random() * 300), act, *parts)

    def expect_places(self) -> None:
        """No place of a pool is lost: only calls in flight have one."""
        for process in self.processes:
            held, flying = process.pool._reserved, len(process.pool.flying)
            if process.up and held != flying:
                raise Violation(f"{process} has {flying} calls in flight, and {held} places taken")

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def hit(self, point: str, action: str, kinds: Callable[[], Collection[str]]) -> None:
        """Counts a fault."""
        self.coverage.actions[action] += 1
        known = set(kinds())
        self.coverage.hit(point, known)
        if action in ("forward", "back"):
            self.coverage.hit(f"clock {action}", known)
        elif action == "freeze":
            self.coverage.hit("frozen", known)

    def poisons(self, seq: int) -> bool:
        """Whether this message comes to nothing now. Drawn once; over when the run heals."""
        if seq not in self.poisonous:
            self.poisonous[seq] = self.faults.message()
        if not (self.poisonous[seq] and self.faults.likely):
            return False
        self.coverage.sights["message failed"] += 1
        return True

    def would_do(self, claims: Sequence[Claim]) -> set[str]:
        """The kinds of the steps that the slices of claimed messages would concern."""
        kinds: set[str] = set()
        for claim in claims:
            snapshot = decode(claim.stored.snapshot)
            trigger = trigger_of(claim.letter.message, arrived=claim.letter.arrived)
            program = self.programs[snapshot.digest]
            resolve = self.processes[0].engine.programs.resolve
            try:
                done = interpret(program, snapshot, trigger, self.now(), resolve)
            except Exception:  # noqa: BLE001 - the same will happen to whoever claimed it
                continue
            kinds |= {kind_of(event.step) for event in done.events if event.step}
        return kinds

    def close(self) -> None:
        """The run is over; what is left of its processes does nothing any more."""
        for process in self.processes:
            process.gate.over = True
            process.gate.alive = False
        self.disk.close()
