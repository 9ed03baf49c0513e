"""Calls say themselves when the time of their step is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"
branch_labels = None
depends_on = None

DEADLINES = """INSERT INTO messages
    (instance, kind, serial, control, body, arrived, state, ready, digest, deliveries, failures)
    SELECT c.instance, 'timer', c.serial, 0, CAST('"timeout"' AS {blob}), c.timeout,
        CASE WHEN i.status = 'suspended' THEN 'held' ELSE 'ready' END, c.timeout, i.digest, 0, 0
    FROM calls c JOIN instances i ON i.id = c.instance WHERE c.timeout IS NOT NULL ORDER BY c.timeout"""


def upgrade() -> None:
    """Adds a column and its index. It is null for the calls that are there: each has its message already."""
    op.add_column("calls", sa.Column("timeout", sa.BigInteger))
    due = sa.text("timeout IS NOT NULL")
    op.create_index("calls_timeout", "calls", ["timeout"], sqlite_where=due, postgresql_where=due)


def downgrade() -> None:
    """Takes them away again; the calls that have no message yet get it."""
    op.execute(DEADLINES.format(blob="BLOB" if op.get_bind().dialect.name == "sqlite" else "BYTEA"))
    op.drop_index("calls_timeout", "calls")
    op.drop_column("calls", "timeout")
