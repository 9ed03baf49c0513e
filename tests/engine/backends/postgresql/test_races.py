"""What another transaction is changing just now is removed all the same.

A row that is found and then changed by somebody else is not deleted by its place (``ctid``): the server looks at it
again, PostgreSQL 18.6 at its place too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from armillary_engine.backend import Begun
from armillary_engine.backends.postgresql import exchange, open_backend
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.messages import TIMER
from armillary_engine.mutation import Close, Mutation, Nothing, Replied
from armillary_engine.rows import Message, SignalWait
from armillary_engine.testing.conformance.harness import Bench, message

pytestmark = pytest.mark.require("postgresql")
BLOCKED = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
CHANGES = {
    "calls": "UPDATE {schema}.calls SET ready = ready + 1 WHERE instance = 'i'",
    "tasks": "UPDATE {schema}.tasks SET assignee = 'ann' WHERE instance = 'i'",
    "messages": "UPDATE {schema}.messages SET owner = 'w9' WHERE instance = 'i' AND kind = 'note'",
}
LEFT = {
    "calls": "SELECT count(*) FROM {schema}.calls WHERE instance = 'i'",
    "tasks": "SELECT count(*) FROM {schema}.tasks WHERE instance = 'i' AND status = 'open'",
    "messages": "SELECT count(*) FROM {schema}.messages WHERE instance = 'i'",
}


@pytest.fixture
def url(postgresql_store: Callable[[], str]) -> str:
    return postgresql_store()


@pytest.fixture
def bench(url: str) -> Iterator[Bench]:
    bench = Bench(lambda clock: open_backend(url, clock=clock))
    bench.open()
    yield bench
    bench.close()


def beside(url: str, change: str, commit: Callable[[], Any]) -> Any:
    """Commits while another transaction has made ``change``, which ends when the commit waits for it."""
    place = place_of(url)
    done: list[Any] = []
    committing = threading.Thread(target=lambda: done.append(commit()))
    with psycopg.connect(place.conninfo) as other, psycopg.connect(place.conninfo, autocommit=True) as looking:
        assert other.execute(change.format(schema=f'"{place.schema}"').encode()).rowcount == 1
        committing.start()
        for _ in range(100_000):
            found = looking.execute(BLOCKED).fetchone()
            if not committing.is_alive() or (found is not None and found[0]):
                break
        other.commit()
        committing.join()
    return done[0]


def left(url: str, table: str) -> int:
    place = place_of(url)
    with psycopg.connect(place.conninfo) as looking:
        found = looking.execute(LEFT[table].format(schema=f'"{place.schema}"').encode()).fetchone()
    assert found is not None
    return int(found[0])


def of_timer(bench: Bench, **parts: Any) -> Mutation:
    """A slice that is brought about by a trigger of its own, while a call, a task and a message are there."""
    stored = bench.begin(calls=(bench.call(),), tasks=(bench.task(serial=2),), waits=(SignalWait(3, "never", None),))
    bench.send(message("i", "stop"))
    (claim,) = bench.claim()
    return bench.after(stored, claim.consumes, **parts)


def test_a_call_whose_lease_is_extended_just_now_is_closed(bench: Bench, url: str) -> None:
    closing = of_timer(bench, closes=(Close(1, "timeout", "call"),))
    assert beside(url, CHANGES["calls"], lambda: bench.commit(closing)).kind == "committed"
    assert left(url, "calls") == 0


@pytest.mark.parametrize(
    "change", [CHANGES["calls"], "UPDATE {schema}.instances SET revision = revision WHERE id = 'i'"]
)
def test_a_call_that_somebody_is_at_is_timed_out_by_the_next_look(bench: Bench, url: str, change: str) -> None:
    """Nobody waits for whoever may hold it for long."""
    for instance in ("i", "j"):
        bench.begin(instance, calls=(bench.call(instance, timeout=bench.clock.now()),))
    place = place_of(url)
    with psycopg.connect(place.conninfo) as other:
        assert other.execute(change.format(schema=f'"{place.schema}"').encode()).rowcount == 1
        assert bench.store.time_out(10) == 1
        other.commit()
    assert [bench.store.time_out(10), bench.store.time_out(10)] == [1, 0]
    assert left(url, "messages") == 1


@pytest.mark.parametrize("table", CHANGES)
def test_what_an_ended_instance_leaves_goes_with_it(bench: Bench, url: str, table: str) -> None:
    ending = of_timer(bench, status="completed", ended=bench.clock.now())
    if table == "messages":
        bench.send(message("i", "note"))
    assert beside(url, CHANGES[table], lambda: bench.commit(ending)).kind == "committed"
    assert left(url, table) == 0


def test_what_nobody_disturbs_is_committed_together(bench: Bench) -> None:
    """Also where what a trigger consumes is part of what its slice removes."""
    now = bench.clock.now()
    for instance, parts in (
        ("ended", {"status": "completed", "ended": now}),
        ("closed", {"closes": (Close(1, "timeout", "call"),)}),
    ):
        stored = bench.begin(instance, calls=(bench.call(instance),), waits=(SignalWait(3, "never", None),))
        bench.send(Message(instance, TIMER, b"{}", serial=1))
        bench.send(Message(instance, TIMER, b"{}", serial=1))
        (claim,) = bench.claim()
        assert bench.commit(bench.after(stored, claim.consumes, **parts)).kind == "committed"
        assert bench.claim() == []
    stored = bench.begin("replied", calls=(bench.call("replied"),))
    (call,) = bench.claim_calls()
    done = bench.after(stored, Replied(call.serial, call.fence), closes=(Close(1, "done", "call"),),
                       status="completed", ended=now)  # fmt: skip
    assert bench.commit(done).kind == "committed"
    store: Any = bench.store
    assert store._committing.alone == 0


def begun(bench: Bench) -> tuple[Any, Begun]:
    """A store, and a commit of two instances that has begun; the first is new."""
    store: Any = bench.store
    stored = bench.begin("there", waits=(SignalWait(1, "never", None),))
    return store, store.begin(
        [bench.start("new", waits=(SignalWait(1, "never", None),)), bench.after(stored, Nothing())]
    )


@pytest.mark.parametrize("selectable", [0, exchange.SELECTABLE])
def test_what_is_begun_is_committed_together(bench: Bench, monkeypatch: pytest.MonkeyPatch, selectable: int) -> None:
    monkeypatch.setattr(exchange, "SELECTABLE", selectable)
    store, commit = begun(bench)
    while not commit.ready(0.01):
        pass
    assert [outcome.kind for outcome in commit.outcomes()] == ["committed", "committed"]
    assert store._committing.alone == 0
    assert len(store._connections._idle) == 1, "the connection is there for the next one"


@pytest.mark.parametrize("sent", [True, False])
def test_what_is_begun_on_a_connection_that_is_lost_is_committed_once(bench: Bench, url: str, sent: bool) -> None:
    """Whether the server had got it or not."""
    store: Any = bench.store
    place = place_of(url)
    stored = bench.begin("there", waits=(SignalWait(1, "never", None),))
    mutations = [bench.start("new", waits=(SignalWait(1, "never", None),)), bench.after(stored, Nothing())]
    (connection,) = store._connections._idle
    with psycopg.connect(place.conninfo, autocommit=True) as other, psycopg.connect(place.conninfo) as holder:
        if not sent:  # it waits for the row, and never gets it
            holder.execute(f'SELECT * FROM "{place.schema}".instances FOR UPDATE'.encode())
        commit = store.begin(mutations)
        assert sent or not commit.ready(0.0001)
        if sent:
            wanted = f"SELECT count(*) FROM \"{place.schema}\".instances WHERE id = 'new'".encode()
            while other.execute(wanted).fetchone() == (0,):
                pass
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        holder.rollback()
        assert [(one.kind, one.revision) for one in commit.outcomes()] == [("committed", 1), ("committed", 2)]
    assert [bench.read(name).row.revision for name in ("new", "there")] == [1, 2]
    assert len(store.history("there", after=0, limit=10)) == 2


def test_what_was_prepared_for_what_is_begun_may_be_forgotten(bench: Bench) -> None:
    store, commit = begun(bench)
    commit.outcomes()
    (connection,) = store._connections._idle
    connection.execute("DEALLOCATE ALL")
    again = store.begin([bench.after(bench.read("new"), Nothing())])
    assert [outcome.kind for outcome in again.outcomes()] == ["committed"]
    alone = store._committing.alone
    store.begin([bench.after(bench.read("there"), Nothing())]).outcomes()
    assert store._committing.alone == alone, "it is prepared again"
