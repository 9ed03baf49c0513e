"""The time-outs of calls: each is a column of its call until its moment has come, and one trigger from then on."""

from __future__ import annotations

import threading
from typing import Any

from ...mutation import Close, Delivery, Nothing, Replied
from ...rows import CallRetry, LetterRecord, SignalWait, Stored
from .harness import FOREVER, SECOND, Bench, case, message

CLOSED = (Close(1, kind="call"),)


def _calling(bench: Bench, instance: str = "i", seconds: int = 1, **fields: Any) -> Stored:
    """An instance with a call that has so long, and a wait beside it."""
    call = bench.call(instance, timeout=bench.clock.now() + seconds * SECOND, **fields)
    return bench.begin(instance, calls=(call,), waits=(FOREVER,))


def _timers(bench: Bench) -> list[tuple[str, int, int, str]]:
    letters = bench.store.letters(state=None, limit=1_000)
    return [(x.message.instance, x.message.serial, x.arrived, x.state) for x in letters if x.message.kind == "timer"]


@case
def the_time_out_of_a_call_becomes_a_trigger_once(bench: Bench) -> None:
    _calling(bench)
    due, other = bench.clock.now() + SECOND, bench.open()
    assert bench.store.due(services=()) == due
    assert bench.store.pending("i") == [("call", 1), ("timer", 1), ("signal", 9)]
    assert (bench.store.time_out(10), bench.claim()) == (0, []), "it has not come"
    bench.clock.advance(seconds=3)
    assert bench.store.due(services=()) == due
    assert bench.claim() == [], "it is no trigger yet"
    assert [store.time_out(10) for store in (other, bench.store, other)] == [1, 0, 0]
    call = bench.store.upkeep.call("i", 1)
    assert call is not None
    assert (call.timeout, call.deadline) == (None, bench.clock.now() - 3 * SECOND + 3600 * SECOND)
    assert bench.store.pending("i") == [("call", 1), ("timer", 1), ("signal", 9)]
    (claim,) = bench.claim()
    letter = claim.letter
    assert (letter.message.kind, letter.message.serial, letter.message.body) == ("timer", 1, b'"timeout"')
    assert (letter.arrived, letter.message.control) == (due, False), "a deadline arrives when it is due"
    closes = (Close(1, "timeout", "call"),)
    assert bench.commit(bench.after(claim.stored, claim.consumes, closes=closes)).kind == "committed"
    assert bench.store.pending("i") == [("signal", 9)]
    assert (bench.store.due(services=()), bench.store.time_out(10)) == (None, 0)


@case
def an_instance_whose_call_is_overdue_is_about_to_run(bench: Bench) -> None:
    _calling(bench)
    (call,) = bench.claim_calls()
    assert bench.store.upkeep.accept_call("i", 1, call.fence)

    def told() -> tuple[bool, bool]:
        found = bench.store.instance("i")
        assert found is not None
        return found.running, found.ready

    assert told() == (False, False)
    bench.clock.advance(seconds=2)
    assert told() == (True, True)
    bench.store.time_out(10)
    assert told() == (True, True)


@case
def the_oldest_time_outs_come_first(bench: Bench) -> None:
    for number in (3, 1, 4, 2, 9):
        _calling(bench, f"i{number}", number)
    bench.clock.advance(seconds=5)
    assert bench.store.time_out(3) == 3
    assert [instance for instance, *_ in _timers(bench)] == ["i1", "i2", "i3"]
    assert [bench.store.time_out(3), bench.store.time_out(3)] == [1, 0]
    assert [claim.stored.row.id for claim in bench.claim()] == ["i1", "i2", "i3", "i4"]


@case
def two_workers_time_out_each_call_once(bench: Bench) -> None:
    for number in range(60):
        _calling(bench, f"i{number}")
    bench.clock.advance(seconds=1)
    stores, ready, found = [bench.store, bench.open()], threading.Barrier(4), list[int]()

    def work(number: int) -> None:
        ready.wait()
        found.extend(stores[number % 2].time_out(7) for _ in range(20))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while left := bench.store.time_out(7):
        found.append(left)
    assert sum(found) == 60
    assert sorted(instance for instance, *_ in _timers(bench)) == sorted(f"i{number}" for number in range(60))


@case
def a_suspended_instance_holds_the_time_outs_of_its_calls(bench: Bench) -> None:
    stored, due = _calling(bench), bench.clock.now() + SECOND
    assert bench.commit(bench.after(stored, Nothing(), status="suspended", holds=True)).kind == "committed"
    bench.clock.advance(seconds=2)
    found = bench.store.instance("i")
    assert found is not None
    assert not found.ready
    assert bench.store.time_out(10) == 1
    assert _timers(bench) == [("i", 1, due, "held")]
    assert (bench.claim(), bench.store.due(services=("rating",))) == ([], None)
    bench.send(message(kind="resume", control=True))
    (claim,) = bench.claim()
    assert bench.commit(bench.after(claim.stored, claim.consumes, status="waiting", holds=False)).kind == "committed"
    assert [one.letter.arrived for one in bench.claim()] == [due]


@case
def a_time_out_that_comes_after_a_resume_is_ready(bench: Bench) -> None:
    stored = _calling(bench, seconds=5)
    assert bench.commit(bench.after(stored, Nothing(), status="suspended", holds=True)).kind == "committed"
    bench.send(message(kind="resume", control=True))
    (claim,) = bench.claim()
    assert bench.commit(bench.after(claim.stored, claim.consumes, status="waiting", holds=False)).kind == "committed"
    bench.clock.advance(seconds=5)
    assert bench.store.time_out(10) == 1
    assert [one.letter.message.kind for one in bench.claim()] == ["timer"]


@case
def a_call_that_is_answered_in_time_leaves_nothing(bench: Bench) -> None:
    stored = _calling(bench)
    (call,) = bench.claim_calls()
    assert bench.commit(bench.after(stored, Replied(1, call.fence), closes=CLOSED)).kind == "committed"
    assert (bench.store.due(services=()), bench.store.pending("i")) == (None, [("signal", 9)])
    bench.clock.advance(seconds=2)
    assert (bench.store.time_out(10), bench.claim()) == (0, [])


@case
def a_time_out_goes_with_its_call_though_it_has_become_a_trigger(bench: Bench) -> None:
    now = bench.clock.now()
    for instance, parts in (("open", {"closes": CLOSED}), ("over", {"status": "cancelled", "ended": now})):
        _calling(bench, instance)
        bench.send(message(instance, "cancel", control=True))
        bench.clock.advance(seconds=2)
        assert bench.store.time_out(10) == 1
        (claim,) = bench.claim()
        assert claim.letter.message.kind == "cancel"
        assert bench.commit(bench.after(claim.stored, claim.consumes, **parts)).kind == "committed"
        assert _timers(bench) == []
        assert ("timer", 1) not in bench.store.pending(instance)


@case
def a_call_is_timed_out_whatever_has_become_of_its_attempts(bench: Bench) -> None:
    """In flight, taken to be answered later, answered but not applied, and waiting for its next attempt."""
    for instance in ("flying", "accepted", "answered", "again"):
        _calling(bench, instance)
    fences = {call.instance: call.fence for call in bench.claim_calls()}
    assert bench.store.upkeep.accept_call("accepted", 1, fences["accepted"])
    reply = Delivery(message("answered", "call", b"[1,null,null]", serial=1), Replied(1, fences["answered"]))
    bench.store.deliver([reply])
    again = (CallRetry(1, 2, bench.clock.now() + 3600 * SECOND),)
    assert (
        bench.commit(bench.after(bench.read("again"), Replied(1, fences["again"]), retries=again)).kind == "committed"
    )
    bench.clock.advance(seconds=2)
    assert bench.store.time_out(10) == 4
    assert sorted(instance for instance, *_ in _timers(bench)) == ["accepted", "again", "answered", "flying"]
    assert {claim.stored.row.id: claim.letter.message.kind for claim in bench.claim()} == {
        "flying": "timer", "accepted": "timer", "answered": "call", "again": "timer",
    }, "its answer had arrived before"  # fmt: skip


@case
def what_arrives_after_a_time_out_comes_after_it(bench: Bench) -> None:
    """Though nobody has made a trigger of it yet."""
    stored = _calling(bench)
    (call,) = bench.claim_calls()
    bench.send(message(body=b"1"))
    bench.clock.advance(seconds=2)
    bench.send(message(body=b"2"))
    late = bench.after(stored, Replied(1, call.fence), closes=CLOSED)
    assert bench.commit(late).kind == "behind"
    bodies = []
    for waits in ((), (), (SignalWait(5, "never", None),)):
        claims = bench.claim()
        if not claims:
            assert bench.commit(bench.after(bench.read(), Nothing())).kind == "behind"
            assert bench.store.time_out(10) == 1
            claims = bench.claim()
        (claim,) = claims
        bodies.append(claim.letter.message.body)
        bench.commit(bench.after(claim.stored, claim.consumes, waits=waits))
    assert bodies == [b"1", b'"timeout"', b"2"]


@case
def what_an_operator_asks_comes_before_a_time_out(bench: Bench) -> None:
    _calling(bench)
    bench.clock.advance(seconds=2)
    bench.send(message(kind="suspend", control=True))
    (claim,) = bench.claim()
    assert claim.letter.message.kind == "suspend"


@case
def a_dead_answer_is_dropped_where_the_time_out_of_its_call_is_to_come(bench: Bench) -> None:
    """That resumes the wait. Once it has come to nothing as well, the one of the two that is left is needed."""
    bench.begin(calls=(bench.call(timeout=bench.clock.now() + SECOND),))
    (call,) = bench.claim_calls()
    bench.store.deliver([Delivery(message(kind="call", body=b"[1,null,null]", serial=1), Replied(1, call.fence))])
    answer = bench.kill(bench.claim()[0])
    assert isinstance(bench.decide(answer, "dropped"), LetterRecord)
    assert bench.store.pending("i") == [("timer", 1)]
    assert list(bench.store.check()) == []
    bench.clock.advance(seconds=2)
    assert bench.store.time_out(10) == 1
    assert bench.decide(bench.kill(bench.claim()[0]), "dropped") == "needed"
