"""THE contract of a store. Everything durable goes through it; memory, SQLite and the others behave alike.

Two primitives write: ``claim`` leases triggers to a worker, ``commit`` makes slices true. Neither hands out a
transaction and nothing is held while a service is called. Every method is one transaction, may be called from any
thread, and raises ``ArmillaryError`` (``store.*``) when the store itself fails; then nothing of it was stored.

*In order.* Triggers of an instance apply in order of arrival (a deadline arrives when it is due), ``control`` ones
first. An instance has at most one claimed trigger. A suspended instance holds all but ``control`` triggers. The
``timeout`` of a call is such a deadline, and a trigger only once ``time_out`` has made one of it: until then, nothing
that arrived later is claimed or committed (but for ``control``).

*Fair.* Of a definition, what became ready first is claimed first. Between definitions none waits for another's backlog:
where more is ready than a claim takes, each that has something ready has its share of the next one, whatever came
before it. Nor does it wait for the queue of one instance, for triggers that failed and wait, or for those that somebody
holds or lacks something for.

*Leases.* A claim lasts until its lease ends; then it may be claimed again, with a higher fence (the number of the
delivery), and the first holder's commit is ``fenced``. Leases need not survive a power failure, fences must.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec

from .clock import Clock
from .mutation import Claim, Delivery, Mutation, Outcome, Return
from .queries import InstanceQuery, TaskQuery
from .rows import (
    CallRow,
    DefinitionRow,
    EventRow,
    InstanceRow,
    Letter,
    LetterState,
    SignalRow,
    Stored,
    TaskEventRow,
    TaskRow,
)
from .upkeep import Retention, Upkeep

UNLIMITED = 1_000_000
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do beside the contract, and what an idle minute costs it."""

    name: str
    durable: bool
    shared: bool
    """Several processes may work on one store."""
    idle_statements: int = 0


@dataclass(frozen=True, slots=True)
class Hint:
    """What a commit changed, for whoever sleeps. A hint may be lost or repeated: the store is the truth."""

    changed: tuple[tuple[str, int], ...] = ()
    """``(instance, revision)``"""
    work: bool = True
    """Something may have become ready."""
    due: int | None = None
    """When the store needs somebody again because of this commit: its deadlines, retries and leases. Who made it may
    die before then."""


ANYTHING = Hint((("", 0),))
"""Stands for whatever was told while nobody could hear it, or cannot be named."""


class Wake(Protocol):
    """How those who share a store hear of each other's commits."""

    def notify(self, hint: Hint) -> None:
        """Tells all other listeners of the store, of this process and of others. Never blocks, never raises."""
        ...

    def listen(self, heard: Callable[[Hint], None]) -> None:
        """Calls ``heard``, from a thread of the wake, for what others notify."""
        ...

    def close(self) -> None: ...


class Found(msgspec.Struct, frozen=True):
    """An instance in a list, with what follows from its waits at this moment. ``accepted``: its calls that are to be
    answered later (told only where nothing of it is running and its row does not say that it rests).

    ``running``: a trigger is ready (or a call's time is over), or a call attempt due or in flight; of one that failed:
    it is to be retried.
    ``children``: its living children.
    ``services``: those of its calls that are due and in nobody's hands. ``ready``: a trigger is ready and in nobody's
    hands. ``dead``: the error of its first dead letter."""

    row: InstanceRow
    running: bool = False
    children: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ready: bool = False
    dead: str | None = None
    accepted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """A commit that was begun. ``outcomes`` must be called, once, and waits for what became of it; ``ready`` says
    whether that is known, or is within so many seconds."""

    outcomes: Callable[[], Sequence[Outcome]]
    ready: Callable[[float], bool] = lambda seconds: True


@dataclass(frozen=True, slots=True)
class TaskChange:
    """Changes who holds an open task, if ``expected`` holds it now (``None``: nobody)."""

    instance: str
    serial: int
    expected: str | None
    assignee: str | None
    event: TaskEventRow


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that :meth:`Operations.check` found wrong with a store."""

    code: str
    instance: str
    message: str


class Writes(Protocol):
    """What changes a store."""

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        """Applies each mutation, all of it or none, and answers in order. They are of distinct instances; one that is
        refused leaves the others alone. Stored signals that match a wait it opens become messages."""
        ...

    def begin(self, mutations: Sequence[Mutation]) -> Begun:
        """The first half of a :meth:`commit`, which may be sent with it; what it gives has the second. Either may raise
        what ``commit`` raises."""
        ...

    def claim(self, n: int, owner: str, *, until: int, without: Collection[str] = NOBODY) -> Sequence[Claim]:
        """Leases up to ``n`` ready messages of distinct instances until ``until``, except of definitions whose digest,
        and of instances whose id, is in ``without``. Empty: nothing is ready. If ``n`` come, there may be more."""
        ...

    def give_back(self, returns: Sequence[Return]) -> None:
        """Ends leases without a commit. What was fenced meanwhile is left alone."""
        ...

    def claim_calls(
        self, owner: str, *, services: Mapping[str, int], until: int, n: int = UNLIMITED
    ) -> Sequence[CallRow]:
        """Leases due calls until ``until``: those that are due first, at most ``services[name]`` of each service and
        ``n`` in all. One whose lease ended unanswered comes again, with the same attempt and a higher
        ``deliveries``."""
        ...

    def time_out(self, n: int) -> int:
        """Makes triggers of calls whose ``timeout`` has come, whatever their state and whoever holds them: the first
        ``n``, of which each gets the :func:`~armillary_engine.messages.timer` for ``"timeout"``, which arrives at that
        moment, and has no ``timeout`` any more. Gives how many; those that somebody else is at are passed by."""
        ...

    def extend_calls(self, held: Collection[tuple[str, int, int]], *, until: int) -> Collection[tuple[str, int, int]]:
        """Extends the leases of calls ``(instance, serial, fence)``; gives back those that are lost."""
        ...

    def release_owner(self, owner: str) -> None:
        """Ends all leases of ``owner``, which is known to be dead or to have stopped."""
        ...

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Stores triggers, each with what it consumes."""
        ...

    def store_signal(self, signal: SignalRow) -> Sequence[str]:
        """Stores a signal once (by its ``id``) and gives the instances it went to. Mode ``one``: the oldest matching
        wait, else it is kept. Mode ``all``: every wait open now, never kept."""
        ...

    def change_task(self, change: TaskChange) -> bool:
        """Whether the task was open and held by whom the caller thought."""
        ...

    def deploy(self, definition: DefinitionRow) -> DefinitionRow:
        """Stores a definition under its digest. Gives the row that now has this name and version: of another digest
        when they were taken. The same digest again refreshes its document and makes it the newest; one that is disabled
        stays so."""
        ...

    def enable(self, digest: str, enabled: bool) -> bool:
        """Whether there is such a definition. A disabled one starts no instances; those on it go on."""
        ...


class Whole:
    """For stores that have nothing to gain between the two halves of a commit: all of it is the second."""

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        """See :meth:`Writes.commit`."""
        raise NotImplementedError

    def begin(self, mutations: Sequence[Mutation]) -> Begun:
        """See :meth:`Writes.begin`."""
        return Begun(partial(self.commit, mutations))


class Reads(Protocol):
    """What a store tells. A read sees all that was committed before it."""

    def read(self, instances: Sequence[str]) -> Mapping[str, Stored]:
        """The instances that exist, by id."""
        ...

    def definition(self, digest: str) -> DefinitionRow | None: ...

    def definitions(self, name: str | None = None) -> Sequence[tuple[DefinitionRow, int]]:
        """Newest first, each with the number of its living instances."""
        ...

    def versions(self, name: str) -> Sequence[tuple[str, str]]:
        """``(version, digest)`` of the enabled definitions of this name, newest first."""
        ...

    def known_versions(self, name: str) -> Sequence[tuple[str, str]]:
        """As :meth:`versions`, and maybe out of date: then ``commit`` says ``conflict`` of what begins instances of
        this name."""
        ...

    def instances(self, query: InstanceQuery) -> Sequence[Found]: ...

    def instance(self, id: str, /) -> Found | None: ...

    def by_key(self, workflow: str, key: str) -> str | None:
        """The id of the instance that was started under this key."""
        ...

    def history(self, instance: str, *, after: int, limit: int) -> Sequence[EventRow]: ...

    def tasks(self, query: TaskQuery) -> Sequence[TaskRow]: ...

    def task(self, instance: str, serial: int) -> TaskRow | None: ...

    def task_events(self, instance: str, serial: int) -> Sequence[TaskEventRow]: ...

    def would_meet(self, signal: SignalRow) -> tuple[Stored, int] | None:
        """The oldest open wait that a signal would meet: its instance, and its serial."""
        ...

    def pending(self, instance: str) -> Sequence[tuple[str, int]]:
        """What is stored to resume an instance: ``(kind, serial)`` with the kinds ``call``, ``task`` (open),
        ``signal``, ``child`` (a living one), ``timer`` (a deadline, the ``timeout`` of a call as well) and ``message``
        (any other)."""
        ...

    def due(self, *, services: Collection[str], without: Collection[str] = NOBODY) -> int | None:
        """The next moment at which ``claim``, ``claim_calls`` or ``time_out`` may find something: the earliest
        deadline, retry or end of a lease; the past when something is ready now; ``None`` when only a commit can change
        that."""
        ...


class Operations(Protocol):
    """What an operator needs."""

    def letters(self, *, state: LetterState | None = "dead", after: int = 0, limit: int = 50) -> Sequence[Letter]:
        """Stored messages, oldest first; nothing is claimed by looking."""
        ...

    def check(self) -> Sequence[Defect]:
        """What must hold and does not: a durable wake reason for each living instance, no orphans, no gaps."""
        ...


class Backend(Writes, Reads, Operations, Protocol):
    """A store. Made by the ``open_backend(url, *, clock)`` of its module (entry points ``armillary.backends``)."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def owner(self) -> str:
        """The name under which this opening of the store takes leases. No other opening ever has it."""
        ...

    @property
    def upkeep(self) -> Upkeep: ...

    @property
    def retention(self) -> Retention: ...

    def open_wake(self) -> Wake: ...

    def dead_owners(self) -> Collection[str]:
        """Owners of leases that are known to live no more; empty where that cannot be known before a lease ends."""
        ...

    def announce(self, services: Collection[str]) -> None:
        """Tells who shares the store which services are offered here."""
        ...

    def announced(self) -> Collection[str]:
        """The services that are offered by those who live and share the store."""
        ...

    def close(self) -> None: ...
