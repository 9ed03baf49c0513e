"""DBOS and Restate beside the engine, on this machine and in one run.

    python benchmarks/peers [--seconds 5] [--rounds 3] [--clients 16] [--scratch FOLDER] [--json FILE]

What they need is installed into ``--scratch`` (a temporary folder; one that exists already is used again) by pip and
npm: ``dbos`` with psycopg, ``restate-sdk`` with hypercorn, ``@restatedev/restate-server``. None of it is one of our
dependencies. What cannot be had is said, and the rest is measured. Rounds alternate; medians are reported. One-step: a
workflow of one call, started and completed. Signals: a workflow that is parked, from sending to its end as the sender
sees it (ours: the slice that the signal resumed, heard of in a third process). DBOS and the engine share one PostgreSQL
server; Restate keeps its own log, with its defaults."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "postgresql"), str(FOLDER.parents[1] / "tests" / "_servers")]

import floor  # noqa: E402
import loads  # noqa: E402
from measuring import Figures, figures  # noqa: E402
from postgresql import any_server  # noqa: E402

PYTHON_PACKAGES = ("dbos", "psycopg[binary]", "restate-sdk", "hypercorn")
SERVER_PACKAGE = "@restatedev/restate-server"
Kinds = dict[str, Figures]


def install(scratch: Path) -> tuple[Path, Path | None]:
    """The Python that has the peers, and Restate's server; ``None``: it cannot be had here."""
    python = scratch / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(scratch / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PYTHON_PACKAGES], check=True)
    found = sorted(scratch.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"))
    if not found:
        try:
            subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(scratch), SERVER_PACKAGE],
                check=True, capture_output=True,
            )  # fmt: skip
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"Restate's server cannot be had: {error}")
        found = sorted(scratch.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"))
    return python, found[0] if found else None


def kinds(line: str) -> Kinds:
    """Figures of what a peer printed."""
    found = json.loads(line.strip().splitlines()[-1])
    return {kind: figures(one["latencies"], one["seconds"]) for kind, one in found.items()}


def dbos(python: Path, server: str, seconds: float, clients: int) -> Kinds:
    """DBOS, in a database of its own on the same server."""
    url = f"{server.rpartition('/')[0]}/bench_dbos"
    done = subprocess.run(
        [python, FOLDER / "dbos_peer.py", url, str(seconds), str(clients)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return kinds(done.stdout)


@contextlib.contextmanager
def restate_server(binary: Path, python: Path) -> Iterator[str]:
    """The address of the ingress of a server that knows the service."""
    ports = [_free() for _ in range(4)]
    ingress, admin, node, service = ports
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        environment = {
            **os.environ, "RESTATE_BASE_DIR": folder, "RESTATE_NODE_NAME": "bench", "RESTATE_CLUSTER_NAME": "bench",
            "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}", "DO_NOT_TRACK": "1",
            "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}", "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
            "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
            "RESTATE_LOG_FILTER": "error", "RESTATE_DISABLE_TELEMETRY": "true",
        }  # fmt: skip
        for command in ([binary], [python, FOLDER / "restate_peer.py", "serve", str(service)]):
            process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.kill)  # its log goes too
        _register(admin, service)
        yield f"127.0.0.1:{ingress}"


def _register(admin: int, service: int) -> None:
    body = json.dumps({"uri": f"http://127.0.0.1:{service}", "force": True}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{admin}/deployments", data=body, headers={"content-type": "application/json"}
    )
    last: Exception | None = None
    for _ in range(40):
        try:
            urllib.request.urlopen(request, timeout=10).read()
        except OSError as error:
            last = error
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(f"the service could not be registered: {last}")


def restate(python: Path, ingress: str, seconds: float, clients: int) -> Kinds:
    """Restate's clients."""
    command = [python, FOLDER / "restate_peer.py", "measure", ingress, str(seconds), str(clients)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return kinds(done.stdout)


def ours(server: str, seconds: float, clients: int) -> Kinds:
    """The engine, and the floor beside it."""
    return {
        "one-step": loads.one_step(server, seconds, clients),
        "signals, 1 at a time": loads.signals(server, seconds, 1),
        "signals": loads.signals(server, seconds, clients),
    }


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--scratch", type=Path, help="where the peers are installed")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        scratch = given.scratch or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        python, binary = install(scratch)
        server = stack.enter_context(any_server())
        work: dict[str, Callable[[], Kinds]] = {
            "floor": lambda: {"one-step": floor.one_statement(server, given.seconds, given.clients)},
            "Armillary": lambda: ours(server, given.seconds, given.clients),
            "coroutines": lambda: {"one-step": loads.one_step(server, given.seconds, given.clients, what="coroutines")},
            "DBOS": lambda: dbos(python, server, given.seconds, given.clients),
        }
        if binary is not None:
            ingress = stack.enter_context(restate_server(binary, python))
            work["Restate"] = lambda: restate(python, ingress, given.seconds, given.clients)
        found: dict[str, list[Kinds]] = {name: [] for name in work}
        for _ in range(given.rounds):
            for name, measure in work.items():
                found[name].append(measure())
    report(found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


def report(found: dict[str, list[Kinds]]) -> None:
    """Medians, and the engine's to them. The rate of signals says nothing: peers' workflows are parked first."""

    def middle(kind: str, key: str) -> dict[str, float]:
        return {
            name: statistics.median(one[kind][key] for one in rounds)
            for name, rounds in found.items() if kind in rounds[0]
        }  # fmt: skip

    rates, times = middle("one-step", "per_second"), middle("one-step", "p50")
    for name, rate in rates.items():
        ratio = rates["Armillary"] / rate
        print(f"{'one-step':22}{name:12}{rate:>8.0f}/s  p50 {times[name]:>8.2f} ms   ours: {ratio:.2f} x the rate")
    for kind in ("signals, 1 at a time", "signals"):
        for name, time_ in (times := middle(kind, "p50")).items():
            print(
                f"{kind:22}{name:12}{'':>10}  p50 {time_:>8.2f} ms   ours: {times['Armillary'] / time_:.2f} x the time"
            )
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
