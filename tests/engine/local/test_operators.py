"""What operators ask of instances, in the states and with the words that nobody thinks of."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.clock import as_microseconds
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import DeadLetterQuery, Every
from armillary_engine.queries import InstanceQuery, SignalQuery, TaskQuery
from armillary_engine.runtime import Caller, Request
from armillary_engine.testing.clock import VirtualClock
from armillary_engine.worker import letters, recurrence
from msgspec.structs import replace

from .conftest import PATIENCE, House, call, code, done, flow, get, settled, task

WAIT = m.Signal("paid", "paid", match=get("input.policy"), result="paid")
POLICY = {"policy": "P-1"}
UNSTORABLE = pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 10_001], ids=["null", "surrogate", "long"])


# ── texts that not every store can keep ──────────────────────────────────────────────────────────────────────────────


@UNSTORABLE
def test_a_request_that_no_store_could_keep_is_refused_and_not_a_dead_letter(house: House, text: str) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task()))
    id = runtime.start("Case").id
    assert code(runtime.cancel, id, reason=text) == "operate.reason-invalid"
    assert code(runtime.suspend, id, reason=text) == "operate.reason-invalid"
    assert code(Caller, text) == "caller.name-invalid"
    assert code(runtime.start, "Case", key=text) == "start.key-invalid"
    assert code(runtime.start, "Case", id=text) == "instance.id-invalid"
    assert code(runtime.reassign_task, f"{id}/1", text, caller=Caller("ann")) == "task.assignee-invalid"
    for given in ({"name": text}, {"name": "paid", "id": text}):
        assert code(runtime.signal, **given) == "signal.invalid"
    settled(runtime, lambda: runtime.engine.store.letters(state=None) == [])
    assert (len(runtime.instances()), list(runtime.signals())) == (1, [])


def test_nobody_is_no_name(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task()))
    id = f"{runtime.start('Case').id}/1"
    assert code(Caller, "") == "caller.name-invalid"
    assert code(runtime.reassign_task, id, "", caller=Caller("ann")) == "task.assignee-invalid"
    assert (runtime.task(id).assignee, [one.type for one in runtime.task_events(id)]) == (None, ["created"])


@pytest.mark.parametrize("id", ["x/99999999999999999999", "x/²", "x/-1", "x/", "/1", "x"])
def test_a_token_that_is_none_is_unknown(house: House, id: str) -> None:
    runtime = house.open(work=False)
    assert code(runtime.task, id) == "task.unknown"
    assert code(runtime.reply, id) == "call.not-open"
    assert code(runtime.tasks, TaskQuery(after=id)) == "task.unknown"


@pytest.mark.parametrize("query", [InstanceQuery, TaskQuery, SignalQuery, DeadLetterQuery])
def test_a_page_has_a_limit(query: Any) -> None:
    assert code(query, limit=-1) == code(query, limit=1_000_001) == "query.limit"
    assert query(limit=0).limit == 0


def test_an_age_has_a_time_zone() -> None:
    assert code(InstanceQuery, started_before=datetime(2026, 1, 1)) == "query.moment"  # noqa: DTZ001


def test_a_signal_is_sent_to_one_or_to_all(house: House) -> None:
    runtime = house.open(work=False)
    assert code(runtime.signal, "paid", mode="some") == "signal.invalid"
    assert code(runtime.signal, "paid", id="") == "signal.invalid"


# ── starts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_id_that_is_taken_is_refused_under_any_other_key(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task()))
    runtime.deploy(flow(task(), name="Other"))
    runtime.start("Case", id="mine", key="K")
    assert code(runtime.start, "Case", id="mine", key="L") == "instance.exists"
    assert code(runtime.start, "Other", id="mine", key="K") == "instance.exists"
    assert runtime.start("Case", id="mine", key="K").id == runtime.start("Case", id="else", key="K").id == "mine"
    assert [one.id for one in runtime.instances()] == ["mine"]


def test_a_delayed_start_is_one_as_well(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(task()))
    first = runtime.start("Case", id="mine", key="K", delay=60)
    assert (first.id, first.key, first.steps) == ("mine", "K", ())
    assert runtime.start("Case", key="K", delay=5).id == runtime.start("Case", key="K").id == "mine"
    assert code(runtime.start, "Case", id="mine", delay=60) == "instance.exists"
    runtime.disable("Case", first.version)
    assert runtime.start("Case", key="K").id == "mine", "what was started is there, whatever can be started now"
    runtime.enable("Case", first.version)
    clock.advance(seconds=59)
    settled(runtime, lambda: runtime.tasks() == [])
    clock.advance(seconds=1)
    settled(runtime, lambda: [one.instance for one in runtime.tasks()] == ["mine"])
    assert runtime.start("Case", key="K").id == "mine"


def test_one_that_has_not_begun_waits_for_its_time_and_for_nobody(house: House) -> None:
    """Also after it was suspended until then."""
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(task()))
    id = runtime.start("Case", delay=60).id
    assert (runtime.instance(id).status, runtime.instance(id).resting) == ("waiting", False)
    runtime.suspend(id)
    settled(runtime, lambda: runtime.instance(id).status == "suspended")
    assert runtime.instance(id).resting
    runtime.resume(id)
    settled(runtime, lambda: runtime.instance(id).status == "waiting")
    assert not runtime.instance(id).resting
    runtime.suspend(id)
    settled(runtime, lambda: runtime.instance(id).status == "suspended")
    clock.advance(seconds=61)
    settled(runtime, lambda: runtime.instance(id).steps == ())
    runtime.resume(id)
    settled(runtime, lambda: runtime.instance(id).steps == ("review",))


# ── who asked for it, and why ────────────────────────────────────────────────────────────────────────────────────────


def test_what_an_operator_asks_stands_in_the_history_with_who_and_why(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(m.Fail("fail", m.Const("failure.mine"), m.Const("no")), name="Fails"))
    undone = m.Try("try", (m.Set("set", {"x": m.Const(1)}),), (), compensate=(task("undo"),))
    runtime.deploy(flow(undone, task()))
    ann, id = Caller("ann"), runtime.start("Case").id
    runtime.suspend(id, reason="wait", caller=ann)
    runtime.resume(id, caller=Caller("bob"))
    settled(runtime, lambda: runtime.instance(id).steps == ("review",))
    runtime.cancel(id, compensate=True, reason="withdrawn", caller=ann)
    settled(runtime, lambda: runtime.instance(id).steps == ("undo",))
    assert asked(runtime, id) == [
        ("suspended", {"reason": "wait", "by": "ann"}),
        ("resumed", {"by": "bob"}),
        ("cancelling", {"reason": "withdrawn", "by": "ann"}),
    ]
    runtime.cancel(id, reason="at once", caller=Caller("bob"))
    settled(runtime, lambda: runtime.instance(id).status == "cancelled")
    assert asked(runtime, id)[3:] == [("cancelled", {"reason": "at once", "by": "bob"})]
    failed = runtime.start("Fails").id
    runtime.retry(failed, caller=ann)
    settled(runtime, lambda: [one for one, _ in asked(runtime, failed)] == ["failed", "retried", "failed"])
    assert asked(runtime, failed)[1] == ("retried", {"by": "ann", "step": "fail"})


@pytest.mark.parametrize("compensate", [True, False])
def test_a_child_undoes_what_it_did_when_its_parent_is_cancelled_so(house: House, compensate: bool) -> None:
    runtime = house.open(work=False)
    undone = m.Try("try", (m.Set("set", {"x": m.Const(1)}),), (), compensate=(task("undo"),))
    runtime.deploy(flow(undone, task(), name="Child"))
    runtime.deploy(flow(m.Subworkflow("sub", "Child", m.Const({}))))
    id = runtime.start("Case").id
    settled(runtime, lambda: runtime.instance(f"{id}:1").steps == ("review",))
    runtime.cancel(id, compensate=compensate)
    settled(runtime, lambda: runtime.instance(id).status == "cancelled")
    child = runtime.instance(f"{id}:1")
    assert (child.status, child.steps) == (("waiting", ("undo",)) if compensate else ("cancelled", ()))


def test_a_call_that_another_runtime_will_make_is_not_blocked(house: House) -> None:
    """It has one place, which is taken."""
    asked, over = threading.Event(), threading.Event()

    def slow(request: Request) -> int:
        asked.set()
        over.wait(PATIENCE)
        return 1

    working, looking = house.open(), house.open(work=False)
    working.register_service("rating", slow, concurrency=1)
    working.deploy(flow(call(), done("quote")))
    first = working.start("Case", POLICY).id
    assert asked.wait(PATIENCE)
    second = working.start("Case", POLICY).id
    assert (looking.instance(second).status, looking.instance(second).blocked) == ("running", None)
    over.set()
    assert {house.until(working, id).status for id in (first, second)} == {"completed"}


def asked(runtime: LocalRuntime, id: str) -> list[tuple[str, Any]]:
    """What happened to an instance after its start."""
    events = [one for one in runtime.history(id) if one.type.startswith("instance.")]
    return [(one.type.removeprefix("instance."), one.data) for one in events[1:]]


def test_whoever_shows_an_instance_hears_who_holds_its_tasks(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task()))
    id = runtime.start("Case").id
    heard: list[tuple[str, int]] = []
    subscription = runtime.subscribe(
        lambda changed: heard.append((changed.instance, changed.revision)), instance=id, at_once=True
    )
    runtime.claim_task(f"{id}/1", caller=Caller("ann"))
    runtime.comment_task(f"{id}/1", "hm", caller=Caller("ann"))
    subscription.close()
    assert heard == [(id, 0)] * 2


def test_of_two_who_claim_a_task_the_second_is_told_who_has_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one was quicker, after this one had looked."""
    runtime = house.open(work=False)
    runtime.deploy(flow(task()))
    id = f"{runtime.start('Case').id}/1"
    change = runtime.engine.store.change_task

    def late(wanted: Any) -> bool:
        monkeypatch.setattr(runtime.engine.store, "change_task", change)
        runtime.claim_task(id, caller=Caller("quick"))
        return change(wanted)

    monkeypatch.setattr(runtime.engine.store, "change_task", late)
    assert code(runtime.claim_task, id, caller=Caller("slow")) == "task.taken"
    assert [(one.type, one.actor) for one in runtime.task_events(id)] == [("created", None), ("claimed", "quick")]


def test_what_somebody_holds_is_theirs_alone(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task(roles=("underwriter", "boss"))))
    id = f"{runtime.start('Case').id}/1"
    roles = frozenset({"boss"})
    ann, bob, nobody = Caller("ann", roles), Caller("bob", roles), Caller(None, roles)
    assert code(runtime.delegate_task, id, "eve", caller=Caller()) == "task.not-allowed", "nobody holds it"
    assert runtime.claim_task(id, caller=ann).assignee == "ann", "one of the roles is enough"
    for caller in (bob, nobody):
        assert code(runtime.release_task, id, caller=caller) == "task.not-allowed"
        assert code(runtime.reassign_task, id, "bob", caller=caller) == "task.not-allowed"
        assert code(runtime.comment_task, id, "mine", caller=caller) == "task.not-allowed"
    assert code(runtime.delegate_task, id, "bob", caller=Caller("bob")) == "task.not-allowed", "whoever is trusted"
    runtime.comment_task(id, "x" * 10_000, caller=ann)
    assert code(runtime.comment_task, id, "x" * 10_001, caller=ann) == "task.comment-invalid"
    runtime.delegate_task(id, "eve", caller=ann)
    assert runtime.task_events(id)[-1].data == {"to": "eve", "from": "ann"}
    assert code(runtime.complete_task, id, {"answer": "x" * 300_000}, caller=Caller("eve")) == "task.answer-invalid"
    runtime.complete_task(id, {"answer": "approve"}, caller=Caller("eve", frozenset()))
    assert [one.actor for one in runtime.task_events(id) if one.type == "completed"] == ["eve"]
    assert code(runtime.release_task, id, caller=Caller("eve")) == "task.not-open"


def test_a_task_without_roles_is_anybodys(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task(roles=())))
    id = f"{runtime.start('Case').id}/1"
    assert runtime.claim_task(id, caller=Caller("eve", frozenset())).assignee == "eve"
    assert code(runtime.claim_task, id, caller=Caller("bob", frozenset())) == "task.taken"


# ── dead letters and signals ─────────────────────────────────────────────────────────────────────────────────────────


def test_who_decides_page_by_page_sees_every_dead_letter(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    for number in range(5):
        runtime.signal("paid", id=f"s{number}", match=number, ttl=1 + number)
    clock.advance(seconds=10)
    settled(runtime, lambda: len(runtime.dead_letters()) == 5)
    seen: list[str] = []
    while page := runtime.dead_letters(DeadLetterQuery(limit=2, after=seen[-1] if seen else None)):
        for letter in page:
            runtime.drop_dead_letter(letter.id)
        seen += [letter.id for letter in page]
    assert seen == [f"signal-s{number}" for number in range(5)]
    assert (runtime.dead_letters(), len(runtime.dead_letters(DeadLetterQuery(status="dropped")))) == ([], 5)


def test_a_signal_that_is_sent_again_has_its_time_again(house: House) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.signal("paid", id="s", match=1, ttl=5)
    clock.advance(seconds=100)
    settled(runtime, lambda: len(runtime.dead_letters()) == 1)
    runtime.replay_dead_letter("signal-s")
    clock.advance(seconds=4)
    settled(runtime, lambda: [one.id for one in runtime.signals(SignalQuery(status="kept"))] == ["s~replayed"])
    clock.advance(seconds=1)
    settled(runtime, lambda: [one.id for one in runtime.dead_letters()] == ["signal-s~replayed"])


def test_each_of_very_many_dead_letters_can_be_shown(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that no list goes down to."""
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    monkeypatch.setattr(letters, "MANY", 1)
    for number in range(3):
        runtime.signal("paid", id=f"s{number}", match=number, ttl=1 + number)
    clock.advance(seconds=10)
    settled(runtime, lambda: [one.id for one in runtime.dead_letters()] == ["signal-s0"])
    assert runtime.dead_letter("signal-s2").status == "dead"
    assert runtime.drop_dead_letter("signal-s1").status == "dropped"
    for unknown in ("signal-s3", "signal-", "message-0", "message-x", "message-", f"message-{10**30}", "s1", ""):
        assert code(runtime.dead_letter, unknown) == "dead-letter.unknown"


def test_of_a_signal_whose_time_is_over_no_reason_is_told_that_is_none(house: House) -> None:
    """A wait that opened later matches it all the same."""
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(WAIT))
    runtime.signal("paid", match="P-1", id="s", ttl=5)
    clock.advance(seconds=5)
    assert "it is about to be a dead letter" in runtime.explain("s").reason
    settled(runtime, lambda: runtime.explain("s").signal.status == "unmatched")
    until = runtime.explain("s").signal.expires.isoformat()
    ended = f"no wait took it before its time to live ended at {until}"
    assert runtime.explain("s").reason == f"{ended}; it is a dead letter now"
    runtime.start("Case", {"policy": "P-2"}, id="b")
    assert runtime.explain("s").reason == f"{ended}; it is a dead letter now"
    runtime.start("Case", POLICY, id="a")
    found = runtime.explain("s")
    assert found.reason == f"{ended}; it is a dead letter now; a/1 waits for the like of it: replay it"
    assert [wait.token for wait in found.waits] == ["b/1", "a/1"]
    runtime.replay_dead_letter("signal-s")
    settled(runtime, lambda: runtime.instance("a").status == "completed")
    assert "until somebody decided about it: show the dead letter signal-s" in runtime.explain("s").reason


def test_what_a_signal_that_was_taken_waits_for_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(WAIT, done("paid")))
    runtime.start("Case", POLICY, id="a")
    runtime.suspend("a")
    settled(runtime, lambda: runtime.instance("a").status == "suspended")
    runtime.signal("paid", match="P-1", id="s")
    matched = """it matched an instance's wait for 'paid' by name and match ("P-1"): a/1"""
    assert runtime.explain("s").reason == f"{matched}; a goes on with it when it is resumed"
    runtime.resume("a")
    while runtime.instance("a").status == "suspended":
        runtime.engine.triggers.take(runtime.engine.store.claim(1, "me", until=clock.now() + 1_000_000))
    assert runtime.explain("s").reason == f"{matched}; a goes on with it next"

    def broken(*_: Any) -> Any:
        raise RuntimeError("a defect of ours")

    with monkeypatch.context() as patch:
        patch.setattr(runtime.engine.slicer, "next", broken)
        while not runtime.dead_letters():
            settled(runtime, lambda: True)
            clock.advance(seconds=200)
    assert runtime.explain("s").reason == f"{matched}; a has a dead letter: show those of the instance"
    runtime.replay_dead_letter(runtime.dead_letters()[0].id)
    settled(runtime, lambda: runtime.explain("s").reason == matched)


def test_who_a_signal_to_an_instance_reaches_is_told(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task("second"), name="Second"))
    runtime.deploy(flow(task(), m.ContinueWith("on", "Second", m.Const({}))))
    first = runtime.start("Case").id
    runtime.signal("hello", instance=first, id="s")
    until = runtime.explain("s").signal.expires.isoformat()
    kept = f"has no open wait for 'hello'; it is kept until {until}"
    assert runtime.explain("s").reason == f"the instance {first} {kept}"
    runtime.complete_task(f"{first}/1", {"answer": "approve"})
    settled(runtime, lambda: runtime.instance(first).next is not None)
    assert runtime.explain("s").reason == f"the instance {first}, which went on as {first}~2, {kept}"
    runtime.cancel(f"{first}~2")
    settled(runtime, lambda: runtime.instance(f"{first}~2").status == "cancelled")
    assert (
        runtime.explain("s").reason == f"the instance {first}, which went on as {first}~2, which is cancelled, {kept}"
    )


# ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_time_zone_that_is_not_known_here_stops_no_other_schedule(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    runtime = house.open(clock=clock, work=False)
    runtime.deploy(flow(task()))
    runtime.schedule("a", "Case", Every("* * * * *", "Europe/Vienna"))
    runtime.schedule("b", "Case", Every(interval=60))
    zone = recurrence.ZoneInfo

    def lacking(name: str) -> Any:
        raise KeyError(name)

    monkeypatch.setattr(recurrence, "ZoneInfo", lacking)
    clock.advance(seconds=60)
    settled(
        runtime, lambda: [one.key for one in runtime.instances()] == ["schedule:b:2026-01-01T00:01:00.000001+00:00"]
    )
    broken, _ = runtime.schedules()
    assert "expected a time zone that this machine knows, got 'Europe/Vienna'" in (broken.error or "")
    assert broken.next is not None
    assert as_microseconds(broken.next) == clock.now() + 3_600_000_000, "and nobody spins on it"
    runtime.pause_schedule("a")
    assert code(runtime.resume_schedule, "a") == "schedule.invalid"
    monkeypatch.setattr(recurrence, "ZoneInfo", zone)
    runtime.resume_schedule("a")
    clock.advance(seconds=60)
    settled(runtime, lambda: runtime.schedules()[0].error is None)
    assert runtime.schedules()[0].last_instance is not None


# ── a newer release beside this one ──────────────────────────────────────────────────────────────────────────────────


def test_a_snapshot_of_a_newer_release_spoils_no_list() -> None:
    """Though whether its call is all that it waits for is not known here."""
    store = MemoryBackend(clock=VirtualClock())
    with LocalRuntime("memory://", store=store, work=False) as runtime:
        runtime.deploy(flow(m.Call("ask", m.Address("rating", "quote"), m.Const(None)), done("input")))
        id = runtime.start("Case").id
        (call,) = store.claim_calls("another", services={"rating": 1}, until=store.clock.now() + 1)
        assert store.upkeep.accept_call(id, 1, call.fence)
        assert [one.resting for one in runtime.instances()] == [True]
        stored = store.tables.instances[id]
        newer = stored.snapshot.replace(b'{"schema":1,', b'{"schema":2,')
        store.tables.instances[id] = replace(stored, snapshot=newer)
        assert [(one.id, one.resting) for one in runtime.instances()] == [(id, False)]


# ── a process that is told to stop ───────────────────────────────────────────────────────────────────────────────────


def test_who_stops_gives_back_what_it_has_in_hand(house: House) -> None:
    """To those who work beside it: they do not wait for its leases to end."""
    asked, over = threading.Event(), threading.Event()

    def slow(request: Request) -> None:
        asked.set()
        over.wait(PATIENCE)

    stopping, staying = house.open(), house.open()
    stopping.register_service("rating", slow)
    stopping.deploy(flow(call(), done("quote")))
    id = stopping.start("Case", POLICY).id
    assert asked.wait(PATIENCE)
    staying.register_service("rating", lambda request: 2)
    stopping.close()
    assert house.until(staying, id).status == "completed"
    over.set()


def test_who_stops_finishes_the_slice_in_hand_and_claims_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, looking = house.open(), house.open(work=False)
    runtime.deploy(flow(WAIT, task()))
    ids = [runtime.start("Case", {"policy": str(number)}).id for number in range(2)]
    store, entered, gate = runtime.engine.store, threading.Event(), threading.Event()
    commit, claim = store.commit, store.claim
    claimed: list[int] = []

    def slow(mutations: Any) -> Any:
        entered.set()
        assert gate.wait(PATIENCE)
        return commit(mutations)

    def counted(*given: Any, **options: Any) -> Any:
        found = claim(*given, **options)
        claimed.append(len(found))
        return found

    monkeypatch.setattr(store, "commit", slow)
    monkeypatch.setattr(store, "claim", counted)
    looking.signal("paid", match="0", mode="all")
    assert entered.wait(PATIENCE)
    looking.signal("paid", match="1", mode="all")
    closing = threading.Thread(target=runtime.close)
    closing.start()
    assert runtime._loop._stop.wait(PATIENCE)
    gate.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert [looking.instance(id).steps for id in ids] == [("review",), ("paid",)]
    assert [one.state for one in looking.engine.store.letters(state=None)] == ["ready"]
    assert sum(claimed) == 1
    monkeypatch.undo()
    assert house.until(house.open(), ids[1], "resting").steps == ("review",)
