"""What a server says of itself while something is measured: locks that are waited for, WAL, and the queue tables.

::

    with Observed(url, schema) as seen:
        ...                       # the load
    print(seen.report(operations=1_000))

Taken from the server's own statistics by a connection of its own, twice a second; ``report`` gives plain figures."""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType
from typing import Any

import psycopg

EVERY = 0.5
QUEUES = ("messages", "calls", "waits")
WAITING = """SELECT wait_event_type || ':' || wait_event FROM pg_stat_activity
    WHERE application_name LIKE 'armillary%' AND state = 'active' AND wait_event_type IS NOT NULL"""
WAL = "SELECT wal_records, wal_fpi, wal_bytes FROM pg_stat_wal"
TRANSACTIONS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
TABLES = """SELECT c.relname, s.n_live_tup, s.n_dead_tup, s.n_tup_hot_upd, s.n_tup_upd, s.autovacuum_count,
        pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stat_all_tables s ON s.relid = c.oid WHERE n.nspname = %s AND c.relkind = 'r'"""
FIELDS = ("live", "dead", "hot updates", "updates", "vacuums", "bytes")


def tables(connection: psycopg.Connection[Any], schema: str) -> dict[str, dict[str, int]]:
    """Each table of a store: rows alive and dead, updates, how many of them in place, vacuums, bytes with indexes."""
    rows = connection.execute(TABLES, (schema,)).fetchall()
    return {row[0]: dict(zip(FIELDS, map(int, row[1:]), strict=True)) for row in rows}


class Observed:
    """Watches a server for as long as the block lasts."""

    def __init__(self, url: str, schema: str) -> None:
        self._connection = psycopg.connect(url.partition("?")[0], autocommit=True, application_name="observer")
        self._schema = schema
        self._stop = threading.Event()
        self._waits: Counter[str] = Counter()
        self._looks = 0
        self._dead = dict.fromkeys(QUEUES, 0)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._before = self._totals()
        self._after = self._before

    def __enter__(self) -> Observed:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self._stop.set()
        self._thread.join()
        self._after = self._totals()
        self._connection.close()

    def _totals(self) -> tuple[int, ...]:
        records, images, size = self._connection.execute(WAL).fetchone() or (0, 0, 0)
        (commits,) = self._connection.execute(TRANSACTIONS).fetchone() or (0,)
        return int(records), int(images), int(size), int(commits)

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            self._looks += 1
            self._waits.update(row[0] for row in self._connection.execute(WAITING))
            seen = tables(self._connection, self._schema)
            for name in QUEUES:
                self._dead[name] = max(self._dead[name], seen.get(name, {}).get("dead", 0))

    def report(self, operations: int) -> dict[str, Any]:
        """``waits``: how many connections waited for what, on average over all looks. WAL and transactions for each of
        ``operations``. ``dead``: the most dead rows of each queue table."""
        records, images, size, commits = (
            (after - before) / max(operations, 1) for before, after in zip(self._before, self._after, strict=True)
        )
        return {
            "waits": {what: round(n / max(self._looks, 1), 2) for what, n in self._waits.most_common(6)},
            "wal": {"records": round(records, 1), "page images": round(images, 2), "bytes": round(size)},
            "transactions": round(commits, 2),
            "dead": self._dead,
        }
