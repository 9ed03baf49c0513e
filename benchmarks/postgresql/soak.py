"""Soak: a PostgreSQL server works on and on, and nothing drifts.

    python benchmarks/postgresql/soak.py [--minutes 2] [--rate 40] [--json FILE]

Two worker processes; clients start instances at a steady rate, each with a call, a signal and a timer; retention runs
every ten seconds. Every five seconds: the latency of what ended since, memory of the workers and of this process,
connections, and the size of each table. The first quarter warms up; then the last third is held against the first.
Ends with 1 where something grew beyond its limit, where an instance was lost, or where ``db check`` finds a defect."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1] / "tests" / "_servers")]

from armillary_engine.definition import model as m  # noqa: E402
from armillary_engine.local import LocalRuntime  # noqa: E402
from armillary_engine.retention import RetentionPolicy  # noqa: E402
from armillary_engine.runtime import Changed  # noqa: E402
from observations import QUEUES, Observed, tables  # noqa: E402
from postgresql import own_server  # noqa: E402

EVERY = 5.0
KEPT = timedelta(seconds=15)
TTL = 60.0
"""Seconds for which a signal is known, so that it does nothing when it comes twice; then retention takes it."""
PROCESSES = 2
CONNECTIONS = (PROCESSES + 1) * 9
"""Eight for each opening of the store, and one that listens."""
ORDER = m.Definition("Order", (
    m.Call("quote", m.Address("rating", "quote"), m.Object({"order": m.Get("input.order")}), result="quote"),
    m.Signal("paid", "paid", match=m.Get("input.order"), result="paid"),
    m.Timer("pack", after=m.Const("PT0.1S")),
    m.Complete("done", m.Get("quote.premium")),
), version="1.0.0")  # fmt: skip
HANDLERS = "def quote(request):\n    return {'premium': 12500}\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Latencies are from start to end in milliseconds, without the timer; memory in bytes."""

    at: float
    ended: int
    p50: float
    p95: float
    workers: int
    client: int
    connections: int
    queues: int
    store: int
    dead: int


class Load:
    """Starts instances at a steady rate, pays them, and notes when they end."""

    def __init__(self, runtime: LocalRuntime, rate: float) -> None:
        self._runtime = runtime
        self._pause = 1 / rate
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()
        self._latencies: list[float] = []
        self._stop = threading.Event()
        self.started = self.ended = 0
        self._subscription = runtime.subscribe(self._heard)
        self._checks: set[str] = set()
        self._ready = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._start, self._look)]
        for thread in self._threads:
            thread.start()

    def _start(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            order = f"O-{self.started}"
            began = time.monotonic()
            id = self._runtime.start("Order", {"order": order}).id
            with self._lock:
                self._began[id] = began
                self.started += 1
            self._runtime.signal("paid", {"at": order}, match=order, id=order, ttl=TTL)
            due += self._pause
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _heard(self, change: Changed) -> None:
        with self._lock:
            self._checks.add(change.instance)
        self._ready.set()

    def _look(self) -> None:
        """Asks the store, off the thread that tells, which of those that changed have ended."""
        while not self._stop.is_set() or self._began:
            if not self._ready.wait(0.5) and self._stop.is_set():
                with self._lock:
                    self._checks |= set(self._began)
            self._ready.clear()
            with self._lock:
                ids = [id for id in self._checks if id in self._began]
                self._checks.clear()
            for id, stored in self._runtime.engine.store.read(ids).items() if ids else ():
                if stored.row.ended is None:
                    continue
                with self._lock:
                    self._latencies.append((time.monotonic() - self._began.pop(id) - 0.1) * 1_000)
                    self.ended += 1

    def taken(self) -> list[float]:
        """The latencies since it was asked last."""
        with self._lock:
            taken, self._latencies = self._latencies, []
            return taken

    def stop(self) -> None:
        """Starts no more, and waits until all have ended."""
        self._stop.set()
        self._threads[0].join()
        self._threads[1].join(timeout=60)
        self._subscription.close()


def resident(pid: int) -> int:
    """Bytes of a process and of those that it has started."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(child) for child in children)


def sample(load: Load, workers: int, operator: psycopg.Connection[Any], schema: str, began: float) -> Sample:
    """Looks at everything."""
    latencies = sorted(load.taken())
    taken = latencies or [0.0]
    found = tables(operator, schema)
    (connections,) = operator.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'armillary'"
    ).fetchone() or (0,)
    return Sample(
        at=round(time.monotonic() - began, 1), ended=len(latencies), p50=statistics.median(taken),
        p95=taken[int(0.95 * (len(taken) - 1))], workers=resident(workers), client=resident_alone(),
        connections=int(connections), queues=sum(found[name]["bytes"] for name in QUEUES),
        store=sum(one["bytes"] for one in found.values()), dead=sum(found[name]["dead"] for name in QUEUES),
    )  # fmt: skip


def resident_alone() -> int:
    """Bytes of this process alone."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


MB = 1 << 20
LIMITS: tuple[tuple[str, float, float], ...] = (
    ("p50", 2.0, 20), ("p95", 2.5, 60), ("workers", 1.2, 12 * MB), ("client", 1.2, 12 * MB), ("queues", 1.5, 2 * MB),
    ("store", 1.3, 3 * MB),
)  # fmt: skip
"""Field, factor and allowance: the last third may be ``factor`` × the first and ``allowance`` more."""


def drifts(samples: Sequence[Sample]) -> list[str]:
    """What grew too much, in words."""
    steady = samples[len(samples) // 4 :]
    third = max(len(steady) // 3, 1)
    found = []
    for field, factor, allowance in LIMITS:
        first, last = (
            statistics.median(getattr(one, field) for one in part) for part in (steady[:third], steady[-third:])
        )
        verdict = "" if last <= first * factor + allowance else "  GREW"
        print(f"  {field:<12} first third {first:>14,.1f}   last third {last:>14,.1f}{verdict}")
        if verdict:
            found.append(field)
    most = max(one.connections for one in samples)
    print(f"  connections  at most {most} of {CONNECTIONS}")
    return found + (["connections"] if most > CONNECTIONS else [])


def main() -> int:
    """Runs it; gives 1 where something drifted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--rate", type=float, default=40.0, help="instances started in a second")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    # Vacuums come in minutes here that come in hours elsewhere.
    with own_server({"autovacuum_naptime": "10s"}) as server, tempfile.TemporaryDirectory() as folder:
        samples, wrong = run(server.url, Path(folder), chosen.minutes, chosen.rate)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in samples], indent=1))
    print("nothing drifted" if not wrong else f"not as it should be: {', '.join(wrong)}")
    return 1 if wrong else 0


def run(server: str, folder: Path, minutes: float, rate: float) -> tuple[list[Sample], list[str]]:
    """The samples, and what is wrong."""
    url, samples = f"{server}?schema=soak", list[Sample]()
    gone = ready = 0
    (folder / "handlers.py").write_text(HANDLERS)
    runtime = LocalRuntime(url, work=False)
    runtime.deploy(ORDER)
    command = [sys.executable, "-m", "armillary", "worker", "--url", url, "--processes", str(PROCESSES)]
    command += ["--service", f"rating={folder}/handlers.py:quote"]
    workers = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert workers.stderr is not None
    while workers.stderr.readline().startswith("working"):
        if (ready := ready + 1) == PROCESSES:
            break
    threading.Thread(target=workers.stderr.read, daemon=True).start()
    policy = RetentionPolicy(ended=KEPT, settled=KEPT)
    try:
        with psycopg.connect(server, autocommit=True) as operator, Observed(server, "soak") as seen:
            load, began = Load(runtime, rate), time.monotonic()
            while time.monotonic() - began < minutes * 60:
                time.sleep(EVERY)
                samples.append(sample(load, workers.pid, operator, "soak", began))
                if len(samples) % 2 == 0:
                    gone += runtime.run_retention(policy).instances
                told = samples[-1]
                print(
                    f"{told.at:7.1f} s  {told.ended:5} ended  p50 {told.p50:6.1f}  p95 {told.p95:6.1f} ms  "
                    f"workers {told.workers / MB:6.1f} MB  {told.connections:2} connections  "
                    f"queues {told.queues / MB:5.1f}  store {told.store / MB:5.1f} MB", flush=True,
                )  # fmt: skip
            load.stop()
        print(f"{load.started:,} started, {load.ended:,} ended, {gone:,} removed meanwhile")
        print(f"  for each: {json.dumps(seen.report(load.ended))}")
        wrong = drifts(samples)
        wrong += ["lost instances"] if load.ended != load.started else []
        wrong += ["db check"] if list(runtime.check()) else []
    finally:
        workers.terminate()
        workers.wait(timeout=60)
        runtime.close()
    return samples, wrong


if __name__ == "__main__":
    sys.exit(main())
