"""What Alembic runs for each migration: on the connection that :mod:`..migrate` hands over."""

from __future__ import annotations

from alembic import context

from armillary_engine.backends.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    version_table="alembic_version",
)
with context.begin_transaction():
    context.run_migrations()
