"""The desk of human tasks: who may hold one, and completing it once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ..backend import TaskChange
from ..definition.codec import loads, normalize
from ..definition.problems import ArmillaryError
from ..ids import check_text
from ..interpreter import Snapshot, check_answer, decode
from ..interpreter.triggers import TaskCompleted, split_token
from ..mutation import Answered
from ..rows import Stored, TaskEventRow, TaskRow
from ..runtime import Caller
from .engine import Engine
from .mutations import text
from .starts import refused

ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer as JSON."""
COMMENT_LIMIT = 10_000


class TaskDesk:
    """What people do with tasks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, id: str) -> TaskRow:
        """The task of a waiting token. Raises ``task.unknown``."""
        try:
            instance, serial = split_token(id)
        except ValueError as error:
            raise ArmillaryError("task.unknown", str(error)) from None
        row = self._engine.store.task(instance, serial)
        if row is None:
            raise ArmillaryError("task.unknown", f"expected the id of a task, got {id!r}", hint="list the open tasks")
        return row

    # ── who holds it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def assign(
        self, id: str, to: str | None, kind: Literal["claimed", "released", "reassigned", "delegated"], caller: Caller
    ) -> TaskRow:  # fmt: skip
        """Changes who holds a task."""
        if to is not None:
            hint = "release it, for nobody to hold it"
            check_text(to, "a name", code="task.assignee-invalid", at_most=200, hint=hint)
        row = self.find(id)
        self._expect_open(row)
        self._allow(row, caller, free=kind == "claimed")
        if kind == "delegated" and (row.assignee is None or row.assignee != caller.name):
            hint = "claim it first, or have it reassigned"
            message = f"expected the holder of {row.name!r} to delegate it, got {caller.name or 'somebody'}"
            raise ArmillaryError("task.not-allowed", message, hint=hint)
        if kind == "claimed" and row.assignee not in (None, to):
            hint = "ask its holder to release it, or have it reassigned"
            raise ArmillaryError(
                "task.taken", f"expected a task that nobody holds, got one of {row.assignee}", hint=hint
            )
        data = text({"to": to, "from": row.assignee})
        event = TaskEventRow(row.instance, row.serial, kind, self._engine.clock.now(), caller.name, data)
        change = TaskChange(row.instance, row.serial, row.assignee, to, event)
        if not self._engine.store.change_task(change):
            return self.assign(id, to, kind, caller)  # somebody was quicker: look again, and refuse or go on
        self._engine.tell([(row.instance, 0)], work=False)
        return self.find(id)

    # ── what happened to it ──────────────────────────────────────────────────────────────────────────────────────────

    def comment(self, id: str, remark: str, caller: Caller) -> TaskEventRow:
        """Adds a remark to a task, open or over."""
        row = self.find(id)
        self._allow(row, caller)
        if not remark.strip() or len(remark) > COMMENT_LIMIT:
            message = f"expected a remark of 1 to {COMMENT_LIMIT:,} characters, got {len(remark):,}"
            raise ArmillaryError("task.comment-invalid", message)
        data = text({"text": normalize(remark)})
        event = TaskEventRow(row.instance, row.serial, "commented", self._engine.clock.now(), caller.name, data)
        self._engine.store.upkeep.comment(event)
        self._engine.tell([(row.instance, 0)], work=False)
        return event

    def events(self, id: str) -> Sequence[TaskEventRow]:
        """All that happened to a task, oldest first."""
        row = self.find(id)
        return self._engine.store.task_events(row.instance, row.serial)

    def expect_reader(self, row: TaskRow, caller: Caller) -> None:
        """Who may do a task may see all that it shows. Raises ``task.not-allowed``."""
        self._allow(row, caller)

    def _expect_open(self, row: TaskRow) -> None:
        if row.status == "open":
            return
        how = f"was {row.status} by {row.completed_by}" if row.completed_by else f"is {row.status}"
        message = f"expected an open task, got {row.name!r} ({row.instance}/{row.serial}), which {how}"
        raise ArmillaryError("task.not-open", message, hint="look at the open tasks")

    def _allow(self, row: TaskRow, caller: Caller, *, free: bool = False) -> None:
        if caller.roles is None:
            return
        roles = loads(row.roles_json)
        assert isinstance(roles, list)
        if row.assignee is not None and row.assignee == caller.name:
            return
        if (row.assignee is None or free) and (not roles or caller.roles & set(roles)):
            return
        wanted = row.assignee or " or ".join(str(role) for role in roles)
        got = f"{caller.name or 'somebody'} with the roles {', '.join(sorted(caller.roles)) or 'none'}"
        message = f"expected {wanted} for the task {row.name!r}, got {got}"
        raise ArmillaryError("task.not-allowed", message, hint="ask one who may, or have it reassigned")

    # ── completing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def complete(self, id: str, answer: Any, caller: Caller) -> TaskRow:
        """Completes a task: in one commit with the slice that its answer starts or, where other triggers come first,
        as a stored trigger. In either case the task row is compared and set, so of two who complete it one is
        told."""
        row = self.find(id)
        self._expect_open(row)
        self._allow(row, caller)
        value = _value(answer)
        while True:
            stored = self._engine.store.read([row.instance])[row.instance]
            snapshot = decode(stored.snapshot)
            checked = self._check(row, snapshot, value)
            kind = self._complete(row, stored, TaskCompleted(row.serial, checked, caller.name))
            if kind == "committed":
                return self.find(id)
            if kind != "conflict":
                self._expect_open(self.find(id))
                raise ArmillaryError("task.not-open", f"expected an open task, got {id!r}, whose instance has ended")

    def _check(self, row: TaskRow, snapshot: Snapshot, value: Any) -> Any:
        program = self._engine.programs.get(snapshot.digest)
        checked, problems = check_answer(program, snapshot, row.serial, value, self._engine.clock.now())
        if any(problem.code == "task.not-open" for problem in problems):
            self._expect_open(self.find(f"{row.instance}/{row.serial}"))
        if problems:
            code = "task.not-open" if problems[0].code == "task.not-open" else "task.answer-invalid"
            raise refused(code, f"the answer to the task {row.name!r} does not fit", problems)
        return checked

    def _complete(self, row: TaskRow, stored: Stored, trigger: TaskCompleted) -> str:
        consumes = Answered(row.serial, text(trigger.answer), trigger.by)
        return self._engine.take_or_store(stored, trigger, consumes).kind


def _value(answer: Any) -> Any:
    try:
        return normalize(answer, limit=ANSWER_LIMIT)
    except ArmillaryError as error:
        raise ArmillaryError("task.answer-invalid", error.message, hint=error.hint, problems=error.problems) from None
