"""Wakes by a bus: where nobody else listens nothing is told, and nobody is overlooked for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest
from armillary_engine.backend import ANYTHING, Hint
from armillary_engine.testing.wakes import Ear
from armillary_engine.wakes import bus
from armillary_engine.wakes.bus import BusWake, LineLostError

PATIENCE = 20.0
WORK = Hint((("i", 1),))
ASKS, MAY_BE_ANYTHING = [False, None, []], [True, None, [["", 0]]]


class Hub:
    """A server. ``sent``: whatever was, by all lines; ``deaf``: it takes texts and hands on none."""

    def __init__(self) -> None:
        self.news = threading.Condition()
        self.lines: list[HubLine] = []
        self.sent: list[list[object]] = []
        self.deaf = False

    def until(self, holds: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(holds, PATIENCE), self.sent

    def of(self, owner: str) -> list[list[object]]:
        """What one has sent, without its name."""
        return [rest for name, *rest in self.sent if name == owner]


class HubLine:
    """Implements :class:`armillary_engine.wakes.bus.Line`."""

    limit, waits, outlived = 8_000, False, False

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.arrived: list[str] = []
        self.lost = self.called = False
        self.connect()

    def connect(self) -> None:
        with self.hub.news:
            self.lost = False
            self.arrived.clear()
            self.hub.lines.append(self)

    def hear(self, seconds: float) -> Sequence[str]:
        with self.hub.news:
            self.hub.news.wait_for(lambda: self.arrived or self.lost or self.called, min(seconds, PATIENCE))
            if self.lost:
                raise LineLostError("it broke")
            found, self.arrived = self.arrived, []
            self.hub.news.notify_all()
            return found

    def send(self, texts: Sequence[str]) -> None:
        with self.hub.news:
            if self.lost:
                raise LineLostError("it broke")
            for text in texts:
                self.hub.sent.append(msgspec.json.decode(text))
                for line in [] if self.hub.deaf else self.hub.lines:
                    line.arrived.append(text)
            self.hub.news.notify_all()

    def settle(self) -> None:
        """Nothing is on its way."""

    def interrupt(self) -> None:
        with self.hub.news:
            self.called = True
            self.hub.news.notify_all()

    def disconnect(self) -> None:
        with self.hub.news:
            if self in self.hub.lines:
                self.hub.lines.remove(self)

    def lose(self) -> None:
        """The connection breaks."""
        with self.hub.news:
            self.disconnect()
            self.lost = True
            self.hub.news.notify_all()


class Peer(Ear):
    """A wake on a line of the hub."""

    wake: BusWake

    def __init__(self, hub: Hub, owner: str) -> None:
        self.line = HubLine(hub)
        super().__init__(BusWake(self.line, owner))

    def hears_of(self, expected: Hint) -> None:
        self.until(lambda got: expected in got)

    def is_alone(self) -> None:
        """From now on."""
        ends = threading.Event()
        for _ in range(20_000):
            if self.wake._is_alone():
                return
            ends.wait(0.001)
        pytest.fail("it does not know that it is alone")


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def peers(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Peer]]:
    """Opens one; who is not answered at once is alone."""
    monkeypatch.setattr(bus, "ANSWERED", 0.01)
    opened: list[Peer] = []

    def peer(owner: str) -> Peer:
        opened.append(Peer(hub, owner))
        return opened[-1]

    yield peer
    for one in opened:
        one.wake.close()


def test_who_is_alone_tells_nothing(hub: Hub, peers: Callable[[str], Peer]) -> None:
    one = peers("one")
    one.is_alone()
    one.wake.notify(WORK)
    assert one.wake._pending == []
    assert hub.of("one") == [ASKS], "it has asked who is there"


def test_whoever_comes_is_told_that_anything_may_have_changed_and_then_everything(
    hub: Hub, peers: Callable[[str], Peer]
) -> None:
    one = peers("one")
    one.is_alone()
    one.wake.notify(WORK)
    two = peers("two")
    hub.until(lambda: MAY_BE_ANYTHING in hub.of("one"))
    one.wake.notify(WORK)
    two.hears_of(WORK)
    two.wake.notify(WORK)
    one.hears_of(WORK)
    assert not one.wake._is_alone()
    assert not two.wake._is_alone()


def test_whoever_is_there_answers_once(hub: Hub, peers: Callable[[str], Peer]) -> None:
    one, two = peers("one"), peers("two")
    hub.until(lambda: len(hub.of("one")) == 2)
    three = peers("three")
    hub.until(lambda: len(hub.of("one")) == 3 and len(hub.of("two")) == 2)
    three.wake.notify(WORK)
    for one_of_them in (one, two):
        one_of_them.hears_of(WORK)
    assert hub.of("three") == [ASKS, [True, None, [["i", 1]]]], "nobody answers an answer"


def test_whoever_has_heard_of_others_goes_on_telling_them_while_they_say_nothing(
    hub: Hub, peers: Callable[[str], Peer]
) -> None:
    one, two = peers("one"), peers("two")
    two.wake.notify(WORK)
    one.hears_of(WORK)
    for number in range(3):
        hint = Hint((("i", number),))
        one.wake.notify(hint)
        two.hears_of(hint)
        hub.until(lambda: not one.line.arrived)
        assert one.wake._alone_from > time.monotonic() + bus.SELDOM, "what comes back of it says nothing of others"


def test_who_has_fallen_silent_is_no_longer_counted(
    hub: Hub, peers: Callable[[str], Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "SELDOM", 0.05)
    one = peers("one")
    two = peers("two")
    two.wake.notify(WORK)
    one.hears_of(WORK)
    two.wake.close()
    one.is_alone()


def test_who_was_thought_to_be_gone_and_says_something_is_told(
    hub: Hub, peers: Callable[[str], Peer]
) -> None:  # fmt: skip
    """As a process that was frozen while it was asked."""
    one, two = peers("one"), peers("two")
    two.wake.notify(WORK)
    one.hears_of(WORK)
    one.wake._alone_from = 0.0
    one.wake.notify(WORK)
    two.wake._say(bus._Text("two"))
    two.hears_of(ANYTHING)
    assert not one.wake._is_alone()


def test_whoever_came_while_the_line_was_lost_is_told(hub: Hub, peers: Callable[[str], Peer]) -> None:
    one = peers("one")
    one.is_alone()
    one.line.lose()
    two = peers("two")
    one.wake.notify(WORK)  # it may not have noticed yet
    hub.until(lambda: MAY_BE_ANYTHING in hub.of("one") and hub.of("one").count(ASKS) == 2)
    two.wake.notify(WORK)
    one.hears_of(WORK)


def test_whoever_came_is_told_though_the_line_is_lost_again(
    hub: Hub, peers: Callable[[str], Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = peers("one")
    one.is_alone()
    plain, refused = one.line.send, list[Sequence[str]]()

    def send(texts: Sequence[str]) -> None:
        if len(refused) < 2:
            refused.append(texts)
            one.line.lose()
            raise LineLostError("it broke")
        plain(texts)

    monkeypatch.setattr(one.line, "send", send)
    one.line.lose()
    hub.until(lambda: MAY_BE_ANYTHING in hub.of("one") and ASKS in hub.of("one")[1:])
    assert len(refused) == 2


def test_who_hears_nothing_of_its_own_is_not_alone(hub: Hub, peers: Callable[[str], Peer]) -> None:
    hub.deaf = True
    one = peers("one")
    one.wake.notify(WORK)
    hub.until(lambda: [True, None, [["i", 1]]] in hub.of("one"))
    assert one.wake._alone_from == bus.FOREVER


@pytest.mark.parametrize("seldom", [0.01, 1e6], ids=["it asks more often than that", "it asks once"])
def test_a_line_that_hears_nothing_of_its_own_is_replaced(
    hub: Hub, peers: Callable[[str], Peer], monkeypatch: pytest.MonkeyPatch, seldom: float
) -> None:
    """From the beginning: a network may swallow everything just after it was connected."""
    monkeypatch.setattr(bus, "SELDOM", seldom)
    monkeypatch.setattr(bus, "ECHO", 0.05)
    hub.deaf = True
    one = peers("one")
    hub.until(lambda: hub.of("one").count(ASKS) > 2)
    monkeypatch.setattr(bus, "SELDOM", 1e6)
    hub.deaf = False
    one.is_alone()
