"""What is done beside the slices: calls answered later, signals whose time is over, dead letters, schedules."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ...mutation import Close, Delivery, Nothing, Replied
from ...queries import SignalQuery
from ...rows import Letter, LetterRecord, ScheduleRow, SignalRow, SignalWait, TaskEventRow
from .harness import FOREVER, SECOND, Bench, case, message


@case
def an_accepted_call_is_sent_to_nobody_and_answered_once(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls(seconds=10)
    upkeep = bench.store.upkeep
    assert not upkeep.accept_call("i", 1, call.fence + 1)
    assert upkeep.accept_call("i", 1, call.fence)
    assert not upkeep.accept_call("i", 1, call.fence)
    found = bench.store.instance("i")
    assert found is not None
    assert (found.running, found.accepted) == (False, (1,))
    bench.clock.advance(seconds=3600)
    assert bench.claim_calls() == []
    assert bench.store.due(services=("rating",)) is None
    assert list(bench.store.pending("i")) == [("call", 1)]
    again = upkeep.call("i", 1)
    assert again is not None
    assert (again.state, again.owner, again.fence) == ("accepted", None, call.fence)
    answered = bench.after(stored, Replied(1, call.fence), closes=(Close(1, kind="call"),), waits=(FOREVER,))
    assert bench.commit(answered).kind == "committed"
    assert upkeep.call("i", 1) is None


def _signal(bench: Bench, id: str, *, seconds: int = 60, **fields: object) -> SignalRow:
    now = bench.clock.now()
    row = SignalRow(id, "paid", "1", now, now + seconds * SECOND, key='"A"')
    return replace(row, **fields)


@case
def a_signal_that_no_wait_takes_in_time_is_unmatched_and_never_taken(bench: Bench) -> None:
    upkeep = bench.store.upkeep
    assert upkeep.due() is None
    bench.store.store_signal(_signal(bench, "late", seconds=60))
    bench.store.store_signal(_signal(bench, "later", seconds=90))
    bench.store.store_signal(_signal(bench, "of another", seconds=60, key='"B"'))
    assert upkeep.due() == bench.clock.now() + 60 * SECOND
    assert upkeep.expire_signals(10) == []
    bench.clock.advance(seconds=60)
    bench.begin("before it is set aside", waits=(SignalWait(1, "paid", '"B"'), FOREVER))
    assert upkeep.signals(SignalQuery(status="taken")) == []
    assert sorted(upkeep.expire_signals(10)) == ["late", "of another"]
    assert upkeep.expire_signals(10) == []
    assert [(one.row.id, one.state) for one in upkeep.signals(SignalQuery())] == [
        ("late", "unmatched"),
        ("later", "kept"),
        ("of another", "unmatched"),
    ]
    bench.begin(waits=(SignalWait(1, "paid", '"A"'), FOREVER))
    (taken,) = upkeep.signals(SignalQuery(status="taken"))
    assert taken.row.id == "later"
    assert upkeep.due() is None
    assert bench.store.store_signal(_signal(bench, "late")) == (), "its id stays known"


@case
def signals_are_listed_in_order_by_what_they_are(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    bench.store.store_signal(_signal(bench, "b"))
    bench.store.store_signal(_signal(bench, "a", mode="all"))
    bench.store.store_signal(_signal(bench, "c", name="else", key=None, instance="i"))

    def found(**query: object) -> list[str]:
        return [one.row.id for one in bench.store.upkeep.signals(SignalQuery(**query))]  # type: ignore[arg-type]

    assert found() == ["b", "a", "c"]
    assert found(limit=1) == ["b"]
    assert found(after="b") == ["a", "c"]
    assert found(after="never sent") == []
    assert found(name="else") == ["c"]
    assert found(instance="i") == ["c"]
    assert found(status="told") == ["a"]
    assert found(status="kept") == ["b", "c"]
    assert found(id="a") == ["a"]
    assert bench.store.upkeep.waits("never", 5) == [("i", FOREVER)]
    assert bench.store.upkeep.waits("else", 5) == []


def _dead(bench: Bench, **fields: Any) -> Letter:
    bench.send(message(**fields))
    (claim,) = bench.claim()
    return bench.kill(claim)


@case
def a_dead_letter_is_decided_about_once_and_the_decision_is_kept(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    upkeep, first = bench.store.upkeep, _dead(bench)
    record = bench.decide(first, "replayed")
    assert isinstance(record, LetterRecord)
    assert bench.decide(first, "dropped") == bench.decide(first, "replayed") == "gone"
    (fresh,) = bench.store.letters(state="ready")
    assert (str(fresh.seq), fresh.message.kind, fresh.failures) == (record.replayed_as, "continue", 0)
    bench.commit(bench.after(bench.read(), bench.claim()[0].consumes))
    second = _dead(bench)
    dropped = bench.decide(second, "dropped")
    assert isinstance(dropped, LetterRecord)
    assert bench.store.letters(state=None) == []
    assert list(upkeep.records(limit=5)) == [dropped, record]


@case
def a_dead_letter_that_alone_can_resume_its_instance_is_not_dropped(bench: Bench) -> None:
    """The check holds after whatever an operator may do: every living instance has a reason to go on."""
    bench.begin(messages=(message(),))
    letter = bench.kill(bench.claim()[0])
    assert bench.decide(letter, "dropped") == "needed"
    assert list(bench.store.upkeep.records(limit=5)) == []
    over = bench.after(bench.read(), Nothing(), status="cancelled", ended=bench.clock.now())
    assert bench.commit(over).kind == "committed"
    assert isinstance(bench.decide(letter, "dropped"), LetterRecord), "nobody waits for it any more"


@case
def a_dead_letter_that_alone_can_resume_a_wait_is_not_dropped(bench: Bench) -> None:
    """Though its instance has other reasons to go on: that branch would wait for ever."""
    stored = bench.begin(calls=(bench.call(),), waits=(SignalWait(2, "paid", '"A"'), FOREVER))
    (call,) = bench.claim_calls()
    suspended = bench.after(stored, Nothing(), status="suspended", holds=True)
    assert bench.commit(suspended).kind == "committed"
    reply = Delivery(message(kind="call", body=b"[1,null,null]", serial=1), Replied(1, call.fence))
    assert [one.kind for one in bench.store.deliver([reply])] == ["committed"]
    bench.store.store_signal(_signal(bench, "s"))
    bench.send(message(kind="resume", control=True))
    (claim,) = bench.claim()
    resumed = bench.after(claim.stored, claim.consumes, status="waiting", holds=False)
    assert bench.commit(resumed).kind == "committed"
    for _ in range(2):
        letter = bench.kill(bench.claim()[0])
        assert bench.decide(letter, "dropped") == "needed", letter.message.kind


@case
def the_time_out_of_an_accepted_call_is_not_dropped(bench: Bench) -> None:
    """It alone ends the wait for certain: whether the call is ever answered, only its service knows."""
    due = bench.clock.now() + SECOND
    bench.begin(calls=(bench.call(),), messages=(message(kind="timer", serial=1, ready=due),))
    (call,) = bench.claim_calls()
    assert bench.store.upkeep.accept_call("i", 1, call.fence)
    bench.clock.advance(seconds=2)
    letter = bench.kill(bench.claim()[0])
    assert bench.decide(letter, "dropped") == "needed"
    record = bench.decide(letter, "replayed")
    (fresh,) = bench.store.letters(state="ready")
    assert isinstance(record, LetterRecord)
    assert (record.replayed_as, fresh.arrived) == (str(fresh.seq), due), "it names the deadline that was due"


@case
def a_dead_letter_of_a_suspended_instance_waits_with_the_others(bench: Bench) -> None:
    """Nothing advances until it is resumed, whatever is replayed meanwhile; but for what an operator asks."""
    stored = bench.begin(messages=(message(), message(kind="cancel", control=True)))
    letters = [bench.kill(bench.claim()[0]) for _ in range(2)]
    suspended = bench.after(stored, Nothing(), status="suspended", holds=True)
    assert bench.commit(suspended).kind == "committed"
    for letter in letters:
        assert isinstance(bench.decide(letter, "replayed"), LetterRecord)
    assert {one.message.kind: one.state for one in bench.store.letters(state=None)} == {
        "continue": "held", "cancel": "ready",
    }  # fmt: skip
    (claim,) = bench.claim()
    resumed = bench.after(claim.stored, claim.consumes, status="waiting", holds=False)
    assert (claim.letter.message.kind, bench.commit(resumed).kind) == ("cancel", "committed")
    assert [one.letter.message.kind for one in bench.claim()] == ["continue"]


@case
def a_dead_letter_beside_which_its_wait_stays_open_is_dropped(bench: Bench) -> None:
    """Such as the time-out of a task that is still open; and of two, one."""
    due = bench.clock.now() + SECOND
    bench.begin(tasks=(bench.task(),), messages=(message(kind="timer", serial=1, ready=due),))
    bench.clock.advance(seconds=2)
    letter = bench.kill(bench.claim()[0])
    assert isinstance(bench.decide(letter, "dropped"), LetterRecord)
    bench.begin("j", messages=(message("j"), message("j")))
    first, second = (bench.kill(bench.claim()[0]) for _ in range(2))
    assert isinstance(bench.decide(first, "dropped"), LetterRecord)
    assert bench.decide(second, "dropped") == "needed"


@case
def an_unmatched_signal_is_decided_about_once(bench: Bench) -> None:
    upkeep = bench.store.upkeep
    bench.store.store_signal(_signal(bench, "s", seconds=1))
    record = LetterRecord("signal-s", "replayed", "signal", None, "paid", b"1", 1, 0, None, 2, "ann", "s2")
    assert upkeep.decide(record) == "gone", "its time is not over"
    bench.clock.advance(seconds=1)
    upkeep.expire_signals(10)
    assert [upkeep.decide(record), upkeep.decide(record)] == [record, "gone"]
    assert [one.state for one in upkeep.signals(SignalQuery())] == ["decided"]


@case
def a_schedule_is_changed_by_whoever_saw_it_last(bench: Bench) -> None:
    upkeep, now = bench.store.upkeep, bench.clock.now()
    row = ScheduleRow("nightly", "Case", "*", "{}", "[]", "once", 100, now, "ann", next=now + SECOND)
    assert [upkeep.put_schedule(row), upkeep.put_schedule(row)] == [True, False]
    assert upkeep.due() == now + SECOND
    paused = replace(row, revision=2, paused=True, next=None, last=now, last_instance="i", error="no")
    assert [upkeep.put_schedule(paused), upkeep.put_schedule(paused)] == [True, False]
    assert list(upkeep.schedules()) == list(upkeep.schedules("nightly")) == [paused]
    assert upkeep.schedules("other") == []
    assert upkeep.due() is None
    assert [upkeep.delete_schedule("nightly"), upkeep.delete_schedule("nightly")] == [True, False]


@case
def a_remark_comes_after_what_happened_to_a_task_before(bench: Bench) -> None:
    bench.commit(bench.start(tasks=(bench.task(),)))
    event = TaskEventRow("i", 1, "commented", bench.clock.now(), "ann", '{"text":"hm"}')
    bench.store.upkeep.comment(event)
    assert list(bench.store.task_events("i", 1)) == [event]
    bench.commit(bench.after(bench.read(), Nothing(), waits=(FOREVER,)))
