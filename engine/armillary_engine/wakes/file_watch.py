"""Wake between processes where there are no local sockets: a file whose time of change is looked at.

This looks at a file, never at the store: an idle engine still executes no statement. It cannot say what has changed, so
whoever shows an instance asks for it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ..backend import ANYTHING, Hint

INTERVAL = 0.1
"""Seconds between two looks."""


class FileWatchWake:
    """Touches ``changed`` in the folder of peers, and watches it."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._file = folder / "changed"
        self._owner = owner.encode()
        self._file.touch()
        self._stop = threading.Event()
        self._heard: Callable[[Hint], None] | None = None
        self._thread = threading.Thread(target=self._run, name="armillary-wake", daemon=True)
        self._thread.start()

    def listen(self, heard: Callable[[Hint], None]) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        self._heard = heard

    def notify(self, hint: Hint) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        try:
            self._file.write_bytes(self._owner)
        except OSError:
            return

    def _run(self) -> None:
        seen = self._seen()
        while not self._stop.wait(INTERVAL):
            now = self._seen()
            if now != seen and self._heard is not None:
                self._heard(ANYTHING)
            seen = now

    def _seen(self) -> int:
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()
