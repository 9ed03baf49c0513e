"""Handles on what runs: an instance and a human task. A handle holds an id and asks the store anew each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from armillary_engine.definition.model import Schema, Value
from armillary_engine.definition.problems import ArmillaryError, Span
from armillary_engine.operations import TaskEventView
from armillary_engine.runtime import (
    Caller,
    EventView,
    InstanceQuery,
    InstanceState,
    InstanceView,
    Runtime,
    TaskQuery,
    TaskView,
    Until,
)

from .errors import WaitTimeoutError
from .tables import Table
from .words import changes, clip, event_place, event_text, moment, quoted, standing, task_standing, value_text

_PAGE = 500


class Instance:
    """One run of a workflow. As the last line of a notebook cell it is a live view."""

    def __init__(self, runtime: Runtime, id: str) -> None:
        self.runtime = runtime
        self.id = id

    @property
    def view(self) -> InstanceView:
        """All that the store's read model says of it now; ``instance.unknown`` if there is no such instance."""
        return self.runtime.instance(self.id)

    @property
    def workflow(self) -> str:
        """The name of its workflow."""
        return self.view.workflow

    @property
    def status(self) -> str:
        """``running waiting suspended completed failed cancelled``"""
        return self.view.status

    @property
    def reference(self) -> str | None:
        """The business reference that the workflow gave it."""
        return self.view.reference

    @property
    def error(self) -> Mapping[str, Value] | None:
        """``{"code", "message", "step"}`` of an instance that failed."""
        return self.view.error

    @property
    def failed_at(self) -> Span | None:
        """Where the author wrote what it failed at, as this process knows it or as it was deployed."""
        from .authoring.origins import failed_at

        view = self.view
        return failed_at(view.digest, view.error, self.runtime.definition_by_digest)

    @property
    def blocked(self) -> str | None:
        """Why nothing takes it on, in words: ``waiting for service 'rating'``."""
        return self.view.blocked

    def reveal(self) -> InstanceState:
        """Its ``.input``, ``.state`` and ``.output`` with what schemas mark ``x-sensitive``, which all else here shows
        as ``•••``: notebooks are saved, with all that their cells have shown."""
        return self.runtime.instance_state(self.id, reveal=True)

    @property
    def input(self) -> Value:
        """What it was started with."""
        return self.runtime.instance_state(self.id).input

    @property
    def state(self) -> Mapping[str, Value]:
        """The values that its steps have assigned. Numbers are ``int`` or exact ``Decimal``."""
        return self.runtime.instance_state(self.id).state

    @property
    def output(self) -> Value:
        """What the workflow returned; ``None`` before it is completed."""
        return self.runtime.instance_state(self.id).output

    @property
    def tasks(self) -> Table[Task]:
        """Its open tasks and those of its subworkflows, oldest first."""
        return task_table(self.runtime, TaskQuery(instance=self.id, limit=_PAGE))

    @property
    def history(self) -> Table[EventView]:
        """Everything that happened, oldest first."""
        events = list(all_events(self.runtime, self.id))
        return Table(events, EVENT_HEADINGS, rows=[event_row(event) for event in events], empty="no events")

    def wait(self, until: Until = "resting", timeout: float | None = None) -> Instance:
        """Waits until it rests (it needs somebody or something outside, or has ended) or until it has ``ended``.

        Gives the instance itself. ``TimeoutError`` after ``timeout`` seconds says where it stands."""
        _check_until(until)
        return self._reached(self.runtime.wait(self.id, until=until, timeout=timeout), until, timeout)

    async def wait_async(self, until: Until = "resting", timeout: float | None = None) -> Instance:
        """:meth:`wait` for a coroutine (asyncio): thousands may wait at a time, and hold no thread."""
        _check_until(until)
        return self._reached(await self.runtime.wait_async(self.id, until=until, timeout=timeout), until, timeout)

    def _reached(self, view: InstanceView, until: Until, timeout: float | None) -> Instance:
        if not view.reached(until):
            raise WaitTimeoutError(view, until, timeout or 0)
        return self

    def cancel(self, *, compensate: bool = False, reason: str = "", by: str | None = None) -> Instance:
        """Ends it as ``cancelled``, with its open tasks, calls and subworkflows.

        With ``compensate``, what it did is undone first, as its workflow says."""
        self.runtime.cancel(self.id, compensate=compensate, reason=reason, caller=Caller(by))
        return self

    def suspend(self, *, reason: str = "", by: str | None = None) -> Instance:
        """Holds it: answers are kept, nothing advances until :meth:`resume`."""
        self.runtime.suspend(self.id, reason=reason, caller=Caller(by))
        return self

    def resume(self, by: str | None = None) -> Instance:
        """Lets a suspended instance go on."""
        self.runtime.resume(self.id, caller=Caller(by))
        return self

    def retry(self, by: str | None = None) -> Instance:
        """Takes a failed instance up again at the step that failed."""
        self.runtime.retry(self.id, caller=Caller(by))
        return self

    def export(self, path: str | Path) -> Path:
        """Writes its definition and its history to a JSON file, which ``arm.replay(path)`` shows without an engine."""
        from .recording import record

        return record(self.runtime, self.id).save(path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instance) and (self.id, self.runtime) == (other.id, other.runtime)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        try:
            view = self.view
        except ArmillaryError as error:
            return f"<Instance {self.id}: {error.message}>"
        lines = quoted(self.failed_at) if view.error else []
        return "\n".join([f"<Instance {self.id} of {view.workflow}, {standing(view)}>", *lines])

    def _repr_mimebundle_(self, **_: Any) -> Any:
        from .display import instance_bundle

        return instance_bundle(self)


def _check_until(until: str) -> None:
    if until not in ("resting", "ended"):
        raise ArmillaryError(
            "wait.until", f"expected until='resting' or 'ended', got {until!r}", hint="name one of them"
        )


class Task:
    """One human task. Its fields are what the store said when it was read; the verbs act on the store."""

    def __init__(self, runtime: Runtime, view: TaskView) -> None:
        self.runtime = runtime
        self.view = view

    @property
    def id(self) -> str:
        """Its waiting token, ``<instance>/<serial>``."""
        return self.view.id

    @property
    def name(self) -> str:
        """The task's name in its workflow."""
        return self.view.name

    @property
    def title(self) -> str:
        """What is to be done, for a person."""
        return self.view.title

    @property
    def status(self) -> str:
        """``open completed cancelled``, when it was read."""
        return self.view.status

    @property
    def instance(self) -> Instance:
        """Whose task it is."""
        return Instance(self.runtime, self.view.instance)

    @property
    def roles(self) -> tuple[str, ...]:
        """Who may do it; empty: everybody."""
        return self.view.roles

    @property
    def assignee(self) -> str | None:
        """Who has claimed it, or was given it."""
        return self.view.assignee

    @property
    def payload(self) -> Value:
        """What the workflow shows to the person."""
        return self.view.payload

    def reveal(self, by: str | None = None) -> TaskView:
        """The task with what is sensitive in it, in ``.payload`` and ``.title``, for whoever has to decide."""
        return self.runtime.task(self.id, reveal=True, caller=Caller(by))

    @property
    def answer_schema(self) -> Schema | None:
        """The JSON Schema that an answer has to fit; ``None``: any JSON."""
        return self.view.answer_schema

    @property
    def answer(self) -> Value:
        """What it was completed with."""
        return self.view.answer

    def complete(self, answer: Any = None, by: str | None = None) -> Task:
        """Answers the task. ``task.answer-invalid`` leaves it open; ``task.not-open`` if somebody was there before."""
        return self._now(self.runtime.complete_task(self.id, answer, caller=Caller(by)))

    def claim(self, by: str) -> Task:
        """``by`` takes it, so that nobody else does."""
        return self._now(self.runtime.claim_task(self.id, caller=Caller(by)))

    def release(self, by: str | None = None) -> Task:
        """Gives it back to all who may do it."""
        return self._now(self.runtime.release_task(self.id, caller=Caller(by)))

    def reassign(self, to: str, by: str | None = None) -> Task:
        """Hands it over to ``to``."""
        return self._now(self.runtime.reassign_task(self.id, to, caller=Caller(by)))

    def delegate(self, to: str, by: str) -> Task:
        """``by``, who holds it, hands it to ``to``."""
        return self._now(self.runtime.delegate_task(self.id, to, caller=Caller(by)))

    def comment(self, text: str, by: str | None = None) -> Task:
        """Adds a remark, which stays in its history."""
        self.runtime.comment_task(self.id, text, caller=Caller(by))
        return self

    @property
    def history(self) -> Table[TaskEventView]:
        """Who did what with it, oldest first."""
        events = self.runtime.task_events(self.id)
        return Table(events, TASK_EVENT_HEADINGS, rows=[task_event_row(event) for event in events], empty="no events")

    def _now(self, view: TaskView) -> Task:
        self.view = view
        return self

    def __repr__(self) -> str:
        return f"<Task {self.id} {self.name}: {clip(self.title, 60)} ({task_standing(self.view)})>"


def instance_table(runtime: Runtime, query: InstanceQuery) -> Table[Instance]:
    """Handles on the instances that ``query`` finds."""
    views = runtime.instances(query)
    handles = [Instance(runtime, view.id) for view in views]
    return Table(handles, INSTANCE_HEADINGS, rows=[instance_row(view) for view in views], empty="no instances")


def task_table(runtime: Runtime, query: TaskQuery) -> Table[Task]:
    """Handles on the tasks that ``query`` finds."""
    views = runtime.tasks(query)
    handles = [Task(runtime, view) for view in views]
    return Table(handles, TASK_HEADINGS, rows=[task_row(view) for view in views], empty="no open tasks")


def all_events(runtime: Runtime, id: str, *, after: int = 0) -> Iterator[EventView]:
    """The history from event ``after`` on, read page by page."""
    while page := runtime.history(id, after=after, limit=_PAGE):
        yield from page
        after = page[-1].number


def all_instances(runtime: Runtime, query: InstanceQuery) -> Iterator[InstanceView]:
    """All instances that ``query`` finds, newest first, read page by page."""
    while page := runtime.instances(query):
        yield from page
        query = replace(query, after=page[-1].id)


INSTANCE_HEADINGS = ("instance", "workflow", "version", "stands", "reference", "started")


def instance_row(view: InstanceView) -> list[str]:
    """The cells of an instance under ``INSTANCE_HEADINGS``."""
    stands = clip(standing(view), 60)
    return [view.id, view.workflow, view.version, stands, view.reference or "", moment(view.started)]


TASK_HEADINGS = ("task", "name", "title", "status", "for", "created")


def task_row(view: TaskView) -> list[str]:
    """The cells of a task under ``TASK_HEADINGS``."""
    status, roles = task_standing(view), ", ".join(view.roles)
    return [view.id, view.name, clip(view.title, 60), status, roles, moment(view.created)]


TASK_EVENT_HEADINGS = ("at", "what", "who", "details")


def task_event_row(event: TaskEventView) -> list[str]:
    """The cells of a task's event under ``TASK_EVENT_HEADINGS``."""
    details = ", ".join(f"{key} {value_text(value)}" for key, value in event.data.items() if value is not None)
    return [moment(event.at), event.type, event.actor or "", details]


EVENT_HEADINGS = ("number", "at", "step", "what", "changes")


def event_row(event: EventView) -> list[str]:
    """The cells of an event under ``EVENT_HEADINGS``."""
    return [str(event.number), moment(event.at), event_place(event), event_text(event), changes(event)]
