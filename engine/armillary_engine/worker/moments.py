"""When an engine is needed again."""

from __future__ import annotations

from typing import Protocol

from ..mutation import Mutation


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


def moments_of(mutation: Mutation) -> list[int]:
    """When the store needs somebody because of a mutation: for a deadline, a retry, or a call whose lease has ended."""
    moments = [sent.ready for sent in mutation.messages if sent.ready is not None]
    moments += [retry.ready for retry in mutation.retries]
    return moments + [call.ready for call in mutation.calls if call.owner is not None]
