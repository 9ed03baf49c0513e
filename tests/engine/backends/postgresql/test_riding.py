"""The hint of a lone commit goes in the round trip of that commit, as a transaction of its own behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, cast
from urllib.parse import quote

import psycopg
import pytest
from armillary_engine.backend import Hint
from armillary_engine.backends.postgresql import open_backend, riding
from armillary_engine.backends.postgresql.backend import PostgresqlBackend
from armillary_engine.backends.postgresql.binary import TEXT
from armillary_engine.backends.postgresql.connections import connect
from armillary_engine.backends.postgresql.exchange import Named, StoreConnection, exchange, rows
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.wakes.postgresql import LONE, PostgresqlWake

from ...local.conftest import House, get

pytestmark = pytest.mark.require("postgresql")
PAID = m.Definition("Paid", (
    m.Repeat("again", test=m.Const(True), body=(m.Signal("paid", "paid", match=get("input.order"), result="paid"),)),
))  # fmt: skip
NUMBER = b"SELECT pg_current_xact_id()::text"


@pytest.fixture
def connection(postgresql_server: str) -> Iterator[StoreConnection]:
    place = place_of(postgresql_server)
    with closing(connect(place.conninfo, place.shown)) as opened:
        yield opened


class Told:
    """What a runtime tells by its own connection, and what comes to another one's ears."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, teller: LocalRuntime, hearer: LocalRuntime) -> None:
        self.sent: list[str] = []
        self.heard: list[Hint] = []
        self._news = threading.Condition()
        line = cast(PostgresqlWake, teller.engine.wake)._own
        send = line.send

        def spy(texts: Sequence[str]) -> None:
            self.sent += texts
            send(texts)

        monkeypatch.setattr(line, "send", spy)
        plain = hearer.engine.wake._heard  # type: ignore[attr-defined]

        def heard(hint: Hint) -> None:
            with self._news:
                self.heard.append(hint)
                self._news.notify_all()
            plain(hint)

        hearer.engine.wake.listen(heard)

    def until(self, expected: Callable[[Hint], bool]) -> None:
        """Until such a hint is heard."""
        with self._news:
            assert self._news.wait_for(lambda: any(map(expected, self.heard)), 20)


def opened_now(runtime: LocalRuntime) -> None:
    """What a wake says of itself when it opens has gone, and nothing was told just before."""
    wake = cast(PostgresqlWake, runtime.engine.wake)
    while wake._pending:
        threading.Event().wait(0.001)
    wake._gathered = 0.0
    wake._gathers = LONE


# ── lone commits ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_hint_of_a_lone_signal_goes_with_its_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, publisher = house.open(), house.open(work=False)
    worker.deploy(PAID)
    instance = worker.start("Paid", {"order": "O"}).id
    opened_now(publisher)
    told = Told(monkeypatch, publisher, worker)
    publisher.signal("paid", 1, match="O")
    told.until(lambda hint: (instance, 2) in hint.changed and not hint.work)
    assert told.sent == []


def test_the_hints_of_one_that_a_worker_takes_go_with_its_commits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, publisher = house.open(), house.open(work=False)
    worker.deploy(PAID)
    instance = worker.start("Paid", {"order": "O"}).id
    opened_now(worker)
    opened_now(publisher)
    of_worker = Told(monkeypatch, worker, publisher)
    of_publisher = Told(monkeypatch, publisher, worker)
    publisher.signal("paid", 1, match="O", mode="all")
    of_publisher.until(lambda hint: hint == Hint())
    of_worker.until(lambda hint: (instance, 2) in hint.changed and not hint.work)
    assert (of_publisher.sent, of_worker.sent) == ([], [])


def test_a_signal_that_is_kept_wakes_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, publisher = house.open(), house.open(work=False)
    worker.deploy(PAID)
    opened_now(publisher)
    told = Told(monkeypatch, publisher, worker)
    publisher.signal("paid", 1, match="nobody waits for it")
    worker.start("Paid", {"order": "O"})
    publisher.signal("paid", 2, match="O", mode="all")
    told.until(lambda hint: hint.work)
    assert sum(hint.work for hint in told.heard) == 1


def test_a_hint_that_could_not_go_along_is_told_the_usual_way(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, publisher = house.open(), house.open(work=False)
    worker.deploy(PAID)
    instance = worker.start("Paid", {"order": "O"}).id
    opened_now(publisher)
    statements = cast(PostgresqlBackend, publisher.engine.store)._riding._statements
    fails = Named("SELECT (1 / (length(%(text)s) * 0))::text", riding.KINDS)
    monkeypatch.setitem(statements, riding.HANDED_OVER, fails)
    told = Told(monkeypatch, publisher, worker)
    publisher.signal("paid", 1, match="O", mode="all")
    told.until(lambda hint: hint.work)
    assert house.until(worker, instance, lambda view: view.revision == 2).revision == 2
    publisher.engine.wake.close()
    assert len(told.sent) >= 1


def test_what_follows_at_once_is_gathered_and_told_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, publisher = house.open(work=False), house.open(work=False)
    worker.deploy(PAID)
    for order in "AB":
        worker.start("Paid", {"order": order})
    opened_now(publisher)
    wake = cast(PostgresqlWake, publisher.engine.wake)
    told = Told(monkeypatch, publisher, worker)
    publisher.signal("paid", 1, match="A", mode="all")
    assert told.sent == []
    wake._gathered = threading.TIMEOUT_MAX  # the gap is not over yet
    publisher.signal("paid", 1, match="B", mode="all")
    assert wake._pending == [Hint()]
    wake._pending.clear()
    wake._gathered = 0.0


def test_where_much_is_told_all_of_it_is_gathered(house: House) -> None:
    runtime = house.open(work=False)
    wake = cast(PostgresqlWake, runtime.engine.wake)
    opened_now(runtime)
    wake._gathers = 2 * LONE
    assert wake.offer(Hint()) is None
    wake._gathers = LONE
    assert wake.offer(Hint()) is not None
    assert wake.offer(Hint()) is None, "the gap after it has begun"


def test_only_the_hint_that_went_is_not_told_again(house: House) -> None:
    runtime = house.open(work=False)
    wake = cast(PostgresqlWake, runtime.engine.wake)
    opened_now(runtime)
    wake._gathered = threading.TIMEOUT_MAX
    one, other = Hint((("i", 1),)), Hint((("i", 2),))
    wake._rode.hint = one
    wake.notify(one)
    assert wake._pending == []
    wake.notify(one)
    wake._rode.hint = one
    wake.notify(other)
    wake.notify(one)
    assert wake._pending == [one, other, one]
    thread = threading.Thread(target=wake.notify, args=(other,))
    wake._rode.hint = other
    thread.start()
    thread.join()
    assert wake._pending == [one, other, one, other], "another thread's commit is another one"
    wake._pending.clear()
    wake._gathered = 0.0


# ── where hints go another way ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.require("redis")
def test_nothing_goes_along_to_another_carrier(
    postgresql_store: Callable[[], str], servers: Callable[[str], Any]
) -> None:
    with (
        servers("redis").own_server() as redis,
        closing(open_backend(f"{postgresql_store()}&wake={redis.url}")) as store,
    ):
        store.open_wake().close()
        assert store._riding.carrier is None


def test_nothing_goes_along_where_who_listens_does_it_elsewhere(
    postgresql_store: Callable[[], str], postgresql_server: str
) -> None:
    with closing(open_backend(f"{postgresql_store()}&listen={quote(postgresql_server, safe='')}")) as store:
        store.open_wake().close()
        assert store._riding.carrier is None


# ── two transactions in one send ─────────────────────────────────────────────────────────────────────────────────────


def texts(connection: StoreConnection, answers: Sequence[Any]) -> list[Any]:
    return [row[0] for answer in answers for row in rows(connection, answer)]


def test_what_is_behind_is_a_transaction_of_its_own(connection: StoreConnection) -> None:
    first, second = texts(connection, exchange(connection, [(NUMBER, [])], [(NUMBER, [])]))
    assert first != second


def test_what_fails_behind_takes_nothing_with_it(connection: StoreConnection) -> None:
    fails = (b"SELECT 1 / $1::int", [b"\0\0\0\0"])
    for _ in range(2):
        assert len(texts(connection, exchange(connection, [(NUMBER, [])], [fails]))) == 1
    assert texts(connection, exchange(connection, [(NUMBER, [])])), "the connection is as before"


def test_a_connection_that_is_lost_behind_has_done_what_came_first(connection: StoreConnection) -> None:
    dies = (b"SELECT pg_terminate_backend(pg_backend_pid())", [])
    assert len(texts(connection, exchange(connection, [(NUMBER, [])], [dies]))) <= 2
    assert connection.closed
    with pytest.raises(psycopg.OperationalError):
        exchange(connection, [(NUMBER, [])])


def test_what_is_prepared_behind_a_failure_is_known_by_its_own_name(connection: StoreConnection) -> None:
    fails, never = (b"SELECT 1 / $1::int", [b"\0\0\0\0"]), (b"SELECT 'never'", [])
    with pytest.raises(psycopg.errors.DivisionByZero):
        exchange(connection, [fails, never], [(b"SELECT $1::text", [TEXT.scalar("behind")])])
    again = [never, (b"SELECT $1::text", [TEXT.scalar("again")])]
    assert texts(connection, exchange(connection, again)) == ["never", "again"]


def test_what_came_to_nothing_is_not_told(house: House, postgresql_server: str) -> None:
    runtime = house.open(work=False)
    runtime.deploy(PAID)
    instance = runtime.start("Paid", {"order": "O"}).id
    store = cast(PostgresqlBackend, runtime.engine.store)
    statement = store._riding._statements[riding.COMMITTED]
    with store._connections.connection() as connection:
        given = {"channel": "c", "text": "t", "id": instance}
        assert len(statement.rows(connection, {**given, "revision": 1})) == 1
        assert len(statement.rows(connection, {**given, "revision": 2})) == 0
