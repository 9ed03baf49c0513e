"""Signals that are stored in one commit with the slice that they start: they meet a wait that is open, or nothing is
done."""

from __future__ import annotations

from typing import Any

from ...mutation import Close, Met, Mutation, Nothing, Outcome
from ...queries import SignalQuery
from ...rows import SignalRow, SignalWait
from .harness import FOREVER, Bench, case, message
from .hostile import meet
from .signals import PAID, PAID_AGAIN, arrived, signal


def taking(bench: Bench, sent: SignalRow, **parts: Any) -> Mutation:
    """The slice that ``sent`` starts, which meets a wait. Unless it ends the instance or opens something else, it
    goes on to wait for the signal ``never``."""
    found = bench.store.would_meet(sent)
    assert found is not None
    stored, serial = found
    chain = None if sent.instance is None else stored.row.chain
    if "ended" not in parts:
        parts = {"waits": (FOREVER,), "closes": (Close(serial, "done", "signal"),)} | parts
    return bench.after(stored, Met(serial, sent, chain), **parts)


def states(bench: Bench) -> list[tuple[str, str, str]]:
    """Of each signal, oldest first: its id, state and takers."""
    found = bench.store.upkeep.signals(SignalQuery())
    return [(one.row.id, one.state, one.takers_json) for one in found]


@case
def the_oldest_wait_that_a_signal_would_meet_is_told(bench: Bench) -> None:
    for number, key in enumerate(('"P-2"', '"P-1', "null")):
        bench.begin(f"other {number}", waits=(SignalWait(1, "paid", key), SignalWait(2, "other", '"P-1"')))
    bench.begin("only by address", waits=(SignalWait(1, "paid", None),))
    assert bench.store.would_meet(signal(bench)) is None
    first = bench.begin("b", waits=(SignalWait(1, "never", None), PAID_AGAIN))
    bench.begin("a", waits=(PAID,))
    assert bench.store.would_meet(signal(bench)) == (first, 2)
    bench.store.store_signal(signal(bench))
    assert bench.store.would_meet(signal(bench, "s2")) == (bench.read("a"), 1)


@case
def a_wait_is_told_to_whoever_addresses_its_chain(bench: Bench) -> None:
    first = bench.begin(waits=(SignalWait(1, "other", None),))
    bench.commit(bench.after(first, Nothing(), status="completed", ended=bench.clock.now(), next="i~2"))
    second = bench.begin("i~2", chain="i", previous="i", waits=(SignalWait(3, "paid", None),))
    for instance in ("i", "i~2"):
        assert bench.store.would_meet(signal(bench, key=None, instance=instance)) == (second, 3)
    for instance, name in (("i", "other"), ("nobody", "paid"), ("i", "never")):
        assert bench.store.would_meet(signal(bench, key=None, instance=instance, name=name)) is None


@case
def it_is_stored_as_taken_with_the_slice(bench: Bench) -> None:
    bench.begin(waits=(PAID,))
    sent = signal(bench, payload_json='{"amount":100.1}')
    outcome = bench.commit(taking(bench, sent, waits=(PAID_AGAIN,)))
    assert (outcome.kind, outcome.instance, outcome.revision) == ("committed", "i", 2)
    assert states(bench) == [("s1", "taken", '["i/1"]')]
    (stored,) = bench.store.upkeep.signals(SignalQuery(id="s1"))
    assert stored.row == sent
    assert bench.store.letters(state=None) == []
    assert list(bench.store.pending("i")) == [("signal", 2)]
    assert list(bench.store.store_signal(sent)) == [], "it is known"
    assert list(bench.store.store_signal(signal(bench, "s2"))) == ["i"], "the wait that it has opened is met"
    assert arrived(bench) == [("i", 2, "s2")]


@case
def it_belongs_to_the_chain_that_it_was_sent_to(bench: Bench) -> None:
    bench.begin(waits=(SignalWait(1, "paid", None),))
    sent = signal(bench, key=None, instance="i")
    assert bench.commit(taking(bench, sent, waits=(SignalWait(2, "paid", None),))).kind == "committed"
    assert states(bench) == [("s1", "taken", '["i/1"]')]
    assert [one.row.id for one in bench.store.upkeep.signals(SignalQuery(instance="i"))] == ["s1"]


@case
def what_it_starts_may_end_the_instance_or_leave_other_waits(bench: Bench) -> None:
    bench.begin("a", waits=(PAID, SignalWait(2, "never", None)), messages=(message("a", "timer", ready=2**60),))
    assert bench.commit(taking(bench, signal(bench), waits=())).kind == "committed"
    assert list(bench.store.pending("a")) == [("timer", 0), ("signal", 2)]
    bench.begin("b", waits=(PAID,))
    over = taking(bench, signal(bench, "s2"), status="completed", ended=bench.clock.now())
    assert bench.commit(over).kind == "committed"
    assert [bench.read(id).row.status for id in ("a", "b")] == ["waiting", "completed"]
    assert states(bench) == [("s1", "taken", '["a/1"]'), ("s2", "taken", '["b/1"]')]


@case
def nothing_is_done_where_the_wait_is_gone(bench: Bench) -> None:
    """Its message may lie with the dead letters: then nothing else shows that it was met."""
    bench.begin(waits=(PAID, SignalWait(2, "never", None)))
    late = taking(bench, signal(bench, "late"))
    bench.store.store_signal(signal(bench))
    assert bench.commit(late).kind == "behind"
    claim = bench.claim()[0]
    assert bench.commit(late).kind == "behind", "it is being taken"
    bench.kill(claim)
    assert bench.commit(late).kind == "fenced"
    assert states(bench) == [("s1", "taken", '["i/1"]')]
    assert bench.read().row.revision == 1


@case
def nothing_is_done_where_the_signal_is_known(bench: Bench) -> None:
    bench.begin("a", waits=(PAID,))
    assert bench.commit(taking(bench, signal(bench))).kind == "committed"
    bench.begin("b", waits=(PAID,))
    assert bench.commit(taking(bench, signal(bench))).kind == "fenced"
    assert (states(bench), bench.read("b").row.revision) == ([("s1", "taken", '["a/1"]')], 1)
    assert list(bench.store.pending("b")) == [("signal", 1)]


@case
def nothing_is_done_where_the_instance_has_moved_on(bench: Bench) -> None:
    stored = bench.begin(waits=(PAID, SignalWait(2, "never", None)))
    late = taking(bench, signal(bench))
    assert bench.commit(bench.after(stored, Nothing())).kind == "committed"
    assert bench.commit(late) == Outcome("conflict", "i", 2)
    assert states(bench) == []


@case
def stored_triggers_come_first(bench: Bench) -> None:
    bench.begin(waits=(PAID,))
    bench.send(message())
    assert bench.commit(taking(bench, signal(bench))).kind == "behind"
    (claim,) = bench.claim()
    assert bench.commit(bench.after(claim.stored, claim.consumes)).kind == "committed"
    assert bench.commit(taking(bench, signal(bench))).kind == "committed"
    stored = bench.begin("j", waits=(PAID,))
    assert bench.commit(bench.after(stored, Nothing(), status="suspended", holds=True)).kind == "committed"
    assert bench.commit(taking(bench, signal(bench, "s2"))).kind == "behind"
    assert [one[0] for one in states(bench)] == ["s1"]


@case
def several_at_once_and_one_that_is_refused(bench: Bench) -> None:
    for number in range(4):
        bench.begin(f"i{number}", waits=(SignalWait(1, "paid", f'"{number}"'),))
    sent = [signal(bench, f"s{number}", key=f'"{number}"') for number in range(4)]
    batch = [taking(bench, one) for one in sent]
    assert list(bench.store.store_signal(sent[2])) == ["i2"]
    assert [one.kind for one in bench.store.commit(batch)] == ["committed", "committed", "behind", "committed"]
    assert sorted(one[:2] for one in states(bench)) == [(f"s{number}", "taken") for number in range(4)]
    assert arrived(bench) == [("i2", 1, "s2")]
    bench.begin("new", waits=(PAID,))
    begins, replied = bench.start("i9", waits=(PAID_AGAIN,)), bench.begin("i8", waits=(PAID_AGAIN,))
    together = [begins, taking(bench, signal(bench, "with others")), bench.after(replied, Nothing())]
    assert [one.kind for one in bench.store.commit(together)] == ["committed"] * 3


@case
def of_two_signals_that_meet_one_wait_one_is_kept(bench: Bench) -> None:
    other = bench.open()
    for number, first_at_once in enumerate((True, False)):
        key, id = f'"P-{number}"', f"i{number}"
        bench.begin(id, waits=(SignalWait(1, "paid", key),))
        one, two = (signal(bench, f"{id} {which}", key=key) for which in ("one", "two"))
        late = taking(bench, one, waits=(SignalWait(2, "never", None),))
        kinds: list[str] = []

        def at_once(late: Mutation = late, kinds: list[str] = kinds) -> None:
            kinds.append(bench.commit(late, bench.store if first_at_once else other).kind)  # noqa: B023

        def stored(two: SignalRow = two) -> None:
            (other if first_at_once else bench.store).store_signal(two)  # noqa: B023

        meet(bench, *((at_once, stored) if first_at_once else (stored, at_once)))
        assert kinds == ["committed" if first_at_once else "behind"]
    assert states(bench) == [
        ("i0 one", "taken", '["i0/1"]'), ("i0 two", "kept", "[]"), ("i1 two", "taken", '["i1/1"]'),
    ]  # fmt: skip
    assert arrived(bench) == [("i1", 1, "i1 two")]


@case
def a_wait_that_it_opens_meets_what_is_kept(bench: Bench) -> None:
    bench.begin(waits=(PAID,))
    early = signal(bench, "early", name="next", key='"N"')
    bench.store.store_signal(early)
    opened = taking(bench, signal(bench), waits=(SignalWait(2, "next", '"N"'),))
    outcome = bench.commit(opened)
    assert (outcome.kind, outcome.met) == ("committed", True)
    assert arrived(bench) == [("i", 2, "early")]
    assert states(bench) == [("early", "taken", '["i/2"]'), ("s1", "taken", '["i/1"]')]
