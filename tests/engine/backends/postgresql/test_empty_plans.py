"""A plan that was made while the tables were empty goes by index all the same when they are full."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import psycopg
import pytest
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime

pytestmark = pytest.mark.require("postgresql")
WAITS = 500
PAID = m.Definition("Paid", (
    m.Repeat("again", test=m.Const(True), body=(m.Signal("paid", "paid", match=m.Get("input.order")),)),
), version="1.0.0")  # fmt: skip
READ = "SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE schemaname = %s"
QUEUES = ("messages", "instances", "waits", "signals", "calls")


def test_a_backlog_is_sent_and_taken_by_index_with_plans_that_were_made_on_empty_tables(
    postgresql_store: Callable[[], str],
) -> None:
    url = postgresql_store()
    with LocalRuntime(url, work=False) as runtime:
        store, engine = runtime.engine.store, runtime.engine
        schema = store.place.schema  # type: ignore[attr-defined]
        with psycopg.connect(store.place.conninfo, autocommit=True) as other:  # type: ignore[attr-defined]
            for table in QUEUES:  # as they are, for the planner, until the end of this test
                other.execute(f'ALTER TABLE "{schema}".{table} SET (autovacuum_enabled = off)'.encode())
                other.execute(f'VACUUM ANALYZE "{schema}".{table}'.encode())
            runtime.deploy(PAID)
            for number, mode in enumerate(("one", "all", "one", "all")):
                runtime.start("Paid", {"order": f"W-{number}"})
                runtime.signal("paid", match=f"W-{number}", mode=mode)  # type: ignore[arg-type]
                engine.step()
            for number in range(WAITS):
                runtime.start("Paid", {"order": f"O-{number}"})
            before = read(store, other, schema)
            for number in range(100):
                runtime.signal("paid", match=f"O-{number}", mode="all")
            sent = read(store, other, schema) - before
            before += sent
            for number in range(100, 200):
                runtime.signal("paid", match=f"O-{number}")
            at_once = read(store, other, schema) - before
            before += at_once
            while engine.step():
                pass
            taken = read(store, other, schema) - before
        assert engine.telemetry.counts()["claim"] == 102
    assert sent < 100 * 20
    assert at_once < 100 * 40
    # About a dozen entries for each signal. With scans of what waits it was ten times as many.
    assert taken < 100 * 40


def read(store: object, other: psycopg.Connection[tuple[int]], schema: str) -> int:
    """Entries of indexes that were read so far, by all of the store's connections: each tells in its own time."""
    with ExitStack() as lent:
        for _ in range(4):
            connection = lent.enter_context(store._connections.connection())  # type: ignore[attr-defined]
            connection.execute("SELECT pg_stat_force_next_flush()")
            connection.execute("SELECT 1")
    row = other.execute(READ, (schema,)).fetchone()
    assert row is not None
    return int(row[0])
