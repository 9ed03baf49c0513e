"""An engine without threads, on the memory store and a clock that stands still: for tests of workflows.

Services are called on the thread of whoever settles it. Whoever calls gets the answer when the clock says that it has
come: a transport that calls ``pause(seconds)`` delays it so.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from ..backends.memory import MemoryBackend
from ..definition.expressions import Functions
from ..local import LocalRuntime
from ..rows import CallRow
from ..runtime import Request
from ..transport import Answer, Transport
from ..worker.calls import CallPool, Returned, key_of, request_of
from .clock import VirtualClock

NEVER = 2**62


class _Held:
    """Gives the answer that its service has given before, now that the time for it has come."""

    def __init__(self, pool: InlinePool, transport: Transport) -> None:
        self._pool = pool
        self.transport = transport

    def send(self, request: Request) -> Answer:
        if self._pool.held is None:
            return self.transport.send(request)
        return self._pool.held


class InlinePool(CallPool):
    """Calls at once, and hands the answer over when its delay is over."""

    def __init__(self, returned: Callable[[Returned], None], *, clock: VirtualClock) -> None:
        super().__init__(returned, clock=clock)
        self._ahead: list[tuple[int, int, CallRow, Answer]] = []
        self._number = count()
        self._delay = 0
        self.held: Answer | None = None

    def register(self, name: str, transport: Transport, *, concurrency: int | None = None) -> None:
        super().register(name, _Held(self, transport), concurrency=concurrency)

    def pause(self, seconds: float) -> None:
        """The answer of the call that is being made comes so much later."""
        self._delay = NEVER if seconds * 1e6 >= NEVER else self._delay + int(seconds * 1_000_000)

    def call(self, call: CallRow) -> None:
        with self._lock:
            self._flying[key_of(call)] = call
        self._delay, now = 0, self._clock.now()
        answer = self._services[call.service].transport.send(request_of(call, now))
        heapq.heappush(self._ahead, (now + self._delay, next(self._number), call, answer))

    def abandon(self, call: CallRow, *, hung: bool) -> bool:
        return super().abandon(call, hung=False)  # a silent service is meant

    def next_moment(self) -> int | None:
        """When the next answer comes."""
        return self._ahead[0][0] if self._ahead and self._ahead[0][0] < NEVER else None

    def deliver(self) -> bool:
        """Hands over the answer whose time has come first. False: there is none."""
        if not self._ahead or self._ahead[0][0] > self._clock.now():
            return False
        _, _, call, self.held = heapq.heappop(self._ahead)
        try:
            self._send(call)
        finally:
            self.held = None
        return True


class InlineEngine:
    """A runtime that does what there is to do when it is told to, on this thread, in the same order each time."""

    def __init__(self, *, now: int, functions: Functions | None = None) -> None:
        self.clock = VirtualClock(now)
        store = MemoryBackend(clock=self.clock)
        self.runtime = LocalRuntime("memory://", functions=functions, store=store, work=False)
        self.engine = self.runtime.engine
        self.pool = InlinePool(self.engine.inbox.put, clock=self.clock)
        self.engine.pool = self.engine.attempts.pool = self.pool

    def settle(self) -> None:
        """Does all that there is to do now."""
        flag = self.engine.pulse.flag
        while True:
            flag.clear()
            if not self.engine.step() and not self.pool.deliver() and not flag.is_set():
                return

    def next_moment(self) -> int | None:
        """When something is due, as the store says now; ``None``: not without somebody outside."""
        self.engine.pulse.beat()
        self.settle()
        moments = [moment for moment in (self.engine.next_moment(), self.pool.next_moment()) if moment is not None]
        return max(min(moments), self.clock.now() + 1) if moments else None

    def go_to(self, moment: int) -> None:
        """The clock goes on."""
        self.clock.advance(microseconds=moment - self.clock.now())
