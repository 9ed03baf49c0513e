"""Migrations lead to the schema of the metadata, up, down, twice, and from a store that is in use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from armillary_engine.backends.sql.migrate import migrate, upgrade
from armillary_engine.backends.sqlite import SCHEMA, open_backend
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.rows import SignalWait
from armillary_engine.testing.conformance.harness import Bench

from .filled import fill, time_outs_outlive_migrations


def schema(path: Path) -> dict[str, list[object]]:
    """Tables with their columns, indexes with their columns and conditions."""
    connection = sqlite3.connect(path)
    found: dict[str, list[object]] = {}
    for kind, name, text in connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall():
        if name in ("alembic_version", "sqlite_sequence") or text is None:
            continue
        found[name] = connection.execute(f"PRAGMA table_info({name})").fetchall()
        if kind == "index":
            found[name] = [" ".join(text.split())]
        else:
            found[name] += ["AUTOINCREMENT" in text, "WITHOUT ROWID" in text]
    connection.close()
    return found


def test_migrating_gives_the_schema_that_a_new_store_has(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made.sqlite", tmp_path / "migrated.sqlite"
    open_backend(f"sqlite:///{made}").close()
    assert upgrade(f"sqlite:///{migrated}") == (0, SCHEMA)
    assert schema(migrated) == schema(made)
    open_backend(f"sqlite:///{migrated}").close()


def test_up_down_and_up_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    assert upgrade(url) == (0, SCHEMA)
    assert upgrade(url) == (SCHEMA, SCHEMA)
    first = schema(tmp_path / "store.sqlite")
    assert migrate(url, 0) == (SCHEMA, 0)
    assert schema(tmp_path / "store.sqlite") == {}
    assert upgrade(url) == (0, SCHEMA)
    assert schema(tmp_path / "store.sqlite") == first


def test_each_schema_leads_to_the_next_and_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    for number in range(1, SCHEMA + 1):
        assert migrate(url, number) == (number - 1, number)
    last = schema(tmp_path / "store.sqlite")
    for number in range(SCHEMA - 1, -1, -1):
        assert migrate(url, number) == (number + 1, number)
    assert upgrade(url) == (0, SCHEMA)
    assert schema(tmp_path / "store.sqlite") == last


@pytest.mark.parametrize("old", range(1, SCHEMA))
def test_a_store_of_each_older_schema_is_brought_up_with_all_that_is_in_it(tmp_path: Path, old: int) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    filled = fill(Bench(lambda clock: open_backend(url, clock=clock)))
    newest = schema(tmp_path / "store.sqlite")
    assert migrate(url, old) == (SCHEMA, old)
    assert schema(tmp_path / "store.sqlite") != newest
    with pytest.raises(ArmillaryError) as caught:
        open_backend(url)
    assert caught.value.code == "store.older"
    assert upgrade(url) == (old, SCHEMA)
    assert upgrade(url) == (SCHEMA, SCHEMA), "twice does nothing"
    assert schema(tmp_path / "store.sqlite") == newest
    filled.expect_all()


def test_calls_of_an_older_schema_are_timed_out_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    time_outs_outlive_migrations(lambda clock: open_backend(url, clock=clock), lambda schema: migrate(url, schema))


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All migrations are one transaction."""
    url = f"sqlite:///{tmp_path}/store.sqlite"
    filled = fill(Bench(lambda clock: open_backend(url, clock=clock)))
    migrate(url, 1)
    before = schema(tmp_path / "store.sqlite")

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("in the last of them")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.execute", fails)
        with pytest.raises(RuntimeError, match="in the last of them"):
            upgrade(url)
    assert schema(tmp_path / "store.sqlite") == before
    assert upgrade(url) == (1, SCHEMA)
    filled.expect_all()


def test_a_store_that_a_migration_has_made_has_the_log_that_others_have(tmp_path: Path) -> None:
    """Else a reader would hold up whoever writes."""
    path = tmp_path / "store.sqlite"
    upgrade(f"sqlite:///{path}")
    bench = Bench(lambda clock: open_backend(f"sqlite:///{path}", clock=clock))
    bench.open()
    reader = sqlite3.connect(path, isolation_level=None)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.execute("BEGIN")
    assert reader.execute("SELECT COUNT(*) FROM instances").fetchone() == (0,)
    bench.begin(waits=(SignalWait(1, "never", None),))
    assert reader.execute("SELECT COUNT(*) FROM instances").fetchone() == (0,)
    reader.close()
    bench.close()


def test_a_store_in_use_is_kept_as_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    bench = Bench(lambda clock: open_backend(url, clock=clock))
    bench.open()
    stored = bench.begin(waits=(SignalWait(1, "never", None),))
    assert upgrade(url) == (SCHEMA, SCHEMA)
    assert bench.read() == stored
    bench.close()


def test_a_newer_or_foreign_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    for expected in ("store.foreign", "store.newer"):
        with pytest.raises(ArmillaryError) as caught:
            upgrade(f"sqlite:///{path}")
        assert caught.value.code == expected
        path.unlink()
        open_backend(f"sqlite:///{path}").close()
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
        connection.close()
