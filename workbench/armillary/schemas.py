"""Which schema a store has, and bringing it to that of this release, without opening it for work."""

from __future__ import annotations

from armillary_engine.definition.problems import ArmillaryError


def schema_of(url: str) -> tuple[int, int]:
    """The number of the store's schema (0: nothing is there yet), and that of this release. ``url`` is a normal
    one."""
    match url.partition("://")[0]:
        case "sqlite":
            return _sqlite_schema(url)
        case "postgresql":
            from armillary_engine.backends.postgresql.preparing import SCHEMA
            from armillary_engine.backends.postgresql.preparing import schema_of as schema_of_postgresql

            return schema_of_postgresql(url), SCHEMA
        case scheme:
            raise _no_schema(scheme)


def upgrade_store(url: str) -> tuple[int, int]:
    """Brings the store to this release's schema, in one transaction; gives the numbers before and after."""
    match url.partition("://")[0]:
        case "sqlite":
            from armillary_engine.backends.sql.migrate import upgrade

            return upgrade(url)
        case "postgresql":
            from armillary_engine.backends.postgresql.preparing import upgrade as upgrade_postgresql

            return upgrade_postgresql(url)
        case scheme:
            raise _no_schema(scheme)


def _sqlite_schema(url: str) -> tuple[int, int]:
    import sqlite3

    from armillary_engine.backends.sqlite import APPLICATION, SCHEMA, path_of
    from armillary_engine.backends.sqlite_errors import foreign, translated

    path = path_of(url)
    try:
        connection = sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise translated(error, path) from None
    if application != APPLICATION and tables:
        raise foreign(path)
    return int(found), SCHEMA


def _no_schema(scheme: str) -> ArmillaryError:
    message = f"expected a store with a schema, got {scheme}://…"
    return ArmillaryError("url.unavailable", message, hint="name a sqlite:/// or postgresql:// store with --url")
