"""Commit: all or nothing, on the revision that was read, and what must come first."""

from __future__ import annotations

import threading

from msgspec.structs import replace

from ...mutation import Answered, Close, NewInstance, Nothing, Outcome, Replied
from ...rows import SignalWait
from .harness import SECOND, Bench, case, message

FOREVER = SignalWait(1, "never", None)


@case
def a_started_instance_is_there(bench: Bench) -> None:
    outcome = bench.commit(bench.start(waits=(FOREVER,), key="k"))
    assert (outcome.kind, outcome.instance, outcome.revision) == ("committed", "i", 1)
    stored = bench.read()
    assert (stored.snapshot, stored.row.revision, stored.row.key) == (b"i@1", 1, "k")
    assert [event.type for event in bench.store.history("i", after=0, limit=10)] == ["instance.started"]
    assert bench.store.by_key("Case", "k") == "i"
    assert bench.store.by_key("Other", "k") is None


@case
def an_id_and_a_key_are_taken_once(bench: Bench) -> None:
    bench.begin(key="k", waits=(FOREVER,))
    assert bench.commit(bench.start("i", waits=(FOREVER,))) == Outcome("exists", "i")
    assert bench.commit(bench.start("j", key="k", waits=(FOREVER,))) == Outcome("exists", "i")
    assert bench.store.read(["j"]) == {}
    assert bench.commit(bench.start("j", key="", waits=(FOREVER,))).kind == "committed"
    assert bench.commit(bench.start("l", key="", waits=(FOREVER,))) == Outcome("exists", "j")
    assert bench.commit(bench.start("j", key="k", waits=(FOREVER,))) == Outcome("exists", "i"), "the key comes first"
    assert bench.commit(bench.start("j", key="another", waits=(FOREVER,))) == Outcome("exists", "j")
    assert bench.store.by_key("Case", "another") is None


@case
def a_stale_revision_conflicts(bench: Bench) -> None:
    first = bench.begin(waits=(FOREVER,))
    assert bench.commit(bench.after(first, Nothing())).kind == "committed"
    before = bench.read()
    assert bench.commit(bench.after(first, Nothing(), snapshot=b"lost")) == Outcome("conflict", "i", 2)
    assert bench.read() == before
    assert len(bench.store.history("i", after=0, limit=10)) == 2


@case
def an_unknown_instance_is_said_to_be_unknown(bench: Bench) -> None:
    stored = bench.begin(waits=(FOREVER,))
    ghost = bench.after(stored, Nothing())
    other = bench.start("ghost")
    assert bench.commit(replace(ghost, row=other.row)).kind == "unknown"
    assert bench.send(message("ghost")).kind == "unknown"


@case
def one_refused_mutation_leaves_the_others_alone(bench: Bench) -> None:
    stale = bench.begin("a", waits=(FOREVER,))
    bench.commit(bench.after(stale, Nothing()))
    fresh = bench.begin("b", waits=(FOREVER,))
    outcomes = bench.store.commit(
        [bench.after(stale, Nothing()), bench.after(fresh, Nothing()), bench.start("c", waits=(FOREVER,))]
    )
    assert [outcome.kind for outcome in outcomes] == ["conflict", "committed", "committed"]


@case
def a_commit_in_two_halves_is_a_commit(bench: Bench) -> None:
    """Alone and together, taken and refused; what becomes of others in between makes no difference."""
    stale = bench.begin("stale", waits=(FOREVER,))
    fresh = bench.begin("fresh", waits=(FOREVER,))
    fine = bench.store.begin([bench.after(fresh, Nothing()), bench.start("new", waits=(FOREVER,))])
    bench.begin("other", waits=(FOREVER,))
    bench.commit(bench.after(stale, Nothing()))
    assert [(one.kind, one.instance, one.revision) for one in fine.outcomes()] == [
        ("committed", "fresh", 2), ("committed", "new", 1),
    ]  # fmt: skip
    mixed = bench.store.begin(
        [bench.after(stale, Nothing(), snapshot=b"lost"), bench.after(bench.read("new"), Nothing())]
    )
    assert [one.kind for one in mixed.outcomes()] == ["conflict", "committed"]
    taken = bench.start("late", key="k", waits=(FOREVER,))
    bench.begin("early", key="k", waits=(FOREVER,))
    assert bench.store.begin([taken]).outcomes() == [Outcome("exists", "early")]
    assert bench.read("stale").snapshot != b"lost"
    assert [bench.read(name).row.revision for name in ("fresh", "new", "other", "stale")] == [2, 2, 1, 2]


@case
def of_many_who_resume_one_revision_exactly_one_commits(bench: Bench) -> None:
    stored = bench.begin(waits=(FOREVER,))
    backends = [bench.store, bench.open()]
    outcomes: list[str] = []
    ready = threading.Barrier(8)

    def resume(number: int) -> None:
        mutation = bench.after(stored, Nothing(), snapshot=b"%d" % number)
        ready.wait()
        outcomes.append(bench.commit(mutation, backends[number % 2]).kind)

    threads = [threading.Thread(target=resume, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["committed"] + ["conflict"] * 7
    assert bench.read().row.revision == 2


@case
def stored_triggers_come_before_a_direct_one(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls()
    bench.send(message())
    reply = bench.after(stored, Replied(1, call.fence), closes=(Close(1, kind="call"),), waits=(FOREVER,))
    assert bench.commit(reply).kind == "behind"
    (claim,) = bench.claim()
    assert bench.commit(reply).kind == "behind", "while the first one is in hand"
    assert bench.commit(bench.after(claim.stored, claim.consumes)).kind == "committed"
    again = bench.after(bench.read(), Replied(1, call.fence), closes=(Close(1, kind="call"),), waits=(FOREVER,))
    assert bench.commit(again).kind == "committed"


@case
def a_future_deadline_stands_in_nobodys_way(bench: Bench) -> None:
    stored = bench.begin(messages=(message(kind="timer", body=b'"timer"', serial=1, ready=bench.clock.now() + SECOND),))
    assert bench.commit(bench.after(stored, Nothing())).kind == "committed"


@case
def what_a_wait_had_closes_with_it(bench: Bench) -> None:
    later = bench.clock.now() + SECOND
    timers = tuple(message(kind="timer", body=b'"timeout"', serial=serial, ready=later) for serial in (1, 2, 3, 4))
    stored = bench.begin(
        calls=(bench.call(serial=1),),
        tasks=(bench.task(serial=2),),
        waits=(SignalWait(3, "paid", '"k"'),),
        messages=timers,
    )
    assert bench.store.pending("i") == [
        ("call", 1), ("timer", 1), ("task", 2), ("timer", 2), ("signal", 3), ("timer", 3), ("timer", 4),
    ]  # fmt: skip
    closes = (Close(1, kind="call"), Close(2, "timeout", "task"), Close(3))
    assert bench.commit(bench.after(stored, Nothing(), closes=closes)).kind == "committed"
    assert bench.claim_calls() == []
    task = bench.store.task("i", 2)
    assert task is not None
    assert (task.status, task.ended) == ("cancelled", bench.clock.now())
    assert [event.type for event in bench.store.task_events("i", 2)] == ["cancelled"]
    assert bench.store.pending("i") == [("timer", 4)]
    bench.clock.advance(seconds=2)
    (claim,) = bench.claim()
    assert claim.letter.message.serial == 4


@case
def nothing_stays_open_when_an_instance_ends(bench: Bench) -> None:
    later = bench.clock.now() + SECOND
    stored = bench.begin(
        calls=(bench.call(serial=1),), tasks=(bench.task(serial=2),), waits=(SignalWait(3, "paid", '"k"'),),
        messages=(message(kind="timer", body=b'"timer"', serial=4, ready=later),),
    )  # fmt: skip
    other = bench.begin("other", tasks=(bench.task("other"),), waits=(FOREVER,))
    bench.send(message(kind="task"))
    ended = bench.after(
        stored, Nothing(), status="failed", ended=bench.clock.now(), error_json='{"code":"failure"}',
        closes=(Close(1, "cancelled", "call"), Close(2, "failed", "task"), Close(3, "done", "signal")),
    )  # fmt: skip
    assert bench.commit(ended).kind == "behind"
    (claim,) = bench.claim()
    bench.send(message(kind="signal"))
    assert bench.commit(replace(ended, consumes=claim.consumes)).kind == "committed"
    assert bench.store.pending("i") == []
    assert len(bench.store.pending(other.row.id)) == 2
    bench.clock.advance(seconds=2)
    assert (bench.claim(), bench.claim_calls()) == ([], [])
    assert bench.send(message(kind="task")).kind == "ended"
    assert bench.send(message(kind="retry", control=True)).kind == "committed"
    (claim,) = bench.claim()
    alive = bench.after(claim.stored, claim.consumes, status="waiting", ended=None, error_json=None, waits=(FOREVER,))
    assert bench.commit(alive).kind == "committed"


@case
def children_and_next_are_born_with_their_start(bench: Bench) -> None:
    child = bench.start("i:1", parent="i", parent_serial=1)
    row = replace(child.row, events=0)
    start = message("i:1", "start", b"{}")
    parent = bench.begin(instances=(NewInstance(row, b"new", start),))
    (claim,) = bench.claim()
    assert (claim.letter.message, claim.stored.snapshot) == (replace(start, ready=bench.clock.now()), b"new")
    found = bench.store.instance("i")
    assert found is not None
    assert found.children == ("i:1",)
    told = message("i", "child", b"[]", serial=1)
    done = bench.after(claim.stored, claim.consumes, status="completed", ended=bench.clock.now(), messages=(told,))
    assert bench.commit(done).kind == "committed"
    (heard,) = bench.claim()
    assert heard.letter.message.kind == "child"
    assert bench.commit(bench.after(parent, heard.consumes, waits=(FOREVER,))).kind == "committed"


@case
def a_message_follows_the_chain(bench: Bench) -> None:
    first = bench.begin(waits=(FOREVER,))
    following = bench.start("i~2", chain="i", previous="i", waits=(FOREVER,))
    bench.commit(bench.after(first, Nothing(), status="completed", ended=bench.clock.now(), next="i~2"))
    bench.commit(following)
    assert bench.send(message("i")).kind == "ended"
    assert bench.send(message("i", "cancel", control=True, follow=True)) == Outcome("committed", "i~2", 1)


@case
def what_an_operator_asked_of_an_instance_goes_to_the_one_that_continues_it(bench: Bench) -> None:
    stored = bench.begin(waits=(FOREVER,))
    bench.send(message())
    (claim,) = bench.claim()
    bench.send(message(kind="cancel", control=True))
    bench.send(message(kind="task"))
    following = replace(stored.row, id="i~2", chain="i", previous="i", revision=0, events=0)
    new = NewInstance(following, b"i~2@0", message("i~2", "start"))
    done = bench.after(
        stored, claim.consumes, status="completed", ended=bench.clock.now(), next="i~2", instances=(new,)
    )
    assert bench.commit(done).kind == "committed"
    waiting = [(x.message.instance, x.message.kind) for x in bench.store.letters(state=None)]
    assert sorted(waiting) == [("i~2", "cancel"), ("i~2", "start")]
    assert [claim.letter.message.kind for claim in bench.claim()] == ["cancel"]


@case
def an_answered_task_is_answered_once(bench: Bench) -> None:
    stored = bench.begin(tasks=(bench.task(),))
    answer = Answered(1, '{"answer":"approve"}', "ann")
    done = bench.after(stored, answer, closes=(Close(1, kind="task"),), waits=(FOREVER,))
    assert bench.commit(done).kind == "committed"
    task = bench.store.task("i", 1)
    assert task is not None
    assert (task.status, task.answer_json, task.completed_by) == ("completed", '{"answer":"approve"}', "ann")
    assert bench.commit(bench.after(bench.read(), answer)).kind == "fenced"
    assert [event.type for event in bench.store.task_events("i", 1)] == ["completed"]
