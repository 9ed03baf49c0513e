"""Messages know the definition of their instance, so that claims are fair between definitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"
branch_labels = None
depends_on = None

FILL = """UPDATE messages SET digest = (SELECT i.digest FROM instances i WHERE i.id = messages.instance)
    WHERE EXISTS (SELECT 1 FROM instances i WHERE i.id = messages.instance)"""


def upgrade() -> None:
    """Adds a column, fills it, and adds its index."""
    op.add_column("messages", sa.Column("digest", sa.Text, nullable=False, server_default=""))
    op.execute(FILL)
    free = sa.text("owner IS NULL")
    columns = ["state", "digest", "ready"]
    op.create_index("messages_digest", "messages", columns, sqlite_where=free, postgresql_where=free)


def downgrade() -> None:
    """Takes it away again."""
    op.drop_index("messages_digest", "messages")
    op.drop_column("messages", "digest")
