"""Opening a store: errors in one sentence, migrations, the database's clock."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.backends.postgresql.clock import DatabaseClock
from armillary_engine.backends.postgresql.places import place_of
from armillary_engine.backends.postgresql.preparing import SCHEMA, migrate, upgrade
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.rows import SignalWait
from armillary_engine.testing.conformance.harness import Bench

from ...local.conftest import House

pytestmark = pytest.mark.require("postgresql")
COLUMNS = """SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = %s AND table_name <> 'alembic_version' ORDER BY 1, 2"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = %s AND tablename <> 'alembic_version' ORDER BY 1"


def schema_of(url: str) -> tuple[list[object], list[str]]:
    place = place_of(url)
    with psycopg.connect(place.conninfo, autocommit=True) as connection:
        columns = connection.execute(COLUMNS, (place.schema,)).fetchall()
        indexes = [row[0].replace(place.schema, "") for row in connection.execute(INDEXES, (place.schema,))]
    return list(columns), sorted(indexes)


def test_migrating_gives_the_schema_that_a_new_store_has(postgresql_store: Callable[[], str]) -> None:
    made, migrated = postgresql_store(), postgresql_store()
    open_backend(made).close()
    assert upgrade(migrated) == (0, SCHEMA)
    assert schema_of(migrated) == schema_of(made)
    assert upgrade(migrated) == (SCHEMA, SCHEMA)
    assert migrate(migrated, 0) == (SCHEMA, 0)
    assert schema_of(migrated) == ([], [])
    assert upgrade(migrated) == (0, SCHEMA)
    open_backend(migrated).close()


def test_what_was_prepared_and_is_forgotten_is_prepared_again(postgresql_store: Callable[[], str]) -> None:
    """After a transaction of its own that was undone, the driver has the server forget all that was prepared."""
    bench = Bench(lambda clock: open_backend(postgresql_store(), clock=clock))
    store: Any = bench.open()
    bench.begin("before", waits=(SignalWait(1, "never", None),))

    with store._connections.connection() as connection:
        connection.execute("SELECT 1", prepare=True)
    with pytest.raises(psycopg.errors.DivisionByZero):
        store._connections.write(lambda session: session.rows("SELECT 1 / 0", ()))
    (idle,) = store._connections._idle
    assert idle.prepared
    idle.execute("SELECT 1")  # with it goes what the driver has to say
    assert idle.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)
    bench.begin("after", waits=(SignalWait(1, "never", None),))
    assert bench.read("after").row.id == "after"
    bench.close()


def test_a_store_in_use_is_kept_as_it_is(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    bench = Bench(lambda clock: open_backend(url, clock=clock))
    bench.open()
    stored = bench.begin(waits=(SignalWait(1, "never", None),))
    assert upgrade(url) == (SCHEMA, SCHEMA)
    assert bench.read() == stored
    bench.close()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (f"UPDATE alembic_version SET version_num = '{SCHEMA + 1}'", "store.newer"),
        ("UPDATE alembic_version SET version_num = '0'", "store.older"),
        ("DROP TABLE alembic_version", "store.foreign"),
    ],
)
def test_another_schema_is_left_alone(postgresql_store: Callable[[], str], statement: str, code: str) -> None:
    url = postgresql_store()
    open_backend(url).close()
    place = place_of(url)
    with psycopg.connect(place.conninfo, options=f"-csearch_path={place.schema}") as connection:
        connection.execute(statement.encode())
    with pytest.raises(ArmillaryError) as caught:
        open_backend(url)
    assert caught.value.code == code


def test_without_the_driver_it_says_which_extra_brings_it() -> None:
    script = """
import sys
sys.modules["psycopg"] = None
from armillary_engine.stores import open_store
from armillary_engine.definition.problems import ArmillaryError
try:
    open_store("postgresql://db/x")
except ArmillaryError as error:
    assert error.code == "store.driver", error
    assert "armillary[postgresql]" in error.hint
else:
    raise SystemExit("opened")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_clock_is_the_databases_however_wrong_ours_is() -> None:
    ahead = 3600 * 1_000_000
    clock = DatabaseClock(lambda: DatabaseClock.ticks() + ahead)
    assert abs(clock.now() - DatabaseClock.ticks() - ahead) < 100_000


def test_a_worse_reading_of_the_clock_does_not_replace_a_better_one() -> None:
    clock = DatabaseClock(lambda: DatabaseClock.ticks())
    now = DatabaseClock.ticks()
    clock.observe(now + 400_000, now, now + 1_000_000)
    assert abs(clock.now() - DatabaseClock.ticks()) < 50_000
    now = DatabaseClock.ticks()
    clock.observe(now + 60_000_000, now, now + 10)
    assert abs(clock.now() - DatabaseClock.ticks() - 60_000_000) < 50_000


def test_a_text_that_the_server_cannot_store_is_refused_whole(postgresql_store: Callable[[], str]) -> None:
    url = postgresql_store()
    bench = Bench(lambda clock: open_backend(url, clock=clock))
    bench.open()
    long = "".join(map(chr, range(256, 4_000)))
    for fields, code in [({"key": "a\0b"}, "store.text"), ({"key": long}, "store.too-large")]:
        with pytest.raises(ArmillaryError) as caught:
            bench.commit(bench.start("i", waits=(SignalWait(1, "never", None),), **fields))
        assert caught.value.code == code
        assert bench.store.read(["i"]) == {}
    bench.close()


def test_the_rights_of_the_operators_page_are_enough(
    postgresql_store: Callable[[], str], postgresql_server: str
) -> None:
    """Somebody else makes the tables; the engine's own role may only use them."""
    page = Path(__file__).parents[4] / "docs" / "howto" / "postgresql.md"
    grants = [line for line in page.read_text().splitlines() if line.startswith("GRANT ")]
    assert len(grants) == 3
    url = postgresql_store()
    place = place_of(url)
    upgrade(url)
    with psycopg.connect(postgresql_server, autocommit=True) as administrator:
        administrator.execute("DROP ROLE IF EXISTS armillary_test_worker")
        administrator.execute("CREATE ROLE armillary_test_worker LOGIN PASSWORD 'w'")
        for grant in grants:
            line = grant.replace("TO armillary;", "TO armillary_test_worker").replace(
                "armillary TO", f"{place.schema} TO"
            )
            administrator.execute(line.encode())
        try:
            as_worker = re.sub(r"//[^@/]*@", "//armillary_test_worker:w@", url)
            with LocalRuntime(as_worker) as runtime:
                runtime.deploy(
                    m.Definition("Done", (m.Timer("t", after=m.Const("PT0.01S")), m.Complete("d", m.Const(1))))
                )
                instance = runtime.start("Done").id
                assert House("").until(runtime, instance).status == "completed"
                runtime.signal("nobody", match=1)
                assert list(runtime.check()) == []
        finally:
            administrator.execute("DROP OWNED BY armillary_test_worker")
            administrator.execute("DROP ROLE armillary_test_worker")
