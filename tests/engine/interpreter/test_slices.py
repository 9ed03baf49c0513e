"""Slices: what begins an instance, serials, limits, status, resting, positions."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition.model import (
    Address,
    Call,
    Complete,
    Fork,
    ForkBranch,
    Repeat,
    RetryPolicy,
    Set,
    Signal,
    Subworkflow,
    Task,
    Timer,
)
from armillary_engine.interpreter import InterpretError, check_input, interpret, new_snapshot, positions, prepare
from armillary_engine.interpreter.commands import GoOn
from armillary_engine.interpreter.triggers import Start, TaskCompleted

from .world import T0, World, const, e, workflow


def run(*body: Any, input: Any = None, others: tuple[Any, ...] = (), **fields: Any) -> World:
    return World(workflow(*body, **fields), *others).start(input)


def task(id: str) -> Task:
    return Task(id, id)


def fork(*bodies: Any) -> Fork:
    return Fork("fork", tuple(ForkBranch(str(i), body) for i, body in enumerate(bodies)))


INPUT = {"type": "object", "properties": {"n": {"type": "integer", "default": 7}}, "additionalProperties": False}


def test_the_input_gets_the_defaults_of_its_schema() -> None:
    assert run(Complete("z", e("input.n")), input={}).error == "expression.missing"
    world = World(workflow(Complete("z", e("input.n")), input=INPUT)).start({})
    assert (world.output, world.snapshot.input) == (7, {"n": 7})


def test_an_input_that_does_not_fit_fails_the_instance_before_its_first_step() -> None:
    world = World(workflow(task("a"), input=INPUT)).start({"m": 1})
    assert (world.status, world.error, world.snapshot.serial) == ("failed", "failure.input-invalid", 0)
    assert check_input(world.it.program, {"m": 1})[1]
    assert check_input(world.it.program, {}) == ({"n": 7}, ())
    assert check_input(prepare(workflow()), {"m": 1}) == ({"m": 1}, ())


def test_every_entry_takes_the_next_serial_as_its_visit() -> None:
    world = run(Set("a", {"n": e("0")}), Repeat("r", (Set("b", {"n": e("n + 1")}),), test=e("n < 2")), task("t"))
    assert [(event.step, event.serial) for event in world.it.events if event.step] == [
        ("a", 1), ("r", 2), ("b", 3), ("b", 4), ("r", 2), ("t", 5),
    ]  # fmt: skip
    assert world.snapshot.serial == 5


def test_a_slice_ends_after_a_thousand_step_entries_and_goes_on_by_a_continue_trigger() -> None:
    world = World(workflow(Set("s", {"n": e("0")}), Repeat("r", (Set("b", {"n": e("n + 1")}),), test=e("n < 2500"))))
    world.main = "i"
    world._create("i", "W", None, None, None)
    first = world.slice("i", world.it.queue.popleft())
    assert first.commands[-1] == GoOn()
    assert first.events[-1].type == "slice.limit"
    assert (first.snapshot.serial, first.snapshot.status, first.resting) == (1000, "running", False)
    assert first.steps == ("b",) or first.steps == ("r",)
    world.run()
    assert (world.status, world.state, len(world.commands(GoOn))) == ("completed", {"n": 2500}, 2)


def test_a_slice_ends_after_a_mebibyte_of_patch() -> None:
    world = run(
        Set("s", {"n": e("0")}), Repeat("r", (Set("b", {"n": e("n + 1"), "x": e("input")}),), test=e("n < 30")),
        input="x" * 100_000,
    )  # fmt: skip
    assert world.state["n"] == 30
    assert len(world.commands(GoOn)) == 2


def test_other_triggers_come_before_the_rest_of_a_long_run() -> None:
    long = Repeat("r", (Set("b", {"n": e("n + 1")}),), test=e("n < 2500"))
    world = World(workflow(Set("s", {"n": e("0")}), fork((task("t"), Set("c", {"seen": e("n")})), (long,))))
    world.main = "i"
    world._create("i", "W", None, None, None)
    world.slice("i", world.it.queue.popleft())
    world.it.queue.append(TaskCompleted(world.serial("t"), None))
    world.run()
    assert world.state["seen"] < 1000
    assert world.state["n"] == 2500
    assert len(world.commands(GoOn)) == 1, "one is stored already"


def test_cancel_comes_first() -> None:
    long = Repeat("r", (Set("b", {"n": e("n + 1")}),), test=e("n < 9000"))
    world = World(workflow(Set("s", {"n": e("0")}), long))
    world.main = "i"
    world._create("i", "W", None, None, None)
    world.slice("i", world.it.queue.popleft())
    world.cancel()
    assert (world.status, world.state["n"] < 1000) == ("cancelled", True)


@pytest.mark.parametrize(
    ("step", "status", "resting"),
    [
        (task("x"), "waiting", True),
        (Signal("x", "s"), "waiting", True),
        (Signal("x", "s", timeout="P1D"), "waiting", True),
        (Subworkflow("x", "Child", const(None)), "waiting", True),
        (Timer("x", after=e("'P1D'")), "waiting", False),
        (Call("x", Address("s", "o"), const(None)), "running", False),
    ],
)
def test_an_instance_rests_when_it_waits_only_for_what_is_outside(step: Any, status: str, resting: bool) -> None:
    child = workflow(task("inside"), name="Child")
    world = World(workflow(step), child)
    world.main = "i"
    world._create("i", "W", None, None, None)
    first = world.slice("i", world.it.queue.popleft())
    assert (first.snapshot.status, first.resting, first.steps) == (status, resting, ("x",))


def test_it_does_not_rest_while_another_branch_is_at_work() -> None:
    world = World(workflow(fork((task("t"),), (Call("c", Address("s", "o"), const(None), retry=RetryPolicy(2)),))))
    world.main = "i"
    world._create("i", "W", None, None, None)
    first = world.slice("i", world.it.queue.popleft())
    assert (first.snapshot.status, first.resting, first.steps) == ("running", False, ("t", "c"))


def test_positions_tell_where_the_tokens_stand() -> None:
    child = workflow(task("inside"), name="Child")
    sub = Subworkflow("sub", "Child", const(None))
    call = Call("call", Address("s", "o"), const(None), retry=RetryPolicy(attempts=2, backoff="PT5S"))
    world = run(fork((task("task"),), (call,), (sub,)), others=(child,)).break_call("call")
    told = [(p.step, p.visit, p.kind, p.attempt, p.again, p.child) for p in positions(world.snapshot)]
    assert told == [
        ("task", 2, "task", 1, None, None), ("call", 3, "call", 2, T0 + 5_000_000, None),
        ("sub", 4, "child", 1, None, "i:4"),
    ]  # fmt: skip
    world.break_call("call")
    assert [(p.step, p.kind) for p in positions(world.snapshot)] == [("call", "failed")]
    assert positions(run().snapshot) == ()
    assert positions(run(task("a")).cancel().snapshot) == ()


def test_a_program_of_another_digest_is_refused() -> None:
    one, other = prepare(workflow(task("a"))), prepare(workflow(task("b")))
    fresh = new_snapshot(instance="i", workflow="W", version=one.version, digest=one.digest, now=T0)
    with pytest.raises(InterpretError, match="expected the program of digest"):
        interpret(other, fresh, Start(None), T0)
