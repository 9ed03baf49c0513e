"""``fork``: parallel branches, their join, and what is cancelled with them."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition.model import (
    Address,
    Call,
    Complete,
    Fail,
    Fork,
    ForkBranch,
    Handler,
    Repeat,
    Set,
    Signal,
    Subworkflow,
    Task,
    Timer,
    Try,
)
from armillary_engine.interpreter.commands import CancelChild, CloseWait
from armillary_engine.interpreter.triggers import CallReturned

from .world import World, const, e, workflow


def branches(*bodies: Any) -> tuple[ForkBranch, ...]:
    return tuple(
        ForkBranch(f"branch {index}", body if isinstance(body, tuple) else (body,)) for index, body in enumerate(bodies)
    )


def fork(*bodies: Any, join: Any = "all", id: str = "fork") -> Fork:
    return Fork(id, branches(*bodies), join)


def task(id: str) -> Task:
    return Task(id, id.title())


def run(*body: Any, **fields: Any) -> World:
    return World(workflow(*body, **fields)).start()


END = Complete("z", e("'end'"))


def test_all_waits_for_every_branch() -> None:
    world = run(fork(task("a"), task("b"), task("c")), END)
    assert world.waiting() == ["a", "b", "c"]
    for step in ("b", "c"):
        world.answer(step)
        assert world.status == "waiting"
    assert world.answer("a").output == "end"
    assert world.event("step.done", "fork").data == {"arrived": [1, 2, 0]}


def test_any_goes_on_with_the_first_and_cancels_the_rest_in_branch_order() -> None:
    world = run(fork(task("a"), task("b"), task("c"), join="any"), task("after"))
    world.answer("b")
    assert world.waiting() == ["after"]
    cancelled = [event.step for event in world.it.events if event.type == "step.cancelled"]
    assert cancelled == ["a", "c"]
    assert [c.serial for c in world.commands(CloseWait) if c.reason == "cancelled"] == [2, 4]


def test_what_is_left_is_cancelled_in_branch_order_however_far_each_branch_has_come() -> None:
    world = run(fork((task("a"), task("a2"), task("a3")), (task("b"), task("b2")), task("c"), join="any"), END)
    for step in ("b", "a", "a2"):
        world.answer(step)
    world.answer("c")
    assert [event.step for event in world.it.events if event.type == "step.cancelled"] == ["a3", "b2"]


def test_a_join_fires_when_its_nth_branch_arrives() -> None:
    world = run(fork(task("a"), task("b"), task("c"), join=2), END)
    world.answer("c")
    assert world.waiting() == ["a", "b"]
    assert world.answer("a").output == "end"
    assert world.event("step.done", "fork").data == {"arrived": [2, 0]}


def test_ready_branches_run_depth_first_in_branch_order() -> None:
    inner = fork((Set("b1", {"b1": e("1")}), task("b2")), Set("b3", {"b3": e("1")}), id="in")
    world = run(fork((Set("a1", {"a1": e("1")}), task("a2")), inner, (Set("c1", {"c1": e("1")}), task("c2"))))
    entered = [event.step for event in world.it.events if event.type in ("step.waiting", "step.done", "step.entered")]
    assert entered == ["fork", "a1", "a2", "in", "b1", "b2", "b3", "c1", "c2"]


def test_a_branch_that_arrives_at_once_fires_any_before_the_others_begin() -> None:
    world = run(fork(Set("a", {"x": e("1")}), Fail("f", e("'never'"), e("'m'")), join="any"), task("after"))
    assert world.waiting() == ["after"]
    assert world.types("f") == []


def test_branches_that_have_not_begun_are_gone_with_the_try_around_them() -> None:
    inner = fork(Fail("f", e("'bad'"), e("'m'")), task("never"), id="in")
    world = run(
        Try("t", (fork(inner, task("nor"), fork(task("this"), id="other")),), (Handler(("bad",), (task("h"),)),))
    )
    assert world.waiting() == ["h"]
    world.answer("h")
    assert [world.status, *map(world.types, ("never", "nor", "other"))] == ["completed", [], [], []]


def test_empty_branches_arrive() -> None:
    assert run(fork((), ()), END).output == "end"
    assert run(Fork("fork", ()), END).output == "end"


def test_writes_of_cancelled_branches_stay() -> None:
    world = run(fork((Set("a", {"x": e("1")}), task("t")), Set("b", {"y": e("2")}), join="any"), END)
    assert world.state == {"x": 1, "y": 2}


def test_all_kinds_of_waits_are_cancelled_with_their_branch() -> None:
    child = workflow(Task("inside", "T"), name="Child")
    waits = (
        task("task"), Timer("timer", after=e("'P1D'")), Signal("signal", "s", timeout="P2D"),
        Call("call", Address("s", "o"), const(None)), Subworkflow("sub", "Child", const(None)),
    )  # fmt: skip
    world = World(workflow(fork(*waits, task("last"), join="any"), END), child).start()
    world.answer("last")
    assert world.output == "end"
    closed = [(c.kind, c.reason) for c in world.commands(CloseWait)]
    kinds = ["task", "timer", "signal", "call", "child"]
    assert closed == [("task", "done"), *((kind, "cancelled") for kind in kinds)]
    assert world.commands(CancelChild) == [CancelChild(6, "i:6", compensate=False)]
    assert world["i:6"].snapshot.status == "cancelled"


def test_a_reply_to_a_cancelled_call_is_stale() -> None:
    world = run(fork(Call("call", Address("s", "o"), const(None), result="r"), task("b"), join="any"), task("after"))
    serial = world.serial("call")
    world.answer("b").give(CallReturned(serial, 1, "late"))
    assert world.types()[-1] == "- trigger.stale"
    assert world.state == {}


@pytest.mark.parametrize("join", ["all", "any", 2])
def test_an_uncaught_failure_in_a_branch_cancels_its_siblings_and_fails_the_fork_whatever_the_join(join: Any) -> None:
    body = fork(task("a"), (task("b"), Fail("f", e("'bad'"), e("'m'"))), task("c"), join=join)
    world = run(Try("t", (body,), (Handler(("bad",), (task("handling"),)),)))
    world.answer("b")
    assert world.waiting() == ["handling"]
    assert world.types("fork") == ["step.entered", "step.failed"]
    assert [event.step for event in world.it.events if event.type == "step.cancelled"] == ["a", "c"]


def test_a_failure_that_is_caught_in_its_branch_leaves_the_siblings_alone() -> None:
    caught = Try("t", (task("b"), Fail("f", e("'bad'"), e("'m'"))), (Handler(("*",), (Set("h", {"x": e("1")}),)),))
    world = run(fork(task("a"), caught), END)
    world.answer("b")
    assert world.waiting() == ["a"]
    assert world.answer("a").state == {"x": 1}


def test_complete_inside_a_branch_ends_the_whole_instance() -> None:
    world = run(fork(task("a"), (task("b"), Complete("early", e("'early'"))), fork(task("c"), task("d"), id="in")), END)
    world.answer("b")
    assert (world.status, world.output) == ("completed", "early")
    assert [event.step for event in world.it.events if event.type == "step.cancelled"] == ["a", "c", "d", "in"]
    assert world.types("fork") == ["step.entered", "step.done"]


def test_fail_inside_a_branch_ends_the_whole_instance() -> None:
    world = run(fork(task("a"), (task("b"), Fail("f", e("'bad'"), e("'m'")))), END)
    assert world.answer("b").error == "bad"
    assert world.types("a") == ["step.waiting", "step.cancelled"]


def test_forks_nest_in_loops_in_handlers_in_forks() -> None:
    inner = fork((task("p"), Set("n", {"n": e("n + 1")})), task("q"), id="in")
    loop = Repeat("r", (inner,), test=e("n < 2"))
    handled = Try("t", (Fail("f", e("'x'"), e("'m'")),), (Handler(("x",), (loop,)),))
    world = run(Set("s", {"n": e("0")}), fork(handled, task("side"), id="out"), END)
    for step in ("p", "q", "q", "p"):
        assert set(world.waiting()) == {"side", "p", "q"} or set(world.waiting()) == {
            "side",
            "p" if step == "p" else "q",
        }
        world.answer(step)
    assert world.waiting() == ["side"]
    assert world.answer("side").state == {"n": 2}
    assert world.output == "end"


def test_a_thousand_open_branches_are_the_limit() -> None:
    world = run(fork(*(task(f"t{i}") for i in range(1001))))
    assert (world.status, world.error) == ("failed", "failure.too-many-branches")
    assert len(run(fork(*(task(f"t{i}") for i in range(1000)))).waiting()) == 1000
    nested = run(fork(*(task(f"t{i}") for i in range(600)), fork(*(task(f"u{i}") for i in range(500)), id="in")))
    assert nested.error == "failure.too-many-branches"
    assert nested.snapshot.error is not None
    assert nested.snapshot.error.step == "in"


def test_branches_that_are_about_to_begin_count_as_open() -> None:
    pairs = (fork(task(f"a{i}"), task(f"b{i}"), id=f"in{i}") for i in range(700))
    world = run(fork(*pairs))
    assert world.error == "failure.too-many-branches"
    assert world.snapshot.error is not None
    assert world.snapshot.error.step == "in300", "600 wait, 399 are to begin, and it would open two"


def test_an_instance_with_a_thousand_open_branches_can_be_cancelled() -> None:
    world = run(fork(*(task(f"t{i}") for i in range(999))))
    assert len(world.waiting()) == 999
    assert world.cancel().status == "cancelled"
