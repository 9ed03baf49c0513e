"""Gate: one core interprets at least 20,000 slices a second on objects and 8,000 from bytes to bytes.

A slice takes a signal, sets state and opens the next wait, with 1 KB of state: see `benchmarks/interpreter.py`.
The best tenth of a second counts: what a slice costs, not what else the machine was doing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[1] / "interpreter.py"
LIMITS = {"objects": 20_000, "bytes": 8_000}


def main() -> int:
    """Prints what was measured; gives 1 where a limit is missed."""
    command = [sys.executable, str(BENCHMARK), "--json", "--seconds", "1.5"]
    measured = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for way, limit in LIMITS.items():
        print(f"{way}: {measured[way]['best']:,.0f} slices/s (limit {limit:,})")
    return 0 if all(measured[way]["best"] >= limit for way, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
