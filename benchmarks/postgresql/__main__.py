"""One-step instances, signal round trips, backlogs and deadlines on PostgreSQL, beside a floor in the same run on the
same server.

    python benchmarks/postgresql [--url postgresql://…] [--seconds 3] [--rounds 3] [--only NAME …] [--json FILE]

Without ``--url`` a server is started as for the tests, on this machine's disk with ``fsync`` and ``synchronous_commit``
on. *One-step*: instances of a workflow with one call, started by 1, 4, 8 and 16 clients in one process or two, each of
which waits until its instance has ended; counted are completed ones. Clients are threads, or coroutines of one
thread. *Signals*: publisher, worker and observer in three
processes; from sending to the observer's callback of the resumed slice, which the publisher commits itself where it
sends one at a time; *by a worker*: which always the worker commits. *Floor*: one statement that claims, compares
and sets a 1 KB snapshot, writes two rows of history and deletes the message; and the smallest bus, also in three
processes. *Backlog*: due signals that a worker meets when it starts; once beside a session that has read and stays
idle in its transaction, so that nothing that is deleted meanwhile is cleared away. *Delayed*: from due to the
observer's callback. *Beside*: one-step instances in a store where many others wait. Rounds alternate, so that all meet
the same machine; medians are reported."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1] / "tests" / "_servers")]

import floor  # noqa: E402
import loads  # noqa: E402
from measuring import Figures  # noqa: E402
from postgresql import any_server  # noqa: E402

CLIENTS = (1, 4, 8, 16)
SHOWN = {
    "per_second": "a second", "p50": "p50 ms", "p95": "p95", "p99": "p99", "client_cpu_each": "own us",
    "server_cpu_each": "server us", "commits_each": "commits", "fsyncs_each": "fsyncs", "wal_bytes_each": "WAL bytes",
    "last_to_first": "last/first",
}  # fmt: skip
FLOOR_OF = {
    "one-step, 1": "floor, 1", "one-step, 1 coroutine": "floor, 1", "one-step": "floor, 16", "signals, 1": "bus, 1",
    "signals by a worker, 1": "bus, 1", "signals, 16": "bus, 16", "signals by a worker, 16": "bus, 16",
}  # fmt: skip


def plan(server: str, seconds: float) -> dict[str, Callable[[], Figures]]:
    """What is measured in each round, by name."""
    work: dict[str, Callable[[], Figures]] = {}
    for count in (1, 16):
        work[f"floor, {count}"] = lambda n=count: floor.one_statement(server, seconds, n)  # type: ignore[misc]
    for count in CLIENTS:
        work[f"one-step, {count}"] = lambda n=count: loads.one_step(server, seconds, n)  # type: ignore[misc]
    for count in CLIENTS[1:]:
        work[f"one-step, {count} in two processes"] = lambda n=count: loads.one_step(server, seconds, n, 2)  # type: ignore[misc]
    for count in CLIENTS:
        name = f"one-step, {count} coroutine{'s' * (count > 1)}"
        work[name] = lambda n=count: loads.one_step(server, seconds, n, what="coroutines")  # type: ignore[misc]
    for count in (1, 16):
        work[f"bus, {count}"] = lambda n=count: floor.bus(server, seconds, n)  # type: ignore[misc]
        work[f"signals, {count}"] = lambda n=count: loads.signals(server, seconds, n)  # type: ignore[misc]
        work[f"signals by a worker, {count}"] = lambda n=count: loads.signals(server, seconds, n, mode="all")  # type: ignore[misc]
    return work


def large(server: str, seconds: float, backlog: int, stored: int) -> dict[str, Callable[[], Figures]]:
    """What is measured once, since it must be stored before."""
    return {
        "backlog": lambda: loads.drain(server, backlog),
        "backlog, two workers": lambda: loads.drain(server, backlog, 2),
        "backlog beside an old transaction": lambda: loads.drain(server, backlog, beside=loads.old_transaction(server)),
        "delayed": lambda: loads.delayed(server, backlog, 200, 2 * seconds),
        "one-step, 16 beside 1,000": lambda: loads.beside(server, seconds, 1_000),
        f"one-step, 16 beside {stored:,}": lambda: loads.beside(server, seconds, stored),
    }


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="the server; without one, a server is started")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="medians are reported")
    parser.add_argument("--only", nargs="*", help="figures whose names begin with one of these")
    parser.add_argument("--large", action="store_true", help="backlog, deadlines and many stored instances too")
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--stored", type=int, default=200_000)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    given = parser.parse_args()
    found: dict[str, list[Figures]] = {}

    def run(work: dict[str, Callable[[], Figures]]) -> None:
        for name, measure in work.items():
            if given.only is None or any(name.startswith(one) for one in given.only):
                found.setdefault(name, []).append(measure())
                print(f"  {name}: {found[name][-1]['per_second']:.0f} a second", file=sys.stderr, flush=True)

    with contextlib.nullcontext(given.url) if given.url else any_server() as server:
        for _ in range(given.rounds):
            run(plan(server, given.seconds))
        if given.large:
            run(large(server, given.seconds, given.backlog, given.stored))
        with psycopg.connect(server) as connection:
            version = connection.execute("SHOW server_version").fetchone()
    report(found)
    print(f"PostgreSQL {version and version[0]}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(
        f"medians of {given.rounds} rounds of {given.seconds:g} s; own us: of the clients' processes, for each instance"
    )
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


def report(found: dict[str, list[Figures]]) -> None:
    """Medians, and their ratio to the floor: of rates, for signals of medians of latency."""
    print(f"{'':34}" + "".join(f"{title:>11}" for title in SHOWN.values()) + f"{'to floor':>10}")
    middle = {
        name: {key: statistics.median(one[key] for one in rounds if key in one) for key in rounds[0]}
        for name, rounds in found.items()
    }
    for name, figures in middle.items():
        cells = []
        for key in SHOWN:
            value = figures.get(key)
            scale = 1e6 if key.endswith("cpu_each") else 1
            cells.append(f"{'':>11}" if value is None else f"{value * scale:>11,.2f}")
        of = FLOOR_OF.get(name) or (FLOOR_OF["one-step"] if name.startswith("one-step") else "")
        base = middle.get(of)
        ratio = ""
        if base is not None:
            by = "p50" if name.startswith("signals") else "per_second"
            ratio = f"{figures[by] / base[by]:>10.2f}"
        print(f"{name:34}{''.join(cells)}{ratio}")


if __name__ == "__main__":
    main()
