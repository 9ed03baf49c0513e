"""A real PgBouncer of our own in front of a PostgreSQL server: Debian's package ``pgbouncer``."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

BIN = "ARMILLARY_PGBOUNCER"
START_SECONDS = 20.0
CONFIGURATION = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = 50
max_client_conn = 100
ignore_startup_parameters = extra_float_digits
logfile =
pidfile =
{more}
"""


def program() -> str | None:
    """Its path."""
    return (
        os.environ.get(BIN) or shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    )


def keeps_prepared_statements() -> bool:
    """Whether it can do so in transaction mode: from 1.21 on."""
    binary = program()
    if binary is None:
        return False
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    major, minor = said.split()[1].split(".")[:2]
    return (int(major), int(minor)) >= (1, 21)


@contextmanager
def pooler(server: str, *, mode: str, more: str = "") -> Iterator[str]:
    """The URL of ``server`` by way of a PgBouncer in ``session``, ``transaction`` or ``statement`` mode."""
    binary, parts = program(), urlsplit(server)
    if binary is None:
        raise LookupError("no pgbouncer")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = int(free.getsockname()[1])
    folder = Path(tempfile.mkdtemp(prefix="armillary-pgbouncer-"))
    text = CONFIGURATION.format(host=parts.hostname, port=parts.port, own=own, mode=mode, more=more)
    databases = text.replace("* = host", f"* = user={parts.username} host")
    (folder / "pgbouncer.ini").write_text(databases)
    given = {}
    if os.geteuid() == 0:  # it refuses to run as root
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        os.chown(folder / "pgbouncer.ini", user.pw_uid, user.pw_gid)
        given = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, str(folder / "pgbouncer.ini")], stdout=log, stderr=log, cwd=folder, **given)
    try:
        _wait(own, process, folder / "log")
        yield server.replace(f":{parts.port}/", f":{own}/")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"pgbouncer did not start: {log.read_text()}") from None
            time.sleep(0.01)
        else:
            return
