"""Committing many mutations at once: two statements, sent together, in one transaction and one round trip.

The first locks the instances, in order, and compares their revisions; the second writes everything, table by table, and
checks what the mutations consume. Whatever isn't as expected divides by zero: then nothing was written, and the
mutations go one by one through the shared statements, which say what became of each. So does all that is rare."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from ...mutation import Answered, Met, Mutation, Replied, Taken
from ...rows import CallRow, EventRow, InstanceRow, Message, SignalRow, TaskEventRow, TaskRow
from ..sql.commit import CHANGING
from ..sql.consuming import takers_text
from ..sql.session import names
from .binary import BIG, scalar
from .exchange import Command
from .parts import LOCKED, PARTS, form_of, lock, statement, values

_changing = attrgetter(*CHANGING)
_instance = attrgetter(*names(InstanceRow))
_event = attrgetter(*names(EventRow))
_call = attrgetter(*names(CallRow))
_task = attrgetter(*names(TaskRow))
_task_event = attrgetter(*names(TaskEventRow))
_signal = attrgetter(*names(SignalRow))
NONE = -1
"""No message, and no call: nothing has that number."""


def plain(mutation: Mutation) -> bool:
    """Whether a mutation can be committed together with others: nothing of it is rare."""
    consumes = mutation.consumes
    if mutation.holds is not None or mutation.retries or mutation.escalations or isinstance(consumes, Answered):
        return False
    if mutation.row.status == "suspended" or mutation.row.next is not None:
        return False  # what an operator asked of an instance goes to the one that continues it
    closes = mutation.closes
    for close in closes:
        if close.kind in ("task", None) or (close.kind == "signal" and close.reason != "done"):
            return False  # a signal that was handed over and not taken is put back
    return not isinstance(consumes, Replied) or consumes.serial in [close.serial for close in closes]


class Together:
    """The rows of a batch of mutations of distinct instances, by part. ``catalogue``: see :mod:`.catalogue`."""

    def __init__(self, mutations: Sequence[Mutation], catalogue: Sequence[tuple[str, str]] = ()) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {"catalogue": list(catalogue)} if catalogue else {}
        self._locks: dict[str, tuple[int | None, bool]] = {}
        self._digests: dict[str, str] = {}
        self._sent: list[Message] = []
        self.possible = True
        self._alone = len(mutations) == 1
        new: set[str] = set()
        others: list[str] = []
        for mutation in mutations:
            self._take(mutation, new, others)
        for instance in others:
            if instance in new:
                continue
            if instance in self._locks and self._locks[instance] != (None, False):
                self.possible = False  # one of the batch tells another one of it: their order matters
            self._locks[instance] = (None, False)
        for message in self._sent:
            self._add("messages", self._message(message))

    def _add(self, part: str, row: tuple[Any, ...]) -> None:
        self._rows.setdefault(part, []).append(row)

    def _take(self, mutation: Mutation, new: set[str], others: list[str]) -> None:
        row, consumes = mutation.row, mutation.consumes
        self._digests[row.id] = row.digest
        if mutation.expected is None:
            self._add("instances", (mutation.snapshot, *_instance(row)))
            new.add(row.id)
        else:
            direct = not isinstance(consumes, Taken)
            self._locks[row.id] = (mutation.expected, direct)
            self._add("updates", (mutation.snapshot, *_changing(row), row.id))
            if direct:
                self._add("direct", (row.id,))
        for event in mutation.events:
            self._add("events", (row.id, *_event(event)))
        match consumes:
            case Taken(seq=seq, fence=fence):
                self._add("taken", (seq, fence, row.id))
            case Replied(serial=serial, fence=fence):
                self._add("replied", (row.id, serial, fence))
            case Met(serial=serial, signal=signal, chain=chain):
                self._add("met", (row.id, serial))
                self._add("signals", (*_signal(signal), chain, takers_text([(row.id, serial)])))
        self._close(mutation)
        for call in mutation.calls:
            self._add("calls", _call(call))
        for task in mutation.tasks:
            self._add("tasks", _task(task))
        for task_event in mutation.task_events:
            self._add("task_events", _task_event(task_event))
        for wait in mutation.waits:
            self._add("waits", (row.id, wait.serial, row.chain, wait.name, wait.key))
        for born in mutation.instances:
            self._add("instances", (born.snapshot, *_instance(born.row)))
            new.add(born.row.id)
            self._digests[born.row.id] = born.row.digest
            self._sent.append(born.start)
        self._sent += mutation.messages
        others += [message.instance for message in mutation.messages if message.instance != row.id]

    def _message(self, message: Message) -> tuple[Any, ...]:
        """The digest of an instance of which nothing else is here is looked up by the statement."""
        digest = self._digests.get(message.instance)
        return (
            message.instance, message.kind, message.serial, int(message.control), message.body, message.ready, digest,
        )  # fmt: skip

    def _close(self, mutation: Mutation) -> None:
        row, consumes = mutation.row, mutation.consumes
        seq = consumes.seq if isinstance(consumes, Taken) else NONE
        serial = consumes.serial if isinstance(consumes, (Replied, Met)) else NONE
        ends = row.ended is not None
        if ends and mutation.expected is not None:
            self._add("ended_messages", (row.id, seq))
        for close in mutation.closes:
            if close.kind == "call" and close.serial != serial:
                self._add("closed_calls", (row.id, close.serial))
            if close.kind == "signal" and close.serial != serial:
                self._add("closed_waits", (row.id, close.serial))
            if not ends:
                self._add("closed_timers", (row.id, close.serial, seq))

    def commands(self, schema: str, now: int | None) -> Sequence[Command]:
        """The lock and the writes; ``now``: ``None`` for the server's clock."""
        found: list[Command] = []
        if self._locks:
            locks = [(id, *self._locks[id]) for id in sorted(self._locks)]  # everybody locks in this order
            form = form_of(len(locks), alone=self._alone)
            found.append((lock(form, schema), values(LOCKED, locks, form)))
        shape: list[tuple[str, int]] = []
        parameters = [scalar(BIG, now)]
        for part in PARTS:
            rows = self._rows.get(part.name)
            if rows is not None:
                form = form_of(len(rows), alone=self._alone)
                shape.append((part.name, form))
                parameters += values(part.columns, rows, form)
        found.append((statement(tuple(shape), schema), parameters))
        return found
