"""Sending signals: whoever sends one takes its instance on, where nothing comes before it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from armillary_engine.clock import as_microseconds
from armillary_engine.definition import model as m
from armillary_engine.definition.expressions import user_function
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.interpreter.triggers import SignalArrived
from armillary_engine.local import LocalRuntime
from armillary_engine.queries import SignalQuery
from msgspec.structs import replace

from .conftest import PATIENCE, House, call, done, flow, get, task

POLICY = {"policy": "P-1"}
WAIT = m.Signal("paid", "paid", match=get("input.policy"), result="paid")


def waiting(runtime: LocalRuntime, *rest: Any) -> str:
    """An instance that waits for a signal."""
    runtime.deploy(flow(WAIT, *rest))
    return runtime.start("Case", POLICY).id


def stored(runtime: LocalRuntime) -> list[str]:
    """The kinds of the messages that wait to be taken."""
    return [letter.message.kind for letter in runtime.engine.store.letters(state=None)]


@pytest.mark.parametrize("addressed", [False, True])
def test_whoever_sends_takes_the_instance_on(house: House, addressed: bool) -> None:
    runtime = house.open(work=False)
    instance = waiting(runtime, done("paid.n"))
    sent = runtime.signal("paid", {"n": 7}, **({"instance": instance} if addressed else {"match": "P-1"}))
    assert runtime.instance(instance).status == "completed", "and no worker has anything to do"
    assert (runtime.instance_state(instance).output, stored(runtime)) == (7, [])
    (view,) = runtime.signals(SignalQuery(id=sent))
    assert (view.status, view.takers) == ("taken", (f"{instance}/1",))
    (event,) = [one for one in runtime.history(instance) if one.type == "step.done"][:1]
    assert event.data["signal"] == sent


def test_what_it_opens_is_done_by_a_worker(house: House) -> None:
    sender = house.open(work=False)
    instance = waiting(sender, call(), done("quote.premium"))
    sender.signal("paid", match="P-1")
    assert sender.instance(instance).status == "running"
    worker = house.open()
    worker.register_service("rating", lambda _request: {"premium": 7})
    assert house.until(worker, instance).status == "completed"


def test_whoever_sleeps_is_told(house: House) -> None:
    sender, worker = house.open(work=False), house.open()
    instance = waiting(worker, done("paid.n"))
    told = threading.Event()
    worker.subscribe(lambda _: told.set(), instance=instance)
    sender.signal("paid", {"n": 7}, match="P-1")
    assert told.wait(PATIENCE)
    assert worker.wait(instance).status == "completed"


def test_the_same_id_is_taken_once(house: House) -> None:
    runtime = house.open(work=False)
    first, second = waiting(runtime, done("input.policy")), waiting(runtime, done("input.policy"))
    for _ in range(2):
        runtime.signal("paid", match="P-1", id="payment 1")
    assert [runtime.instance(id).ended is None for id in (first, second)] == [False, True]
    assert stored(runtime) == []


@pytest.mark.parametrize("mode", ["one", "all"])
def test_one_for_all_is_stored(house: House, mode: Any) -> None:
    runtime = house.open(work=False)
    waiting(runtime, done("input.policy"))
    runtime.signal("paid", match="P-1", mode=mode)
    assert stored(runtime) == ([] if mode == "one" else ["signal"])


def test_what_is_stored_comes_first(house: House) -> None:
    runtime = house.open(work=False)
    instance = waiting(runtime, task(), done("input.policy"))
    runtime.cancel(instance)
    runtime.signal("paid", match="P-1")
    assert sorted(stored(runtime)) == ["cancel", "signal"]


def test_one_that_is_suspended_takes_it_when_it_is_resumed(house: House) -> None:
    runtime = house.open()
    instance = waiting(runtime, done("input.policy"))
    runtime.suspend(instance)
    house.until(runtime, instance, lambda view: view.status == "suspended")
    runtime.signal("paid", match="P-1")
    assert (runtime.instance(instance).status, stored(runtime)) == ("suspended", ["signal"])
    runtime.resume(instance)
    assert house.until(runtime, instance).status == "completed"


def test_whoever_lacks_a_function_leaves_it_to_those_who_have_it(house: House) -> None:
    """And remembers that it does."""
    twice = user_function(lambda n: n * 2, major=1, name="twice")
    worker, sender = house.open(functions={twice.name: twice}), house.open(work=False)
    instance = waiting(worker, m.Complete("end", m.Fn("twice@1", (get("paid.n"),))))
    sender.signal("paid", {"n": 21}, match="P-1")
    assert house.until(worker, instance).status == "completed"
    assert worker.instance_state(instance).output == 42
    assert sender.engine.programs.lacking


def test_a_slice_that_fails_is_no_failure_of_its_sender(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = house.open(work=False)
    waiting(runtime, done("input.policy"))

    def broken(stored: Any, trigger: Any, consumes: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(runtime.engine.slicer, "next", broken)
    with caplog.at_level(logging.ERROR, "armillary_engine"):
        runtime.signal("paid", match="P-1")
    assert stored(runtime) == ["signal"]
    assert "could not take a SignalArrived" in caplog.text


def test_of_several_that_are_sent_at_a_time_workers_take_the_others_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = house.open(work=False)
    instances = [waiting(runtime, done("input.policy")) for _ in range(2)]
    store, going, gate = runtime.engine.store, threading.Event(), threading.Event()
    would_meet = store.would_meet

    def slow(signal: Any) -> Any:
        going.set()
        assert gate.wait(PATIENCE)
        return would_meet(signal)

    monkeypatch.setattr(store, "would_meet", slow)
    first = threading.Thread(target=lambda: runtime.signal("paid", match="P-1"))
    first.start()
    assert going.wait(PATIENCE)
    runtime.signal("paid", match="P-1")
    assert stored(runtime) == ["signal"]
    gate.set()
    first.join()
    assert [runtime.instance(id).ended is None for id in instances] == [True, False], "the second takes the next wait"
    monkeypatch.undo()
    runtime.signal("other")
    assert stored(runtime) == ["signal"]


def test_one_that_may_have_been_kept_is_minded_until_its_time_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sent it does not know, and nobody else has heard of it."""
    runtime = house.open(work=False)
    store_signal = runtime.engine.store.store_signal
    monkeypatch.setattr(runtime.engine.chores, "look", lambda due: due)

    def lost(signal: Any) -> Any:
        store_signal(signal)
        raise ArmillaryError("store.lost", "expected an answer, and the connection was lost")

    monkeypatch.setattr(runtime.engine.store, "store_signal", lost)
    with pytest.raises(ArmillaryError, match="connection was lost"):
        runtime.signal("paid", match="P-1", ttl=60)
    (view,) = runtime.signals()
    assert runtime.engine.pulse.due == as_microseconds(view.expires)


def test_somebody_else_may_be_quicker(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the commit: then it goes to the next wait, or is kept."""
    runtime = house.open(work=False)
    instance = waiting(runtime, done("input.policy"))
    take: Callable[..., Any] = runtime.engine.take

    def late(stored: Any, trigger: Any, consumes: Any) -> Any:
        if isinstance(trigger, SignalArrived) and trigger.signal == "late":
            runtime.engine.store.store_signal(replace(consumes.signal, id="other"))
        return take(stored, trigger, consumes)

    monkeypatch.setattr(runtime.engine, "take", late)
    runtime.signal("paid", match="P-1", id="late")
    assert {view.id: view.takers for view in runtime.signals()} == {"other": (f"{instance}/1",), "late": ()}
