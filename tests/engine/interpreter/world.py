"""A tiny world to run whole workflows in: a virtual clock, a queue of triggers for each instance, and what is open.

It does at once and in memory what a store and a worker do durably, and holds every slice against what must always hold.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from armillary_engine.definition.durations import duration_microseconds
from armillary_engine.definition.expressions import CORE, Functions, parse
from armillary_engine.definition.model import Body, Const, Definition, Expression, Value
from armillary_engine.definition.values import normalize
from armillary_engine.interpreter import (
    ENDED,
    Parent,
    Program,
    Resolved,
    Slice,
    Snapshot,
    check_answer,
    decode,
    encode,
    interpret,
    new_snapshot,
    next_chain,
    prepare,
    replay,
)
from armillary_engine.interpreter.commands import (
    CancelChild,
    CloseWait,
    Command,
    Due,
    End,
    EscalateTask,
    Event,
    GoOn,
    OpenCall,
    OpenSignal,
    OpenTask,
    RetryCall,
    SetReference,
    StartChild,
    StartNext,
)
from armillary_engine.interpreter.triggers import (
    CONTROL,
    CallReturned,
    Cancel,
    ChildEnded,
    Continue,
    Failed,
    SignalArrived,
    Start,
    TaskCompleted,
    TimerDue,
    Trigger,
)

T0 = 1_750_000_000_000_000
"""When the world begins: 2025-06-15T15:06:40Z."""

e = parse


def const(value: Value) -> Expression:
    return Const(value)


def workflow(*body: Any, name: str = "W", **fields: Any) -> Definition:
    steps: Body = tuple(body)
    return Definition(name, steps, **fields)


@dataclass
class Instance:
    program: Program
    snapshot: Snapshot
    parent: Parent | None
    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    queue: deque[Trigger] = field(default_factory=deque)
    open: dict[int, Any] = field(default_factory=dict)
    """Visit → the command that opened its wait."""
    dues: dict[tuple[int, str], int] = field(default_factory=dict)
    retries: dict[int, RetryCall] = field(default_factory=dict)
    slices: int = 0
    replayed: dict[str, Any] = field(default_factory=dict)
    """What the history has replayed to so far."""
    begun: set[int] = field(default_factory=set)
    """Visits that have begun and not ended, by the history."""


class World:
    """Instances by id; the first one started is the subject of most methods."""

    def __init__(self, *definitions: Definition, functions: Functions = CORE, limit: int | None = 10_000) -> None:
        self.programs = {definition.name: prepare(definition, functions) for definition in definitions}
        self.instances: dict[str, Instance] = {}
        self.now = T0
        self.limit = limit
        self.cancels_runaways = False
        """Whether an instance that reaches the limit of slices is cancelled, rather than a failure of the test."""
        self.main = ""
        self.signals: list[SignalArrived] = []

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def __getitem__(self, id: str) -> Instance:
        return self.instances[id]

    @property
    def it(self) -> Instance:
        return self.instances[self.main]

    @property
    def snapshot(self) -> Snapshot:
        return self.it.snapshot

    @property
    def status(self) -> str:
        return self.snapshot.status

    @property
    def state(self) -> dict[str, Any]:
        return self.snapshot.state

    @property
    def output(self) -> Any:
        return self.snapshot.output

    @property
    def error(self) -> str:
        assert self.snapshot.error is not None
        return self.snapshot.error.code

    def types(self, step: str | None = None) -> list[str]:
        """The types of the main instance's events, of one step or of all: ``quote step.done``."""
        return [
            event.type if step is not None else f"{event.step or '-'} {event.type}"
            for event in self.it.events
            if step is None or event.step == step
        ]

    def event(self, type: str, step: str | None = None) -> Event:
        """The last event of a type."""
        return [one for one in self.it.events if one.type == type and step in (None, one.step)][-1]

    def waiting(self, id: str | None = None) -> list[str]:
        """The steps that wait, in order of their visits."""
        instance = self.instances[id or self.main]
        return [instance.open[serial].step for serial in sorted(instance.open)]

    def serial(self, step: str, id: str | None = None) -> int:
        """The visit at which a step waits (the first, if it waits in several branches)."""
        instance = self.instances[id or self.main]
        found = sorted(serial for serial, command in instance.open.items() if command.step == step)
        assert found, f"{step} does not wait; {self.waiting(id)} do"
        return found[0]

    def opened(self, step: str, id: str | None = None) -> Any:
        """The command that opened the wait of a step."""
        return self.instances[id or self.main].open[self.serial(step, id)]

    def commands(self, kind: type) -> list[Any]:
        return [command for command in self.it.commands if isinstance(command, kind)]

    # ── doing ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, input: Value = None, *, name: str | None = None, id: str = "i") -> World:
        name = name or next(iter(self.programs))
        self.main = self.main or id
        self._create(id, name, normalize(input), None, None)
        self.run()
        return self

    def give(self, trigger: Trigger, id: str | None = None) -> World:
        """Stores a trigger and runs until nothing is to be done."""
        self.instances[id or self.main].queue.append(trigger)
        self.run()
        return self

    def reply(self, step: str, value: Value = None, id: str | None = None) -> World:
        serial = self.serial(step, id)
        return self.give(CallReturned(serial, self.attempt(serial, id), value), id)

    def break_call(self, step: str, code: str = "failure.service", id: str | None = None) -> World:
        serial = self.serial(step, id)
        failed = Failed(code, f"{step} failed")
        return self.give(CallReturned(serial, self.attempt(serial, id), failed=failed), id)

    def attempt(self, serial: int, id: str | None = None) -> int:
        frame = next(f for f in self.instances[id or self.main].snapshot.frames if f.visit == serial)
        assert frame.wait is not None
        return frame.wait.attempt

    def answer(self, step: str, value: Value = None, id: str | None = None, by: str | None = None) -> World:
        instance, serial = self.instances[id or self.main], self.serial(step, id)
        checked, problems = check_answer(instance.program, instance.snapshot, serial, value, self.now)
        assert not problems, problems
        return self.give(TaskCompleted(serial, checked, by), id)

    def signal(self, step: str, payload: Value = None, id: str | None = None) -> World:
        serial = self.serial(step, id)
        return self.give(SignalArrived(serial, f"s{serial}", "name", payload), id)

    def cancel(self, id: str | None = None, *, compensate: bool = False) -> World:
        return self.give(Cancel(compensate, "no longer wanted", "ops"), id)

    def pass_time(self, duration: str) -> World:
        """Moves the clock; what falls due on the way fires at its own time, in order."""
        end = self.now + duration_microseconds(duration)
        while True:
            due = [
                (at, id, serial, purpose)
                for id, instance in self.instances.items()
                for (serial, purpose), at in instance.dues.items()
                if at <= end
            ]
            if not due:
                break
            at, id, serial, purpose = min(due)
            self.now = max(self.now, at)
            del self.instances[id].dues[serial, purpose]
            self.give(TimerDue(serial, purpose, at), id)  # type: ignore[arg-type]
        self.now = max(self.now, end)
        return self

    def run(self) -> None:
        """Delivers what is queued, instance by instance; control triggers pass the others."""
        while True:
            ready = [id for id, instance in self.instances.items() if self._next(instance) is not None]
            if not ready:
                return
            for id in ready:
                trigger = self._next(self.instances[id])
                if trigger is not None:
                    self.instances[id].queue.remove(trigger)
                    self.slice(id, trigger)

    def slice(self, id: str, trigger: Trigger) -> Slice:
        """One slice of one instance, committed."""
        instance = self.instances[id]
        before = encode(instance.snapshot)
        result = interpret(instance.program, instance.snapshot, trigger, self.now, self.catalogue)
        again = interpret(instance.program, decode(before), trigger, self.now, self.catalogue)
        assert encode(instance.snapshot) == before, "the snapshot that goes in is not changed"
        assert encode(again.snapshot) == encode(result.snapshot), "the same input gives the same bytes"
        assert (again.events, again.commands) == (result.events, result.commands)
        self._commit(id, result)
        self._check(id, decode(before), result)
        instance.slices += 1
        if self.limit is not None and instance.slices > self.limit:
            assert self.cancels_runaways, "the workflow goes on for ever"
            if instance.snapshot.status not in ENDED:
                instance.queue.append(Cancel(reason="it goes on for ever"))
        return result

    def catalogue(self, name: str, _range: str) -> Resolved | None:
        program = self.programs.get(name)
        return None if program is None else Resolved(program.version, program.digest)

    # ── what a store does ────────────────────────────────────────────────────────────────────────────────────────────

    def _next(self, instance: Instance) -> Trigger | None:
        control = next((trigger for trigger in instance.queue if isinstance(trigger, CONTROL)), None)
        if control is not None:
            return control
        if instance.snapshot.status == "suspended" or not instance.queue:
            return None
        others = (trigger for trigger in instance.queue if not isinstance(trigger, Continue))
        return next(others, instance.queue[0])

    def _create(self, id: str, name: str, input: Value, parent: Parent | None, chain: Any) -> None:
        program = self.programs[name]
        snapshot = new_snapshot(
            instance=id, workflow=name, version=program.version, digest=program.digest, now=self.now, parent=parent,
            chain=chain,
        )  # fmt: skip
        assert id not in self.instances, f"there is an instance {id} already"
        self.instances[id] = Instance(program, snapshot, parent, queue=deque([Start(input)]))

    def _commit(self, id: str, result: Slice) -> None:
        instance = self.instances[id]
        instance.snapshot = result.snapshot
        instance.events += result.events
        instance.commands += result.commands
        for command in result.commands:
            self._apply(id, instance, command, result)

    def _apply(self, id: str, instance: Instance, command: Command, result: Slice) -> None:
        match command:
            case OpenCall() | OpenTask() | OpenSignal():
                self._open(instance, command.serial, command)
                if isinstance(command, OpenCall):
                    instance.dues[command.serial, "timeout"] = command.deadline
            case StartChild():
                self._open(instance, command.serial, command)
                self._create(command.child, command.workflow, command.input, Parent(id, command.serial), None)
            case Due(serial, purpose, at):
                if serial not in instance.open:  # a timer has no other command
                    self._open(instance, serial, _Timer(serial, _step_of(result, serial)))
                assert (serial, purpose) not in instance.dues
                instance.dues[serial, purpose] = at
            case RetryCall():
                assert command.serial in instance.open
                instance.retries[command.serial] = command
            case CloseWait(serial):
                assert serial in instance.open, f"{serial} is closed but was not open"
                del instance.open[serial]
                instance.dues = {key: at for key, at in instance.dues.items() if key[0] != serial}
            case CancelChild(serial, child, compensate):
                self._living(child).queue.append(Cancel(compensate=compensate))
            case StartNext():
                self._create(command.id, command.workflow, command.input, instance.parent, next_chain(result.snapshot))
            case End(status, output, error):
                continued = any(isinstance(other, StartNext) for other in result.commands)
                if instance.parent is not None and not continued:
                    child = result.snapshot.chain.root
                    ended = ChildEnded(instance.parent.serial, child, status, output, error)
                    self.instances[instance.parent.instance].queue.append(ended)
            case GoOn():
                assert not any(isinstance(trigger, Continue) for trigger in instance.queue)
                instance.queue.append(Continue())
            case SetReference() | EscalateTask():
                pass

    def _open(self, instance: Instance, serial: int, command: Any) -> None:
        assert serial not in instance.open, f"{serial} is opened twice"
        instance.open[serial] = command

    def _living(self, child: str) -> Instance:
        instance = self.instances[child]
        while instance.snapshot.chain.next is not None:
            instance = self.instances[instance.snapshot.chain.next]
        return instance

    # ── what must always be so ───────────────────────────────────────────────────────────────────────────────────────

    def _check(self, id: str, before: Snapshot, result: Slice) -> None:
        instance, after = self.instances[id], result.snapshot
        data = encode(after)
        assert decode(data) == after
        assert encode(decode(data)) == data
        assert after.revision == before.revision + 1
        assert after.serial >= before.serial
        assert after.now >= before.now
        instance.replayed = replay(result.events, instance.replayed)
        assert instance.replayed == after.state
        waits = {frame.visit for frame in after.frames if frame.wait is not None}
        if after.status in ENDED:
            assert not instance.open
            assert not instance.dues
            assert sum(isinstance(command, End) for command in result.commands) <= 1
        else:
            assert waits == set(instance.open)
            owed = any(isinstance(trigger, Continue | Start) for trigger in instance.queue)
            assert waits or owed, "nothing would ever wake it"
            assert bool(after.ready) <= owed
        self._check_visits(instance, result)
        over = after.status in ENDED or after.status == "suspended"
        assert result.resting if over else not result.resting or after.status == "waiting"

    def _check_visits(self, instance: Instance, result: Slice) -> None:
        """Each visit ends once for each time that it begins."""
        begun = instance.begun
        for event in result.events:
            if event.type in ("step.entered", "step.waiting"):
                assert event.serial not in begun, event
                begun.add(event.serial)
            elif event.type in ("step.failed", "step.cancelled", "step.done"):
                begun.discard(event.serial)
        # A visit that an operator's retry is about to enter again has not begun again.
        again = {place.visit for place in result.snapshot.ready if place.visit}
        living = {frame.visit for frame in result.snapshot.frames if not frame.sealed} - again
        assert begun == (set() if result.snapshot.status in ENDED else living)


@dataclass
class _Timer:
    serial: int
    step: str


def _step_of(result: Slice, serial: int) -> str:
    return next(event.step or "" for event in result.events if event.serial == serial)
