"""A runtime for the live view's tests: one instance whose commits the test makes itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from armillary_engine.definition.model import (
    Address,
    Branch,
    Call,
    Complete,
    Const,
    Decision,
    Definition,
    Get,
    Op,
    Repeat,
    Task,
)
from armillary_engine.definition.problems import ArmillaryError, Problem
from armillary_engine.runtime import Caller, Changed, EventView, InstanceState, InstanceView, TaskQuery, TaskView
from msgspec import structs

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ANSWER = {
    "type": "object",
    "properties": {
        "decision": {"enum": ["approve", "requote", "decline"]},
        "discount": {"type": "number", "description": "Taken off the premium, in euro.", "minimum": 0, "default": 0},
        "remarks": {"type": "string"},
    },
    "required": ["decision"],
}


def definition(name: str = "ApproveApplication", *, task_title: str | None = None) -> Definition:
    """A quote, a loop of reviews, a decision, an end."""
    review = Task(
        id="review-quote",
        name="ReviewQuote",
        title=Const(task_title) if task_title else None,
        roles=("underwriter",),
        answer=ANSWER,
        result="review",
    )
    loop = Repeat(
        id="while-premium", test=Op(">", (Get("quote.premium"), Const(10_000))),
        body=(review, Call(id="requote", to=Address("rating", "requote"), arguments=Const({}), result="quote")),
    )  # fmt: skip
    decide = Decision(
        id="if-accepted",
        branches=(Branch(Op("==", (Get("review.decision"), Const("approve"))), (Complete(id="approved"),)),),
        otherwise=(Complete(id="declined"),),
    )  # fmt: skip
    return Definition(
        name=name,
        version="1.2.0",
        body=(Call(id="quote", to=Address("rating", "quote"), arguments=Const({}), result="quote"), loop, decide),
    )


class FakeSubscription:
    def __init__(self, runtime: FakeRuntime, entry: object) -> None:
        self._runtime, self._entry = runtime, entry

    def close(self) -> None:
        self._runtime.listeners = [entry for entry in self._runtime.listeners if entry is not self._entry]


class FakeRuntime:
    """Implements what the live view reads; ``commit`` is what an engine would do."""

    url = "fake://"

    def __init__(self, workflow: Definition | None = None, *, id: str = "i-1") -> None:
        self.workflow = workflow or definition()
        self.id = id
        self.view = InstanceView(
            id=id, workflow=self.workflow.name, version="1.2.0", digest="d1", status="running", resting=False,
            revision=1,
            steps=("quote",), reference="P-1", started=START, updated=START,
        )  # fmt: skip
        self.state = InstanceState(1, {"policy_id": "P-1"}, {}, None)
        self.events: list[EventView] = []
        self.open: list[TaskView] = []
        self.listeners: list[tuple[Callable[[Changed], None], str | None]] = []
        self.answers: list[tuple[str, Any]] = []
        self.reads = 0
        self._lock = threading.RLock()

    def definition_by_digest(self, digest: str) -> Definition:
        return self.workflow

    def instance(self, id: str) -> InstanceView:
        if id != self.id:
            raise ArmillaryError("instance.unknown", f"expected an instance, got {id!r}")
        self.reads += 1
        return self.view

    def instance_state(self, id: str) -> InstanceState:
        return self.state

    def history(self, id: str, *, after: int = 0, limit: int = 1000) -> Sequence[EventView]:
        return self.events[after : after + limit]

    def tasks(self, query: TaskQuery | None = None) -> Sequence[TaskView]:
        return list(self.open)

    def complete_task(self, id: str, answer: Any, *, caller: Caller | None = None) -> TaskView:
        task = next((task for task in self.open if task.id == id), None)
        if task is None:
            raise ArmillaryError(
                "task.not-open", f"expected an open task, got {id!r}", hint="somebody completed it before"
            )
        if isinstance(answer, dict) and answer.get("decision") == "decline":
            raise ArmillaryError(
                "task.answer-invalid", "expected remarks with a refusal, got none", hint="say why",
                problems=[Problem("task.answer-invalid", "expected a reason, got nothing", pointer="/remarks")],
            )  # fmt: skip
        self.answers.append((id, answer))
        self.commit(
            ("step.done", task.step, {}, [("review", answer)]), status="running", steps=("if-accepted",),
            state={**self.state.state, "review": answer},
            tasks=[],
        )  # fmt: skip
        return replace(task, status="completed")

    def subscribe(self, listener: Callable[[Changed], None], *, instance: str | None = None) -> FakeSubscription:
        entry = (listener, instance)
        self.listeners.append(entry)
        return FakeSubscription(self, entry)

    def ask(
        self,
        step: str = "review-quote",
        *,
        schema: Any = ANSWER,
        payload: Any = None,
        title: str = "Review the quote",
        number: int = 2,
    ) -> TaskView:
        """A task as the engine would open it; pass it to ``commit``."""
        return TaskView(
            id=f"{self.id}/{number}", instance=self.id, step=step, name="ReviewQuote", title=title, status="open",
            roles=("underwriter",),
            assignee=None, payload=payload, answer_schema=schema, priority=0, created=START,
        )  # fmt: skip

    def commit(
        self,
        *events: tuple[str, str | None, Mapping[str, Any], Sequence[Sequence[Any]]],
        state: Mapping[str, Any] | None = None,
        tasks: Sequence[TaskView] | None = None,
        output: Any = None,
        **changes: Any,
    ) -> None:
        """One mutation: events, and what became of the instance; then everybody who listens is told."""
        with self._lock:
            revision = self.view.revision + 1
            moment = START + timedelta(milliseconds=37 * len(self.events))
            for type, step, data, patch in events:
                self.events.append(EventView(self.id, len(self.events) + 1, type, moment, 1, step, data, patch))
            self.state = InstanceState(
                revision, self.state.input, self.state.state if state is None else dict(state), output
            )
            self.open = self.open if tasks is None else list(tasks)
            self.view = structs.replace(self.view, revision=revision, updated=moment, **changes)
        for listener, _ in list(self.listeners):
            listener(Changed(self.id, revision))


class Handle:
    """What ``view`` takes: an instance's handle."""

    def __init__(self, runtime: FakeRuntime) -> None:
        self.runtime: Any = runtime
        self.id = runtime.id
