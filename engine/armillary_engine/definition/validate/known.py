"""What is known at a place of the names that steps assign: surely, or on some way only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Names = frozenset[str]
Ways = list["Gain"]


@dataclass(frozen=True, slots=True)
class Gain:
    """What a way through a body adds: names that are surely assigned, and names that may be."""

    sure: Names = frozenset()
    maybe: Names = frozenset()


def met(ways: Iterable[Gain]) -> Gain | None:
    """Where several ways meet; ``None`` when none arrives."""
    found = list(ways)
    if not found:
        return None
    sure = frozenset.intersection(*(way.sure for way in found))
    return Gain(sure, frozenset().union(*(way.maybe for way in found)))


class Known:
    """Names assigned up to a place: those of the place around, and what was gained since. Those that are ``given`` by a
    loop or a handler are known inside of it, and gained by nobody who leaves it."""

    __slots__ = ("around", "given", "maybe", "sure")

    def __init__(
        self, around: Known | None = None, sure: Iterable[str] = (), maybe: Iterable[str] = (),
        given: Names = frozenset(),
    ) -> None:  # fmt: skip
        self.around = around
        self.given = given
        self.sure = set(sure)
        self.maybe = {*self.sure, *maybe}

    def add(self, gain: Gain) -> None:
        """Takes over what was gained."""
        self.sure |= gain.sure
        self.maybe |= gain.maybe

    def has(self, name: str) -> bool:
        """Whether a name is surely assigned."""
        known: Known | None = self
        while known is not None:
            if name in known.sure or name in known.given:
                return True
            known = known.around
        return False

    def may_have(self, name: str) -> bool:
        """Whether a name may be assigned."""
        known: Known | None = self
        while known is not None:
            if name in known.maybe or name in known.given:
                return True
            known = known.around
        return False

    def since(self, base: Known) -> Gain:
        """What was gained since ``base``."""
        sure: set[str] = set()
        maybe: set[str] = set()
        known: Known | None = self
        while known is not None and known is not base:
            sure |= known.sure
            maybe |= known.maybe
            known = known.around
        return Gain(frozenset(sure), frozenset(maybe))


@dataclass(slots=True)
class Loop:
    """The innermost loop around: where it began, and the ways out of it and of its turns."""

    base: Known
    leaves: Ways = field(default_factory=list)
    nexts: Ways = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Around:
    """What is around a place. ``local``: names that a loop or a handler gives; ``outer``: what a parallel ``each`` may
    only read, which is all that may be assigned at its entry."""

    loop: Loop | None = None
    local: Names = frozenset()
    outer: Known | None = None
