"""What a thread wants to have committed, and waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..mutation import Mutation, Outcome

Committed = tuple[Mutation, Outcome]


class Wanted:
    """A mutation that a thread waits for, to be made and committed on another one."""

    __slots__ = ("committed", "error", "made", "make", "turn")

    def __init__(self, make: Callable[[], Mutation]) -> None:
        self.make = make
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
        self.turn.release()

    def fail(self, error: BaseException) -> None:
        """Whoever waits gets the error."""
        self.error = error
        self.turn.release()

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
