"""Attempts in flight: when each is given up, and keeping their leases while they last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from ..backend import Backend
from ..interpreter.triggers import CallReturned, Failed
from ..rows import CallRow, Stored
from ..telemetry import Telemetry
from .calls import CallPool, Key, Returned, key_of
from .pulse import Pulse

SECOND = 1_000_000
CALL_LEASE = 30 * SECOND
EXTEND_EVERY = 10 * SECOND
REMEMBERED = 16 * 1024
"""Bytes of a snapshot that is kept beside a call in flight, so that its reply need not read it. So no more memory is
held than this for each thread of the pool, and none for an instance that waits for anything else."""


class Attempts:
    """Sends calls that are leased to this worker, and minds them until they have returned."""

    def __init__(
        self, store: Backend, pulse: Pulse, telemetry: Telemetry, returned: Callable[[Returned], None],
        owed: Callable[[], int],
    ) -> None:  # fmt: skip
        self.pool = CallPool(returned, clock=store.clock, beat=self.beat, freed=pulse.beat, owed=owed)
        self._store = store
        self._clock = store.clock
        self._pulse = pulse
        self._telemetry = telemetry
        self._returned = returned
        self._expires: dict[Key, int] = {}
        self._beating = threading.Lock()
        self._silent: dict[Key, int] = {}
        """When an attempt that was to tell that it lives has been silent for too long."""
        self._extend_at: int | None = None
        self._left: dict[str, Stored] = {}
        self._answering: set[str] = set()

    def remember(self, left: Stored) -> None:
        """An instance as it was committed with a call that is about to be sent, for when the reply comes."""
        if len(left.snapshot) <= REMEMBERED:
            self._left[left.row.id] = left

    def send(self, call: CallRow) -> None:
        """Sends a call that is leased to this worker, in a place that is reserved."""
        now = self._clock.now()
        expires = min(now + call.attempt_timeout, call.deadline)
        self._expires[key_of(call)] = expires
        extend_at = self._extend_at
        over = extend_at is not None and extend_at <= now and len(self._expires) == 1  # of calls that have returned
        if extend_at is None or over or extend_at > now + EXTEND_EVERY:  # the clock may have been set back
            extend_at = self._extend_at = now + EXTEND_EVERY
        if call.heartbeat is not None:
            self._silent[key_of(call)] = now + call.heartbeat
        self._telemetry.count("call")
        self.pool.call(call)
        self._pulse.wake_before(min(expires, extend_at, self._silent.get(key_of(call), expires)))

    def beat(self, call: CallRow) -> None:
        """The handler of ``call`` lives: called from its thread."""
        with self._beating:  # an attempt that was given up may still beat: it must not come back
            if call.heartbeat is not None and key_of(call) in self._silent:
                self._silent[key_of(call)] = self._clock.now() + call.heartbeat

    def forget(self, call: CallRow) -> Stored | None:
        """The attempt is over. Gives what was left of its instance with it, which may be out of date by now."""
        self._expires.pop(key_of(call), None)
        if call.heartbeat is not None:
            with self._beating:
                self._silent.pop(key_of(call), None)
        return self._left.pop(call.instance, None)

    def under_way(self, instance: str) -> bool:
        """Whether an instance waits for a call in flight here, as far as is known, or its reply is being committed;
        when that is over, it is told."""
        return instance in self._left or instance in self._answering

    def answering(self, instances: Iterable[str], yes: bool) -> None:
        """Their replies are being committed, or have been, and they are about to be told."""
        (self._answering.update if yes else self._answering.difference_update)(instances)

    def outdate(self, changed: Iterable[tuple[str, int]]) -> None:
        """These are no longer what their calls in flight left; an empty id stands for any."""
        for instance, _ in changed:
            if instance:
                self._left.pop(instance, None)
            else:
                self._left.clear()

    def next_moment(self) -> int | None:
        """When :meth:`mind` has something to do."""
        moments = [*self._expires.values(), *list(self._silent.values())]
        extend_at = self._extend_at
        if extend_at is not None and (moments or extend_at > self._clock.now()):
            moments.append(extend_at)  # with nothing in flight, too: then the next call need not wake the loop
        return min(moments, default=None)

    def mind(self) -> None:
        """Gives up attempts whose time is over, and extends the leases of the others."""
        if not self._expires:
            return
        now = self._clock.now()
        extend_at = self._extend_at
        if extend_at is None:
            extend_at = self._extend_at = now + EXTEND_EVERY
        for call in self.pool.flying:
            failed = self._overdue(call, now)
            if failed is not None and self.pool.abandon(call, hung=True):
                self._telemetry.count("call.timeout")
                self._fail(call, failed)
        if extend_at <= now:
            self._extend(now)

    def _overdue(self, call: CallRow, now: int) -> Failed | None:
        expires = self._expires.get(key_of(call))
        what = f"{call.service}/{call.operation}"
        if expires is not None and expires <= now:
            return Failed("timeout.attempt", f"expected {what} to answer in time, and it did not")
        silent = self._silent.get(key_of(call))
        if silent is not None and silent <= now:
            seconds = (call.heartbeat or 0) / 1_000_000
            return Failed(
                "timeout.heartbeat", f"expected a heartbeat of {what} every {seconds:g} s, and there was none"
            )
        return None

    def _fail(self, call: CallRow, failed: Failed) -> None:
        self._returned(Returned(call, CallReturned(call.serial, call.attempt, failed=failed)))

    def _extend(self, now: int) -> None:
        flying = {key_of(call): call for call in self.pool.flying}
        self._extend_at = now + EXTEND_EVERY if flying else None
        if not flying:
            return
        lost = self._store.extend_calls(list(flying), until=now + CALL_LEASE)
        for key in lost:
            if self.pool.abandon(flying[key], hung=False):
                self.forget(flying[key])
                self._telemetry.count("call.lease-lost")
        if lost or self.pool.was_short():
            self._pulse.beat()  # their places are free for others, and whoever holds them now may die with them

    def give_up(self, call: CallRow, deliveries: int) -> None:
        """A call that was sent again and again, and each worker died or lost it, has failed."""
        self._telemetry.count("call.abandoned")
        self.pool.release(call.service)
        what = f"{call.service}/{call.operation}"
        text = f"expected an answer of {what}, and {deliveries} workers were lost with it"
        self._fail(call, Failed("failure.abandoned", text))

    def claim(self, owner: str) -> list[CallRow]:
        """Leases calls that are due for all places that are free."""
        places = self.pool.reserve_all()
        calls: list[CallRow] = []
        try:
            if places.total:
                until = self._clock.now() + CALL_LEASE
                calls = list(self._store.claim_calls(owner, services=places.services, until=until, n=places.total))
        finally:
            self.pool.release_unused(places, calls)
        return calls
