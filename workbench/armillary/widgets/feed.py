"""What a live view shows of one instance, read from its runtime: all of it once, then only what became different."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from armillary_engine.definition.model import Definition, Value
from armillary_engine.runtime import (
    Changed,
    EventView,
    InstanceState,
    InstanceView,
    Listener,
    Subscription,
    TaskQuery,
    TaskView,
)

from ..sources import sources_of
from . import picture
from .describe import row_of
from .folds import Folds
from .forms import form_of
from .messages import Change, Header, Past, Snapshot, Standing, TaskForm, Tree, TreeChange
from .past import Moment, moment
from .static import bundle, sentence
from .values import to_node

MAX_ROWS = 1_000
"""Rows of history in a snapshot; older ones are counted."""

MOMENTS = 64
"""Of the past that are kept, so that scrubbing to and fro computes each once."""

_PAGE = 1_000


class Followed(Protocol):
    """What a live view needs of a runtime; a recording has it too."""

    def definition(self, name: str, version: str = "*") -> Definition: ...
    def definition_by_digest(self, digest: str) -> Definition: ...
    def instance(self, id: str) -> InstanceView: ...
    def instance_state(self, id: str) -> InstanceState: ...
    def history(self, id: str, *, after: int = 0, limit: int = 1000) -> Sequence[EventView]: ...
    def tasks(self, query: TaskQuery = ...) -> Sequence[TaskView]: ...
    def subscribe(self, listener: Listener, *, instance: str | None = None) -> Subscription: ...


class Feed:
    """Follows one instance. ``sequence`` numbers its changes; a reader that has number n needs n + 1 next.

    Not thread-safe: its owner takes turns.
    """

    def __init__(self, runtime: Followed, instance: str) -> None:
        self.instance = instance
        self.sequence = 0
        self._runtime = runtime
        self._folds = Folds(runtime)
        self._then = lru_cache(maxsize=MOMENTS)(self._moment)
        self._events: list[EventView] = []
        self._order: dict[str, int] = {}
        """The names of the state, by when each was assigned first."""
        self._view = runtime.instance(instance)
        self.definition: Definition = runtime.definition_by_digest(self._view.digest)
        self._state = runtime.instance_state(instance)
        self._tasks = self._open_tasks()
        self._read_history()
        self._overlay = self._overlay_now()

    def snapshot(self) -> Snapshot:
        """All that is known, at ``sequence``. Reads nothing new."""
        return {
            "kind": "snapshot",
            "sequence": self.sequence,
            "recorded": bool(getattr(self._runtime, "recorded", False)),
            "svg": self.svg(),
            "folds": self._folds.ways(self.definition),
            "sources": sources_of(self._view.digest, self.definition),
            "header": _header(self._view, self.definition, self._events),
            "tree": self.tree_of(self._state),
            "tasks": [_task(task) for task in self._tasks],
            "history": [row_of(event) for event in self._events[-MAX_ROWS:]],
            "earlier": max(0, len(self._events) - MAX_ROWS),
        }

    def svg(self) -> str:
        """The diagram as it is now."""
        return picture.draw(self.definition, self._overlay, self._folds.shown)

    def still(self) -> dict[str, Any]:
        """By MIME type what stays of it without a kernel."""
        return bundle(self.svg(), self._view, self.definition)

    def fold(self, step: str, *, open: bool) -> bool:
        """Draws a step in full or as one node from now on; false where that changes nothing. Moves ``sequence`` on."""
        if not self._folds.choose(self.definition, step, open=open):
            return False
        self._overlay = self._overlay_now()
        self._then.cache_clear()
        self.sequence += 1
        return True

    def past(self, request: str, before: int, number: int) -> Past:
        """The moment after event ``number``, as changes of the moment after event ``before``."""
        one, other = self._then(before), self._then(number)
        return {
            "kind": "moment",
            "request": request,
            "number": number,
            "overlay": picture.delta(one.overlay, other.overlay),
            "header": _header(other.view, self.definition, self._events[: other.seen]),
            "tree": self._tree_change(one, other),
        }

    def _moment(self, number: int) -> Moment:
        children = self._folds.children()
        return moment(self.definition, self._view, self._events, number, shown=self._folds.shown, children=children)

    def _overlay_now(self) -> picture.Overlay:
        children = self._folds.children()
        return picture.overlay_of(self.definition, self._events, self._view.status, self._folds.shown, children)

    def heard(self, changed: Changed) -> None:
        """A change of the instance: the next :meth:`change` reads it."""

    @property
    def view(self) -> InstanceView:
        """The instance as it was read last."""
        return self._view

    def change(self) -> Change | None:
        """Reads the runtime; what became different, or ``None`` when nothing did. Moves ``sequence`` on."""
        before, state, tasks, overlay, seen = self._view, self._state, self._tasks, self._overlay, len(self._events)
        self._view = self._runtime.instance(self.instance)
        self._state = self._runtime.instance_state(self.instance)
        self._tasks = self._open_tasks()
        self._follow_migration(before)
        self._read_history()
        self._overlay = self._overlay_now()
        tree = self._tree_change(state, self._state)
        difference = picture.delta(overlay, self._overlay)
        if (before, tasks, seen) == (self._view, self._tasks, len(self._events)) and not (tree["set"] or difference):
            return None
        self.sequence += 1
        self._then.cache_clear()
        return {
            "kind": "change",
            "sequence": self.sequence,
            "overlay": difference,
            "header": _header(self._view, self.definition, self._events),
            "tree": tree,
            "tasks": None if tasks == self._tasks else [_task(task) for task in self._tasks],
            "history": [row_of(event) for event in self._events[seen:]],
        }

    def _follow_migration(self, before: InstanceView) -> None:
        if before.digest != self._view.digest:
            self.definition = self._runtime.definition_by_digest(self._view.digest)

    def _open_tasks(self) -> list[TaskView]:
        return list(self._runtime.tasks(TaskQuery(instance=self.instance, status="open")))

    def _read_history(self) -> None:
        while True:
            after = self._events[-1].number if self._events else 0
            page = self._runtime.history(self.instance, after=after, limit=_PAGE)
            self._events.extend(page)
            self._folds.follow(page)
            for path in (entry[0] for event in page for entry in event.patch):
                self._order.setdefault(str(path).partition(".")[0], len(self._order))
            if len(page) < _PAGE:
                return

    def _in_order(self, names: Iterable[str]) -> list[str]:
        return sorted(names, key=lambda name: (self._order.get(name, len(self._order)), name))

    def tree_of(self, state: InstanceState) -> Tree:
        """The values of the instance as a page shows them."""
        return {
            "input": to_node(state.input),
            "state": [(name, to_node(state.state[name])) for name in self._in_order(state.state)],
            "output": to_node(state.output),
        }

    def _tree_change(self, before: InstanceState | Moment, after: InstanceState | Moment) -> TreeChange:
        """The roots that differ. Values are compared by kind too: ``True`` is not ``1``."""
        old, new, nothing = before.state, after.state, object()
        different = [name for name in new if not _same(old.get(name, nothing), new[name])]
        change: TreeChange = {
            "set": [(name, to_node(new[name])) for name in self._in_order(different)],
            "removed": [name for name in old if name not in new],
        }
        if not _same(before.output, after.output):
            change["output"] = to_node(after.output)
        return change


def _header(view: InstanceView, definition: Definition, events: Sequence[EventView]) -> Header:
    from ..authoring.errors import where
    from ..authoring.origins import failed_at

    error = view.error
    span = failed_at(view.digest, error, lambda _: definition)
    return {
        "id": view.id,
        "revision": view.revision,
        "caption": sentence(view),
        "workflow": view.workflow,
        "title": definition.meta.title,
        "version": view.version,
        "reference": view.reference,
        "status": view.status,
        "resting": view.resting,
        "standing": _standing(view, events),
        "compensates": picture.compensates(definition),
        "retriable": view.status == "failed" and _remedy(view, events) == _RETRY,
        "blocked": view.blocked,
        "error": {
            "code": str(error.get("code", "")),
            "message": str(error.get("message", "")),
            "step": None if error.get("step") is None else str(error["step"]),
            "source": "\n".join(where(span)) if span else None,
            "remedy": _remedy(view, events),
        } if error else None,
        "started": _time(view.started),
        "updated": _time(view.updated),
        "ended": _time(view.ended),
    }  # fmt: skip


_RETRY = (
    "Mend what went wrong, then retry: it is taken up at the step that failed, and what was done before stays done."
)


def _remedy(view: InstanceView, events: Sequence[EventView]) -> str:
    """What can be done about a failure; the engine refuses to retry what was undone, and a child by itself."""
    if view.parent is not None:
        return f"Mend what went wrong, then retry the instance that started it: {view.parent}."
    if any(event.type == "compensation.started" for event in events):
        return "What it did has been undone: start a new instance."
    return _RETRY


def _standing(view: InstanceView, events: Sequence[EventView]) -> list[Standing]:
    """For each step where it stands, what the newest event says of it."""
    newest: dict[str, EventView] = {}
    for event in reversed(events):
        if len(newest) == len(set(view.steps)):
            break
        if event.step in view.steps and event.type != "trigger.stale":
            newest.setdefault(event.step, event)
    rows = {step: row_of(event) for step, event in newest.items()}
    return [
        {"step": step, "text": rows[step]["text"], "tone": rows[step]["tone"]}
        if step in rows
        else {"step": step, "text": "", "tone": "plain"}
        for step in dict.fromkeys(view.steps)
    ]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _task(task: TaskView) -> TaskForm:
    return {
        "id": task.id,
        "step": task.step,
        "name": task.name,
        "title": task.title,
        "roles": list(task.roles),
        "assignee": task.assignee,
        "priority": task.priority,
        "created": task.created.isoformat(),
        "due": _time(task.due),
        "payload": to_node(task.payload),
        "form": form_of(task.answer_schema),
    }


def _same(one: Value | object, other: Value) -> bool:
    return one is other or (one == other and repr(one) == repr(other))
