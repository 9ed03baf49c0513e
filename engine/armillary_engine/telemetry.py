"""Counters of what an engine does, for people and for tests (one place; nothing else counts), and errors for logs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Literal

Event = Literal[
    "claim", "call", "call.timeout", "call.abandoned", "call.lease-lost", "call.accepted", "signal.unmatched",
    "message.failed", "message.dead", "look", "look.empty", "wake.heard",
]  # fmt: skip


class Telemetry:
    """Counts events by name."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, event: Event, times: int = 1) -> None:
        """One event, or several of a kind."""
        with self._lock:
            self._counts[event] += times

    def count_outcomes(self, kinds: Iterable[str]) -> None:
        """What became of mutations: ``commit.committed``, ``commit.conflict``, …."""
        counted = Counter(kinds)
        with self._lock:
            for kind, times in counted.items():
                self._counts[f"commit.{kind}"] += times

    def counts(self) -> dict[str, int]:
        """All counts so far."""
        with self._lock:
            return dict(self._counts)


def quiet(error: BaseException) -> BaseException:
    """An error as logs tell it (``exc_info=``): its kind, and where it was raised. Its words stay away, as they may
    tell what a schema marks ``x-sensitive``; they are in the instance's history, for those who may see them."""
    kind = type(error)
    members = {"__module__": kind.__module__, "original": error, "code": getattr(error, "code", "")}
    told: BaseException = type(kind.__name__, (Exception,), members)()
    told.__suppress_context__ = error.__suppress_context__
    told.__cause__ = None if error.__cause__ is None else quiet(error.__cause__)
    told.__context__ = None if error.__context__ is None else quiet(error.__context__)
    return told.with_traceback(error.__traceback__)
