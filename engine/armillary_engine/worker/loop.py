"""The thread of a worker: it steps while there is something to do, and sleeps until told or until something is due."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from ..definition.problems import ArmillaryError
from ..telemetry import quiet
from .engine import Engine

log = logging.getLogger(__name__)
PAUSE = 2.0
"""Seconds before a store that failed is asked again."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until the flag is set or ``until`` has come (``None``: the flag alone). ``failed``: the store did;
    a pause comes first, and no flag ends it."""

    until: int | None = None
    failed: bool = False


class Loop:
    """Runs an engine on a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="armillary-engine", daemon=True)

    def start(self) -> None:
        """Begins to claim."""
        self._engine.inbox.be_helped(True)
        self._thread.start()

    def stop(self) -> None:
        """Stops claiming, finishes the slices in hand, and ends the thread."""
        self._stop.set()
        self._engine.inbox.be_helped(False)
        self._engine.pulse.flag.set()
        if self._thread is threading.current_thread():
            return
        if self._thread.is_alive():
            self._thread.join()
        self._finish()

    def _finish(self) -> None:
        """What services have answered by now is not to be asked again of them."""
        try:
            self._engine.inbox.finish()
        except Exception as error:  # noqa: BLE001 - then it is
            self._report(error)

    def turn(self) -> Rest | None:
        """One step; how long to rest after it, ``None``: there may be more to do. The flag goes down *before* the
        step."""
        self._engine.pulse.flag.clear()
        try:
            return None if self._engine.step() else Rest(self._engine.next_moment())
        except Exception as error:  # noqa: BLE001 - a store that is full or busy today may be well tomorrow
            self._report(error)
            self._engine.tell((), work=True)  # what this one would have gone on with may be ready for another
            return Rest(failed=True)

    def _run(self) -> None:
        flag, clock = self._engine.pulse.flag, self._engine.clock
        self._engine.inbox.never_wait()
        while not self._stop.is_set():
            rest = self.turn()
            if rest is None or self._stop.is_set():
                continue
            if rest.failed:
                self._stop.wait(PAUSE)
            else:
                clock.wait(flag, rest.until)

    def _report(self, error: Exception) -> None:
        if isinstance(error, ArmillaryError):
            log.error("the engine waits: %s", error)
        else:
            log.error("the engine stumbled", exc_info=quiet(error))
