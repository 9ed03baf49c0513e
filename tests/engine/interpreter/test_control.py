"""What operators do: cancel, suspend, resume, retry; and triggers that come too late."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition.model import (
    Address,
    Call,
    Complete,
    Each,
    Escalation,
    Fail,
    Fork,
    ForkBranch,
    Repeat,
    RetryPolicy,
    Set,
    Signal,
    Subworkflow,
    Task,
    Timer,
    Try,
)
from armillary_engine.interpreter import InterpretError, why_not_retry
from armillary_engine.interpreter.commands import End, OpenCall, OpenTask, RetryCall, StartChild
from armillary_engine.interpreter.triggers import (
    CallReturned,
    Cancel,
    Continue,
    Resume,
    Retry,
    SignalArrived,
    Start,
    Suspend,
    TaskCompleted,
    TimerDue,
)

from .world import T0, World, const, e, workflow


def run(*body: Any, input: Any = None, others: tuple[Any, ...] = ()) -> World:
    return World(workflow(*body), *others).start(input)


def task(id: str, **fields: Any) -> Task:
    return Task(id, id, **fields)


# ── cancel ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cancel_ends_an_instance_with_all_that_waits() -> None:
    world = run(task("a")).cancel()
    assert (world.status, world.waiting()) == ("cancelled", [])
    assert world.commands(End) == [End("cancelled")]
    assert world.types()[-2:] == ["a step.cancelled", "- instance.cancelled"]


def test_a_cancelled_instance_is_not_cancelled_again() -> None:
    world = run(task("a")).cancel().cancel()
    assert world.it.events[-1].data == {"trigger": "cancel", "reason": "the instance is cancelled"}
    assert len(world.commands(End)) == 1


def test_an_instance_is_cancelled_before_it_has_begun_and_its_start_is_stale() -> None:
    world = World(workflow(task("a")))
    world.main = "i"
    world._create("i", "W", None, None, None)
    world.it.queue.append(Cancel())
    world.run()
    assert world.status == "cancelled"
    assert world.types() == ["- instance.cancelled", "- trigger.stale"]


def test_a_suspended_instance_can_be_cancelled() -> None:
    world = run(task("a")).give(Suspend()).cancel()
    assert world.status == "cancelled"


# ── suspend and resume ───────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_advances_while_suspended_and_stored_triggers_apply_afterwards() -> None:
    world = run(task("a"), Complete("z", e("1")))
    world.give(Suspend("a look", "ops"))
    assert world.status == "suspended"
    world.give(TaskCompleted(1, None))
    assert (world.status, world.waiting()) == ("suspended", ["a"])
    world.give(Resume("ops"))
    assert (world.status, world.output) == ("completed", 1)
    assert [t for t in world.types() if "instance" in t] == [
        "- instance.started", "- instance.suspended", "- instance.resumed", "- instance.completed",
    ]  # fmt: skip


def test_a_suspended_instance_refuses_other_triggers() -> None:
    world = run(task("a")).give(Suspend())
    with pytest.raises(InterpretError, match="expected to keep a task-completed trigger"):
        world.slice("i", TaskCompleted(1, None))


def test_suspending_twice_and_resuming_what_runs_is_stale() -> None:
    world = run(task("a")).give(Resume())
    assert world.it.events[-1].data == {"trigger": "resume", "reason": "the instance is waiting"}
    world.give(Suspend()).give(Suspend())
    assert world.it.events[-1].data == {"trigger": "suspend", "reason": "the instance is suspended"}


@pytest.mark.parametrize("trigger", [Suspend(), Resume(), Cancel(), Cancel(compensate=True)], ids=lambda t: str(t))
@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_what_has_ended_takes_no_request(ending: str, trigger: Any) -> None:
    """It may come late: from the dead letters, or with the retry that was asked for before it."""
    endings = {"completed": run, "failed": lambda: run(Fail("f", e("'x'"), e("'m'"))), "cancelled": _cancelled}
    world = endings[ending]()
    world.give(trigger)
    assert world.status == ending
    assert world.it.events[-1].data["reason"] == f"the instance is {ending}"


def _cancelled() -> World:
    return run(task("a")).give(Cancel())


def test_the_failure_of_a_child_is_its_parents_to_retry() -> None:
    child = workflow(Fail("f", e("'x'"), e("'m'")), name="Child")
    world = run(Subworkflow("c", "Child", const(None)), others=(child,))
    world.give(Retry(), "i:1")
    assert (world["i:1"].snapshot.status, world.status) == ("failed", "failed")
    reason = world["i:1"].events[-1].data["reason"]
    assert reason == "its parent has taken its failure; retry i, which starts it anew"


def test_an_instance_is_suspended_before_it_has_begun() -> None:
    world = World(workflow(task("a")))
    world.main = "i"
    world._create("i", "W", None, None, None)
    world.it.queue.appendleft(Suspend())
    world.run()
    assert (world.status, world.waiting()) == ("suspended", [])
    assert world.give(Resume()).waiting() == ["a"]


def test_a_long_run_is_suspended_between_its_slices() -> None:
    count = Repeat("r", (Set("n", {"n": e("n + 1")}),), test=e("n < 3000"))
    world = World(workflow(Set("s", {"n": e("0")}), count))
    world.main = "i"
    world._create("i", "W", None, None, None)
    world.slice("i", world.it.queue.popleft())
    assert (world.status, world.snapshot.ready != ()) == ("running", True)
    world.give(Suspend())
    assert world.status == "suspended"
    assert world.give(Resume()).state == {"n": 3000}


# ── retry ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_retry_goes_on_from_the_failed_step_under_the_same_visit() -> None:
    world = run(Set("s", {"x": e("1")}), Call("c", Address("s", "o"), e("x"), result="r"), Complete("z", e("r")))
    world.break_call("c")
    assert world.status == "failed"
    assert why_not_retry(world.snapshot) is None
    world.give(Retry("ops"))
    first, second = world.commands(OpenCall)
    assert (second.serial, second.key, second.arguments) == (first.serial, first.key, first.arguments)
    assert second.attempt == 2
    assert world.event("instance.retried").data == {"by": "ops", "step": "c"}
    assert world.snapshot.error is None
    assert world.reply("c", 5).output == 5


def test_late_replies_to_attempts_before_the_retry_are_stale() -> None:
    world = run(Call("c", Address("s", "o"), const(None), retry=RetryPolicy(attempts=2)), task("after"))
    world.break_call("c").break_call("c").give(Retry())
    assert world.opened("c").attempt == 3
    world.give(CallReturned(1, 2, "late"))
    assert world.types()[-1] == "c trigger.stale"
    world.break_call("c")
    assert world.status == "waiting"  # the policy allows two attempts again
    assert world.reply("c").waiting() == ["after"]


def test_back_off_begins_anew_after_a_retry() -> None:
    policy = RetryPolicy(attempts=3, backoff="PT2S", factor=3, max="PT1H")
    world = run(Call("c", Address("s", "o"), const(None), retry=policy))
    for _ in range(2):
        world.break_call("c").break_call("c").break_call("c").give(Retry())
    assert [(again.attempt, again.due - T0) for again in world.commands(RetryCall)] == [
        (2, 2_000_000), (3, 6_000_000), (5, 2_000_000), (6, 6_000_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("waits", "purpose"),
    [
        (Timer("a", after=e("'PT1H'")), "timer"),
        (task("a", timeout="PT1H"), "timeout"),
        (task("a", escalate=Escalation("PT1H", ("manager",))), "escalate"),
        (Signal("a", "paid", timeout="PT1H"), "timeout"),
        (Call("a", Address("s", "o"), const(None), timeout="PT1H"), "timeout"),
    ],
)
def test_what_is_opened_again_is_due_anew(waits: Any, purpose: Any) -> None:
    failing = ForkBranch("b", (Call("b", Address("s", "o"), const(None), timeout="P1D"),))
    world = run(Fork("fork", (ForkBranch("a", (waits,)), failing)))
    world.pass_time("PT10M").break_call("b").give(Retry())
    serial = world.serial("a")
    world.give(TimerDue(serial, purpose, T0 + 3_600_000_000))
    assert world.types()[-1] == "a trigger.stale"
    assert world.it.dues[serial, purpose] == T0 + 4_200_000_000
    assert world.waiting() == ["a", "b"]


def test_a_due_time_from_before_the_retry_is_stale() -> None:
    world = run(task("a", timeout="PT1H"))
    world.pass_time("PT1H")
    assert world.error == "timeout.task"
    world.give(Retry())
    old = TimerDue(1, "timeout", T0 + 3_600_000_000)
    world.give(old)
    assert world.waiting() == ["a"]
    assert world.pass_time("PT1H").error == "timeout.task"


def test_retry_enters_a_step_whose_expression_failed_again() -> None:
    world = run(Set("s", {"x": e("1 / input")}), input=0)
    assert world.error == "expression.division-by-zero"
    world.give(Retry())
    assert (world.status, world.error) == ("failed", "expression.division-by-zero")
    assert [event.serial for event in world.it.events if event.type == "step.failed"] == [1, 1]


def test_retry_goes_on_at_a_loops_test_with_its_turns_counted() -> None:
    loop = Repeat("r", (task("t", result="n"),), test=e("n < 2"), max=3)
    world = run(Set("s", {"n": e("0")}), loop).answer("t", "text")
    assert world.error == "expression.type"
    assert world.snapshot.error is not None
    assert world.snapshot.error.step == "r"
    assert [frame.count for frame in world.snapshot.frames] == [1]
    assert world.give(Retry()).error == "expression.type"


def test_retry_opens_the_waits_of_the_other_branches_again_under_their_visits() -> None:
    child = workflow(task("inside"), name="Child")
    body = Fork("fork", (
        ForkBranch("a", (task("a"),)), ForkBranch("b", (Call("b", Address("s", "o"), const(None)),)),
        ForkBranch("c", (Subworkflow("c", "Child", const(None)),)), ForkBranch("d", (Timer("d", after=e("'P1D'")),)),
    ))  # fmt: skip
    world = run(body, Complete("z", e("1")), others=(child,))
    before = {command.step: serial for serial, command in world.it.open.items()}
    world.break_call("b")
    assert (world.status, world.waiting()) == ("failed", [])
    world.give(Retry())
    assert {command.step: serial for serial, command in world.it.open.items()} == before
    assert world.event("step.entered", "fork").data == {"again": True}
    assert world.types()[-4:] == [f"{step} step.waiting" for step in "bacd"], "the failed one first"
    assert [c.serial for c in world.commands(OpenTask)] == [before["a"]] * 2
    assert [c.child for c in world.commands(StartChild)] == ["i:4", "i:4.2"]
    assert world["i:4"].snapshot.status == "cancelled"
    world.answer("a").reply("b").answer("inside", None, "i:4.2").pass_time("P1D")
    assert world.output == 1


def test_retry_runs_what_was_ready_when_the_instance_failed() -> None:
    body = Fork("fork", (ForkBranch("a", (Set("s", {"x": e("1 / input.n")}),)), ForkBranch("b", (task("b"),))))
    world = run(body, input={"n": 0})
    assert (world.status, world.types("b")) == ("failed", [])
    world.give(Retry())
    assert (world.status, world.types("b")) == ("failed", [])
    assert len(world.snapshot.ready) == 1


def test_a_retry_that_fails_again_can_be_retried_with_every_branch() -> None:
    body = Fork("fork", (
        ForkBranch("a", (Call("a", Address("s", "o"), e("1 / input.n")),)), ForkBranch("b", (task("b"),)),
    ))  # fmt: skip
    world = World(workflow(body)).start({"n": 1})
    world.break_call("a")
    object.__setattr__(world.it, "snapshot", _with_input(world, {"n": 0}))
    world.give(Retry())
    assert world.error == "expression.division-by-zero"
    assert world.types("b") == ["step.waiting", "step.cancelled"], "it was not open again"
    object.__setattr__(world.it, "snapshot", _with_input(world, {"n": 2}))
    world.give(Retry())
    assert world.waiting() == ["a", "b"]
    assert world.opened("a").attempt == 2
    assert world.reply("a").answer("b").status == "completed"


def _with_input(world: World, value: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(world.snapshot, input=value)


def test_retry_in_a_turn_of_a_parallel_each_keeps_its_names() -> None:
    body = (Set("s", {"y": e("x * 10")}), Call("c", Address("s", "o"), e("y")))
    world = run(Each("each", e("[1, 2]"), "x", body, parallel=2, collect=e("y"), result="r"))
    second = sorted(world.it.open)[1]
    world.give(CallReturned(second, 1, failed=_failed()))
    world.give(Retry())
    assert [command.arguments for command in world.it.open.values()] in ([20, 10], [10, 20])
    for serial in sorted(world.it.open):
        world.give(CallReturned(serial, 2, None))
    assert world.state == {"r": [10, 20]}


def _failed() -> Any:
    from armillary_engine.interpreter.triggers import Failed

    return Failed("failure.down", "down")


def test_retry_of_a_collect_that_failed_collects_again() -> None:
    world = run(Each("each", e("[1]"), "x", (), collect=e("x / 0"), result="r"))
    assert world.error == "expression.division-by-zero"
    assert world.give(Retry()).error == "expression.division-by-zero"
    assert [turn.index for turn in world.snapshot.frames[0].turns] == [0]


def test_retry_of_an_output_that_did_not_fit() -> None:
    world = World(workflow(output={"type": "object"})).start()
    assert world.error == "failure.output-invalid"
    assert world.give(Retry("ops")).error == "failure.output-invalid"
    assert world.event("instance.retried").data == {"by": "ops", "step": None}


@pytest.mark.parametrize(
    ("prepared", "reason"),
    [
        (lambda: run(task("a")), "the instance is waiting, not failed"),
        (lambda: run(), "the instance is completed, not failed"),
        (lambda: run(Try("t", (), compensate=()), Fail("f", e("'x'"), e("'m'"))), "its work has been compensated"),
        (lambda: World(workflow(input={"type": "object"})).start(1), "it failed before its first step"),
    ],
)
def test_what_cannot_be_retried_says_why(prepared: Any, reason: str) -> None:
    world = prepared()
    status = world.status
    assert reason in (why_not_retry(world.snapshot) or "")
    world.give(Retry())
    assert world.status == status
    assert reason in world.it.events[-1].data["reason"]


# ── triggers that come too late ──────────────────────────────────────────────────────────────────────────────────────


def test_a_second_start_is_stale() -> None:
    world = run(task("a"))
    world.give(Start(None))
    assert world.it.events[-1].data == {"trigger": "start", "reason": "the instance has started before"}
    assert world.waiting() == ["a"]


def test_a_continue_with_nothing_to_do_changes_nothing() -> None:
    world = run(task("a"))
    events = len(world.it.events)
    world.give(Continue())
    assert (len(world.it.events), world.waiting()) == (events, ["a"])


def test_a_stale_trigger_changes_nothing_but_the_record() -> None:
    world = run(task("a"))
    before = world.snapshot
    world.give(TaskCompleted(7, "x"))
    after = world.snapshot
    assert (after.state, after.frames, after.serial, after.status) == (
        before.state, before.frames, before.serial, before.status,
    )  # fmt: skip
    assert world.it.events[-1].type == "trigger.stale"


# ── what history tells of them ───────────────────────────────────────────────────────────────────────────────────────


def _failed_world() -> World:
    return run(Fail("f", e("'bad'"), e("'m'")))


HOUR = 3_600_000_000
LATE = TimerDue(1, "timeout", T0 + HOUR)


@pytest.mark.parametrize(
    ("prepared", "trigger", "event", "told"),
    [
        (lambda: run(task("a")), TaskCompleted(1, 5, "ann"), "step.done", {"by": "ann"}),
        (lambda: run(Call("a", Address("s", "o"), const(1))), CallReturned(1, 1, 5), "step.done", {"attempt": 1}),
        (lambda: run(Signal("a", "paid")), SignalArrived(1, "s-7", "paid"), "step.done", {"signal": "s-7"}),
        (lambda: run(Timer("a", after=e("'PT1H'"))), TimerDue(1, "timer", T0 + HOUR), "step.done", {"due": T0 + HOUR}),
        (lambda: run(task("a", timeout="PT1H")), LATE, "step.failed", {"code": "timeout.task"}),
        (lambda: run(task("a")), Cancel(False, "why", "ops"), "instance.cancelled", {"by": "ops", "reason": "why"}),
        (lambda: run(task("a")), Suspend("why", "ops"), "instance.suspended", {"by": "ops", "reason": "why"}),
        (lambda: run(task("a")).give(Suspend()), Resume("ops"), "instance.resumed", {"by": "ops"}),
        (_failed_world, Retry("ops"), "instance.retried", {"by": "ops", "step": "f"}),
        (lambda: run(task("a")), TaskCompleted(9, 5), "trigger.stale", {"trigger": "task-completed"}),
    ],
)  # fmt: skip
def test_history_tells_each_trigger(prepared: Any, trigger: Any, event: str, told: dict[str, Any]) -> None:
    world = prepared()
    seen = len(world.it.events)
    world.give(trigger)
    (found, *_) = [one for one in world.it.events[seen:] if one.type == event]
    assert {name: found.data.get(name) for name in told} == told
    assert world.snapshot.now == max(T0, getattr(trigger, "due", 0))


def test_history_tells_the_input_and_the_end_of_a_child() -> None:
    child = workflow(Complete("z", e("input")), name="Child")
    world = World(workflow(Subworkflow("sub", "Child", e("input"))), child).start(7)
    assert world.event("instance.started").data == {"input": 7}
    assert world.event("step.done", "sub").data == {"child": "i:1"}
