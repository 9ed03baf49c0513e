"""Waiting for an instance, and lending a hand meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..backend import Found
from ..definition.problems import ArmillaryError
from ..runtime import Changed, InstanceView, Until
from .hand import Hand
from .standing import Standing
from .subscribers import Subscribers

if TYPE_CHECKING:
    from .engine import Engine


class Waiting:
    """Waits for instances of one engine. ``look`` gives the view of an instance in the store."""

    def __init__(
        self, engine: Engine, subscribers: Subscribers, standing: Standing, look: Callable[[str], InstanceView]
    ) -> None:  # fmt: skip
        self._engine = engine
        self._subscribers = subscribers
        self._standing = standing
        self.look = look
        self._wakes: set[Callable[[], None]] = set()
        self._closed = False

    def close(self) -> None:
        """Whoever waits is woken, and told that nothing more comes: ``store.closed``."""
        self._closed = True
        for wake in list(self._wakes):
            wake()

    def wait(self, id: str, *, until: Until = "resting", timeout: float | None = None) -> InstanceView:
        """See :meth:`armillary_engine.runtime.Runtime.wait`. While a call of the instance is in flight here there is no
        need to wake or to look. The main thread lends no hand: it never writes."""
        hand, inbox = Hand(), self._engine.inbox
        helps = threading.current_thread() is not threading.main_thread()
        end = None if timeout is None else time.monotonic() + timeout
        leave = self.attend(id, hand.wake)
        try:
            if helps:
                inbox.hands[id] = hand
            view = self.seen(id)
            while view is None or not view.reached(until):
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return view or self.look(id)
                self.expect_open(id)
                hand.sleep(left)
                if hand.wanted:
                    hand.wanted = False
                    inbox.lend()
                view = self.seen(id)
            return view
        finally:
            leave()
            if helps:
                inbox.dismiss(id, hand)

    def attend(self, id: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Calls ``wake``, on the thread that has committed, when an instance is to be looked at again; until what this
        gives is called."""

        def told(changed: Changed) -> None:
            if not self._under_way(id):
                wake()

        def leave() -> None:
            subscription.close()
            self._wakes.discard(wake)

        self._wakes.add(wake)
        subscription = self._subscribers.add(told, instance=id, at_once=True)
        return leave

    def expect_open(self, id: str) -> None:
        """Raises ``store.closed``."""
        if self._closed:
            message = f"expected the store to stay open while {id} is waited for, got one that was closed"
            raise ArmillaryError("store.closed", message, hint="open it, and wait again: the instance goes on")

    def _under_way(self, id: str) -> bool:
        """What comes of it will be told here."""
        return not self._closed and self._engine.attempts.under_way(id)

    def seen(self, id: str) -> InstanceView | None:
        """``None``: it has not reached anything, and is told of when it may have."""
        if self._under_way(id):
            return None
        row = self._engine.over.get(id)
        return self.look(id) if row is None else self._standing.view(Found(row))

    def at_hand(self, id: str) -> bool:
        """Whether :meth:`seen` needs no look into the store, as far as is known."""
        if self._under_way(id):
            return True
        row = self._engine.over.get(id)
        return row is not None and self._standing.at_hand(Found(row))
