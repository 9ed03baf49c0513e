"""The engine in this process: a Runtime on a store, with a worker on threads of its own.

::

    with LocalRuntime("sqlite:///store.sqlite") as runtime:
        runtime.register_service("rating", lambda request: {"premium": 12_500})
        runtime.deploy(definition)
        instance = runtime.start("ApproveApplication", {"amount": "12000.50"}, key="P-1")
"""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, cast

from .backend import Backend, Defect
from .caller import ANYBODY
from .check import check_store
from .clock import Clock
from .definition.expressions import CORE, Functions
from .definition.model import Definition
from .definition.problems import ArmillaryError
from .definition.sensitive import NOTHING, Sensitive
from .ids import check_id, new_id
from .interpreter import decode, why_not_retry
from .interpreter.triggers import Cancel, Resume, Retry, Suspend, Trigger
from .messages import message
from .mutation import Delivery
from .operations import TaskEventView
from .queries import InstanceQuery, TaskQuery
from .retention import RetentionPolicy, RetentionReport, run_retention
from .rows import TaskRow
from .runtime import (
    Caller,
    EventView,
    Handler,
    InstanceState,
    InstanceView,
    Listener,
    Subscription,
    TaskView,
)
from .stores import open_store
from .transport import Transport
from .transports.python import PythonTransport
from .views import event_view, state_view, task_event_view, task_view
from .worker.access import check_reason, expect_operator
from .worker.chores import Chores
from .worker.coroutines import Coroutines
from .worker.definitions import Definitions
from .worker.engine import Engine
from .worker.letters import LetterDesk
from .worker.loop import Loop
from .worker.masking import Masking
from .worker.programs import Programs
from .worker.replies import Replies
from .worker.schedules import Schedules
from .worker.signals import SignalDesk
from .worker.standing import Standing
from .worker.starts import Starts
from .worker.subscribers import Subscribers
from .worker.tasks import TaskDesk
from .worker.waiting import Waiting

EVERYTHING = InstanceQuery()
OPEN_TASKS = TaskQuery()


class LocalRuntime:
    """Implements :class:`armillary_engine.runtime.Runtime`; the docstrings there hold here. ``functions`` are those
    that definitions may call beside the core; ``clock`` is for tests; ``work=False`` only looks and delivers, and
    runs nothing by itself (a command line on a store that another process works on)."""

    def __init__(
        self, url: str, *, functions: Functions | None = None, clock: Clock | None = None, store: Backend | None = None,
        work: bool = True,
    ) -> None:  # fmt: skip
        self._url = url
        self._store = store or open_store(url, clock=clock)
        self._wake = self._store.open_wake()
        self._subscribers = Subscribers()
        self._programs = Programs(self._store, {**CORE, **(functions or {})})
        self._engine = Engine(self._store, self._programs, wake=self._wake, told=self._subscribers.tell)
        self._starts = Starts(self._engine, lambda: new_id(self._store.clock.now()))
        self._desk = TaskDesk(self._engine)
        self._masking = Masking(self._store, self._programs)
        self._standing = Standing(self._engine, self._masking)
        schedules = Schedules(self._engine, self._starts, self._masking)
        chores = self._engine.chores = Chores(self._engine, schedules)
        self._offer(schedules, SignalDesk(self._engine, self._masking, chores.note))
        self._loop = Loop(self._engine)
        self._closed = False
        self._works = work
        if work:
            for owner in self._store.dead_owners():
                self._release(owner)
            self._loop.start()
        _LIVING.add(self)

    def _offer(self, schedules: Schedules, signals: SignalDesk) -> None:
        """What is done by desks of their own."""
        definitions = Definitions(self._engine)
        self.deploy, self.deploy_all = definitions.deploy, definitions.deploy_all
        self.enable, self.disable = definitions.enable, definitions.disable
        self.definitions, self.unavailable = definitions.listed, definitions.unavailable
        self._starts.unavailable = self.unavailable
        self.signal, self.signals, self.explain = signals.send, signals.listed, signals.explain
        letters = LetterDesk(self._engine, self._masking, signals)
        self.dead_letters, self.dead_letter = letters.listed, letters.show
        self.replay_dead_letter, self.drop_dead_letter = letters.replay, letters.drop
        self.schedule, self.schedules, self.delete_schedule = schedules.put, schedules.listed, schedules.delete
        self.pause_schedule, self.resume_schedule = schedules.pause, schedules.resume
        self.reply = Replies(self._engine).reply
        self._waiting = Waiting(self._engine, self._subscribers, self._standing, self.instance)
        coroutines = Coroutines(self._engine, self._starts, self._waiting, self._standing, self.start)
        self.wait, self.wait_async, self.start_async = self._waiting.wait, coroutines.wait, coroutines.start

    @property
    def url(self) -> str:
        return self._url

    @property
    def engine(self) -> Engine:
        """What works below, for tests and tools: its ``telemetry.counts()`` and its ``store``."""
        return self._engine

    def register_service(self, name: str, handler: Handler | Transport, *, concurrency: int | None = None) -> None:
        """Offers a service: a function of a :class:`~armillary_engine.runtime.Request`, or a transport.
        ``concurrency``: so many requests at a time at most. Calls that waited for it are sent."""
        sends = hasattr(handler, "send")
        transport = cast(Transport, handler) if sends else PythonTransport(cast(Handler, handler))
        self._engine.pool.register(name, transport, concurrency=concurrency)
        self._store.announce(self._engine.pool.services)
        self._engine.pulse.beat()

    def register_functions(self, functions: Functions) -> None:
        """Adds functions that definitions may call; instances that waited for them go on."""
        self._programs.register(functions)
        self._engine.pulse.beat()

    # ── definitions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def definition(self, name: str, version: str = "*") -> Definition:
        return self._programs.definition(self._starts.resolve(name, version, fresh=True).digest)

    def definition_by_digest(self, digest: str) -> Definition:
        return self._programs.definition(digest)

    # ── instances ────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(
        self, name: str, input: Any = None, *, version: str = "*", key: str | None = None, id: str | None = None,
        delay: float | None = None, caller: Caller = ANYBODY,
    ) -> InstanceView:  # fmt: skip
        chosen = None if id is None else check_id(id)
        found = self._starts.start(name, input, version=version, key=key, id=chosen, delay=delay, caller=caller)
        return self.instance(found) if isinstance(found, str) else self._standing.view(found)

    def instance(self, id: str) -> InstanceView:
        found = self._store.instance(id)
        if found is None:
            raise _unknown(id)
        return self._standing.view(found)

    def instance_state(self, id: str, *, reveal: bool = False, caller: Caller = ANYBODY) -> InstanceState:
        stored = self._store.read([id]).get(id)
        if stored is None:
            raise _unknown(id)
        if reveal:
            expect_operator(self._programs, stored.row.digest, caller, f"see the sensitive values of {id!r}")
        return state_view(stored, NOTHING if reveal else self._masking.of(stored.row.digest))

    def sensitive(self, id: str) -> Sensitive:
        """What of an instance its views mask."""
        return self._masking.of_instance(id)

    def instances(self, query: InstanceQuery = EVERYTHING) -> Sequence[InstanceView]:
        return [self._standing.view(found) for found in self._store.instances(query)]

    def history(self, id: str, *, after: int = 0, limit: int = 1000) -> Sequence[EventView]:
        rows = self._store.history(id, after=after, limit=limit)
        if not rows:
            self.instance(id)
            return []
        hidden = self._masking.of_instance(id)
        return [event_view(id, row, hidden) for row in rows]

    # ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────

    def cancel(
        self, id: str, *, compensate: bool = False, reason: str = "", caller: Caller = ANYBODY
    ) -> None:  # fmt: skip
        self._operate(id, Cancel(compensate, check_reason(reason), caller.name), caller)

    def suspend(self, id: str, *, reason: str = "", caller: Caller = ANYBODY) -> None:
        self._operate(id, Suspend(check_reason(reason), caller.name), caller)

    def resume(self, id: str, *, caller: Caller = ANYBODY) -> None:
        self._operate(id, Resume(caller.name), caller)

    def retry(self, id: str, *, caller: Caller = ANYBODY) -> None:
        stored = self._store.read([id]).get(id)
        why = None if stored is None else why_not_retry(decode(stored.snapshot))
        if why is not None:
            raise ArmillaryError("instance.not-failed", f"expected an instance that can be retried, got {id!r}: {why}")
        self._operate(id, Retry(caller.name), caller)

    def _operate(self, id: str, trigger: Trigger, caller: Caller) -> None:
        found = self._store.instance(id)
        if found is None:
            raise _unknown(id)
        expect_operator(self._programs, found.row.digest, caller, f"operate {id!r}")
        (outcome,) = self._engine.deliver([Delivery(message(id, trigger))])
        if outcome.kind == "ended":
            status = (self._store.instance(id) or found).row.status
            expected = f"expected a living instance, got {id!r}, which is {status}"
            hint = "look at its history: one that failed can be retried, of others another one can be started"
            raise ArmillaryError("instance.ended", expected, hint=hint)

    # ── human tasks ──────────────────────────────────────────────────────────────────────────────────────────────────

    def task(self, id: str, *, reveal: bool = False, caller: Caller = ANYBODY) -> TaskView:
        row = self._desk.find(id)
        if not reveal:
            return self._task(row)
        self._desk.expect_reader(row, caller)
        return task_view(row, NOTHING)

    def _task(self, row: TaskRow) -> TaskView:
        return task_view(row, self._masking.of_instance(row.instance))

    def tasks(self, query: TaskQuery = OPEN_TASKS) -> Sequence[TaskView]:
        return [self._task(row) for row in self._store.tasks(query)]

    def claim_task(self, id: str, *, caller: Caller) -> TaskView:
        return self._task(self._desk.assign(id, _name(caller), "claimed", caller))

    def release_task(self, id: str, *, caller: Caller) -> TaskView:
        return self._task(self._desk.assign(id, None, "released", caller))

    def reassign_task(self, id: str, to: str, *, caller: Caller) -> TaskView:
        return self._task(self._desk.assign(id, to, "reassigned", caller))

    def delegate_task(self, id: str, to: str, *, caller: Caller) -> TaskView:
        return self._task(self._desk.assign(id, to, "delegated", caller))

    def comment_task(self, id: str, text: str, *, caller: Caller) -> TaskEventView:
        return task_event_view(self._desk.comment(id, text, caller))

    def task_events(self, id: str) -> Sequence[TaskEventView]:
        return [task_event_view(row) for row in self._desk.events(id)]

    def complete_task(self, id: str, answer: Any, *, caller: Caller = ANYBODY) -> TaskView:
        return self._task(self._desk.complete(id, answer, caller))

    # ── change ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def subscribe(
        self, listener: Listener, *, instance: str | None = None, at_once: bool = False
    ) -> Subscription:  # fmt: skip
        return self._subscribers.add(listener, instance=instance, at_once=at_once)

    def check(self) -> Sequence[Defect]:
        """What must hold in the store and does not: see :mod:`armillary_engine.check`."""
        return check_store(self._store)

    def run_retention(self, policy: RetentionPolicy, *, dry_run: bool = False) -> RetentionReport:
        """Removes what is over, and trims long histories: see :mod:`armillary_engine.retention`."""
        return run_retention(self._store, policy, dry_run=dry_run)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        _LIVING.discard(self)
        self._waiting.close()
        self._loop.stop()
        self._engine.pool.close()
        try:
            if self._works or self._engine.pool.services:  # whoever only looks may have no right to write
                self._release(self._store.owner)
        finally:
            self._wake.close()
            self._subscribers.close()
            self._store.close()

    def _release(self, owner: str) -> None:
        try:
            self._store.release_owner(owner)
        finally:
            self._engine.tell((), work=True)  # others may take what it had in hand

    def __enter__(self) -> LocalRuntime:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self.close()


def open_runtime(url: str, *, functions: Functions | None = None, clock: Clock | None = None) -> LocalRuntime:
    """A runtime on the store of a URL: ``memory://``, ``sqlite:///path``."""
    return LocalRuntime(url, functions=functions, clock=clock)


def _unknown(id: str) -> ArmillaryError:
    return ArmillaryError("instance.unknown", f"expected the id of an instance, got {id!r}", hint="list the instances")


def _name(caller: Caller) -> str:
    if caller.name is None:
        raise ArmillaryError("task.not-allowed", "expected a caller with a name to claim a task, got none")
    return caller.name


_LIVING: weakref.WeakSet[LocalRuntime] = weakref.WeakSet()


def _close_all() -> None:
    for runtime in list(_LIVING):
        runtime.close()


_at_exit: Callable[[], None] = atexit.register(_close_all)
