"""``subworkflow`` and ``continue_with``: children, chains, versions."""

from __future__ import annotations

from typing import Any

from armillary_engine.definition.model import (
    Complete,
    ContinueWith,
    Definition,
    Fail,
    Handler,
    Set,
    Subworkflow,
    Task,
    Try,
)
from armillary_engine.interpreter import Resolved, child_id
from armillary_engine.interpreter.commands import CancelChild, Due, End, StartChild, StartNext
from armillary_engine.interpreter.triggers import ChildEnded, Failed, Retry, TimerDue

from .world import World, const, e, workflow

SUB = Subworkflow("sub", "Child", e("{'n': 1}"), result="r")


def child(*body: Any, **fields: Any) -> Definition:
    return workflow(*body, name="Child", **fields)


def run(child: Definition, *body: Any, **fields: Any) -> World:
    return World(workflow(*(body or (SUB,)), **fields), child).start()


# ── children ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_child_gets_its_input_and_gives_its_output() -> None:
    world = run(child(Complete("z", e("input.n + 1"))), SUB, Complete("z", e("r")))
    assert (world.status, world.output) == ("completed", 2)
    (started,) = world.commands(StartChild)
    assert (started.child, started.workflow, started.input) == ("i:1", "Child", {"n": 1})


def test_the_version_is_resolved_when_the_step_is_entered_and_recorded() -> None:
    world = World(workflow(Subworkflow("sub", "Child", const(None), "^1.2")))
    asked = []

    def catalogue(name: str, _range: str) -> Resolved:
        asked.append((name, _range))
        return Resolved("1.3.0", "digest-of-1.3.0")

    world.catalogue = catalogue  # type: ignore[method-assign]
    world._apply = lambda *_: None  # type: ignore[method-assign]
    world._check = lambda *_: None  # type: ignore[method-assign]
    world.start()
    assert set(asked) == {("Child", "^1.2")}
    (started,) = world.commands(StartChild)
    assert (started.version, started.digest) == ("1.3.0", "digest-of-1.3.0")
    recorded = world.event("step.waiting").data
    assert (recorded["version"], recorded["digest"], recorded["child"]) == ("1.3.0", "digest-of-1.3.0", "i:1")


def test_a_workflow_that_is_not_deployed_is_a_failure() -> None:
    world = World(workflow(SUB)).start()
    assert world.error == "failure.workflow-unknown"


def test_a_childs_failure_comes_up_with_its_code() -> None:
    world = run(child(Fail("f", e("'rejected.late'"), e("'too late'"))))
    assert (world.status, world.error) == ("failed", "child.rejected.late")
    assert world.snapshot.error is not None
    assert world.snapshot.error.message == "too late"
    assert world.snapshot.error.details == {"child": "i:1", "details": None}


def test_a_childs_failure_can_be_handled() -> None:
    handled = Try("t", (SUB,), (Handler(("child.rejected",), (Set("s", {"x": e("error.code")}),)),))
    assert run(child(Fail("f", e("'rejected'"), e("'m'"))), handled).state == {"x": "child.rejected"}


def test_a_child_that_is_cancelled_is_a_failure_of_its_step() -> None:
    world = run(child(Task("t", "T")))
    world.cancel("i:1")
    assert (world.status, world.error) == ("failed", "child.cancelled")


def test_cancel_goes_down() -> None:
    grandchild = workflow(Task("t", "T"), name="Grandchild")
    middle = child(Subworkflow("deep", "Grandchild", const(None)))
    world = World(workflow(SUB), middle, grandchild).start()
    assert world["i:1:1"].snapshot.status == "waiting"
    world.cancel()
    assert [world[id].snapshot.status for id in ("i", "i:1", "i:1:1")] == ["cancelled"] * 3
    assert world.commands(CancelChild) == [CancelChild(1, "i:1")]


def test_cancel_with_compensation_goes_down_as_such() -> None:
    world = run(child(Try("b", (), compensate=(Task("undo", "Undo"),)), Task("t", "T")))
    world.cancel(compensate=True)
    assert world.status == "cancelled"
    assert world.waiting("i:1") == ["undo"]


def test_a_time_out_cancels_the_child() -> None:
    world = run(child(Task("t", "T")), Subworkflow("sub", "Child", const(None), timeout="P1D"))
    world.pass_time("P1D")
    assert (world.status, world.error) == ("failed", "timeout.child")
    assert world["i:1"].snapshot.status == "cancelled"


def test_a_time_out_that_fails_the_instance_makes_the_child_undo_what_it_did_and_one_that_is_handled_does_not() -> None:
    booked = child(Try("b", (), compensate=(Task("undo", "Undo"),)), Task("t", "T"))
    late = Subworkflow("sub", "Child", const(None), timeout="P1D")
    world = run(booked, late).pass_time("P1D")
    assert (world.status, world.waiting("i:1")) == ("failed", ["undo"])
    handled = run(booked, Try("try", (late,), (Handler(("timeout.child",), (Task("other", "O"),)),))).pass_time("P1D")
    assert (handled.waiting(), handled["i:2"].snapshot.status) == (["other"], "cancelled")


def test_a_time_out_from_before_the_retry_is_stale() -> None:
    world = run(child(Task("t", "T")), Subworkflow("sub", "Child", const(None), timeout="P1D"))
    old = world.commands(Due)[0]
    world.pass_time("P1D")
    world.give(Retry("ops"))
    world.give(TimerDue(old.serial, "timeout", old.at))
    assert world.types()[-1] == "sub trigger.stale"
    assert world.waiting() == ["sub"]
    assert world.pass_time("P1D").error == "timeout.child"


def test_a_child_that_has_failed_is_not_cancelled() -> None:
    world = run(child(Fail("f", e("'rejected'"), e("'m'"))))
    assert world.error == "child.rejected"
    assert world.commands(CancelChild) == []


def test_an_input_that_the_child_refuses_is_its_failure() -> None:
    world = run(child(input={"type": "object", "required": ["other"]}))
    assert world.error == "child.failure.input-invalid"


def test_the_end_of_another_child_is_stale() -> None:
    world = run(child(Task("t", "T")))
    world.give(ChildEnded(1, "i:99", "completed", 1))
    assert world.types()[-1] == "sub trigger.stale"
    assert world.waiting() == ["sub"]


def test_an_end_without_an_error_is_still_a_failure() -> None:
    world = run(child(Task("t", "T"))).give(ChildEnded(1, "i:1", "failed"))
    assert world.error == "child.failed"
    world = run(child(Task("t", "T"))).give(ChildEnded(1, "i:1", "failed", None, Failed("x", "m", [1])))
    assert world.snapshot.error is not None
    assert world.snapshot.error.details == {"child": "i:1", "details": [1]}


def test_ids_of_children_derive_from_the_waiting_token() -> None:
    assert child_id("i", 7) == "i:7"
    assert child_id("i:7", 3, 2) == "i:7:3.2"


# ── continue_with ────────────────────────────────────────────────────────────────────────────────────────────────────

NEXT = ContinueWith("next", "Child", e("{'n': 5}"))


def test_continue_with_ends_this_instance_and_starts_the_next_one_in_one_slice() -> None:
    world = run(child(Complete("z", e("input.n"))), Set("s", {"x": e("1")}), NEXT)
    assert (world.status, world.output, world.it.slices) == ("completed", None, 1)
    assert [type(command) for command in world.it.commands] == [StartNext, End]
    assert world["i~2"].snapshot.output == 5
    assert world.types("next") == ["step.done"]
    assert world.event("instance.continued").data["next"] == "i~2"


def test_a_chain_can_be_followed_both_ways() -> None:
    again = child(ContinueWith("again", "Last", const(None)))
    world = World(workflow(NEXT), again, workflow(name="Last")).start()
    chains = [world[id].snapshot.chain for id in ("i", "i~2", "i~3")]
    assert [(c.root, c.number, c.previous, c.next) for c in chains] == [
        ("i", 1, None, "i~2"), ("i", 2, "i", "i~3"), ("i", 3, "i~2", None),
    ]  # fmt: skip


def test_a_parent_waits_for_the_end_of_its_childs_chain() -> None:
    last = workflow(Task("t", "T", result="a"), Complete("z", e("a")), name="Last")
    world = World(workflow(SUB, Complete("z", e("r"))), child(ContinueWith("next", "Last", const(None))), last).start()
    assert world["i:1"].snapshot.status == "completed"
    assert world.status == "waiting"
    world.answer("t", "end", "i:1~2")
    assert world.output == "end"


def test_cancel_reaches_the_living_member_of_a_chain() -> None:
    last = workflow(Task("t", "T"), name="Last")
    world = World(workflow(SUB), child(ContinueWith("next", "Last", const(None))), last).start()
    world.cancel()
    assert world["i:1~2"].snapshot.status == "cancelled"


def test_continue_with_drops_compensations() -> None:
    world = run(child(), Try("t", (), compensate=(Fail("f", e("'x'"), e("'m'")),)), NEXT)
    assert (world.status, world.snapshot.compensations) == ("completed", ())


def test_continue_with_into_an_unknown_workflow_is_a_failure_that_can_be_handled() -> None:
    handled = Try("t", (NEXT,), (Handler(("failure.workflow-unknown",), (Complete("z", e("'kept'")),)),))
    assert World(workflow(handled)).start().output == "kept"


def test_ids_do_not_grow_with_the_chain() -> None:
    world = World(workflow(ContinueWith("again", "W", e("input + 1")), name="W"), limit=5)
    world.catalogue = _up_to(world, 50)  # type: ignore[method-assign]
    world.start(1)
    assert sorted(world.instances, key=len)[-1] == "i~50"


def _up_to(world: World, count: int) -> Any:
    found = world.catalogue
    return lambda name, wanted: found(name, wanted) if len(world.instances) < count else None


def test_large_inputs_are_refused() -> None:
    big = Subworkflow("sub", "Child", e("input"))
    world = World(workflow(big), child()).start("x" * 300_000)
    assert world.error == "failure.payload-too-large"
    following = World(workflow(ContinueWith("next", "Child", e("input"))), child()).start("x" * 300_000)
    assert (following.status, following.error) == ("failed", "failure.payload-too-large")
