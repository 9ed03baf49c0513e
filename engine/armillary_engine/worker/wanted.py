"""What a thread, or a coroutine, wants to have committed, and waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..mutation import Mutation, Outcome

Committed = tuple[Mutation, Outcome]


class Wanted:
    """A mutation that somebody waits for, to be made and committed on another thread. ``told`` is called there when it
    is over, and then :meth:`wait` waits no longer."""

    __slots__ = ("_told", "committed", "error", "made", "make", "turn")

    def __init__(self, make: Callable[[], Mutation], told: Callable[[], None] = lambda: None) -> None:
        self.make = make
        self._told = told
        self.made: Mutation | None = None
        self.committed: Committed | None = None
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()

    def prepare(self) -> Mutation | None:
        """Makes it; ``None``: it cannot be made, and whoever waits is told."""
        try:
            self.made = self.make()
        except Exception as error:  # noqa: BLE001 - its to see
            self.fail(error)
        return self.made

    def finish(self, committed: Committed) -> None:
        """Whoever waits goes on."""
        self.committed = committed
        self._go_on()

    def fail(self, error: BaseException) -> None:
        """Whoever waits gets the error."""
        self.error = error
        self._go_on()

    def _go_on(self) -> None:
        self.turn.release()
        self._told()

    @property
    def over(self) -> bool:
        return self.committed is not None or self.error is not None

    def wait(self) -> Committed:
        """What became of it."""
        self.turn.acquire()
        if self.error is not None:
            raise self.error
        assert self.committed is not None
        return self.committed
