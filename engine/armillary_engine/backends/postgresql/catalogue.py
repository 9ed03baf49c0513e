"""The enabled versions of workflows, remembered: no start asks the server which there are.

What is remembered may be out of date, since any process may deploy. So whoever commits new instances has the server
compare what is remembered with what is there, in the statement that writes them. Where they differ nothing was written:
then it is read again, and who resolved by the old list hears of a conflict and resolves once more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from ...clock import Clock
from ...mutation import Mutation
from ...rows import InstanceRow

Versions = Sequence[tuple[str, str]]
KEPT = 1_000
"""So many names are remembered."""
LISTED = "string_agg(d.version || ' ' || d.digest, ',' ORDER BY d.seq DESC)"
"""In SQL what :func:`listed` gives; null for none."""


def listed(versions: Versions) -> str:
    """The versions of a name as a text to compare."""
    return ",".join(f"{version} {digest}" for version, digest in versions)


def begun(mutation: Mutation) -> list[InstanceRow]:
    """The instances that a mutation adds."""
    new = [born.row for born in mutation.instances]
    return [mutation.row, *new] if mutation.expected is None else new


class Catalogue:
    """What one opening of a store remembers. ``read`` asks the server."""

    def __init__(self, read: Callable[[str], Versions], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, Versions] = {}
        self._changed: dict[str, int] = {}
        self._lock = threading.Lock()

    def known(self, name: str) -> Versions:
        """What is remembered, else what is there."""
        return self._known.get(name) or self.read(name)

    def read(self, name: str) -> Versions:
        """What is there."""
        fresh = self._read(name)
        with self._lock:
            before = self._known.get(name)
            if before is not None and list(before) != list(fresh):
                self._changed[name] = self._clock.now()
            if len(self._known) >= KEPT:
                self._known.clear()
            if fresh:
                self._known[name] = fresh
            else:
                self._known.pop(name, None)
        return fresh

    def checks(self, mutations: Iterable[Mutation]) -> list[tuple[str, str]] | None:
        """What must still be so when new instances are written, as rows of name and :func:`listed`; ``None``: some of
        them were resolved by a list that is known to be old."""
        names: dict[str, None] = {}
        for mutation in mutations:
            for row in begun(mutation):
                if row.started <= self._changed.get(row.workflow, -1):
                    return None
                names[row.workflow] = None
        return [(name, listed(self._known[name])) for name in names if name in self._known]

    def refused(self, mutation: Mutation) -> bool:
        """Whether what a mutation begins was resolved by an old list, as far as is known after :meth:`refresh`."""
        return any(row.started <= self._changed.get(row.workflow, -1) for row in begun(mutation))

    def refresh(self, mutations: Iterable[Mutation]) -> None:
        """Reads again what mutations that could not be committed were resolved by."""
        for name in {row.workflow for mutation in mutations for row in begun(mutation)} & set(self._known):
            self.read(name)
