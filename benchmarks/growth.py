"""What an instance costs beside ten stored ones, and beside 100,000; and with ten events behind it, and with 10,000.

    python benchmarks/growth.py [--stored 100000] [--events 10000] [--samples 300] [--folder DIR]

*Stored*: an instance with one call is started and completed, one at a time, beside so many that wait for a signal.
*Events*: a signal is sent to an instance that counts its signals, until its slice is committed. Samples of the small
and of the large one alternate, so that both meet the same machine; medians are compared. The waiting instances are
copies of one that the engine has made, written by SQL; the events are all made by the engine."""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from armillary_engine.definition import model as m
from armillary_engine.definition.expressions import parse
from armillary_engine.local import LocalRuntime
from armillary_engine.runtime import Changed

sys.path.insert(0, str(Path(__file__).parent))
from clients import PAD, one_call, rating, start_and_wait

WAITS = m.Definition("Waits", (m.Signal("go", "go", match=m.Get("input.policy")),), version="1.0.0")
COUNTS = m.Definition("Counts", (
    m.Set("begin", {"count": parse("0")}),
    m.Repeat("again", test=m.Const(True), body=(
        m.Signal("tick", "tick", result="tick"),
        m.Set("add", {"count": parse("count + 1")}),
    )),
), version="1.0.0")  # fmt: skip
EVENTS_A_SIGNAL = 3
"""Events that the history of ``Counts`` grows by with a signal, at least."""


@dataclass(frozen=True)
class Growth:
    """Medians in milliseconds, of the small and of the large one."""

    small: float
    large: float

    @property
    def times(self) -> float:
        """How much the large one costs, in multiples of the small one."""
        return self.large / self.small


def compare(small: Callable[[], float], large: Callable[[], float], samples: int) -> Growth:
    """Samples of both, in turns."""
    for work in (small, large):
        for _ in range(20):
            work()
    pairs = [(small(), large()) for _ in range(samples)]
    return Growth(*(1000 * statistics.median(side) for side in zip(*pairs, strict=True)))


def stored(folder: Path, counts: tuple[int, int], samples: int) -> Growth:
    """One-call instances beside so many that wait."""
    with store_of(folder / "few.sqlite", counts[0]) as few, store_of(folder / "many.sqlite", counts[1]) as many:
        return compare(few, many, samples)


@contextmanager
def store_of(path: Path, waiting: int) -> Iterator[Callable[[], float]]:
    """Gives what takes one sample in a store with so many waiting instances."""
    with LocalRuntime(f"sqlite:///{path}") as runtime:
        runtime.deploy(one_call())
        runtime.deploy(WAITS)
        copied = runtime.start("Waits", {"policy": "P-0", "pad": PAD}).id
    multiply(path, copied, waiting - 1)
    with LocalRuntime(f"sqlite:///{path}") as runtime:
        runtime.register_service("rating", rating)
        assert len(runtime.instances()) == min(50, waiting)
        yield lambda: start_and_wait(runtime, 1)


def multiply(path: Path, instance: str, copies: int) -> None:
    """So many copies of an instance that waits for a signal, each with an id of its own."""
    connection = sqlite3.connect(path)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    for table, fixed in (("instances", ("seq",)), ("history", ()), ("waits", ("seq",))):
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in fixed]
        owner = "id" if table == "instances" else "instance"
        values = [f"t.{name} || '-' || i" if name in (owner, "chain") else f"t.{name}" for name in names]
        if table == "instances":
            values[names.index("snapshot")] = "CAST(replace(CAST(t.snapshot AS TEXT), t.id, t.id || '-' || i) AS BLOB)"
        columns = ", ".join(f'"{name}"' for name in names)
        made = f"SELECT {', '.join(values)} FROM n, {table} t WHERE t.{owner} = ?"
        connection.execute(f"{numbers} INSERT INTO {table} ({columns}) {made}", (copies, instance))
    connection.commit()
    connection.close()


def events(folder: Path, counts: tuple[int, int], samples: int) -> Growth:
    """Signals to instances with so many events."""
    with LocalRuntime(f"sqlite:///{folder}/events.sqlite") as runtime:
        runtime.deploy(COUNTS)
        young, old = (Signalled(runtime) for _ in counts)
        while runtime.instance(old.id).revision * EVENTS_A_SIGNAL < counts[1]:
            old.send()
        assert len(runtime.history(old.id, limit=counts[1] + 100)) >= counts[1]
        return compare(young.send, old.send, samples)


class Signalled:
    """An instance of ``Counts``."""

    def __init__(self, runtime: LocalRuntime) -> None:
        self._runtime = runtime
        self._changed = threading.Event()
        self.id = runtime.start("Counts", {"pad": PAD}).id
        runtime.subscribe(self._heard, instance=self.id)

    def _heard(self, changed: Changed) -> None:
        if changed.revision:  # 0: something else than a slice
            self._changed.set()

    def send(self) -> float:
        """Seconds from sending a signal to its slice being told."""
        self._changed.clear()
        begun = time.perf_counter()
        self._runtime.signal("tick", 1, instance=self.id)
        self._changed.wait()
        return time.perf_counter() - begun


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--folder", type=Path, help="where the files are made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        ways = {
            f"10 and {given.stored:,} stored instances": stored(Path(folder), (10, given.stored), given.samples),
            f"10 and {given.events:,} events": events(Path(folder), (10, given.events), given.samples),
        }
    for name, one in ways.items():
        print(f"{name}: {one.small:.2f} ms and {one.large:.2f} ms, {one.times:.2f} ×")


if __name__ == "__main__":
    main()
