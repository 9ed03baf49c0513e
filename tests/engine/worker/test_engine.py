"""The engine's own rules: what it lacks it leaves alone, what fails again and again is set aside, and idle is idle."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from armillary_engine.backend import Hint
from armillary_engine.backends import sqlite
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.clock import as_datetime
from armillary_engine.definition import model as m
from armillary_engine.definition.expressions import user_function
from armillary_engine.definition.problems import ArmillaryError, DefinitionError
from armillary_engine.interpreter import decode
from armillary_engine.local import LocalRuntime
from armillary_engine.mutation import Delivery
from armillary_engine.rows import Message
from armillary_engine.testing.clock import BEGINNING, VirtualClock
from armillary_engine.transport import Accepted
from armillary_engine.views import InstanceView
from armillary_engine.worker import calls, programs, triggers
from armillary_engine.worker.loop import Loop

DEFINITION = m.Definition("Case", (m.Signal("go", "go", result="said"), m.Complete("done", m.Get("said"))))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def runtime(clock: VirtualClock) -> Iterator[LocalRuntime]:
    """One that takes no step by itself."""
    with LocalRuntime("memory://", store=MemoryBackend(clock=clock), work=False) as opened:
        yield opened
        assert list(opened.check()) == []
        assert "look.empty" not in opened.engine.telemetry.counts(), "what is due can be claimed"


def settle(runtime: LocalRuntime) -> None:
    """Steps until there is nothing to do, and every call in flight has returned."""
    while runtime.engine.step() or runtime.engine.pool.flying or runtime.engine.inbox.waiting:
        pass


DOUBLE = user_function(lambda x: x * 2, major=1, name="double")
DOUBLES = m.Definition("Doubles", (m.Complete("done", m.Fn("double@1", (m.Get("input.x"),))),))


def blocked(runtime: LocalRuntime) -> InstanceView:
    """An instance of a workflow that calls a function that is not here."""
    with LocalRuntime("memory://", store=runtime.engine.store, functions={DOUBLE.name: DOUBLE}, work=False) as earlier:
        earlier.deploy(DOUBLES)
    view = runtime.start("Doubles", {"x": 4}, key="K")
    assert runtime.start("Doubles", {"x": 5}, key="K").id == view.id
    settle(runtime)
    return view


def test_a_cancel_of_what_waits_for_a_function_is_kept_and_comes_first(runtime: LocalRuntime) -> None:
    view = blocked(runtime)
    runtime.cancel(view.id)
    settle(runtime)
    assert runtime.instance(view.id).blocked == "waiting for function 'double@1'"
    runtime.register_functions({DOUBLE.name: DOUBLE})
    settle(runtime)
    assert runtime.instance(view.id).status == "cancelled"


def test_a_definition_whose_function_is_missing_waits_for_it(runtime: LocalRuntime) -> None:
    """As when a notebook opens its store again, before its cells have registered what they need."""
    with pytest.raises(DefinitionError, match="double@1"):
        runtime.deploy(DOUBLES)
    view = blocked(runtime)
    assert runtime.instance(view.id).blocked == "waiting for function 'double@1'"
    assert runtime.instance(view.id).status == "running"
    looks = runtime.engine.telemetry.counts()["look"]
    settle(runtime)
    assert runtime.engine.telemetry.counts()["look"] == looks, "and nobody spins on it"
    runtime.register_functions({DOUBLE.name: DOUBLE})
    settle(runtime)
    assert runtime.instance_state(view.id).output == 8


def test_a_worker_whose_store_failed_has_the_others_look(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It pauses, and what it would have gone on with may be ready; they expect it only when a lease ends."""
    store = runtime.engine.store
    with LocalRuntime("memory://", store=store, work=False) as other:
        settle(other)
        other.engine.pulse.flag.clear()

        def full(*_: Any, **__: Any) -> Any:
            raise ArmillaryError("store.full", "expected room in the store, got none")

        monkeypatch.setattr(store, "claim", full)
        rest = Loop(runtime.engine).turn()
        assert rest is not None
        assert rest.failed
        assert other.engine.pulse.flag.is_set()
        monkeypatch.undo()


def test_what_is_given_back_is_told_to_those_who_may_take_it(runtime: LocalRuntime) -> None:
    """They expect the lease to last: whoever can run it would find it a minute later."""
    double = user_function(lambda x: x * 2, major=1, name="double")
    body = (m.Complete("done", m.Fn("double@1", (m.Get("input.x"),))),)
    store = runtime.engine.store
    with LocalRuntime("memory://", store=store, functions={double.name: double}, work=False) as able:
        able.deploy(m.Definition("Doubles", body))
        view = runtime.start("Doubles", {"x": 4})
        claims = store.claim(1, store.owner, until=runtime.engine.clock.now() + 60_000_000)
        settle(able)
        assert able.instance(view.id).ended is None
        runtime.engine.triggers.take(claims)
        settle(able)
        assert able.instance_state(view.id).output == 8


def test_a_snapshot_of_a_newer_release_is_left_unclaimed(runtime: LocalRuntime) -> None:
    runtime.deploy(DEFINITION)
    instance = runtime.start("Case").id
    store = runtime.engine.store
    assert isinstance(store, MemoryBackend)
    stored = store.tables.instances[instance]
    newer = msgspec.json.decode(stored.snapshot) | {"schema": 99}
    store.tables.instances[instance] = type(stored)(stored.row, msgspec.json.encode(newer))
    other = runtime.start("Case").id
    runtime.signal("go", 1, instance=instance)
    settle(runtime)
    (letter,) = store.letters(state=None)
    assert (letter.state, letter.failures) == ("ready", 0)
    runtime.signal("go", 2, instance=other)
    settle(runtime)
    assert runtime.instance(other).status == "completed", "the others of its definition go on"
    looks = runtime.engine.telemetry.counts()["look"]
    settle(runtime)
    assert runtime.engine.telemetry.counts()["look"] == looks, "and nobody spins on it"
    assert "newer" in str(runtime.instance(instance).blocked) or "form" in str(runtime.instance(instance).blocked)
    store.tables.instances[instance] = stored
    runtime.register_functions({})
    settle(runtime)
    assert runtime.instance(instance).status == "completed"


def test_a_trigger_that_fails_again_and_again_is_set_aside_and_can_be_replayed(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.deploy(DEFINITION)
    instance, other = runtime.start("Case").id, runtime.start("Case").id
    original = runtime.engine.slicer.next

    def broken(stored: Any, *rest: Any) -> Any:
        if stored.row.id == instance:
            raise RuntimeError("a defect of ours")
        return original(stored, *rest)

    monkeypatch.setattr(runtime.engine.slicer, "next", broken)
    runtime.signal("go", 1, instance=instance)
    runtime.signal("go", 2, instance=other)
    settle(runtime)
    assert runtime.instance(other).status == "completed", "the others go on"
    failed = 1
    for pause in (1, 5, 25, 125):
        clock.advance(microseconds=pause * 1_000_000 - 1)
        settle(runtime)
        assert runtime.engine.telemetry.counts()["message.failed"] == failed, f"not before {pause} s are over"
        assert runtime.engine.store.letters() == []
        clock.advance(microseconds=1)
        settle(runtime)
        failed += pause < 125
        assert runtime.engine.telemetry.counts()["message.failed"] == failed
    (letter,) = runtime.engine.store.letters()
    assert (letter.failures, letter.error) == (5, "RuntimeError: a defect of ours")
    assert "dead letter" in str(runtime.instance(instance).blocked)
    monkeypatch.undo()
    (view,) = runtime.dead_letters()
    assert (view.id, view.reason, view.kind, view.attempts) == (f"message-{letter.seq}", "poison", "signal", 5)
    assert runtime.replay_dead_letter(view.id).status == "replayed"
    settle(runtime)
    assert runtime.instance_state(instance).output == 1
    assert runtime.dead_letter(view.id).replayed_as is not None


@pytest.mark.parametrize(("deaths", "expected"), [(4, ["completed", None, 1]), (5, ["failed", "failure.abandoned", 0])])
def test_a_call_that_kills_its_workers_fails_in_the_end(
    runtime: LocalRuntime, clock: VirtualClock, deaths: int, expected: list[Any]
) -> None:
    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), timeout="P1D", attempt_timeout="P1D")
    runtime.deploy(m.Definition("Calls", (call,)))
    view, sent = runtime.start("Calls"), list[Any]()
    for _ in range(deaths):
        until = clock.now() + 1_000_000
        assert len(runtime.engine.store.claim_calls("doomed", services={"rating": 1}, until=until)) == 1
        clock.advance(seconds=2)
    runtime.register_service("rating", sent.append)
    settle(runtime)
    ended = runtime.instance(view.id)
    assert [ended.status, ended.error and ended.error["code"], len(sent)] == expected


def test_a_reply_to_what_failed_before_an_operators_retry_changes_nothing(
    runtime: LocalRuntime, clock: VirtualClock
) -> None:
    """The call is opened again under the same visit, and whoever was frozen answers it: that is not its to answer."""
    entered, thaw, retried, answer = (threading.Event() for _ in range(4))

    def frozen(request: Any) -> str:
        entered.set()
        thaw.wait(30)
        return "late"

    def waits(request: Any) -> str:
        retried.set()
        answer.wait(30)
        return "in time"

    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), result="quote", attempt_timeout="PT1H")
    runtime.deploy(m.Definition("Calls", (call, m.Complete("done", m.Get("quote")))))
    runtime.register_service("rating", frozen)
    instance = runtime.start("Calls").id
    assert entered.wait(10)
    clock.advance(seconds=31)
    with LocalRuntime("memory://", store=runtime.engine.store, work=False) as other:
        other.register_service("rating", lambda request: {}["missing"])
        settle(other)
        assert other.instance(instance).status == "failed"
        other.register_service("rating", waits)
        other.retry(instance)
        while other.engine.step():
            pass
        assert retried.wait(10)
        thaw.set()
        while not runtime.engine.inbox.waiting:
            pass
        runtime.engine.step()
        assert other.instance(instance).ended is None
        answer.set()
        settle(other)
        assert other.instance_state(instance).output == "in time"
        assert "trigger.stale" not in [event.type for event in other.history(instance)]


def test_leases_of_slow_calls_are_extended(runtime: LocalRuntime, clock: VirtualClock) -> None:
    entered, answer = threading.Event(), threading.Event()

    def slow(request: Any) -> str:
        entered.set()
        answer.wait()
        return "at last"

    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), result="quote", attempt_timeout="PT1H")
    runtime.deploy(m.Definition("Calls", (call, m.Complete("done", m.Get("quote")))))
    runtime.register_service("rating", slow)
    instance = runtime.start("Calls").id
    assert entered.wait(10)
    for _ in range(12):
        clock.advance(seconds=11)
        runtime.engine.step()
        assert runtime.engine.store.claim_calls("thief", services={"rating": 1}, until=clock.now() + 1) == []
        held = runtime.engine.store.upkeep.call(instance, 1)
        assert held is not None
        assert held.ready == clock.now() + 30_000_000, "for 30 seconds from each look on"
    answer.set()
    while runtime.instance(instance).ended is None:
        runtime.engine.step()
    assert runtime.instance_state(instance).output == "at last"
    assert runtime.engine.telemetry.counts()["call"] == 1


def test_so_many_handlers_hang_at_a_time_and_no_more_calls_are_sent(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each keeps its thread: a service that always hangs takes no more of them than that."""
    monkeypatch.setattr(calls, "ABANDONED", 3)
    entered, go = queue.SimpleQueue[str](), threading.Event()

    def hangs(request: Any) -> None:
        entered.put(request.instance_id)
        go.wait(30)

    quote = m.Call("quote", m.Address("rating", "quote"), m.Const(None), attempt_timeout="PT10S")
    runtime.deploy(m.Definition("Calls", (quote,)))
    runtime.register_service("rating", hangs)
    hanging = [runtime.start("Calls").id for _ in range(3)]
    assert sorted(entered.get(timeout=10) for _ in hanging) == sorted(hanging)
    clock.advance(seconds=10)
    while runtime.engine.step():
        pass
    assert runtime.engine.pool.abandoned == 3
    next_one = runtime.start("Calls").id
    while runtime.engine.step():
        pass
    assert (runtime.engine.pool.flying, entered.empty()) == ([], True)
    runtime.engine.pulse.flag.clear()
    go.set()
    assert runtime.engine.pulse.flag.wait(10), "whoever sleeps is told that there is a place again"
    settle(runtime)
    assert (entered.get(timeout=10), runtime.instance(next_one).status) == (next_one, "completed")


def test_while_too_many_answers_wait_to_be_committed_no_more_calls_are_sent(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while the thread that commits is stuck at a connection that is dead: their leases end, and they are asked for
    again. Whoever is at it when it goes on looks for what was left."""
    monkeypatch.setattr(calls, "OWED", 3)
    asked = queue.SimpleQueue[str]()
    runtime.deploy(m.Definition("Calls", (m.Call("quote", m.Address("rating", "quote"), m.Const(None)),)))
    runtime.register_service("rating", lambda request: asked.put(request.instance_id))
    with runtime.engine.inbox._settling:
        answered = [runtime.start("Calls").id for _ in range(3)]
        while runtime.engine.inbox.waiting < 3:
            pass
        left = [runtime.start("Calls").id for _ in range(2)]
        while runtime.engine.step():
            pass
        assert (runtime.engine.pool.flying, runtime.engine.inbox.waiting) == ([], 3)
        assert sorted(asked.get(timeout=10) for _ in answered) == sorted(answered)
    settle(runtime)
    assert {runtime.instance(id).status for id in (*answered, *left)} == {"completed"}
    assert sorted(asked.get(timeout=10) for _ in left) == sorted(left)


def test_calls_that_wait_in_the_store_have_their_turn_while_there_is_a_backlog(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slices of a backlog take their calls along as places get free: those that a dead worker has left, or that
    found no place, would be called when all the others are done."""
    monkeypatch.setattr(calls, "TURN", 2)
    monkeypatch.setattr(triggers, "BATCH", 1)
    monkeypatch.setattr(triggers, "LARGEST", 1)
    runtime.engine.triggers = triggers.Triggers(runtime.engine)
    asked, answer = queue.SimpleQueue[str](), queue.SimpleQueue[int]()

    def quote(request: Any) -> int:
        asked.put(request.instance_id)
        return answer.get(timeout=10)

    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None))
    runtime.deploy(m.Definition("Call", (call,)))
    runtime.deploy(m.Definition("Later", (m.Timer("later", after=m.Const("PT1S")), call)))
    left = runtime.start("Call").id  # no service is here yet: it waits in the store
    runtime.register_service("rating", quote, concurrency=1)
    backlog = [runtime.start("Later").id for _ in range(6)]
    clock.advance(seconds=1)
    order: list[str] = []
    while len(order) < 7:
        runtime.engine.step()
        if runtime.engine.pool.flying:
            order.append(asked.get(timeout=10))
            answer.put(1)
            while not runtime.engine.inbox.waiting:
                pass
    settle(runtime)
    assert order.index(left) <= 2, f"called as number {order.index(left)} of 7"
    assert sorted(order) == sorted([left, *backlog])


@pytest.mark.parametrize("compensate", [True, False])
def test_a_child_whose_parent_is_cancelled_undoes_what_it_did_if_that_does(
    runtime: LocalRuntime, compensate: bool
) -> None:
    undone: list[str] = []
    undo = m.Call("undo", m.Address("rating", "undo"), m.Const(None))
    booked = m.Try("book", (m.Set("booked", {"n": m.Const(1)}),), compensate=(undo,))
    runtime.deploy(m.Definition("Child", (booked, m.Signal("go", "go"))))
    runtime.deploy(m.Definition("Case", (m.Subworkflow("below", "Child", m.Object({})),)))
    runtime.register_service("rating", lambda request: undone.append(request.instance_id))
    parent = runtime.start("Case").id
    settle(runtime)
    (child,) = (view.id for view in runtime.instances() if view.parent == parent)
    runtime.cancel(parent, compensate=compensate)
    settle(runtime)
    assert [runtime.instance(id).status for id in (parent, child)] == ["cancelled"] * 2
    assert undone == [child] * compensate


def test_what_was_committed_goes_on_where_the_store_does_not_say_whose_child_it_is(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call was leased with the slice that opens it: sent by nobody, it would wait until that lease has ended, and
    its place would be lost for as long as the worker lives."""
    runtime.register_service("rating", lambda request: 1, concurrency=1)
    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), result="quote")
    runtime.deploy(m.Definition("Child", (call, m.Complete("done", m.Get("quote")))))
    runtime.deploy(m.Definition("Case", (m.Subworkflow("sub", "Child", m.Const({})),)))
    store, failed, told = runtime.engine.store, list[str](), list[str]()
    runtime.subscribe(lambda changed: told.append(changed.instance), at_once=True)
    inner = store.instance

    def instance(id: str) -> Any:
        if not failed:
            failed.append(id)
            raise ArmillaryError("store.lost", "expected an answer")
        return inner(id)

    for _ in range(2):  # a place that was lost would be missed by the second one
        parent = runtime.start("Case").id
        monkeypatch.setattr(store, "instance", instance)
        settle(runtime)
        found = inner(parent)
        assert found is not None
        assert found.row.status == "completed"
    assert len(failed) == 1
    assert "" in told, "whoever shows anything looks"


def test_whoever_goes_on_for_a_child_is_cancelled_with_the_parent(runtime: LocalRuntime) -> None:
    runtime.deploy(m.Definition("Second", (m.Signal("go", "go"),)))
    runtime.deploy(m.Definition("Child", (m.ContinueWith("on", "Second", m.Object({})),)))
    runtime.deploy(m.Definition("Case", (m.Subworkflow("below", "Child", m.Object({})),)))
    parent = runtime.start("Case").id
    settle(runtime)
    states = {view.workflow: view.status for view in runtime.instances()}
    assert states == {"Case": "waiting", "Child": "completed", "Second": "waiting"}
    runtime.cancel(parent)
    settle(runtime)
    states = {view.workflow: view.status for view in runtime.instances()}
    assert states == {"Case": "cancelled", "Child": "completed", "Second": "cancelled"}


def test_a_handler_that_tells_that_it_lives_is_not_given_up(runtime: LocalRuntime, clock: VirtualClock) -> None:
    beat, has_beaten, answer = threading.Event(), threading.Event(), threading.Event()

    def slow(request: Any) -> str:
        for _ in range(3):
            beat.wait(30)
            beat.clear()
            request.heartbeat()
            has_beaten.set()
        answer.wait(30)
        return "at last"

    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), result="quote", heartbeat="PT5S")
    runtime.deploy(m.Definition("Calls", (call, m.Complete("done", m.Get("quote")))))
    runtime.register_service("rating", slow)
    instance = runtime.start("Calls").id
    for _ in range(3):
        clock.advance(seconds=4)
        beat.set()
        assert has_beaten.wait(30)
        has_beaten.clear()
        runtime.engine.step()
    clock.advance(seconds=4)
    runtime.engine.step()
    assert len(runtime.engine.pool.flying) == 1, "16 s are over, and it was never silent for 5"
    answer.set()
    settle(runtime)
    assert runtime.instance_state(instance).output == "at last"


def test_an_accepted_call_misses_no_heartbeat(runtime: LocalRuntime, clock: VirtualClock) -> None:
    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), result="quote", heartbeat="PT1S")
    runtime.deploy(m.Definition("Calls", (call, m.Complete("done", m.Get("quote")))))
    runtime.register_service("rating", lambda request: Accepted())
    instance = runtime.start("Calls").id
    settle(runtime)
    clock.advance(seconds=2)
    moment = runtime.engine.attempts.next_moment()
    assert moment is None or moment > clock.now(), "nothing of it is due here any more"
    runtime.reply(f"{instance}/1", 7)
    assert runtime.instance_state(instance).output == 7


@pytest.mark.parametrize(("attempt", "step", "seconds"), [("PT10S", "PT1H", 10), ("PT1H", "PT10S", 10)])
def test_a_handler_is_told_until_when_an_answer_counts(
    runtime: LocalRuntime, clock: VirtualClock, attempt: str, step: str, seconds: int
) -> None:
    told: list[datetime] = []
    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), timeout=step, attempt_timeout=attempt)
    runtime.deploy(m.Definition("Calls", (call,)))
    runtime.register_service("rating", lambda request: told.append(request.deadline))
    runtime.start("Calls")
    settle(runtime)
    assert told == [as_datetime(clock.now()) + timedelta(seconds=seconds)]


@pytest.mark.parametrize("waiting", [False, True], ids=["each is sent as it opens", "all wait for the service"])
def test_places_of_a_service_are_never_exceeded_and_all_calls_are_made(runtime: LocalRuntime, waiting: bool) -> None:
    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None))
    runtime.deploy(m.Definition("Calls", (call,)))
    lock, at_once, most, release = threading.Lock(), 0, 0, threading.Event()

    def rating(request: Any) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        release.wait(30)
        with lock:
            at_once -= 1
        return 1

    if not waiting:
        runtime.register_service("rating", rating, concurrency=3)
    instances = [runtime.start("Calls").id for _ in range(50)]
    runtime.register_service("rating", rating, concurrency=3)
    while runtime.engine.step():  # whatever may be sent is sent, and nobody answers
        pass
    assert len(runtime.engine.pool.flying) == 3
    release.set()
    settle(runtime)
    assert {runtime.instance(instance).status for instance in instances} == {"completed"}
    assert most <= 3
    assert runtime.engine.pool.free() == ["rating"]


def test_calls_of_several_services_share_the_pool_without_starving_each_other(runtime: LocalRuntime) -> None:
    """Many more calls than threads, retries among them: each service gets its turn, and nobody spins."""
    steps = [
        m.Call(name, m.Address(name, "ask"), m.Const(None), retry=m.RetryPolicy(2, "PT0.01S"))
        for name in ("registry", "rating", "mail")
    ]
    runtime.deploy(m.Definition("Calls", tuple(steps)))
    instances = [runtime.start("Calls").id for _ in range(100)]

    def moody(request: Any) -> int:
        if request.attempt == 1:
            raise ConnectionError("down")
        return 1

    for name in ("registry", "rating", "mail"):
        runtime.register_service(name, moody)
    clock = runtime.engine.clock
    assert isinstance(clock, VirtualClock)
    for _ in range(8):
        settle(runtime)
        clock.advance(seconds=1)
    assert {runtime.instance(instance).status for instance in instances} == {"completed"}
    counts = runtime.engine.telemetry.counts()
    assert (counts["call"], counts["commit.committed"]) == (600, 700)
    assert counts["look"] < 400
    assert runtime.engine.pool.free() == ["registry", "rating", "mail"]


@pytest.mark.parametrize("fails", ["begin", "commit"])
def test_a_store_that_fails_when_a_reply_is_committed_gets_it_later(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    sent: list[Any] = []
    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None))
    runtime.deploy(m.Definition("Calls", (call,)))
    runtime.register_service("rating", lambda request: sent.append(request))
    instance = runtime.start("Calls").id
    while not runtime.engine.inbox.waiting:
        pass

    def full(mutations: Any) -> Any:
        raise OSError("disk full")

    monkeypatch.setattr(runtime.engine.store, fails, full)
    with pytest.raises(OSError, match="disk full"):
        runtime.engine.step()
    monkeypatch.undo()
    settle(runtime)
    assert (runtime.instance(instance).status, len(sent)) == ("completed", 1)


def test_a_reply_that_comes_too_late_has_its_engine_look_until_when_another_has_the_call(
    runtime: LocalRuntime, clock: VirtualClock
) -> None:
    """That one may die with it."""
    entered, answer = threading.Event(), threading.Event()

    def slow(request: Any) -> int:
        entered.set()
        assert answer.wait(10)
        return 1

    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None), attempt_timeout="PT1H")
    runtime.deploy(m.Definition("Calls", (call,)))
    runtime.register_service("rating", slow)
    instance = runtime.start("Calls").id
    assert entered.wait(10)
    while runtime.engine.step():
        pass
    clock.advance(seconds=31)
    until = clock.now() + 7_000_000
    (taken,) = runtime.engine.store.claim_calls("another", services={"rating": 1}, until=until)
    answer.set()
    while not runtime.engine.inbox.waiting:
        pass
    while runtime.engine.step():
        pass
    assert (taken.instance, runtime.instance(instance).ended) == (instance, None)
    assert runtime.engine.next_moment() == until
    clock.advance(seconds=8)
    settle(runtime)
    assert runtime.instance(instance).status == "completed"


@pytest.mark.parametrize("offered", [True, False])
def test_the_time_out_of_a_call_is_known_to_whoever_opened_it_and_to_whoever_hears_of_it(
    runtime: LocalRuntime, clock: VirtualClock, offered: bool
) -> None:
    hints: list[Hint] = []
    runtime.engine.store.open_wake().listen(hints.append)
    runtime.deploy(
        m.Definition("Calls", (m.Call("quote", m.Address("rating", "quote"), m.Const(None), timeout="PT9S"),))
    )
    if offered:
        runtime.register_service("rating", lambda request: Accepted())
    due = clock.now() + 9_000_000
    instance = runtime.start("Calls").id
    settle(runtime)
    assert due in [hint.due for hint in hints]
    assert runtime.engine.pulse.due == due
    clock.advance(seconds=8)
    assert not runtime.engine.step()
    clock.advance(seconds=1)
    settle(runtime)
    error = runtime.instance(instance).error
    assert error is not None
    assert error["code"] == "timeout.call"
    assert runtime.engine.pulse.due is None


def test_a_deadline_that_was_closed_is_forgotten(runtime: LocalRuntime, clock: VirtualClock) -> None:
    timed = m.Signal("go", "go", timeout="PT1M", result="said")
    runtime.deploy(m.Definition("Timed", (timed, m.Complete("done", m.Get("said")))))
    first, second = runtime.start("Timed").id, runtime.start("Timed").id
    runtime.signal("go", "in time", instance=first)
    settle(runtime)
    clock.advance(seconds=60)
    settle(runtime)
    assert runtime.instance_state(first).output == "in time"
    error = runtime.instance(second).error
    assert error
    assert error["code"] == "timeout.signal"


def test_an_idle_engine_executes_no_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, executed, plain = VirtualClock(), list[str](), sqlite.connect

    def traced(*given: Any, **named: Any) -> sqlite3.Connection:
        connection = plain(*given, **named)
        connection.set_trace_callback(executed.append)
        return connection

    monkeypatch.setattr(sqlite, "connect", traced)
    with LocalRuntime(f"sqlite:///{tmp_path}/store.sqlite", clock=clock) as runtime:
        runtime.deploy(DEFINITION)
        runtime.deploy(m.Definition("Naps", (m.Timer("nap", after=m.Const("P1D")),)))
        for _ in range(20):
            runtime.start("Case")
            runtime.start("Naps")
        until: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        monkeypatch.setattr(clock, "wait", _telling(clock.wait, until))
        runtime.engine.pulse.beat()
        due = clock.now() + 86_400_000_000
        last = until.get(timeout=10)
        with contextlib.suppress(queue.Empty):
            while True:  # what was started is noticed one by one, and some of it twice
                last = until.get(timeout=0.2)
        assert last == due
        assert {text for text in executed if text.startswith("BEGIN")}, "all statements are seen"
        executed.clear()
        for _ in range(60):
            clock.advance(seconds=60)
        with pytest.raises(queue.Empty):
            until.get(timeout=0.2)  # it sleeps the same sleep, to the first deadline
        assert executed == []
        woken = threading.Event()
        runtime.subscribe(lambda changed: woken.set())
        clock.advance(seconds=86_400)
        assert woken.wait(10), "and yet it wakes when something is due"
        assert executed


def _telling(wait: Any, until: queue.SimpleQueue[int | None]) -> Any:
    """Tells until when each sleep is to last."""

    def told(flag: threading.Event, moment: int | None) -> bool:
        until.put(moment)
        result: bool = wait(flag, moment)
        return result

    return told


def test_what_is_committed_can_be_decoded(runtime: LocalRuntime) -> None:
    runtime.deploy(DEFINITION)
    instance = runtime.start("Case", {"x": "ß"}).id
    assert decode(runtime.engine.store.read([instance])[instance].snapshot).input == {"x": "ß"}


def _waiting(runtime: LocalRuntime, n: int) -> list[str]:
    """Instances that are about to take a message each."""
    runtime.deploy(DEFINITION)
    ids = [runtime.start("Case").id for _ in range(n)]
    settle(runtime)
    for id in ids:
        runtime.signal("go", id, instance=id, mode="all")
    return ids


def test_a_store_that_fails_in_between_is_no_fault_of_a_message(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever finds it well again goes on at once: the leases need not run out."""
    ids = _waiting(runtime, 3)
    store = runtime.engine.store
    with monkeypatch.context() as patch:

        def fails(_: Any) -> Any:
            raise ArmillaryError("store.lost", "expected the server to answer, and the connection was lost")

        patch.setattr(store, "commit", fails)
        for _ in range(10):
            with pytest.raises(ArmillaryError):
                runtime.engine.step()
            runtime.engine.pulse.work = True  # as the loop does
    settle(runtime)
    assert runtime.engine.triggers.owed == []
    assert [runtime.instance(id).status for id in ids] == ["completed"] * 3
    assert clock.now() == BEGINNING
    assert store.letters(state=None) == []


def test_a_store_that_fails_while_slices_are_made_costs_no_places(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were made have taken places for their calls."""
    call = m.Call("quote", m.Address("rating", "quote"), m.Const(None))
    runtime.deploy(m.Definition("Later", (m.Timer("later", after=m.Const("PT1S")), call)))
    runtime.register_service("rating", lambda request: 1, concurrency=3)
    ids = [runtime.start("Later").id for _ in range(3)]
    clock.advance(seconds=1)
    plain, made = runtime.engine.slicer.next, list[str]()

    def fails(stored: Any, *parts: Any) -> Any:
        if made:
            raise ArmillaryError("store.lost", "expected the server to answer, and the connection was lost")
        made.append(stored.row.id)
        return plain(stored, *parts)

    with monkeypatch.context() as patch:
        patch.setattr(runtime.engine.slicer, "next", fails)
        with pytest.raises(ArmillaryError):
            runtime.engine.step()
    places = runtime.engine.pool.reserve_all()
    runtime.engine.pool.release_unused(places, [])
    assert places.services == {"rating": 3}
    runtime.engine.pulse.work = True
    settle(runtime)
    assert [runtime.instance(id).status for id in ids] == ["completed"] * 3


def test_the_larger_the_backlog_the_more_is_taken_at_a_time(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = _waiting(runtime, 300)
    store, wanted = runtime.engine.store, list[int]()
    claim = store.claim

    def counted(n: int, *parts: Any, **named: Any) -> Any:
        wanted.append(n)
        return claim(n, *parts, **named)

    monkeypatch.setattr(store, "claim", counted)
    settle(runtime)
    assert {runtime.instance(id).status for id in ids} == {"completed"}
    for _ in range(3):
        runtime.engine.pulse.work = True
        settle(runtime)
    assert wanted == [32, 64, 128, 128, 64, 32, 32]


def test_a_slice_that_cannot_be_stored_takes_no_other_with_it(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = _waiting(runtime, 3)
    store, plain = runtime.engine.store, runtime.engine.store.commit

    def refuses(mutations: Sequence[Any]) -> Any:
        if any(mutation.row.id == ids[1] for mutation in mutations):
            raise ArmillaryError("store.too-large", "expected data within the store's limits, got more")
        return plain(mutations)

    monkeypatch.setattr(store, "commit", refuses)
    settle(runtime)
    assert [runtime.instance(id).status for id in ids] == ["completed", "waiting", "completed"]
    for _ in range(5):
        clock.advance(seconds=200)
        settle(runtime)
    (letter,) = runtime.dead_letters()
    assert (letter.instance, letter.attempts) == (ids[1], 5)
    assert "store's limits" in str(letter.error)


def test_of_very_many_newer_snapshots_their_definition_is_left(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a parameter of every claim."""
    monkeypatch.setattr(programs, "UNREADABLE", 2)
    lacking = runtime.engine.programs
    for number in range(3):
        lacking.cannot_read(f"i{number}", "d", ArmillaryError("snapshot.newer", "expected an older one"))
    lacking.cannot_read("j", "e", ArmillaryError("snapshot.newer", "expected an older one"))
    assert lacking.lacking == {"i0", "i1", "d", "j"}
    lacking.register({})
    assert lacking.lacking == frozenset()


def test_a_trigger_of_a_newer_release_is_left_unclaimed(runtime: LocalRuntime) -> None:
    """As in a rolling upgrade, when an operator asks what only the newer workers can do."""
    runtime.deploy(DEFINITION)
    instance, other = runtime.start("Case").id, runtime.start("Case").id
    store = runtime.engine.store
    store.deliver([Delivery(Message(instance, "migrate", b"{}", control=True))])
    runtime.signal("go", 1, instance=other)
    settle(runtime)
    assert runtime.instance(other).status == "completed", "the others go on"
    (letter,) = store.letters(state=None)
    assert (letter.state, letter.failures) == ("ready", 0), "unclaimed, and not counted as a failure"
    assert runtime.instance(instance).blocked == "expected a kind of message that this release knows, got 'migrate'"
    looks = runtime.engine.telemetry.counts()["look"]
    settle(runtime)
    assert runtime.engine.telemetry.counts()["look"] == looks, "and nobody spins on it"
    store.tables.remove_letter(letter.seq)  # type: ignore[attr-defined]


def test_a_trigger_that_kills_its_workers_is_set_aside(runtime: LocalRuntime, clock: VirtualClock) -> None:
    runtime.deploy(DEFINITION)
    instance = runtime.start("Case").id
    runtime.signal("go", 1, instance=instance, mode="all")
    for number in range(1, 6):
        (claim,) = runtime.engine.store.claim(1, f"victim {number}", until=clock.now() + 1_000_000)
        assert claim.letter.failures == number
        clock.advance(seconds=2)
    settle(runtime)
    (letter,) = runtime.dead_letters()
    assert (letter.error, letter.attempts) == ("5 workers died with it", 5)
    runtime.replay_dead_letter(letter.id)
    settle(runtime)
    assert runtime.instance(instance).status == "completed"
