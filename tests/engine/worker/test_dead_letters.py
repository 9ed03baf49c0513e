"""Dead letters, on every store: what they show, and what becomes of one that is replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.backend import Backend
from armillary_engine.backends import sqlite
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.definition import model as m
from armillary_engine.definition.marks import MASK
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import DeadLetterQuery
from armillary_engine.runtime import Caller
from armillary_engine.testing.clock import VirtualClock

from .test_engine import settle

SECRET = {"type": "object", "properties": {"card": {"type": "string", "x-sensitive": True}, "n": {"type": "integer"}}}
GIVEN = {"card": "4111 1111 1111 1111", "n": 1}
SHOWN = {"card": MASK, "n": 1}
PAID = m.Signal("paid", "paid", payload=SECRET, match=m.Get("input.n"), result="paid")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.require("postgresql"))])
def store(request: pytest.FixtureRequest, clock: VirtualClock, tmp_path: Path) -> Backend:
    """Whose time is the test's."""
    if request.param == "memory":
        return MemoryBackend(clock=clock)
    if request.param == "sqlite":
        return sqlite.open_backend(f"sqlite:///{tmp_path}/store.sqlite", clock=clock)
    from armillary_engine.backends import postgresql

    url: str = request.getfixturevalue("postgresql_store")()
    return postgresql.open_backend(url, clock=clock)


@pytest.fixture
def runtime(store: Backend) -> Iterator[LocalRuntime]:
    with LocalRuntime("memory://", store=store, work=False) as opened:
        yield opened
        settle(opened)
        assert list(opened.check()) == []


def flow(*body: m.Step, version: str = "1.0.0") -> m.Definition:
    return m.Definition("Pays", (*body, m.Complete("done", m.Get("paid"))), version=version, input=SECRET)


def make_dead(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, sends: Callable[[], object] = str
) -> str:
    """Whatever is stored just now, or sent by ``sends``, fails until it is a dead letter, whose id it gives."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("a defect of ours")

    with monkeypatch.context() as patch:
        patch.setattr(runtime.engine.slicer, "next", broken)
        sends()
        while not (letters := runtime.dead_letters()):
            settle(runtime)
            clock.advance(seconds=200)
    return letters[0].id


def carried(runtime: LocalRuntime) -> Any:
    (letter,) = runtime.dead_letters()
    return letter.body


def test_an_input_is_masked(runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime.deploy(flow(PAID))
    instance = runtime.start("Pays", GIVEN, delay=1).id
    id = make_dead(runtime, clock, monkeypatch)
    assert carried(runtime) == SHOWN
    runtime.cancel(instance)
    settle(runtime)
    assert runtime.drop_dead_letter(id).body == SHOWN
    assert runtime.dead_letter(id).body == SHOWN, "and in what is kept of it"


def test_what_a_signal_carries_is_masked(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.deploy(flow(PAID))
    instance = runtime.start("Pays", GIVEN).id
    settle(runtime)
    id = make_dead(runtime, clock, monkeypatch, lambda: runtime.signal("paid", GIVEN, match=1, id="s"))
    assert carried(runtime) == {"name": "paid", "payload": SHOWN, "signal": "s"}
    assert runtime.replay_dead_letter(id).body["payload"] == SHOWN  # type: ignore[index,call-overload]
    settle(runtime)
    assert runtime.instance_state(instance, reveal=True).output == GIVEN, "what is processed is the thing itself"


def test_a_signal_that_nobody_took_is_masked_as_those_who_wait_for_it_say(
    runtime: LocalRuntime, clock: VirtualClock
) -> None:
    runtime.deploy(flow(PAID))
    runtime.signal("paid", GIVEN, match=7, ttl=10)
    clock.advance(seconds=11)
    settle(runtime)
    assert carried(runtime) == SHOWN


@pytest.mark.parametrize("kind", ["call", "task"])
def test_replies_and_answers_are_masked(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    step: m.Step = m.Task("paid", "Pay", payload=m.Const(None), answer=SECRET, result="paid")
    if kind == "call":
        step = m.Call("paid", m.Address("bank", "pay"), m.Const(None), reply=SECRET, result="paid")
    runtime.deploy(flow(step))
    runtime.register_service("bank", lambda request: GIVEN)
    instance = runtime.start("Pays", GIVEN).id
    runtime.suspend(instance)
    settle(runtime)
    for task in runtime.tasks():
        runtime.complete_task(task.id, GIVEN)
    settle(runtime)
    runtime.resume(instance)
    original = runtime.engine.slicer.next
    with monkeypatch.context() as patch:

        def broken(stored: Any, trigger: Any, consumes: Any) -> Any:
            if type(trigger).__name__ in ("CallReturned", "TaskCompleted"):
                raise RuntimeError("a defect of ours")
            return original(stored, trigger, consumes)

        patch.setattr(runtime.engine.slicer, "next", broken)
        while not runtime.dead_letters():
            settle(runtime)
            clock.advance(seconds=200)
    assert SHOWN in carried(runtime)
    assert GIVEN not in carried(runtime)


# ── replay ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def dead(runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """An instance, and a dead letter that it needs."""
    runtime.deploy(flow(PAID))
    instance = runtime.start("Pays", GIVEN).id
    settle(runtime)
    return instance, make_dead(runtime, clock, monkeypatch, lambda: runtime.signal("paid", GIVEN, match=1))


def test_it_is_replayed_once(runtime: LocalRuntime, dead: tuple[str, str]) -> None:
    instance, id = dead
    runtime.replay_dead_letter(id)
    with pytest.raises(ArmillaryError, match="replayed"):
        runtime.replay_dead_letter(id)
    with pytest.raises(ArmillaryError, match="replayed"):
        runtime.drop_dead_letter(id)
    settle(runtime)
    assert runtime.instance(instance).status == "completed"
    events = [event.type for event in runtime.history(instance)]
    assert events.count("step.done") == 2


def test_one_that_alone_can_resume_its_instance_is_not_dropped(runtime: LocalRuntime, dead: tuple[str, str]) -> None:
    _, id = dead
    with pytest.raises(ArmillaryError) as caught:
        runtime.drop_dead_letter(id)
    assert caught.value.code == "dead-letter.needed"
    assert "replay it, or cancel the instance first" in str(caught.value)
    assert runtime.dead_letter(id).status == "dead"


def test_who_decides_about_one_needs_a_role_of_its_workflow(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.deploy(replace(flow(PAID), access=m.Access(operate=("ops",))))
    runtime.start("Pays", GIVEN)
    settle(runtime)
    id = make_dead(runtime, clock, monkeypatch, lambda: runtime.signal("paid", GIVEN, match=1))
    eve, bob = Caller("eve", frozenset({"clerk"})), Caller("bob", frozenset({"ops"}))
    for act in (runtime.replay_dead_letter, runtime.drop_dead_letter):
        with pytest.raises(ArmillaryError) as caught:
            act(id, caller=eve)
        assert caught.value.code == "operate.not-allowed"
    assert runtime.replay_dead_letter(id, caller=bob).decided_by == "bob"
    runtime.signal("paid", GIVEN, match="to nobody", id="late", ttl=10)
    clock.advance(seconds=11)
    settle(runtime)
    for caller in (eve, bob):  # what belongs to no workflow is for trusted callers
        with pytest.raises(ArmillaryError) as caught:
            runtime.drop_dead_letter("signal-late", caller=caller)
        assert caught.value.code == "operate.not-allowed"
    assert runtime.drop_dead_letter("signal-late").status == "dropped"


def test_a_page_after_one_that_is_not_listed_is_empty(runtime: LocalRuntime, dead: tuple[str, str]) -> None:
    _, id = dead
    assert [letter.id for letter in runtime.dead_letters()] == [id]
    assert runtime.dead_letters(DeadLetterQuery(after=id)) == []
    assert runtime.dead_letters(DeadLetterQuery(after="message-0")) == []


def test_a_signal_among_them_is_free_again_when_its_wait_closes(
    runtime: LocalRuntime, dead: tuple[str, str]
) -> None:  # fmt: skip
    instance, id = dead
    runtime.cancel(instance)
    settle(runtime)
    assert runtime.dead_letters() == []
    with pytest.raises(ArmillaryError, match="the id of a dead letter"):
        runtime.replay_dead_letter(id)
    assert [signal.status for signal in runtime.signals()] == ["kept"]
    again = runtime.start("Pays", GIVEN).id
    settle(runtime)
    assert runtime.instance_state(again, reveal=True).output == GIVEN


def test_it_is_replayed_after_the_definition_has_changed(runtime: LocalRuntime, dead: tuple[str, str]) -> None:
    instance, id = dead
    runtime.deploy(flow(m.Set("other", {"paid": m.Const(0)}), version="2.0.0"))
    runtime.replay_dead_letter(id)
    settle(runtime)
    view = runtime.instance(instance)
    assert (view.status, view.version) == ("completed", "1.0.0")
    assert runtime.instance_state(instance, reveal=True).output == GIVEN


def test_it_is_replayed_to_an_instance_that_has_ended(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.deploy(flow(PAID))
    instance = runtime.start("Pays", GIVEN, delay=1).id
    id = make_dead(runtime, clock, monkeypatch)
    runtime.cancel(instance)
    settle(runtime)
    state, ended = runtime.instance_state(instance), runtime.instance(instance).ended
    clock.advance(seconds=60)
    replayed = runtime.replay_dead_letter(id)
    settle(runtime)
    assert replayed.status == "replayed"
    assert runtime.dead_letters() == []
    assert runtime.instance(instance).status == "cancelled"
    assert runtime.instance(instance).ended == ended, "it has ended once"
    assert runtime.instance_state(instance).state == state.state
    last = runtime.history(instance)[-1]
    assert (last.type, last.data["reason"]) == ("trigger.stale", "the instance is cancelled"), "ignored and recorded"
    assert list(runtime.engine.store.letters(state=None)) == []


# ── what is decided, and by several ──────────────────────────────────────────────────────────────────────────────────


def test_why_one_was_dropped_is_kept(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.deploy(replace(flow(m.Signal("go", "go", result="paid")), input={}))
    instance = runtime.start("Pays", delay=1).id
    id = make_dead(runtime, clock, monkeypatch)
    with pytest.raises(ArmillaryError) as caught:
        runtime.drop_dead_letter(id, reason="a\x00b")
    assert caught.value.code == "operate.reason-invalid"
    runtime.cancel(instance)
    settle(runtime)
    assert (
        runtime.drop_dead_letter(id, reason="of a defect").error
        == "RuntimeError: a defect of ours (dropped: of a defect)"
    )
    for number, reason in enumerate(("", "sent twice")):
        id = f"s{number}"
        runtime.signal("go", match=1, id=id, ttl=10)
        clock.advance(seconds=11)
        settle(runtime)
        dropped = runtime.drop_dead_letter(f"signal-{id}", reason=reason)
        told = "no wait took it in time" + (f" (dropped: {reason})" if reason else "")
        assert (dropped.reason, dropped.error, dropped.status) == ("unmatched", told, "dropped")
        assert runtime.dead_letter(f"signal-{id}") == dropped


def test_of_two_who_decide_about_one_the_second_is_told(
    runtime: LocalRuntime, dead: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one was quicker, after this one had looked."""
    _, id = dead
    decide = runtime.engine.store.upkeep.decide

    def late(record: Any) -> Any:
        monkeypatch.setattr(runtime.engine.store.upkeep, "decide", decide)
        assert runtime.replay_dead_letter(id, caller=Caller("quick")).reason == "poison"
        return decide(record)

    monkeypatch.setattr(runtime.engine.store.upkeep, "decide", late)
    with pytest.raises(ArmillaryError, match="which was decided about") as caught:
        runtime.drop_dead_letter(id)
    assert caught.value.code == "dead-letter.decided"
    kept = runtime.dead_letter(id)
    assert (kept.status, kept.decided_by, kept.reason) == ("replayed", "quick", "poison")


def test_whoever_shows_an_instance_hears_what_was_decided(runtime: LocalRuntime, dead: tuple[str, str]) -> None:
    instance, id = dead
    heard: list[str] = []
    subscription = runtime.subscribe(lambda changed: heard.append(changed.instance), instance=instance, at_once=True)
    runtime.engine.pulse.begin_look()
    runtime.replay_dead_letter(id)
    subscription.close()
    assert (heard, runtime.engine.pulse.work) == ([instance], True)
