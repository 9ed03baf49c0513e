"""How PostgreSQL finds its rows: what runs for each transition never reads a whole table, whatever the statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.backends.postgresql.claims import CLAIM, CLAIM_CALLS, DUE, FAIR, TIME_OUT, lacking
from armillary_engine.backends.postgresql.connections import PLANS
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.backends.postgresql.session import in_dialect, qualified
from armillary_engine.backends.postgresql.signals import MET_BY_CHAIN, MET_BY_KEY, SEND_BY_KEY
from armillary_engine.backends.sql import retention

from ..test_plans import OF_ONE_INSTANCE, OF_WHAT_IS_READY

pytestmark = pytest.mark.require("postgresql")
SHARED = OF_ONE_INSTANCE | {
    name: text for name, text in OF_WHAT_IS_READY.items() if name in ("KEPT_SIGNAL", "WAITS_BY_KEY", "WAITS_BY_CHAIN")
} | {"FORGET_HISTORY": retention.FORGET[0], "TRIM": retention.TRIM, "STAYING": retention.STAYING}  # fmt: skip
OWN = {
    "CLAIM": CLAIM,
    "FAIR": FAIR,
    "CLAIM_CALLS": CLAIM_CALLS,
    "DUE": DUE,
    "TIME_OUT": TIME_OUT,
    "SEND": SEND_BY_KEY,
    "MET_BY_KEY": MET_BY_KEY,
    "MET_BY_CHAIN": MET_BY_CHAIN,
}

GIVEN = {
    "now": None, "n": 1, "owner": "o", "until": 1, "services": ["s"], "places": [1], "without": [], "id": "i",
    "name": "n", "key": "k", "chain": None, "instance": None, "mode": "one", "payload": "1", "created": 1,
    "expires": 1, "limit": 1, "body": b"1",
}  # fmt: skip


@pytest.fixture(scope="module")
def connection(postgresql_server: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    url = f"{postgresql_server}{'&' if '?' in postgresql_server else '?'}schema=test_plans"
    open_backend(url).close()
    place = place_of(url)
    with psycopg.connect(place.conninfo, autocommit=True) as opened:
        opened.execute(PLANS)
        yield opened, place.schema
        opened.execute(f'DROP SCHEMA "{place.schema}" CASCADE')


def plan(connection: psycopg.Connection[Any], statement: str) -> str:
    """The plan for parameters that nobody knows, as a prepared statement that is kept has it."""
    rows = connection.execute(b"EXPLAIN (GENERIC_PLAN) " + statement.encode()).fetchall()
    return "\n".join(row[0] for row in rows)


def generic(statement: str) -> str:
    """With ``$1`` for each parameter."""
    parts = statement.replace("%%", "%").split("%s")
    return "".join(f"{part}${number}" for number, part in enumerate(parts, 1)).rsplit("$", 1)[0]


@pytest.mark.parametrize("name", SHARED)
def test_rows_of_one_instance_are_found_by_an_index(connection: Any, name: str) -> None:
    opened, schema = connection
    if opened.info.server_version < 160_000:
        pytest.skip("generic plans are explained by PostgreSQL 16 and later")
    text = plan(opened, generic(in_dialect(SHARED[name], schema).decode()))
    assert "Seq Scan" not in text, text


@pytest.mark.parametrize("name", OWN)
def test_what_is_ready_is_found_by_an_index(connection: Any, name: str) -> None:
    opened, schema = connection
    found = explained(opened, OWN[name], schema)
    assert "Seq Scan" not in found, found
    assert ("calls_timeout" in found) == (name in ("DUE", "TIME_OUT")), "those of one instance are found by it"


def explained(connection: psycopg.Connection[Any], statement: str, schema: str) -> str:
    rows = connection.execute(
        b"EXPLAIN " + qualified(lacking(statement, lacks=False), schema).encode(), GIVEN
    ).fetchall()  # fmt: skip
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("stored", [0, 3, 5_000])
def test_each_definitions_share_is_found_by_it_whatever_the_statistics_say(connection: Any, stored: int) -> None:
    opened, schema = connection
    table = f'"{schema}".messages'
    with opened.transaction(force_rollback=True):
        opened.execute(
            f"""INSERT INTO {table}
            (instance, kind, serial, control, body, arrived, state, ready, deliveries, failures, digest)
            SELECT n, 'signal', 1, 0, '', n, 'ready', n, 0, 0, mod(n, 3) FROM generate_series(1, %s) n""".encode(),
            (stored,),
        )
        opened.execute(f"ANALYZE {table}".encode())
        found = explained(opened, FAIR, schema)
    assert found.count("using messages_digest") == 3, found
    assert found.count("using messages_ready") == 1, found
    assert "Seq Scan" not in found, found
