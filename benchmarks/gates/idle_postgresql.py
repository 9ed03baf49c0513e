"""Gate: with 10,000 waiting instances two idle workers execute no statement on PostgreSQL for a minute of real time.

The instances wait for a signal, each with a time-out in a day. The server logs every statement of that minute, whoever
sends it; what it logs of us is counted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "_servers"))

import psycopg
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from postgresql import own_server

INSTANCES = 10_000
SECONDS = 60.0
CLIENTS = 16
WORKERS = 2
WAITING = m.Definition("Waiting", (m.Signal("paid", "paid", match=m.Const("never"), timeout="P1D"),))
LOGGING = ("log_line_prefix = '%m|%a|'", "log_statement = 'all'", "log_min_duration_statement = 0")


def main() -> int:
    """Prints what was logged; gives 1 where it was a statement of ours."""
    try:
        with own_server() as server:
            statements = measure(server)
    except LookupError as error:
        print(f"not measured: {error}")
        return 1 if os.environ.get("CI") else 0
    print(
        f"idle for {SECONDS:.0f} s with {INSTANCES:,} waiting instances and {WORKERS} workers on PostgreSQL: "
        f"{len(statements)} statements"
    )
    for text in statements[:10]:
        print(f"  {text[:150]}")
    return 1 if statements else 0


def measure(server: Any) -> list[str]:
    """The statements of ours in that minute."""
    url = f"{server.url}?schema=idle"
    with LocalRuntime(url, work=False) as runtime:
        runtime.deploy(WAITING)
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(lambda _: runtime.start("Waiting"), range(INSTANCES)))
    command = [sys.executable, "-m", "armillary", "worker", "--url", url, "--processes", str(WORKERS)]
    workers = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert workers.stderr is not None
    try:
        for _ in range(WORKERS):
            assert workers.stderr.readline().startswith("working")
        threading.Thread(target=workers.stderr.read, daemon=True).start()
        time.sleep(5)
        with psycopg.connect(server.url, autocommit=True, application_name="operator") as operator:
            for setting in LOGGING:
                operator.execute(f"ALTER SYSTEM SET {setting}".encode())
            operator.execute("SELECT pg_reload_conf()")
            time.sleep(1)
            log = server.folder / "log"
            begin = log.stat().st_size
            operator.execute("SELECT 'the minute begins'")
            time.sleep(SECONDS)
            operator.execute("SELECT 'the minute ends'")
            time.sleep(0.5)
        logged = log.read_bytes()[begin:].decode()
        assert "the minute begins" in logged, "the server logs statements"
        assert "the minute ends" in logged
        found = _connected(server.url)
        assert found >= WORKERS, f"the workers are connected: {found}"
    finally:
        workers.terminate()
        workers.wait(timeout=60)
    return [line for line in logged.splitlines() if "|armillary|" in line]


def _connected(url: str) -> int:
    with psycopg.connect(url, application_name="operator") as operator:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'armillary'"
        (connected,) = operator.execute(query).fetchone() or (0,)
        return int(connected)


if __name__ == "__main__":
    sys.exit(main())
