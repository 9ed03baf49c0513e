"""What benchmarks of an engine share: the workflow of one call, clients that start it and wait, and what is told of
it."""

from __future__ import annotations

import resource
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.runtime import Changed, Request

PAD = "x" * 900
"""Makes the state of an instance about 1 KB."""


@dataclass(frozen=True)
class Figure:
    """What one round of one way measured; latencies in milliseconds."""

    name: str
    per_second: float
    p50: float
    p95: float
    p99: float
    worst: float
    cpu: float
    """Seconds of this process's CPU for each second of time."""


def figure(name: str, latencies: Sequence[float], elapsed: float, cpu: float) -> Figure:
    """``latencies``, ``elapsed`` and ``cpu`` in seconds."""
    ordered = sorted(latencies)

    def at(share: float) -> float:
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Figure(name, len(ordered) / elapsed, at(0.5), at(0.95), at(0.99), 1000 * ordered[-1], cpu / elapsed)


def median(of: Sequence[Figure]) -> Figure:
    """The median of each number over the rounds of one way."""
    names = [field.name for field in fields(Figure) if field.name != "name"]
    return Figure(of[0].name, *(statistics.median(getattr(one, name) for one in of) for name in names))


def cpu_seconds() -> float:
    """This process's CPU so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def one_call() -> m.Definition:
    """One call, and out with its reply."""
    quote = m.Call("quote", m.Address("rating", "quote"), m.Object({"policy": m.Get("input.policy")}), result="quote")
    return m.Definition("OneCall", (quote, m.Complete("done", m.Get("quote.premium"))), version="1.0.0")


def rating(request: Request) -> dict[str, int]:
    """The service that is called."""
    return {"premium": 12_500}


class Ended:
    """Lets clients wait until their instance has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, threading.Lock] = {}
        self._early: set[str] = set()

    def heard(self, changed: Changed) -> None:
        """The listener, at once."""
        if changed.revision < 2:
            return
        with self._lock:
            turn = self._waiting.pop(changed.instance, None)
            if turn is None:
                self._early.add(changed.instance)
        if turn is not None:
            turn.release()

    def wait(self, instance: str) -> None:
        """Until its second commit."""
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            if instance in self._early:
                self._early.discard(instance)
                return
            self._waiting[instance] = turn
        turn.acquire()


def start_and_wait(runtime: LocalRuntime, number: int) -> float:
    """Seconds from the start of an instance until its end is known."""
    begun = time.perf_counter()
    runtime.wait(runtime.start("OneCall", {"policy": f"P-{number}", "pad": PAD}).id, until="ended")
    return time.perf_counter() - begun


def together(client: Callable[[], None], clients: int) -> None:
    """Runs ``client`` on so many threads, and waits for all."""
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
