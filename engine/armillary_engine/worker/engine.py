"""The engine without its threads: what is done for replies, for claimed triggers, for calls that are due.

``worker.loop`` calls :meth:`Engine.step` on its thread; a simulator may call it on its own. Everything that commits
goes through :meth:`Engine.commit`, so that whoever sleeps, here or in another process, is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ..backend import Backend, Begun, Hint, Wake
from ..clock import Clock
from ..hints import deadlines_of, gives_up_a_wait, makes_work
from ..interpreter.triggers import Trigger
from ..messages import message
from ..mutation import Consumes, Delivery, Mutation, Outcome
from ..rows import CallRow, InstanceRow, Stored
from ..telemetry import Telemetry, quiet
from .attempts import CALL_LEASE, Attempts
from .inbox import Inbox
from .latest import Latest
from .moments import Chores
from .programs import Programs
from .pulse import Pulse
from .slices import Slicer
from .triggers import DELIVERIES, Triggers

log = logging.getLogger(__name__)
SECOND = 1_000_000
PATIENCE = 5
EMPTY_PAUSE = SECOND
"""So many looks in a row may find that what is due cannot be claimed; then a pause comes before the next."""
TIMEOUTS = 256
"""So many calls are timed out by one look."""
PARENTS = OVER = 256
"""So many parents of parents are remembered, and so many instances that have ended for good."""


class Engine:
    """One worker on one store."""

    def __init__(
        self, store: Backend, programs: Programs, *, wake: Wake, told: Callable[[Sequence[tuple[str, int]]], None]
    ) -> None:  # fmt: skip
        self.store = store
        self.clock: Clock = store.clock
        self.programs = programs
        self.telemetry = Telemetry()
        self.pulse = Pulse()
        self.inbox = Inbox(self)
        self.attempts = Attempts(store, self.pulse, self.telemetry, self.inbox.put, lambda: self.inbox.waiting)
        self.pool = self.attempts.pool
        self.slicer = Slicer(programs, self.clock, self._lease)
        self.wake = wake
        self._told = told
        self.triggers = Triggers(self)
        self._empty_looks = 0
        self._parents = Latest[str | None](PARENTS)
        self.chores: Chores | None = None
        self.over = Latest[InstanceRow](OVER)
        """Instances that ended here last, and never change again: who waits for one need not look."""
        wake.listen(self._heard)

    # ── being told, and telling ──────────────────────────────────────────────────────────────────────────────────────

    def _heard(self, hint: Hint) -> None:
        self.telemetry.count("wake.heard")
        if hint.work:
            self.pulse.beat()
        if hint.due is not None:
            self.pulse.note(hint.due)
            if self.chores is not None:
                self.chores.hear(hint.due)
        self.attempts.outdate(hint.changed)
        self._told(hint.changed)

    def tell(self, changed: Sequence[tuple[str, int]], *, work: bool, due: int | None = None) -> None:
        """Something was committed here. ``due``: when the store needs somebody because of it, should this one die."""
        if work:
            self.pulse.beat()
        self.wake.notify(Hint(tuple(changed), work, due))
        if changed:
            self._told(changed)  # last: whoever goes on then is in the way of what is left to do here

    # ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _lease(self, call: CallRow) -> CallRow:
        """Takes a call that a slice opens, if its service is here and has a place: then it needs no claim."""
        if not self.pool.reserve(call.service):
            return call
        until = self.clock.now() + CALL_LEASE
        return replace(call, owner=self.store.owner, ready=until, fence=call.fence + 1, deliveries=1)

    def commit(self, mutations: Sequence[Mutation]) -> Sequence[Outcome]:
        """Commits, and does all that follows from it: calls are sent, sleepers told."""
        return self.finish(mutations, lambda: self.store.commit(mutations))

    def begin(self, mutations: Sequence[Mutation]) -> Begun:
        """The first part of :meth:`commit`, see :meth:`armillary_engine.backend.Writes.begin`; :meth:`finish` is the
        last."""
        try:
            return self.store.begin(mutations)
        except BaseException:
            self._in_doubt(mutations)
            raise

    def _in_doubt(self, mutations: Sequence[Mutation]) -> None:
        """An interrupted caller does not know whether it was committed: all look."""
        for mutation in mutations:
            self.release(mutation)
        self.tell([(mutation.row.id, 0) for mutation in mutations], work=True)

    def finish(
        self, mutations: Sequence[Mutation], committed: Callable[[], Sequence[Outcome]]
    ) -> Sequence[Outcome]:  # fmt: skip
        """Does all that follows from what was ``committed``: calls are sent, sleepers told."""
        try:
            outcomes = committed()
        except BaseException:
            self._in_doubt(mutations)
            raise
        self.telemetry.count_outcomes([outcome.kind for outcome in outcomes])
        changed, work, refused, deadlines = [], False, False, list[int]()
        opened, left = list[CallRow](), list[Stored]()
        for mutation, outcome in zip(mutations, outcomes, strict=True):
            if outcome.kind != "committed":
                refused = True
                self.release(mutation)
                continue
            changed.append((outcome.instance, outcome.revision))
            if mutation.row.parent is not None:
                changed += [(above, 0) for above in self._ancestors(mutation.row.parent)]
            if mutation.row.status in ("completed", "cancelled"):
                self.over[outcome.instance] = mutation.row
            work = makes_work(mutation, met=outcome.met) or work
            deadlines += deadlines_of(mutation)
            if self.chores is not None and gives_up_a_wait(mutation):
                self.chores.doubt()
            if leased := [call for call in mutation.calls if call.owner is not None]:
                opened += leased
                left.append(Stored(mutation.row, mutation.snapshot))
        if deadlines:
            self.pulse.note(min(deadlines))  # when this worker must look again
        if refused and self.pool.was_short():
            self.pulse.beat()  # a place that was taken for nothing may be what another call waits for
        self.attempts.outdate(changed)
        for one in left:
            self.attempts.remember(one)
        try:
            if changed:
                self.tell(changed, work=work, due=min([*deadlines, *(call.ready for call in opened)], default=None))
        finally:  # last: the threads of the calls and this one are in one another's way from then on
            for call in opened:
                self.attempts.send(call)
        return outcomes

    def _ancestors(self, parent: str | None) -> list[str]:
        """Whoever shows an instance shows what its children do: they hear of it too. Where the store does not say who
        they are (it has failed just now), everybody does: what was committed is to be gone on with all the same."""
        above: list[str] = []
        while parent is not None and parent not in above:
            above.append(parent)
            if parent not in self._parents:
                try:
                    found = self.store.instance(parent)
                except Exception as error:
                    log.warning("the parents of %s are not known", parent, exc_info=quiet(error))
                    return ["", *above]
                self._parents[parent] = found.row.parent if found is not None else None
            parent = self._parents[parent]
        return above

    def release(self, mutation: Mutation) -> None:
        """Gives back the places of calls that a mutation would have opened."""
        for call in mutation.calls:
            if call.owner is not None:
                self.pool.release(call.service)

    def take(self, stored: Stored, trigger: Trigger, consumes: Consumes) -> Outcome | None:
        """Commits the slice that a trigger from outside starts. ``None``: it is to be stored, since others come first,
        or what it needs is lacking here."""
        mutation = self.slicer.attempt(stored, trigger, consumes)
        if mutation is None:
            return None
        (outcome,) = self.commit([mutation])
        return None if outcome.kind == "behind" else outcome

    def take_or_store(self, stored: Stored, trigger: Trigger, consumes: Consumes) -> Outcome:
        """Commits the slice that a trigger from outside starts, or stores it for a worker."""
        outcome = self.take(stored, trigger, consumes)
        if outcome is None:
            (outcome,) = self.deliver([Delivery(message(stored.row.id, trigger), consumes)])
        return outcome

    # ── triggers that are stored ─────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """Stores triggers and wakes whoever takes them."""
        try:
            outcomes = self.store.deliver(deliveries)
        except BaseException:
            self.tell([(one.message.instance, 0) for one in deliveries], work=True)
            raise
        changed = [(one.instance, one.revision) for one in outcomes if one.kind == "committed"]
        if changed:
            self.tell(changed, work=True)
        return outcomes

    # ── one step ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self) -> bool:
        """Does what there is to do now. False: nothing, until the flag is set or :meth:`next_moment` comes."""
        self.attempts.mind()
        did = self.inbox.settle()
        if self.pressed():
            did = self._look() or did
        return did

    def pressed(self) -> bool:
        """Whether the store is to be looked into: something may be ready there, or due."""
        due = self.pulse.due
        return self.pulse.work or (due is not None and due <= self.clock.now())

    def next_moment(self) -> int | None:
        """Until when a worker without work may sleep."""
        return self.pulse.sleep_until(self.attempts.next_moment())

    def _look(self) -> bool:
        """Looks into the store: takes what is ready, and asks when there will be more. ``work`` goes down *before* the
        look: a commit after it puts it up again. What is due next is a moment, not a time span: a deadline that passes
        meanwhile ends the sleep at once."""
        self.telemetry.count("look")
        self.pulse.begin_look()
        self.triggers.give_back_owed()
        found = self.triggers.claim()
        due = self.store.due(services=self.pool.free(), without=self.programs.lacking)
        due = due if self.chores is None else self.chores.look(due)
        if due is None:
            return False
        if due > self.clock.now():
            self.pulse.note(due)
            return False
        found += self._claim_calls() + self.store.time_out(TIMEOUTS)
        self._empty_looks = 0 if found else self._empty_looks + 1
        if self._empty_looks < PATIENCE:
            self.pulse.work = True  # there may be more than one batch, or somebody else was quicker
            return True
        # What is due should be claimable. If a defect says otherwise, that must not burn a processor.
        self.telemetry.count("look.empty")
        self.pulse.note(self.clock.now() + EMPTY_PAUSE)
        return False

    def _claim_calls(self) -> int:
        calls = self.attempts.claim(self.store.owner)
        for call in calls:
            if call.deliveries > DELIVERIES:
                self.attempts.give_up(call, DELIVERIES)
            else:
                self.attempts.send(call)
        return len(calls)
