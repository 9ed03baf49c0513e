"""What retention removes, and what it leaves alone."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from ...definition.problems import ArmillaryError
from ...definition.values import loads
from ...mutation import Close, NewInstance, Nothing
from ...retention import JOB, RetentionPolicy, run_retention
from ...rows import EventRow, InstanceRow, LetterRecord, SignalRow, SignalWait
from .harness import FOREVER, SECOND, Bench, case, message

DAY = 86_400
OLD = RetentionPolicy(ended=timedelta(days=30))


def _end(bench: Bench, instance: str = "i", status: str = "completed", **parts: Any) -> None:
    now = bench.clock.now()
    stored = bench.read(instance)
    ended = bench.after(stored, Nothing(), status=status, ended=now, resting=True, **parts)
    assert bench.commit(ended).kind == "committed"


def _later(bench: Bench, days: float) -> None:
    bench.clock.advance(seconds=days * DAY)


@case
def what_ended_long_ago_goes_with_all_that_was_its(bench: Bench) -> None:
    task = bench.task()
    bench.begin(tasks=(task,), calls=(bench.call(serial=2),), waits=(FOREVER,), key="K")
    _end(bench)
    bench.begin("living", waits=(FOREVER,))
    _later(bench, 20)
    bench.begin("young", waits=(FOREVER,))
    _end(bench, "young")
    _later(bench, 20)
    assert run_retention(bench.store, OLD, dry_run=True).instances == 1
    assert bench.store.instance("i") is not None
    report = run_retention(bench.store, OLD)
    assert (report.instances, report.dry_run) == (1, False)
    assert bench.store.instance("i") is None
    assert bench.store.read(["i"]) == {}
    assert list(bench.store.history("i", after=0, limit=10)) == []
    assert bench.store.task("i", 1) is None
    assert list(bench.store.task_events("i", 1)) == []
    assert bench.store.by_key("Case", "K") is None
    assert bench.store.instance("living") is not None
    assert bench.store.instance("young") is not None
    assert run_retention(bench.store, OLD).instances == 0
    assert bench.begin("again", key="K", waits=(FOREVER,)).row.id == "again"


@case
def only_the_chosen_statuses_go(bench: Bench) -> None:
    for status in ("completed", "failed", "cancelled"):
        bench.begin(status, waits=(FOREVER,))
        _end(bench, status, status)
    _later(bench, 40)
    policy = dataclasses.replace(OLD, statuses=frozenset({"completed", "cancelled"}))
    assert run_retention(bench.store, policy).instances == 2
    assert bench.store.instance("failed") is not None


@case
def batches_reach_everything(bench: Bench) -> None:
    for number in range(25):
        bench.begin(f"i{number:02}", waits=(FOREVER,))
        if number % 3:
            _end(bench, f"i{number:02}")
    _later(bench, 40)
    assert run_retention(bench.store, OLD, batch=4).instances == 16
    left = {found.row.id for found in bench.store.instances(_all())}
    assert left == {f"i{number:02}" for number in range(0, 25, 3)}


def _all() -> Any:
    from ...queries import InstanceQuery

    return InstanceQuery(limit=1_000)


def _row(bench: Bench, instance: str, **fields: Any) -> InstanceRow:
    return replace(bench.start(instance).row, revision=0, events=0, **fields)


@case
def a_family_stays_while_one_of_it_lives(bench: Bench) -> None:
    stored = bench.begin("parent", waits=(FOREVER,))
    child = NewInstance(_row(bench, "child", parent="parent", parent_serial=1), b"child@0", message("child", "start"))
    assert bench.commit(bench.after(stored, Nothing(), instances=(child,))).kind == "committed"
    (claim,) = bench.claim()
    ended = bench.after(claim.stored, claim.consumes, status="completed", ended=bench.clock.now(), resting=True)
    assert bench.commit(ended).kind == "committed"
    _later(bench, 40)
    assert run_retention(bench.store, OLD).instances == 0
    assert bench.store.instance("child") is not None
    _end(bench, "parent")
    _later(bench, 20)
    assert run_retention(bench.store, OLD).instances == 1, "the child ended long ago, and nobody above it lives"
    _later(bench, 20)
    assert run_retention(bench.store, OLD).instances == 1


@case
def a_chain_goes_as_one_and_not_before_its_end(bench: Bench) -> None:
    bench.begin("first", waits=(FOREVER,))
    for before, after in (("first", "second"), ("second", "third")):
        row = _row(bench, after, chain="first", previous=before)
        new = NewInstance(row, f"{after}@0".encode(), message(after, "start"))
        _end(bench, before, next=after, instances=(new,))
        (claim,) = bench.claim()
        assert bench.commit(bench.after(claim.stored, claim.consumes, waits=(FOREVER,))).kind == "committed"
    _later(bench, 40)
    assert run_retention(bench.store, OLD).instances == 0, "whoever knows the first id still reaches the living one"
    _end(bench, "third")
    _later(bench, 40)
    assert run_retention(bench.store, OLD).instances == 3


@case
def an_undecided_dead_letter_keeps_its_instance(bench: Bench) -> None:
    bench.begin("i", waits=(FOREVER,))
    bench.send(message("i"))
    (claim,) = bench.claim()
    letter = bench.kill(claim)
    _end(bench, "i", "failed")
    _later(bench, 40)
    assert run_retention(bench.store, OLD).instances == 0
    assert isinstance(bench.decide(letter, "dropped"), LetterRecord)
    assert run_retention(bench.store, OLD).instances == 1


@case
def what_was_brought_back_meanwhile_stays(bench: Bench) -> None:
    bench.begin("i", waits=(FOREVER,))
    _end(bench, "i", "failed")
    _later(bench, 40)
    (seen,) = bench.store.retention.survey(before=bench.clock.now(), statuses={"failed"}, after=0, n=10)
    assert seen.removable
    bench.send(message("i", "retry", control=True))
    assert list(bench.store.retention.forget([seen.instance])) == []
    (claim,) = bench.claim()
    again = bench.after(claim.stored, claim.consumes, status="waiting", ended=None, waits=(FOREVER,))
    assert bench.commit(again).kind == "committed"
    assert list(bench.store.retention.forget([seen.instance])) == []
    assert bench.store.instance("i") is not None


def _long(bench: Bench, events: int) -> None:
    """An instance whose state counts its events, one each day."""
    bench.begin("long", waits=(FOREVER,))
    for number in range(2, events + 1):
        _later(bench, 1)
        stored = bench.read("long")
        event = EventRow(number, "step.done", bench.clock.now(), 1, "s", "{}", f'[["count",{number}]]')
        mutation = bench.after(stored, Nothing())
        assert bench.commit(replace(mutation, events=(event,))).kind == "committed"


@case
def a_long_history_is_trimmed_to_a_checkpoint(bench: Bench) -> None:
    _long(bench, 20)
    policy = RetentionPolicy(history=timedelta(days=5.5), keep_events=3)
    dry = run_retention(bench.store, policy, dry_run=True)
    assert (dry.trimmed, dry.events) == (1, 13)
    assert len(bench.store.history("long", after=0, limit=100)) == 20
    report = run_retention(bench.store, policy)
    assert (report.trimmed, report.events, report.instances) == (1, 13, 0)
    events = list(bench.store.history("long", after=0, limit=100))
    assert [event.number for event in events] == list(range(14, 21))
    assert events[0].type == "checkpoint"
    data: Any = loads(events[0].data_json, depth=100)
    assert data["state"] == {"count": 14}
    assert run_retention(bench.store, policy).trimmed == 0
    _later(bench, 100)
    report = run_retention(bench.store, policy)
    assert (report.trimmed, report.events) == (1, 3)
    assert [event.number for event in bench.store.history("long", after=0, limit=100)] == [17, 18, 19, 20]
    _later(bench, 1)
    stored = bench.read("long")
    assert stored.row.events == 20
    assert bench.commit(bench.after(stored, Nothing())).kind == "committed"


@case
def signals_go_when_nobody_will_take_them_any_more(bench: Bench) -> None:
    now = bench.clock.now()
    bench.begin(waits=(SignalWait(1, "paid", '"A"'), FOREVER))
    for id, key in (("taken", '"A"'), ("kept", '"B"')):
        bench.store.store_signal(SignalRow(id, "paid", "1", now, now + 50 * DAY * SECOND, key=key))
    policy = RetentionPolicy(settled=timedelta(days=30))
    _later(bench, 40)
    assert run_retention(bench.store, policy).settled == 0, "it may come a second time until its time is over"
    _later(bench, 20)
    bench.store.upkeep.expire_signals(10)
    assert run_retention(bench.store, policy, dry_run=True).settled == 1
    assert run_retention(bench.store, policy).settled == 1
    again = SignalRow("kept", "paid", "1", now, now + 90 * DAY * SECOND, key='"B"')
    assert list(bench.store.store_signal(again)) == [], "the unmatched one is still there for whoever decides"


@case
def a_signal_is_known_until_its_record_has_gone_and_is_a_new_one_then(bench: Bench) -> None:
    """Also where its instance was continued by another: within its time to live it is never applied twice, and a sender
    who repeats it after that sends a second one, which meets what waits then, or nobody."""
    now = bench.clock.now()
    first = bench.begin(waits=(SignalWait(1, "paid", '"A"'), FOREVER))
    sent = SignalRow("s", "paid", "1", now, now + 50 * DAY * SECOND, key='"A"')
    assert list(bench.store.store_signal(sent)) == ["i"]
    (claim,) = bench.claim()
    next_ = NewInstance(_row(bench, "i~2", chain="i", previous="i"), b"i~2@0", message("i~2", "start"))
    closes = (Close(1, kind="signal"), Close(FOREVER.serial, kind="signal"))
    over = {"status": "completed", "ended": now, "next": "i~2", "closes": closes}
    ending = bench.after(first, claim.consumes, instances=(next_,), **over)
    assert bench.commit(ending).kind == "committed"
    (claim,) = bench.claim()
    opening = bench.after(claim.stored, claim.consumes, waits=(SignalWait(1, "paid", '"A"'), FOREVER))
    assert bench.commit(opening).kind == "committed"
    policy = RetentionPolicy(settled=timedelta(days=0))
    for days in (1, 48):
        _later(bench, days)
        run_retention(bench.store, policy)
        assert list(bench.store.store_signal(sent)) == [], f"known {days} days later"
    _later(bench, 2)
    assert run_retention(bench.store, policy).settled == 1
    again = bench.clock.now()
    assert list(bench.store.store_signal(replace(sent, created=again, expires=again + DAY * SECOND))) == ["i~2"]
    assert list(bench.store.store_signal(sent)) == []
    assert [claim.letter.message.kind for claim in bench.claim()] == ["signal"]


@case
def one_job_at_a_time_and_a_dead_one_is_followed(bench: Bench) -> None:
    locks = bench.store.retention
    soon = bench.clock.now() + 60 * SECOND
    assert locks.lock(JOB, "other", until=soon)
    assert locks.lock(JOB, "other", until=soon), "who has it may extend it"
    assert not locks.lock(JOB, "me", until=soon)
    refused = None
    try:
        run_retention(bench.store, OLD)
    except ArmillaryError as error:
        refused = error.code
    assert refused == "retention.running"
    locks.unlock(JOB, "me")
    assert not locks.lock(JOB, "me", until=soon), "only who has it gives it back"
    bench.clock.advance(seconds=60)
    assert run_retention(bench.store, OLD).instances == 0
    assert locks.lock(JOB, "me", until=soon), "it is given back at the end"
    locks.unlock(JOB, "me")
