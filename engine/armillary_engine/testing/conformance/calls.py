"""Calls: leased rows of their own, fenced, with retries in due order."""

from __future__ import annotations

from ...mutation import Close, Delivery, Nothing, Replied
from ...rows import CallRetry
from .harness import FOREVER, SECOND, Bench, case, message


@case
def a_call_goes_to_one_worker(bench: Bench) -> None:
    bench.begin(calls=(bench.call(),))
    other = bench.open()
    assert bench.claim_calls(mail=5) == []
    (call,) = bench.claim_calls()
    assert (call.fence, call.deliveries, call.owner) == (1, 1, bench.store.owner)
    assert bench.claim_calls(other) == []
    found = bench.store.instance("i")
    assert found is not None
    assert (found.running, found.services) == (True, ())


@case
def a_call_may_be_leased_as_it_is_opened(bench: Bench) -> None:
    until = bench.clock.now() + 30 * SECOND
    call = bench.call(owner=bench.store.owner, ready=until, fence=1, deliveries=1)
    stored = bench.begin(calls=(call,))
    assert bench.claim_calls() == []
    assert bench.store.due(services=("rating",)) == until
    done = bench.after(
        stored, Replied(1, 1), closes=(Close(1, kind="call"),), status="completed", ended=bench.clock.now()
    )
    assert bench.commit(done).kind == "committed"
    assert bench.commit(done).kind == "conflict"


@case
def free_places_of_a_service_are_respected(bench: Bench) -> None:
    for number in range(5):
        bench.begin(f"i{number}", calls=(bench.call(f"i{number}"),))
    bench.begin("m", calls=(bench.call("m", service="mail"),))
    assert len(bench.claim_calls(rating=2)) == 2
    assert sorted(call.service for call in bench.claim_calls(rating=2, mail=3)) == ["mail", "rating", "rating"]
    assert len(bench.claim_calls(rating=0, mail=3)) == 0


@case
def places_in_all_go_to_what_was_due_first_whatever_its_service(bench: Bench) -> None:
    for number, service in enumerate(("rating", "mail", "rating", "print", "mail", "rating", "rating")):
        bench.begin(f"i{number}", calls=(bench.call(f"i{number}", service=service),))
        bench.clock.advance(seconds=1)
    until = bench.clock.now() + 30 * SECOND
    services = {"rating": 64, "mail": 1, "print": 64}
    claimed = bench.store.claim_calls(bench.store.owner, services=services, until=until, n=3)
    assert [call.instance for call in claimed] == ["i0", "i1", "i2"]
    assert [call.instance for call in bench.claim_calls(print=1, rating=0)] == ["i3"]
    assert [call.instance for call in bench.claim_calls(rating=1)] == ["i5"]
    assert [call.instance for call in bench.claim_calls(rating=9, mail=9)] == ["i4", "i6"]


@case
def a_reply_that_was_retried_is_fenced_when_it_comes_again(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls()
    again = (CallRetry(1, 2, bench.clock.now()),)
    assert bench.commit(bench.after(stored, Replied(1, call.fence), retries=again)).kind == "committed"
    stale = bench.after(bench.read(), Replied(1, call.fence))
    assert bench.commit(stale).kind == "fenced", "its worker did not learn that it was committed"
    (call,) = bench.claim_calls()
    assert call.attempt == 2
    assert bench.commit(bench.after(bench.read(), Replied(1, call.fence), waits=(FOREVER,))).kind == "committed"


@case
def an_abandoned_call_is_delivered_again_as_the_same_attempt(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (first,) = bench.claim_calls(seconds=10)
    bench.clock.advance(seconds=11)
    (second,) = bench.claim_calls(bench.open())
    assert (second.attempt, second.key, second.arguments_json) == (first.attempt, first.key, first.arguments_json)
    assert (second.fence, second.deliveries) == (2, 2)
    closes = (Close(1, kind="call"),)
    assert bench.commit(bench.after(stored, Replied(1, first.fence), closes=closes)).kind == "fenced"
    accepted = bench.after(stored, Replied(1, second.fence), closes=closes, waits=(FOREVER,))
    assert bench.commit(accepted).kind == "committed"


@case
def a_late_reply_counts_while_nobody_else_has_the_call(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls(seconds=10)
    bench.clock.advance(seconds=60)
    done = bench.after(stored, Replied(1, call.fence), closes=(Close(1, kind="call"),), waits=(FOREVER,))
    assert bench.commit(done).kind == "committed"


@case
def leases_are_extended_by_their_holder_only(bench: Bench) -> None:
    bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls(seconds=10)
    mine = ("i", 1, call.fence)
    bench.clock.advance(seconds=9)
    assert list(bench.store.extend_calls([mine], until=bench.clock.now() + 10 * SECOND)) == []
    bench.clock.advance(seconds=5)
    assert bench.claim_calls() == []
    bench.clock.advance(seconds=6)
    (taken,) = bench.claim_calls(bench.open())
    assert taken.fence == 2
    assert list(bench.store.extend_calls([mine, ("ghost", 1, 1)], until=0)) == [mine, ("ghost", 1, 1)]


@case
def a_retry_waits_for_its_time(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls()
    due = bench.clock.now() + 2 * SECOND
    failed = bench.after(stored, Replied(1, call.fence), retries=(CallRetry(1, 2, due),))
    assert bench.commit(failed).kind == "committed"
    assert bench.claim_calls() == []
    assert bench.store.due(services=("rating",)) == due
    assert bench.store.due(services=("mail",)) is None
    found = bench.store.instance("i")
    assert found is not None
    assert not found.running, "a call in back-off waits"
    bench.clock.advance(seconds=2)
    (again,) = bench.claim_calls()
    assert (again.attempt, again.deliveries, again.fence, again.arguments_json) == (2, 1, 3, call.arguments_json)


@case
def a_reply_that_must_wait_is_kept_and_the_call_is_over(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls(seconds=10)
    assert bench.commit(bench.after(stored, Nothing(), status="suspended", holds=True)).kind == "committed"
    reply = Delivery(message(kind="call", body=b"[1,null,null]", serial=1), Replied(1, call.fence))
    assert [one.kind for one in bench.store.deliver([reply, reply])] == ["committed", "fenced"]
    bench.clock.advance(seconds=60)
    assert bench.claim_calls() == []
    (letter,) = bench.store.letters(state="held")
    assert letter.message.kind == "call"


@case
def a_closed_call_takes_no_reply(bench: Bench) -> None:
    stored = bench.begin(calls=(bench.call(),))
    (call,) = bench.claim_calls()
    bench.commit(bench.after(stored, Nothing(), closes=(Close(1, "timeout", "call"),), waits=(FOREVER,)))
    assert bench.commit(bench.after(bench.read(), Replied(1, call.fence))).kind == "fenced"
    assert list(bench.store.extend_calls([("i", 1, call.fence)], until=0)) == [("i", 1, call.fence)]
