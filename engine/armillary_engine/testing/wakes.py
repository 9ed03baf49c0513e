"""The suite that every wake driver must pass. A driver's own test file is this, with another factory::

    import pytest
    from armillary_engine.testing import wakes

    @pytest.mark.parametrize("case", wakes.CASES, ids=wakes.name)
    def test_wake(case):
        wakes.run(case, lambda owner: open_wake("redis://…", channel="c", owner=owner))

The factory opens the wake of *the same* store under the name ``owner``. ``named=False``: the driver cannot say what has
changed, and tells a hint that stands for anything. ``disturb`` breaks the connections of all that were opened, where a
driver has any; without it the cases about that are passed over (:func:`applies`).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ..backend import Hint, Wake

PATIENCE = 20.0
"""Seconds that a hint may take before it counts as lost."""
ANY = ("", 0)


class Ear:
    """One opening of a wake, with what it heard."""

    def __init__(self, wake: Wake) -> None:
        self.wake = wake
        self.heard: queue.SimpleQueue[Hint] = queue.SimpleQueue()
        wake.listen(self.heard.put)

    def until(self, holds: Callable[[list[Hint]], bool]) -> list[Hint]:
        """All that was heard, once it is enough."""
        got: list[Hint] = []
        while not holds(got):
            try:
                got.append(self.heard.get(timeout=PATIENCE))
            except queue.Empty:
                text = f"heard {len(got)} hints and nothing more for {PATIENCE} s; the last one: {str(got[-1:])[:500]}"
                raise AssertionError(text) from None
        return got

    def hears(self, *changed: tuple[str, int]) -> list[Hint]:
        """Waits until all of ``changed`` was told, or something that stands for anything."""

        def enough(got: list[Hint]) -> bool:
            told = {one for hint in got for one in hint.changed}
            return told >= set(changed) or ANY in told

        return self.until(enough)


@dataclass(slots=True)
class Room:
    """Several openings of one wake."""

    factory: Callable[[str], Wake]
    named: bool = True
    disturb: Callable[[], None] | None = None
    ears: list[Ear] = field(default_factory=list)

    def open(self) -> Ear:
        self.ears.append(Ear(self.factory(f"owner-{len(self.ears)}-{id(self):x}")))
        return self.ears[-1]

    def meet(self, n: int) -> list[Ear]:
        """``n`` openings, each of which has heard of the last one: whoever opens may hear a little later."""
        ears = [self.open() for _ in range(n)]
        for number, ear in enumerate(ears):
            for other in ears:
                if other is not ear:
                    _tell_until(ear, other, ("met", number))
        for ear in ears:
            _drain(ear)
        return ears


def _tell_until(sender: Ear, hearer: Ear, one: tuple[str, int]) -> None:
    for _ in range(int(PATIENCE * 10)):
        sender.wake.notify(Hint((one,)))
        try:
            while True:
                hint = hearer.heard.get(timeout=0.1)
                if one in hint.changed or ANY in hint.changed:
                    return
        except queue.Empty:
            continue
    raise AssertionError(f"never heard for {PATIENCE} s")


def _drain(ear: Ear) -> None:
    while True:
        try:
            ear.heard.get(timeout=0.2)
        except queue.Empty:
            return


Case = Callable[[Room], None]
CASES: list[Case] = []
_DISTURBING: set[str] = set()


def case(function: Case) -> Case:
    """Makes a function part of the suite."""
    CASES.append(function)
    return function


def name(function: Case) -> str:
    """How a case is called in test reports."""
    return function.__name__


def applies(function: Case, *, disturb: bool) -> bool:
    """Whether a driver whose connections can (or cannot) be broken is held to a case."""
    return disturb or function.__name__ not in _DISTURBING


def run(
    function: Case, factory: Callable[[str], Wake], *, named: bool = True, disturb: Callable[[], None] | None = None
) -> None:
    """Runs one case; whatever it opened is closed, twice."""
    room = Room(factory, named, disturb)
    try:
        if applies(function, disturb=disturb is not None):
            function(room)
    finally:
        for ear in room.ears:
            ear.wake.close()
            ear.wake.close()


@case
def a_hint_reaches_all_others_and_not_its_sender(room: Room) -> None:
    """With the names and revisions of what has changed, in any script."""
    ears = room.meet(3)
    sent = (("i", 3), ("ß→🧭", 1))
    ears[0].wake.notify(Hint(sent, work=True))
    for ear in ears[1:]:
        heard = ear.hears(*sent)
        assert any(hint.work for hint in heard)
    ears[1].wake.notify(Hint((("back", 1),)))
    heard = ears[0].hears(("back", 1))
    if room.named:
        assert not {one for hint in heard for one in hint.changed} & set(sent), "its own hint came back"


@case
def the_moment_when_somebody_is_needed_is_told(room: Room) -> None:
    """Who made a deadline may die before it: the earliest one counts."""
    ears = room.meet(2)
    ears[0].wake.notify(Hint((("i", 1),), work=False, due=2_000))
    ears[0].wake.notify(Hint((), work=False, due=1_000))
    if room.named:
        ears[1].until(lambda got: min((hint.due for hint in got if hint.due is not None), default=None) == 1_000)
    else:
        ears[1].hears(("i", 1))


@case
def much_at_once_is_told_in_full(room: Room) -> None:
    """5,000 instances in one hint, and one whose name is longer than most carriers take; or else that there is more
    than could be told."""
    ears = room.meet(2)
    changed = tuple((f"instance-{number:06}", number) for number in range(5_000))
    ears[0].wake.notify(Hint(changed))
    ears[1].hears(*changed)
    _drain(ears[1])
    ears[0].wake.notify(Hint((("x" * 9_000, 1),)))
    ears[1].hears(("x" * 9_000, 1))


@case
def what_many_threads_tell_is_all_told(room: Room) -> None:
    """Telling is safe from any thread."""
    ears = room.meet(2)
    sent = {(f"t{thread}-{number}", 1) for thread in range(4) for number in range(50)}

    def tell(thread: int) -> None:
        for number in range(50):
            ears[0].wake.notify(Hint(((f"t{thread}-{number}", 1),)))

    threads = [threading.Thread(target=tell, args=(thread,)) for thread in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    ears[1].hears(*sent)


@case
def who_comes_later_hears_what_follows(room: Room) -> None:
    """And who has gone stops nobody."""
    first, second = room.meet(2)
    second.wake.close()
    first.wake.notify(Hint((("nobody-else", 1),)))
    third = room.open()
    _tell_until(first, third, ("late", 1))
    _tell_until(third, first, ("answer", 1))


@case
def telling_after_the_end_is_harmless(room: Room) -> None:
    """A commit may end while its runtime closes."""
    first, second = room.meet(2)
    first.wake.close()
    first.wake.notify(Hint((("i", 1),)))
    second.wake.notify(Hint((("i", 2),)))


@case
def what_is_told_just_before_the_end_is_told(room: Room) -> None:
    """Closing sends what is pending."""
    first, second = room.meet(2)
    for number in range(20):
        first.wake.notify(Hint(((f"last-{number}", 1),)))
    first.wake.close()
    second.hears(*((f"last-{number}", 1) for number in range(20)))


@case
def a_lost_connection_costs_no_hint(room: Room) -> None:
    """What is told while connections are lost is told later, or all look at everything once."""
    assert room.disturb is not None
    ears = room.meet(2)
    for turn in range(3):
        room.disturb()
        ears[0].wake.notify(Hint(((f"during-{turn}", 1),)))
        ears[1].hears((f"during-{turn}", 1))
    _tell_until(ears[0], ears[1], ("after", 1))
    _tell_until(ears[1], ears[0], ("after", 2))


_DISTURBING.add("a_lost_connection_costs_no_hint")
