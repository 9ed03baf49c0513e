"""Hostile conditions: what is held open, set back, drained, sent again; names that come back; every method failing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from ...definition.model import Definition, Get, Signal, Task
from ...definition.problems import ArmillaryError
from ...local import LocalRuntime
from ...mutation import Close, Delivery, Nothing, Replied, Return
from ...operations import Every
from ...rows import DefinitionRow, Letter, LetterRecord, SignalWait
from ...runtime import Caller
from .harness import FOREVER, SECOND, Bench, case, message
from .signals import PAID, arrived, signal


def meet(bench: Bench, first: Callable[[], object], second: Callable[[], object]) -> None:
    """``first`` is done on the first opening of the store, its transaction is held open before it is committed, and
    ``second`` begins meanwhile on another one."""
    with bench.hold(bench.store) as holding:
        one = threading.Thread(target=first)
        one.start()
        holding.wait()
        two = threading.Thread(target=second)
        two.start()
        two.join(0.1)  # it goes on, or waits for the other: both are right
    one.join()
    two.join()


@case
def a_signal_and_a_wait_whose_transaction_is_held_open_meet(bench: Bench) -> None:
    other = bench.open()
    for number, signal_first in enumerate((True, False, True, False)):
        key = f'"P-{number}"'
        start = bench.start(f"i{number}", waits=(SignalWait(1, "paid", key),))
        sent = signal(bench, f"s{number}", key=key)
        if signal_first:
            meet(bench, lambda: bench.store.store_signal(sent), lambda: bench.commit(start, other))  # noqa: B023
        else:
            meet(bench, lambda: bench.commit(start), lambda: other.store_signal(sent))  # noqa: B023
    assert sorted(arrived(bench)) == [(f"i{number}", 1, f"s{number}") for number in range(4)]


@case
def a_signal_to_an_instance_that_is_being_continued_reaches_the_next(bench: Bench) -> None:
    other = bench.open()
    for number, signal_first in enumerate((True, False)):
        old, new = f"i{number}", f"i{number}~2"
        stored = bench.begin(old, waits=(SignalWait(1, "other", None),))
        ending = bench.after(stored, Nothing(), status="completed", ended=bench.clock.now(), next=new)
        begin = bench.start(new, chain=old, previous=old, waits=(SignalWait(1, "paid", None),))
        sent = signal(bench, f"s{number}", key=None, instance=old)

        def hand_over() -> None:
            bench.commit(ending)  # noqa: B023
            bench.commit(begin)  # noqa: B023

        def send() -> None:
            other.store_signal(sent)  # noqa: B023

        if signal_first:
            with bench.hold(other) as holding:
                sender = threading.Thread(target=send)
                sender.start()
                holding.wait()
                mover = threading.Thread(target=hand_over)
                mover.start()
                mover.join(0.1)
            sender.join()
            mover.join()
        else:
            meet(bench, hand_over, send)
    assert sorted(arrived(bench)) == [("i0~2", 1, "s0"), ("i1~2", 1, "s1")]


@case
def a_signal_sent_again_after_the_hand_over_is_known(bench: Bench) -> None:
    first = bench.begin(waits=(SignalWait(1, "other", None),))
    sent = signal(bench, key=None, instance="i")
    bench.store.store_signal(sent)
    bench.commit(bench.after(first, Nothing(), status="completed", ended=bench.clock.now(), next="i~2"))
    assert list(bench.store.store_signal(sent)) == []
    bench.begin("i~2", chain="i", previous="i", waits=(SignalWait(1, "paid", None), SignalWait(2, "paid", None)))
    assert list(bench.store.store_signal(sent)) == []
    assert arrived(bench) == [("i~2", 1, "s1")]


@case
def a_dead_letter_that_two_decide_about_at_once_is_decided_once(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    other = bench.open()
    ways: tuple[Literal["replayed", "dropped"], ...] = ("replayed", "dropped")
    for status in ways:
        bench.send(message())
        letter, decided = bench.kill(bench.claim()[0]), dict[str, LetterRecord | str]()

        def first(letter: Letter = letter, decided: dict[str, LetterRecord | str] = decided) -> None:
            decided["first"] = bench.decide(letter, "replayed")

        def second(
            letter: Letter = letter, decided: dict[str, LetterRecord | str] = decided,
            status: Literal["replayed", "dropped"] = status,
        ) -> None:  # fmt: skip
            decided["second"] = bench.decide(letter, status, other)

        meet(bench, first, second)
        assert isinstance(decided["first"], LetterRecord)
        assert decided["second"] == "gone"
        (claim,) = bench.claim()
        assert bench.commit(bench.after(bench.read(), claim.consumes)).kind == "committed"
        assert bench.store.letters(state=None) == []


@case
def a_version_that_is_disabled_while_it_is_deployed_again_is_disabled(bench: Bench) -> None:
    """As every process deploys it that starts meanwhile."""
    other = bench.open()
    for number, deployed_first in enumerate((True, False)):
        row = DefinitionRow("Case", f"{number}.0.0", f"d{number}", b"{}", bench.clock.now())
        bench.store.deploy(row)
        if deployed_first:
            meet(bench, lambda: bench.store.deploy(row), lambda: other.enable(row.digest, False))  # noqa: B023
        else:
            meet(bench, lambda: bench.store.enable(row.digest, False), lambda: other.deploy(row))  # noqa: B023
    assert {one.digest: one.enabled for one, _ in bench.store.definitions()} == {"d0": False, "d1": False}
    assert list(bench.store.versions("Case")) == []


@case
def a_worker_that_comes_back_under_its_name_is_fenced(bench: Bench) -> None:
    """Its lease is known by the delivery, not by the name of who has it."""
    bench.begin(waits=(FOREVER,), calls=(bench.call(),))
    bench.send(message())
    (frozen,), (call,) = bench.claim(seconds=10), bench.claim_calls(seconds=10)
    bench.clock.advance(seconds=11)
    name, other = bench.store.owner, bench.open()
    (taken,) = other.claim(10, name, until=bench.clock.now() + 30 * SECOND)
    (again,) = other.claim_calls(name, services={"rating": 1}, until=bench.clock.now() + 30 * SECOND)
    assert bench.commit(bench.after(frozen.stored, frozen.consumes)).kind == "fenced"
    late = [(call.instance, call.serial, call.fence)]
    assert list(bench.store.extend_calls(late, until=bench.clock.now() + 60 * SECOND)) == late
    assert again.fence > call.fence
    assert bench.commit(bench.after(taken.stored, taken.consumes), other).kind == "committed"
    reply = message(kind="call", body=b"[1,null,null]", serial=1)
    (outcome,) = bench.store.deliver([Delivery(reply, Replied(1, call.fence))])
    answered = bench.after(bench.read(), Replied(1, call.fence), closes=(Close(1, kind="call"),))
    assert (outcome.kind, bench.commit(answered).kind) == ("fenced", "fenced"), "it has the call no more"
    (outcome,) = other.deliver([Delivery(reply, Replied(1, again.fence))])
    assert outcome.kind == "committed"


@case
def a_backlog_is_drained_in_order_a_batch_at_a_time(bench: Bench) -> None:
    """What a long night has left: each instance's messages in order, no instance twice in a batch, none left out."""
    names = [f"i{number:02}" for number in range(12)]
    for name in names:
        bench.begin(name, waits=(FOREVER,))
    for turn in range(3):
        for name in names:
            bench.send(message(name, body=f"{turn}".encode()))
    seen: dict[str, list[bytes]] = {name: [] for name in names}
    while claims := bench.claim(5):
        batch = [claim.stored.row.id for claim in claims]
        assert len(set(batch)) == len(batch) <= 5
        for claim in claims:
            seen[claim.stored.row.id].append(claim.letter.message.body)
            outcome = bench.commit(bench.after(bench.read(claim.stored.row.id), claim.consumes))
            assert outcome.kind == "committed"
    assert set(map(tuple, seen.values())) == {(b"0", b"1", b"2")}


@case
def what_cannot_be_claimed_holds_up_no_other_definition(bench: Bench) -> None:
    """A long queue of one instance, what failed and waits, what is claimed, what this worker lacks something for."""
    for name in ("queue", "failing", "claimed"):
        bench.begin(name, waits=(FOREVER,), digest="busy")
    for number in range(30):
        bench.begin(f"lacking{number:02}", waits=(FOREVER,), digest="newer")
        bench.send(message(f"lacking{number:02}"))
        bench.send(message("queue"))
        bench.send(message("failing"))
        bench.send(message("claimed"))
    bench.clock.advance(seconds=1)
    bench.begin("b", waits=(FOREVER,), digest="quiet")
    bench.send(message("b"))
    claims = {claim.stored.row.id: claim for claim in bench.claim(3, without={"newer", "quiet"})}
    assert set(claims) == {"queue", "failing", "claimed"}
    failed = claims["failing"].letter
    later = bench.clock.now() + SECOND
    bench.store.give_back([Return(failed.seq, failed.deliveries, ready=later, error="broken")])
    (claim,) = bench.claim(1, without={"newer", "busy"})
    assert claim.stored.row.id == "b"
    assert bench.commit(bench.after(claim.stored, claim.consumes)).kind == "committed"
    bench.send(message("b"))
    found = [claim.stored.row.id for claim in bench.claim(2, without={"newer"})]
    assert "b" in found


@case
def a_clock_that_is_set_back_loses_nothing(bench: Bench) -> None:
    due = bench.clock.now() + 60 * SECOND
    bench.begin(messages=(message("i", "timer", b'"timer"', serial=1, ready=due),), waits=(PAID, FOREVER))
    bench.clock.advance(seconds=61)
    bench.claim(seconds=10)
    bench.clock.advance(seconds=-3600)
    assert bench.claim() == []
    bench.send(message(kind="cancel", control=True))
    bench.store.store_signal(signal(bench))
    bench.clock.advance(seconds=3611)
    kinds = []
    for _ in range(3):
        (claim,) = bench.claim()
        kinds.append(claim.letter.message.kind)
        assert bench.commit(bench.after(bench.read(), claim.consumes)).kind == "committed"
    assert (kinds[0], sorted(kinds)) == ("cancel", ["cancel", "signal", "timer"])


@case
def a_dead_letter_of_an_instance_that_ended_is_replayed_once_and_is_stale(bench: Bench) -> None:
    stored = bench.begin(waits=(PAID,))
    bench.send(message())
    (claim,) = bench.claim()
    letter = bench.kill(claim)
    over = {"status": "cancelled", "ended": bench.clock.now()}
    ending = bench.after(stored, Nothing(), closes=(Close(1, kind="signal"),), **over)
    assert bench.commit(ending).kind == "committed"
    assert isinstance(bench.decide(letter, "replayed"), LetterRecord)
    assert bench.decide(letter, "replayed") == "gone"
    assert list(bench.store.check()) == [], "whoever sees that it is ready knows why"
    (again,) = bench.claim()
    assert again.stored.row.status == "cancelled"
    assert bench.commit(bench.after(again.stored, again.consumes)).kind == "committed"
    assert bench.store.letters(state=None) == []


def _refusal(ask: Callable[[], object]) -> str | None:
    """The code of the error that it raises."""
    try:
        ask()
    except ArmillaryError as error:
        return error.code
    return None


@case
def what_no_store_can_keep_is_refused_before_it_is_reached(bench: Bench) -> None:
    """U+0000 and halves of characters, wherever a person may write something: whichever store it is, nothing of it is
    stored, and the next one is served."""
    runtime = LocalRuntime("hostile://", store=bench.store, work=False)
    steps = (Task("look", "Look", result="a"), Signal("paid", "paid", match=Get("input.key")))
    runtime.deploy(Definition("Case", steps, "1.0.0"))
    id = runtime.start("Case", {"key": "k"}, key="first").id
    (task,) = runtime.tasks()
    before = (bench.read(id), runtime.tasks(), runtime.signals(), runtime.task_events(task.id))
    for bad in ("a\0b", "\0", "a\ud800b"):
        asked: list[Callable[[], object]] = [
            lambda bad=bad: runtime.start("Case", {"key": "k"}, key=bad),  # type: ignore[misc]
            lambda bad=bad: runtime.start("Case", {"key": "k"}, id=bad),  # type: ignore[misc]
            lambda bad=bad: runtime.start("Case", {"key": bad}),  # type: ignore[misc]
            lambda bad=bad: runtime.start("Case", {bad: 1}),  # type: ignore[misc]
            lambda bad=bad: runtime.signal(bad, match="k"),  # type: ignore[misc]
            lambda bad=bad: runtime.signal("paid", match=bad),  # type: ignore[misc]
            lambda bad=bad: runtime.signal("paid", bad, match="k"),  # type: ignore[misc]
            lambda bad=bad: runtime.signal("paid", match="k", id=bad),  # type: ignore[misc]
            lambda bad=bad: runtime.complete_task(task.id, {"answer": bad}),  # type: ignore[misc]
            lambda bad=bad: runtime.comment_task(task.id, bad, caller=Caller("ann")),  # type: ignore[misc]
            lambda bad=bad: runtime.reassign_task(task.id, bad, caller=Caller("ann")),  # type: ignore[misc]
            lambda bad=bad: runtime.cancel(id, reason=bad),  # type: ignore[misc]
            lambda bad=bad: runtime.schedule("daily", "Case", Every(interval=60), input={"key": bad}),  # type: ignore[misc]
            lambda bad=bad: runtime.schedule(bad, "Case", Every(interval=60), input={"key": "k"}),  # type: ignore[misc]
            lambda bad=bad: runtime.claim_task(task.id, caller=Caller(bad)),  # type: ignore[misc]
            lambda bad=bad: runtime.start(bad),  # type: ignore[misc]
            lambda bad=bad: runtime.signal("paid", instance=bad),  # type: ignore[misc]
            lambda bad=bad: runtime.instance(bad),  # type: ignore[misc]
        ]
        codes = [_refusal(ask) for ask in asked]
        assert [code for code in codes if code is None or (code.startswith("store.") and code != "store.text")] == []
    assert (bench.read(id), runtime.tasks(), runtime.signals(), runtime.task_events(task.id)) == before
    assert [one.id for one in runtime.instances()] == [id]
    assert runtime.complete_task(task.id, {"answer": "yes"}).status == "completed"
    runtime.close()  # and the store with it
    bench.opened.clear()
    bench.open()
