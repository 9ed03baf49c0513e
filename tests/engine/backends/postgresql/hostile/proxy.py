"""A network between clients and a server that can be slow, silent, or cut."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time

CUT = struct.pack("ii", 1, 0)
"""Close with a reset: what was on its way is lost."""


class Proxy:
    """Listens on ``port`` and passes on to a server. ``delay``: seconds that each packet takes; ``mute``: what the
    server says is swallowed, while what it is told arrives; ``deaf``: nothing arrives any more; ``down``: nobody is let
    in. :meth:`swallow` makes black holes of the connections that there are."""

    def __init__(self, server_port: int, host: str = "127.0.0.1") -> None:
        self._server_port = server_port
        self._listener = socket.create_server((host, 0))
        self.port = int(self._listener.getsockname()[1])
        self.delay = 0.0
        self.mute = self.deaf = self.down = False
        self._closed = False
        self._open: set[socket.socket] = set()
        self._holes: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> int:
        """Breaks all connections; gives how many."""
        with self._lock:
            broken, self._open = self._open, set()
        for one in broken:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CUT)
                one.shutdown(socket.SHUT_RDWR)
        return len(broken) // 2

    def swallow(self) -> int:
        """From now on nothing passes on the connections that are open, and nobody is told; gives how many."""
        with self._lock:
            self._holes |= self._open
            return len(self._open) // 2

    def heal(self) -> None:
        """All is as it should be again. What was mute or deaf is cut first: bytes are missing on it."""
        lossy, self.mute, self.deaf = self.mute or self.deaf, False, False
        self.delay, self.down = 0.0, False
        if lossy:
            self.cut()

    def close(self) -> None:
        self._closed = True
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while not self._closed:
            try:
                if not select.select([self._listener], [], [], 0.1)[0]:
                    continue
                client, _ = self._listener.accept()
            except (OSError, ValueError):
                continue
            server = None if self.down else self._reach()
            if server is None:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            for source, target, from_server in ((client, server, False), (server, client, True)):
                thread = threading.Thread(target=self._copy, args=(source, target, from_server), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _reach(self) -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", self._server_port))
        except OSError:
            return None

    def _copy(self, source: socket.socket, target: socket.socket, from_server: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if self.delay:
                    time.sleep(self.delay)
                if source not in self._holes and not (self.mute if from_server else self.deaf):
                    target.sendall(data)
        with self._lock:
            self._open -= {source, target}
            self._holes -= {source}
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        if from_server:
            source.close()
            target.close()
