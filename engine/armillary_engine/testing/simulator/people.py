"""Those outside: who start, signal, answer, cancel and repair. Each asks again until it is acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...definition.codec import loads
from ...definition.problems import ArmillaryError
from ...interpreter import why_not_retry
from ...interpreter.triggers import Failed, token
from ...local import LocalRuntime
from ...operations import DeadLetterQuery, Every, Missed
from ...rows import CallRow, SignalWait, TaskRow
from ...runtime import Caller
from .definitions import KEYS, SIGNALS
from .faults import Killed
from .process import answer_of
from .story import Violation

if TYPE_CHECKING:
    from .world import World

SECOND = 1_000_000
REFUSED = frozenset({"dead-letter.decided", "dead-letter.needed"})
"""What an operator may be told about a dead letter: somebody was quicker, or its instance cannot do without."""


@dataclass(slots=True)
class Operation:
    """Something that somebody wants done. ``refusals``: codes that are an answer, too."""

    what: str
    act: Callable[[LocalRuntime], object]
    refusals: frozenset[str] = frozenset()
    done: Callable[[], None] | None = None
    tries: int = 0
    acknowledged: bool = False


@dataclass(slots=True)
class People:
    """The operations of one run."""

    world: World
    operations: list[Operation] = field(default_factory=list)
    acknowledged_signals: list[str] = field(default_factory=list)
    acknowledged_starts: list[str] = field(default_factory=list)
    retried: dict[str, int] = field(default_factory=dict)
    wanted: set[tuple[str, int]] = field(default_factory=set)
    """Waits that somebody is about to answer."""
    sent: int = 0

    # ── asking, and asking again ─────────────────────────────────────────────────────────────────────────────────────

    def plan(self, delay: int, operation: Operation) -> None:
        """``operation`` is to be done after ``delay`` microseconds."""
        self.operations.append(operation)
        self.world.at(delay, self.perform, operation)

    def perform(self, operation: Operation) -> None:
        """Asks some process that answers; if it does not, asks again later."""
        world = self.world
        free = [process for process in world.processes if process.up and not process.frozen]
        if not free:
            world.at(SECOND, self.perform, operation)
            return
        process = free[int(world.random.random() * len(free))]
        operation.tries += 1
        world.story.tell("%s is asked to %s%s", process, operation.what, " again" if operation.tries > 1 else "")
        try:
            operation.act(process.runtime)
        except Killed:
            world.at(self._soon(), self.perform, operation)
            return
        except ArmillaryError as error:
            if error.code.startswith("store.") or error.code == "function.missing":
                world.at(self._soon(), self.perform, operation)
                return
            if error.code not in operation.refusals:
                raise Violation(f"asked to {operation.what}: {error}") from error
            world.story.tell("        refused: %s", error.code)
        operation.acknowledged = True
        if operation.done is not None:
            operation.done()

    def _soon(self) -> int:
        return int((0.05 + self.world.random.random() * 3) * SECOND)

    @property
    def unanswered(self) -> int:
        """Operations that nobody has acknowledged."""
        return sum(not operation.acknowledged for operation in self.operations)

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, delay: int, name: str, number: int) -> None:
        """Starts an instance; by key, sometimes twice."""
        random, id = self.world.random, f"i{number}"
        key = f"key{number}" if random.random() < 0.5 else None
        given = {"n": random.randrange(6), "k": random.choice(KEYS), "left": random.choice((0, 0, 1, 2))}
        later = random.uniform(0.01, 50) if random.random() < 0.1 else None
        for turn in range(2 if random.random() < 0.25 else 1):
            chosen = id if turn == 0 or key is None else f"{id}b"

            def act(runtime: LocalRuntime, chosen: str = chosen) -> None:
                view = runtime.start(name, given, key=key, id=chosen, delay=later)
                self.acknowledged_starts.append(view.id)

            what = f"start {name} as {chosen}, key {key}, with {given}"
            self.plan(delay + turn * random.randrange(SECOND), Operation(what, act, frozenset({"instance.exists"})))

    def signal(
        self, delay: int, name: str, *, match: Any = None, instance: str | None = None, mode: Any = "one"
    ) -> None:  # fmt: skip
        """Sends a signal under an id of its own, sometimes twice."""
        random = self.world.random
        self.sent += 1
        id = f"s{self.sent}"
        payload = {"n": random.randrange(9)} if random.random() < 0.85 else {"n": "text"}

        def act(runtime: LocalRuntime) -> None:
            runtime.signal(name, payload, instance=instance, match=match, id=id, mode=mode, ttl=ttl)
            self.acknowledged_signals.append(id)

        ttl = random.uniform(0.5, 60) if mode == "one" and random.random() < 0.3 else None
        to = f"instance {instance}" if instance else f"key {match!r}"
        to += f", for {ttl:.1f} s" if ttl is not None else ""
        for turn in range(2 if random.random() < 0.25 else 1):
            self.plan(delay + turn * random.randrange(SECOND), Operation(f"send {id} ({name}, {mode}) to {to}", act))

    # ── schedules, dead letters, answers that come later ─────────────────────────────────────────────────────────────

    def recur(self, delay: int, name: str) -> None:
        """Has a workflow started again and again for a while: made once or twice, perhaps paused, and deleted."""
        random, world = self.world.random, self.world
        id, given = "nightly", {"n": random.randrange(6), "k": random.choice(KEYS), "left": 0}
        every = random.choice((Every(interval=11), Every(interval=37.5), Every(cron="* * * * *")))
        missed: Missed = random.choice(("skip", "once", "all"))

        def make(runtime: LocalRuntime) -> None:
            if world.faults.likely:
                runtime.schedule(id, name, every, input=given, missed=missed, at_most=3)

        def made() -> None:
            self.plan(int(random.uniform(20, 150) * SECOND), Operation("delete the schedule", delete, gone))

        def delete(runtime: LocalRuntime) -> None:
            runtime.delete_schedule(id)

        gone = frozenset({"schedule.unknown"})
        often = "each minute" if every.cron else f"every {every.interval} s"
        what = f"schedule {name} {often}, runs that were missed: {missed}"
        self.plan(delay, Operation(what, make, done=made))
        if random.random() < 0.3:
            pausing = int(random.uniform(10, 60) * SECOND)
            pause = Operation("pause the schedule", lambda runtime: runtime.pause_schedule(id), gone)
            resume = Operation("resume the schedule", lambda runtime: runtime.resume_schedule(id), gone)
            self.plan(delay + pausing, pause)
            self.plan(delay + pausing + self._delay() // 4, resume)

    def letter_died(self) -> None:
        """A message was set aside. An operator may see to it; or it lies there."""
        self.world.coverage.sights["message set aside"] += 1
        if self.world.random.random() < 0.8:
            self.decide(self._delay(), drops=0.6)

    def decide(self, delay: int, *, drops: float = 0.3) -> None:
        """An operator looks through the dead letters, and has the first of them sent again, or drops it."""
        dropping = self.world.random.random() < drops

        def act(runtime: LocalRuntime) -> None:
            for letter in runtime.dead_letters(DeadLetterQuery(status="dead", limit=1)):
                self.world.coverage.sights["letter decided"] += 1
                if dropping:
                    runtime.drop_dead_letter(letter.id)
                elif (again := runtime.replay_dead_letter(letter.id).replayed_as) and letter.reason == "unmatched":
                    self.acknowledged_signals.append(again)

        for turn in range(2):
            self.plan(delay + turn, Operation("see to a dead letter", act, REFUSED))

    def answer_later(self, delay: int, call: CallRow) -> None:
        """A service that has accepted a call answers it: soon or late, well or badly, perhaps twice, perhaps never."""
        random = self.world.random
        if random.random() < 0.15:
            return
        named = token(call.instance, call.serial)
        value = {"n": answer_of(call.key)} if random.random() < 0.7 else Failed("failure.busy", "not now after all")

        def act(runtime: LocalRuntime) -> None:
            try:
                runtime.reply(named, value)
            except ArmillaryError as error:
                self._expect_closed(call, error)
                raise

        for _ in range(2 if random.random() < 0.3 else 1):
            later = delay + int(10 ** random.uniform(3, 8))
            self.plan(later, Operation(f"answer {named}", act, frozenset({"call.not-open"})))

    def answer_accepted(self, instance: str, serial: int) -> bool:
        """A service answers at last what it has accepted: an operator may have dropped the time-out. Whether it was
        asked."""
        call = self.world.watch.store.upkeep.call(instance, serial)
        if call is None or call.state != "accepted":
            return False
        named, value = token(instance, serial), {"n": answer_of(call.key)}
        at_last = Operation(
            f"answer {named}", lambda runtime: runtime.reply(named, value), frozenset({"call.not-open"})
        )
        self.plan(SECOND, at_last)
        return True

    def _expect_closed(self, sent: CallRow, error: ArmillaryError) -> None:
        """Nobody is told that an attempt is over while it is not."""
        call = self.world.watch.store.upkeep.call(sent.instance, sent.serial)
        closed = call is None or call.state == "answered" or call.attempt != sent.attempt
        if error.code == "call.not-open" and not closed:
            raise Violation(f"the reply to {sent.instance}/{sent.serial} was refused, and its attempt is open")

    def stray_signal(self, delay: int, instances: list[str]) -> None:
        """A signal that may come before, with or after its wait, to a key or to an instance."""
        random = self.world.random
        mode = "all" if random.random() < 0.15 else "one"
        if instances and random.random() < 0.3:
            target = random.choice(instances)
            if target in self.world.watch.instances:
                self.signal(delay, random.choice(SIGNALS), instance=target)
            return
        self.signal(delay, random.choice(SIGNALS), match=random.choice(KEYS), mode=mode)

    def answer(self, delay: int, instance: str, serial: int, *, well: bool = False) -> None:
        """Completes a task: well, badly, twice."""
        random = self.world.random
        draw = random.random()
        answer: dict[str, Any] = {"ok": True} if well or draw < 0.8 else {"ok": False} if draw < 0.9 else {}
        by = random.choice(("ann", "bob"))

        def act(runtime: LocalRuntime) -> None:
            runtime.complete_task(f"{instance}/{serial}", answer, caller=Caller(by, frozenset({"ops"})))

        def done() -> None:
            self.wanted.discard((instance, serial))

        refusals = frozenset({"task.not-open", "task.answer-invalid", "instance.ended"})
        apart = random.choice((1, 1, random.randrange(SECOND)))
        for turn in range(2 if random.random() < 0.35 else 1):
            what = f"complete {instance}/{serial} with {answer} for {by}"
            self.plan(delay + turn * apart, Operation(what, act, refusals, done))

    def operate(self, delay: int, verb: str, id: str, **options: Any) -> None:
        """Cancels, suspends, resumes or retries an instance, if there is one by then."""

        def act(runtime: LocalRuntime) -> None:
            if id in self.world.watch.instances:
                getattr(runtime, verb)(id, **options)

        refusals = frozenset({"instance.ended", "instance.not-failed"})
        self.plan(delay, Operation(f"{verb} {id} {options or ''}".rstrip(), act, refusals))

    # ── answering what comes up ──────────────────────────────────────────────────────────────────────────────────────

    def _delay(self) -> int:
        """Mostly soon, now and then late."""
        return int(10 ** self.world.random.uniform(4, 8.3))

    def signal_wanted(self, instance: str, wait: SignalWait) -> None:
        """A wait for a signal was opened."""
        if self.world.random.random() < 0.7:
            self.satisfy(self._delay(), instance, wait)

    def satisfy(self, delay: int, instance: str, wait: SignalWait) -> None:
        """Sends what a wait waits for."""
        self.wanted.add((instance, wait.serial))
        if wait.key is None or self.world.random.random() < 0.2:
            self.signal(delay, wait.name, instance=instance)
        else:
            self.signal(delay, wait.name, match=loads(wait.key))

    def task_opened(self, task: TaskRow) -> None:
        """A task was opened."""
        if self.world.random.random() < 0.75:
            self.wanted.add((task.instance, task.serial))
            self.answer(self._delay(), task.instance, task.serial)

    def instance_failed(self, id: str) -> None:
        """An operator may retry it, once or twice."""
        random = self.world.random
        if self.world.faults.likely and random.random() < 0.4 and self.retried.get(id, 0) < 2:
            self.retried[id] = self.retried.get(id, 0) + 1
            self.operate(self._delay(), "retry", id)

    def trouble(self, delay: int, id: str) -> None:
        """An operator cancels an instance, or suspends it for a while."""
        random = self.world.random
        if random.random() < 0.35:
            self.operate(delay, "cancel", id, compensate=random.random() < 0.5)
            return
        self.operate(delay, "suspend", id)
        self.operate(delay + self._delay(), "resume", id)

    def retryable(self, id: str) -> bool:
        """Whether an operator's retry would be taken."""
        return why_not_retry(self.world.watch.instances[id].snapshot) is None
