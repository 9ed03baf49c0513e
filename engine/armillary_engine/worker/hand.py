"""A thread that lends a hand while it waits."""

from __future__ import annotations

import contextlib
import queue


class Hand:
    """A thread that waits for an instance. ``wanted``: there is something to do that it has not begun with."""

    __slots__ = ("_wakes", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wake(self) -> None:
        """There is something to look at, or to do."""
        self._wakes.put(None)

    def sleep(self, seconds: float | None) -> None:
        """Until woken, or so long at most."""
        with contextlib.suppress(queue.Empty):
            self._wakes.get(timeout=seconds)
