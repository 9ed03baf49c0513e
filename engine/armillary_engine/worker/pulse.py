"""When a worker must look into the store again."""

from __future__ import annotations

import threading

FOREVER = 2**63


class Pulse:
    """At once (``work``), or not before ``due`` (``None``: only when something is committed). ``flag`` wakes the
    loop."""

    def __init__(self) -> None:
        self.flag = threading.Event()
        self.work = True
        self.due: int | None = None
        self._sleeps_until = 0
        self._lock = threading.Lock()

    def beat(self) -> None:
        """Something may be ready."""
        self.work = True
        self.flag.set()

    def begin_look(self) -> None:
        """The store is about to be looked at: what is noted from here on comes on top of what will be found."""
        with self._lock:
            self.work = False
            self.due = None

    def note(self, due: int) -> None:
        """Something will be due."""
        with self._lock:
            if self.due is None or due < self.due:
                self.due = due
                self._wake_before(due)

    def wake_before(self, moment: int) -> None:
        """Whoever sleeps beyond ``moment`` is to think again."""
        with self._lock:
            self._wake_before(moment)

    def _wake_before(self, moment: int) -> None:
        if moment < self._sleeps_until:
            self.flag.set()

    def sleep_until(self, other: int | None) -> int | None:
        """The moment until which the loop may sleep: what is due, or ``other``. Whoever notes an earlier one from here
        on wakes it."""
        with self._lock:
            moments = [moment for moment in (self.due, other) if moment is not None]
            until = min(moments, default=None)
            self._sleeps_until = FOREVER if until is None else until
            return until
