"""What is on its way: hints to other processes, lost or repeated, and calls to services, which take their time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...backend import Hint
from ...rows import CallRow
from ...worker.attempts import EXTEND_EVERY
from ...worker.calls import Key, key_of
from .faults import Killed
from .process import Process
from .story import Violation

if TYPE_CHECKING:
    from .world import World

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Beat:
    """The last heartbeat of a call: when it came, by the clock, and within what time another was to come."""

    at: int
    within: int


class Network:
    """Everything that is on its way."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._flights: dict[Process, int] = {}
        self.beats: dict[Key, Beat] = {}
        self._answers: dict[tuple[Process, Key], tuple[CallRow, str]] = {}
        """On the way."""

    # ── wakes ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def notified(self, sender: Process, hint: Hint) -> None:
        """A hint goes to all others: in time, late, twice, or not at all."""
        sender.gate.untold = False
        if self.world.faults.chance(0.05):
            self.world.hit("acknowledged", "crash", sender.gate.kinds_in_hand)
            sender.gate.untold = True
            self.world.crash(sender, "before it tells the others")
            raise Killed
        for process in self.world.processes:
            if process is sender or not process.up:
                continue
            if self.world.faults.chance(0.05):
                self.world.hit("wake lost", "lose", sender.gate.kinds_in_hand)
                self.world.story.tell("the hint of %s to %s is lost", sender, process)
                process.miss(self.world.happened)
                continue
            twice = self.world.faults.chance(0.06)
            if twice:
                self.world.hit("wake repeated", "repeat", sender.gate.kinds_in_hand)
            for _ in range(2 if twice else 1):
                self._flights[process] = self._flights.get(process, 0) + 1
                self.world.at(50 + int(self.world.random.random() * 5_000), self._hear, process, hint)

    def tell_again(self, process: Process, hint: Hint) -> None:
        """A hint that was lost arrives at last."""
        if process.up and process.heard is not None:
            process.heard(hint)

    def _hear(self, process: Process, hint: Hint) -> None:
        if process.frozen and process.up:
            process.deferred.append((self._hear, (process, hint)))
            return
        self._flights[process] -= 1
        if process.up and process.heard is not None:
            process.heard(hint)

    def expect_awake(self) -> None:
        """Nothing happens for a while: whoever heard all hints must know when the store needs it next."""
        for process in self.world.processes:
            if not process.up or not process.resting or process.frozen or process.flag:
                continue
            if process.blind_since is not None or self._flights.get(process):
                continue
            lacking = process.engine.programs.lacking
            due = self.world.watch.store.due(services=process.pool.places(), without=lacking)
            chores = None if process.misses_chores is not None else self.world.watch.store.upkeep.due()
            due = chores if due is None else due if chores is None else min(due, chores)
            if due is not None and process.pool.flying:
                due = max(due, self.world.now() + EXTEND_EVERY)  # one of its own may have lost its lease
            late = self.world.set_back  # a lease may have been taken anew since, by a clock that was set back
            if due is not None and (process.until is None or process.until > max(due, self.world.now() + 1) + late):
                wakes = "never" if process.until is None else f"in {(process.until - self.world.now()) / SECOND:.6f} s"
                needed = (due - self.world.now()) / SECOND
                raise Violation(f"{process} wakes up {wakes}; the store needs it in {needed:.6f} s")

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def sent(self, process: Process, call: CallRow) -> None:
        """A request is on its way; when and how its service will answer is decided now."""
        outcome = "reply"
        delay = int(10 ** self.world.random.uniform(2.5, 6))
        speaks = True
        if self.world.faults.likely:
            draw = self.world.random.random()
            outcome = "busy" if draw < 0.14 else "refused" if draw < 0.18 else "odd" if draw < 0.20 else "reply"
            outcome = "later" if 0.20 <= draw < 0.29 else outcome
            speaks = draw < 0.85
            if self.world.faults.chance(0.16):
                self.world.hit("slow call", "slow", lambda: process.gate.kinds_in_hand() | {"call"})
                delay = int(call.attempt_timeout * self.world.random.uniform(0.3, 2.5))
                if self.world.random.random() < 0.3:
                    delay = call.attempt_timeout * 20  # it hangs for ever
        if call.heartbeat is not None and speaks:
            self._beat(process, call, self.world.true + delay)
        if outcome == "later":
            self.world.people.answer_later(delay, call)
        if delay < call.attempt_timeout * 20:
            self._answers[process, key_of(call)] = (call, outcome)
            self.world.at(delay, self._answered, process, call, outcome)

    def answer_now(self, process: Process) -> None:
        """While the store is at a commit, a service may have answered."""
        answers = [answer for (whose, _), answer in self._answers.items() if whose is process]
        if answers and self.world.random.random() < 0.3:
            self._answered(process, *self.world.random.choice(answers))

    def _beat(self, process: Process, call: CallRow, until: int) -> None:
        """The handler says from time to time that it lives, until it returns."""
        within = call.heartbeat or 0
        if not process.up or call not in process.pool.flying or self.world.true >= until:
            return
        if process.frozen:
            process.deferred.append((self._beat, (process, call, until)))
            return
        self.beats[key_of(call)] = Beat(self.world.now(), within)
        process.pool.beat(call)
        self.world.at(int(within * self.world.random.uniform(0.3, 0.9)), self._beat, process, call, until)

    def _answered(self, process: Process, call: CallRow, outcome: str) -> None:
        if not process.up or (process, key_of(call)) not in self._answers:
            return
        if process.frozen:
            process.deferred.append((self._answered, (process, call, outcome)))
            return
        del self._answers[process, key_of(call)]
        self.world.services.outcome = outcome
        self.world.story.tell("%s: %s of %s/%s answers: %s", process, call.service, call.instance, call.serial, outcome)
        process.pool.finish(call)
