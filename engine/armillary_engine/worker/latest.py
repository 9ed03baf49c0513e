"""The latest few of many."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class Latest(dict[str, T]):
    """A dictionary that holds ``most`` entries or few more, and forgets the oldest ones. Several threads may set at a
    time."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: str, value: T) -> None:
        super().__setitem__(key, value)
        if len(self) > self._most:
            for oldest in list(self)[: -self._most // 2]:
                self.pop(oldest, None)
