"""Gate: 1,000 steps compile and validate in a second of CPU; eight times as many take at most eleven times as long,
without the garbage collector, whose passes grow with all that is alive; and an expression of five operations is
evaluated 200,000 times a CPU second. The best of three counts.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from authoring import compile_seconds, expressions_per_second

LIMIT_SECONDS = 1.0
LIMIT_GROWTH = 11.0
LIMIT_RATE = 200_000


def main() -> int:
    """Prints what was measured; gives 1 where a limit is missed."""
    small = min(compile_seconds(1_000) for _ in range(3))
    gc.disable()
    growth = min(compile_seconds(8_000) for _ in range(2)) / min(compile_seconds(1_000) for _ in range(3))
    gc.enable()
    rate = max(expressions_per_second() for _ in range(3))
    print(f"1,000 steps: {small:.2f} s CPU (limit {LIMIT_SECONDS} s); 8,000: {growth:.1f} × (limit {LIMIT_GROWTH} ×)")
    print(f"expressions: {rate:,.0f} a second (limit {LIMIT_RATE:,})")
    return 0 if small <= LIMIT_SECONDS and growth <= LIMIT_GROWTH and rate >= LIMIT_RATE else 1


if __name__ == "__main__":
    sys.exit(main())
