"""Who names one store gets its driver, and no other one's: neither its cost nor its need to be installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DRIVERS = {"sqlite3", "psycopg", "redis", "pymongo", "oracledb"}
WORKS = """
import sys
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
with LocalRuntime(sys.argv[1]) as runtime:
    runtime.register_service("rating", lambda request: {"n": 1})
    call = m.Call("quote", m.Address("rating", "quote"), m.Object({}))
    runtime.deploy(m.Definition("Case", (call, m.Signal("paid", "paid"))))
    runtime.signal("paid", instance=runtime.start("Case").id)
    assert runtime.instances()
    assert list(runtime.check()) == []
print(*sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[2:])))
"""


def loaded(url: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", WORKS, url, *DRIVERS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_memory_loads_no_driver() -> None:
    assert loaded("memory://") == set()


def test_sqlite_loads_its_own(tmp_path: Path) -> None:
    assert loaded(f"sqlite:///{tmp_path}/store.sqlite") == {"sqlite3"}


@pytest.mark.require("postgresql")
def test_postgresql_loads_its_own(postgresql_store: Callable[[], str]) -> None:
    assert loaded(postgresql_store()) == {"psycopg"}


@pytest.mark.require("postgresql", "redis")
def test_a_wake_driver_is_loaded_where_it_is_named(
    postgresql_store: Callable[[], str], servers: Callable[[str], object]
) -> None:
    with servers("redis").own_server() as server:  # type: ignore[attr-defined]
        assert loaded(f"{postgresql_store()}&wake={server.url}") == {"psycopg", "redis"}
