"""Wake within one process: those who opened the same store object hear of each other at once."""

from __future__ import annotations

from collections.abc import Callable

from ..backend import Hint


class InProcessWake:
    """``peers`` is the list of all wakes of one store; it is shared."""

    def __init__(self, peers: list[InProcessWake]) -> None:
        self._peers = peers
        self._heard: Callable[[Hint], None] | None = None
        peers.append(self)

    def notify(self, hint: Hint) -> None:
        for peer in list(self._peers):
            if peer is not self and peer._heard is not None:
                peer._heard(hint)

    def listen(self, heard: Callable[[Hint], None]) -> None:
        self._heard = heard

    def close(self) -> None:
        if self in self._peers:
            self._peers.remove(self)
