"""Children, chains, branches and compensations on each store: what passes between instances, and what a slice never
stores."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.runtime import InstanceQuery, TaskQuery
from armillary_engine.testing.clock import VirtualClock

from .conftest import House, call, done, flow, get, task

SUB = m.Subworkflow("sub", "Child", m.Const({}), result="said")
POLICY = {"policy": "P-1"}
APPROVE = {"answer": "approve"}
UNDO = m.Try("book", (m.Set("b", {"booked": m.Const("flight")}),), compensate=(task("undo"),))


def open_steps(runtime: LocalRuntime, instance: str) -> list[str]:
    """The tasks of an instance and of all below it that wait for somebody."""
    return sorted(one.step for one in runtime.tasks(TaskQuery(instance=instance)))


def answer(runtime: LocalRuntime, instance: str) -> None:
    (one,) = runtime.tasks(TaskQuery(instance=instance))
    runtime.complete_task(one.id, APPROVE)


@pytest.fixture
def runtime(house: House) -> LocalRuntime:
    """It knows a child that continues as another: that one asks somebody."""
    opened = house.open()
    opened.deploy(flow(task("last"), m.Complete("done", get("review.answer")), name="Last"))
    opened.deploy(flow(task("first"), m.ContinueWith("on", "Last", m.Const({})), name="Child"))
    opened.deploy(flow(SUB, done("said")))
    return opened


def chained(house: House, runtime: LocalRuntime) -> tuple[str, str]:
    """A parent whose child was continued, and the living member of that chain."""
    parent = runtime.start("Case", POLICY).id
    house.until(runtime, parent, "resting")
    (child,) = runtime.instances(InstanceQuery(parent=parent))
    answer(runtime, parent)
    living = runtime.instance(child.id).next
    assert living is not None
    house.until(runtime, living, "resting")
    return parent, living


def test_a_parent_gets_what_the_last_of_the_chain_gives(house: House, runtime: LocalRuntime) -> None:
    parent, living = chained(house, runtime)
    assert (runtime.instance(parent).status, runtime.instance(living).parent) == ("waiting", parent)
    assert open_steps(runtime, parent) == ["last"]
    answer(runtime, parent)
    assert house.until(runtime, parent).status == "completed"
    assert runtime.instance_state(parent).output == "approve"


def test_a_cancelled_parent_cancels_the_living_member_of_the_chain(house: House, runtime: LocalRuntime) -> None:
    parent, living = chained(house, runtime)
    runtime.cancel(parent)
    assert house.until(runtime, living).status == "cancelled"
    assert open_steps(runtime, parent) == []


def test_who_cancels_the_last_of_a_chain_fails_the_parent(house: House, runtime: LocalRuntime) -> None:
    parent, living = chained(house, runtime)
    runtime.cancel(living)
    view = house.until(runtime, parent)
    assert (view.status, view.error and view.error["code"]) == ("failed", "child.cancelled")


@pytest.mark.parametrize("compensate", [True, False])
def test_cancel_goes_down_with_or_without_compensation(house: House, compensate: bool) -> None:
    runtime = house.open()
    runtime.deploy(flow(UNDO, task("ask"), name="Grandchild"))
    runtime.deploy(flow(m.Subworkflow("deep", "Grandchild", m.Const({})), name="Child"))
    runtime.deploy(flow(SUB))
    parent = runtime.start("Case", POLICY).id
    house.until(runtime, parent, "resting")
    (child,) = runtime.instances(InstanceQuery(parent=parent))
    house.until(runtime, child.id, "resting")
    (grandchild,) = runtime.instances(InstanceQuery(parent=child.id))
    runtime.cancel(parent, compensate=compensate)
    if compensate:
        house.until(runtime, grandchild.id, lambda view: view.steps == ("undo",))
        assert open_steps(runtime, grandchild.id) == ["undo"]
        answer(runtime, grandchild.id)
    assert house.until(runtime, grandchild.id).status == "cancelled"
    assert [house.until(runtime, one).status for one in (parent, child.id)] == ["cancelled", "cancelled"]


def test_what_a_slice_opens_and_closes_again_was_never_there(house: House) -> None:
    called: list[Any] = []
    clock = VirtualClock()
    runtime = house.open(clock=clock)
    runtime.register_service("rating", called.append)
    runtime.deploy(flow(task("inside"), name="Child"))
    waits = (
        call("ask"), task("look", escalate=m.Escalation("PT1M", ("lead",)), timeout="PT1H"),
        m.Timer("nap", after=m.Const("PT1M")), m.Signal("paid", "paid", timeout="PT1H"), SUB,
    )  # fmt: skip
    branches = [m.ForkBranch(wait.id, (wait,)) for wait in waits]
    arrives = m.ForkBranch("now", (m.Set("set", {"x": m.Const(1)}),))
    runtime.deploy(
        flow(m.Fork("fork", (*branches, arrives), "any"), m.Signal("more", "more", result="said"), done("said"))
    )
    instance = runtime.start("Case", POLICY).id
    assert house.until(runtime, instance, "resting").steps == ("more",)
    clock.advance(seconds=7200)
    runtime.signal("paid", 1, instance=instance)
    runtime.signal("more", "hello", instance=instance)
    house.until(runtime, instance)
    assert runtime.instance_state(instance).output == "hello"
    assert [one.id for one in runtime.instances()] == [instance]
    assert runtime.tasks(TaskQuery(instance=instance, status=None)) == []
    assert called == []
    stale = [event for event in runtime.history(instance) if event.type == "trigger.stale"]
    assert stale == []


def test_the_joins_rest_is_cancelled_with_all_that_it_waited_for(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task("inside"), name="Child"))
    waits = (task("look", result=None), m.Signal("paid", "paid"), SUB, task("first"))
    branches = [m.ForkBranch(one.id, (one,)) for one in waits]
    runtime.deploy(flow(m.Fork("fork", tuple(branches), "any"), task("after")))
    instance = runtime.start("Case", POLICY).id
    house.until(runtime, instance, "resting")
    (child,) = runtime.instances(InstanceQuery(parent=instance))
    house.until(runtime, child.id, "resting")
    (first,) = [one for one in runtime.tasks(TaskQuery(instance=instance)) if one.step == "first"]
    runtime.complete_task(first.id, APPROVE)
    assert house.until(runtime, child.id).status == "cancelled"
    assert open_steps(runtime, instance) == ["after"]
    runtime.signal("paid", 1, instance=instance)
    assert runtime.instance(instance).steps == ("after",)


def test_one_that_was_suspended_while_it_undid_goes_on_with_the_answers_that_came(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(UNDO, m.Fail("fail", m.Const("late"), m.Const("Too late."))))
    instance = runtime.start("Case", POLICY).id
    house.until(runtime, instance, lambda view: view.steps == ("undo",))
    runtime.suspend(instance)
    house.until(runtime, instance, lambda view: view.status == "suspended")
    answer(runtime, instance)
    runtime.cancel(instance, compensate=True)
    view = house.until(runtime, instance)
    assert (view.status, view.error and view.error["code"]) == ("failed", "late")
