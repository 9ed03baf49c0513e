"""What is due beside the triggers of instances: schedules, and signals whose time is over. Nothing polls: the next
moment is known, and whoever stores an earlier one tells."""

from __future__ import annotations

from .engine import Engine
from .schedules import Schedules

BATCH = 100
ASK_AGAIN = 500_000
"""Microseconds for which what the store said holds, together with what was told since: a busy worker looks a thousand
times a second, and chores are rare."""


class Chores:
    """The chores of one engine; see :class:`.moments.Chores`."""

    def __init__(self, engine: Engine, schedules: Schedules) -> None:
        self._engine = engine
        self._schedules = schedules
        self._next: int | None = None
        self._told: int | None = None
        self._asked: int | None = None
        schedules.note = self.note

    def look(self, due: int | None) -> int | None:
        """The store is asked when the engine is about to sleep and has not asked just now, or when what is known to be
        due is."""
        now = self._engine.clock.now()
        mine = _earliest(self._next, self._told)
        if due is not None and due <= now and (mine is None or mine > now):
            return due
        if self._asked is None or not 0 <= now - self._asked < ASK_AGAIN or (mine is not None and mine <= now):
            self._told = None  # what is told from here on comes on top of what will be found
            self._next, self._asked = self._engine.store.upkeep.due(), now
            mine = _earliest(self._next, self._told)
        if mine is not None and mine <= now:
            self.run()
            self._engine.pulse.beat()  # what they have left, and what they have brought about
            mine = now + 1
        return _earliest(due, mine)

    def hear(self, due: int) -> None:
        """See :class:`.moments.Chores`."""
        self._told = _earliest(self._told, due)

    def doubt(self) -> None:
        """A signal may be kept again: the store knows until when."""
        self._asked = None

    def note(self, moment: int) -> None:
        """Something will be due: tells whoever shares the store as well."""
        self.hear(moment)
        self._engine.pulse.note(moment)
        self._engine.tell((), work=False, due=moment)

    def run(self) -> None:
        """Starts what is scheduled, and sets signals aside that no wait took in time."""
        self._schedules.run_due()
        gone = self._engine.store.upkeep.expire_signals(BATCH)
        self._engine.telemetry.count("signal.unmatched", len(gone))


def _earliest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)
