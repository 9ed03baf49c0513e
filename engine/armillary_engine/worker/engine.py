"""The engine without its threads: what is done for replies, for claimed triggers, for calls that are due.

``worker.loop`` calls :meth:`Engine.step` on its thread; a simulator may call it on its own. Everything that commits
goes through :meth:`Engine.commit`, so that whoever sleeps, here or in another process, is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ..backend import Backend, Hint, Wake
from ..clock import Clock
from ..definition.problems import ArmillaryError
from ..hints import makes_work, moments_of
from ..interpreter import SnapshotError
from ..interpreter.triggers import Trigger
from ..messages import trigger_of
from ..mutation import Claim, Delivery, Mutation, Outcome, Return
from ..rows import CallRow, InstanceRow, Stored
from ..telemetry import Telemetry, quiet
from .attempts import CALL_LEASE, Attempts
from .inbox import Inbox
from .latest import Latest
from .moments import Chores
from .programs import LACKING, Programs
from .pulse import Pulse
from .slices import Slicer

log = logging.getLogger(__name__)
SECOND = 1_000_000
BATCH = 32
"""So many triggers are taken at a time, or twice as many after a batch that was full, up to ``LARGEST``."""
LARGEST = 128
CLAIM_LEASE = 60 * SECOND
OWN_FAULTS = ("store.too-large", "store.text")
"""Failures of a store that are a trigger's own, and not the store's."""
NEWER = ("snapshot.newer", "trigger.newer")
"""What only a newer release reads: its instance is left to one."""
DELIVERIES = 5
"""A trigger or a call that came to nothing so often is given up: dead-lettered, or failed with
``failure.abandoned``."""
PATIENCE = 5
EMPTY_PAUSE = SECOND
"""So many looks in a row may find that what is due cannot be claimed; then a pause comes before the next."""
PARENTS = OVER = 256
"""So many parents of parents are remembered, and so many instances that have ended for good."""
BACK_OFF = (1, 5, 25, 125)
"""Seconds before a trigger that failed is tried again."""


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
        self.attempts = Attempts(store, self.pulse, self.telemetry, self.inbox.put)
        self.pool = self.attempts.pool
        self.slicer = Slicer(programs, self.clock, self._lease)
        self._wake = wake
        self._told = told
        self._empty_looks = 0
        self._owed: list[tuple[int, int]] = []
        self._batch = BATCH
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
        self._wake.notify(Hint(tuple(changed), work, due))
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
        try:
            outcomes = self.store.commit(mutations)
        except BaseException:
            # An interrupted caller does not know whether it was committed: all look.
            for mutation in mutations:
                self.release(mutation)
            self.tell([(mutation.row.id, 0) for mutation in mutations], work=True)
            raise
        changed, work, moments, opened = [], False, list[int](), list[tuple[CallRow, Mutation]]()
        for mutation, outcome in zip(mutations, outcomes, strict=True):
            self.telemetry.count_outcome(outcome.kind)
            if outcome.kind != "committed":
                self.release(mutation)
                continue
            changed.append((outcome.instance, outcome.revision))
            if mutation.row.parent is not None:
                changed += [(above, 0) for above in self._ancestors(mutation.row.parent)]
            if mutation.row.status in ("completed", "cancelled"):
                self.over[outcome.instance] = mutation.row
            self._after(mutation)
            work = makes_work(mutation, met=outcome.met) or work
            moments += moments_of(mutation)
            opened += [(call, mutation) for call in mutation.calls if call.owner is not None]
        if len(changed) < len(mutations) and self.pool.was_short():
            self.pulse.beat()  # a place that was taken for nothing may be what another call waits for
        self.attempts.outdate(changed)
        try:
            if changed:
                self.tell(changed, work=work, due=min(moments, default=None))
        finally:  # last: the threads of the calls and this one are in one another's way from then on
            for call, mutation in opened:
                self.attempts.send(call, Stored(mutation.row, mutation.snapshot))
        return outcomes

    def _ancestors(self, parent: str | None) -> list[str]:
        """Whoever shows an instance shows what its children do: they hear of it too."""
        above: list[str] = []
        while parent is not None and parent not in above:
            above.append(parent)
            if parent not in self._parents:
                found = self.store.instance(parent)
                self._parents[parent] = found.row.parent if found is not None else None
            parent = self._parents[parent]
        return above

    def release(self, mutation: Mutation) -> None:
        """Gives back the places of calls that a mutation would have opened."""
        for call in mutation.calls:
            if call.owner is not None:
                self.pool.release(call.service)

    def _after(self, mutation: Mutation) -> None:
        """Notes when this worker must look again."""
        if self.chores is not None and any(
            close.kind == "signal" and close.reason != "done" for close in mutation.closes
        ):
            self.chores.doubt()
        for moment in (*(sent.ready for sent in mutation.messages), *(retry.ready for retry in mutation.retries)):
            if moment is not None:
                self.pulse.note(moment)

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
        due = self.pulse.due
        if self.pulse.work or (due is not None and due <= self.clock.now()):
            did = self._look() or did
        return did

    def next_moment(self) -> int | None:
        """Until when a worker without work may sleep."""
        return self.pulse.sleep_until(self.attempts.next_moment())

    def _look(self) -> bool:
        """Looks into the store: takes what is ready, and asks when there will be more. ``work`` goes down *before* the
        look: a commit after it puts it up again. What is due next is a moment, not a time span: a deadline that passes
        meanwhile ends the sleep at once."""
        self.telemetry.count("look")
        self.pulse.begin_look()
        self._give_back_owed()
        found = self._claim_messages()
        due = self.store.due(services=self.pool.free(), without=self.programs.lacking)
        due = due if self.chores is None else self.chores.look(due)
        if due is None:
            return False
        if due > self.clock.now():
            self.pulse.note(due)
            return False
        found += self._claim_calls()
        self._empty_looks = 0 if found else self._empty_looks + 1
        if self._empty_looks < PATIENCE:
            self.pulse.work = True  # there may be more than one batch, or somebody else was quicker
            return True
        # What is due should be claimable. If a defect says otherwise, that must not burn a processor.
        self.telemetry.count("look.empty")
        self.pulse.note(self.clock.now() + EMPTY_PAUSE)
        return False

    def _give_back_owed(self) -> None:
        if self._owed:
            now = self.clock.now()
            self._give_back([Return(seq, fence, ready=now, counts=False) for seq, fence in self._owed])
            self._owed = []

    def _claim_messages(self) -> int:
        """The larger the backlog, the more at a time; a lone message waits for no other."""
        until, size = self.clock.now() + CLAIM_LEASE, self._batch
        claims = self.store.claim(size, self.store.owner, until=until, without=self.programs.lacking)
        self._batch = min(2 * size, LARGEST) if len(claims) == size else max(size // 2, BATCH)
        if claims:
            self.take(claims)
        return len(claims)

    def _claim_calls(self) -> int:
        calls = self.attempts.claim(self.store.owner)
        for call in calls:
            if call.deliveries > DELIVERIES:
                self.attempts.give_up(call, DELIVERIES)
            else:
                self.attempts.send(call)
        return len(calls)

    # ── claimed triggers ─────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, claims: Sequence[Claim]) -> None:
        """Interprets claimed triggers and commits their slices; what fails is given back."""
        self.telemetry.count("claim", len(claims))
        try:
            try:
                self._take(claims)
            except Exception as error:
                if _of_the_store(error):
                    raise
                self._take_alone(claims)
        except Exception:
            # Until the store is well nobody knows what was committed. Then whatever was not is given back at once.
            self._owed += [(claim.letter.seq, claim.letter.deliveries) for claim in claims]
            raise

    def _take_alone(self, claims: Sequence[Claim]) -> None:
        """One of them cannot be committed, and takes no other with it. Those that were are fenced."""
        for claim in claims:
            try:
                self._take([claim])
            except Exception as error:
                if _of_the_store(error):
                    raise
                log.error("a %s could not be committed", claim.letter.message.kind, exc_info=quiet(error))
                back = Return(claim.letter.seq, claim.letter.deliveries, ready=self.clock.now())
                self._give_back([self._failed(back, claim.letter.failures, error)])

    def _take(self, claims: Sequence[Claim]) -> None:
        made: list[Mutation] = []
        returns: list[Return] = []
        for claim in claims:
            result = self._interpret(claim)
            if isinstance(result, Mutation):
                made.append(result)
            else:
                returns.append(result)
        if made:
            for mutation, outcome in zip(made, self.commit(made), strict=True):
                if outcome.kind == "conflict":
                    seq, fence = mutation.consumes.seq, mutation.consumes.fence  # type: ignore[union-attr]
                    returns.append(Return(seq, fence, ready=self.clock.now(), counts=False))
        if returns:
            self._give_back(returns)

    def _give_back(self, returns: Sequence[Return]) -> None:
        """Others have seen these leased, and sleep until the leases would end: they are told."""
        try:
            self.store.give_back(returns)
        except BaseException:
            self.tell((), work=True)
            raise
        now = self.clock.now()
        later = [one.ready for one in returns if one.ready > now and not one.dead]
        self._wake.notify(Hint((), work=len(later) < len(returns), due=min(later, default=None)))

    def _interpret(self, claim: Claim) -> Mutation | Return:
        letter = claim.letter
        back = Return(letter.seq, letter.deliveries, ready=self.clock.now(), counts=False)
        if letter.failures > DELIVERIES:
            self.telemetry.count("message.dead")
            reason = letter.error or f"{DELIVERIES} workers died with it"
            return replace(back, dead=True, error=reason)  # this delivery was no attempt
        try:
            trigger: Trigger = trigger_of(letter.message, arrived=letter.arrived)
            return self.slicer.next(claim.stored, trigger, claim.consumes)
        except LACKING:
            return back
        except ArmillaryError as error:
            return self._refused(back, claim, error)
        except Exception as error:
            log.error("%s could not take its %s", claim.stored.row.id, letter.message.kind, exc_info=quiet(error))
            return self._failed(back, letter.failures, error)

    def _refused(self, back: Return, claim: Claim, error: ArmillaryError) -> Return:
        """The store failed meanwhile; or this release cannot read the snapshot or the trigger; or else it is the
        trigger's own fault."""
        if error.code.startswith("store."):
            raise error
        if error.code in NEWER:
            self.programs.cannot_read(claim.stored.row.id, claim.stored.row.digest, error)
            return back
        if not isinstance(error, SnapshotError):
            log.error("%s could not take its %s: %s", claim.stored.row.id, claim.letter.message.kind, error.code)
        return self._failed(back, claim.letter.failures, error)

    def _failed(self, back: Return, failures: int, error: Exception) -> Return:
        dead = failures >= DELIVERIES
        self.telemetry.count("message.dead" if dead else "message.failed")
        reason = str(error) if isinstance(error, ArmillaryError) else f"{type(error).__name__}: {error}"
        wait = BACK_OFF[min(failures, len(BACK_OFF)) - 1] * SECOND
        return replace(back, counts=True, dead=dead, error=reason, ready=self.clock.now() + wait)


def _of_the_store(error: Exception) -> bool:
    """Whether the store failed, and not what was to be put into it."""
    return isinstance(error, ArmillaryError) and error.code.startswith("store.") and error.code not in OWN_FAULTS
