"""What operators and services do on the runtime: late answers, schedules, dead letters, signals explained."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.clock import as_microseconds
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.validate import validate
from armillary_engine.interpreter.triggers import Failed
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import DeadLetterQuery, Every
from armillary_engine.queries import SignalQuery
from armillary_engine.runtime import Caller, InstanceQuery, InstanceView, Request
from armillary_engine.testing.clock import VirtualClock
from armillary_engine.transport import Accepted
from armillary_engine.worker.recurrence import between, next_after

from .conftest import PATIENCE, House, call, code, done, flow, get, settled, task

POLICY = {"policy": "P-1"}
QUICK = m.RetryPolicy(attempts=2, backoff="PT0.01S")
WAIT = m.Signal("paid", "paid", match=get("input.policy"), result="paid")


# ── calls that are answered later ────────────────────────────────────────────────────────────────────────────────────


def test_an_accepted_call_waits_for_its_reply(house: House) -> None:
    tokens: list[str] = []

    def rating(request: Request) -> Any:
        tokens.append(request.token)
        return Accepted()

    runtime = house.open()
    runtime.register_service("rating", rating)
    runtime.deploy(flow(call(), done("quote.premium")))
    id = runtime.start("Case", POLICY).id
    view = house.until(runtime, id, "resting")
    assert (view.status, tokens) == ("waiting", [f"{id}/1"])
    assert code(runtime.reply, tokens[0], "x" * 300_000) == "value.too-large"
    assert runtime.instance(id).status == "waiting", "whoever sent too much may send less"
    runtime.reply(tokens[0], {"premium": 7})
    assert house.until(runtime, id).status == "completed"
    assert runtime.instance_state(id).output == 7
    assert code(runtime.reply, tokens[0], {"premium": 8}) == "call.not-open"
    assert code(runtime.reply, "nonsense", 1) == "call.not-open"


def test_a_failure_that_comes_later_is_retried(house: House) -> None:
    requests: list[Request] = []

    def rating(request: Request) -> Any:
        requests.append(request)
        return Accepted() if request.attempt == 1 else {"premium": 1}

    runtime = house.open()
    runtime.register_service("rating", rating)
    runtime.deploy(flow(call(retry=QUICK), done("quote.premium")))
    id = runtime.start("Case", POLICY).id
    house.until(runtime, id, "resting")
    runtime.reply(requests[0].token, Failed("failure.busy", "not now"))
    assert house.until(runtime, id).status == "completed"
    assert [one.attempt for one in requests] == [1, 2]


def test_a_reply_counts_though_its_attempt_was_leased_anew_meanwhile(house: House) -> None:
    """Its first worker died before it could say that the service would answer later."""
    clock = VirtualClock()
    store = MemoryBackend(clock=clock)
    runtime = LocalRuntime("memory://", store=store, work=False)
    house.opened.append(runtime)
    runtime.register_service("rating", lambda request: Accepted())
    runtime.deploy(flow(call(), done("quote.premium")))
    id = runtime.start("Case", POLICY).id
    read = store.read

    def read_and_lose_the_lease(instances: Any) -> Any:
        store.read = read  # type: ignore[method-assign]
        clock.advance(seconds=3600 - 1)
        assert store.claim_calls("another", services={"rating": 1}, until=clock.now() + 30_000_000)
        return read(instances)

    store.read = read_and_lose_the_lease  # type: ignore[method-assign]
    runtime.reply(f"{id}/1", {"premium": 7})
    assert runtime.instance(id).status == "completed"
    assert code(runtime.reply, f"{id}/1", {"premium": 7}) == "call.not-open"


def test_a_reply_that_comes_while_its_attempt_fails_is_not_the_next_ones(house: House) -> None:
    store = MemoryBackend(clock=VirtualClock())
    runtime = LocalRuntime("memory://", store=store, work=False)
    house.opened.append(runtime)
    runtime.deploy(flow(call(retry=QUICK), done("quote.premium")))
    id = runtime.start("Case", POLICY).id
    read = store.read

    def read_and_fail(instances: Any) -> Any:
        store.read = read  # type: ignore[method-assign]
        found = read(instances)
        runtime.reply(f"{id}/1", Failed("failure.busy", "not now"))
        return found

    store.read = read_and_fail  # type: ignore[method-assign]
    assert code(runtime.reply, f"{id}/1", {"premium": 7}) == "call.not-open"
    attempts = [one.attempt for one in (runtime.engine.store.upkeep.call(id, 1),) if one is not None]
    assert (runtime.instance(id).ended, attempts) == (None, [2])


def test_an_accepted_call_times_out_with_its_step(house: House) -> None:
    runtime = house.open()
    runtime.register_service("rating", lambda request: Accepted())
    runtime.deploy(flow(call(timeout="PT0.05S"), done("quote.premium")))
    view = house.until(runtime, runtime.start("Case", POLICY).id)
    assert (view.status, view.error and view.error["code"]) == ("failed", "timeout.call")
    assert code(runtime.reply, f"{view.id}/1", 1) == "call.not-open"


def test_a_reply_to_a_suspended_instance_is_kept(house: House) -> None:
    runtime = house.open()
    runtime.register_service("rating", lambda request: Accepted())
    runtime.deploy(flow(call(), done("quote.premium")))
    id = runtime.start("Case", POLICY).id
    house.until(runtime, id, "resting")
    runtime.suspend(id)
    house.until(runtime, id, lambda view: view.status == "suspended")
    runtime.reply(f"{id}/1", {"premium": 3})
    assert code(runtime.reply, f"{id}/1", {"premium": 4}) == "call.not-open"
    runtime.resume(id)
    house.until(runtime, id)
    assert runtime.instance_state(id).output == 3


def test_a_handler_that_falls_silent_has_failed(house: House) -> None:
    release = threading.Event()

    def rating(request: Request) -> Any:
        if request.attempt == 1:
            request.heartbeat()
            release.wait(PATIENCE)
        return {"premium": 1}

    runtime = house.open()
    runtime.register_service("rating", rating)
    runtime.deploy(flow(call(retry=QUICK, heartbeat="PT0.05S"), done("quote.premium")))
    view = house.until(runtime, runtime.start("Case", POLICY).id)
    release.set()
    retrying = next(one for one in runtime.history(view.id) if one.type == "call.retrying")
    assert (view.status, retrying.data["code"]) == ("completed", "timeout.heartbeat")


def test_a_thousand_slow_calls_wait_durably_with_64_threads(house: House) -> None:
    release, busy, most, lock = threading.Event(), 0, 0, threading.Lock()

    def rating(request: Request) -> Any:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        release.wait(PATIENCE)
        with lock:
            busy -= 1
        return {"premium": 1}

    runtime = house.open()
    runtime.register_service("rating", rating)
    items = m.Const(list(range(1000)))
    each = m.Each("all", items, "n", (call(result=None),), parallel=1000)
    runtime.deploy(flow(each, name="Many"))
    id = runtime.start("Many", POLICY).id

    def all_are_open(_: InstanceView) -> bool:
        return len([one for one in runtime.engine.store.pending(id) if one[0] == "call"]) == 1000

    house.until(runtime, id, all_are_open)
    release.set()
    assert house.until(runtime, id).status == "completed"
    assert most <= 64


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_signals_say_what_became_of_them(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(WAIT, done("paid")))
    id = runtime.start("Case", POLICY).id
    early = runtime.signal("paid", 1, match="P-2", id="early")
    assert [(wait.token, wait.match) for wait in runtime.explain(early).waits] == [(f"{id}/1", "P-1")]
    assert 'match other values ("P-1") than its "P-2"' in runtime.explain(early).reason
    runtime.signal("paid", 2, match="P-1", id="right")
    house.until(runtime, id)
    assert runtime.explain("right").signal.takers == (f"{id}/1",)
    assert runtime.signal("paid", 2, match="P-1", id="right") == "right"
    assert [one.id for one in runtime.signals(SignalQuery(status="kept"))] == ["early"]
    assert "no open wait has the name" in runtime.explain("early").reason
    assert code(runtime.explain, "never sent") == "signal.unknown"
    other = runtime.start("Case", {"policy": "P-2"}).id
    house.until(runtime, other)
    assert runtime.explain("early").signal.takers == (f"{other}/1",)
    runtime.signal("paid", 3, match="P-1", id="to all", mode="all")
    told = runtime.explain("to all")
    assert (told.signal.status, "none was; it is not kept" in told.reason) == ("told", True)


def test_a_signal_that_nobody_takes_becomes_a_dead_letter_and_can_be_sent_again(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(WAIT, done("paid")))
    runtime.signal("paid", 5, match="P-1", id="s")
    settled(runtime, lambda: runtime.dead_letters() == [])
    clock.advance(seconds=30 * 86_400)
    settled(runtime, lambda: len(runtime.dead_letters()) == 1)
    (letter,) = runtime.dead_letters()
    assert (letter.id, letter.reason, letter.name, letter.body) == ("signal-s", "unmatched", "paid", 5)
    id = runtime.start("Case", POLICY).id
    replayed = runtime.replay_dead_letter(letter.id, caller=Caller("ann"))
    assert (replayed.status, replayed.decided_by, replayed.replayed_as) == ("replayed", "ann", "s~replayed")
    settled(runtime, lambda: runtime.instance(id).status == "completed")
    assert code(runtime.replay_dead_letter, letter.id) == "dead-letter.decided"
    assert runtime.dead_letters() == []
    assert [one.id for one in runtime.dead_letters(DeadLetterQuery(status=None))] == ["signal-s"]
    assert code(runtime.dead_letter, "message-99") == "dead-letter.unknown"


# ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────────


def keys(runtime: LocalRuntime) -> list[str]:
    return [str(one.key) for one in reversed(runtime.instances(InstanceQuery(limit=1000)))]


def test_a_signal_is_kept_for_as_long_as_its_sender_says(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    settled(runtime, lambda: runtime.engine.next_moment() is None)
    short = runtime.signal("paid", 1, match="A", ttl=0.5)
    long = runtime.signal("paid", 2, match="A", ttl=60)
    clock.advance(seconds=1)
    settled(runtime, lambda: [one.id for one in runtime.signals(SignalQuery(status="unmatched"))] == [short])
    assert [one.id for one in runtime.signals(SignalQuery(status="kept"))] == [long]
    for wrong in (0, -1, 367 * 86_400):
        assert code(runtime.signal, "paid", ttl=wrong) == "signal.invalid"


def test_a_signal_that_its_wait_did_not_take_is_over_in_its_time(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(WAIT, done("paid")))
    id = runtime.start("Case", POLICY).id
    runtime.suspend(id)
    settled(runtime, lambda: runtime.instance(id).status == "suspended")
    runtime.signal("paid", 1, match="P-1", ttl=10)
    runtime.cancel(id)
    settled(runtime, lambda: [one.status for one in runtime.signals()] == ["kept"])
    settled(runtime, lambda: not runtime.engine.pulse.work)
    clock.advance(seconds=10)
    settled(runtime, lambda: [one.status for one in runtime.signals()] == ["unmatched"])


@pytest.mark.parametrize(("missed", "runs"), [("skip", 1), ("once", 1), ("all", 4)])
def test_runs_that_were_missed_are_made_up_for_as_it_was_said(house: House, missed: Any, runs: int) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(task()))
    made = runtime.schedule("often", "Case", Every(interval=10), missed=missed, at_most=4)
    settled(runtime, lambda: keys(runtime) == [])
    clock.advance(seconds=10)
    settled(runtime, lambda: len(keys(runtime)) == 1)
    assert made.next is not None
    assert keys(runtime) == [f"schedule:often:{made.next.isoformat()}"]
    clock.advance(seconds=100)
    settled(runtime, lambda: len(keys(runtime)) == 1 + runs)
    (view,) = runtime.schedules()
    assert (view.last, view.next) == (made.next + timedelta(seconds=100), made.next + timedelta(seconds=110))


def test_a_schedule_starts_what_it_was_made_for(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    for version in ("1.0.0", "1.1.0"):
        runtime.deploy(flow(task(version.replace(".", "-")), version=version))
    runtime.schedule("often", "Case", Every(interval=10), input=POLICY, version="1.0.0")
    clock.advance(seconds=10)
    settled(runtime, lambda: len(keys(runtime)) == 1)
    (view,) = runtime.instances()
    assert (view.version, runtime.instance_state(view.id).input) == ("1.0.0", POLICY)
    assert [one.last_instance for one in runtime.schedules()] == [view.id]


def test_a_run_is_skipped_when_it_is_too_late_for_it(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(task()))
    runtime.schedule("hourly", "Case", Every(interval=3600), missed="skip")
    clock.advance(seconds=3600 + 600)
    settled(runtime, lambda: keys(runtime) == [])
    clock.advance(seconds=3600 - 600)
    settled(runtime, lambda: len(keys(runtime)) == 1)


def test_two_processes_start_each_run_once(house: House) -> None:
    clock = VirtualClock()
    first, second = house.open(clock=clock, work=False), house.open(clock=clock, work=False)
    first.deploy(flow(task()))
    first.schedule("often", "Case", Every(interval=10), missed="all")
    clock.advance(seconds=35)
    (row,) = first.engine.store.upkeep.schedules()
    settled(second, lambda: len(keys(first)) == 3)
    assert row.next is not None
    first.engine.chores._schedules._run(row, row.next, clock.now())  # type: ignore[union-attr]
    assert len(keys(first)) == 3


def test_a_schedule_is_paused_resumed_and_deleted(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(task()))
    runtime.schedule("often", "Case", Every(interval=10), caller=Caller("ann"))
    assert runtime.pause_schedule("often").next is None
    clock.advance(seconds=55)
    settled(runtime, lambda: keys(runtime) == [])
    resumed = runtime.resume_schedule("often")
    assert resumed.next is not None
    assert as_microseconds(resumed.next) == clock.now() + 5_000_000
    assert (resumed.created_by, resumed.paused) == ("ann", False)
    runtime.delete_schedule("often")
    assert runtime.schedules() == []
    assert code(runtime.pause_schedule, "often") == "schedule.unknown"


def test_a_schedule_fires_in_time_and_says_why_it_could_not(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), version="1.0.0"))
    fired = threading.Event()
    subscription = runtime.subscribe(lambda _: fired.set())
    runtime.schedule("soon", "Case", Every(interval=0.05))
    while not keys(runtime):
        assert fired.wait(PATIENCE)
        fired.clear()
    subscription.close()
    runtime.delete_schedule("soon")
    clock = VirtualClock()
    other = LocalRuntime("memory://", clock=clock, work=False)
    other.deploy(flow(task(), version="1.0.0"))
    other.schedule("soon", "Case", Every(interval=10))
    other.disable("Case", "1.0.0")
    clock.advance(seconds=10)
    settled(other, lambda: other.schedules()[0].error is not None)
    assert "1.0.0 (disabled)" in (other.schedules()[0].error or "")
    other.close()


@pytest.mark.parametrize(
    "every",
    [Every(), Every("* * * * *", interval=1), Every("61 * * * *"), Every("0 8 * * *", "Nowhere/Land"),
     Every(interval=0), Every(interval=1, anchor=datetime(2026, 1, 1))],  # noqa: DTZ001
)  # fmt: skip
def test_a_schedule_without_moments_is_refused(every: Every) -> None:
    with LocalRuntime("memory://", work=False) as runtime:
        runtime.deploy(flow(task()))
        assert code(runtime.schedule, "bad", "Case", every) == "schedule.invalid"


def test_a_schedule_is_refused_an_input_that_no_instance_could_start_with(house: House) -> None:
    runtime = house.open(work=False)
    schema = {"type": "object", "properties": {"month": {"type": "integer"}}, "required": ["month"]}
    runtime.deploy(flow(task(), input=schema))
    assert code(runtime.schedule, "monthly", "Case", Every(interval=10)) == "input.invalid"
    runtime.schedule("monthly", "Case", Every(interval=10), input={"month": 1})
    assert [one.input for one in runtime.schedules()] == [{"month": 1}]


def test_cron_keeps_to_the_clock_on_the_wall() -> None:
    vienna = ZoneInfo("Europe/Vienna")
    every = Every("0 8 * * *", "Europe/Vienna")
    before = as_microseconds(datetime(2026, 3, 28, 9, tzinfo=vienna).astimezone(UTC))
    due = next_after(every, before, 0)
    assert due == as_microseconds(datetime(2026, 3, 29, 6, tzinfo=UTC)), "an hour less that night"
    until = as_microseconds(datetime(2026, 3, 31, 8, tzinfo=vienna).astimezone(UTC))
    found = between(every, due, until, anchor=0, at_most=2)
    assert found == [as_microseconds(datetime(2026, 3, day, 6, tzinfo=UTC)) for day in (30, 31)]
    assert between(every, due, until + 1, anchor=0, at_most=100)[0] == due


def test_time_zones_are_known_where_the_machine_has_none() -> None:
    """As in a slim container: what a notebook has scheduled is run by a worker there."""
    code = "from armillary_engine.worker.recurrence import *; check_every(Every('0 8 * * *', timezone='Europe/Vienna'))"
    bare = {**os.environ, "PYTHONTZPATH": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=bare, check=True)


def test_an_hour_that_comes_twice_has_its_moments_once() -> None:
    """In Vienna it is half past two at 0:30 UTC and, an hour later, once more: only the first is a moment."""
    clock = VirtualClock(as_microseconds(datetime(2026, 10, 24, 12, tzinfo=UTC)))
    with LocalRuntime("memory://", clock=clock, work=False) as runtime:
        runtime.deploy(flow(task()))
        made = runtime.schedule("nightly", "Case", Every("30 2 * * *", "Europe/Vienna"))
        assert made.next == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        clock.advance(seconds=13 * 3600 + 600)  # nobody was awake until it is ten past two for the second time
        settled(runtime, lambda: len(keys(runtime)) == 1)
        (view,) = runtime.schedules()
        assert (view.last, view.next) == (made.next, datetime(2026, 10, 26, 1, 30, tzinfo=UTC))
        again = runtime.schedule("nightly", "Case", Every("30 2,3 * * *", "Europe/Vienna"))
        assert again.next == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)


# ── tasks, definitions ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_is_delegated_by_its_holder_and_all_that_happened_is_told(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    id = f"{runtime.start('Case', POLICY).id}/1"
    roles = frozenset({"underwriter"})
    ann, bob, eve = Caller("ann", roles), Caller("bob", roles), Caller("eve", frozenset({"guest"}))
    assert code(runtime.delegate_task, id, "bob", caller=ann) == "task.not-allowed"
    assert code(runtime.claim_task, id, caller=eve) == "task.not-allowed"
    runtime.claim_task(id, caller=ann)
    assert code(runtime.complete_task, id, {"answer": "approve"}, caller=bob) == "task.not-allowed"
    assert runtime.delegate_task(id, "eve", caller=ann).assignee == "eve"
    assert runtime.claim_task(id, caller=eve).assignee == "eve", "whoever holds it has no need of a role"
    assert runtime.delegate_task(id, "bob", caller=eve).assignee == "bob"
    assert code(runtime.comment_task, id, "mine", caller=eve) == "task.not-allowed"
    assert code(runtime.comment_task, id, " ", caller=bob) == "task.comment-invalid"
    runtime.comment_task(id, "looks fine", caller=bob)
    runtime.complete_task(id, {"answer": "approve"}, caller=bob)
    events = runtime.task_events(id)
    assert [(one.type, one.actor) for one in events] == [
        ("created", None), ("claimed", "ann"), ("delegated", "ann"), ("claimed", "eve"), ("delegated", "eve"),
        ("commented", "bob"), ("completed", "bob"),
    ]  # fmt: skip
    assert events[5].data == {"text": "looks fine"}


def test_a_task_comes_to_the_desk_with_all_that_was_said_of_it(house: House) -> None:
    runtime = house.open(clock=VirtualClock())
    said = {
        "title": m.Const("Look at P-1"), "assignee": get("input.policy"), "due": m.Const("2026-01-05T12:00:00Z"),
        "priority": m.Const(7), "payload": get("input"),
    }  # fmt: skip
    runtime.deploy(flow(task(**said)))
    runtime.start("Case", POLICY)
    (seen,) = runtime.tasks()
    assert (seen.title, seen.assignee, seen.priority, seen.payload) == ("Look at P-1", "P-1", 7, POLICY)
    assert seen.due == datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_an_overdue_task_is_escalated_and_then_times_out(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(task(escalate=m.Escalation("PT1H", ("boss",)), timeout="PT2H")))
    id = runtime.start("Case", POLICY).id
    boss = Caller("boss", frozenset({"boss"}))
    assert code(runtime.claim_task, f"{id}/1", caller=boss) == "task.not-allowed"
    clock.advance(seconds=3600)
    settled(runtime, lambda: runtime.task(f"{id}/1").roles == ("underwriter", "boss"))
    assert runtime.claim_task(f"{id}/1", caller=boss).assignee == "boss"
    clock.advance(seconds=3600)
    settled(runtime, lambda: runtime.instance(id).status == "failed")
    assert [one.type for one in runtime.task_events(f"{id}/1")] == ["created", "escalated", "claimed", "cancelled"]


def test_strict_deploys_all_or_none_and_warn_says_what_is_unavailable(house: House) -> None:
    runtime = house.open()
    good, bad = flow(task(), name="Good"), flow(done("nobody.assigned"), name="Bad")
    with pytest.raises(ArmillaryError) as caught:
        runtime.deploy_all([good, bad])
    assert caught.value.code == "definitions.invalid"
    assert caught.value.problems
    assert "definition 'Bad' has 1 problem" in str(caught.value)
    assert runtime.definitions() == []
    (gone,) = runtime.deploy_all([good, bad], mode="warn")
    assert (gone.name, runtime.unavailable()) == ("Bad", (gone,))
    assert [one.name for one in runtime.definitions()] == ["Good"]
    with pytest.raises(ArmillaryError, match=r"'Bad', which was not deployed as it cannot be used: .*nobody") as caught:
        runtime.start("Bad")
    assert (caught.value.code, list(caught.value.problems)) == ("definition.unknown", list(gone.problems))


def test_two_definitions_of_one_version_are_told_before_any_is_deployed(house: House) -> None:
    runtime = house.open()
    one, other = flow(task(), version="1.0.0"), flow(task("changed"), version="1.0.0")
    with pytest.raises(ArmillaryError, match="definition 'Case' has 1 problem") as caught:
        runtime.deploy_all([flow(task(), name="Good"), one, other])
    assert (caught.value.code, runtime.definitions()) == ("definitions.invalid", [])
    (gone,) = runtime.deploy_all([one, other, one], mode="warn")
    assert [problem.code for problem in gone.problems] == ["definition.version-taken"]
    assert [view.digest for view in runtime.definitions()] == [runtime.deploy(one).digest]


def test_a_warning_keeps_no_definition_out(house: House) -> None:
    runtime = house.open(work=False)
    warned = flow(m.Set("nothing", {}), task())
    assert [problem.severity for problem in validate(warned)] == ["warning"]
    assert runtime.deploy_all([warned]) == ()
    assert [view.digest for view in runtime.definitions()] == [runtime.deploy(warned).digest]


def test_a_disabled_version_starts_nothing_and_keeps_what_is_on_it(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), version="1.0.0"), caller=Caller("ann"))
    id = runtime.start("Case", POLICY).id
    view = runtime.disable("Case", "1.0.0")
    assert (view.enabled, view.deployed_by, view.instances) == (False, "ann", 1)
    with pytest.raises(ArmillaryError, match=r"version of 'Case' in '\*', got 1\.0\.0 \(disabled\)") as caught:
        runtime.start("Case", POLICY)
    assert caught.value.code == "definition.unknown"
    assert "enable" in (caught.value.hint or "")
    assert runtime.instance(id).status == "waiting"
    runtime.deploy_all([flow(task(), version="1.0.0")])  # as every process does when it starts
    assert code(runtime.start, "Case", POLICY) == "definition.unknown"
    assert runtime.enable("Case", "1.0.0").enabled
    assert runtime.start("Case", POLICY).status == "waiting"
    assert [one.instances for one in runtime.definitions()] == [2]
    runtime.cancel(id)
    house.until(runtime, id)
    assert [one.instances for one in runtime.definitions()] == [1], "those that live"
    assert code(runtime.disable, "Case", "9.0.0") == "definition.unknown"
    assert code(runtime.disable, "Case", "1.0.0", caller=Caller("eve", frozenset())) == "operate.not-allowed"
