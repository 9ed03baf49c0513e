"""What a store on PostgreSQL takes, which indexes it has, and which statement uses each: as Markdown.

    python benchmarks/postgresql/storage.py [--instances 4000]

Real instances of one workflow (a call, a signal, a timer) are run by a real engine; three quarters of them to their
end. Sizes are the server's own after a vacuum; plans come from ``EXPLAIN (ANALYZE, BUFFERS)`` on a connection of ours,
with parameters that occur."""

from __future__ import annotations

import argparse
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1] / "tests" / "_servers")]

import psycopg  # noqa: E402
from armillary_engine.backends.postgresql.claims import CLAIM, CLAIM_CALLS, DUE, FAIR, TIME_OUT, lacking  # noqa: E402
from armillary_engine.backends.postgresql.connections import PLANS  # noqa: E402
from armillary_engine.backends.postgresql.session import in_dialect, qualified  # noqa: E402
from armillary_engine.backends.postgresql.signals import MET_BY_KEY, SEND_BY_KEY  # noqa: E402
from armillary_engine.backends.sql import commit, reads, retention  # noqa: E402
from armillary_engine.definition import model as m  # noqa: E402
from armillary_engine.local import LocalRuntime  # noqa: E402
from observations import tables  # noqa: E402
from postgresql import own_server  # noqa: E402

SCHEMA = "storage"
CLIENTS = 8
ORDER = m.Definition("Order", (
    m.Call("quote", m.Address("rating", "quote"), m.Object({"order": m.Get("input.order")}), result="quote"),
    m.Signal("paid", "paid", match=m.Get("input.order"), result="paid", timeout="P30D"),
    m.Complete("done", m.Get("quote.premium")),
), version="1.0.0")  # fmt: skip
INDEXES = """SELECT i.relname, t.relname, pg_relation_size(i.oid), s.idx_scan FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    JOIN pg_stat_all_indexes s ON s.indexrelid = i.oid
    JOIN pg_namespace n ON n.oid = i.relnamespace WHERE n.nspname = %s ORDER BY t.relname, i.relname"""


def fill(url: str, instances: int) -> str:
    """Runs the instances; gives the id of one that waits."""
    with LocalRuntime(url) as runtime:
        runtime.register_service("rating", lambda request: {"premium": 12_500, "note": "x" * 200})
        runtime.deploy(ORDER)
        ended = threading.Semaphore(0)
        store = runtime.engine.store

        def one(number: int) -> str:
            id = runtime.start("Order", {"order": f"O-{number}", "holder": "A. Person", "lines": list(range(10))}).id
            if number % 4:
                runtime.signal("paid", {"amount": number}, match=f"O-{number}", id=f"pay-{number}")
            ended.release()
            return id

        with ThreadPoolExecutor(CLIENTS) as clients:
            ids = list(clients.map(one, range(instances)))
        while any(found.row.ended is None for found in _read(store, [id for n, id in enumerate(ids) if n % 4])):
            threading.Event().wait(0.2)
        return ids[0]


def _read(store: Any, ids: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(ids), 500):
        yield from store.read(ids[start : start + 500]).values()


def explained(connection: psycopg.Connection[Any], statement: bytes, given: Any) -> tuple[list[str], int, list[str]]:
    """The indexes that a plan uses, how many buffers it touched, and the tables that it read as a whole."""
    with connection.transaction(force_rollback=True):
        rows = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) " + statement, given).fetchall()
    text = "\n".join(row[0] for row in rows)
    used = sorted(set(re.findall(r"Index (?:Only )?Scan (?:Backward )?using (\S+)|Bitmap Index Scan on (\S+)", text)))
    found = re.search(r"Buffers: shared hit=(\d+)(?: read=(\d+))?", text)
    buffers = sum(int(group) for group in found.groups() if group) if found else 0
    return ["".join(one) for one in used], buffers, re.findall(r"Seq Scan on (\w+)", text)


def statements(id: str, now: int) -> dict[str, tuple[bytes, Any]]:
    """The statements that run for each transition, by what they do."""

    def own(text: str) -> bytes:
        return qualified(lacking(text, lacks=False), SCHEMA).encode()

    claim = {"now": None, "n": 32, "owner": "o", "until": now, "without": []}
    calls = {"now": None, "owner": "o", "until": now, "n": 32, "services": ["rating"], "places": [8]}
    signal = {
        "id": "s", "name": "paid", "key": '"O-0"', "chain": None, "instance": None, "mode": "one", "payload": "1",
        "created": now, "expires": now, "limit": 1, "now": None, "body": b"1",
    }  # fmt: skip
    shared = {
        "is the revision still this one": (commit.HEAD, (id,)),
        "other messages of the instance": (commit.OTHERS, (id, now)),
        "deadlines of a wait that closes": (commit.REMOVE_DEADLINES, (id, 2)),
        "a signal that was kept for a wait": (commit.KEPT_SIGNAL, ("paid", '"O-0"', now, "paid", id, now)),
        "waits for a signal": (commit.WAITS_BY_KEY, ("paid", '"O-0"', 1)),
        "the instance of a key": (reads.BY_KEY, ("Order", "K")),
        "its history": (reads.HISTORY, (id, 0, 100)),
        "its living children": (reads.CHILDREN, (id,)),
        "retention: the next 500": (retention.SURVEY.replace("{statuses}", "?"), (now, "completed", 0, 500)),
    }
    return {
        "claim messages": (own(CLAIM), claim),
        "claim of a backlog": (own(FAIR), claim),
        "claim calls": (own(CLAIM_CALLS), calls),
        "what is due next": (own(DUE), calls),
        "time out calls": (own(TIME_OUT), {**claim, "body": b"1"}),
        "the wait that a signal would meet": (own(MET_BY_KEY), signal),
        "send a signal": (own(SEND_BY_KEY), signal),
        **{name: (in_dialect(text, SCHEMA), given) for name, (text, given) in shared.items()},
    }


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=4_000)
    chosen = parser.parse_args()
    with own_server() as server:
        id = fill(f"{server.url}?schema={SCHEMA}", chosen.instances)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            report(connection, id, chosen.instances)
    return 0


def report(connection: psycopg.Connection[Any], id: str, instances: int) -> None:
    """Sizes, plans and indexes, as Markdown."""
    (version, now) = connection.execute(
        "SELECT current_setting('server_version'), (extract(epoch FROM now()) * 1000000)::bigint"
    ).fetchone() or ("", 0)
    found = tables(connection, SCHEMA)
    print(f"PostgreSQL {version}; {instances:,} instances, a quarter of them waiting.\n")
    print("| table | rows | KB | bytes a row | KB an instance |\n|---|---|---|---|---|")
    for name, one in sorted(found.items(), key=lambda pair: -pair[1]["bytes"]):
        if one["live"]:
            print(
                f"| `{name}` | {one['live']:,} | {one['bytes'] >> 10:,} | {one['bytes'] // one['live']:,} | "
                f"{one['bytes'] / instances / 1024:.2f} |"
            )
    whole = sum(one["bytes"] for one in found.values())
    print(f"\nAll together {whole / instances / 1024:.1f} KB an instance, with indexes.\n")
    print("| what it asks | indexes | buffers |\n|---|---|---|")
    connection.execute(PLANS)
    used: dict[str, list[str]] = {}
    for name, (statement, given) in statements(id, int(now)).items():
        indexes, buffers, scanned = explained(connection, statement, given)
        told = ", ".join(f"`{index}`" for index in indexes) + "".join(f" **reads all of {table}**" for table in scanned)
        print(f"| {name} | {told} | {buffers:,} |")
        for index in indexes:
            used.setdefault(index, []).append(name)
    print("\n| index | table | KB | scans in the run |\n|---|---|---|---|")
    for index, table, size, scans in connection.execute(INDEXES, (SCHEMA,)):
        print(f"| `{index}` | {table} | {size >> 10:,} | {scans:,} |")


if __name__ == "__main__":
    sys.exit(main())
