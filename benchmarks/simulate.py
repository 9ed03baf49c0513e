"""Many seeds of the simulation, in two processes, and what they covered.

``python benchmarks/simulate.py`` runs 10,000 seeds on the store in memory; ``--sqlite --seeds 300`` runs them on files.
Exit code 1: a rule was broken, or the run was not hard enough (slices, faults and instances a seed; each kind of step
with each fault point). What a seed did is told by ``python -m armillary_engine.testing.simulator SEED``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from armillary_engine.testing.simulator import POINTS, Coverage, MemoryDisk, simulate
from armillary_engine.testing.simulator.__main__ import on_sqlite
from armillary_engine.testing.simulator.definitions import KINDS

LEAST = {"slices": 30, "faults": 2, "instances": 2}
"""A seed on average."""
HITS = 20
"""Each kind of step with each fault point, over the whole run."""
CHUNK = 80


@dataclass(slots=True)
class Total:
    """What some seeds gave together."""

    seeds: int = 0
    slices: int = 0
    faults: int = 0
    instances: int = 0
    events: int = 0
    operations: int = 0
    acknowledged: int = 0
    cpu: float = 0.0
    broken: list[tuple[int, str]] = field(default_factory=list)
    coverage: Coverage = field(default_factory=Coverage)

    def add(self, other: Total) -> None:
        """Counts other seeds as well."""
        for name in ("seeds", "slices", "faults", "instances", "events", "operations", "acknowledged", "cpu"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.broken += other.broken
        self.coverage.add(other.coverage)


def run_chunk(first: int, last: int, sqlite: bool) -> Total:
    """The seeds from ``first`` to before ``last``."""
    total, began = Total(), time.process_time()
    folder = tempfile.mkdtemp() if sqlite else ""
    try:
        for seed in range(first, last):
            result = simulate(seed, disk=on_sqlite(folder) if sqlite else MemoryDisk)
            total.add(Total(1, result.slices, result.faults, result.instances, result.events, result.operations,
                            result.acknowledged, 0.0, [(seed, result.failure)] if result.failure else [],
                            result.coverage))  # fmt: skip
    finally:
        if sqlite:
            shutil.rmtree(folder, ignore_errors=True)
    total.cpu = time.process_time() - began
    return total


def table(coverage: Coverage) -> str:
    """Kinds of steps down, fault points across."""
    width = max(len(kind) for kind in KINDS)
    heads = [point.replace(" ", "-") for point in POINTS]
    lines = [" " * width + "".join(f"  {head}" for head in heads)]
    for kind in KINDS:
        counts = [coverage.pairs[point, kind] for point in POINTS]
        cells = "".join(f"  {count:>{len(head)}}" for count, head in zip(counts, heads, strict=True))
        lines.append(f"{kind:<{width}}{cells}")
    return "\n".join(lines)


def shortcomings(total: Total) -> list[str]:
    """Why the run proves less than it should."""
    short = [
        f"{getattr(total, name) / total.seeds:.1f} {name} a seed, at least {least} expected"
        for name, least in LEAST.items()
        if getattr(total, name) < least * total.seeds
    ]
    if total.acknowledged * 100 < total.operations * 95:
        short.append(f"{total.acknowledged} of {total.operations} operations acknowledged, at least 95 % expected")
    for kind in KINDS:
        for point in POINTS:
            if total.coverage.pairs[point, kind] < HITS:
                short.append(f"{kind} × {point}: {total.coverage.pairs[point, kind]} hits, at least {HITS} expected")
    return short


def main() -> int:
    """Runs the seeds and prints what they covered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sqlite", action="store_true", help="on SQLite files; coverage is printed and not required")
    chosen = parser.parse_args()
    began, total = time.monotonic(), Total()
    firsts = range(chosen.first, chosen.first + chosen.seeds, CHUNK)
    lasts = [min(first + CHUNK, chosen.first + chosen.seeds) for first in firsts]
    with ProcessPoolExecutor(chosen.processes) as pool:
        for part in pool.map(run_chunk, firsts, lasts, [chosen.sqlite] * len(lasts)):
            total.add(part)
    took, n = time.monotonic() - began, total.seeds
    print(f"{n} seeds in {took:.1f} s ({total.cpu:.1f} s of CPU, {total.cpu / n * 1000:.1f} ms a seed)")
    print(f"a seed on average: {total.slices / n:.1f} slices, {total.faults / n:.1f} faults, "
          f"{total.instances / n:.1f} instances, {total.events / n:.0f} events")  # fmt: skip
    print(f"{total.acknowledged} of {total.operations} operations acknowledged")
    print("\n" + table(total.coverage) + "\n")
    print(", ".join(f"{name} {count}" for name, count in sorted(total.coverage.actions.items())))
    print(", ".join(f"{name} {count}" for name, count in sorted(total.coverage.sights.items())))
    for seed, failure in total.broken:
        print(f"BROKEN seed {seed}: {failure.strip().splitlines()[-1]}")
    fewest = min((total.coverage.pairs[point, kind], kind, point) for kind in KINDS for point in POINTS)
    print(f"fewest hits: {fewest[0]}, {fewest[1]} × {fewest[2]}; {n / took * 60:,.0f} seeds a minute")
    short = [] if chosen.sqlite else shortcomings(total)
    for line in short:
        print(f"TOO EASY: {line}")
    return 1 if total.broken or short else 0


if __name__ == "__main__":
    sys.exit(main())
