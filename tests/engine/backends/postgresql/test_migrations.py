"""Migrations on a real server: up, down, twice, and from each schema of the past with what was in it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.backends.postgresql.preparing import SCHEMA, migrate, upgrade
from armillary_engine.rows import SignalWait
from armillary_engine.testing.conformance.harness import Bench

from .test_store import schema_of

pytestmark = pytest.mark.require("postgresql")


def filled(url: str) -> Bench:
    """A store with a living instance, a call, a task and a message in it."""
    bench = Bench(lambda clock: open_backend(url, clock=clock))
    bench.open()
    bench.begin("one", waits=(SignalWait(1, "never", None),))
    bench.begin("two", calls=(bench.call("two"),), key="K")
    bench.begin("three", tasks=(bench.task("three"),))
    return bench


@pytest.mark.parametrize("old", range(1, SCHEMA))
def test_a_store_of_each_older_schema_is_brought_up_with_all_that_is_in_it(
    postgresql_store: Callable[[], str], old: int
) -> None:
    url = postgresql_store()
    bench = filled(url)
    before = {id: bench.read(id) for id in ("one", "two", "three")}
    newest = schema_of(url)
    for backend in bench.opened:
        backend.close()
    assert migrate(url, old) == (SCHEMA, old)
    assert schema_of(url) != newest
    assert upgrade(url) == (old, SCHEMA)
    assert upgrade(url) == (SCHEMA, SCHEMA), "twice does nothing"
    assert schema_of(url) == newest
    bench.opened = []
    bench.open()
    assert {id: bench.read(id) for id in before} == before
    assert bench.store.by_key("Case", "K") == "two"
    assert [call.instance for call in bench.claim_calls()] == ["two"]
    assert list(bench.store.check()) == []
    bench.close()


def test_each_schema_leads_to_the_next_and_back(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    shapes = [schema_of(url)]
    for number in range(1, SCHEMA + 1):
        assert migrate(url, number) == (number - 1, number)
        shapes.append(schema_of(url))
    for number in range(SCHEMA - 1, -1, -1):
        assert migrate(url, number) == (number + 1, number)
        assert schema_of(url) == shapes[number]


def test_two_who_upgrade_at_once_do_it_once(postgresql_store: Callable[[], str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    url = postgresql_store()
    migrate(url, 1)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda _: upgrade(url), range(3)))
    assert {after for _, after in found} == {SCHEMA}
    place = place_of(url)
    with psycopg.connect(place.conninfo) as connection:
        statement = f'SELECT version_num FROM "{place.schema}".alembic_version'
        assert connection.execute(statement.encode()).fetchall() == [(str(SCHEMA),)]
