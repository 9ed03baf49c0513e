"""Bringing a SQL store to this release's schema, and back: ``armillary db upgrade``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from ...definition.problems import ArmillaryError
from ..sqlite import APPLICATION, SCHEMA, path_of
from ..sqlite_errors import foreign, newer, translated
from ..sqlite_files import WriteLock, peers_folder


def upgrade(url: str) -> tuple[int, int]:
    """Brings the store of a ``sqlite:///`` URL to :data:`SCHEMA`, in one transaction. Gives the schema numbers before
    and after. Raises ``store.newer``, ``store.foreign``, ``store.corrupt``, …; then nothing was changed."""
    return migrate(url, SCHEMA)


def migrate(url: str, schema: int) -> tuple[int, int]:
    """Brings a store to the schema of that number, up or down; 0 has no tables."""
    path = path_of(url)
    lock = WriteLock(peers_folder(path) / "write.lock")
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    event.listen(engine, "connect", _plain)
    try:
        with lock, engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            before = _current(connection, path)
            _run(connection, before, schema)
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
            connection.exec_driver_sql(f"PRAGMA user_version = {schema}")
            connection.exec_driver_sql("COMMIT")
        return before, schema
    except sqlite3.Error as error:
        raise translated(error, path) from error
    finally:
        engine.dispose()
        lock.close()


def _plain(connection: sqlite3.Connection, _: object) -> None:
    """Leaves transactions to us: the driver's own end before each change of the schema."""
    connection.isolation_level = None


def _current(connection: Connection, path: Path) -> int:
    application = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
    schema = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    tables = connection.exec_driver_sql("SELECT COUNT(*) FROM sqlite_schema").scalar_one()
    if application != APPLICATION and tables:
        raise foreign(path)
    if schema > SCHEMA:
        raise newer(path, schema, SCHEMA)
    return schema


def _run(connection: Connection, before: int, after: int) -> None:
    if not 0 <= after <= SCHEMA:
        raise ArmillaryError("store.schema", f"expected a schema from 0 to {SCHEMA}, got {after}")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    if before:
        command.stamp(config, str(before), purge=True)
    if after > before:
        command.upgrade(config, str(after))
    elif after < before:
        command.downgrade(config, str(after) if after else "base")
