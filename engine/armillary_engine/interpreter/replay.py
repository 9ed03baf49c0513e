"""History → state: the patches of all events, in order, give exactly the state of the last snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..definition.model import Value
from .paths import put, remove

CHECKPOINT = "checkpoint"
"""The event that stands for all before it: its data has the whole ``state``."""


class Patched(Protocol):
    """An event as the interpreter makes it or as history shows it."""

    @property
    def type(self) -> str:
        """The event's type."""
        ...

    @property
    def data(self) -> Mapping[str, Value]:
        """What the event tells."""
        ...

    @property
    def patch(self) -> Sequence[Sequence[Any]]:
        """``(path, value)`` sets, ``(path,)`` removes."""
        ...


def replay(events: Iterable[Patched], state: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """The state after ``events``, beginning with ``state`` (nothing) or with the last checkpoint among them."""
    names: dict[str, Any] = dict(state or {})
    for event in events:
        if event.type == CHECKPOINT:
            kept = event.data["state"]
            assert isinstance(kept, dict)
            names = dict(kept)
        for change in event.patch:
            path = tuple(change[0].split("."))
            if len(change) == 2:
                put(names, path, change[1])
            else:
                remove(names, path)
    return names
