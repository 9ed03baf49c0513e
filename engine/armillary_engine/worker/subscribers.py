"""Who wants to hear of commits, told from a thread of their own: a slow listener delays no instance. Who only lets
somebody go on is told on the thread that committed: to wake another one for it costs more than the commit's slice."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence

from ..runtime import Changed, Listener

log = logging.getLogger(__name__)


class _Subscription:
    """One listener; see :class:`armillary_engine.runtime.Subscription`."""

    def __init__(self, owner: Subscribers, listener: Listener, instance: str | None, at_once: bool) -> None:
        self.listener = listener
        self.instance = instance
        self.at_once = at_once
        self._owner = owner

    def close(self) -> None:
        """No more is told, but for what is being told at this moment."""
        self._owner.remove(self)


class Subscribers:
    """Tells listeners. What changes several times before it could be told is told once, with its last revision."""

    def __init__(self) -> None:
        self._subscriptions: list[_Subscription] = []
        self._at_once: dict[str | None, list[_Subscription]] = {}
        """By the instance that they are of; ``None``: of all."""
        self._pending: dict[str, int] = {}
        self._lock = threading.Lock()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, listener: Listener, *, instance: str | None = None, at_once: bool = False) -> _Subscription:
        """Tells ``listener`` from now on: of everything, or of one instance."""
        subscription = _Subscription(self, listener, instance, at_once)
        with self._lock:
            if at_once:
                self._at_once[instance] = [*self._at_once.get(instance, ()), subscription]
                return subscription
            self._subscriptions = [*self._subscriptions, subscription]
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="armillary-subscribers", daemon=True)
                self._thread.start()
        return subscription

    def remove(self, subscription: _Subscription) -> None:
        """Forgets a listener."""
        with self._lock:
            if not subscription.at_once:
                self._subscriptions = [one for one in self._subscriptions if one is not subscription]
                return
            left = [one for one in self._at_once.get(subscription.instance, ()) if one is not subscription]
            if left:
                self._at_once[subscription.instance] = left
            else:
                self._at_once.pop(subscription.instance, None)

    def tell(self, changed: Sequence[tuple[str, int]]) -> None:
        """Something was committed. An empty id stands for anything: then each subscription is told of its instance."""
        if self._at_once:
            for instance, revision in changed:
                self._tell_at_once(instance, revision)
        if not self._subscriptions:
            return
        with self._lock:
            asleep = not self._pending
            for instance, revision in changed:
                self._pending[instance] = max(revision, self._pending.get(instance, 0))
        if asleep:
            self._wake.put(None)

    def _tell_at_once(self, instance: str, revision: int) -> None:
        if instance:
            told = (*self._at_once.get(instance, ()), *self._at_once.get(None, ()))
        else:
            told = tuple(one for some in list(self._at_once.values()) for one in some)
        for subscription in told:
            self._tell_one(subscription, instance, revision)

    def _run(self) -> None:
        while True:
            self._wake.get()
            with self._lock:
                if self._closed:
                    return
                pending, self._pending = self._pending, {}
                subscriptions = self._subscriptions
            for instance, revision in pending.items():
                for subscription in subscriptions:
                    self._tell_one(subscription, instance, revision)

    def _tell_one(self, subscription: _Subscription, instance: str, revision: int) -> None:
        if instance and subscription.instance not in (None, instance):
            return
        about = instance or subscription.instance or ""
        try:
            subscription.listener(Changed(about, revision))
        except Exception:
            log.exception("a listener raised")

    def close(self) -> None:
        """Ends the thread."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._wake.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)
