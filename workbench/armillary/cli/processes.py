"""``armillary worker --processes N``: starts the workers, starts those again that die, and stops them all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import click
from armillary_engine.definition.problems import ArmillaryError

from .output import Refused, chosen_url
from .worker import stopping

_REFUSED = (1, 2, 3)
"""How a worker ends by itself: it could not begin, for once it works it waits for a store that is away."""
_TRIES = 3
"""So many of those in a row, of all workers together, end the command."""
_PAUSE = 0.5


def supervise(services: tuple[str, ...], processes: int, url: str | None) -> None:
    """Returns when it was stopped and all workers have ended. Refuses where no worker gets to work: what was wrong,
    they have said themselves."""
    chosen = chosen_url(url, make=True)
    if chosen.startswith("memory:"):
        raise click.UsageError("--processes: expected a store that processes can share, got memory://")
    command = [sys.executable, "-m", "armillary", "worker"]
    for service in services:
        command += ["--service", service]
    with stopping() as stop:
        house = _House(command, chosen, stop)
        threads = [threading.Thread(target=house.keep, daemon=True) for _ in range(processes)]
        for thread in threads:
            thread.start()
        stop.wait()
        house.end()
        for thread in threads:
            thread.join()
    if house.refused >= _TRIES:
        message = f"expected workers that work, got {_TRIES} in a row that could not begin"
        raise Refused(ArmillaryError("worker.ended", message, hint="see what they said above"))


class _House:
    def __init__(self, command: list[str], url: str, stop: threading.Event) -> None:
        self._command = command
        self._environment = {**os.environ, "ARMILLARY_URL": url}  # a command line shows its passwords to everybody
        self._stop = stop
        self._lock = threading.Lock()
        self._living: set[subprocess.Popen[bytes]] = set()
        self.refused = 0

    def keep(self) -> None:
        """One worker after the other, until they are to stop."""
        while not self._stop.is_set():
            with self._lock:
                if self._stop.is_set():
                    return
                process = subprocess.Popen(self._command, env=self._environment)
                self._living.add(process)
            status = process.wait()
            with self._lock:
                self._living.discard(process)
                if self._stop.is_set():
                    return
                self.refused = self.refused + 1 if status in _REFUSED else 0
                if self.refused >= _TRIES:
                    self._stop.set()
                    return
            click.echo(f"a worker ended with {status}; another one takes its place", err=True)
            self._stop.wait(_PAUSE)

    def end(self) -> None:
        """Asks all to stop; each finishes what it has in hand."""
        with self._lock:
            for process in self._living:
                process.terminate()
