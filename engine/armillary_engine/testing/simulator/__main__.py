"""``python -m armillary_engine.testing.simulator SEED``: the story of one seed, as it happens every time."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .run import Result, simulate
from .stores import Disk, MemoryDisk, SqliteDisk
from .world import World


def on_sqlite(folder: str) -> Callable[[World], Disk]:
    """Makes a SQLite store in ``folder`` for each run."""
    return lambda world: SqliteDisk(Path(tempfile.mkdtemp(dir=folder)) / "store.sqlite", world)


def summary(result: Result) -> str:
    """A run in two lines."""
    said = "broken: " + result.failure.strip().splitlines()[-1] if result.failure else "everything held"
    return (
        f"seed {result.seed}: {said}\n{result.instances} instances, {result.slices} slices, {result.faults} faults, "
        f"{result.events} events; {result.acknowledged} of {result.operations} operations acknowledged"
    )


def main() -> int:
    """Tells the story; 1 if a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m armillary_engine.testing.simulator", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--sqlite", action="store_true", help="on a SQLite file instead of memory")
    parser.add_argument("--calm", action="store_true", help="without faults")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        disk = on_sqlite(folder) if chosen.sqlite else MemoryDisk
        result = simulate(chosen.seed, disk=disk, faulty=not chosen.calm, story=True)
    sys.stdout.write(f"{result.story}\n\n{summary(result)}\n")
    return 1 if result.failure else 0


if __name__ == "__main__":
    sys.exit(main())
