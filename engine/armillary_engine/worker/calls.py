"""The pool that calls services: daemon threads of their own, so that a handler that hangs blocks nothing and no exit.

A place is taken before a call is leased, and given back when its handler returns or is abandoned. An abandoned handler
keeps its thread until it returns; so many at most may be abandoned at a time, then the pool takes no more calls.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..clock import Clock, as_datetime
from ..definition.codec import loads
from ..interpreter.triggers import CallReturned, Failed, token
from ..rows import CallRow
from ..runtime import Request
from ..telemetry import quiet
from ..transport import Accepted, Reply, Transport

log = logging.getLogger(__name__)
THREADS = 64
"""Handlers at work at a time."""
ABANDONED = 64
"""Handlers that may hang at a time."""
OWED = 256
"""Answers that may wait to be committed: with more of them no call is sent, or their leases would end meanwhile."""
TURN = 8
"""While calls of a service may wait in the store, one in so many that slices open goes there too, and leaves its place
to the one that has waited longest."""
IDLE_SECONDS = 10.0
"""A thread without work ends after this time."""

Key = tuple[str, int, int]
"""An attempt in flight: instance, serial, fence."""


def key_of(call: CallRow) -> Key:
    """What tells attempts in flight apart."""
    return (call.instance, call.serial, call.fence)


@dataclass(frozen=True, slots=True)
class Returned:
    """An attempt that is over, and the trigger it makes; ``None``: the service will answer later."""

    call: CallRow
    trigger: CallReturned | None


@dataclass(frozen=True, slots=True)
class Places:
    """Places that were taken: so many in all, and at most so many of each service."""

    total: int
    services: Mapping[str, int]


@dataclass(slots=True)
class _Service:
    transport: Transport
    limit: int
    busy: int = 0
    waits: bool = False
    """Calls of it may wait in the store for a place."""
    turn: int = 0


class CallPool:
    """Calls services and hands what they answer to ``returned``, on the thread of the call: an attempt is in flight, or
    it has been handed over, and never neither. ``returned`` must not call the pool; ``afterwards``, which its thread
    calls before it takes another call, may. ``freed`` hears that calls are taken again after too many
    hung; ``owed`` says how many answers wait to be committed."""

    def __init__(
        self, returned: Callable[[Returned], None], *, clock: Clock, threads: int = THREADS,
        beat: Callable[[CallRow], None] = lambda call: None, freed: Callable[[], None] = lambda: None,
        owed: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        self._returned = returned
        self._beat = beat
        self._freed = freed
        self._owed = owed
        self.afterwards: Callable[[], None] = lambda: None
        self._clock = clock
        self._threads = threads
        self._services: dict[str, _Service] = {}
        self._lock = threading.Lock()
        self._work: deque[CallRow] = deque()
        self._wakes: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._coming = False
        """A thread was sent for, and has not come yet."""
        self._flying: dict[Key, CallRow] = {}
        self._reserved = 0
        self._idle = 0
        self._abandoned = 0
        self._turned_away = False
        self._closed = False

    # ── services ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def register(self, name: str, transport: Transport, *, concurrency: int | None = None) -> None:
        """Binds a service; an earlier binding of the name is replaced for the calls to come."""
        limit = self._threads if concurrency is None else max(1, concurrency)
        with self._lock:
            known = self._services.get(name)
            if known is None:
                self._services[name] = _Service(transport, limit)
            else:
                known.transport, known.limit = transport, limit

    @property
    def services(self) -> frozenset[str]:
        """The names of the services that are bound."""
        return frozenset(self._services)

    @property
    def abandoned(self) -> int:
        """How many handlers hang beyond their time."""
        return self._abandoned

    # ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def free(self) -> list[str]:
        """The services that have a free place."""
        with self._lock:
            left = self._left()
            names = [name for name, service in self._services.items() if left > 0 and service.busy < service.limit]
            self._turned_away = self._turned_away or len(names) < len(self._services)
            return names

    def reserve_all(self) -> Places:
        """Takes all free places, those of each service and those of the pool: what no call is found for is to be given
        back by :meth:`release_unused`."""
        with self._lock:
            left = self._left()
            taken = {name: service.limit - service.busy for name, service in self._services.items()}
            taken = {name: places for name, places in taken.items() if places > 0 and left > 0}
            for name, places in taken.items():
                self._services[name].busy += places
            self._reserved += left if taken else 0
            return Places(left if taken else 0, taken)

    def _left(self) -> int:
        if self._closed or self._abandoned >= ABANDONED or self._owed() >= OWED:
            return 0
        return self._threads - self._reserved

    def reserve(self, name: str) -> bool:
        """Takes a place of the service for a call that is not stored yet, if it is bound here, has one, and has not to
        leave it to another one."""
        with self._lock:
            service = self._services.get(name)
            if service is None:
                return False
            if service.busy >= service.limit or self._left() <= 0:
                self._turned_away = service.waits = True
                return False
            service.turn += service.waits
            if service.turn == TURN:
                service.turn = 0
                return False
            service.busy += 1
            self._reserved += 1
            return True

    def release_unused(self, places: Places, calls: Sequence[CallRow]) -> None:
        """Gives back what :meth:`reserve_all` took, but for the places of ``calls``, which are all that were found."""
        found = Counter(call.service for call in calls)
        with self._lock:
            for name, service in self._services.items():
                service.waits = len(calls) == places.total or found[name] == places.services.get(name, 0)
            self._reserved -= places.total - len(calls)
            for name, count in places.services.items():
                self._services[name].busy -= count
            for call in calls:
                self._services[call.service].busy += 1

    def release(self, name: str) -> None:
        """Gives a place back."""
        with self._lock:
            self._release(name)

    def _release(self, name: str) -> None:
        self._reserved -= 1
        self._services[name].busy -= 1

    def was_short(self) -> bool:
        """Whether a call was turned away for want of a place since the last time this was asked: then a place that was
        given back may be for one that waits in the store."""
        with self._lock:
            short, self._turned_away = self._turned_away, False
            return short

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, call: CallRow) -> None:
        """Sends a call that this worker has leased, in a place that it has reserved."""
        with self._lock:
            self._flying[key_of(call)] = call
            self._work.append(call)
            self._send_for_one()

    def _send_for_one(self) -> None:
        """A thread for what waits; who comes sends for the next one before it begins. Handlers that are quick are all
        called by the first: to wake a thread takes longer than they do. Holds the lock."""
        if self._coming or not self._work:
            return
        if self._idle:
            self._idle -= 1
            self._wakes.put(True)
        else:
            threading.Thread(target=self._run, name="armillary-call", daemon=True).start()
        self._coming = True

    @property
    def flying(self) -> list[CallRow]:
        """The attempts in flight."""
        with self._lock:
            return list(self._flying.values())

    @property
    def idle(self) -> bool:
        """Nothing is in flight."""
        return not self._flying

    def abandon(self, call: CallRow, *, hung: bool) -> bool:
        """Stops waiting for an attempt: whatever it returns is dropped, its place is free. Whether it was in flight."""
        with self._lock:
            if self._flying.pop(key_of(call), None) is None:
                return False
            self._abandoned += 1
            self._release(call.service)
        if hung:
            log.warning("service %r did not answer %s within its time", call.service, call.operation)
        return True

    def _run(self) -> None:
        came = True
        while came:
            with self._lock:
                self._coming = False
            while (call := self._take()) is not None:
                self._send(call)
                self.afterwards()
            came = self._rest()

    def _take(self) -> CallRow | None:
        """A call that waits; without one, the thread is idle from now on."""
        with self._lock:
            if self._work:
                call = self._work.popleft()
                self._send_for_one()
                return call
            if self._closed:
                self._wakes.put(False)
            else:
                self._idle += 1
            return None

    def _rest(self) -> bool:
        """Until somebody sends for this thread; ``False``: it is to end."""
        try:
            return self._wakes.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            with self._lock:
                if self._idle:
                    self._idle -= 1
                    return False
            return self._wakes.get()  # it was sent for at this moment

    def _send(self, call: CallRow) -> None:
        service = self._services[call.service]
        try:
            answer = service.transport.send(request_of(call, self._clock.now(), lambda: self._beat(call)))
        except BaseException as error:
            log.error("transport of service %r raised", call.service, exc_info=quiet(error))
            answer = Failed("failure.transport", f"the transport of {call.service!r} broke: {error!r}")
        trigger: CallReturned | None = None
        match answer:
            case Accepted():
                pass
            case Reply(value=value):
                trigger = CallReturned(call.serial, call.attempt, reply=value)
            case Failed():
                trigger = CallReturned(call.serial, call.attempt, failed=answer)
        with self._lock:
            if self._flying.pop(key_of(call), None) is not None:
                self._release(call.service)
                self._returned(Returned(call, trigger))
                return
            self._abandoned -= 1
            again = self._abandoned == ABANDONED - 1
        if again:
            self._freed()

    def close(self) -> list[CallRow]:
        """Takes no more calls and lets idle threads end. Gives the calls that are left in flight, now abandoned."""
        with self._lock:
            self._closed = True
            left = list(self._flying.values())
            self._work.clear()
            for _ in range(self._idle):
                self._wakes.put(False)
            self._idle = 0
        for call in left:
            self.abandon(call, hung=False)
        return left


def request_of(call: CallRow, now: int, heartbeat: Callable[[], None] = lambda: None) -> Request:
    """What the handler of ``call`` is given. ``deadline``: the end of this attempt, or of the step if that is
    sooner."""
    return Request(
        service=call.service,
        operation=call.operation,
        arguments=loads(call.arguments_json),
        idempotency_key=call.key,
        instance_id=call.instance,
        step_id=call.step,
        attempt=call.attempt,
        deadline=as_datetime(min(call.deadline, now + call.attempt_timeout)),
        token=token(call.instance, call.serial),
        heartbeat=heartbeat,
    )
