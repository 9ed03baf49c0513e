"""The Runtime contract: everything that a person or a program may ask of an engine, in this process or behind a
service.

``local.LocalRuntime`` runs the engine in this process; a remote one speaks HTTP. Views are immutable snapshots of read
models: asking again gives newer ones. They hide what schemas mark ``x-sensitive``, unless ``reveal`` asks for it. Times
in views are aware UTC datetimes. Errors are ``ArmillaryError`` with a
stable code: ``instance.unknown``, ``definition.unknown``, ``definition.version-taken``, ``input.invalid``,
``task.not-open``, ``task.answer-invalid``, ``task.not-allowed``, ``store.corrupt``, …."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from .backend import Defect
from .caller import Caller as Caller
from .definition.model import Definition
from .interpreter.triggers import Failed
from .operations import (
    DeadLetterQuery,
    DeadLetterView,
    Every,
    Missed,
    ScheduleView,
    SignalExplanation,
    SignalView,
    TaskEventView,
    Unavailable,
)
from .queries import InstanceQuery as InstanceQuery
from .queries import SignalQuery
from .queries import TaskQuery as TaskQuery
from .retention import RetentionPolicy, RetentionReport
from .shown import ENDED as ENDED
from .shown import Changed as Changed
from .shown import DefinitionView as DefinitionView
from .shown import EventView as EventView
from .shown import InstanceState as InstanceState
from .shown import InstanceView as InstanceView
from .shown import Status as Status
from .shown import TaskView as TaskView
from .shown import Until as Until


def _silent() -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a service handler is called with. Later attempts carry the same arguments and the same idempotency key."""

    service: str
    operation: str
    arguments: Any
    idempotency_key: str
    instance_id: str
    step_id: str
    attempt: int
    deadline: datetime
    token: str = ""
    """The waiting token: what :meth:`Runtime.reply` is given when the handler returned ``Accepted()``."""
    heartbeat: Callable[[], None] = field(default=_silent, compare=False, repr=False)
    """To be called from time to time where the step has a ``heartbeat``: an attempt that is silent for longer has
    failed with ``timeout.heartbeat``."""


Handler = Callable[[Request], Any]


Listener = Callable[[Changed], None]


class Subscription(Protocol):
    """What :meth:`Runtime.subscribe` gives; closing it ends it."""

    def close(self) -> None: ...


class Runtime(Protocol):
    """One engine, wherever it runs. Every method may be called from any thread."""

    @property
    def url(self) -> str: ...

    # definitions
    def deploy(self, definition: Definition, *, caller: Caller = ...) -> DefinitionView: ...
    def deploy_all(
        self, definitions: Sequence[Definition], *, mode: Literal["strict", "warn"] = "strict", caller: Caller = ...
    ) -> Sequence[Unavailable]:  # fmt: skip
        """What a deployment does as it starts: validates all, then deploys. ``strict``: if one cannot be used, none is
        deployed and ``definitions.invalid`` lists every problem of every one. ``warn``: the others are deployed, and
        those that cannot be used are logged, given back, and remembered by :meth:`unavailable`."""
        ...

    def unavailable(self) -> Sequence[Unavailable]:
        """What the last :meth:`deploy_all` could not deploy. A start that no other version can stand in for says so."""
        ...

    def enable(self, name: str, version: str, *, caller: Caller = ...) -> DefinitionView: ...
    def disable(self, name: str, version: str, *, caller: Caller = ...) -> DefinitionView:
        """No instance is started on it any more; those that are on it go on."""
        ...

    def definitions(self, name: str | None = None) -> Sequence[DefinitionView]: ...
    def definition(self, name: str, version: str = "*") -> Definition: ...
    def definition_by_digest(self, digest: str) -> Definition: ...

    # instances
    def start(
        self, name: str, input: Any = None, *, version: str = "*", key: str | None = None, id: str | None = None,
        delay: float | None = None, caller: Caller = ...,
    ) -> InstanceView: ...  # fmt: skip
    async def start_async(
        self, name: str, input: Any = None, *, version: str = "*", key: str | None = None, id: str | None = None,
        delay: float | None = None, caller: Caller = ...,
    ) -> InstanceView:  # fmt: skip
        """:meth:`start` for a coroutine: the event loop goes on meanwhile. One that is cancelled may have started the
        instance all the same: with a ``key`` it is found again."""
        ...

    def instance(self, id: str) -> InstanceView: ...
    def instance_state(self, id: str, *, reveal: bool = False, caller: Caller = ...) -> InstanceState:
        """Its values, without what schemas mark ``x-sensitive``. ``reveal``: with it, for those who may operate it;
        others get ``operate.not-allowed``."""
        ...

    def instances(self, query: InstanceQuery = ...) -> Sequence[InstanceView]: ...
    def history(self, id: str, *, after: int = 0, limit: int = 1000) -> Sequence[EventView]: ...
    def cancel(self, id: str, *, compensate: bool = False, reason: str = "", caller: Caller = ...) -> None: ...
    def suspend(self, id: str, *, reason: str = "", caller: Caller = ...) -> None: ...
    def resume(self, id: str, *, caller: Caller = ...) -> None: ...
    def retry(self, id: str, *, caller: Caller = ...) -> None: ...

    # human tasks
    def task(self, id: str, *, reveal: bool = False, caller: Caller = ...) -> TaskView:
        """A task, without what is sensitive in it. ``reveal``: with it, for whoever may do the task; others get
        ``task.not-allowed``."""
        ...

    def tasks(self, query: TaskQuery = ...) -> Sequence[TaskView]: ...
    def claim_task(self, id: str, *, caller: Caller) -> TaskView: ...
    def release_task(self, id: str, *, caller: Caller) -> TaskView: ...
    def reassign_task(self, id: str, to: str, *, caller: Caller) -> TaskView: ...
    def delegate_task(self, id: str, to: str, *, caller: Caller) -> TaskView:
        """Its holder hands it to somebody else. ``task.not-allowed`` for everybody who does not hold it."""
        ...

    def comment_task(self, id: str, text: str, *, caller: Caller) -> TaskEventView:
        """Adds a remark to an open or closed task. At most 10,000 characters."""
        ...

    def task_events(self, id: str) -> Sequence[TaskEventView]:
        """What happened to a task, oldest first."""
        ...

    def complete_task(self, id: str, answer: Any, *, caller: Caller = ...) -> TaskView: ...

    # signals
    def signal(
        self, name: str, payload: Any = None, *, instance: str | None = None, match: Any = None, id: str | None = None,
        mode: Literal["one", "all"] = "one", ttl: float | None = None, caller: Caller = ...,
    ) -> str:  # fmt: skip
        """Sends a signal to the instances that wait for ``name`` with an equal ``match``, or to one ``instance``, and
        gives its id. The same ``id`` again is the same signal. Mode ``one``: the oldest wait takes it, else it is kept
        for ``ttl`` seconds (30 days) and is a dead letter then. Mode ``all``: every wait that is open now takes it, and
        it is not kept. What is waited for has been taken when this returns where nothing comes before it; else a worker
        takes it. Raises ``signal.invalid``, ``instance.unknown``."""
        ...

    def signals(self, query: SignalQuery = ...) -> Sequence[SignalView]: ...
    def explain(self, id: str) -> SignalExplanation:
        """Why a signal matched, or has not matched yet. Raises ``signal.unknown``."""
        ...

    # calls
    def reply(self, token: str, value: Any | Failed = None, *, caller: Caller = ...) -> None:
        """Answers a call whose handler returned ``Accepted()``: with a value, or a ``Failed(code, message)``, which the
        retry policy may answer with another attempt. ``call.not-open`` when it was answered, timed out or cancelled
        before."""
        ...

    # dead letters
    def dead_letters(self, query: DeadLetterQuery = ...) -> Sequence[DeadLetterView]: ...
    def dead_letter(self, id: str) -> DeadLetterView:
        """Raises ``dead-letter.unknown``."""
        ...

    def replay_dead_letter(self, id: str, *, caller: Caller = ...) -> DeadLetterView:
        """Sends it again as a new message (or signal); the old one is marked as replayed. ``dead-letter.decided`` for
        one that was replayed or dropped before."""
        ...

    def drop_dead_letter(self, id: str, *, reason: str = "", caller: Caller = ...) -> DeadLetterView:
        """Gives it up; it stays listed as dropped. ``dead-letter.decided`` as above; ``dead-letter.needed`` for one
        without which what waits for it would wait for ever."""
        ...

    # schedules
    def schedule(
        self, id: str, workflow: str, every: Every, *, input: Any = None, version: str = "*", missed: Missed = "once",
        at_most: int = 100, caller: Caller = ...,
    ) -> ScheduleView:  # fmt: skip
        """Starts instances again and again. An ``id`` that exists is replaced, and goes on from now. Raises
        ``schedule.invalid``, ``definition.unknown``, ``input.invalid``."""
        ...

    def schedules(self) -> Sequence[ScheduleView]: ...
    def pause_schedule(self, id: str, *, caller: Caller = ...) -> ScheduleView: ...
    def resume_schedule(self, id: str, *, caller: Caller = ...) -> ScheduleView:
        """Goes on with the next moment from now; what a pause has passed over is not made up for. Raises
        ``schedule.unknown``."""
        ...

    def delete_schedule(self, id: str, *, caller: Caller = ...) -> None: ...

    # upkeep
    def check(self) -> Sequence[Defect]:
        """What must hold in the store and does not: see :mod:`.check`."""
        ...

    def run_retention(self, policy: RetentionPolicy, *, dry_run: bool = False) -> RetentionReport:
        """Removes what is over, and trims long histories: see :mod:`.retention`. ``retention.running`` where another
        job is at it."""
        ...

    # change
    def wait(
        self, id: str, *, until: Until = "resting", timeout: float | None = None
    ) -> InstanceView:  # fmt: skip
        """Waits until an instance rests (it needs somebody or something outside, or has ended) or until it has
        ``ended``, and gives its view: after ``timeout`` seconds as it is then. What was asked before (``retry``,
        ``cancel``) is done first. Raises ``instance.unknown``."""
        ...

    async def wait_async(
        self, id: str, *, until: Until = "resting", timeout: float | None = None
    ) -> InstanceView:  # fmt: skip
        """:meth:`wait` for a coroutine: thousands may wait at a time, and hold no thread."""
        ...

    def subscribe(
        self, listener: Listener, *, instance: str | None = None, at_once: bool = False
    ) -> Subscription:  # fmt: skip
        """Calls ``listener`` after each commit, from a thread of the runtime. It hears of commits of other processes on
        the same store as well. Several commits in quick succession may be told as one. A listener that raises is logged
        and kept. ``at_once``: from the thread that has committed, which goes on after it: only to let somebody else go
        on (an event that is set), as it must neither wait nor ask the runtime."""
        ...

    def close(self) -> None:
        """Stops claiming, finishes the slices in hand, releases leases. Calls in flight are abandoned to their
        lease."""
        ...
