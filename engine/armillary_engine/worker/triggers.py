"""Claimed triggers: each is interpreted, and its slice committed with those of the others. What fails is given back,
and what fails again and again is set aside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..backend import Hint
from ..definition.problems import ArmillaryError
from ..interpreter import SnapshotError
from ..interpreter.triggers import Trigger
from ..messages import trigger_of
from ..mutation import Claim, Mutation, Return
from ..telemetry import quiet
from .batches import of_the_store
from .programs import LACKING

if TYPE_CHECKING:
    from .engine import Engine

log = logging.getLogger(__name__)
SECOND = 1_000_000
BATCH = 32
"""So many triggers are taken at a time, or twice as many after a batch that was full, up to ``LARGEST``."""
LARGEST = 128
CLAIM_LEASE = 60 * SECOND
DELIVERIES = 5
"""A trigger or a call that came to nothing so often is given up: dead-lettered, or failed with
``failure.abandoned``."""
NEWER = ("snapshot.newer", "trigger.newer")
"""What only a newer release reads: its instance is left to one."""
BACK_OFF = (1, 5, 25, 125)
"""Seconds before a trigger that failed is tried again."""


class Triggers:
    """Those that one engine claims."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.owed: list[tuple[int, int]] = []
        """Number and fence of what a failure of the store has left in hand."""
        self._batch = BATCH

    def give_back_owed(self) -> None:
        """Who else looks may take it at once."""
        if self.owed:
            now = self._engine.clock.now()
            self._give_back([Return(seq, fence, ready=now, counts=False) for seq, fence in self.owed])
            self.owed = []

    def claim(self) -> int:
        """Takes what is ready: the larger the backlog, the more at a time; a lone message waits for no other. How many
        there were."""
        until, size = self._engine.clock.now() + CLAIM_LEASE, self._batch
        claims = self._engine.store.claim(
            size, self._engine.store.owner, until=until, without=self._engine.programs.lacking
        )
        self._batch = min(2 * size, LARGEST) if len(claims) == size else max(size // 2, BATCH)
        if claims:
            self.take(claims)
        return len(claims)

    def take(self, claims: Sequence[Claim]) -> None:
        """Interprets claimed triggers and commits their slices; what fails is given back."""
        self._engine.telemetry.count("claim", len(claims))
        try:
            try:
                self._take(claims)
            except Exception as error:
                if of_the_store(error):
                    raise
                self._take_alone(claims)
        except Exception:
            # Until the store is well nobody knows what was committed. Then whatever was not is given back at once.
            self.owed += [(claim.letter.seq, claim.letter.deliveries) for claim in claims]
            raise

    def _take_alone(self, claims: Sequence[Claim]) -> None:
        """One of them cannot be committed, and takes no other with it. Those that were are fenced."""
        for claim in claims:
            try:
                self._take([claim])
            except Exception as error:
                if of_the_store(error):
                    raise
                log.error("a %s could not be committed", claim.letter.message.kind, exc_info=quiet(error))
                back = Return(claim.letter.seq, claim.letter.deliveries, ready=self._engine.clock.now())
                self._give_back([self._failed(back, claim.letter.failures, error)])

    def _take(self, claims: Sequence[Claim]) -> None:
        made: list[Mutation] = []
        returns: list[Return] = []
        try:
            for claim in claims:
                result = self._interpret(claim)
                if isinstance(result, Mutation):
                    made.append(result)
                else:
                    returns.append(result)
        except BaseException:
            for mutation in made:
                self._engine.release(mutation)
            raise
        if made:
            for mutation, outcome in zip(made, self._engine.commit(made), strict=True):
                if outcome.kind == "conflict":
                    seq, fence = mutation.consumes.seq, mutation.consumes.fence  # type: ignore[union-attr]
                    returns.append(Return(seq, fence, ready=self._engine.clock.now(), counts=False))
        if returns:
            self._give_back(returns)

    def _give_back(self, returns: Sequence[Return]) -> None:
        """Others have seen these leased, and sleep until the leases would end: they are told."""
        try:
            self._engine.store.give_back(returns)
        except BaseException:
            self._engine.tell((), work=True)
            raise
        now = self._engine.clock.now()
        later = [one.ready for one in returns if one.ready > now and not one.dead]
        self._engine.wake.notify(Hint((), work=len(later) < len(returns), due=min(later, default=None)))

    def _interpret(self, claim: Claim) -> Mutation | Return:
        letter = claim.letter
        back = Return(letter.seq, letter.deliveries, ready=self._engine.clock.now(), counts=False)
        if letter.failures > DELIVERIES:
            self._engine.telemetry.count("message.dead")
            reason = letter.error or f"{DELIVERIES} workers died with it"
            return replace(back, dead=True, error=reason)  # this delivery was no attempt
        try:
            trigger: Trigger = trigger_of(letter.message, arrived=letter.arrived)
            return self._engine.slicer.next(claim.stored, trigger, claim.consumes)
        except LACKING:
            return back
        except ArmillaryError as error:
            return self._refused(back, claim, error)
        except Exception as error:
            log.error("%s could not take its %s", claim.stored.row.id, letter.message.kind, exc_info=quiet(error))
            return self._failed(back, letter.failures, error)

    def _refused(self, back: Return, claim: Claim, error: ArmillaryError) -> Return:
        """The store failed meanwhile; or this release cannot read the snapshot or the trigger; or else it is the
        trigger's own fault."""
        if error.code.startswith("store."):
            raise error
        if error.code in NEWER:
            self._engine.programs.cannot_read(claim.stored.row.id, claim.stored.row.digest, error)
            return back
        if not isinstance(error, SnapshotError):
            log.error("%s could not take its %s: %s", claim.stored.row.id, claim.letter.message.kind, error.code)
        return self._failed(back, claim.letter.failures, error)

    def _failed(self, back: Return, failures: int, error: Exception) -> Return:
        dead = failures >= DELIVERIES
        self._engine.telemetry.count("message.dead" if dead else "message.failed")
        reason = str(error) if isinstance(error, ArmillaryError) else f"{type(error).__name__}: {error}"
        wait = BACK_OFF[min(failures, len(BACK_OFF)) - 1] * SECOND
        return replace(back, counts=True, dead=dead, error=reason, ready=self._engine.clock.now() + wait)
