"""The store's clock: where "now" comes from. Everything that is stored counts microseconds since the epoch, UTC."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_SLEEP = 60_000_000
"""A sleeper looks at the clock at least this often (and at nothing else): the wall clock may jump, a laptop may
sleep."""


class Clock(Protocol):
    """Tells the time and waits for it. A virtual one serves tests and simulations."""

    def now(self) -> int:
        """Microseconds since the epoch."""
        ...

    def wait(self, flag: threading.Event, until: int | None) -> bool:
        """Blocks until ``flag`` is set (true) or ``until`` has come (false); ``None`` waits for the flag alone."""
        ...


class RealClock:
    """Waits in real time for whatever :meth:`now` says."""

    def now(self) -> int:
        """See :class:`Clock`."""
        raise NotImplementedError

    def wait(self, flag: threading.Event, until: int | None) -> bool:
        while not flag.is_set():
            if until is None:
                flag.wait()
                continue
            left = until - self.now()
            if left <= 0:
                return False
            flag.wait(min(left, LONGEST_SLEEP) / 1_000_000)
        return True


class SystemClock(RealClock):
    """The machine's wall clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000


def as_datetime(microseconds: int) -> datetime:
    """Microseconds since the epoch as an aware UTC ``datetime``."""
    return _EPOCH + timedelta(microseconds=microseconds)


def as_microseconds(moment: datetime) -> int:
    """An aware ``datetime`` as microseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
