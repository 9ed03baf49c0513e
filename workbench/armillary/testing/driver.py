"""Runs a workflow against a script, on this thread and on a virtual clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from armillary_engine import transport
from armillary_engine.clock import as_datetime, as_microseconds
from armillary_engine.definition.codec import to_document
from armillary_engine.definition.expressions import Function
from armillary_engine.definition.marks import masked
from armillary_engine.definition.model import Value
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.runtime import ENDED, Caller, InstanceView, Request, TaskQuery
from armillary_engine.testing.inline import InlineEngine
from armillary_engine.transports.python import PythonTransport
from armillary_engine.transports.scripted import Asked, Expected, ScriptedTransport

from ..definitions import as_definition
from ..handles import EVENT_HEADINGS, all_events, event_row
from ..tables import Table
from ..words import standing
from .outcome import CallMade, Run, ScriptError
from .script import Accepted, Answered, Cancelled, Duration, Entry, Script, Sent, Served, _microseconds, read_script

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""A Monday morning: when a run begins, unless it is told otherwise."""
INSTANCE = "test"
MOVES = 100_000
"""So often the clock may go on in one run."""


def run(
    workflow: Any,
    script: Script = (),
    *,
    input: Any = None,
    others: Iterable[Any] = (),
    functions: Iterable[Callable[..., Any]] = (),
    until: Duration | None = None,
    now: datetime = NOW,
    strict: bool = True,
) -> Run:
    """Runs a workflow to its end, or to where nothing goes on by itself, without waiting: its clock jumps.

    ``script`` is what the world does; ``others`` are workflows that it starts; ``functions`` those marked with
    ``@function`` that a definition from a file needs; ``until`` ends the run after so much of its own time; ``now`` is
    when it begins. A call that the script does not expect raises :class:`ScriptError`, an ``AssertionError``, and so
    does what the script has left when the workflow is done, unless ``strict`` is false.
    """
    if now.tzinfo is None:
        raise ArmillaryError("testing.now", "expected now= with a time zone, got none", hint="add tzinfo=UTC")
    registry = {entry.name: entry for entry in map(_function, functions)}
    engine = InlineEngine(now=as_microseconds(now), functions=registry)
    try:
        return _Driver(engine, read_script(script), strict=strict).run(workflow, input, others, until)
    finally:
        engine.runtime.close()


class _Driver:
    def __init__(self, engine: InlineEngine, script: Sequence[Entry], *, strict: bool) -> None:
        self._engine = engine
        self._runtime = engine.runtime
        self._clock = engine.clock
        self._strict = strict
        self._began = self._clock.now()
        self._timed = False
        expected = [self._expected(entry) for entry in script if isinstance(entry, (Expected, Accepted))]
        self._transport = ScriptedTransport(expected, pause=engine.pool.pause)
        self._handlers = {entry.service: entry.handler for entry in script if isinstance(entry, Served)}
        self._answers = [entry for entry in script if isinstance(entry, Answered)]
        self._calls: list[CallMade] = []
        self._seen: set[str] = set()
        self._ahead: list[tuple[int, int, Callable[[], object], str]] = []
        self._number = count()
        for entry in script:
            if isinstance(entry, Sent):
                self._at(self._began + entry.after, self._signal, entry, f"signal {entry.signal}")
            elif isinstance(entry, Cancelled):
                self._at(self._began + entry.after, self._cancel, entry, "cancel")

    # ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, workflow: Any, input: Any, others: Iterable[Any], until: Duration | None) -> Run:
        """See :func:`run`."""
        definitions = [*map(as_definition, others), as_definition(workflow)]
        deployed = [self._runtime.deploy(definition) for definition in definitions][-1]
        self._offer(definitions)
        end = None if until is None else self._began + _microseconds(until)
        self._runtime.start(deployed.name, input, version=deployed.version, id=INSTANCE)
        for _ in range(MOVES):
            self._engine.settle()
            self._meet_tasks()
            self._expect_no_problem()
            if self._last().status in ENDED:
                return self._finish(ended=True)
            moment = self._next()
            if moment is None or (end is not None and moment > end):
                if end is not None:
                    self._engine.go_to(end)
                    self._timed = True
                return self._finish(ended=end is None)
            self._engine.go_to(moment)
            self._act()
        message = f"expected a run of at most {MOVES} moments, got more"
        raise ArmillaryError("testing.endless", message, hint="end it with until='30d', or look for a loop of timers")

    def _next(self) -> int | None:
        moments = [moment for moment in (self._engine.next_moment(), self._ahead[0][0] if self._ahead else None)
                   if moment is not None]  # fmt: skip
        return max(min(moments), self._clock.now()) if moments else None

    def _act(self) -> None:
        while self._ahead and self._ahead[0][0] <= self._clock.now():
            heapq.heappop(self._ahead)[2]()

    def _at(self, moment: int, act: Callable[[Any], object], entry: Any, words: str) -> None:
        heapq.heappush(self._ahead, (moment, next(self._number), lambda: act(entry), words))

    # ── services ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _offer(self, definitions: Iterable[Any]) -> None:
        """Every service that is called anywhere is there, so that a call which nobody expects is told as one."""
        services = {name for one in definitions for name in _services(to_document(one))}
        for name in sorted(services | set(self._handlers)):
            self._runtime.register_service(name, self)

    def send(self, request: Request) -> transport.Answer:
        """Answers a call: the script, or the handler of its service."""
        at = timedelta(microseconds=self._clock.now() - self._began)
        if request.service in self._handlers:
            answer = PythonTransport(self._handlers[request.service]).send(request)
        else:
            answer = self._transport.send(request)
        hidden = self._runtime.sensitive(request.instance_id).field(request.step_id, "arguments")
        self._calls.append(_made(Asked(request, answer, expected=True), at, masked(request.arguments, hidden)))
        return answer

    def _expected(self, entry: Expected | Accepted) -> Expected:
        if isinstance(entry, Expected):
            return entry

        def accept(request: Request) -> transport.Accepted:
            self._at(self._clock.now() + entry.after, self._reply, (request.token, entry), f"reply of {entry.service}")
            return transport.Accepted()

        return Expected(entry.service, entry.operation, accept, entry.arguments)

    def _reply(self, given: tuple[str, Accepted]) -> None:
        token, entry = given
        try:
            self._runtime.reply(token, entry.answer)
        except ArmillaryError as error:
            what = f"{entry.service}/{entry.operation}"
            raise ScriptError(f"the later reply of {what} was refused: {error.message}", self._run()) from None

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _meet_tasks(self) -> None:
        for task in self._runtime.tasks(TaskQuery(status="open", limit=1000)):
            if task.id in self._seen:
                continue
            entry = next((entry for entry in self._answers if entry.task == task.name), None)
            self._seen.add(task.id)
            if entry is not None:
                self._answers.remove(entry)
                moment = as_microseconds(task.created) + entry.after
                self._at(moment, self._answer, (task.id, entry), f"answer to {entry.task}")

    def _answer(self, given: tuple[str, Answered]) -> None:
        id, entry = given
        try:
            self._runtime.complete_task(id, entry.answer, caller=Caller(entry.by))
        except ArmillaryError as error:
            raise ScriptError(f"the answer to {entry.task} was refused: {error.message}", self._run()) from None

    def _signal(self, entry: Sent) -> None:
        self._runtime.signal(entry.signal, entry.payload, match=entry.match, id=f"signal-{next(self._number)}")

    def _cancel(self, entry: Cancelled) -> None:
        self._runtime.cancel(self._last().id, compensate=entry.compensate)

    # ── the outcome ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _chain(self) -> Iterator[InstanceView]:
        id: str | None = INSTANCE
        while id is not None:
            view = self._runtime.instance(id)
            yield view
            id = view.next

    def _last(self) -> InstanceView:
        return list(self._chain())[-1]

    def _expect_no_problem(self) -> None:
        if self._transport.problems:
            raise ScriptError(self._transport.problems[0], self._run())

    def _finish(self, *, ended: bool) -> Run:
        outcome = self._run()
        if ended and self._strict and outcome.unused:
            where = standing(outcome.view)
            raise ScriptError(f"expected {' and '.join(outcome.unused)}, got a workflow that is {where}", outcome)
        return outcome

    def _run(self) -> Run:
        chain = list(self._chain())
        last = chain[-1]
        state = self._runtime.instance_state(last.id, reveal=True)
        events = [event for view in chain for event in all_events(self._runtime, view.id)]
        unused = [f"call {one.service}/{one.operation}" for one in self._transport.left]
        unused += [f"task {entry.task}" for entry in self._answers]
        unused += [words for *_, words in sorted(self._ahead, key=lambda item: item[:2])]
        began = as_datetime(self._began)
        now = as_datetime(self._clock.now()) if self._timed or not events else max(event.at for event in events)
        return Run(
            view=last,
            definition=self._runtime.definition_by_digest(last.digest),
            output=state.output,
            state=state.state,
            shown=self._runtime.instance_state(last.id),
            history=Table(events, EVENT_HEADINGS, rows=[event_row(event) for event in events], empty="no events"),
            calls=tuple(self._calls),
            tasks=tuple(self._runtime.tasks(TaskQuery(status=None, limit=1000))),
            began=began,
            elapsed=now - began,
            unused=tuple(unused),
        )


def _made(asked: Asked, at: timedelta, shown: Value) -> CallMade:
    request = asked.request
    return CallMade(
        service=request.service, operation=request.operation, arguments=request.arguments, attempt=request.attempt,
        step=request.step_id, at=at, answer=asked.answer, shown=shown,
    )  # fmt: skip


def _services(document: Any) -> Iterator[str]:
    """The services that a canonical document calls."""
    if isinstance(document, Mapping):
        if document.get("kind") == "call":
            yield str(document["to"]["service"])
        for value in document.values():
            yield from _services(value)
    elif isinstance(document, list):
        for value in document:
            yield from _services(value)


def _function(marked: Callable[..., Any]) -> Function:
    entry = getattr(marked, "__armillary_function__", None)
    if not isinstance(entry, Function):
        message = f"expected functions marked with @function, got {marked!r}"
        raise ArmillaryError("testing.function", message, hint="put @function(major=1) above it")
    return entry
