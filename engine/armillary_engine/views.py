"""Rows → views: what the Runtime contract shows of what is stored, and the one place where it is masked.

``hidden`` says what of an instance is sensitive. Each view masks alike at every moment, so that history that is
replayed gives the state that is shown; ``NOTHING`` reveals all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from .backend import Found
from .clock import as_datetime
from .definition.codec import loads
from .definition.marks import MASK, Marks, any_in, below, masked
from .definition.sensitive import Sensitive
from .interpreter import decode
from .interpreter.replay import CHECKPOINT
from .operations import TaskEventView
from .rows import DefinitionRow, EventRow, Stored, TaskEventRow, TaskRow
from .runtime import DefinitionView, EventView, InstanceState, InstanceView, Status, TaskView


def _moment(microseconds: int | None) -> Any:
    return None if microseconds is None else as_datetime(microseconds)


def definition_view(row: DefinitionRow, living: int) -> DefinitionView:
    """``living``: how many instances are on it."""
    deployed = as_datetime(row.deployed)
    return DefinitionView(row.name, row.version, row.digest, row.enabled, deployed, row.deployed_by, living)


def status_of(found: Found) -> Status:
    """The status as people see it: an instance runs while a trigger is ready, or a call is due or in flight."""
    return "running" if found.row.status == "waiting" and found.running else found.row.status


def instance_view(found: Found, hidden: Sensitive, *, blocked: str | None, resting: bool) -> InstanceView:
    """``blocked`` and ``resting`` are for who knows the workers and the children."""
    row = found.row
    error = None if row.error_json is None else _error(cast(Any, loads(row.error_json)), hidden)
    return InstanceView(
        id=row.id,
        workflow=row.workflow,
        version=row.version,
        digest=row.digest,
        status=status_of(found),
        resting=resting,
        revision=row.revision,
        steps=_steps(row.steps_json),
        reference=_text(row.reference, hidden.any_field("key")),
        parts={} if row.parts_json == "{}" else cast(Any, masked(loads(row.parts_json), hidden.any_field("parts"))),
        key=row.key,
        parent=row.parent,
        previous=row.previous,
        next=row.next,
        blocked=blocked,
        error=error,
        started=as_datetime(row.started),
        updated=as_datetime(row.updated),
        ended=_moment(row.ended),
    )


@lru_cache(maxsize=1024)
def _steps(text: str) -> tuple[str, ...]:
    """Instances stand at few places."""
    return tuple(cast(list[str], loads(text)))


def state_view(stored: Stored, hidden: Sensitive) -> InstanceState:
    """The values of an instance."""
    snapshot = decode(stored.snapshot)
    state = {name: masked(value, hidden.name(name)) for name, value in snapshot.state.items()}
    output = masked(snapshot.output, hidden.unknown or hidden.output)
    return InstanceState(stored.row.revision, masked(snapshot.input, hidden.name("input")), state, output)


def task_view(row: TaskRow, hidden: Sensitive) -> TaskView:
    """A task as people see it."""
    answer = None if row.answer_json is None else loads(row.answer_json)
    return TaskView(
        id=f"{row.instance}/{row.serial}",
        instance=row.instance,
        step=row.step,
        name=row.name,
        title=_text(row.title, hidden.field(row.step, "title")) or "",
        status=row.status,
        roles=tuple(cast(list[str], loads(row.roles_json))),
        assignee=_text(row.assignee, hidden.field(row.step, "assignee")),
        payload=masked(loads(row.payload_json), hidden.field(row.step, "payload")),
        answer_schema=None if row.schema_json is None else cast(Any, loads(row.schema_json)),
        priority=row.priority,
        created=as_datetime(row.created),
        due=_moment(row.due),
        ended=_moment(row.ended),
        answer=masked(answer, hidden.field(row.step, "answer")),
    )


def event_view(instance: str, row: EventRow, hidden: Sensitive) -> EventView:
    """One event of an instance's history."""
    data, patch = cast(Any, loads(row.data_json, depth=200)), cast(Any, loads(row.patch_json, depth=200))
    if hidden:
        data, patch = _event_data(row, data, hidden), [_change(one, hidden) for one in patch]
    return EventView(
        instance=instance,
        number=row.number,
        type=row.type,
        at=as_datetime(row.at),
        serial=row.serial,
        step=row.step,
        data=data,
        patch=patch,
    )


def _event_data(row: EventRow, data: dict[str, Any], hidden: Sensitive) -> dict[str, Any]:
    step = row.step or ""
    shown = _error({**data, "step": row.step}, hidden) if "code" in data else {**data}
    marks: dict[str, Marks] = {
        "input": hidden.name("input"), "output": hidden.unknown or hidden.output, "parts": hidden.field(step, "parts"),
        "reference": hidden.field(step, "key"), "key": any_in(hidden.field(step, "match")),
    }  # fmt: skip
    for name in marks.keys() & data.keys():
        shown[name] = masked(data[name], marks[name])
    if "local" in data:
        shown["local"] = [_change(one, hidden) for one in data["local"]]
    if row.type == CHECKPOINT:
        shown["state"] = {name: masked(value, hidden.name(name)) for name, value in data["state"].items()}
    return {name: shown[name] for name in data}


def _change(change: Sequence[Any], hidden: Sensitive) -> list[Any]:
    """A change below what is masked as a whole is one of that: so it goes on being masked where it is replayed."""
    path, *value = change
    root, *members = path.split(".")
    marks = hidden.name(root)
    for depth, member in enumerate(members, 1):
        if marks is True:
            return [".".join([root, *members[: depth - 1]]), MASK]
        marks = below(marks, member)
    return [path, *(masked(one, marks) for one in value)]


def _error(error: dict[str, Any], hidden: Sensitive) -> dict[str, Any]:
    """Code and step of a failure remain, its words where they can tell no value."""
    shown = dict(error)
    if hidden.kin.codes:
        shown["code"] = MASK
    if hidden.tells(error.get("step")):
        shown |= {name: MASK for name in ("message", "details") if error.get(name) is not None}
    if error.get("compensation") is not None:
        shown["compensation"] = _error(error["compensation"], hidden)
    return shown


def _text(text: str | None, marks: Marks) -> str | None:
    return text if text is None or not any_in(marks) else MASK


def task_event_view(row: TaskEventRow) -> TaskEventView:
    """One event of a task."""
    data = cast(Any, loads(row.data_json))
    return TaskEventView(f"{row.instance}/{row.serial}", row.type, as_datetime(row.at), row.actor, data)
