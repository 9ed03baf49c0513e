"""Where a fault may strike, what it does, and how often: between any two steps of the commit path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Action = Literal["crash", "error", "freeze", "preempt", "forward", "back"]
Phase = Literal["before", "inside", "after"]
STATEMENTS = ("consume", "close", "project", "open", "send")
"""The statements of a commit, in order; a fault inside the transaction strikes after one of them."""
POINTS = (
    "claimed", "before", *STATEMENTS, "committed", "acknowledged", "wake lost", "wake repeated", "frozen",
    "clock forward", "clock back", "slow call",
)  # fmt: skip
"""Where faults are counted. ``claimed``: after the claim, before the slice. ``before``: the transaction. ``committed``:
after it, before it is acknowledged. ``acknowledged``: before others are told. ``frozen``: beyond the lease."""

_BEFORE: tuple[Action, ...] = ("crash", "error", "freeze", "freeze", "preempt", "forward", "back")
_AFTER: tuple[Action, ...] = ("crash", "error", "preempt", "preempt", "freeze", "forward", "back")
_AFTER_CLAIM: tuple[Action, ...] = ("crash", "freeze", "preempt", "preempt", "error")


class Killed(BaseException):
    """The process died at this point. Nothing of it may catch this."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``statement``: of a commit, when it strikes inside the transaction."""

    phase: Phase
    action: Action
    statement: str = ""


@dataclass(slots=True)
class Coverage:
    """How often each fault point was hit with each kind of step in hand, each action taken, and what else was seen
    that is no fault."""

    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    sights: Counter[str] = field(default_factory=Counter)

    def hit(self, point: str, kinds: Iterable[str]) -> None:
        """A fault struck at ``point`` while the slice in hand concerned ``kinds``."""
        for kind in kinds:
            self.pairs[point, kind] += 1

    def add(self, other: Coverage) -> None:
        """Counts the hits of another run as well."""
        self.pairs.update(other.pairs)
        self.actions.update(other.actions)
        self.sights.update(other.sights)


@dataclass(slots=True)
class Faults:
    """The faults of one run. ``likely`` scales all probabilities; 0 once the run heals."""

    random: Random
    likely: float = 1.0

    def commit(self) -> Fault | None:
        """What happens to a transaction that makes slices true."""
        draw = self.random.random()
        if draw >= 0.14 * self.likely:
            return None
        if draw < 0.045 * self.likely:
            return Fault("before", self._choose(_BEFORE))
        if draw < 0.105 * self.likely:
            action: Action = "crash" if self.random.random() < 0.5 else "error"
            return Fault("inside", action, STATEMENTS[int(self.random.random() * len(STATEMENTS))])
        return Fault("after", self._choose(_AFTER))

    def claim(self) -> Fault | None:
        """What happens to a transaction that leases triggers or calls."""
        draw = self.random.random()
        if draw >= 0.05 * self.likely:
            return None
        if draw < 0.01 * self.likely:
            return Fault("before", self._choose(_BEFORE))
        return Fault("after", self._choose(_AFTER_CLAIM))

    def other(self) -> Fault | None:
        """What happens to any other transaction: a delivery, a signal, a lease that is given back."""
        draw = self.random.random()
        if draw >= 0.04 * self.likely:
            return None
        if draw < 0.015 * self.likely:
            return Fault("before", self._choose(_BEFORE))
        if draw < 0.02 * self.likely:
            return Fault("inside", "error")
        return Fault("after", self._choose(_AFTER))

    def read(self) -> Fault | None:
        """What happens around a read: somebody else comes first, or the store fails."""
        draw = self.random.random()
        if draw >= 0.03 * self.likely:
            return None
        if draw < 0.003 * self.likely:
            return Fault("before", "error")
        return Fault("before" if draw < 0.006 * self.likely else "after", "preempt")

    def chance(self, probability: float) -> bool:
        """Whether something else goes wrong."""
        return self.likely > 0 and self.random.random() < probability * self.likely

    def message(self) -> bool:
        """Whether a trigger comes to nothing whenever it is taken, until the run heals."""
        return self.chance(0.015)

    def _choose(self, actions: tuple[Action, ...]) -> Action:
        return actions[int(self.random.random() * len(actions))]
