"""One-call instances on SQLite, beside a bare loop of the same shape in the same run.

    python benchmarks/sqlite.py [--instances 1000] [--rounds 5] [--folder DIR] [--json FILE]

*Bare*: two transactions of eight statements and 2 KB each for every instance, WAL, ``synchronous=FULL``, one
connection, no engine. *Engine*: instances of a workflow with one call and 1 KB of state, started and completed, by 1,
4 and 16 clients that each start an instance and wait until it has ended. Counted are completed instances a second;
latency is from ``start`` to the commit of the end being told. Either is measured after some instances that are not
counted: a log that still grows takes twice as long to reach the disk as one that is written anew from its beginning.
Rounds of both alternate, so that they meet the same machine; the share of bare is the median of the shares of each
round."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

from armillary_engine.local import LocalRuntime

sys.path.insert(0, str(Path(__file__).parent))
from clients import Figure, cpu_seconds, figure, median, one_call, rating, start_and_wait, together

CLIENTS = (1, 4, 16)
BARE = "bare"
WARM_UP = 240
"""Instances that are not counted: until the logs of both begin anew (SQLite's 1,000 pages, and the engine's 4,000)."""

# ── bare ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

BARE_TABLES = """
    CREATE TABLE instances (id TEXT PRIMARY KEY, revision INTEGER, snapshot BLOB);
    CREATE TABLE history (instance TEXT, number INTEGER, data TEXT, PRIMARY KEY (instance, number)) WITHOUT ROWID;
    CREATE TABLE calls (instance TEXT PRIMARY KEY, data TEXT);
    CREATE TABLE messages (seq INTEGER PRIMARY KEY, instance TEXT, ready INTEGER);
    CREATE INDEX messages_ready ON messages (ready);
"""


def bare(folder: Path, instances: int) -> Figure:
    """The floor: what such rows cost without an engine."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(BARE_TABLES)
    for number in range(WARM_UP):
        _bare_instance(connection, f"instance-{number:012}")
    latencies, began, cpu = [], time.perf_counter(), cpu_seconds()
    for number in range(WARM_UP, WARM_UP + instances):
        start = time.perf_counter()
        _bare_instance(connection, f"instance-{number:012}")
        latencies.append(time.perf_counter() - start)
    elapsed, used = time.perf_counter() - began, cpu_seconds() - cpu
    connection.close()
    return figure(BARE, latencies, elapsed, used)


def _bare_instance(connection: sqlite3.Connection, instance: str) -> None:
    run, event = connection.execute, "x" * 250
    run("BEGIN IMMEDIATE")
    run("SELECT revision FROM instances WHERE id = ?", (instance,)).fetchall()
    run("INSERT INTO instances VALUES (?, 1, ?)", (instance, b"x" * 1000))
    for number in (1, 2, 3):
        run("INSERT INTO history VALUES (?, ?, ?)", (instance, number, event))
    run("INSERT INTO calls VALUES (?, ?)", (instance, event))
    seq = run("INSERT INTO messages (instance, ready) VALUES (?, ?)", (instance, time.time_ns())).lastrowid
    run("SELECT 1 FROM messages WHERE ready < 0 LIMIT 1").fetchall()
    run("COMMIT")
    run("BEGIN IMMEDIATE")
    run("SELECT revision, snapshot FROM instances WHERE id = ?", (instance,)).fetchall()
    run("UPDATE instances SET revision = 2, snapshot = ? WHERE id = ?", (b"y" * 1000, instance))
    for number in (4, 5, 6):
        run("INSERT INTO history VALUES (?, ?, ?)", (instance, number, event))
    run("DELETE FROM calls WHERE instance = ?", (instance,))
    run("DELETE FROM messages WHERE seq = ?", (seq,))
    run("SELECT 1 FROM messages WHERE ready < 0 LIMIT 1").fetchall()
    run("COMMIT")


# ── engine ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def engine(folder: Path, instances: int, clients: int) -> Figure:
    """Instances started and completed by so many clients."""
    runtime = LocalRuntime(f"sqlite:///{folder}/engine-{clients}.sqlite")
    runtime.register_service("rating", rating)
    runtime.deploy(one_call())
    latencies, lock = list[float](), threading.Lock()

    def warm_up() -> None:
        for number in range(WARM_UP // clients):
            start_and_wait(runtime, number)

    def client() -> None:
        mine = [start_and_wait(runtime, number) for number in range(instances // clients)]
        with lock:
            latencies.extend(mine)

    together(warm_up, clients)
    began, cpu = time.perf_counter(), cpu_seconds()
    together(client, clients)
    found = figure(name_of(clients), latencies, time.perf_counter() - began, cpu_seconds() - cpu)
    runtime.close()
    return found


def name_of(clients: int) -> str:
    """What a way is called."""
    return f"engine, {clients} at a time"


# ── report ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure(instances: int, rounds: int, folder: Path) -> dict[str, list[Figure]]:
    """All figures of all rounds, by name. Each way comes right after the bare loop that it is compared with."""
    figures: dict[str, list[Figure]] = {}
    for number in range(rounds):
        for clients in CLIENTS:
            place = folder / f"{number}-{clients}"
            place.mkdir()
            for found in (bare(place, instances), engine(place, instances, clients)):
                figures.setdefault(found.name, []).append(found)
    return figures


def share(figures: dict[str, list[Figure]], clients: int) -> float:
    """What part of the bare loop's instances so many clients get done: the median over the rounds."""
    bare_ones = figures[BARE][CLIENTS.index(clients) :: len(CLIENTS)]
    pairs = zip(figures[name_of(clients)], bare_ones, strict=True)
    return statistics.median(one.per_second / base.per_second for one, base in pairs)


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=1000, help="instances in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; medians are reported")
    parser.add_argument("--folder", type=Path, help="where the files are made: a disk, not memory")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        figures = measure(given.instances, given.rounds, Path(folder))
    shares = {name_of(clients): f"{100 * share(figures, clients):.0f} %" for clients in CLIENTS}
    print(f"{'':24}{'a second':>10}{'of bare':>9}{'p50 ms':>9}{'p95':>8}{'p99':>8}{'worst':>8}{'CPU':>6}")
    for one in map(median, figures.values()):
        print(
            f"{one.name:24}{one.per_second:>10.0f}{shares.get(one.name, ''):>9}{one.p50:>9.2f}{one.p95:>8.2f}"
            f"{one.p99:>8.2f}{one.worst:>8.1f}{one.cpu:>6.2f}"
        )
    load = os.getloadavg()[0]
    print(f"medians of {given.rounds} rounds of {given.instances}; load of the machine {load:.1f}")
    if given.json:
        given.json.write_text(json.dumps({name: [asdict(f) for f in of] for name, of in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
