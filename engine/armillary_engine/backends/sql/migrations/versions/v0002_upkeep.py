"""Who took a signal, what was decided about dead letters, and schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Adds a column, an index and two tables."""
    op.add_column("signals", sa.Column("takers_json", sa.Text))
    _index("signals_kept", "signals", "expires", "kept = 1")
    op.create_table(
        "letter_records",
        sa.Column("seq", SERIAL, primary_key=True),
        sa.Column("letter", sa.Text, nullable=False, unique=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("instance", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("arrived", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("decided", sa.BigInteger, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("replayed_as", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.Text, primary_key=True, nullable=False),
        sa.Column("workflow", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("input_json", sa.Text, nullable=False),
        sa.Column("every_json", sa.Text, nullable=False),
        sa.Column("missed", sa.Text, nullable=False),
        sa.Column("at_most", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("next", sa.BigInteger),
        sa.Column("last", sa.BigInteger),
        sa.Column("last_instance", sa.Text),
        sa.Column("error", sa.Text),
    )
    _index("schedules_next", "schedules", "next", "next IS NOT NULL")


def _index(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Takes them away again, with what they held."""
    op.drop_table("schedules")
    op.drop_table("letter_records")
    op.drop_index("signals_kept", "signals")
    op.drop_column("signals", "takers_json")
