"""Signals: kept until a wait opens, taken once, in order; both interleavings of opening a wait and sending."""

from __future__ import annotations

import json
import threading
from typing import Any

from ...mutation import Close, Nothing
from ...queries import SignalQuery
from ...rows import SignalRow, SignalWait
from .harness import SECOND, Bench, case, message

PAID = SignalWait(1, "paid", '"P-1"')
PAID_AGAIN = SignalWait(2, "paid", '"P-1"')


def signal(bench: Bench, id: str = "s1", **fields: Any) -> SignalRow:
    now = bench.clock.now()
    given: dict[str, Any] = {"key": '"P-1"', "payload_json": "{}"} | fields
    return SignalRow(id=id, name=given.pop("name", "paid"), created=now, expires=now + 3600 * SECOND, **given)


def arrived(bench: Bench) -> list[tuple[str, int, str]]:
    """Who got which signal: instance, serial, signal."""
    letters = bench.store.letters(state=None)
    return [(x.message.instance, x.message.serial, json.loads(x.message.body)["signal"]) for x in letters]


@case
def a_signal_meets_an_open_wait(bench: Bench) -> None:
    bench.begin(waits=(PAID,))
    assert list(bench.store.store_signal(signal(bench, name="other"))) == []
    for number, key in enumerate(('"P-2"', '"P-0"', '"P-10"', '"P-1', '"p-1"', "null")):
        assert list(bench.store.store_signal(signal(bench, f"not {number}", key=key))) == []
    assert list(bench.store.store_signal(signal(bench, "s3", payload_json='{"amount":100.1}'))) == ["i"]
    (claim,) = bench.claim()
    body = claim.letter.message.body
    assert (claim.letter.message.kind, claim.letter.message.serial) == ("signal", 1)
    assert body == b'{"name":"paid","payload":{"amount":100.1},"signal":"s3"}'
    bench.begin("j", waits=(PAID,))
    assert arrived(bench) == [("i", 1, "s3")], "what is kept goes to no other key either"


@case
def an_early_signal_is_kept_for_the_wait(bench: Bench) -> None:
    assert list(bench.store.store_signal(signal(bench))) == []
    bench.begin(waits=(PAID,))
    assert arrived(bench) == [("i", 1, "s1")]
    bench.begin("j", waits=(PAID,))
    assert len(arrived(bench)) == 1, "it was taken once"


@case
def a_signal_is_known_by_its_senders_id(bench: Bench) -> None:
    bench.begin(waits=(PAID,))
    assert list(bench.store.store_signal(signal(bench))) == ["i"]
    assert list(bench.store.store_signal(signal(bench))) == []
    bench.begin("j", waits=(PAID,))
    assert arrived(bench) == [("i", 1, "s1")]


@case
def the_oldest_wait_takes_the_signal_and_the_oldest_signal_is_taken(bench: Bench) -> None:
    for instance in ("a", "b"):
        bench.begin(instance, waits=(PAID,))
    for id in ("s1", "s2", "s3", "s4"):
        bench.store.store_signal(signal(bench, id))
    bench.begin("c", waits=(PAID,))
    assert arrived(bench) == [("a", 1, "s1"), ("b", 1, "s2"), ("c", 1, "s3")]


@case
def a_signal_that_its_wait_never_took_goes_to_the_next_wait_or_is_kept(bench: Bench) -> None:
    first = bench.begin("a", waits=(PAID,))
    second = bench.begin("b", waits=(PAID,))
    assert list(bench.store.store_signal(signal(bench))) == ["a"]
    late = bench.after(first, Nothing(), closes=(Close(1, "timeout", "signal"),), waits=(SignalWait(2, "never", None),))
    assert bench.commit(late).kind == "behind", "what is stored comes first"
    (claim,) = bench.claim()
    bench.send(message("a", "cancel", control=True))
    bench.clock.advance(seconds=31)
    (cancel,) = bench.claim()
    ending = bench.after(
        first, cancel.consumes, closes=(Close(1, "cancelled", "signal"),), status="cancelled", ended=bench.clock.now()
    )
    assert (cancel.letter.message.kind, bench.commit(ending).kind) == ("cancel", "committed")
    assert arrived(bench) == [("b", 1, "s1")]
    assert bench.commit(bench.after(first, claim.consumes)).kind != "committed"
    (claim,) = bench.claim()
    bench.send(message("b", "cancel", control=True))
    bench.clock.advance(seconds=31)
    (cancel,) = bench.claim()
    closes = (Close(1, "timeout", "signal"),)
    assert bench.commit(bench.after(second, cancel.consumes, closes=closes, waits=(PAID_AGAIN,))).kind == "committed"
    assert arrived(bench) == [("b", 2, "s1")], "the next wait of the same instance"


@case
def a_signal_that_lies_with_the_dead_letters_is_free_again_when_its_wait_closes(bench: Bench) -> None:
    """Nobody can take it any more where it lies: it goes to the next wait, or is kept."""
    first, _ = bench.begin("a", waits=(PAID, SignalWait(2, "never", None))), bench.begin("b", waits=(PAID,))
    bench.store.store_signal(signal(bench))
    letter = bench.kill(bench.claim()[0])
    late = bench.after(first, Nothing(), closes=(Close(1, "timeout", "signal"),))
    assert bench.commit(late).kind == "committed"
    assert bench.decide(letter, "replayed") == bench.decide(letter, "dropped") == "gone"
    (claim,) = bench.claim()
    assert claim.letter.message.instance == "b"
    bench.kill(claim)
    over = {"status": "cancelled", "ended": bench.clock.now()}
    assert bench.commit(
        bench.after(bench.read("b"), Nothing(), closes=(Close(1, "cancelled", "signal"),), **over)
    ).kind == "committed"  # fmt: skip
    assert bench.store.letters(state=None) == []
    assert [one.state for one in bench.store.upkeep.signals(SignalQuery())] == ["kept"]


@case
def a_signal_that_is_given_back_after_its_time_goes_to_no_wait(bench: Bench) -> None:
    """Though its wait had it in time: it is set aside, as whatever nobody takes in time."""
    first = bench.begin("a", waits=(PAID, SignalWait(2, "never", None)))
    bench.store.store_signal(signal(bench))
    bench.begin("b", waits=(PAID,))
    bench.clock.advance(seconds=3600)
    late = bench.after(first, Nothing(), closes=(Close(1, "timeout", "signal"),))
    assert (bench.commit(late).kind, arrived(bench)) == ("behind", [("a", 1, "s1")])
    bench.kill(bench.claim()[0])
    assert (bench.commit(late).kind, arrived(bench)) == ("committed", [])
    bench.begin("c", waits=(PAID,))
    assert arrived(bench) == []
    assert bench.store.upkeep.due() == bench.clock.now()
    assert list(bench.store.upkeep.expire_signals(10)) == ["s1"]


@case
def a_signal_whose_instance_ends_is_never_put_back_to_another_of_its_waits(bench: Bench) -> None:
    """Whatever the order in which its waits close."""
    for name, closing in (("a", (1, 2)), ("b", (2, 1))):
        first = bench.begin(name, waits=(SignalWait(1, name, None), SignalWait(2, name, None)))
        bench.store.store_signal(signal(bench, f"for {name}", name=name, key=None, instance=name))
        (claim,) = bench.claim()
        assert claim.letter.message.serial == 1
        bench.send(message(name, "cancel", control=True))
        bench.clock.advance(seconds=31)
        (cancel,) = bench.claim()
        closes = tuple(Close(serial, "cancelled", "signal") for serial in closing)
        ending = bench.after(first, cancel.consumes, closes=closes, status="cancelled", ended=bench.clock.now())
        assert (cancel.letter.message.kind, bench.commit(ending).kind) == ("cancel", "committed")
    sent = bench.store.upkeep.signals(SignalQuery())
    assert [(one.row.id, one.state) for one in sent] == [("for a", "kept"), ("for b", "kept")]


@case
def all_means_every_wait_open_now_and_is_never_kept(bench: Bench) -> None:
    assert list(bench.store.store_signal(signal(bench, mode="all"))) == []
    bench.begin("a", waits=(PAID,))
    bench.begin("b", waits=(PAID,))
    assert arrived(bench) == []
    assert list(bench.store.store_signal(signal(bench, "s2", mode="all"))) == ["a", "b"]


@case
def a_signal_to_an_instance_reaches_whatever_it_waits_for_by_that_name(bench: Bench) -> None:
    bench.begin("a", waits=(SignalWait(1, "paid", None),))
    bench.begin("b", waits=(PAID,))
    assert list(bench.store.store_signal(signal(bench, "s1", key=None, instance="b"))) == ["b"]
    assert list(bench.store.store_signal(signal(bench, "s2", key=None, instance="b"))) == []
    assert list(bench.store.store_signal(signal(bench, "s3", key="null"))) == [], "no key is not the key null"
    assert list(bench.store.store_signal(signal(bench, "s4", key=None, instance="a"))) == ["a"]


@case
def unread_signals_follow_the_chain(bench: Bench) -> None:
    first = bench.begin(waits=(SignalWait(1, "other", None),))
    bench.store.store_signal(signal(bench, key=None, instance="i"))
    bench.commit(bench.after(first, Nothing(), status="completed", ended=bench.clock.now(), next="i~2"))
    waits = (SignalWait(1, "paid", None), SignalWait(2, "more", None), SignalWait(3, "last", None))
    bench.begin("i~2", chain="i", previous="i", waits=waits)
    assert arrived(bench) == [("i~2", 1, "s1")]
    assert list(bench.store.store_signal(signal(bench, "s2", name="more", key=None, instance="i~2"))) == ["i~2"]
    assert list(bench.store.store_signal(signal(bench, "s3", name="last", key=None, instance="i"))) == ["i~2"]
    for number, instance in enumerate(("i", "i~2", "i~2"), 4):
        assert not bench.store.store_signal(signal(bench, f"s{number}", name="next", key=None, instance=instance))
    (claim,) = bench.claim()
    over = bench.after(claim.stored, claim.consumes, status="completed", ended=bench.clock.now(), next="i~3")
    assert bench.commit(over).kind == "committed"
    following = tuple(SignalWait(serial, "next", None) for serial in (1, 2, 3))
    bench.begin("i~3", chain="i", previous="i~2", waits=following)
    assert arrived(bench) == [("i~3", 1, "s4"), ("i~3", 2, "s5"), ("i~3", 3, "s6")], "whichever they were sent to"


@case
def a_closed_wait_takes_nothing(bench: Bench) -> None:
    stored = bench.begin(waits=(PAID, SignalWait(2, "never", None)))
    bench.commit(bench.after(stored, Nothing(), closes=(Close(1, "timeout", "signal"),)))
    assert list(bench.store.store_signal(signal(bench))) == []
    bench.begin("j", waits=(PAID,))
    assert arrived(bench) == [("j", 1, "s1")]


@case
def opening_a_wait_and_sending_never_miss_each_other(bench: Bench) -> None:
    other = bench.open()
    for number in range(25):
        wait = SignalWait(1, "paid", f'"P-{number}"')
        start = bench.start(f"i{number}", waits=(wait,))
        sent = signal(bench, f"s{number}", key=f'"P-{number}"')
        gate = threading.Barrier(2)

        def send(sent: SignalRow = sent, gate: threading.Barrier = gate) -> None:
            gate.wait()
            other.store_signal(sent)

        sender = threading.Thread(target=send)
        sender.start()
        gate.wait()
        assert bench.commit(start).kind == "committed"
        sender.join()
    assert sorted(arrived(bench)) == sorted((f"i{n}", 1, f"s{n}") for n in range(25))
