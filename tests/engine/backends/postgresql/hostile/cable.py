"""A network of its own for a process, by a cable that can be pulled: as root, on Linux, with ``ip``."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


class NoCableError(Exception):
    """The system gives none."""


class Cable:
    """``prefix`` runs a command at the other end, which reaches this one by ``here``. Names and addresses are this
    process's own: whatever another one has left behind is not in the way."""

    def __init__(self) -> None:
        process = os.getpid()
        self._space = f"armillary{process}"
        self._link, self._far = f"arm{process}", f"far{process}"
        network = f"198.18.{process >> 6 & 255}"  # for measurements between networks: RFC 2544
        first = (process & 63) * 4
        self.here, self._there = f"{network}.{first + 1}", f"{network}.{first + 2}"
        self.prefix = ("ip", "netns", "exec", self._space)

    def plug(self) -> None:
        """Packets pass."""
        _ip("link", "set", self._link, "up")

    def pull(self) -> None:
        """Packets vanish, and nobody is told."""
        _ip("link", "set", self._link, "down")

    def lay(self) -> None:
        _ip("netns", "add", self._space)
        _ip("link", "add", self._link, "type", "veth", "peer", "name", self._far, "netns", self._space)
        _ip("addr", "add", f"{self.here}/30", "dev", self._link)
        _ip("-n", self._space, "addr", "add", f"{self._there}/30", "dev", self._far)
        _ip("-n", self._space, "link", "set", self._far, "up")
        _ip("-n", self._space, "link", "set", "lo", "up")
        self.plug()

    def remove(self) -> None:
        for words in (("link", "del", self._link), ("netns", "del", self._space)):
            with contextlib.suppress(NoCableError):
                _ip(*words)


def _ip(*words: str) -> None:
    try:
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoCableError(str(error)) from None
    if done.returncode:
        raise NoCableError(done.stderr)


@contextmanager
def cable() -> Iterator[Cable]:
    """Raises :class:`NoCableError`."""
    laid = Cable()
    try:
        laid.lay()
        yield laid
    finally:
        laid.remove()
