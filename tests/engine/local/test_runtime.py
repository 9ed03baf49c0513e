"""The runtime on each store, from start to end: what people do, and what goes wrong."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.runtime import Caller, Changed, InstanceQuery, Request, Subscription, TaskQuery

from .conftest import PATIENCE, House, call, code, done, flow, get, task

POLICY = {"policy": "P-1"}
QUICK = m.RetryPolicy(attempts=3, backoff="PT0.01S")


def test_a_call_that_fails_once_is_retried_with_the_same_bytes(house: House) -> None:
    requests: list[Request] = []

    def rating(request: Request) -> Any:
        requests.append(request)
        if len(requests) == 1:
            raise ConnectionError("down")
        return {"premium": Decimal("100.10") + Decimal("200.20")}

    runtime = house.open()
    runtime.register_service("rating", rating)
    runtime.deploy(flow(call(retry=QUICK), done("quote.premium")))
    view = house.until(runtime, runtime.start("Case", POLICY).id)
    assert view.status == "completed"
    assert runtime.instance_state(view.id).output == Decimal("300.3")
    first, second = requests
    assert (first.attempt, second.attempt) == (1, 2)
    assert (first.arguments, first.idempotency_key) == (second.arguments, second.idempotency_key)
    types = [event.type for event in runtime.history(view.id)]
    assert types == [
        "instance.started",
        "step.waiting",
        "call.retrying",
        "step.done",
        "step.done",
        "instance.completed",
    ]
    assert [event.number for event in runtime.history(view.id)] == list(range(1, 7))


def test_one_call_costs_two_commits(house: House) -> None:
    runtime = house.open()
    runtime.register_service("rating", lambda request: {"premium": 1})
    runtime.deploy(flow(call(), done("quote.premium")))
    house.until(runtime, runtime.start("Case", POLICY).id)
    runtime.close()  # an end is seen before the worker has counted the commit that brought it
    counts = runtime.engine.telemetry.counts()
    assert {name: count for name, count in counts.items() if name.startswith("commit.")} == {"commit.committed": 2}
    assert "claim" not in counts


def test_a_key_gives_the_same_instance(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    first = runtime.start("Case", POLICY, key="P-1")
    assert runtime.start("Case", {"other": 1}, key="P-1").id == first.id
    assert runtime.start("Case", POLICY, key="P-2").id != first.id
    assert runtime.start("Case", POLICY, id="mine").id == "mine"
    assert code(runtime.start, "Case", POLICY, id="mine") == "instance.exists"
    assert code(runtime.start, "Case", POLICY, id="a/b") == "instance.id-invalid"
    assert [one.key for one in runtime.instances(InstanceQuery(key="P-1"))] == ["P-1"]


def test_many_who_start_under_one_key_get_one_instance(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    found: list[str] = []
    gate = threading.Barrier(8)

    def start() -> None:
        gate.wait()
        found.append(runtime.start("Case", POLICY, key="K").id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(runtime.instances()) == 1


def test_a_task_is_completed_once_and_by_an_answer_that_fits(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), done("review.answer")))
    instance = house.until(runtime, runtime.start("Case", POLICY).id, "resting")
    (open_task,) = runtime.tasks(TaskQuery(instance=instance.id))
    assert (open_task.name, open_task.status, instance.steps) == ("Review", "open", ("review",))
    assert code(runtime.complete_task, open_task.id, {"answer": "maybe"}) == "task.answer-invalid"
    assert code(runtime.complete_task, open_task.id, {"answer": {1, object()}}) == "task.answer-invalid"
    assert code(runtime.complete_task, "nothing/1", {}) == "task.unknown"
    assert runtime.task(open_task.id).status == "open"
    ended = runtime.complete_task(open_task.id, {"answer": "approve"})
    assert (ended.status, ended.answer) == ("completed", {"answer": "approve"})
    assert house.until(runtime, instance.id).status == "completed"
    assert code(runtime.complete_task, open_task.id, {"answer": "approve"}) == "task.not-open"
    assert [e.type for e in runtime.history(instance.id)].count("step.done") == 2


def test_of_many_who_complete_a_task_one_is_told_that_it_did(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), done("review.answer")))
    runtime.start("Case", POLICY)
    (open_task,) = runtime.tasks()
    results: list[str] = []
    gate = threading.Barrier(6)

    def complete() -> None:
        gate.wait()
        try:
            results.append(runtime.complete_task(open_task.id, {"answer": "approve"}).status)
        except ArmillaryError as error:
            results.append(error.code)

    threads = [threading.Thread(target=complete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["completed"] + ["task.not-open"] * 5


def test_tasks_are_claimed_released_and_reassigned_by_who_may(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    runtime.start("Case", POLICY)
    (open_task,) = runtime.tasks(TaskQuery(role="underwriter"))
    ann = Caller("ann", frozenset({"underwriter"}))
    bob = Caller("bob", frozenset({"underwriter"}))
    eve = Caller("eve", frozenset({"clerk"}))
    answer = {"answer": "approve"}
    assert code(runtime.claim_task, open_task.id, caller=eve) == "task.not-allowed"
    assert runtime.claim_task(open_task.id, caller=ann).assignee == "ann"
    assert runtime.claim_task(open_task.id, caller=ann).assignee == "ann"
    assert code(runtime.claim_task, open_task.id, caller=bob) == "task.taken"
    assert code(runtime.complete_task, open_task.id, answer, caller=bob) == "task.not-allowed"
    assert runtime.reassign_task(open_task.id, "bob", caller=ann).assignee == "bob"
    assert runtime.release_task(open_task.id, caller=bob).assignee is None
    assert runtime.complete_task(open_task.id, answer, caller=bob).status == "completed"
    with pytest.raises(ArmillaryError, match="which was completed by bob") as caught:
        runtime.claim_task(open_task.id, caller=ann)
    assert caught.value.code == "task.not-open"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (lambda request: {1, 2} and object(), "failure.reply-not-json"),
        (lambda request: {"deep": {"x": float("nan")}}, "failure.reply-not-json"),
        (lambda request: "x" * 300_000, "failure.reply-too-large"),
        (lambda request: {}["missing"], "failure.KeyError"),
        (lambda request: (_ for _ in ()).throw(SystemExit(3)), "failure.SystemExit"),
    ],
)
def test_a_service_that_misbehaves_fails_the_instance_clearly(house: House, reply: Any, expected: str) -> None:
    runtime = house.open()
    runtime.register_service("rating", reply)
    runtime.deploy(flow(call()))
    view = house.until(runtime, runtime.start("Case", POLICY).id)
    assert (view.status, view.error and view.error["code"], view.error and view.error["step"]) == (
        "failed", expected, "quote",
    )  # fmt: skip


def test_an_async_handler_is_told_what_to_do(house: House) -> None:
    async def rating(request: Request) -> int:
        return 1

    runtime = house.open()
    runtime.register_service("rating", rating)
    runtime.deploy(flow(call()))
    view = house.until(runtime, runtime.start("Case", POLICY).id)
    assert view.error
    assert "write it as a plain function" in str(view.error["message"])


def test_an_exceptions_own_code_is_the_failures(house: House) -> None:
    class DeclinedError(Exception):
        code = "payment.declined"
        details = ("limit", 100)

    def rating(request: Request) -> Any:
        raise DeclinedError("over the limit")

    runtime = house.open()
    runtime.register_service("rating", rating)
    body = m.Try("t", (call(),), (m.Handler(("payment",), (m.Complete("sorry", get("error.code")),)),))
    runtime.deploy(flow(body))
    view = house.until(runtime, runtime.start("Case", POLICY).id)
    assert (view.status, runtime.instance_state(view.id).output) == ("completed", "payment.declined")


def test_a_handler_that_hangs_is_given_up_and_keeps_nothing_from_ending(house: House) -> None:
    release = threading.Event()
    started: list[int] = []

    def rating(request: Request) -> Any:
        started.append(request.attempt)
        release.wait()
        return "too late"

    runtime = house.open()
    runtime.register_service("rating", rating, concurrency=1)
    hanging = call(attempt_timeout="PT0.05S", retry=m.RetryPolicy(attempts=2, backoff="PT0.01S"))
    runtime.deploy(flow(hanging))
    view = house.until(runtime, runtime.start("Case", POLICY).id)
    assert (view.status, view.error and view.error["code"]) == ("failed", "timeout.attempt")
    assert started == [1, 2]
    assert runtime.engine.pool.abandoned == 2
    runtime.close()
    release.set()


def test_what_does_not_exist_is_said_with_what_does(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), name="ApproveApplication"))
    assert code(runtime.start, "ApproveAplication") == "definition.unknown"
    assert code(runtime.start, "ApproveApplication", version="^2") == "definition.unknown"
    assert code(runtime.instance, "x") == "instance.unknown"
    assert code(runtime.instance_state, "x") == "instance.unknown"
    assert code(runtime.history, "x") == "instance.unknown"
    assert code(runtime.cancel, "x") == "instance.unknown"
    assert code(runtime.signal, "paid", instance="x") == "instance.unknown"
    assert code(runtime.definition, "Nothing") == "definition.unknown"
    with pytest.raises(ArmillaryError, match="did you mean 'ApproveApplication'"):
        runtime.start("ApproveAplication")


def test_an_input_that_does_not_fit_starts_nothing(house: House) -> None:
    schema = {"type": "object", "properties": {"policy": {"type": "string"}}, "required": ["policy"]}
    runtime = house.open()
    runtime.deploy(flow(task(), input=schema))
    for wrong in ({}, {"policy": 1}, {"policy": object()}, None):
        assert code(runtime.start, "Case", wrong) == "input.invalid"
    assert runtime.instances() == []


def test_versions_are_kept_and_drafts_are_replaced(house: House) -> None:
    runtime = house.open()
    first = runtime.deploy(flow(task(), version="1.0.0"))
    assert code(runtime.deploy, flow(task("other"), version="1.0.0")) == "definition.version-taken"
    assert runtime.deploy(flow(task(), version="1.0.0")).digest == first.digest
    runtime.deploy(flow(task("newer"), version="1.1.0"))
    assert runtime.start("Case", version="^1.0.0").version == "1.1.0"
    assert runtime.start("Case", version="1.0.0").version == "1.0.0"
    draft = runtime.deploy(flow(task(), name="Draft"))
    changed = runtime.deploy(flow(task("changed"), name="Draft"))
    assert runtime.start("Draft").digest == changed.digest
    runtime.deploy(flow(task(), name="Draft"))
    assert runtime.start("Draft").digest == draft.digest
    assert [view.instances for view in runtime.definitions("Draft")] == [1, 1]


def test_an_instance_waits_for_a_service_that_is_not_here(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(call(), done("quote")))
    view = runtime.start("Case", POLICY)
    assert (view.status, view.blocked) == ("running", "waiting for service 'rating'")
    assert not view.resting
    runtime.register_service("rating", lambda request: 7)
    assert house.until(runtime, view.id).blocked is None


def test_other_branches_go_on_while_a_call_is_in_flight(house: House) -> None:
    """The lease is on the call, never on the instance."""
    runtime = house.open()
    called, answered = threading.Event(), threading.Event()

    def rating(request: Request) -> Any:
        called.set()
        answered.wait(PATIENCE)
        return {"premium": 7}

    runtime.register_service("rating", rating)
    branches = (
        m.ForkBranch("ask", (call(),)),
        m.ForkBranch("review", (task(), m.Timer("pause", after=m.Const("PT0S")))),
    )
    runtime.deploy(flow(m.Fork("both", branches, "all"), done("quote.premium")))
    id = runtime.start("Case", POLICY).id
    assert called.wait(PATIENCE)
    (open_task,) = runtime.tasks()
    runtime.complete_task(open_task.id, {"answer": "approve"})
    view = house.until(runtime, id, lambda view: view.steps == ("quote",))
    assert (view.status, view.revision) == ("running", 3)
    answered.set()
    assert house.until(runtime, id).status == "completed"


def test_what_is_too_large_is_refused_at_the_border(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(m.Signal("paid", "paid"), task(), done("input.policy")))
    large = "x" * (256 * 1024)
    assert code(runtime.start, "Case", {"policy": large}) == "input.invalid"
    assert code(runtime.signal, "paid", large).startswith("value.")
    id = runtime.start("Case", POLICY).id
    runtime.signal("paid", 1, instance=id)
    house.until(runtime, id, lambda view: view.steps == ("review",))
    (open_task,) = runtime.tasks()
    assert code(runtime.complete_task, open_task.id, {"answer": "approve", "note": large}).startswith(
        ("task.", "value.")
    )
    assert runtime.task(open_task.id).status == "open"


def test_operators_suspend_resume_and_cancel(house: House) -> None:
    runtime = house.open()
    answered = threading.Event()
    runtime.register_service("rating", lambda request: answered.wait() and 5)
    runtime.deploy(flow(call(), task(), done("quote")))
    instance = runtime.start("Case", POLICY).id
    runtime.suspend(instance, reason="wait")
    assert house.until(runtime, instance, lambda view: view.status == "suspended").resting
    answered.set()
    runtime.suspend(instance)
    house.until(runtime, instance, lambda view: view.revision == 3)
    assert runtime.tasks() == []
    runtime.resume(instance)
    view = house.until(runtime, instance, lambda view: view.steps == ("review",))
    (open_task,) = runtime.tasks()
    runtime.suspend(instance)
    house.until(runtime, instance, lambda view: view.status == "suspended")
    assert runtime.complete_task(open_task.id, {"answer": "approve"}).status == "completed"
    assert runtime.instance(instance).status == "suspended"
    assert code(runtime.complete_task, open_task.id, {"answer": "approve"}) == "task.not-open"
    runtime.cancel(instance, reason="enough")
    view = house.until(runtime, instance)
    assert (view.status, view.steps) == ("cancelled", ())
    assert code(runtime.cancel, instance) == "instance.ended"
    assert code(runtime.retry, instance) == "instance.not-failed"


def test_who_comes_too_late_for_an_instance_is_told_how_it_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    instance = runtime.start("Case", POLICY)
    deliver = runtime.engine.deliver

    def late(deliveries: Any) -> Any:
        monkeypatch.setattr(runtime.engine, "deliver", deliver)
        runtime.cancel(instance.id)
        house.until(runtime, instance.id)
        return deliver(deliveries)

    monkeypatch.setattr(runtime.engine, "deliver", late)
    with pytest.raises(ArmillaryError, match="which is cancelled") as caught:
        runtime.suspend(instance.id)
    assert (caught.value.code, "can be retried" in (caught.value.hint or "")) == ("instance.ended", True)


def test_a_failed_instance_is_retried_from_its_failed_step(house: House) -> None:
    broken = True

    def rating(request: Request) -> Any:
        if broken:
            raise ValueError("no")
        return request.attempt

    runtime = house.open()
    runtime.register_service("rating", rating)
    runtime.deploy(flow(task(), call(), done("quote")))
    instance = runtime.start("Case", POLICY).id
    (open_task,) = runtime.tasks()
    runtime.complete_task(open_task.id, {"answer": "approve"})
    assert house.until(runtime, instance).status == "failed"
    assert runtime.instance(instance).steps == ("quote",)
    broken = False
    runtime.retry(instance)
    view = house.until(runtime, instance, lambda view: view.status == "completed")
    assert (runtime.instance_state(instance).output, view.error) == (2, None)


def test_whoever_waits_after_a_retry_waits_for_what_becomes_of_it(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(call(), done("quote")))
    with house.open() as working:
        working.register_service("rating", lambda request: 1 / 0)
        instance = runtime.start("Case", POLICY).id
        assert working.wait(instance, until="ended", timeout=20).status == "failed"
        assert runtime.wait(instance, timeout=20).reached("ended")
    runtime.retry(instance)
    asked = runtime.wait(instance, until="ended", timeout=0)
    assert (asked.status, asked.reached("ended"), asked.reached("resting")) == ("failed", False, False)
    with house.open() as working:
        working.register_service("rating", lambda request: 2)
        assert runtime.wait(instance, until="ended", timeout=20).status == "completed"


def test_signals_reach_by_key_and_by_instance_early_and_late(house: House) -> None:
    wait = m.Signal("paid", "payment-received", match=get("input.policy"), result="payment")
    runtime = house.open()
    runtime.deploy(flow(wait, done("payment.amount")))
    assert runtime.signal("payment-received", {"amount": Decimal("1.10")}, match="P-2", id="s1") == "s1"
    runtime.signal("payment-received", {"amount": 2}, match="P-2", id="s1")
    late = runtime.start("Case", {"policy": "P-1"})
    early = runtime.start("Case", {"policy": "P-2"})
    assert house.until(runtime, early.id).status == "completed"
    assert runtime.instance_state(early.id).output == Decimal("1.1")
    assert runtime.instance(late.id).resting
    runtime.signal("payment-received", {"amount": 3}, instance=late.id)
    house.until(runtime, late.id)
    assert runtime.instance_state(late.id).output == 3


def test_a_child_runs_and_its_tasks_are_its_parents(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), m.Complete("out", get("review.answer")), name="Child"))
    runtime.deploy(flow(m.Subworkflow("sub", "Child", m.Const({}), result="said"), done("said")))
    parent = runtime.start("Case", POLICY).id
    view = house.until(runtime, parent, "resting")
    (open_task,) = runtime.tasks(TaskQuery(instance=parent))
    child = runtime.instance(open_task.instance)
    assert (child.parent, view.steps) == (parent, ("sub",))
    runtime.complete_task(open_task.id, {"answer": "reject"})
    house.until(runtime, parent)
    assert runtime.instance_state(parent).output == "reject"


def test_cancelling_a_parent_cancels_its_child(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), name="Child"))
    runtime.deploy(flow(m.Subworkflow("sub", "Child", m.Const({}))))
    parent = runtime.start("Case", POLICY).id
    house.until(runtime, parent, "resting")
    (open_task,) = runtime.tasks()
    runtime.cancel(parent)
    assert house.until(runtime, parent).status == "cancelled"
    assert house.until(runtime, open_task.instance).status == "cancelled"
    assert runtime.task(open_task.id).status == "cancelled"


def test_a_chain_continues_with_the_signals_that_nobody_read(house: House) -> None:
    wait = m.Signal("more", "more", result="said")
    runtime = house.open()
    runtime.deploy(flow(wait, done("said"), name="Second"))
    runtime.deploy(flow(task(), m.ContinueWith("on", "Second", m.Const({}))))
    first = runtime.start("Case", POLICY).id
    runtime.signal("more", "hello", instance=first)
    (open_task,) = runtime.tasks()
    runtime.complete_task(open_task.id, {"answer": "approve"})
    following = runtime.instance(first).next
    assert following is not None
    view = house.until(runtime, following)
    assert (view.previous, runtime.instance_state(following).output) == (first, "hello")


def test_a_delayed_start_and_a_timer_fire_at_their_time(house: House) -> None:
    from armillary_engine.testing.clock import VirtualClock

    clock = VirtualClock()
    runtime = house.open(clock=clock)
    runtime.deploy(flow(m.Timer("nap", after=m.Const("PT1H")), m.Complete("done", get("now"))))
    instance = runtime.start("Case", POLICY, delay=3600).id
    assert runtime.instance(instance).steps == ()
    clock.advance(seconds=3600)
    view = house.until(runtime, instance, lambda view: view.steps == ("nap",))
    assert (view.status, view.resting) == ("waiting", False)
    clock.advance(seconds=3600)
    house.until(runtime, instance)
    assert runtime.instance_state(instance).output == "2026-01-01T02:00:00.000001Z"


def test_a_slice_that_is_too_long_goes_on(house: House) -> None:
    count = m.Set("count", {"n": m.Op("+", (get("n"), m.Const(1)))})
    loop = m.Repeat("loop", (count,), test=m.Op("<", (get("n"), m.Const(2500))))
    runtime = house.open()
    runtime.deploy(flow(m.Set("begin", {"n": m.Const(0)}), loop, done("n")))
    instance = runtime.start("Case", POLICY).id
    view = house.until(runtime, instance)
    assert (view.status, runtime.instance_state(instance).output) == ("completed", 2500)
    assert [event.type for event in runtime.history(instance, limit=10_000)].count("slice.limit") >= 2


def test_a_listener_that_raises_is_kept_and_one_that_is_closed_hears_nothing(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    heard: list[str] = []
    both = threading.Event()

    def bad(changed: Any) -> None:
        heard.append(changed.instance)
        if len(heard) == 2:
            both.set()
        raise RuntimeError("mine")

    closed = runtime.subscribe(lambda changed: heard.append("closed"))
    closed.close()
    runtime.subscribe(bad)
    first, second = runtime.start("Case", POLICY).id, runtime.start("Case", POLICY).id
    assert both.wait(10)
    assert sorted(heard) == sorted([first, second])


def test_who_only_lets_others_go_on_is_told_on_the_thread_that_committed(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    heard: list[tuple[str, str, int]] = []
    threads: set[threading.Thread] = set()

    def follow(name: str, **only: str) -> Subscription:
        def listener(changed: Changed) -> None:
            heard.append((name, changed.instance, changed.revision))
            threads.add(threading.current_thread())

        return runtime.subscribe(listener, at_once=True, **only)

    first = runtime.start("Case", POLICY).id
    followed = [follow("all"), follow("first", instance=first), follow("other", instance="other")]
    second = runtime.start("Case", POLICY).id
    runtime.complete_task(runtime.tasks(TaskQuery(instance=first))[0].id, {"answer": "approve"})
    assert heard == [("all", second, 1), ("first", first, 2), ("all", first, 2)]
    assert threads == {threading.current_thread()}, "so each is told before what it is told of returns"
    runtime.engine.tell([("", 0)], work=False)
    assert sorted(heard[3:]) == [("all", "", 0), ("first", first, 0), ("other", "other", 0)], "of what may be anything"
    for subscription in followed:
        subscription.close()
    runtime.start("Case", POLICY)
    assert len(heard) == 6


def test_roles_are_asked_for(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), access=m.Access(start=("agent",), operate=("ops",))))
    agent, clerk = Caller("ann", frozenset({"agent"})), Caller("eve", frozenset({"clerk"}))
    assert code(runtime.start, "Case", POLICY, caller=clerk) == "start.not-allowed"
    instance = runtime.start("Case", POLICY, caller=agent).id
    assert code(runtime.cancel, instance, caller=agent) == "operate.not-allowed"
    runtime.cancel(instance, caller=Caller("bob", frozenset({"ops"})))
    assert house.until(runtime, instance).status == "cancelled"
