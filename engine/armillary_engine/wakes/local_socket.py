"""Wake between processes of one machine: a datagram to the local socket of each peer of a store.

The sockets lie in the store's folder of peers. A peer that does not answer is dead: what it committed last it may have
told nobody, so whoever finds it dead looks into the store, and has the others look. Where the system has no such
sockets, :mod:`.file_watch` stands in.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ..backend import ANYTHING, Hint, Wake

log = logging.getLogger(__name__)
LARGEST = 400
"""So many changed instances to a datagram, at most."""
SETTLED = 100_000_000
FAREWELL = 0.5
"""Seconds that a peer with a full buffer is waited for at the end."""
LATER = 0.05
"""Seconds before a peer whose buffer was full is told again."""
SELDOM = 120.0
"""Seconds of silence after which one sees whether a peer has died; the store is not touched for that."""
PATH_LIMIT = 100
"""Systems take socket paths of a hundred bytes or a few more."""
OPENED = Path("/proc/self/fd")
"""Where Linux shows what a process has open, by a short path."""


class LocalSocketWake:
    """One socket and one thread for each runtime that has the store open."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._real_folder = folder
        self._shortened = contextlib.ExitStack()
        self._folder = self._short(folder)
        self._name = f"{owner}.sock"
        self._heard: Callable[[Hint], None] | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(SELDOM)
        self._closed = False
        self._peers: list[str] = []
        self._owed: set[str] = set()
        self._listed = -1
        try:
            self._socket.bind(str(self._folder / self._name))
        except BaseException:
            self._socket.close()
            self._shortened.close()
            raise
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="armillary-wake", daemon=True)
        self._thread.start()

    def _short(self, folder: Path) -> Path:
        if len(str(folder).encode()) < PATH_LIMIT - 40:
            return folder
        if OPENED.is_dir():  # nothing of it is left behind by a process that is killed
            opened = os.open(folder, os.O_RDONLY)
            self._shortened.callback(os.close, opened)
            return OPENED / str(opened)
        link = Path(self._shortened.enter_context(tempfile.TemporaryDirectory(prefix="arm"))) / "p"
        link.symlink_to(folder, target_is_directory=True)
        return link

    def listen(self, heard: Callable[[Hint], None]) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        self._heard = heard

    def notify(self, hint: Hint) -> None:
        """See :class:`armillary_engine.backend.Wake`. Costs one ``stat`` while nobody else has the store open."""
        peers = self._others()
        if not peers:
            return
        changed = hint.changed
        for start in range(0, max(len(changed), 1), LARGEST):
            data = _encoded(Hint(changed[start : start + LARGEST], hint.work, hint.due))
            for peer in list(peers):
                self._send(peer, data)

    def _others(self) -> Sequence[str]:
        try:
            modified = self._real_folder.stat().st_mtime_ns
            if modified != self._listed:
                names = [path.name for path in self._real_folder.iterdir()]
                self._peers = [name for name in names if name.endswith(".sock") and name != self._name]
                # The time of change is coarse: what was changed just now may change again under the same time.
                self._listed = modified if time.time_ns() - modified > SETTLED else -1
        except OSError:
            return ()
        return self._peers

    def _send(self, peer: str, data: bytes) -> None:
        try:
            self._sender.sendto(data, str(self._folder / peer))
        except FileNotFoundError:  # it took its leave
            self._peers = [name for name in self._peers if name != peer]
        except ConnectionRefusedError:
            self._peers = [name for name in self._peers if name != peer]
            (self._real_folder / peer).unlink(missing_ok=True)
            self._have_all_look()
        except (BlockingIOError, TimeoutError):
            self._send_later(peer)
        except OSError as error:
            log.debug("wake not sent to %s: %s", peer, error)

    def _send_later(self, peer: str) -> None:
        """The buffer of a peer is full: it has enough to wake up for, but does not know all that has changed. It gets a
        hint that stands for anything as soon as it takes one."""
        if peer not in self._owed and not self._closed:
            self._owed.add(peer)
            timer = threading.Timer(LATER, self._send_owed, (peer,))
            timer.daemon = True
            timer.start()

    def _send_owed(self, peer: str) -> None:
        self._owed.discard(peer)
        with contextlib.suppress(OSError):  # closed meanwhile
            self._send(peer, _encoded(ANYTHING))

    def _have_all_look(self) -> None:
        """By datagram here too: whoever has just committed may hold what a listener wants."""
        for name in (self._name, *self._peers):
            self._send(name, _encoded(ANYTHING))

    def _run(self) -> None:
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                for peer in list(self._others()):
                    self._send(peer, b"")
                continue
            except OSError:
                return
            if self._closed:
                return
            try:
                changed, work, due = msgspec.json.decode(
                    data, type=tuple[tuple[tuple[str, int], ...], bool, int | None]
                )
            except msgspec.DecodeError:
                continue
            if self._heard is not None:
                self._heard(Hint(changed, work, due))

    def close(self) -> None:
        """Ends the thread and removes the socket."""
        if self._closed:
            return
        self._closed = True
        try:
            self._sender.settimeout(FAREWELL)
            for peer in list(self._owed):
                self._send_owed(peer)
            self._sender.sendto(b"", str(self._folder / self._name))
            self._thread.join()
        except OSError:
            pass
        self._socket.close()
        self._sender.close()
        (self._real_folder / self._name).unlink(missing_ok=True)
        self._shortened.close()


def _encoded(hint: Hint) -> bytes:
    return msgspec.json.encode((hint.changed, hint.work, hint.due))


def open_local_wake(folder: Path, owner: str) -> Wake:
    """The wake among the peers in ``folder``: by sockets, or by watching a file where there are none."""
    from .file_watch import FileWatchWake

    if not hasattr(socket, "AF_UNIX"):
        return FileWatchWake(folder, owner)
    try:
        return LocalSocketWake(folder, owner)
    except OSError as error:
        log.warning("no local sockets in %s (%s): watching a file instead", folder, error)
        return FileWatchWake(folder, owner)
