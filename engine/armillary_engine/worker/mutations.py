"""Slice → mutation: what the interpreter decided, as the rows that make it true. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..definition.values import dumps, dumps_in_order
from ..interpreter import Chain, Parent, Slice, Snapshot, encode, new_snapshot, next_chain
from ..interpreter.commands import (
    CancelChild,
    CloseWait,
    Command,
    Due,
    End,
    EscalateTask,
    GoOn,
    OpenCall,
    OpenSignal,
    OpenTask,
    RetryCall,
    SetReference,
    StartChild,
    StartNext,
)
from ..interpreter.triggers import Cancel, ChildEnded, Continue, Start
from ..messages import message, timer
from ..mutation import Close, Consumes, Escalate, Mutation, NewInstance, Nothing
from ..rows import CallRetry, CallRow, EventRow, InstanceRow, InstanceStatus, SignalWait, TaskEventRow, TaskRow

Leaser = Callable[[CallRow], CallRow]
"""Gives back a call that is opened, leased to this worker or as it is."""
FENCES = 16
"""A call that an operator's retry opens again, with a later attempt, has fences beyond those of the earlier opening,
whose replies may still be on their way: there are fewer than two to this power in one."""
RolesOf = Callable[[int], tuple[str, ...]]
"""The roles that the task of a visit is offered to by its definition."""


def no_lease(call: CallRow) -> CallRow:
    """Leaves the call to whoever claims it."""
    return call


def text(value: Any) -> str:
    """Canonical JSON as text."""
    return dumps(value).decode()


def in_order(value: Any) -> str:
    """JSON as text, with members as they were written: a form shows its fields so."""
    return dumps_in_order(value).decode()


def first_row(
    snapshot: Snapshot, *, key: str | None = None, parent: Parent | None = None, started: int | None = None
) -> InstanceRow:  # fmt: skip
    """The projection of an instance that has not begun."""
    chain: Chain = snapshot.chain
    return InstanceRow(
        id=snapshot.instance, workflow=snapshot.workflow, version=snapshot.version, digest=snapshot.digest,
        chain=chain.root, started=started or snapshot.created, updated=snapshot.created, key=key,
        parent=parent.instance if parent else None, parent_serial=parent.serial if parent else None,
        previous=chain.previous,
    )  # fmt: skip


def start_mutation(snapshot: Snapshot, start: Start, *, key: str | None = None, ready: int | None = None) -> Mutation:
    """An instance whose first slice is for later: stored with the message that starts it."""
    row = first_row(snapshot, key=key)
    begin = message(snapshot.instance, start, ready=ready)
    return Mutation(row, encode(snapshot), Nothing(), None, messages=(begin,))


def to_mutation(
    done: Slice, before: Snapshot, row: InstanceRow, consumes: Consumes, *, new: bool = False,
    lease: Leaser = no_lease, roles_of: RolesOf = lambda serial: (),
) -> Mutation:  # fmt: skip
    """What ``done`` makes of the instance that was ``before``, whose projection is ``row``. ``new``: it is not stored
    yet."""
    draft = _Draft(done.snapshot, before, row, lease, roles_of)
    for command in done.commands:
        draft.take(command)
    expected = None if new else row.revision
    return draft.mutation(done, consumes, expected)


@dataclass(slots=True)
class _Draft:
    """The commands of a slice, sorted into rows. What a slice opens and closes again is never stored."""

    after: Snapshot
    before: Snapshot
    row: InstanceRow
    lease: Leaser
    roles_of: RolesOf
    calls: dict[int, CallRow] = field(default_factory=dict)
    retries: dict[int, CallRetry] = field(default_factory=dict)
    tasks: dict[int, TaskRow] = field(default_factory=dict)
    task_events: list[TaskEventRow] = field(default_factory=list)
    escalations: dict[int, Escalate] = field(default_factory=dict)
    waits: dict[int, SignalWait] = field(default_factory=dict)
    timers: list[Due] = field(default_factory=list)
    children: dict[str, NewInstance] = field(default_factory=dict)
    cancelled: list[CancelChild] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)
    following: NewInstance | None = None
    ending: End | None = None
    goes_on: bool = False

    @property
    def now(self) -> int:
        return self.after.now

    @property
    def id(self) -> str:
        return self.after.instance

    def take(self, command: Command) -> None:
        match command:
            case OpenCall():
                self.calls[command.serial] = self._call(command)
            case RetryCall(serial=serial, attempt=attempt, due=due):
                self.retries[serial] = CallRetry(serial, attempt, due)
            case OpenTask():
                self.tasks[command.serial] = self._task(command)
            case EscalateTask(serial=serial, roles=roles):
                self._escalate(serial, roles)
            case OpenSignal(serial=serial, name=name, key=key):
                self.waits[serial] = SignalWait(serial, name, key)
            case Due():
                self.timers.append(command)
            case CloseWait():
                self._close(command)
            case StartChild():
                self.children[command.child] = self._child(command)
            case CancelChild(child=child):
                if self.children.pop(child, None) is None:
                    self.cancelled.append(command)
            case StartNext():
                self.following = self._next(command)
            case End():
                self.ending = command
            case GoOn():
                self.goes_on = True
            case SetReference():
                pass  # the snapshot has it

    def _call(self, call: OpenCall) -> CallRow:
        return CallRow(
            instance=self.id, serial=call.serial, step=call.step, service=call.service, operation=call.operation,
            arguments_json=text(call.arguments), key=call.key, deadline=call.deadline,
            attempt_timeout=call.attempt_timeout, attempt=call.attempt, ready=self.now, heartbeat=call.heartbeat,
            fence=(call.attempt - 1) << FENCES, timeout=call.deadline,
        )  # fmt: skip

    def _task(self, task: OpenTask) -> TaskRow:
        self.task_events.append(TaskEventRow(self.id, task.serial, "created", self.now))
        return TaskRow(
            instance=self.id, serial=task.serial, step=task.step, name=task.name, title=task.title,
            roles_json=text(list(task.roles)), payload_json=text(task.payload), created=self.now,
            assignee=task.assignee, schema_json=None if task.answer is None else in_order(dict(task.answer)),
            priority=task.priority, due=task.due,
        )  # fmt: skip

    def _escalate(self, serial: int, roles: tuple[str, ...]) -> None:
        offered = list(dict.fromkeys((*self.roles_of(serial), *roles)))
        self.escalations[serial] = Escalate(serial, text(offered))
        event = TaskEventRow(self.id, serial, "escalated", self.now, None, text({"roles": list(roles)}))
        self.task_events.append(event)

    def _close(self, close: CloseWait) -> None:
        serial = close.serial
        self.timers = [due for due in self.timers if due.serial != serial]
        self.retries.pop(serial, None)
        self.escalations.pop(serial, None)
        if self.tasks.pop(serial, None) is not None:
            self.task_events = [event for event in self.task_events if event.serial != serial]
        self.calls.pop(serial, None)
        self.waits.pop(serial, None)
        for frame in self.before.frames:
            if frame.visit == serial and frame.wait is not None:
                self.closes.append(Close(serial, close.reason, frame.wait.kind))

    def _child(self, child: StartChild) -> NewInstance:
        parent = Parent(self.id, child.serial)
        snapshot = new_snapshot(
            instance=child.child, workflow=child.workflow, version=child.version, digest=child.digest, now=self.now,
            parent=parent,
        )  # fmt: skip
        return _new(snapshot, child.input, parent)

    def _next(self, following: StartNext) -> NewInstance:
        snapshot = new_snapshot(
            instance=following.id, workflow=following.workflow, version=following.version, digest=following.digest,
            now=self.now, parent=self.after.parent, chain=next_chain(self.after),
        )  # fmt: skip
        return _new(snapshot, following.input, self.after.parent)

    # ── all together ─────────────────────────────────────────────────────────────────────────────────────────────────

    def mutation(self, done: Slice, consumes: Consumes, expected: int | None) -> Mutation:
        new = [*self.children.values(), *([self.following] if self.following else [])]
        return Mutation(
            row=self._projection(done),
            snapshot=encode(self.after),
            consumes=consumes,
            expected=expected,
            events=self._events(done),
            closes=tuple(self.closes),
            calls=tuple([self.lease(call) for call in self.calls.values()]),
            retries=tuple(self.retries.values()),
            tasks=tuple(self.tasks.values()),
            escalations=tuple(self.escalations.values()),
            task_events=tuple(self.task_events),
            waits=tuple(self.waits.values()),
            messages=tuple(self._messages()),
            instances=tuple(new),
            holds=self._holds(),
        )

    def _projection(self, done: Slice) -> InstanceRow:
        after, error = self.after, self.after.error
        failed = None
        if error is not None:
            failed = text({"code": error.code, "message": error.message, "step": error.step})
        ended = after.status in ("completed", "failed", "cancelled")
        status: InstanceStatus = "waiting" if after.status == "running" else after.status
        row = self.row
        return InstanceRow(
            id=row.id,
            workflow=row.workflow,
            version=row.version,
            digest=row.digest,
            chain=row.chain,
            started=row.started,
            key=row.key,
            parent=row.parent,
            parent_serial=row.parent_serial,
            previous=row.previous,
            status=status,
            resting=done.resting,
            revision=after.revision,
            events=self.row.events + len(done.events),
            steps_json=text(list(done.steps)),
            reference=after.reference,
            parts_json=text(dict(after.parts)),
            error_json=failed,
            next=after.chain.next,
            updated=self.now,
            ended=(self.now if self.ending is not None else row.ended) if ended else None,
        )

    def _events(self, done: Slice) -> tuple[EventRow, ...]:
        first = self.row.events + 1
        return tuple([
            EventRow(
                number, event.type, self.now, event.serial, event.step,
                text(dict(event.data)) if event.data else "{}",
                text([list(change) for change in event.patch]) if event.patch else "[]",
            )
            for number, event in enumerate(done.events, first)
        ])  # fmt: skip

    def _messages(self) -> list[Any]:
        messages = [timer(self.id, due.serial, due.purpose, due.at) for due in self.timers]
        for gone in self.cancelled:
            messages.append(message(gone.child, Cancel(gone.compensate, "its parent cancelled it"), follow=True))
        if self.goes_on:
            messages.append(message(self.id, Continue()))
        parent = self.after.parent
        if self.ending is not None and parent is not None and self.following is None:
            told = ChildEnded(
                parent.serial, self.after.chain.root, self.ending.status, self.ending.output, self.ending.error
            )
            messages.append(message(parent.instance, told))
        return messages

    def _holds(self) -> bool | None:
        was, suspended = self.before.status == "suspended", self.after.status == "suspended"
        return suspended if was is not suspended else None


def _new(snapshot: Snapshot, input: Any, parent: Parent | None) -> NewInstance:
    row = first_row(snapshot, parent=parent)
    return NewInstance(row, encode(snapshot), message(snapshot.instance, Start(input)))
