"""One thread that publishes for all live views of a process, each at most once in an interval."""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

_log = logging.getLogger(__name__)


class Publishes(Protocol):
    """What can bring itself up to date, at most every ``interval`` seconds."""

    @property
    def interval(self) -> float: ...

    def publish(self) -> None:
        """Sends what is new, if anything is."""
        ...


class Publisher:
    """Calls ``publish`` of what was touched: at once, or when its ``interval`` has passed since the last time.

    Its thread runs while something is attached, and ends when the last is detached. A view that raises is logged and
    kept. The thread is of its own because a kernel's event loop stands still while a cell runs.
    """

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._last: dict[Publishes, float] = {}
        self._touched: set[Publishes] = set()
        self._thread: threading.Thread | None = None

    @property
    def thread(self) -> threading.Thread | None:
        """The thread, while there is one."""
        return self._thread

    def attach(self, view: Publishes) -> None:
        """From now on ``touch`` has an effect on ``view``."""
        with self._wake:
            self._last.setdefault(view, float("-inf"))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="armillary-views", daemon=True)
                self._thread.start()

    def detach(self, view: Publishes) -> None:
        """``view`` is not published any more, unless it is just now."""
        with self._wake:
            self._last.pop(view, None)
            self._touched.discard(view)
            self._wake.notify_all()

    def touch(self, view: Publishes) -> None:
        """``view`` has something to publish. Cheap; for any thread. Nothing happens where it is not attached."""
        with self._wake:
            if view in self._last:
                self._touched.add(view)
                self._wake.notify_all()

    def _run(self) -> None:
        while (view := self._next()) is not None:
            try:
                view.publish()
            except Exception:  # noqa: BLE001  one view's trouble is not that of the others
                _log.exception("a live view could not be brought up to date")

    def _next(self) -> Publishes | None:
        """Waits for the view that is due first; ``None`` when nothing is attached any more."""
        with self._wake:
            while self._last:
                now = time.monotonic()
                due, view = min(
                    ((self._last[view] + view.interval, view) for view in self._touched),
                    key=lambda entry: entry[0],
                    default=(None, None),
                )
                if due is not None and view is not None and due <= now:
                    self._touched.discard(view)
                    self._last[view] = now
                    return view
                self._wake.wait(None if due is None else due - now)
            self._thread = None
            return None
