"""Workbench: one engine and the verbs on it. What a notebook starts with."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from armillary_engine.backend import Defect
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.operations import (
    DeadLetterQuery,
    Every,
    Missed,
    SignalStatus,
    SignalView,
    Unavailable,
)
from armillary_engine.queries import SignalQuery
from armillary_engine.retention import ENDED, RetentionPolicy, RetentionReport
from armillary_engine.runtime import DefinitionView, Handler, InstanceQuery, TaskQuery

from .definitions import as_definition
from .handles import Instance, Task, instance_table, task_table
from .operating import DeadLetter, Explanation, Schedule, dead_letter_table, schedule_table, signal_table
from .stores import default_path, default_url, join_store, leave_store, normal_url
from .tables import Table
from .watching import Watch, watch
from .words import moment

if TYPE_CHECKING:
    from armillary_engine.local import LocalRuntime

    from .testing import Run, Script

DeadLetterStatus = Literal["dead", "replayed", "dropped"]


class Workbench:
    """An engine on a store: deploy workflows, start instances, complete tasks, answer calls.

    ``url`` is ``sqlite:///path`` or ``memory://``; without one, a SQLite file in the user's data folder, whose path is
    printed. There is one engine for a store in a process: a second workbench on it, such as that of a cell which is run
    again, joins the first one's engine, and closing the last one stops it. What the store holds goes on the next time
    that it is opened.
    """

    def __init__(self, url: str | None = None, *, token: str | None = None) -> None:
        if token is not None:
            raise ArmillaryError(
                "url.token",
                "expected no token for a store in this process, got one",
                hint="leave token out; it is for deployed backends (https://…)",
            )
        self.url = normal_url(default_url() if url is None else url)
        self._closed = False
        self._runtime = join_store(self.url, self)
        if url is None:
            print(f"Armillary keeps its data in {default_path()}")  # noqa: T201

    @property
    def runtime(self) -> LocalRuntime:
        """The engine itself, for what the verbs here do not cover."""
        if self._closed:
            message = f"expected an open workbench, got one on {_shown(self.url)} that was closed"
            raise ArmillaryError("workbench.closed", message, hint="make a new one: arm.Workbench(…) on the same store")
        return self._runtime

    def deploy(self, workflow: Any) -> DefinitionView:
        """Makes a workflow, or a definition, startable under its name; the same one twice is fine.

        A definition with problems is refused with all of them, and so is another content under a version that is taken.
        """
        from .authoring.origins import with_source

        return self.runtime.deploy(with_source(as_definition(workflow)))

    def deploy_all(
        self, workflows: Iterable[Any], *, mode: Literal["strict", "warn"] = "strict"
    ) -> Sequence[Unavailable]:
        """Deploys several, all of them looked at before one is deployed; see
        :meth:`armillary_engine.runtime.Runtime.deploy_all`."""
        from .authoring.origins import with_source

        return self.runtime.deploy_all([with_source(as_definition(one)) for one in workflows], mode=mode)

    def enable(self, name: str, version: str) -> DefinitionView:
        """Lets instances start on a version again."""
        return self.runtime.enable(name, version)

    def disable(self, name: str, version: str) -> DefinitionView:
        """No instance is started on a version any more; those that are on it go on."""
        return self.runtime.disable(name, version)

    def definitions(self, name: str | None = None) -> Table[DefinitionView]:
        """What is deployed."""
        views = self.runtime.definitions(name)
        return Table(
            views, DEFINITION_HEADINGS, rows=[definition_row(view) for view in views], empty="nothing deployed"
        )

    def start(
        self,
        workflow: Any,
        input: Any = None,
        *,
        key: str | None = None,
        version: str = "*",
        id: str | None = None,
        delay: float | None = None,
    ) -> Instance:
        """Starts an instance and gives it back at once.

        ``workflow`` is a name, of which the highest version in the range ``version`` (or the newest draft) is taken, or
        a workflow, which is deployed first where it is not. ``input`` has to fit the workflow's input schema. The same
        ``key`` for the same workflow gives the same instance. ``id`` is its own id; ``instance.exists`` when it is
        taken. It begins after ``delay`` seconds.
        """
        name, version = self._startable(workflow, version)
        view = self.runtime.start(name, input, version=version, key=key, id=id, delay=delay)
        return Instance(self.runtime, view.id)

    async def start_async(
        self,
        workflow: Any,
        input: Any = None,
        *,
        key: str | None = None,
        version: str = "*",
        id: str | None = None,
        delay: float | None = None,
    ) -> Instance:
        """:meth:`start` for a coroutine (asyncio): the event loop goes on with other things meanwhile.

        One that is cancelled may have started the instance all the same; with a ``key`` it is found again."""
        if not isinstance(workflow, str):
            workflow, version = await asyncio.to_thread(self._startable, workflow, version)
        view = await self.runtime.start_async(workflow, input, version=version, key=key, id=id, delay=delay)
        return Instance(self.runtime, view.id)

    def _startable(self, workflow: Any, version: str) -> tuple[str, str]:
        """Its name and the range of versions; a workflow that is given itself is deployed."""
        if isinstance(workflow, str):
            return workflow, version
        deployed = self.deploy(workflow)
        return deployed.name, deployed.version

    def instances(
        self,
        workflow: str | None = None,
        *,
        version: str | None = None,
        status: str | Iterable[str] | None = None,
        reference: str | None = None,
        step: str | None = None,
        key: str | None = None,
        started_before: datetime | None = None,
        after: str | Instance | None = None,
        limit: int = 50,
    ) -> Table[Instance]:
        """Instances for which all that is given holds, newest first. ``step``: the id of a step where it stands.
        ``after``: those that come after this one, the last of the page before."""
        wanted = None if status is None else frozenset([status] if isinstance(status, str) else status)
        last = after.id if isinstance(after, Instance) else after
        query = InstanceQuery(
            workflow=workflow, version=version, status=wanted, reference=reference, step=step, key=key,
            started_before=started_before, after=last, limit=limit,
        )  # fmt: skip
        return instance_table(self.runtime, query)

    def watch(self, workflow: Any, *, version: str = "*", against: Any = None) -> Watch:
        """Where all instances of a deployed workflow stand, on its picture; as the last line of a cell it is kept up to
        date. ``against`` is another definition whose differences can be shown; without it, what was deployed before."""
        name = workflow if isinstance(workflow, str) else as_definition(workflow).name
        return watch(self.runtime, name, version, None if against is None else as_definition(against))

    def instance(self, id: str) -> Instance:
        """The instance with this id; ``instance.unknown`` if there is none."""
        return Instance(self.runtime, self.runtime.instance(id).id)

    def tasks(
        self,
        name: str | None = None,
        *,
        role: str | None = None,
        assignee: str | None = None,
        status: str | None = "open",
        limit: int = 50,
    ) -> Table[Task]:
        """Human tasks for which all that is given holds, oldest first; ``status=None``: those that are over too."""
        query = TaskQuery(name=name, role=role, assignee=assignee, status=status, limit=limit)
        return task_table(self.runtime, query)

    def task(self, id: str) -> Task:
        """The task with this id."""
        return Task(self.runtime, self.runtime.task(id))

    def signal(
        self,
        name: str,
        payload: Any = None,
        *,
        match: Any = None,
        instance: str | Instance | None = None,
        id: str | None = None,
        mode: Literal["one", "all"] = "one",
        ttl: float | None = None,
    ) -> str:
        """Sends a signal to whoever waits for ``name`` with an equal ``match``, or to one instance; gives its id.

        The same ``id`` twice is one signal. With ``mode="one"`` it is kept until somebody waits for it, for ``ttl``
        seconds at most (30 days).
        """
        to = instance.id if isinstance(instance, Instance) else instance
        return self.runtime.signal(name, payload, match=match, instance=to, id=id, mode=mode, ttl=ttl)

    def signals(
        self, name: str | None = None, *, status: SignalStatus | None = None, limit: int = 50
    ) -> Table[SignalView]:
        """Signals that were sent, oldest first. ``status`` is one of ``kept taken told unmatched``."""
        return signal_table(self.runtime, SignalQuery(name=name, status=status, limit=limit))

    def explain(self, signal: str) -> Explanation:
        """Why the signal with this id matched, or has not matched yet."""
        return Explanation(self.runtime.explain(signal))

    def schedule(
        self,
        id: str,
        workflow: Any,
        input: Any = None,
        *,
        cron: str | None = None,
        timezone: str = "UTC",
        interval: float | None = None,
        version: str = "*",
        missed: Missed = "once",
    ) -> Schedule:
        """Starts a workflow again and again: at the moments of a ``cron`` line, or every ``interval`` seconds.

        An ``id`` that exists is replaced. ``missed`` says what becomes of moments that nobody was awake for: ``skip``
        them, start the last one ``once``, or ``all`` of them."""
        workflow, version = self._startable(workflow, version)
        every = Every(cron=cron, timezone=timezone, interval=interval)
        view = self.runtime.schedule(id, workflow, every, input=input, version=version, missed=missed)
        return Schedule(self.runtime, view)

    def schedules(self) -> Table[Schedule]:
        """All schedules, with their next moment."""
        return schedule_table(self.runtime)

    def dead_letters(
        self, instance: str | None = None, *, status: DeadLetterStatus | None = "dead", limit: int = 50
    ) -> Table[DeadLetter]:
        """What could not be processed, oldest first; ``status=None``: what was replayed or dropped, too."""
        return dead_letter_table(self.runtime, DeadLetterQuery(instance=instance, status=status, limit=limit))

    def check(self) -> Sequence[Defect]:
        """What must hold in the store and does not: nothing, unless something is broken."""
        return self.runtime.check()

    def run_retention(
        self, *, ended: timedelta | None = None, statuses: Iterable[str] = ENDED, history: timedelta | None = None,
        keep_events: int = 100, settled: timedelta | None = None, dry_run: bool = False,
    ) -> RetentionReport:  # fmt: skip
        """Removes instances that ``ended`` longer ago, puts older ``history`` together in one checkpoint for each
        instance, and removes signals and decisions about dead letters that are ``settled``. Nothing is touched whose
        age is not given; whatever lives stays. ``dry_run`` only tells how much would go."""
        policy = RetentionPolicy(
            ended=ended, statuses=frozenset(statuses), history=history, keep_events=keep_events, settled=settled
        )  # fmt: skip
        return self.runtime.run_retention(policy, dry_run=dry_run)

    def simulate(self, workflow: Any, script: Script = (), *, input: Any = None, **options: Any) -> Run:
        """Runs a workflow against a script on a virtual clock; see :func:`armillary.testing.run`.

        Nothing is stored and nobody is told. Workflows that it starts are those that are deployed here."""
        from .testing import run

        views = [view for view in self.runtime.definitions() if view.enabled]
        others = [self.runtime.definition_by_digest(view.digest) for view in views]
        chosen = self.runtime.definition(workflow) if isinstance(workflow, str) else as_definition(workflow)
        others = [other for other in others if other != chosen]
        return run(chosen, script, input=input, others=[*others, *options.pop("others", ())], **options)

    def service(self, name: str, handler: Handler) -> None:
        """Answers calls to the service ``name`` with ``handler(request)``, which returns JSON-able data or raises.

        Instances that wait for the service go on. A second handler for the same name replaces the first.
        """
        given: object = name
        if not isinstance(given, str) or not given or "/" in given:
            raise ArmillaryError(
                "service.name",
                f"expected the name of a service, such as 'rating', got {name!r}",
                hint="name the service that stands before the slash in call('rating/quote')",
            )
        if not callable(handler):
            raise ArmillaryError(
                "service.handler",
                f"expected a function that takes a request as the handler of {name!r}, got {type(handler).__name__}",
                hint="write bench.service(name, lambda request: …)",
            )
        if inspect.iscoroutinefunction(handler):
            raise ArmillaryError(
                "service.handler",
                f"expected a plain function as the handler of {name!r}, got an async one",
                hint="handlers run on threads of their own: write def instead of async def",
            )
        self.runtime.register_service(name, handler)

    def close(self) -> None:
        """Leaves the store; the engine stops with the last workbench of this process that is on it.

        Instances stay as they are and go on when the store is opened again."""
        self._closed = True
        leave_store(self.url, self)

    def __enter__(self) -> Workbench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Workbench on {_shown(self.url)}{', closed' if self._closed else ''}>"


def _shown(url: str) -> str:
    """A URL without its password."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:…@", url)


DEFINITION_HEADINGS = ("workflow", "version", "digest", "deployed", "instances", "enabled")


def definition_row(view: DefinitionView) -> list[str]:
    """The cells of a definition under ``DEFINITION_HEADINGS``."""
    enabled = "yes" if view.enabled else "no"
    return [view.name, view.version, view.digest[:12], moment(view.deployed), str(view.instances), enabled]
