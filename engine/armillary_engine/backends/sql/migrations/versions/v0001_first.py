"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes all tables. What stands here never changes again: later schemas have migrations of their own."""
    _definitions()
    _instances()
    _messages()
    _calls()
    _tasks()
    _signals()


def downgrade() -> None:
    """Removes all tables."""
    for table in reversed(TABLES):
        op.drop_table(table)


TABLES = ("definitions", "instances", "history", "messages", "calls", "tasks", "task_events", "waits", "signals")


def _index(name: str, table: str, columns: list[str], *, where: str, unique: bool = False) -> None:
    """An index on the rows for which ``where`` holds."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _big(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _seq() -> sa.Column[int]:
    return sa.Column("seq", SERIAL, primary_key=True)


def _definitions() -> None:
    op.create_table(
        "definitions", _seq(), sa.Column("digest", sa.Text(), nullable=False, unique=True), _text("name"),
        _text("version"), sa.Column("enabled", sa.Boolean(), nullable=False), _big("deployed"),
        _text("deployed_by", null=True), sa.Column("document", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("definitions_version", "definitions", ["name", "version"], unique=True)


def _instances() -> None:
    op.create_table(
        "instances", _seq(), sa.Column("id", sa.Text(), nullable=False, unique=True), _text("workflow"),
        _text("version"), _text("digest"), _text("chain"), _big("started"), _big("updated"), _text("status"),
        sa.Column("resting", sa.Boolean(), nullable=False), _big("revision"), _big("events"), _text("steps_json"),
        _text("key", null=True), _text("parent", null=True), _big("parent_serial", null=True),
        _text("previous", null=True), _text("next", null=True), _text("reference", null=True), _text("parts_json"),
        _text("error_json", null=True), _big("ended", null=True),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
    )  # fmt: skip
    _index("instances_key", "instances", ["workflow", "key"], unique=True, where="key IS NOT NULL")
    _index("instances_parent", "instances", ["parent"], where="parent IS NOT NULL")
    _index("instances_reference", "instances", ["reference"], where="reference IS NOT NULL")
    op.create_index("instances_status", "instances", ["status"])
    _index("instances_living", "instances", ["digest"], where="ended IS NULL")
    op.create_table(
        "history", sa.Column("instance", sa.Text(), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True),
        _text("type"), _big("at"), _big("serial"), _text("step", null=True), _text("data_json"), _text("patch_json"),
        sqlite_with_rowid=False,
    )  # fmt: skip


def _messages() -> None:
    op.create_table(
        "messages", _seq(), _text("instance"), _text("kind"), _big("serial"),
        sa.Column("control", sa.Integer(), nullable=False), sa.Column("body", sa.LargeBinary(), nullable=False),
        _big("arrived"), _text("state"), _big("ready"), _text("owner", null=True), _big("deliveries"),
        _big("failures"), _text("error", null=True), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("messages_ready", "messages", ["state", "ready"])
    op.create_index("messages_instance", "messages", ["instance", "state", "ready"])
    _index("messages_owner", "messages", ["owner"], where="owner IS NOT NULL")


def _calls() -> None:
    op.create_table(
        "calls", sa.Column("instance", sa.Text(), primary_key=True),
        sa.Column("serial", sa.BigInteger(), primary_key=True),
        _text("step"), _text("service"), _text("operation"), _text("arguments_json"), _text("key"), _big("deadline"),
        _big("attempt_timeout"), _big("attempt"), _big("ready"), _text("owner", null=True), _big("fence"),
        _big("deliveries"), _big("heartbeat", null=True), _text("state"), sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index("calls_ready", "calls", ["state", "service", "ready"])


def _tasks() -> None:
    op.create_table(
        "tasks", _seq(), _text("instance"), _big("serial"), _text("step"), _text("name"), _text("title"),
        _text("roles_json"), _text("payload_json"), _big("created"), _text("assignee", null=True),
        _text("schema_json", null=True), _big("priority"), _big("due", null=True), _text("status"),
        _big("ended", null=True), _text("answer_json", null=True), _text("completed_by", null=True),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("tasks_instance", "tasks", ["instance", "serial"], unique=True)
    op.create_index("tasks_status", "tasks", ["status"])
    op.create_table(
        "task_events", _seq(), _text("instance"), _big("serial"), _text("type"), _big("at"), _text("actor", null=True),
        _text("data_json"),
    )  # fmt: skip
    op.create_index("task_events_task", "task_events", ["instance", "serial"])


def _signals() -> None:
    op.create_table(
        "waits", _seq(), _text("instance"), _big("serial"), _text("chain"), _text("name"), _text("key", null=True),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("waits_instance", "waits", ["instance", "serial"], unique=True)
    op.create_index("waits_key", "waits", ["name", "key"])
    op.create_index("waits_chain", "waits", ["chain", "name"])
    op.create_table(
        "signals", _seq(), sa.Column("id", sa.Text(), nullable=False, unique=True), _text("name"),
        _text("key", null=True), _text("chain", null=True), _text("instance", null=True), _text("mode"),
        _text("payload_json"), _big("created"), _big("expires"), sa.Column("kept", sa.Integer(), nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip
    _index("signals_key", "signals", ["name", "key"], where="kept = 1")
    _index("signals_chain", "signals", ["chain", "name"], where="kept = 1")
    op.create_index("signals_expires", "signals", ["expires"])
