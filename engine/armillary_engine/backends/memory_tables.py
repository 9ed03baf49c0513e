"""The tables of the store in memory, and the few things that are done to several of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec.structs import replace

from ..backend import TaskChange
from ..messages import RETRY
from ..mutation import Answered, Close, Consumes, Met, Nothing, Replied, Taken
from ..rows import (
    CallRow,
    DefinitionRow,
    EventRow,
    Letter,
    LetterRecord,
    Message,
    ScheduleRow,
    SignalRow,
    SignalWait,
    Stored,
    TaskEventRow,
    TaskRow,
)


class Lease(msgspec.Struct, frozen=True):
    """Who holds a message, and until when."""

    owner: str
    until: int


class KeptSignal(msgspec.Struct, frozen=True):
    """``chain``: of the instance it was sent to. ``kept``: nobody has taken it yet; ``over``: nobody has in time."""

    seq: int
    row: SignalRow
    chain: str | None
    kept: bool
    takers: tuple[str, ...] = ()
    over: Literal["unmatched", "decided"] | None = None


@dataclass(slots=True)
class Tables:
    """All that the store holds."""

    instances: dict[str, Stored] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    events: dict[str, list[EventRow]] = field(default_factory=dict)
    letters: dict[int, Letter] = field(default_factory=dict)
    eligible: dict[int, int] = field(default_factory=dict)
    """When each letter may be claimed: its arrival, or the end of its lease."""
    leases: dict[int, Lease] = field(default_factory=dict)
    calls: dict[tuple[str, int], CallRow] = field(default_factory=dict)
    tasks: dict[tuple[str, int], TaskRow] = field(default_factory=dict)
    task_events: list[TaskEventRow] = field(default_factory=list)
    waits: dict[tuple[str, int], tuple[int, SignalWait]] = field(default_factory=dict)
    signals: dict[str, KeptSignal] = field(default_factory=dict)
    definitions: dict[str, DefinitionRow] = field(default_factory=dict)
    records: list[LetterRecord] = field(default_factory=list)
    schedules: dict[str, ScheduleRow] = field(default_factory=dict)
    locks: dict[str, Lease] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    """Numbers the instances as they were stored."""
    by_instance: dict[str, dict[int, None]] = field(default_factory=dict)
    last: int = 0

    def number(self) -> int:
        self.last += 1
        return self.last

    def put_instance(self, stored: Stored) -> None:
        row = stored.row
        self.instances[row.id] = stored
        if row.id not in self.order:
            self.order[row.id] = next(reversed(self.order.values()), 0) + 1
        if row.key is not None:
            self.keys[row.workflow, row.key] = row.id

    def deploy(self, definition: DefinitionRow) -> DefinitionRow:
        """Stores it, as the newest; gives the one that holds its name and version."""
        for digest, row in self.definitions.items():
            if (row.name, row.version) == (definition.name, definition.version) and digest != definition.digest:
                return row
        before = self.definitions.pop(definition.digest, definition)
        stored = self.definitions[definition.digest] = replace(definition, enabled=before.enabled)
        return stored

    def enable(self, digest: str, enabled: bool) -> bool:
        row = self.definitions.get(digest)
        if row is not None:
            self.definitions[digest] = replace(row, enabled=enabled)
        return row is not None

    def put_letter(self, letter: Letter, *, eligible: int) -> None:
        self.letters[letter.seq] = letter
        self.eligible[letter.seq] = eligible
        self.by_instance.setdefault(letter.message.instance, {})[letter.seq] = None

    def remove_letter(self, seq: int) -> None:
        letter = self.letters.pop(seq)
        self.eligible.pop(seq)
        self.leases.pop(seq, None)
        of_instance = self.by_instance[letter.message.instance]
        del of_instance[seq]
        if not of_instance:
            del self.by_instance[letter.message.instance]

    def letters_of(self, instance: str) -> Iterator[Letter]:
        return (self.letters[seq] for seq in list(self.by_instance.get(instance, ())))

    def calls_of(self, instance: str) -> list[CallRow]:
        return [call for (owner, _), call in self.calls.items() if owner == instance]

    def overdue(self, now: int) -> dict[str, int]:
        """The instances with a call whose time is over and that have not been told; and since when."""
        first: dict[str, int] = {}
        for call in self.calls.values():
            if call.timeout is not None and call.timeout <= min(now, first.get(call.instance, now)):
                first[call.instance] = call.timeout
        return first

    def time_out(self, now: int, n: int) -> list[tuple[int, tuple[str, int]]]:
        """The first calls whose time is over: since when, and whose. They have no ``timeout`` any more."""
        over = [(c.timeout, key) for key, c in self.calls.items() if c.timeout is not None and c.timeout <= now]
        first = sorted(over)[:n]
        for _, key in first:
            self.calls[key] = replace(self.calls[key], timeout=None)
        return first

    def living(self, instance: str) -> str:
        """The last instance of the chain that ``instance`` belongs to."""
        while (stored := self.instances.get(instance)) is not None and stored.row.next is not None:
            instance = stored.row.next
        return instance

    def children(self, instance: str) -> list[str]:
        return [s.row.id for s in self.instances.values() if s.row.parent == instance and s.row.ended is None]

    def hold(self, instance: str, *, held: bool) -> None:
        """Messages (but for control ones) and calls of a suspended instance wait; those of a resumed one go on."""
        before, after = ("ready", "held") if held else ("held", "ready")
        for letter in self.letters_of(instance):
            if letter.state == before and not letter.message.control:
                self.letters[letter.seq] = replace(letter, state="held" if held else "ready")
        for call in self.calls_of(instance):
            if call.state == before:
                self.calls[instance, call.serial] = replace(call, state="held" if after == "held" else "ready")

    def end(self, instance: str) -> None:
        """What was sent to an instance that has ended goes with it."""
        for letter in self.letters_of(instance):
            if letter.state != "dead":
                self.remove_letter(letter.seq)

    def takes(self, ended: Stored, message: Message) -> bool:
        """One that failed can be retried; from then on it takes what an operator asks of one that lives."""
        if ended.row.status != "failed" or message.kind == RETRY:
            return ended.row.status == "failed"
        letters = self.letters_of(ended.row.id)
        return message.control and any(one.message.kind == RETRY and one.state == "ready" for one in letters)

    def pass_on(self, instance: str, to: str) -> None:
        """What an operator asked of an instance that is continued is meant for the one that goes on."""
        for letter in self.letters_of(instance):
            if letter.message.control and letter.state != "dead":
                self.remove_letter(letter.seq)
                message = replace(letter.message, instance=to)
                self.put_letter(replace(letter, message=message), eligible=letter.arrived)

    def change_task(self, change: TaskChange) -> bool:
        task = self.tasks.get((change.instance, change.serial))
        if task is None or task.status != "open" or task.assignee != change.expected:
            return False
        self.tasks[change.instance, change.serial] = replace(task, assignee=change.assignee)
        self.task_events.append(change.event)
        return True

    def cancel_task(self, instance: str, close: Close, now: int) -> None:
        task = self.tasks.get((instance, close.serial))
        if task is not None and task.status == "open":
            self.tasks[instance, close.serial] = replace(task, status="cancelled", ended=now)
            why = f'{{"reason":"{close.reason}"}}'
            self.task_events.append(TaskEventRow(instance, close.serial, "cancelled", now, None, why))

    def chain_of(self, signal: SignalRow) -> str | None:
        """Of the instance that a signal is sent to."""
        target = None if signal.instance is None else self.instances.get(signal.instance)
        return None if target is None else target.row.chain

    def meeting(self, signal: SignalRow, chain: str | None) -> list[tuple[str, int]]:
        """The open waits that a signal meets, oldest first."""
        found = [
            (number, key)
            for key, (number, wait) in self.waits.items()
            if meets(signal, chain, wait, self.instances[key[0]].row.chain)
        ]
        return [key for _, key in sorted(found)]

    def consumable(self, instance: str, consumes: Consumes) -> bool:
        match consumes:
            case Taken(seq=seq, fence=fence):
                letter = self.letters.get(seq)
                return letter is not None and letter.deliveries == fence and letter.message.instance == instance
            case Replied(serial=serial, fence=fence):
                call = self.calls.get((instance, serial))
                return call is not None and call.fence == fence and call.state in ("ready", "held", "accepted")
            case Answered(serial=serial):
                task = self.tasks.get((instance, serial))
                return task is not None and task.status == "open"
            case Met(serial=serial, signal=signal):
                return (instance, serial) in self.waits and signal.id not in self.signals
            case Nothing():
                return True

    def new_letter(self, message: Message, arrived: int) -> Letter:
        return Letter(self.number(), message, arrived)


def meets(signal: SignalRow, signal_chain: str | None, wait: SignalWait, wait_chain: str) -> bool:
    """Whether a signal (and the chain of the instance that it was sent to) and a wait of a chain belong together."""
    if signal.name != wait.name:
        return False
    if signal.instance is not None:
        return signal_chain == wait_chain
    return signal.key is not None and signal.key == wait.key
