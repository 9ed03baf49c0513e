"""What a process has in hand: the triggers that it has claimed, and the calls that it has leased. Whoever rests has put
all of it down: it was committed, given back, or is in flight; else it would lie there until its lease ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...mutation import Claim, Mutation, Outcome, Return, Taken
from ...rows import CallRow
from ...worker.calls import Key, key_of
from ...worker.triggers import DELIVERIES, SECOND

if TYPE_CHECKING:
    from .process import Process


class Hands:
    """Of one process. What a fault has kept it from hearing of, it does not have in hand."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._claims: dict[tuple[int, int], Claim] = {}
        self._calls: dict[Key, CallRow] = {}
        self._set_back = 0

    def claimed(self, claims: Sequence[Claim]) -> None:
        """It was told that it has these triggers."""
        self._set_back = self._process.world.set_back
        self._claims.update({(one.letter.seq, one.letter.deliveries): one for one in claims})

    def leased(self, calls: Sequence[CallRow]) -> None:
        """It was told that it has these calls."""
        self._calls.update({key_of(call): call for call in calls})

    def committed(self, mutations: Sequence[Mutation], outcomes: Sequence[Outcome]) -> None:
        """It was told what became of its slices."""
        for mutation, outcome in zip(mutations, outcomes, strict=True):
            if outcome.kind in ("committed", "fenced", "unknown") and isinstance(mutation.consumes, Taken):
                self._claims.pop((mutation.consumes.seq, mutation.consumes.fence), None)
            if outcome.kind == "committed":
                self.leased([call for call in mutation.calls if call.owner == self._process.owner])

    def gave_back(self, returns: Sequence[Return]) -> None:
        """Triggers were given back: those that failed for after a pause, or, when they have failed often enough, to
        the dead letters."""
        watch = self._process.world.watch
        for back in returns:
            claim = self._claims.pop((back.seq, back.fence), None)
            if claim is None or not back.counts:
                continue
            failures = claim.letter.failures
            if back.dead != (failures >= DELIVERIES):
                watch.fail(
                    "message %s failed %s times, and is %sset aside", back.seq, failures, "" if back.dead else "not "
                )
            # The clock may have been set on meanwhile, and back: what it said at the claim is what counts.
            if not back.dead and back.ready < claim.now + SECOND and watch.world.set_back == self._set_back:
                watch.fail("message %s failed, and is to be tried again at once", back.seq)

    def expect_empty(self) -> None:
        """It rests."""
        process, watch = self._process, self._process.world.watch
        owed = set(process.engine.triggers.owed)
        for seq, fence in self._claims:
            if (seq, fence) not in owed and watch.holds(seq, fence):
                watch.fail("%s rests, and has message %s in hand", process, seq)
        self._claims = {key: one for key, one in self._claims.items() if key in owed}
        for key, call in list(self._calls.items()):
            if key in process.pool._flying:
                continue
            row = watch.store.upkeep.call(call.instance, call.serial)
            if row is not None and row.fence == call.fence and row.owner is not None:
                watch.fail("%s rests, and has the call %s/%s in hand", process, call.instance, call.serial)
            del self._calls[key]
