"""How SQLite finds its rows: what runs for each transition never reads a whole table, nor all rows of a state."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from armillary_engine.backends.sql import commit, consuming, outside, reads
from armillary_engine.backends.sql.schema import statements

OF_ONE_INSTANCE = {
    name: getattr(commit, name)
    for name in (
        "HEAD", "OTHERS", "OVERDUE", "HOLDER", "UPDATE_INSTANCE", "CANCEL_TASK", "ESCALATE_TASK",
        "RETRY_CALL", "REMOVE_CALL", "REMOVE_WAIT", "REMOVE_DEADLINES",
        "REMOVE_MESSAGES", "ADDRESSEE", "HOLD_MESSAGES", "HOLD_CALLS",
    )
} | {
    name: getattr(consuming, name) for name in ("REMOVE_MESSAGE", "MARK_ANSWERED", "COMPLETE_TASK")
} | {
    f"BEFORE {kind.__name__}": statement for kind, statement in commit.BEFORE.items()
} | {
    "STORED": reads.STORED, "HISTORY": reads.HISTORY, "TASK": reads.TASK, "BY_KEY": reads.BY_KEY,
    "CHILDREN": reads.CHILDREN, "DEAD_LETTER": reads.DEAD_LETTER, "DUE_SERVICES": reads.DUE_SERVICES,
    "PENDING": reads.PENDING, "LEASE": outside.LEASE, "GIVE_BACK": outside.GIVE_BACK,
    "LEASE_CALL": outside.LEASE_CALL, "EXTEND_CALL": outside.EXTEND_CALL,
    "TIME_OUT": outside.TIME_OUT, "FOUND": f"{reads.FOUND} WHERE i.id = ?",
}  # fmt: skip
OF_WHAT_IS_READY = {
    "CLAIMABLE": outside.CLAIMABLE, "OF_DEFINITION": outside.OF_DEFINITION, "READY_NOW": reads.READY_NOW,
    "READY_LATER": reads.READY_LATER, "CALL_LATER": reads.CALL_LATER, "DUE_CALLS": outside.DUE_CALLS,
    "OVER": outside.OVER, "OVER_LATER": reads.OVER_LATER,
    "RUNNING": reads.RUNNING, "MET_BY_KEY": reads.MET_BY_KEY, "MET_BY_CHAIN": reads.MET_BY_CHAIN,
    "KEPT_SIGNAL": commit.KEPT_SIGNAL, "WAITS_BY_KEY": commit.WAITS_BY_KEY, "WAITS_BY_CHAIN": commit.WAITS_BY_CHAIN,
}  # fmt: skip
OF_A_STATE = ("messages_ready", "calls_ready", "calls_timeout", "tasks_status", "instances_status", "instances_living")


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:")
    for statement in statements("sqlite"):
        opened.execute(statement)
    yield opened
    opened.close()


def plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    plain = statement.replace("{without}", "").replace("{of}", "")
    rows = connection.execute(f"EXPLAIN QUERY PLAN {plain}", (1,) * plain.count("?"))
    return [row[3] for row in rows]


@pytest.mark.parametrize("name", OF_ONE_INSTANCE)
def test_rows_of_one_instance_are_found_by_it(connection: sqlite3.Connection, name: str) -> None:
    for step in plan(connection, OF_ONE_INSTANCE[name]):
        assert not step.startswith("SCAN") or step == "SCAN CONSTANT ROW", step
        assert not any(index in step for index in OF_A_STATE), step


@pytest.mark.parametrize("name", OF_WHAT_IS_READY)
def test_what_is_ready_is_found_without_reading_what_is_not(connection: sqlite3.Connection, name: str) -> None:
    for step in plan(connection, OF_WHAT_IS_READY[name]):
        assert not step.startswith("SCAN") or "messages_owner" in step, step


def test_what_is_ready_of_a_definition_is_found_by_it(connection: sqlite3.Connection) -> None:
    (found,) = [step for step in plan(connection, outside.OF_DEFINITION) if " m " in step]
    assert found == "SEARCH m USING INDEX messages_digest (state=? AND digest=? AND ready<?)"
    steps = [step for step in plan(connection, outside.DIGESTS) if "messages" in step or " m " in step]
    assert all("messages_digest" in step for step in steps), steps
