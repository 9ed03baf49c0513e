"""Migrations on a real server: up, down, twice, and from each schema of the past with what was in it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.backends.postgresql.preparing import SCHEMA, migrate, upgrade
from armillary_engine.testing.conformance.harness import Bench

from ..filled import fill, time_outs_outlive_migrations
from .test_store import schema_of

pytestmark = pytest.mark.require("postgresql")


@pytest.mark.parametrize("old", range(1, SCHEMA))
def test_a_store_of_each_older_schema_is_brought_up_with_all_that_is_in_it(
    postgresql_store: Callable[[], str], old: int
) -> None:
    url = postgresql_store()
    filled = fill(Bench(lambda clock: open_backend(url, clock=clock)))
    newest = schema_of(url)
    assert migrate(url, old) == (SCHEMA, old)
    assert schema_of(url) != newest
    assert upgrade(url) == (old, SCHEMA)
    assert upgrade(url) == (SCHEMA, SCHEMA), "twice does nothing"
    assert schema_of(url) == newest
    filled.expect_all()


def test_each_schema_leads_to_the_next_and_back(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    shapes = [schema_of(url)]
    for number in range(1, SCHEMA + 1):
        assert migrate(url, number) == (number - 1, number)
        shapes.append(schema_of(url))
    for number in range(SCHEMA - 1, -1, -1):
        assert migrate(url, number) == (number + 1, number)
        assert schema_of(url) == shapes[number]


def test_calls_of_an_older_schema_are_timed_out_once(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    time_outs_outlive_migrations(lambda clock: open_backend(url, clock=clock), lambda schema: migrate(url, schema))


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
