"""No loss of a hint leaves work lying: what stands in the store is looked for, by whichever driver the hints travel.

Each test loses a hint for good, at the worst moment: its process dies between the commit and the hint, or the carrier
takes it and delivers nothing. None of these hints goes in the round trip of its commit, where it could not be lost
alone. The pauses after which everybody looks are shortened one at a time, so that it is known which of them found the
work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from textwrap import dedent
from typing import Any
from urllib.parse import quote

import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.wakes import bus
from armillary_engine.wakes.postgresql import PostgresqlLine

from ...local.conftest import House, done, get
from ...local.test_processes import Child
from .hostile.proxy import Proxy

pytestmark = pytest.mark.require("postgresql")
NEVER = 1e6
WAITING = m.Definition("Waiting", (m.Signal("paid", "paid", match=get("input.order"), result="paid"), done("paid")))
DIE = """
    def die(hint):
        os.kill(os.getpid(), 9)

    def by_notify_only(runtime):
        runtime.engine.wake.offer = lambda hint: None
"""


def dying(house: House, script: str) -> Child:
    """A process that may die in the place of a hint."""
    return Child(house, dedent(DIE) + dedent(script))


SENDER = """
    runtime = LocalRuntime(url, work=False)
    say("ready")
    sys.stdin.readline()
    by_notify_only(runtime)
    runtime.engine.wake.notify = die
    runtime.signal("paid", 1, match="O")
    say("told")
"""


@pytest.fixture(params=["listen", pytest.param("redis", marks=pytest.mark.require("redis"))])
def house(
    request: pytest.FixtureRequest, postgresql_store: Callable[[], str], servers: Callable[[str], Any]
) -> Iterator[House]:
    with ExitStack() as stack:
        url = postgresql_store()
        if request.param == "redis":
            url += f"&wake={stack.enter_context(servers('redis').own_server()).url}"
        opened = House(url)
        yield opened
        opened.close()


def test_what_a_killed_process_has_committed_is_found_though_nobody_was_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was silent for long before: nobody listens for what it may have left unsaid."""
    monkeypatch.setattr(bus, "QUIET", NEVER)
    monkeypatch.setattr(bus, "SELDOM", 2.0)
    runtime = house.open()
    runtime.deploy(WAITING)
    instance = runtime.start("Waiting", {"order": "O"}).id
    with dying(house, SENDER) as child:
        assert child.said() == "ready"
        child.tell()
        assert child.said() == "", "it died before it could say that the signal was sent"
        assert house.until(runtime, instance).status == "completed"


def test_whoever_was_busy_when_it_died_is_followed_within_a_second(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others have just heard of it, and look when it says no more."""
    monkeypatch.setattr(bus, "SELDOM", NEVER)
    runtime = house.open()
    runtime.deploy(WAITING)
    instance = runtime.start("Waiting", {"order": "O"}).id
    script = """
        runtime = LocalRuntime(url, work=False)
        by_notify_only(runtime)
        plain = runtime.engine.wake.notify
        def last(hint):
            plain(hint)
            runtime.engine.wake._send()
            runtime.engine.wake.notify = die
        runtime.engine.wake.notify = last
        runtime.signal("nobody", 1, match="waits for this")
        runtime.signal("paid", 1, match="O")
    """
    with dying(house, script) as child:
        assert child.said() == ""
        assert house.until(runtime, instance).status == "completed"


def test_who_waits_hears_of_what_a_worker_committed_before_it_died(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left to be done, so no worker's look would tell who watches the instance."""
    monkeypatch.setattr(bus, "QUIET", NEVER)
    monkeypatch.setattr(bus, "SELDOM", 2.0)
    observer = house.open(work=False)
    observer.deploy(WAITING)
    instance = observer.start("Waiting", {"order": "O"}).id
    script = """
        runtime = LocalRuntime(url)
        by_notify_only(runtime)
        runtime.engine.wake.notify = die
        say("ready")
        threading.Event().wait()
    """
    with dying(house, script) as child:
        assert child.said() == "ready"
        observer.signal("paid", 1, match="O", mode="all")
        assert child.said() == ""
        assert house.until(observer, instance).status == "completed"


def test_a_carrier_that_takes_hints_and_delivers_nothing_costs_time_only(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a fail-over that left who tells and who hears on two servers: each line is well, and nothing comes."""
    monkeypatch.setattr(bus, "SELDOM", 2.0)
    runtime, sender = house.open(), house.open(work=False)
    runtime.deploy(WAITING)
    instance = runtime.start("Waiting", {"order": "O"}).id
    swallowed: list[str] = []
    monkeypatch.setattr(sender.engine.wake, "offer", lambda hint: None, raising=False)
    monkeypatch.setattr(sender.engine.wake._line, "send", swallowed.extend)  # type: ignore[attr-defined]
    sender.signal("paid", 1, match="O")
    assert house.until(runtime, instance).status == "completed"
    assert swallowed


def test_a_line_that_has_gone_deaf_is_noticed_and_replaced(
    own_postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something on the way goes on to acknowledge, and passes nothing on."""
    monkeypatch.setattr(bus, "SELDOM", 1.0)
    monkeypatch.setattr(bus, "ECHO", 1.0)
    direct = f"{own_postgresql.url}?schema=deaf"
    with closing(Proxy(own_postgresql.port)) as proxy:
        by_proxy = own_postgresql.url.replace(f":{own_postgresql.port}/", f":{proxy.port}/")
        house = House(f"{direct}&listen={quote(by_proxy, safe='')}")
        runtime = house.open()
        runtime.deploy(WAITING)
        instance = runtime.start("Waiting", {"order": "O"}).id
        connected = threading.Event()
        line = runtime.engine.wake._line  # type: ignore[attr-defined]
        connect = line.connect
        monkeypatch.setattr(line, "connect", lambda: (connect(), connected.set()))
        assert proxy.swallow() >= 1
        assert connected.wait(20), "it listens by another connection"
        monkeypatch.setattr(bus, "SELDOM", NEVER)
        sender = LocalRuntime(direct, work=False)
        sender.signal("paid", 1, match="O")
        assert house.until(runtime, instance).status == "completed"
        sender.close()
        house.close()


def test_what_is_sent_again_is_not_lost_with_the_connection_that_it_is_sent_on(
    postgresql_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that breaks has hints without an answer; the next one breaks while they are sent again."""
    house = House(postgresql_store())
    runtime, sender = house.open(), house.open(work=False)
    runtime.deploy(WAITING)
    instance = runtime.start("Waiting", {"order": "O"}).id
    line = sender.engine.wake._line  # type: ignore[attr-defined]
    monkeypatch.setattr(sender.engine.wake, "offer", lambda hint: None)
    post, posted = line._post, list[list[str]]()

    def breaks(pq: Any, texts: Any) -> None:
        """What is told comes to nothing, and so does what is told again."""
        posted.append(list(texts))
        if len(posted) <= 2:
            pq.finish()
        if len(posted) != 1:
            post(pq, texts)

    monkeypatch.setattr(line, "_post", breaks)
    sender.signal("paid", 1, match="O", mode="all")
    line.interrupt()
    assert house.until(runtime, instance).status == "completed"
    assert posted[0]
    assert posted[:3] == [posted[0]] * 3
    house.close()


def test_whoever_rings_never_waits_for_the_one_who_hears(postgresql_store: Callable[[], str]) -> None:
    """Who hears may be connecting, or stand still."""
    backend = open_backend(postgresql_store())
    with closing(backend):
        line = PostgresqlLine(backend.place, backend._connections)
        for _ in range(10_000):  # a pair of sockets holds some hundreds
            line.interrupt()
        line.release()
