"""What stands still is ended: by whoever waits for an answer, and by the server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from armillary_engine.backends.postgresql.connections import Connections
from armillary_engine.backends.postgresql.errors import lost
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.definition.problems import ArmillaryError

pytestmark = pytest.mark.require("postgresql")
SETTINGS = "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
BUSY = "SELECT pg_sleep(600)"


@pytest.fixture
def connections(postgresql_server: str) -> Iterator[Callable[[str], Connections]]:
    made: list[Connections] = []

    def make(more: str = "", answer: float | None = None) -> Connections:
        mark = "&" if "?" in postgresql_server else "?"
        place = place_of(f"{postgresql_server}{mark}{more}" if more else postgresql_server)
        made.append(Connections(place if answer is None else replace(place, answer=answer)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_an_answer_that_never_comes_ends_the_connection_and_the_next_one_is_fresh(
    connections: Callable[..., Connections],
) -> None:
    kept = connections("options=-c%20statement_timeout%3D600s", answer=0.5)
    with pytest.raises(psycopg.OperationalError) as caught, kept.connection() as connection:
        connection.execute(BUSY)
    assert lost(caught.value)
    with kept.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_who_looks_through_a_whole_store_may_take_longer(
    connections: Callable[..., Connections],
) -> None:
    kept = connections("options=-c%20statement_timeout%3D200ms", answer=0.1)
    waits = "SELECT count(*) FROM generate_series(1, 5) WHERE pg_sleep(0.1) IS NOT NULL"
    assert kept.read(lambda session: session.rows(waits), patient=True) == [(5,)]
    assert not kept._watch._lent


def test_what_an_administrator_has_set_holds(connections: Callable[[str], Connections]) -> None:
    with connections("").connection() as connection:
        assert connection.execute(SETTINGS).fetchone() == ("45s", "30s")
    with connections("answer=20").connection() as connection:
        assert connection.execute(SETTINGS).fetchone() == ("15s", "10s"), "the server gives up before we do"
    theirs = "options=-c%20statement_timeout%3D7s%20-c%20idle_in_transaction_session_timeout%3D3s"
    with connections(theirs).connection() as connection:
        assert connection.execute(SETTINGS).fetchone() == ("7s", "3s")


@pytest.mark.parametrize("given", ["", "0", "3", "3601", "soon", "-5", "1e3", "6.5"])
def test_only_whole_seconds_are_an_answer(given: str) -> None:
    with pytest.raises(ArmillaryError) as caught:
        place_of(f"postgresql://db/orders?answer={given}")
    assert caught.value.code == "store.url"
    assert f"expected answer= to be 4 to 3600 seconds, got {given!r}" in str(caught.value)


def test_what_the_url_says_of_probes_comes_first(connections: Callable[[str], Connections]) -> None:
    with connections("keepalives_idle=77&application_name=billing").connection() as connection:
        given = connection.info.get_parameters()
        assert (given["keepalives_idle"], given["tcp_user_timeout"]) == ("77", "30000")
        assert given["application_name"] == "billing"


def test_a_frozen_process_keeps_no_locks(connections: Callable[[str], Connections], postgresql_server: str) -> None:
    """As one that is stopped in the middle of a transaction: the server ends it, and others go on."""
    frozen = connections("options=-c%20idle_in_transaction_session_timeout%3D300ms")
    key = 4_712

    def stops(session: Any) -> None:
        session.rows("SELECT pg_advisory_xact_lock(?)", (key,))
        with psycopg.connect(postgresql_server, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(%s)", (key,))  # comes when the transaction is over
        taken.set()
        session.rows("SELECT 1")

    taken = threading.Event()
    with pytest.raises(Exception, match="connection was lost"):
        frozen.write(stops)
    assert taken.is_set()
