"""A clock that stands still until it is told to go on."""

from __future__ import annotations

import threading

BEGINNING = 1_767_225_600_000_001
"""2026-01-01T00:00:00.000001Z, in microseconds: not a whole second, so that rounding shows."""


class VirtualClock:
    """Implements :class:`armillary_engine.clock.Clock`. ``advance`` wakes whoever sleeps until a moment that has
    come."""

    def __init__(self, now: int = BEGINNING) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._sleepers: set[threading.Event] = set()

    def now(self) -> int:
        return self._now

    def wait(self, flag: threading.Event, until: int | None) -> bool:
        while not flag.is_set():
            ring = threading.Event()
            with self._lock:
                if until is not None and self._now >= until:
                    return False
                self._sleepers.add(ring)
            while not flag.wait(0.002) and not ring.is_set():
                pass
            with self._lock:
                self._sleepers.discard(ring)
        return True

    def advance(self, *, seconds: float = 0, microseconds: int = 0) -> int:
        """Goes on (or back, if negative) and gives the new time."""
        with self._lock:
            self._now += int(seconds * 1_000_000) + microseconds
            for ring in self._sleepers:
                ring.set()
        return self._now
