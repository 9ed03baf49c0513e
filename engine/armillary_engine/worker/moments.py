"""When an engine is needed again."""

from __future__ import annotations

from typing import Protocol


class Chores(Protocol):
    """What is due beside the triggers of instances: see :mod:`.chores`."""

    def look(self, due: int | None) -> int | None:
        """Does the chores that are due. ``due``: when something else is; gives when anything is, they included."""
        ...

    def hear(self, due: int) -> None:
        """Somebody else has stored something that is due then."""
        ...

    def doubt(self) -> None:
        """Something may be due sooner than was told."""
        ...
