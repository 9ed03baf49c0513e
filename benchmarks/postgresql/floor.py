"""The floor: what such rows cost on this server without an engine, and the smallest bus that hears a signal.

*One statement* claims a message, compares and sets a snapshot of 1 KB, writes two rows of history and deletes the
message. *The bus* has a publisher, a dispatcher and an observer in three processes, as an engine has: a message is
stored and, in a transaction of its own, notified; the dispatcher takes it by that one statement and notifies; the
observer hears. Storing and taking wait for the disk; a notification writes nothing, so it does not. Each listens on a
connection of its own."""

from __future__ import annotations

import select
import sys
import threading
import time
from typing import Any

import psycopg
from measuring import Figures, figures
from processes import child, round_trips, serve

TABLES = """
    DROP SCHEMA IF EXISTS bench_floor CASCADE; CREATE SCHEMA bench_floor; SET search_path TO bench_floor;
    CREATE TABLE instances (id text PRIMARY KEY, revision bigint, snapshot bytea) WITH (fillfactor = 80);
    CREATE TABLE history (instance text, number bigint, data text, PRIMARY KEY (instance, number));
    CREATE TABLE messages (seq bigserial PRIMARY KEY, instance text, ready bigint);
    CREATE INDEX messages_ready ON messages (ready, seq);
"""
ONE = """WITH taken AS (DELETE FROM messages WHERE seq = (
        SELECT seq FROM messages WHERE ready <= %(now)s ORDER BY ready, seq LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING instance),
    moved AS (UPDATE instances i SET revision = i.revision + 1, snapshot = %(snapshot)s
        FROM taken t WHERE i.id = t.instance RETURNING i.id, i.revision),
    told AS (INSERT INTO history SELECT id, revision * 2 + k, %(event)s FROM moved, (VALUES (0), (1)) v(k))
    SELECT id FROM moved"""
GIVEN = {"now": 1, "snapshot": b"y" * 1000, "event": "e" * 250}


def _connect(url: str) -> psycopg.Connection[Any]:
    connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)
    connection.execute("SET search_path TO bench_floor")
    return connection


def prepare(url: str, instances: int, *, messages: bool) -> None:
    """Fresh tables, with one ready message for each instance."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute(
            "INSERT INTO instances SELECT 'i' || n, 0, %s FROM generate_series(0, %s) n", (b"x" * 1000, instances - 1)
        )
        if messages:
            connection.execute(
                "INSERT INTO messages (instance, ready) SELECT 'i' || n, 0 FROM generate_series(0, %s) n",
                (instances - 1,),
            )


def one_statement(url: str, seconds: float, clients: int) -> Figures:
    """So many clients on threads of one process, each with a connection, for as long as messages last."""
    prepare(url, int((1_000 + 500 * clients) * seconds), messages=True)
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    def client() -> None:
        connection, mine = _connect(url), list[float]()
        while (start := time.perf_counter()) < end:
            if connection.execute(ONE, GIVEN, prepare=True).fetchone() is None:
                break
            mine.append(time.perf_counter() - start)
        connection.close()
        latencies.extend(mine)

    began = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return figures(latencies, time.perf_counter() - began)


# ── the bus ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def bus(url: str, seconds: float, in_flight: int) -> Figures:
    """Round trips, so many in flight."""
    prepare(url, in_flight, messages=False)
    flags = [threading.Event() for _ in range(in_flight)]
    observer = _connect(url)
    observer.execute("LISTEN floor_out")
    over = threading.Event()

    def observe() -> None:
        while not over.is_set():
            select.select([observer.fileno()], [], [], 0.5)
            for notice in observer.notifies(timeout=0):
                flags[int(notice.payload[1:])].set()

    thread = threading.Thread(target=observe)
    thread.start()
    try:
        with child(__file__, "dispatcher", url), child(__file__, "publisher", url) as publisher:
            return round_trips(publisher, flags, seconds)
    finally:
        over.set()
        thread.join()
        observer.close()


def publisher(url: str) -> None:
    """Stores a message and notifies, for each number on a line."""
    local = threading.local()

    def publish(number: str) -> None:
        if not hasattr(local, "connection"):
            local.connection = _connect(url)
        local.connection.execute("INSERT INTO messages (instance, ready) VALUES (%s, 0)", ("i" + number,), prepare=True)
        local.connection.execute("SELECT pg_notify('floor_in', '')", prepare=True)

    serve(publish)


def dispatcher(url: str) -> None:
    """Takes messages and notifies, until its input ends."""
    connection, ears = _connect(url), _connect(url)
    ears.execute("LISTEN floor_in")
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([ears.fileno(), sys.stdin.fileno()], [], [])
        if sys.stdin.fileno() in readable:
            return
        list(ears.notifies(timeout=0))
        while row := connection.execute(ONE, GIVEN, prepare=True).fetchone():
            connection.execute("SELECT pg_notify('floor_out', %s)", row, prepare=True)


if __name__ == "__main__":
    {"publisher": publisher, "dispatcher": dispatcher}[sys.argv[1]](sys.argv[2])
