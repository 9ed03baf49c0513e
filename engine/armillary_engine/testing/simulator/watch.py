"""What must always hold, looked at after every transaction: from what was handed to the store, and from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...check import check_store
from ...definition.codec import loads
from ...interpreter import Snapshot, decode, replay
from ...interpreter.commands import Event
from ...interpreter.triggers import Trigger
from ...messages import trigger_of
from ...mutation import Answered, Claim, Delivery, Met, Mutation, Outcome, Replied, Taken
from ...rows import EventRow, Letter, SignalRow, SignalWait, TaskRow
from .definitions import kind_of
from .seen import Events, Seen
from .settling import unsettled
from .side import Side
from .story import Violation
from .waits import unresumed

if TYPE_CHECKING:
    from .process import Process
    from .world import World

NAMING = frozenset({"call", "task", "signal", "timer", "child"})
"""The messages that name a wait."""


class Watch:
    """Holds a run against its invariants. Raises :class:`Violation`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = world.disk.open("watch")
        self.instances: dict[str, Seen] = {}
        self.slices = 0
        self.waits: dict[tuple[str, int], SignalWait] = {}
        self.letters: dict[int, Letter] = {}
        """Claimed messages."""
        self.consumed: set[tuple[object, ...]] = set()
        self.signals: dict[str, SignalRow] = {}
        self.applied: dict[str, list[tuple[str, int]]] = {}
        self.keys: dict[str, str] = {}
        self.told: set[tuple[str, int]] = set()  # waits of which a deadline was a message after a time-out of calls
        self.side = Side(self)
        self.changed = False
        self.broken: str | None = None

    def fail(self, text: str, *parts: object) -> None:
        """A rule was broken. It is kept, too: a process that dies of it must not hide it."""
        self.broken = self.broken or (text % parts if parts else text)
        raise Violation(self.broken)

    # ── commits ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def committed(self, process: Process, mutation: Mutation, outcome: Outcome) -> None:
        """One mutation went through the store."""
        row, tell = mutation.row, self.world.story.tell
        if outcome.kind != "committed":
            tell("%s: %s at revision %s: %s", process, row.id, mutation.expected, outcome.kind)
            return
        self.slices += bool(mutation.events)
        self.changed = True
        tell("%s: %s is at revision %s (%s): %s", process, row.id, row.revision, row.status, Events(mutation.events))
        after = decode(mutation.snapshot)
        seen = self._seen(mutation, after)
        if isinstance(mutation.consumes, Met):
            self.signalled(process, mutation.consumes.signal, (row.id,))
            self.world.coverage.sights["signal taken at once"] += 1
        self._events(seen, mutation)
        self._consume(seen, mutation)
        if seen.state != after.state:
            self.fail("%s: replaying its history gives %s, its snapshot says %s", row.id, seen.state, after.state)
        for text in unsettled(seen.snapshot, mutation, after, self._message(mutation)):
            self.fail(text)
        self._opened(mutation)
        if any(close.kind == "signal" and close.reason != "done" for close in mutation.closes):
            self.side.put_back(process)
        seen.snapshot = after
        seen.ended = row.ended is not None
        for text in unresumed(self.store, row.id, after, self.side.dropped):
            self.fail(text)

    def _seen(self, mutation: Mutation, after: Snapshot) -> Seen:
        row = mutation.row
        seen = self.instances.get(row.id)
        if seen is None:
            if mutation.expected is not None:
                self.fail("%s was changed before it was stored", row.id)
            seen = self.instances[row.id] = Seen(after)
            if row.key is not None and self.keys.setdefault(row.key, row.id) != row.id:
                self.fail("%s and %s were both started under the key %s", row.id, self.keys[row.key], row.key)
            self.side.started(row)
            return seen
        if mutation.expected is None:
            self.fail("%s was stored twice", row.id)
        if row.revision != seen.snapshot.revision + 1:
            self.fail("%s went from revision %s to %s", row.id, seen.snapshot.revision, row.revision)
        if after.serial < seen.snapshot.serial:
            self.fail("the serial of %s went back from %s to %s", row.id, seen.snapshot.serial, after.serial)
        return seen

    def _events(self, seen: Seen, mutation: Mutation) -> None:
        id = mutation.row.id
        for event in mutation.events:
            seen.events += 1
            if event.number != seen.events:
                self.fail("event %s of %s has the number %s", seen.events, id, event.number)
            if event.type == "instance.retried":
                again = (("answer", id), ("reply", id))
                self.consumed = {mark for mark in self.consumed if mark[:2] not in again}
                self.side.retried(id)
                seen.visits = {visit: "again" if was == "failed" else was for visit, was in seen.visits.items()}
            elif event.type.startswith("step."):
                self._tell(seen.visit, id, event)
                if event.type in ("step.done", "step.failed") and event.step and kind_of(event.step) == "signal":
                    self._apply(id, event)
            elif event.type.startswith("compensation."):
                self._tell(seen.undo, id, event)
            if "timeout.heartbeat" in event.data_json and isinstance(mutation.consumes, Replied):
                self.side.fell_silent(id, mutation.consumes.serial, mutation.consumes.fence)
            if event.patch_json != "[]":
                patch: Any = loads(event.patch_json, depth=1_000)
                seen.state = replay([Event(event.type, patch=patch)], seen.state)

    def _tell(self, hear: Callable[[str, EventRow], None], id: str, event: EventRow) -> None:
        try:
            hear(id, event)
        except Violation as violation:
            self.fail(str(violation))

    def _apply(self, id: str, event: EventRow) -> None:
        data: Any = loads(event.data_json, depth=1_000)
        signal = data.get("signal") or (data.get("details") or {}).get("signal")
        if signal is None:
            return
        places = self.applied.setdefault(signal, [])
        places.append((id, event.serial))
        row = self.signals.get(signal)
        if row is None:
            self.fail("signal %s was applied and never stored", signal)
        elif signal in self.side.over:
            self.fail("signal %s was set aside, and then applied", signal)
        elif len(places) > 1 and (row.mode == "one" or len(set(places)) < len(places)):
            self.fail("signal %s was applied twice: %s", signal, places)

    # ── what is consumed ─────────────────────────────────────────────────────────────────────────────────────────────

    def _consume(self, seen: Seen, mutation: Mutation) -> None:
        id, consumes = mutation.row.id, mutation.consumes
        mark: tuple[object, ...] | None = None
        serial = None
        match consumes:
            case Taken(seq=seq):
                mark = ("message", seq)
                letter = self.letters[seq]
                serial = letter.message.serial if letter.message.kind in NAMING else None
            case Replied(serial=answering, fence=fence):
                serial, mark = answering, ("reply", id, answering, fence)
            case Answered(serial=answering):
                serial, mark = answering, ("answer", id, answering)
            case Met(serial=met):
                serial = met
        if mutation.expected is not None and not isinstance(consumes, Taken):
            self._not_before_others(id, seen)
        if mark is not None:
            self._once(mark)
        first = next((event for event in mutation.events), None)
        if serial is not None and first is not None and first.serial != serial:
            self.fail("%s: a trigger for visit %s began with %s of visit %s", id, serial, first.type, first.serial)
        if isinstance(consumes, Taken) and self.letters[consumes.seq].message.kind == "timer":
            self._not_early(self.letters[consumes.seq])

    def _message(self, mutation: Mutation) -> Trigger | None:
        """What a slice was started by, if that was stored."""
        if not isinstance(mutation.consumes, Taken):
            return None
        letter = self.letters[mutation.consumes.seq]
        return trigger_of(letter.message, arrived=letter.arrived)

    def _once(self, mark: tuple[object, ...]) -> None:
        if mark in self.consumed:
            self.fail("%s was consumed twice", mark)
        self.consumed.add(mark)

    def _not_early(self, letter: Letter) -> None:
        if letter.arrived > self.world.latest:
            self.fail("the deadline of %s at %s fired early", letter.message.instance, letter.arrived)

    def _not_before_others(self, id: str, seen: Seen) -> None:
        """What comes from outside comes after triggers that are stored already, and after the time-outs of calls."""
        for frame in seen.snapshot.frames:
            until = frame.wait.until if frame.wait is not None and frame.wait.kind == "call" else None
            if until is not None and until <= self.world.now() and (id, frame.visit) not in self.told:
                self.fail("%s took something else before the time-out of visit %s", id, frame.visit)
        for letter in self.store.letters(state="ready", limit=1_000):
            message, waiting = letter.message, not letter.deliveries and letter.arrived < self.world.now()
            if waiting and message.instance == id and message.kind != "timer":
                self.fail("%s took something else before its message %s", id, letter.seq)

    def _in_order(self, letter: Letter, ready: Sequence[Letter], now: int) -> None:
        """Triggers of an instance apply in order of arrival: none that was ready before is left behind."""
        instance = letter.message.instance
        for other in ready:
            waits = other.message.instance == instance and not other.deliveries and other.arrived <= now
            if waits and _order(other) < _order(letter):
                self.fail("%s takes message %s before message %s", instance, letter.seq, other.seq)
        for frame in () if letter.message.control else self.instances[instance].snapshot.frames:
            call = self.store.upkeep.call(instance, frame.visit)
            if call is not None and call.timeout is not None and call.timeout <= letter.arrived:
                self.fail("%s takes message %s before the time-out of visit %s", instance, letter.seq, call.serial)

    # ── what is opened ───────────────────────────────────────────────────────────────────────────────────────────────

    def _opened(self, mutation: Mutation) -> None:
        row = mutation.row
        for wait in mutation.waits:
            self.waits[row.id, wait.serial] = wait
            self.world.people.signal_wanted(row.id, wait)
        for task in mutation.tasks:
            self.world.people.task_opened(task)
        for new in mutation.instances:
            if new.row.id in self.instances:
                self.fail("%s was stored twice", new.row.id)
            self.instances[new.row.id] = Seen(decode(new.snapshot), parent=new.row.parent)
            self.world.story.tell("        %s begins, below %s", new.row.id, new.row.parent)
        if row.status == "failed":
            self.world.people.instance_failed(row.id)

    def batch(self, mutations: Sequence[Mutation], outcomes: Sequence[Outcome]) -> None:
        """All mutations of a transaction have been told."""
        for mutation, outcome in zip(mutations, outcomes, strict=True):
            if outcome.kind == "committed":
                self._children(mutation)

    def _children(self, mutation: Mutation) -> None:
        """Whoever ends, or stops waiting for a child, leaves it over or about to be cancelled."""
        row = mutation.row
        closes = {close.serial for close in mutation.closes if close.kind == "child"}
        if not closes and row.ended is None:
            return
        found = [child for child, one in self.instances.items() if one.parent == row.id and not one.ended]
        for child in found:
            frames = self.instances[row.id].snapshot.frames
            if self.instances[child].snapshot.compensating is not None:
                continue  # it is ending
            if row.ended is None and any(f.wait is not None and _below(child, f.wait.child) for f in frames):
                continue
            letters = [letter.message for letter in self.store.letters(state=None, limit=1_000)]
            told = (child, "cancel", 0) in self.side.dropped
            if row.next is None and not told and not any(x.instance == child and x.kind == "cancel" for x in letters):
                self.fail("%s goes on without %s, and nothing will cancel that", row.id, child)

    # ── other transactions ───────────────────────────────────────────────────────────────────────────────────────────

    def wrote(self) -> None:
        """Something else was written."""
        self.changed = True

    def claimed(self, process: Process, claims: Sequence[Claim]) -> None:
        """Messages were leased."""
        self.changed = True
        ids = [claim.letter.message.instance for claim in claims]
        if len(set(ids)) < len(ids):
            self.fail("%s claimed two messages of one instance: %s", process, ids)
        ready = self.store.letters(state="ready", limit=1_000) if claims else ()
        for claim in claims:
            letter = claim.letter
            self._in_order(letter, ready, claim.now)
            if claim.stored.row.status == "suspended" and not letter.message.control:
                self.fail("%s takes message %s of %s, which is suspended", process, letter.seq, letter.message.instance)
            before = self.letters.get(letter.seq)
            if before is not None and before.deliveries >= letter.deliveries:
                self.fail("message %s was claimed again with the fence %s", letter.seq, letter.deliveries)
            self.letters[letter.seq] = letter
            said = f"{letter.message.kind} {letter.message.serial or ''}".rstrip()
            self.world.story.tell(
                "%s: claims message %s (%s) of %s, delivery %s", process, letter.seq, said, letter.message.instance,
                letter.deliveries,
            )  # fmt: skip

    def timed_out(self) -> None:
        """The time-outs of calls became triggers."""
        self.wrote()
        self.told |= {(x.message.instance, x.message.serial) for x in self.store.letters(state=None, limit=1_000)}

    def delivered(self, process: Process, delivery: Delivery, outcome: Outcome) -> None:
        """A trigger was stored."""
        self.changed = True
        message = delivery.message
        self.world.story.tell("%s: stores %s for %s: %s", process, message.kind, message.instance, outcome.kind)
        if outcome.kind != "committed":
            return
        match delivery.consumes:
            case Answered(serial=serial):
                self._once(("answer", message.instance, serial))
            case Replied(serial=serial, fence=fence):
                self._once(("reply", message.instance, serial, fence))

    def signalled(self, process: Process, signal: SignalRow, went_to: Sequence[str]) -> None:
        """A signal was stored, or was known."""
        self.changed = True
        self.world.story.tell("%s: signal %s (%s, %s) goes to %s", process, signal.id, signal.name, signal.key or
                              signal.instance, list(went_to) or "nobody yet")  # fmt: skip
        if signal.id in self.signals and went_to:
            self.fail("signal %s was sent again, and went to %s", signal.id, went_to)
        self.signals.setdefault(signal.id, signal)

    def holds(self, seq: int, fence: int) -> bool:
        """Whether a message is still there, as it was claimed."""
        return any(one.seq == seq and one.deliveries == fence for one in self.store.letters(state="ready", limit=1_000))

    def task_of(self, instance: str, serial: int) -> TaskRow | None:
        """A task as it is stored."""
        return self.store.task(instance, serial)

    # ── after every event, and at the end ────────────────────────────────────────────────────────────────────────────

    def after_event(self) -> None:
        """The store is whole."""
        if self.broken is not None:
            raise Violation(self.broken)
        if self.changed:
            self.changed = False
            for defect in self.store.check():
                self.fail("%s: %s %s", defect.code, defect.instance, defect.message)
            if self.world.services.broken:
                self.fail(self.world.services.broken[0])

    def at_the_end(self) -> None:
        """Everything ended, and nothing was lost on the way."""
        for defect in check_store(self.store):
            self.fail("%s: %s %s", defect.code, defect.instance, defect.message)
        for id, seen in self.instances.items():
            if not seen.ended:
                self.fail("%s never ends: it is %s at revision %s", id, seen.snapshot.status, seen.snapshot.revision)
        self.side.at_the_end()
        for id in self.world.people.acknowledged_starts:
            if id not in self.instances:
                self.fail("the start of %s was acknowledged, and there is no such instance", id)


def _below(child: str, root: str | None) -> bool:
    return root is not None and (child == root or child.startswith(f"{root}~"))


def _order(letter: Letter) -> tuple[bool, int, int]:
    return (not letter.message.control, letter.arrived, letter.seq)
