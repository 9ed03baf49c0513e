"""Starting instances and waiting for them from coroutines of an event loop (asyncio): none of them holds a thread, and
those that can go on at the same time are woken together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..backend import Found
from ..caller import ANYBODY
from ..definition.problems import ArmillaryError
from ..ids import check_id
from ..runtime import Caller, InstanceView, Until
from .batches import of_the_store
from .standing import Standing
from .starts import Starts, check_key, found_new
from .waiting import Waiting
from .wanted import Wanted

if TYPE_CHECKING:
    from .engine import Engine


class Bridge:
    """From the engine's threads to an event loop. To wake that costs a write to its pipe, whoever and how many are
    woken: what comes until it has woken up goes the same way."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._coming = False

    def call(self, what: Callable[[], object]) -> None:
        """Calls ``what`` in the event loop. One that is closed waits for nothing any more."""
        self._calls.append(what)
        if self._coming:
            return
        self._coming = True
        try:
            self._loop.call_soon_threadsafe(self._run)
        except RuntimeError:  # it is closed
            self._coming = False
            self._calls.clear()

    def _run(self) -> None:
        self._coming = False  # first: what comes from here on sends for another turn
        while self._calls:
            self._calls.popleft()()


class Told:
    """What a coroutine waits for, again and again, and any thread tells."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._told = False
        self._waits: asyncio.Future[None] | None = None

    def tell(self) -> None:
        """Called by any thread."""
        self._bridge.call(self._wake)

    def _wake(self) -> None:
        self._told = True
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)

    async def within(self, seconds: float | None) -> None:
        """Until it is told, or was since the last time; or so long at most."""
        if not self._told:
            self._waits = asyncio.get_running_loop().create_future()
            if seconds is None:
                await self._waits
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._waits, seconds)
        self._told = False


class Coroutines:
    """The coroutines of a runtime. ``start`` is its method for threads."""

    def __init__(
        self, engine: Engine, starts: Starts, waiting: Waiting, standing: Standing, start: Callable[..., InstanceView]
    ) -> None:  # fmt: skip
        self._inbox = engine.inbox
        self._starts = starts
        self._waiting = waiting
        self._standing = standing
        self._start = start
        self._bridges: dict[asyncio.AbstractEventLoop, Bridge] = {}

    def _bridge(self) -> Bridge:
        loop = asyncio.get_running_loop()
        found = self._bridges.get(loop)
        if found is None:
            found = Bridge(loop)
            self._bridges = {one: bridge for one, bridge in self._bridges.items() if not one.is_closed()}
            self._bridges[loop] = found
        return found

    async def start(
        self, name: str, input: Any = None, *, version: str = "*", key: str | None = None, id: str | None = None,
        delay: float | None = None, caller: Caller = ANYBODY,
    ) -> InstanceView:  # fmt: skip
        """See :meth:`armillary_engine.runtime.Runtime.start_async`. What the loop cannot do in one commit is left to a
        thread, which does it all: the key may be taken, the version may be another one by now, or nobody works here."""
        given: dict[str, Any] = {"version": version, "key": key, "id": id, "delay": delay, "caller": caller}
        if key is not None:
            check_key(key)
        if id is not None:
            check_id(id)
        found = None
        try:
            found = await self._begun(self._starts.beginning(name, input, **given))
        except ArmillaryError as error:
            if key is None or of_the_store(error):
                raise  # else it may have been started before, when it could be
        if found is None:
            return await asyncio.to_thread(self._start, name, input, **given)
        return await self._view(found)

    async def _begun(self, begin: Callable[[], Any]) -> Found | None:
        """``None``: it was not committed."""
        over = Told(self._bridge())
        wanted = Wanted(begin, over.tell)
        if not self._inbox.want(wanted):
            return None
        await over.within(None)
        mutation, outcome = wanted.wait()
        return found_new(mutation) if outcome.kind == "committed" else None

    async def _view(self, found: Found) -> InstanceView:
        if self._standing.at_hand(found):
            return self._standing.view(found)
        return await asyncio.to_thread(self._standing.view, found)

    async def wait(
        self, id: str, *, until: Until = "resting", timeout: float | None = None
    ) -> InstanceView:  # fmt: skip
        """See :meth:`armillary_engine.runtime.Runtime.wait_async`."""
        told = Told(self._bridge())
        end = None if timeout is None else time.monotonic() + timeout
        leave = self._waiting.attend(id, told.tell)
        try:
            view = await self._seen(id)
            while view is None or not view.reached(until):
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return view if view is not None else await asyncio.to_thread(self._waiting.look, id)
                self._waiting.expect_open(id)
                await told.within(left)
                view = await self._seen(id)
            return view
        finally:
            leave()

    async def _seen(self, id: str) -> InstanceView | None:
        if self._waiting.at_hand(id):
            return self._waiting.seen(id)
        return await asyncio.to_thread(self._waiting.seen, id)
