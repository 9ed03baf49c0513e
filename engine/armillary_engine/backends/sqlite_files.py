"""The files around a SQLite store: the lock that writers of different processes take turns with, and who is alive.

Beside ``store.sqlite`` lies the folder ``store.sqlite-peers``: ``write.lock``; for each open runtime a file that it
holds locked while it lives (the system unlocks it when the process dies, however it dies); and the sockets of the
wake."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, wait: bool) -> bool:
        mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK
        while True:
            try:
                msvcrt.locking(descriptor, mode, 1)
            except OSError:
                if wait:  # LK_LOCK itself gives up after ten seconds
                    continue
                return False
            return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class WriteLock:
    """One writer at a time, in any process. Waiting blocks in the system, which does not poll and is fair."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        self._threads = threading.Lock()

    def __enter__(self) -> None:
        self._threads.acquire()
        _lock(self._descriptor, wait=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        _unlock(self._descriptor)
        self._threads.release()

    def close(self) -> None:
        """Gives the file back to the system."""
        os.close(self._descriptor)


class Presence:
    """This runtime's sign of life among the peers of a store."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._path = folder / f"{owner}.alive"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        _lock(self._descriptor, wait=True)

    def dead(self, owners: Collection[str]) -> list[str]:
        """Those of ``owners`` that live no more."""
        return [owner for owner in owners if not self._lives(owner)]

    def announce(self, services: Collection[str]) -> None:
        """Tells the peers which services are offered here."""
        text = "\n".join(sorted(services)).encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text)
        os.ftruncate(self._descriptor, len(text))

    def announced(self) -> set[str]:
        """What all peers that live have announced."""
        services: set[str] = set()
        for path in self._folder.glob("*.alive"):
            if self._lives(path.stem):
                with contextlib.suppress(OSError):
                    services.update(path.read_text().splitlines())
        return services

    def _lives(self, owner: str) -> bool:
        path = self._folder / f"{owner}.alive"
        if path == self._path:
            return True
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            if not _lock(descriptor, wait=False):
                return True
            _unlock(descriptor)
        finally:
            os.close(descriptor)
        path.unlink(missing_ok=True)
        (self._folder / f"{owner}.sock").unlink(missing_ok=True)
        return False

    def close(self) -> None:
        """Says good-bye."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def peers_folder(database: Path) -> Path:
    """The folder of those who have ``database`` open; made when it is missing."""
    folder = database.with_name(database.name + "-peers")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
