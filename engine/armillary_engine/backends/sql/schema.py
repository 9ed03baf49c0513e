"""The schema of the SQL stores (SQLAlchemy Core). Only creating or migrating a store imports this module.

Times are microseconds since the epoch. Columns named ``…_json`` hold canonical JSON text; ``snapshot`` is opaque.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.schema import CreateIndex, CreateTable

metadata = MetaData()

# SQLite numbers rows by itself only in a column of type INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")

definitions = Table(
    "definitions",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("deployed", BigInteger, nullable=False),
    Column("deployed_by", Text),
    Column("document", LargeBinary, nullable=False),
    Index("definitions_version", "name", "version", unique=True),
    sqlite_autoincrement=True,
)

instances = Table(
    "instances",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("workflow", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("resting", Boolean, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("steps_json", Text, nullable=False),
    Column("key", Text),
    Column("parent", Text),
    Column("parent_serial", BigInteger),
    Column("previous", Text),
    Column("next", Text),
    Column("reference", Text),
    Column("parts_json", Text, nullable=False),
    Column("error_json", Text),
    Column("ended", BigInteger),
    Column("snapshot", LargeBinary, nullable=False),
)
Index("instances_key", instances.c.workflow, instances.c.key, unique=True,
      sqlite_where=text("key IS NOT NULL"), postgresql_where=text("key IS NOT NULL"))  # fmt: skip
Index("instances_parent", instances.c.parent,
      sqlite_where=text("parent IS NOT NULL"), postgresql_where=text("parent IS NOT NULL"))  # fmt: skip
Index("instances_reference", instances.c.reference,
      sqlite_where=text("reference IS NOT NULL"), postgresql_where=text("reference IS NOT NULL"))  # fmt: skip
Index("instances_status", instances.c.status)
Index("instances_living", instances.c.digest,
      sqlite_where=text("ended IS NULL"), postgresql_where=text("ended IS NULL"))  # fmt: skip

history = Table(
    "history",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("type", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("step", Text),
    Column("data_json", Text, nullable=False),
    Column("patch_json", Text, nullable=False),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("control", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    # When it may be claimed: its arrival, or the end of its lease.
    Column("ready", BigInteger, nullable=False),
    Column("owner", Text),
    Column("deliveries", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("error", Text),
    # Of its instance, so that a backlog of one definition is passed by: see ``claim``.
    Column("digest", Text, nullable=False, server_default=""),
    Index("messages_ready", "state", "ready"),
    Index(
        "messages_digest",
        "state",
        "digest",
        "ready",
        sqlite_where=text("owner IS NULL"),
        postgresql_where=text("owner IS NULL"),
    ),
    # Three columns: planners without statistics would else prefer the index above for one instance's messages.
    Index("messages_instance", "instance", "state", "ready"),
    Index(
        "messages_owner",
        "owner",
        sqlite_where=text("owner IS NOT NULL"),
        postgresql_where=text("owner IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

calls = Table(
    "calls",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True),
    Column("step", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("arguments_json", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("attempt_timeout", BigInteger, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("ready", BigInteger, nullable=False),
    Column("owner", Text),
    Column("fence", BigInteger, nullable=False),
    Column("deliveries", BigInteger, nullable=False),
    Column("heartbeat", BigInteger),
    Column("state", Text, nullable=False),
    # When the instance must be told that the step's time is over; null: it has been.
    Column("timeout", BigInteger),
    Index("calls_ready", "state", "service", "ready"),
    Index(
        "calls_timeout",
        "timeout",
        sqlite_where=text("timeout IS NOT NULL"),
        postgresql_where=text("timeout IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

tasks = Table(
    "tasks",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("step", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("roles_json", Text, nullable=False),
    Column("payload_json", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("assignee", Text),
    Column("schema_json", Text),
    Column("priority", BigInteger, nullable=False),
    Column("due", BigInteger),
    Column("status", Text, nullable=False),
    Column("ended", BigInteger),
    Column("answer_json", Text),
    Column("completed_by", Text),
    Index("tasks_instance", "instance", "serial", unique=True),
    Index("tasks_status", "status"),
    sqlite_autoincrement=True,
)

task_events = Table(
    "task_events",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text),
    Column("data_json", Text, nullable=False),
    Index("task_events_task", "instance", "serial"),
)

waits = Table(
    "waits",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("instance", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("chain", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text),
    Index("waits_instance", "instance", "serial", unique=True),
    Index("waits_key", "name", "key"),
    Index("waits_chain", "chain", "name"),
    sqlite_autoincrement=True,
)

signals = Table(
    "signals",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("key", Text),
    Column("chain", Text),
    Column("instance", Text),
    Column("mode", Text, nullable=False),
    Column("payload_json", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    # 0: taken or told; 1: nobody has taken it yet; 2: nobody has in time; 3: and somebody has decided about that.
    Column("kept", Integer, nullable=False),
    Index("signals_key", "name", "key", sqlite_where=text("kept = 1"), postgresql_where=text("kept = 1")),
    Index("signals_chain", "chain", "name", sqlite_where=text("kept = 1"), postgresql_where=text("kept = 1")),
    Column("takers_json", Text),
    Index("signals_expires", "expires"),
    Index("signals_kept", "expires", sqlite_where=text("kept = 1"), postgresql_where=text("kept = 1")),
    sqlite_autoincrement=True,
)

letter_records = Table(
    "letter_records",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("letter", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("instance", Text),
    Column("name", Text),
    Column("body", LargeBinary, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("error", Text),
    Column("decided", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("replayed_as", Text),
    sqlite_autoincrement=True,
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("input_json", Text, nullable=False),
    Column("every_json", Text, nullable=False),
    Column("missed", Text, nullable=False),
    Column("at_most", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("created_by", Text),
    Column("revision", BigInteger, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("next", BigInteger),
    Column("last", BigInteger),
    Column("last_instance", Text),
    Column("error", Text),
    Index("schedules_next", "next", sqlite_where=text("next IS NOT NULL"), postgresql_where=text("next IS NOT NULL")),
)

locks = Table(
    "locks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)


def statements(dialect_name: str) -> list[str]:
    """The statements that create an empty store, as texts of a dialect (``sqlite``, ``postgresql``, …)."""
    from sqlalchemy import create_mock_engine

    engine = create_mock_engine(f"{dialect_name}://", lambda *_, **__: None)
    made = []
    for table in metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=engine.dialect)).strip())
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        made += [str(CreateIndex(index).compile(dialect=engine.dialect)) for index in indexes]
    return made
