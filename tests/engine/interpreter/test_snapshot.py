"""Snapshots as bytes: canonical, exact, stable for ever; and history that replays to the state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from armillary_engine.definition.model import (
    Address,
    Call,
    Each,
    Fail,
    Fork,
    ForkBranch,
    Handler,
    Reference,
    Repeat,
    RetryPolicy,
    Set,
    Signal,
    Step,
    Subworkflow,
    Task,
    Timer,
    Try,
)
from armillary_engine.definition.values import loads
from armillary_engine.interpreter import Parent, SnapshotError, decode, encode, new_snapshot, replay
from armillary_engine.interpreter.commands import Event
from armillary_engine.interpreter.snapshot import SCHEMA
from armillary_engine.interpreter.triggers import Retry
from hypothesis import given
from hypothesis import strategies as st

from .world import T0, World, const, e, workflow

FIXTURES = Path(__file__).parent / "fixtures"


# ── what the fixtures were made from ─────────────────────────────────────────────────────────────────────────────────


def waiting() -> World:
    """An instance that holds nearly all that a snapshot can hold."""
    call = Call("call", Address("rating", "quote"), e("amount"), retry=RetryPolicy(attempts=3, backoff="PT5S"))
    turns = Each("turns", e("[1.5, 2.5, 3.5]"), "x", (Set("y", {"y": e("x * 2")}), Task("ask", "Ask")),
                 parallel=2, collect=e("y"), result="answers")  # fmt: skip
    naps = Repeat("loop", (Timer("nap", after=e("'P1D'")),), test=e("True"))
    in_order = Each("order", e("['a', 'b']"), "item", (naps,), collect=e("item"), result="items")
    handler = Handler(("bad",), (Signal("paid", "payment", match=e("{'id': error.code}"), timeout="P14D"),), "problem")
    handling = Try("try", (Fail("fail", e("'bad.luck'"), e("'it happened'")),), (handler,))
    booked = Try("book", (Set("booking", {"booking": e("{'no': 17, 'price': 99.95}")}),),
                 compensate=(Call("undo", Address("book", "undo"), e("booking.no")),))  # fmt: skip
    child = Subworkflow("child", "Child", e("amount"), timeout="P1D")
    branches: tuple[Step, ...] = (call, turns, in_order, handling, child)
    fork = Fork("fork", tuple(ForkBranch(str(index), (step,)) for index, step in enumerate(branches)), 4)
    start = Set("start", {"amount": e("input.amount"), "words": e("['ä', '\\u2028', '\"', '']"), "none": const(None)})
    world = World(
        workflow(Reference("ref", e("'P-1'"), {"year": e("2025")}), start, booked, fork, version="1.0.0"),
        workflow(Task("inside", "Inside"), name="Child", version="1.0.0"),
    )
    world.start({"amount": Decimal("12345678901234567890.12345678901234"), "big": 10**33, "small": Decimal("1E-30")})
    world.break_call("call")
    world.answer("ask", "yes")
    return world


def long_run() -> World:
    """An instance between two slices, that is a child and the second of its chain."""
    world = World(workflow(Set("s", {"n": e("0")}), Repeat("r", (Set("b", {"n": e("n + 1")}),), test=e("n < 5000")),
                           version="1.0.0"))  # fmt: skip
    world.main = "i"
    world._create("i", "W", None, Parent("p", 3), None)
    chain = msgspec.structs.replace(world.snapshot.chain, root="h", number=2, previous="h")
    world.it.snapshot = msgspec.structs.replace(world.snapshot, chain=chain)
    world.slice("i", world.it.queue.popleft())
    return world


def failed() -> World:
    """An instance whose compensation failed."""
    undo = (Call("undo", Address("book", "undo"), e("n")),)
    first = Try("first", (Set("a", {"n": e("1")}),), compensate=undo)
    second = Try("second", (Set("b", {"n": e("2")}),), compensate=(Call("undo2", Address("book", "undo"), e("n")),))
    world = World(workflow(first, second, Set("c", {"n": e("n / 0")}), version="1.0.0")).start()
    return world.break_call("undo2", "failure.down")


MADE: dict[str, Callable[[], World]] = {"waiting": waiting, "long-run": long_run, "failed": failed}


def fixture(name: str) -> bytes:
    return (FIXTURES / f"snapshot-1-{name}.json").read_bytes().rstrip(b"\n")


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", MADE)
def test_what_was_written_once_is_read_for_ever_and_written_the_same(name: str) -> None:
    snapshot = decode(fixture(name))
    assert encode(snapshot) == fixture(name)
    assert loads(fixture(name)) == loads(encode(snapshot))


@pytest.mark.parametrize("name", MADE)
def test_the_same_run_gives_the_same_bytes_as_ever(name: str) -> None:
    assert encode(MADE[name]().snapshot) == fixture(name)


def test_an_instance_goes_on_from_what_was_written_once() -> None:
    world = waiting()
    world.it.snapshot = decode(fixture("waiting"))
    world.answer("ask").answer("ask").reply("call").signal("paid").answer("inside", None, "i:18")
    assert world.status == "completed"
    world = failed()
    world.it.snapshot = decode(fixture("failed"))
    world.give(Retry()).reply("undo2").reply("undo")
    assert (world.status, world.error) == ("failed", "expression.division-by-zero")
    world = long_run()
    world.it.snapshot = decode(fixture("long-run"))
    world.it.parent = None
    world.run()
    assert world.state == {"n": 5000}


def test_numbers_are_exact_in_bytes() -> None:
    state = decode(fixture("waiting")).input
    assert state == {
        "amount": Decimal("12345678901234567890.12345678901234"), "big": 10**33, "small": Decimal("1E-30"),
    }  # fmt: skip
    assert type(state["big"]) is int


def test_a_fresh_snapshot_says_what_it_is() -> None:
    fresh = new_snapshot(instance="i", workflow="W", version="1", digest="d", now=T0)
    assert encode(fresh) == (
        b'{"schema":1,"instance":"i","workflow":"W","version":"1","digest":"d","chain":{"root":"i"},'
        b'"created":1750000000000000,"now":1750000000000000}'
    )


def test_every_form_has_fixtures_and_today_reads_them_all() -> None:
    kept = {path: int(path.stem.split("-")[1]) for path in FIXTURES.glob("snapshot-*.json")}
    assert set(kept.values()) == set(range(1, SCHEMA + 1)), "whoever raises the form keeps fixtures of the last one"
    for path in kept:
        assert decode(path.read_bytes().rstrip(b"\n")).schema == SCHEMA


# ── other forms ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_newer_form_is_refused_so_that_the_worker_leaves_it() -> None:
    newer = fixture("waiting").replace(b'"schema":1', b'"schema":2', 1).replace(b'"serial":', b'"unheard-of":')
    with pytest.raises(SnapshotError) as raised:
        decode(newer)
    assert raised.value.code == "snapshot.newer"
    assert "expected a snapshot of form 1 or older, got 2" in raised.value.message


def test_an_older_form_is_upgraded_step_by_step() -> None:
    def upgrade(document: dict[str, Any]) -> dict[str, Any]:
        document["workflow"] = document.pop("definition")
        return document

    old = fixture("waiting").replace(b'"schema":1', b'"schema":0', 1).replace(b'"workflow":"W"', b'"definition":"W"', 1)
    assert decode(old, upgrades={0: upgrade}) == decode(fixture("waiting"))
    with pytest.raises(SnapshotError, match="form 0 never existed"):
        decode(old)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"null", b"[]", b'"schema"', b"{}", b'{"schema":"1"}', b'{"schema":-1}', b'{"schema":1}',
        b"\xff\xfe",
        b'{"schema":1,"instance":"i","workflow":"W","version":"1","digest":"d","chain":{"root":"i"},"created":1,"more":1}',
        b"[" * 50_000,
    ],
)  # fmt: skip
def test_other_bytes_are_refused_with_a_code(data: bytes) -> None:
    with pytest.raises(SnapshotError) as raised:
        decode(data)
    assert raised.value.code == "snapshot.corrupt"


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_damaged_snapshot_is_read_or_refused_and_nothing_else(position: int, byte: int) -> None:
    data = bytearray(fixture("waiting"))
    data[position % len(data)] = byte
    with contextlib.suppress(SnapshotError):
        decode(bytes(data))


# ── history ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_replay_gives_the_state_from_the_start_from_a_state_and_from_a_checkpoint() -> None:
    events = waiting().it.events
    whole = replay(events)
    assert whole == waiting().state
    half = len(events) // 2
    assert replay(events[half:], replay(events[:half])) == whole
    checkpoint = Event("checkpoint", data={"state": replay(events[:half])})
    assert replay([Event("x", patch=(("gone", 1),)), checkpoint, *events[half:]]) == whole


def test_replay_applies_removals() -> None:
    events = [
        Event("x", patch=(("a", {"b": 1, "c": 2}), ("d", 1))),
        Event("x", patch=(("a.b",), ("d",), ("e",), ("d.e",))),
    ]
    assert replay(events) == {"a": {"c": 2}}
