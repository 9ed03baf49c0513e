"""Making the tables, and bringing them from one release's schema to another's: ``armillary db upgrade``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from ...definition.problems import ArmillaryError
from ..sql.session import Row
from .connections import connect
from .errors import StoreError, translated
from .places import Place, place_of
from .session import lock_name, qualified

SCHEMA = 5
"""The number of the schema that this release reads and writes (``alembic_version`` in the store's schema)."""
EXISTS = "SELECT to_regclass(%s) IS NOT NULL"
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = %s"
PREPARED = "SELECT 'kept', %s::bigint"
NAMESPACE = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


def prepare(connection: psycopg.Connection[Row], place: Place) -> None:
    """Makes sure that the schema holds this release's tables; makes them where there are none."""
    _expect_encoding(connection, place)
    found = stored_schema(connection, place)
    if found is None:
        with connection.transaction():
            connection.execute(LOCK, (lock_name(place.schema, "schema"),))
            if stored_schema(connection, place) is None:
                _create(connection, place)
        return
    if found > SCHEMA:
        raise _newer(place, found)
    if found < SCHEMA:
        message = f"expected a store of schema {SCHEMA}, got the older schema {found}: {place.shown}"
        raise StoreError("store.older", message, hint="make a backup, then run: armillary db upgrade")


def _expect_encoding(connection: psycopg.Connection[Row], place: Place) -> None:
    encoding = connection.execute("SHOW server_encoding").fetchone()
    if encoding != ("UTF8",):
        message = f"expected a database in UTF8, got {encoding and encoding[0]}: {place.shown}"
        raise StoreError("store.encoding", message, hint="createdb --encoding=UTF8 --template=template0 NAME")


def expect_prepared_statements(connection: psycopg.Connection[Row], place: Place) -> None:
    """A pooler that gives each transaction another connection must know what was prepared. One that does not would run
    whatever somebody else has prepared under the same name. Raises ``store.pooler``.

    There is a pooler where the server's number of the process is not the one that was told at first. Then a statement
    is prepared, and run again while somebody else holds the connection that it was prepared on."""
    (number,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    if number == connection.info.backend_pid:
        return
    with connect(place.conninfo, place.shown) as other:
        for _ in range(3):
            connection.execute(PREPARED, (1,), prepare=True)
            with other.transaction():
                other.execute("SELECT 1")
                connection.execute(PREPARED, (1,), prepare=True)


def schema_of(url: str) -> int:
    """The number of the schema that a store has; 0: there is nothing yet. Changes nothing."""
    place = place_of(url)
    with connect(place.conninfo, place.shown) as connection:
        try:
            return stored_schema(connection, place) or 0
        except psycopg.Error as error:
            raise translated(error, place.shown) from None


def stored_schema(connection: psycopg.Connection[Row], place: Place) -> int | None:
    """The number of the schema in the store; ``None``: there is nothing yet. Raises ``store.foreign``."""
    (there,) = connection.execute(EXISTS, (f'"{place.schema}".alembic_version',)).fetchone() or (False,)
    if not there:
        (tables,) = connection.execute(TABLES, (place.schema,)).fetchone() or (0,)
        if tables:
            message = f"expected an Armillary store, got a schema with other tables: {place.shown}"
            raise StoreError("store.foreign", message, hint="name another schema: ?schema=name")
        return None
    statement = f'SELECT version_num FROM "{place.schema}".alembic_version'
    row = connection.execute(statement.encode()).fetchone()
    return int(row[0]) if row else 0


def _create(connection: psycopg.Connection[Row], place: Place) -> None:
    from ..sql.schema import statements  # SQLAlchemy is slow to import, and needed only here

    if not connection.execute(NAMESPACE, (place.schema,)).fetchone():
        connection.execute(f'CREATE SCHEMA "{place.schema}"'.encode())
    connection.execute(f'SET LOCAL search_path TO "{place.schema}"'.encode())
    for statement in statements("postgresql+psycopg"):
        connection.execute(statement.encode())
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute("INSERT INTO alembic_version VALUES (%s)", (str(SCHEMA),))
    _tune(connection, place)


def _tune(connection: psycopg.Connection[Row], place: Place) -> None:
    """Room for updates in place, and a vacuum that keeps up with tables that are queues."""
    for table, options in TUNING.items():
        statement = qualified(f"ALTER TABLE FROM {table}", place.schema).replace("TABLE FROM", "TABLE")
        connection.execute(f"{statement} SET ({options})".encode())


_QUEUE = "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000"
TUNING = {"instances": "fillfactor = 80", "messages": _QUEUE, "calls": _QUEUE, "waits": _QUEUE}


def upgrade(url: str) -> tuple[int, int]:
    """Brings the store to :data:`SCHEMA`, in one transaction; gives the schema numbers before and after."""
    return migrate(url, SCHEMA)


def migrate(url: str, schema: int) -> tuple[int, int]:
    """Brings a store to the schema of that number, up or down; 0 has no tables."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    place = place_of(url)
    if not 0 <= schema <= SCHEMA:
        raise ArmillaryError("store.schema", f"expected a schema from 0 to {SCHEMA}, got {schema}")
    raw = connect(place.conninfo, place.shown)
    engine = create_engine("postgresql+psycopg://", creator=lambda: raw, poolclass=NullPool)
    try:
        before = stored_schema(raw, place) or 0
        if before > SCHEMA:
            raise _newer(place, before)
        _expect_encoding(raw, place)
        if before == schema:
            return before, schema
        raw.autocommit = False
        with engine.connect() as connection:
            run = connection.exec_driver_sql
            run(LOCK, (lock_name(place.schema, "schema"),))
            if not run(NAMESPACE, (place.schema,)).fetchone():  # asking for it takes a right that is not needed
                run(f'CREATE SCHEMA "{place.schema}"')
            run(f'SET LOCAL search_path TO "{place.schema}"')
            _alembic(connection, before, schema)
            if schema:
                _tune(raw, place)
            connection.commit()
        return before, schema
    except (psycopg.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise translated(cause or error, place.shown) from error
    finally:
        engine.dispose()
        raw.close()


def _alembic(connection: Any, before: int, after: int) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).parent.parent / "sql" / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    if after > before:
        command.upgrade(config, str(after))
    elif after < before:
        command.downgrade(config, str(after) if after else "base")


def _newer(place: Place, got: int) -> StoreError:
    message = f"expected a store of schema {SCHEMA} or older, got schema {got}: {place.shown}"
    return StoreError("store.newer", message, hint="upgrade Armillary here, or open it with the release that wrote it")
