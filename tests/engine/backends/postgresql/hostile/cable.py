"""A network of its own for a process, by a cable that can be pulled: as root, on Linux, with ``ip``."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

HERE, THERE = "10.213.77.1", "10.213.77.2"
"""The addresses of the two ends."""


class NoCableError(Exception):
    """The system gives none."""


class Cable:
    """``prefix`` runs a command at the other end, which reaches this one by :data:`HERE`."""

    def __init__(self) -> None:
        self._space = f"armillary{os.getpid()}"
        self._link = f"arm{os.getpid()}"
        self.prefix = ("ip", "netns", "exec", self._space)

    def plug(self) -> None:
        """Packets pass."""
        _ip("link", "set", self._link, "up")

    def pull(self) -> None:
        """Packets vanish, and nobody is told."""
        _ip("link", "set", self._link, "down")

    def lay(self) -> None:
        far = f"far{os.getpid()}"
        _ip("netns", "add", self._space)
        _ip("link", "add", self._link, "type", "veth", "peer", "name", far, "netns", self._space)
        _ip("addr", "add", f"{HERE}/24", "dev", self._link)
        _ip("-n", self._space, "addr", "add", f"{THERE}/24", "dev", far)
        _ip("-n", self._space, "link", "set", far, "up")
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
