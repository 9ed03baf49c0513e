"""A store on a real server, and processes of their own that work on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
