"""A column as an array: the server reads what was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from armillary_engine.backends.postgresql.binary import BIG, BLOB, BOOL, TEXT, Kind, array
from armillary_engine.backends.postgresql.connections import connect
from armillary_engine.backends.postgresql.exchange import StoreConnection, exchange, rows
from armillary_engine.backends.postgresql.places import place_of

pytestmark = pytest.mark.require("postgresql")


@pytest.fixture(scope="module")
def connection(postgresql_server: str) -> Iterator[StoreConnection]:
    place = place_of(postgresql_server)
    with closing(connect(place.conninfo, place.shown)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (TEXT, ["a", "ä", "", None]),
        (TEXT, ["1.0.0"]),
        (TEXT, ["waiting"] * 3),
        (TEXT, [""] * 3),
        (TEXT, [None] * 3),
        (TEXT, [None, "a", "a"]),
        (BIG, [1, -(2**63), None]),
        (BIG, [0] * 16),
        (BOOL, [True, False, None]),
        (BOOL, [False, False]),
        (BLOB, [b"\0\xff", b"", None]),
        (BLOB, [b"{}"] * 2),
        (TEXT, []),
    ],
)
def test_the_server_reads_an_array_as_it_was_written(
    connection: StoreConnection, kind: Kind, values: list[Any]
) -> None:
    statement = f"SELECT u.value FROM unnest($1::{kind.name}[]) WITH ORDINALITY AS u(value, n) ORDER BY u.n".encode()
    (answer,) = exchange(connection, [(statement, [array(kind, values)])])
    assert [row[0] for row in rows(connection, answer)] == values
