"""A store on a real server, and processes of their own that work on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from ...local.conftest import House


@pytest.fixture
def house(postgresql_store: Callable[[], str]) -> Iterator[House]:
    opened = House(postgresql_store())
    yield opened
    opened.close()


def terminate_all(server: str) -> int:
    """Ends every connection of ours, as an operator or a fail-over does."""
    with psycopg.connect(server, autocommit=True) as operator:
        ended = operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'armillary'"
        ).fetchall()
    return len(ended)


@contextmanager
def pair(module: Any) -> Iterator[tuple[Any, Any]]:
    """A primary, and a stand-by that has all that the primary says is stored."""
    if module.programs() is None:
        pytest.skip("needs the programs of PostgreSQL, to start and stop a server")
    with module.own_server() as primary, standby_of(primary, module) as standby:
        yield primary, standby


@contextmanager
def standby_of(primary: Any, module: Any, **options: Any) -> Iterator[Any]:
    """A synchronous stand-by of a server that runs, which waits for it from now on."""
    with module.own_server(primary=primary, **options) as standby:
        with psycopg.connect(primary.url, autocommit=True) as operator:
            operator.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            operator.execute("SELECT pg_reload_conf()")
            asked = (operator.execute("SELECT sync_state FROM pg_stat_replication").fetchall() for _ in range(100_000))
            assert ("sync",) in (row for rows in asked for row in rows)
        yield standby
