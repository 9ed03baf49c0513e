"""What must hold beside the slices: schedules, signals whose time is over, dead letters, calls answered later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ...clock import as_datetime
from ...definition.codec import loads
from ...messages import SIGNAL, signal_of
from ...queries import SignalQuery
from ...rows import CallRow, InstanceRow, LetterRecord, ScheduleRow
from ...upkeep import Refusal

if TYPE_CHECKING:
    from .process import Process
    from .watch import Watch

SECOND = 1_000_000
MINUTE = 60 * SECOND
ALL = SignalQuery(limit=100_000)


class Side:
    """A part of :class:`.watch.Watch`."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.over: set[str] = set()
        """Signals that were set aside."""
        self.letters: set[str] = set()
        """Dead letters that were decided about."""
        self.dropped: set[tuple[str, str, int]] = set()
        """What an operator has dropped: instance, kind, serial."""
        self.let_go: set[str] = set()
        """Signals among them."""
        self.accepted: set[tuple[str, int, int]] = set()
        """Attempts that a service will answer later: instance, serial, attempt."""

    # ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────

    def scheduled(self, process: Process, before: ScheduleRow | None, after: ScheduleRow) -> None:
        """A schedule was stored. It goes on only when the runs that were due have been started, as it says."""
        self.watch.world.story.tell("%s: schedule %s is at revision %s, next due %s", process, after.id, after.revision,
                                    None if after.next is None else as_datetime(after.next))  # fmt: skip
        if before is None or before.next is None or (before.created, before.paused) != (after.created, after.paused):
            return  # somebody made, paused or resumed it
        if after.error is not None:
            self.watch.fail("schedule %s could not start: %s", after.id, after.error)
        moments = [moment for moment in _moments(after) if before.next <= moment < (after.next or 0)]
        wanted = moments[-after.at_most :] if after.missed == "all" else moments[-1:]
        for moment in wanted:
            self.watch.world.coverage.sights["run of a schedule"] += 1
            if key_of(after.id, moment) not in self.watch.keys:
                self.watch.fail("schedule %s went on without its run of %s", after.id, as_datetime(moment))
        if after.next is not None and after.next <= before.next:
            self.watch.fail("schedule %s is due again at %s", after.id, as_datetime(after.next))

    def started(self, row: InstanceRow) -> None:
        """An instance was started; by a schedule, never early."""
        if row.key is None or not row.key.startswith("schedule:"):
            return
        _, _, moment = row.key.partition(":")[2].partition(":")
        if as_datetime(self.watch.world.latest).isoformat() < moment:
            self.watch.fail("%s was started early: its moment is %s", row.id, moment)

    # ── signals, dead letters ────────────────────────────────────────────────────────────────────────────────────────

    def expired(self, process: Process, over: Any) -> None:
        """Signals were set aside."""
        for id in over:
            row = self.watch.signals[id]
            self.watch.world.story.tell("%s: the time of signal %s is over", process, id)
            if row.expires > self.watch.world.latest:
                self.watch.fail("signal %s was set aside before its time was over", id)
            if id in self.over:
                self.watch.fail("signal %s was set aside twice", id)
            if id in self.watch.applied:
                self.watch.fail("signal %s was applied, and set aside", id)
            self.over.add(id)
            self.watch.world.coverage.sights["signal over"] += 1

    def put_back(self, process: Process) -> None:
        """A signal may be kept again, and its time end, sooner than those know who have not committed it."""
        for other in self.watch.world.processes:
            if other is not process:
                other.misses_chores = self.watch.world.happened

    def decided(self, record: LetterRecord, decided: LetterRecord | Refusal) -> None:
        """Somebody replayed or dropped a dead letter, or was refused."""
        if not isinstance(decided, LetterRecord):
            return
        if record.letter in self.letters:
            self.watch.fail("%s was decided about twice", record.letter)
        self.letters.add(record.letter)
        if record.status == "dropped" and record.letter.startswith("message-"):
            sent = self.watch.letters[int(record.letter.partition("-")[2])].message
            self.dropped.add((sent.instance, sent.kind, sent.serial))
            if sent.kind == SIGNAL:
                self.let_go.add(signal_of(sent))

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def accepts(self, instance: str, serial: int, attempt: int) -> None:
        """A service will answer later."""
        self.watch.world.coverage.sights["call accepted"] += 1
        self.accepted.add((instance, serial, attempt))

    def claimed(self, call: CallRow) -> None:
        """A call was leased. One that will be answered later is sent to nobody."""
        if (call.instance, call.serial, call.attempt) in self.accepted:
            self.watch.fail("%s/%s was accepted, and is sent again", call.instance, call.serial)
        if self.watch.instances[call.instance].snapshot.status == "suspended":
            self.watch.fail("%s/%s is sent, and its instance is suspended", call.instance, call.serial)

    def retried(self, instance: str) -> None:
        """An operator's retry sends calls anew."""
        self.accepted = {one for one in self.accepted if one[0] != instance}

    def fell_silent(self, instance: str, serial: int, fence: int) -> None:
        """An attempt was given up for want of a heartbeat: then there was none for so long."""
        beat = self.watch.world.network.beats.get((instance, serial, fence))
        if beat is not None and self.watch.world.latest < beat.at + beat.within:
            self.watch.fail("%s/%s was given up as silent, and had a heartbeat", instance, serial)
        self.watch.world.coverage.sights["call silent"] += 1

    # ── at the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def at_the_end(self) -> None:
        """Every signal that was acknowledged was applied, or is kept, or lies with the dead letters."""
        world = self.watch.world
        states = {sent.row.id: sent.state for sent in self.watch.store.upkeep.signals(ALL)}
        for signal in world.people.acknowledged_signals:
            state, row = states.get(signal), self.watch.signals.get(signal)
            if state is None or row is None:
                self.watch.fail("signal %s was acknowledged and is not stored", signal)
            elif state == "kept" and row.expires <= world.now():
                self.watch.fail("the time of signal %s is over, and nobody set it aside", signal)
            elif row.mode == "one" and state == "taken" and signal not in {*self.watch.applied, *self.let_go}:
                self.watch.fail("signal %s was acknowledged, and is neither applied nor kept", signal)
            elif state in ("kept", "unmatched", "decided") and signal in self.watch.applied:
                self.watch.fail("signal %s was applied, and is %s", signal, state)
        for schedule in self.watch.store.upkeep.schedules():
            self.watch.fail("schedule %s was deleted, and is still there", schedule.id)


def key_of(schedule: str, moment: int) -> str:
    """The key of a run."""
    return f"schedule:{schedule}:{as_datetime(moment).isoformat()}"


def _moments(row: ScheduleRow) -> Iterator[int]:
    """The moments of a schedule until it is next due: an interval counts from when it was made, a cron line that says
    *each minute* keeps to the clock."""
    cron, _, interval, _ = cast(Any, loads(row.every_json))
    step = MINUTE if cron is not None else int(interval)
    moment = row.created // MINUTE * MINUTE + MINUTE if cron is not None else row.created + step
    while moment < (row.next or 0):
        yield moment
        moment += step
