"""The database's clock, read without asking: nodes whose own clocks differ agree on what is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...clock import RealClock

DRIFT = 1e-4
"""How fast two clocks may part: 100 microseconds a second."""
_TIMER = getattr(time, "CLOCK_BOOTTIME", None)
"""Goes on while the machine sleeps, where there is such a clock."""


def _ticks() -> int:
    return (time.monotonic_ns() if _TIMER is None else time.clock_gettime_ns(_TIMER)) // 1_000


class DatabaseClock(RealClock):
    """By an offset to a clock of this machine that never jumps.

    :meth:`observe` takes a reading of the server's clock and when it was asked for and came: the offset is known to
    half that time. A better reading replaces a worse one, whose error grows by the drift of clocks."""

    def __init__(self, ask: Callable[[], int]) -> None:
        self._lock = threading.Lock()
        self._error = float("inf")
        self._offset = 0
        self._measured = 0
        self._last = 0
        for _ in range(3):
            self.measure(ask)

    def measure(self, ask: Callable[[], int]) -> None:
        """One reading: ``ask`` gives the server's clock."""
        before = _ticks()
        self.observe(ask(), before, _ticks())

    def observe(self, server: int, before: int, after: int) -> None:
        """The server's clock said ``server`` at some moment between two readings of :func:`ticks`."""
        error, offset = (after - before) / 2, server - (before + after) // 2
        with self._lock:
            grown = self._error + (after - self._measured) * DRIFT
            if error <= grown or abs(offset - self._offset) > grown + error:
                self._error, self._offset, self._measured = error, offset, after

    @staticmethod
    def ticks() -> int:
        """Microseconds of the clock that readings are timed with."""
        return _ticks()

    def now(self) -> int:
        return _ticks() + self._offset
