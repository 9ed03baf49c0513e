"""Claims: in order, one at a time for an instance, fenced, and never lost with their worker."""

from __future__ import annotations

from ...mutation import Nothing, Return
from ...rows import LetterRecord
from .harness import FOREVER, SECOND, Bench, case, message


@case
def triggers_are_claimed_in_order_of_arrival_one_at_a_time(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    for serial in (1, 2, 3):
        bench.send(message(serial=serial))
    seen = []
    for _ in range(3):
        (claim,) = bench.claim()
        assert bench.claim() == []
        seen.append(claim.letter.message.serial)
        assert bench.commit(bench.after(claim.stored, claim.consumes)).kind == "committed"
    assert seen == [1, 2, 3]
    assert bench.claim() == []


@case
def control_triggers_come_first(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    bench.send(message(serial=1))
    bench.clock.advance(seconds=1)
    bench.send(message(kind="cancel", control=True))
    (claim,) = bench.claim()
    assert claim.letter.message.kind == "cancel"


@case
def a_deadline_arrives_when_it_is_due(bench: Bench) -> None:
    due = bench.clock.now() + 10 * SECOND
    bench.begin(messages=(message(kind="timer", body=b'"timer"', serial=1, ready=due),))
    assert bench.claim() == []
    assert bench.store.due(services=()) == due
    bench.clock.advance(seconds=12)
    bench.send(message(serial=2))
    (claim,) = bench.claim()
    assert (claim.letter.message.kind, claim.letter.arrived) == ("timer", due)


@case
def what_is_past_due_fires_in_due_order(bench: Bench) -> None:
    now = bench.clock.now()
    for number in (5, 3, 8, 1):
        timer = message(f"i{number}", "timer", b'"timer"', serial=1, ready=now + number * SECOND)
        bench.begin(f"i{number}", messages=(timer,))
    bench.clock.advance(seconds=100)
    assert [claim.letter.message.instance for claim in bench.claim(3)] == ["i1", "i3", "i5"]


@case
def a_backlog_of_one_definition_holds_up_no_other(bench: Bench) -> None:
    for number in range(30):
        bench.begin(f"i{number:02}", waits=(FOREVER,))
        bench.send(message(f"i{number:02}"))
        bench.clock.advance(seconds=1)
    for lone in ("b", "c"):
        bench.begin(lone, waits=(FOREVER,), digest=f"d-{lone}")
        bench.send(message(lone))
    first, second = (bench.claim(8) for _ in range(2))
    assert (len(first), len(second)) == (8, 8), "nobody's share is left unused"
    claimed = [claim.stored.row.id for claim in (*first, *second)]
    assert {"b", "c"} < set(claimed)
    backlog = [id for id in claimed if id.startswith("i")]
    assert backlog == sorted(backlog) == [f"i{number:02}" for number in range(14)], "in order, and none is passed by"
    left = [claim.stored.row.id for claim in bench.claim(100)]
    assert left == [f"i{number:02}" for number in range(14, 30)]


@case
def more_definitions_than_a_claim_takes_have_their_turns(bench: Bench) -> None:
    """Who waits longest comes first, and each of the others before anybody's third."""
    for turn in range(3):
        for number in range(9):
            instance = f"{number}-{turn}"
            bench.begin(instance, waits=(FOREVER,), digest=f"d{number}")
            bench.send(message(instance))
            bench.clock.advance(seconds=1)
    claimed = [claim.stored.row.id for _ in range(9) for claim in bench.claim(3)]
    assert len(set(claimed)) == 27
    for number in range(9):
        of_one = [id for id in claimed if id.startswith(f"{number}-")]
        assert of_one == sorted(of_one)
        assert claimed.index(f"{number}-0") < 12


@case
def a_share_is_found_behind_what_is_claimed_late_or_not_to_be_claimed(bench: Bench) -> None:
    """Leases that ended, deadlines to come, and definitions that this worker lacks."""
    now = bench.clock.now()
    for number in range(6):
        bench.begin(f"a{number}", waits=(FOREVER,), digest="d-a")
        bench.send(message(f"a{number}"))
    assert len(bench.claim(3, seconds=5)) == 3
    later = message("t", "timer", b'"timer"', serial=1, ready=now + 60 * SECOND)
    bench.begin("t", messages=(later,), digest="d-t")
    for number in range(6):
        bench.begin(f"l{number}", waits=(FOREVER,), digest="d-lacking")
        bench.send(message(f"l{number}"))
    bench.begin("lone", waits=(FOREVER,), digest="d-z")
    bench.send(message("lone"))
    bench.clock.advance(seconds=10)
    claims = [claim for _ in range(3) for claim in bench.claim(3, without={"d-lacking"})]
    assert sorted(claim.stored.row.id for claim in claims) == [*(f"a{number}" for number in range(6)), "lone"]
    assert "lone" in [claim.stored.row.id for claim in claims[:6]]
    assert bench.claim(10, without={"d-lacking", "d-a", "d-z"}) == []


@case
def an_abandoned_claim_comes_back_and_its_holder_is_fenced(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    bench.send(message())
    (frozen,) = bench.claim(seconds=10)
    assert bench.store.due(services=()) == bench.clock.now() + 10 * SECOND
    bench.clock.advance(seconds=9)
    other = bench.open()
    assert bench.claim(backend=other) == []
    bench.clock.advance(seconds=2)
    (taken,) = bench.claim(backend=other)
    assert taken.letter.deliveries == frozen.letter.deliveries + 1
    assert bench.commit(bench.after(frozen.stored, frozen.consumes)).kind == "fenced"
    assert bench.commit(bench.after(taken.stored, taken.consumes), other).kind == "committed"
    assert bench.commit(bench.after(bench.read(), frozen.consumes)).kind == "fenced", "the message is gone for good"


@case
def a_dead_workers_leases_can_be_ended_at_once(bench: Bench) -> None:
    bench.begin(calls=(bench.call(),))
    bench.send(message())
    (claim,) = bench.claim()
    (call,) = bench.claim_calls()
    other = bench.open()
    assert (bench.claim(backend=other), bench.claim_calls(other)) == ([], [])
    other.release_owner("somebody else")
    assert (bench.claim(backend=other), bench.claim_calls(other)) == ([], []), "the living keep theirs"
    other.release_owner(bench.store.owner)
    (again,) = bench.claim(backend=other)
    (call_again,) = bench.claim_calls(other)
    assert again.letter.failures == 2
    assert (call_again.fence, call_again.deliveries, call_again.attempt) == (call.fence + 1, 2, 1)
    assert bench.commit(bench.after(claim.stored, claim.consumes)).kind == "fenced"


@case
def a_claim_is_given_back_with_or_without_counting(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    bench.send(message())
    (claim,) = bench.claim()
    back = Return(claim.letter.seq, claim.letter.deliveries, ready=bench.clock.now(), counts=False)
    bench.store.give_back([back])
    (claim,) = bench.claim()
    assert (claim.letter.deliveries, claim.letter.failures) == (2, 1)
    later = bench.clock.now() + SECOND
    bench.store.give_back([Return(claim.letter.seq, 1, ready=0, error="stale")])
    assert bench.claim() == [], "a fenced return changes nothing"
    bench.store.give_back([Return(claim.letter.seq, 2, ready=later, error="broke")])
    assert bench.claim() == []
    assert bench.store.due(services=()) == later
    bench.clock.advance(seconds=1)
    (claim,) = bench.claim()
    assert (claim.letter.failures, claim.letter.error) == (2, "broke")


@case
def a_dead_letter_waits_for_an_operator(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    bench.send(message(serial=7))
    (claim,) = bench.claim()
    bench.kill(claim)
    assert bench.claim() == []
    (letter,) = bench.store.letters()
    assert (letter.message.serial, letter.error, letter.failures) == (7, "broken", 1)
    found = bench.store.instance("i")
    assert found is not None
    assert found.dead == "broken"
    record = bench.decide(letter, "replayed")
    assert isinstance(record, LetterRecord)
    assert int(record.replayed_as or 0) > letter.seq
    assert bench.decide(letter, "replayed") == "gone"
    (claim,) = bench.claim()
    assert (str(claim.letter.seq), claim.letter.failures) == (record.replayed_as, 1)
    bench.kill(claim)


@case
def a_deadline_that_was_a_dead_letter_still_is_that_deadline(bench: Bench) -> None:
    due = bench.clock.now() + SECOND
    bench.begin(waits=(FOREVER,), messages=(message(kind="timer", serial=1, ready=due),))
    bench.clock.advance(seconds=2)
    (claim,) = bench.claim()
    letter = bench.kill(claim)
    bench.clock.advance(seconds=60)
    assert isinstance(bench.decide(letter, "replayed"), LetterRecord)
    (again,) = bench.claim()
    assert again.letter.arrived == due


@case
def what_this_worker_lacks_stays_unclaimed_and_wakes_nobody(bench: Bench) -> None:
    bench.begin(waits=(FOREVER,))
    bench.send(message())
    assert bench.claim(without={"d1", "d2"}) == []
    assert bench.store.due(services=(), without={"d1"}) is None
    bench.begin("other", waits=(FOREVER,))
    bench.send(message("other"))
    assert bench.store.due(services=(), without={"i", "other"}) is None
    assert [claim.stored.row.id for claim in bench.claim(1, without={"i"})] == ["other"]
    assert len(bench.claim(without={"d2"})) == 1


@case
def a_suspended_instance_holds_all_but_control(bench: Bench) -> None:
    now = bench.clock.now()
    timer = message(kind="timer", body=b'"timer"', serial=1, ready=now + SECOND)
    stored = bench.begin(messages=(timer,), calls=(bench.call(serial=2),))
    held = bench.after(stored, Nothing(), status="suspended", holds=True)
    assert bench.commit(held).kind == "committed"
    bench.send(message(serial=3))
    bench.clock.advance(seconds=5)
    assert (bench.claim(), bench.claim_calls()) == ([], [])
    assert bench.store.due(services=("rating",)) is None
    assert bench.commit(bench.after(bench.read(), Nothing())).kind == "behind"
    bench.send(message(kind="resume", control=True))
    (claim,) = bench.claim()
    resumed = bench.after(claim.stored, claim.consumes, status="waiting", holds=False)
    assert bench.commit(resumed).kind == "committed"
    assert len(bench.claim_calls()) == 1
    serials = []
    for _ in range(2):
        (claim,) = bench.claim()
        serials.append(claim.letter.message.serial)
        bench.commit(bench.after(claim.stored, claim.consumes, waits=() if serials[1:] else (FOREVER,)))
    assert serials == [3, 1], "in order of arrival: the deadline came a second after the message"


@case
def a_restart_finds_everything_that_was_due(bench: Bench) -> None:
    if not bench.store.capabilities.durable:
        return
    due = bench.clock.now() + SECOND
    for number in reversed(range(20)):
        timer = message(f"i{number:02}", "timer", b'"timer"', serial=1, ready=due + number)
        bench.begin(f"i{number:02}", messages=(timer,))
    bench.store.close()
    bench.opened.clear()
    bench.clock.advance(seconds=3600)
    bench.open()
    due_now = bench.store.due(services=())
    assert due_now is not None
    assert due_now <= bench.clock.now()
    assert [claim.stored.row.id for claim in bench.claim(100)] == [f"i{number:02}" for number in range(20)]
