"""How many slices a second one core interprets: a signal comes, state is set, the next wait opens, with 1 KB of state.

On objects (a snapshot in, a slice out), and from bytes to bytes: the stored snapshot is read, the new one written, and
every event's patch encoded for the history. Run alone on an idle machine:

    python benchmarks/interpreter.py [--seconds 3] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import platform
import pstats
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from armillary_engine.definition.expressions import parse
from armillary_engine.definition.model import Definition, Get, Repeat, Set, Signal
from armillary_engine.definition.values import dumps
from armillary_engine.interpreter import Program, Slice, Snapshot, decode, encode, interpret, new_snapshot, prepare
from armillary_engine.interpreter.triggers import SignalArrived, Start

STATE_BYTES = 1024
TARGETS = {"objects": 20_000, "bytes": 8_000}


def workflow() -> Definition:
    """A loop that takes a payment by signal and adds it up."""
    body = (
        Signal("payment", "payment-received", match=Get("input.policy"), result="payment"),
        Set("add", {"paid": parse("paid + payment.amount"), "count": parse("count + 1")}),
    )
    start = Set("begin", {"paid": parse("0"), "count": parse("0"), "policy": Get("input.details")})
    return Definition("Payments", (start, Repeat("payments", body, test=parse("count < 1000000000"))))


def waiting_instance(program: Program) -> Snapshot:
    """An instance that waits for a payment, with state of about 1 KB."""
    insured = [{"name": f"Insured person {i}", "born": f"198{i}-04-1{i}", "share": Decimal("12.5")} for i in range(8)]
    details = {"holder": "Example Holder", "kind": "household", "premium": Decimal("1250.75"), "insured": insured}
    details["note"] = "x" * max(0, STATE_BYTES - 60 - len(dumps(details)))
    fresh = new_snapshot(
        instance="benchmark", workflow=program.name, version=program.version, digest=program.digest, now=1
    )
    return interpret(program, fresh, Start({"policy": "P-1", "details": details}), 1).snapshot


def payment(snapshot: Snapshot) -> SignalArrived:
    """The signal that the instance waits for."""
    value = {"amount": Decimal("100.10"), "currency": "EUR", "reference": "invoice 17", "by": "bank transfer"}
    return SignalArrived(snapshot.frames[-1].visit, "signal-1", "payment-received", value)


def on_objects(program: Program, snapshot: Snapshot) -> Callable[[], Slice]:
    """One slice from a snapshot in memory."""
    trigger, now = payment(snapshot), snapshot.now + 1_000_000
    return lambda: interpret(program, snapshot, trigger, now)


def on_bytes(program: Program, snapshot: Snapshot) -> Callable[[], tuple[bytes, list[bytes]]]:
    """One slice from the stored bytes to the bytes that are stored: the snapshot and each event's patch and data."""
    stored, trigger, now = encode(snapshot), payment(snapshot), snapshot.now + 1_000_000

    def once() -> tuple[bytes, list[bytes]]:
        result = interpret(program, decode(stored), trigger, now)
        return encode(result.snapshot), [dumps([event.data, event.patch]) for event in result.events]

    return once


def rate(work: Callable[[], Any], seconds: float) -> dict[str, float]:
    """Slices a second: the median of windows of a tenth of a second, and the best and the worst."""
    for _ in range(2_000):
        work()
    gc.collect()
    rates = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        count, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < 0.1:
            for _ in range(50):
                work()
            count += 50
        rates.append(count / (time.perf_counter() - begun))
    return {"median": statistics.median(rates), "best": max(rates), "worst": min(rates)}


def main() -> None:
    """Measures and prints; with ``--json`` for the gates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    program = prepare(workflow())
    snapshot = waiting_instance(program)
    ways = {"objects": on_objects(program, snapshot), "bytes": on_bytes(program, snapshot)}
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: [ways["objects"]() for _ in range(20_000)])
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    measured = {way: rate(work, options.seconds) for way, work in ways.items()}
    if options.json:
        print(json.dumps(measured))
        return
    sizes = f"state {len(dumps(snapshot.state)):,} bytes, snapshot {len(encode(snapshot)):,}"
    print(f"Python {platform.python_version()}, {sizes}")
    for way, result in measured.items():
        share = result["median"] / TARGETS[way]
        print(
            f"{way:8} {result['median']:>9,.0f} slices/s (best {result['best']:,.0f}, worst {result['worst']:,.0f}), "
            f"{1e6 / result['median']:.1f} µs each; target {TARGETS[way]:,}: {share:.2f} ×"
        )


if __name__ == "__main__":
    main()
