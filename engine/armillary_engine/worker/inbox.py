"""What is to be committed: replies of services, until they are committed with the slices that they start; and, where a
store takes one writer at a time, the instances that several threads want to begin at a time."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..interpreter import SnapshotError
from ..messages import message
from ..mutation import Delivery, Mutation, Replied
from ..rows import Stored
from ..telemetry import quiet
from .calls import Returned
from .programs import LACKING
from .wanted import Committed, Wanted

if TYPE_CHECKING:
    from .engine import Engine
    from .waiting import Hand

log = logging.getLogger(__name__)
BATCH = 32
"""So many replies and beginnings are taken at a time."""


class Inbox:
    """What is to be committed by one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: deque[Returned | Wanted] = deque()
        self._settling = threading.Lock()
        self._guard = threading.Lock()
        self._helped = False
        self.hands: dict[str, Hand] = {}
        """Threads that wait for an instance, and lend a hand."""
        self._together = engine.store.capabilities.one_writer
        self._never = {threading.main_thread().ident}
        """Threads that wait for no other: the main one may be interrupted, and the loop is who is waited for."""

    # ── beginnings ───────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, make: Callable[[], Mutation]) -> Committed:
        """Commits the mutation that ``make`` gives. Who is alone does it on their own thread. What several want at a
        time is made and committed by the loop, together with replies: they would else be in one another's way, for the
        interpreter's lock and for the store's. Raises what ``make`` and the store raise."""
        if not self._together or not self._helped or threading.get_ident() in self._never:
            return self._commit(make)
        if not self._waiting and self._settling.acquire(blocking=False):
            try:
                return self._commit(make)
            finally:
                self._settling.release()
                if self._waiting:
                    self._rouse()
        wanted = Wanted(make)
        with self._guard:
            helped = self._helped
            if helped:
                self._waiting.append(wanted)
        if not helped:
            return self._commit(make)
        self._rouse()
        return wanted.wait()

    def _commit(self, make: Callable[[], Mutation]) -> Committed:
        mutation = make()
        (outcome,) = self._engine.commit([mutation])
        return mutation, outcome

    def never_wait(self) -> None:
        """This thread does what others wait for."""
        self._never.add(threading.get_ident())

    # ── replies ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, returned: Returned) -> None:
        """An attempt is over: called from its thread, which lends a hand afterwards, or leaves it to the loop."""
        self._waiting.append(returned)
        if not self._helped:
            self._rouse()

    @property
    def waiting(self) -> int:
        """So many are not committed yet."""
        return len(self._waiting)

    def settle(self) -> bool:
        """Commits what services have answered, unless another thread is at it: that one takes what has come meanwhile
        as well. Whether there was something."""
        did = False
        while self._waiting and self._settling.acquire(blocking=False):
            try:
                did = self._settle() or did
            finally:
                self._settling.release()
        return did

    def be_helped(self, yes: bool) -> None:
        """From now on the threads of calls lend a hand, and the loop does what several want; or no longer, and then
        none of them is at it any more."""
        with self._settling, self._guard:
            self._helped = yes
            self._engine.pool.afterwards = self._help if yes else lambda: None

    def finish(self) -> None:
        """Commits what waits, for the last time. Whatever happens, nobody waits any longer."""
        try:
            self.settle()
        finally:
            for one in [one for one in self._waiting if isinstance(one, Wanted)]:
                self._commit_alone(one)

    def _help(self) -> None:
        """The reply of a lone call is committed on its own thread: to wake the loop for it costs more than its slice.
        Better still by the only thread that waits, for its instance: that has begun it and has all at hand, and has to
        be woken anyway. Those of several are the loop's, which takes them together."""
        if len(self.hands) == 1 and self._hand_over():
            return
        if len(self._waiting) == 1 and self._engine.pool.idle:
            self.lend()
        elif self._waiting:
            self._rouse()

    def _hand_over(self) -> bool:
        waiting = list(self._waiting)
        if len(waiting) != 1 or isinstance(waiting[0], Wanted) or not self._engine.pool.idle:
            return False
        instance = waiting[0].call.instance
        hand = self.hands.get(instance)
        if hand is None:
            return False
        hand.wanted = True
        hand.wake()
        return self.hands.get(instance) is hand  # it may have gone meanwhile, without having seen it

    def _rouse(self) -> None:
        """The loop is to look. Its flag goes down before it does, so one that is up need not be set."""
        flag = self._engine.pulse.flag
        if not flag.is_set():
            flag.set()

    def lend(self) -> None:
        """Commits what waits on this thread, or leaves it to the loop."""
        if self._waiting and self._settling.acquire(blocking=False):
            try:
                if self._helped:
                    self._settle()
            except Exception:  # noqa: BLE001 - the loop meets it as well, reports it and pauses
                pass
            finally:
                self._settling.release()
        if self._waiting:
            self._rouse()

    def dismiss(self, instance: str, hand: Hand) -> None:
        """A thread waits no longer. What it may have been woken for is the loop's."""
        if self.hands.get(instance) is hand:
            del self.hands[instance]
        if hand.wanted:
            self._rouse()

    def _settle(self) -> bool:
        """One commit for what waits: at most one reply of an instance, and some beginnings."""
        replies, known, wanted = self._take()
        if not replies and not wanted:
            return False
        try:
            self._commit_together(replies, known, wanted)
        except Exception:
            self._waiting.extend(replies.values())  # the services have answered all the same
            if not wanted:
                raise  # the store failed
            for one in wanted:  # or one of these is at fault
                if not one.over:
                    self._commit_alone(one)
        if self._engine.pool.was_short():
            self._engine.pulse.beat()
        return True

    def _take(self) -> tuple[dict[str, Returned], dict[str, Stored], list[Wanted]]:
        """Replies by their instance; what this engine has committed of these itself, and nobody else since, as far as
        it knows; and beginnings."""
        replies: dict[str, Returned] = {}
        known: dict[str, Stored] = {}
        later: list[Returned | Wanted] = []
        wanted: list[Wanted] = []
        while self._waiting and len(replies) + len(wanted) < BATCH:
            one = self._waiting.popleft()
            if isinstance(one, Wanted):
                wanted.append(one)
                continue
            left = self._engine.attempts.forget(one.call)
            if left is not None:
                known[one.call.instance] = left
            if one.call.instance in replies:
                later.append(one)
            else:
                replies[one.call.instance] = one
        self._waiting.extendleft(reversed(later))
        return replies, known, wanted

    def _commit_together(
        self, replies: dict[str, Returned], known: dict[str, Stored], wanted: Sequence[Wanted]
    ) -> None:  # fmt: skip
        self._accept([one for one in replies.values() if one.trigger is None])
        mutations, kept = self._slices({key: one for key, one in replies.items() if one.trigger is not None}, known)
        made = self._made(wanted)
        mutations += [one.made for one in made.values() if one.made is not None]
        for mutation, outcome in zip(mutations, self._engine.commit(mutations) if mutations else (), strict=True):
            if (one := made.get(mutation.row.id)) is not None:
                one.finish((mutation, outcome))
                continue
            returned = replies[mutation.row.id]
            if outcome.kind == "conflict":
                self._waiting.append(returned)
            elif outcome.kind == "behind":
                kept.append(returned)
            elif outcome.kind != "committed":
                self._engine.tell([(mutation.row.id, 0)], work=False)
                self._engine.pulse.beat()  # somebody else holds the call, and may die with it: the store knows when
        self._keep(kept)
        for one in wanted:  # of the same id as another one
            if not one.over:
                self._commit_alone(one)

    def _made(self, wanted: Sequence[Wanted]) -> dict[str, Wanted]:
        """Those that could be made, by their instance; of several with one id the first."""
        made: dict[str, Wanted] = {}
        for one in wanted:
            mutation = one.prepare()
            if mutation is None:
                continue
            if mutation.row.id in made:
                self._engine.release(mutation)
            else:
                made[mutation.row.id] = one
        return made

    def _commit_alone(self, wanted: Wanted) -> None:
        try:
            wanted.finish(self._commit(wanted.make))
        except Exception as error:  # noqa: BLE001 - its to see
            wanted.fail(error)

    def _slices(
        self, replies: dict[str, Returned], known: dict[str, Stored]
    ) -> tuple[list[Mutation], list[Returned]]:  # fmt: skip
        """The slices that replies start, and those that must be kept."""
        unknown = [instance for instance in replies if instance not in known]
        stored = {**known, **self._engine.store.read(unknown)} if unknown else known
        mutations, kept = list[Mutation](), list[Returned]()
        for instance, returned in replies.items():
            if instance in stored and stored[instance].row.status != "suspended":
                made = self._try_slice(stored[instance], returned)
                if made is not None:
                    mutations.append(made)
                    continue
            kept.append(returned)
        return mutations, kept

    def _accept(self, accepted: Sequence[Returned]) -> None:
        """These will be answered later. One that was answered or closed meanwhile is none of ours any more."""
        for one in accepted:
            call = one.call
            if self._engine.store.upkeep.accept_call(call.instance, call.serial, call.fence):
                self._engine.telemetry.count("call.accepted")
        if accepted:
            self._engine.tell([(one.call.instance, 0) for one in accepted], work=False)

    def _try_slice(self, stored: Stored, returned: Returned) -> Mutation | None:
        if returned.trigger is None:
            return None
        try:
            return self._engine.slicer.next(
                stored, returned.trigger, Replied(returned.call.serial, returned.call.fence)
            )
        except Exception as error:
            if not isinstance(error, (*LACKING, SnapshotError)):
                log.error("instance %s could not take a reply", returned.call.instance, exc_info=quiet(error))
            return None

    def _keep(self, replies: Sequence[Returned]) -> None:
        """Stores replies that must wait, as messages."""
        if replies:
            self._engine.deliver([
                Delivery(message(one.call.instance, one.trigger), Replied(one.call.serial, one.call.fence))
                for one in replies if one.trigger is not None
            ])  # fmt: skip
