"""Figures: of latencies, and of what a server and processes did meanwhile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import psycopg

Figures = dict[str, float]
TICKS = os.sysconf("SC_CLK_TCK")


def figures(latencies: Sequence[float], elapsed: float) -> Figures:
    """A second's work, and milliseconds of latency, of ``latencies`` in seconds."""
    ordered = sorted(latencies)

    def at(share: float) -> float:
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return {
        "count": len(ordered), "per_second": len(ordered) / elapsed, "p50": at(0.5), "p95": at(0.95),
        "p99": at(0.99), "worst": 1000 * ordered[-1],
    }  # fmt: skip


class Server:
    """What a server has done since the last time it was asked: commits, bytes and fsyncs of its log, and, where it runs
    on this machine, seconds of processor time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._before = self._counts()

    def since(self) -> Figures:
        """Since it was asked last."""
        now = self._counts()
        before, self._before = self._before, now
        return {name: now[name] - before[name] for name in now}

    def _counts(self) -> Figures:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
            row = connection.execute(
                """SELECT pg_backend_pid(), pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
                (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()),
                current_setting('server_version_num')::int"""
            ).fetchone()
            assert row is not None
            pid, written, commits, version = row
            found = {"commits": float(commits), "wal_bytes": float(written)}
            if version >= 180000:
                (fsyncs,) = connection.execute(
                    "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"
                ).fetchone() or (0,)
                found["fsyncs"] = float(fsyncs or 0)
        return found | _processor(int(pid))


def _processor(backend: int) -> Figures:
    """Seconds that the processes of the server have used; those that have ended are in their parent's."""
    try:
        parent = int(_stat(backend)[1])
        used = 0.0
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and (int(folder.name) == parent or int(_stat(int(folder.name))[1]) == parent):
                fields = _stat(int(folder.name))
                used += sum(map(int, fields[11:15] if int(folder.name) == parent else fields[11:13])) / TICKS
    except (OSError, IndexError, ValueError):
        return {}
    return {"server_cpu": used}


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["?", "-1", *"0" * 20]
