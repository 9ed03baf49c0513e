"""Hostile values: what is stored comes back as it was, to the byte and to the microsecond."""

from __future__ import annotations

from ...mutation import Nothing
from ...rows import CallRow, SignalWait
from .harness import Bench, case, message

TEXTS = ["", " ", "'", '"', "\\", "%_!", "ß→🧭", "x" * 5000, "NULL", "\t\n", "1e400"]
NUMBERS = "[9999999999999999999999999999999999,0.1,1.234567890123456789012345678901234E-6143,-1E+6144,0]"
FOREVER = SignalWait(1, "never", None)


@case
def texts_come_back_as_they_were(bench: Bench) -> None:
    for number, text in enumerate(TEXTS):
        instance = f"i{number}"
        call = bench.call(instance, 2, operation=text, key=text)
        bench.begin(instance, waits=(SignalWait(1, "n" + text, text),), reference=text, key=text, calls=(call,))
        stored = bench.read(instance).row
        assert (stored.reference, stored.key) == (text, text)
        assert bench.store.by_key("Case", text) == instance
    calls = {call.instance: call for call in bench.claim_calls(rating=100)}
    assert [calls[f"i{number}"].operation for number in range(len(TEXTS))] == TEXTS


@case
def numbers_and_microseconds_come_back_as_they_were(bench: Bench) -> None:
    due = bench.clock.now() + 1
    call = bench.call(arguments_json=NUMBERS, deadline=2**62, ready=due)
    bench.begin(calls=(call,), parts_json=NUMBERS)
    assert bench.read().row.parts_json == NUMBERS
    assert bench.store.due(services=("rating",)) == due
    assert bench.claim_calls() == []
    bench.clock.advance(microseconds=1)
    (claimed,) = bench.claim_calls()
    assert isinstance(claimed, CallRow)
    assert (claimed.arguments_json, claimed.deadline) == (NUMBERS, 2**62)


@case
def a_mebibyte_of_state_comes_back_as_it_was(bench: Bench) -> None:
    snapshot = bytes(range(256)) * 4096
    stored = bench.begin(snapshot=snapshot, waits=(FOREVER,))
    assert stored.snapshot == snapshot
    bench.commit(bench.after(stored, Nothing(), snapshot=snapshot[::-1]))
    assert bench.read().snapshot == snapshot[::-1]
    bench.send(message(body=snapshot))
    (claim,) = bench.claim()
    assert (claim.letter.message.body, claim.stored.snapshot) == (snapshot, snapshot[::-1])


@case
def an_empty_snapshot_is_a_snapshot(bench: Bench) -> None:
    assert bench.begin(snapshot=b"", waits=(FOREVER,)).snapshot == b""
