"""Generated definitions of every kind and nesting, driven at random: what must hold in every slice holds.

:class:`.world.World` checks after each slice that serial and revision never go back, that replaying history gives the
state, that snapshots survive their bytes, that the same input gives the same bytes, that every visit ends once, every
wait is opened and closed once, and an instance that has not ended has a wait or a continue trigger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from armillary_engine.definition.expressions import CORE
from armillary_engine.definition.model import Complete, Definition, Get, Task
from armillary_engine.interpreter import ENDED, why_not_retry
from armillary_engine.interpreter.commands import OpenCall, OpenSignal, OpenTask, StartChild
from armillary_engine.interpreter.compiler import steps_in
from armillary_engine.interpreter.triggers import (
    CallReturned,
    Cancel,
    ChildEnded,
    Failed,
    Resume,
    Retry,
    SignalArrived,
    Suspend,
    TaskCompleted,
    TimerDue,
    Trigger,
)
from armillary_engine.testing.simulator.definitions import FUNCTIONS, make_definitions
from armillary_engine.testing.strategies import definitions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .world import World, workflow

Choose = Callable[[Sequence[Any]], Any]
"""Picks one of some items."""

VALUES: list[Any] = [None, True, 7, "text", {"amount": 5}, {"amount": "12.5"}, [1], {}]
CODES = ["timeout.attempt", "failure.x", "failure.rating", "rejected", "timeout"]


def small_children() -> list[Definition]:
    asks = workflow(Task("ask", "Ask", result="a"), Complete("z", Get("a")), name="Notify")
    return [asks, workflow(Complete("z", Get("input")), name="IssuePolicy")]


def answer(choose: Choose, command: Any) -> Trigger:
    """A trigger that the wait may get, in time or not, fitting or not."""
    serial, value = command.serial, choose(VALUES)
    match command:
        case OpenCall():
            failed = Failed(choose(CODES), "it failed") if choose([True, False, False]) else None
            return CallReturned(serial, choose([1, 1, 1, 1, 2, 3]), value, failed)
        case OpenTask():
            return TaskCompleted(serial, value, "ann")
        case OpenSignal():
            return SignalArrived(serial, "s-1", command.name, value)
        case StartChild():
            return ChildEnded(serial, command.child, "completed", value)
        case _:
            return TimerDue(serial, "timer", 0)


def stray(choose: Choose) -> Trigger:
    """A trigger for a wait that may never have been."""
    serial = choose(range(31))
    strays = [
        CallReturned(serial, 1, 1), TaskCompleted(serial, 1), SignalArrived(serial, "s", "n"),
        TimerDue(serial, "timeout", 5), ChildEnded(serial, "c", "failed"),
    ]  # fmt: skip
    return choose(strays)  # type: ignore[no-any-return]


def act(choose: Choose, world: World) -> None:
    """One thing that happens to some instance."""
    id = choose(sorted(world.instances))
    instance = world[id]
    happens = choose(range(60))
    if happens < 3:
        world.give(stray(choose), id)
    elif happens < 5:
        world.give(Suspend(by="ops"), id)
    elif happens < 12:
        world.give(Resume("ops"), id)
    elif happens == 12:
        world.give(Cancel(choose([True, False])), id)
    elif happens < 20:
        world.give(Retry("ops"), id)
    elif happens < 30:
        world.pass_time(choose(["PT1S", "PT1S", "PT10S", "PT10S", "PT30S", "PT2H", "P1D", "P15D"]))
    elif instance.open:
        serial = choose(sorted(instance.open))
        world.give(answer(choose, instance.open[serial]), id)


def drive(choose: Choose, world: World, actions: int) -> None:
    """Lets things happen, then cancels what is left: in the end every instance has ended and nothing is open."""
    world.cancels_runaways = True  # loops of thousands of turns may nest
    for _ in range(actions):
        if world.status in ENDED and why_not_retry(world.snapshot) is not None:
            break
        act(choose, world)
    for id in sorted(world.instances):
        world.give(Cancel(), id)
    assert all(instance.snapshot.status in ENDED for instance in world.instances.values())
    assert all(not instance.open for instance in world.instances.values())


@given(definitions(max_steps=30, plain=True), st.sampled_from([{}, {"amount": 5}]), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example])
def test_what_must_always_hold_holds(definition: Definition, given_input: Any, data: Any) -> None:
    world = World(definition, *small_children(), limit=30)
    world.cancels_runaways = True
    world.start(given_input, name=definition.name)
    drive(lambda items: data.draw(st.sampled_from(items)), world, data.draw(st.integers(0, 25)))


# ── the same from seeds, with workflows that go on for longer ────────────────────────────────────────────────────────


SEEDS = 600
EVENTS = {
    "instance.started", "instance.completed", "instance.failed", "instance.cancelled", "instance.suspended",
    "instance.resumed", "instance.retried", "instance.continued", "step.entered", "step.waiting", "step.done",
    "step.failed", "step.cancelled", "step.caught", "call.retrying", "task.escalated", "trigger.stale",
    "compensation.started", "compensation.done", "compensation.failed", "compensation.cancelled",
}  # fmt: skip


def test_workflows_from_seeds_hold_what_must_always_hold_and_do_everything() -> None:
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        random = Random(seed)
        made = make_definitions(random, steps=28)
        world = World(*made, functions={**CORE, **FUNCTIONS}, limit=60)
        given = {"n": random.randrange(6), "k": "k1", "left": random.randrange(3)}
        world.start(given, name=made[-1].name)
        drive(random.choice, world, 40)
        for instance in world.instances.values():
            kinds = {step.id: step.kind for step in steps_in(instance.program.definition.body)}
            seen.update(event.type for event in instance.events)
            seen.update(f"{kinds[event.step]} {event.type}" for event in instance.events if event.step)
            seen.update(type(command).__name__ for command in instance.commands)
    assert {kind for kind in EVENTS if seen[kind] < 10} == set()
    waiting = ["call", "task", "timer", "signal", "subworkflow"]
    nesting = ["repeat", "each", "fork", "try"]
    ends = {f"{kind} step.{end}" for kind in waiting + nesting for end in ("done", "cancelled", "failed")}
    assert {end for end in ends - {"timer step.failed"} if seen[end] < 10} == set()
