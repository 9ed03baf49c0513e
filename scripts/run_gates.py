"""Runs every script in benchmarks/gates; each measures one thing and exits non-zero where its limit is missed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

GATES = Path(__file__).resolve().parents[1] / "benchmarks" / "gates"


def main() -> int:
    """Runs the gates one after the other (they measure time), all of them even where one is missed."""
    missed = []
    for gate in sorted(GATES.glob("[!_]*.py")):
        print(f"--- {gate.name}", flush=True)
        started = time.monotonic()
        status = subprocess.run([sys.executable, str(gate)], check=False).returncode
        print(
            f"    {'kept' if status == 0 else f'MISSED (exit {status})'}, {time.monotonic() - started:.1f} s",
            flush=True,
        )
        if status:
            missed.append(gate.name)
    if missed:
        print(f"gates missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
