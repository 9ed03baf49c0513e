"""Gate: on PostgreSQL, the engine beside the smallest thing that does the same, in one run on one server.

- one-step instances, 16 in flight, a second: at least 0.2 of the floor's single statements by 16 clients (which claim,
  compare, write 1 KB and two rows of history, and delete), and 0.22 where the clients are coroutines of one thread;
- a signal in three processes: p50 at most 1.5 times the smallest bus's one at a time, and 1.6 times with 16 in flight;
- one at a time that a worker takes: 2.8 times (1.8 on an idle machine).

Medians of rounds that alternate. ``ARMILLARY_POSTGRESQL`` names a server; without it, one is started."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(FOLDER / "postgresql"), str(FOLDER.parent / "tests" / "_servers")]

import floor  # noqa: E402
import loads  # noqa: E402
from postgresql import any_server  # noqa: E402

ROUNDS, SECONDS = 5, 1.0
LEAST: dict[loads.Clients, float] = {"threads": 0.2, "coroutines": 0.22}
"""By what the clients are."""
MOST: dict[tuple[int, Literal["one", "all"]], float] = {(1, "one"): 1.5, (1, "all"): 2.8, (16, "one"): 1.6}
"""By signals in flight, and whether a worker must take them (``all``)."""


def measure(server: str) -> dict[str, float]:
    """The ratios of one round."""
    base = floor.one_statement(server, SECONDS, 16)
    found = {}
    for what in LEAST:
        found[what] = loads.one_step(server, SECONDS, 16, what=what)["per_second"] / base["per_second"]
    for count, mode in MOST:
        bus, signals = floor.bus(server, SECONDS, count), loads.signals(server, SECONDS, count, mode=mode)
        found[_name(count, mode)] = signals["p50"] / bus["p50"]
    return found


def _name(count: int, mode: str) -> str:
    return f"signals{' by a worker' if mode == 'all' else ''}, {count} in flight"


def main() -> int:
    """Measures, prints, and says whether the limits hold."""
    with any_server() as server:
        rounds = [measure(server) for _ in range(ROUNDS)]
    middle = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    for what, least in LEAST.items():
        print(f"one-step, 16 {what}: {middle[what]:.2f} of the floor (least: {least})")
    limits = {_name(*key): most for key, most in MOST.items()}
    for name, most in limits.items():
        print(f"{name}: p50 {middle[name]:.2f} times the bus's (most: {most})")
    slow = [name for name, most in limits.items() if middle[name] > most]
    return int(bool(slow) or any(middle[what] < least for what, least in LEAST.items()))


if __name__ == "__main__":
    sys.exit(main())
