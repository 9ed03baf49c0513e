"""A backlog beside a session that has read, and stays idle in its transaction: what is deleted meanwhile stays on the
pages, and nothing else may come of it. How fast it is drained: ``benchmarks/postgresql --large``."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import DeadLetterQuery
from armillary_engine.testing.clock import VirtualClock

from ...worker.test_engine import settle

pytestmark = pytest.mark.require("postgresql")
DUE = m.Definition("Due", (m.Timer("pause", after=m.Get("input.after")), m.Complete("done", m.Get("now"))))
COUNT = 150
STATES = """SELECT state FROM pg_stat_activity WHERE pid = %s"""


@pytest.mark.parametrize("workers", [1, 2])
def test_each_due_message_is_taken_once(postgresql_store: Callable[[], str], workers: int) -> None:
    url, clock = postgresql_store(), VirtualClock()
    runtimes = [
        LocalRuntime("memory://", store=open_backend(url, clock=clock), work=False) for _ in range(workers)
    ]  # fmt: skip
    first = runtimes[0]
    try:
        first.deploy(DUE)
        ids = [first.start("Due", {"after": f"PT{COUNT - n}S"}).id for n in range(COUNT)]
        server, _, schema = url.rpartition("schema=")
        with psycopg.connect(server.rstrip("?&")) as old, psycopg.connect(server.rstrip("?&"), autocommit=True) as look:
            old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            assert old.execute(f"SELECT count(*) FROM {schema}.messages").fetchone() == (COUNT,)  # type: ignore[arg-type]
            clock.advance(seconds=COUNT)
            for runtime in runtimes * 2:  # whoever came second may have left something to the first
                settle(runtime)
            assert look.execute(STATES, (old.info.backend_pid,)).fetchone() == ("idle in transaction",)
            assert old.execute(f"SELECT count(*) FROM {schema}.messages").fetchone() == (COUNT,)  # type: ignore[arg-type]
        assert {first.instance(id).status for id in ids} == {"completed"}
        assert {first.instance(id).revision for id in ids} == {2}, "each was taken once"
        assert list(first.dead_letters(DeadLetterQuery(status=None))) == []
        assert list(first.check()) == []
    finally:
        for runtime in runtimes:
            runtime.close()
