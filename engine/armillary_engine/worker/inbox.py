"""What is to be committed: replies of services, until they are committed with the slices that they start; and the
instances that several threads want to begin at a time."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..mutation import Mutation
from ..rows import Stored
from .batches import Batch, commit_alone
from .calls import Returned
from .wanted import Committed, Wanted

if TYPE_CHECKING:
    from .engine import Engine
    from .hand import Hand

BATCH = 32
"""So many replies and beginnings are taken at a time."""
MANY = 3
"""Where fewer are told of a batch, there is nothing to gain from making the next one ahead."""
BATCHES = 32
"""So many batches at most are begun one after the other before the loop looks for what else there is to do."""


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
        self._never = {threading.main_thread().ident}
        """Threads that wait for no other: the main one may be interrupted, and the loop is who is waited for."""

    # ── beginnings ───────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self, make: Callable[[], Mutation]) -> Committed:
        """Commits the mutation that ``make`` gives. Who is alone does it on their own thread. What several want at a
        time is made and committed by the loop, together with replies: they would else be in one another's way, for the
        interpreter's lock and for the store's. Raises what ``make`` and the store raise."""
        if not self._helped or threading.get_ident() in self._never:
            return self._commit(make)
        if not self._waiting and self._settling.acquire(blocking=False):
            try:
                return self._commit(make)
            finally:
                self._settling.release()
                if self._waiting:
                    self._rouse()
        wanted = Wanted(make)
        return wanted.wait() if self.want(wanted) else self._commit(make)

    def want(self, wanted: Wanted) -> bool:
        """Leaves it to the loop, if that is at work."""
        with self._guard:
            helped = self._helped
            if helped:
                self._waiting.append(wanted)
        if helped:
            self._rouse()
        return helped

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
        if not self._waiting or not self._settling.acquire(blocking=False):
            return False
        try:
            return self._settle()
        finally:
            self._settling.release()

    def be_helped(self, yes: bool) -> None:
        """From now on the threads of calls lend a hand, and the loop does what several want; or no longer, and then
        none of them is at it any more."""
        with self._settling, self._guard:
            self._helped = yes
            self._engine.pool.afterwards = self._help if yes else lambda: None

    def finish(self) -> None:
        """Commits what waits, for the last time. Whatever happens, nobody waits any longer."""
        try:
            while self.settle():
                pass
        finally:
            for one in [one for one in self._waiting if isinstance(one, Wanted)]:
                commit_alone(self._engine, one)

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
                    self._one()
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
        """Commits what waits, batch after batch, until nothing does, or the loop has something else to do.

        The next batch is sent before anybody is told of the last one: whoever goes on then finds the interpreter's lock
        free, for this thread waits for the store. Told before, each would wake, find it taken, and sleep again."""
        left, owed = BATCHES, len(self._waiting)
        last: Batch | None = None
        begun = deque(self._begin())
        try:
            while begun:
                owed -= begun[0].size
                following = self._ahead(begun[0], last) if last is not None and left > 1 else None
                begun[0].hear()
                # What had come before is taken first: were more calls sent than answers are committed, these would wait
                # until their leases have ended.
                left = 0 if owed <= 0 and self._engine.pressed() else left - 1
                if left or following:
                    begun.extend(self._begin(begun[0], following))
                last = begun.popleft()
                self._end(last)
        except BaseException:
            for batch in begun:  # what was sent is to be heard of, and told
                with contextlib.suppress(Exception):
                    batch.hear()
                    self._end(batch)
            raise
        return left < BATCHES

    def _one(self) -> None:
        """One batch, on a thread that lends a hand."""
        for batch in self._begin():
            batch.hear()
            self._end(batch)

    def _ahead(self, before: Batch, last: Batch) -> Batch | None:
        """The next batch, made while the store is at the one ``before`` it. Whoever was told of the ``last`` one is
        given a third of the time that it took, to bring what they bring."""
        if last.size < MANY or before.ready(last.took / 3) or self._engine.pressed():
            return None
        return self._take(before)

    def _begin(self, before: Batch | None = None, batch: Batch | None = None) -> Sequence[Batch]:
        """The next batch, sent; none: nothing waits but for what is to be told of the one ``before`` it."""
        batch = batch or self._take(before)
        if batch is None:
            return ()
        self._try(batch, batch.send)
        return (batch,)

    def _try(self, batch: Batch, step: Callable[[], None]) -> None:
        """A step that is the batch's last where it fails: then what it had waits again."""
        try:
            step()
        except BaseException:
            self._waiting.extend(batch.again)
            raise

    def _end(self, batch: Batch) -> None:
        try:
            batch.finish()
        finally:
            self._waiting.extend(batch.again)
            if self._engine.pool.was_short():
                self._engine.pulse.beat()

    def _take(self, before: Batch | None) -> Batch | None:
        """What waits, made: at most one reply of an instance, none of those that are in the batch ``before`` it; and
        beginnings. ``known``: what this engine has committed itself, and nobody else since, as far as it knows."""
        busy = before.instances if before is not None else ()
        replies: dict[str, Returned] = {}
        known: dict[str, Stored] = {}
        later: list[Returned | Wanted] = []
        wanted: list[Wanted] = []
        while self._waiting and len(replies) + len(wanted) < BATCH:
            one = self._waiting.popleft()
            if isinstance(one, Wanted):
                wanted.append(one)
                continue
            instance = one.call.instance
            if instance in replies or instance in busy:
                later.append(one)
                continue
            left = self._engine.attempts.forget(one.call)
            if left is not None:
                known[instance] = left
            replies[instance] = one
        self._waiting.extendleft(reversed(later))
        if not replies and not wanted:
            return None
        batch = Batch(self._engine, replies, known, wanted)
        self._try(batch, batch.make)
        return batch
