"""Gate: a timer fires within 50 ms of its due time, and a signal is picked up within 20 ms, in-process, on SQLite.

Both for 95 of 100, from an engine that sleeps: each timer is due some time after the one before, and each signal is
sent when the instance before has ended. A timer counts from its due time to the commit of its slice, a signal from the
call of ``signal`` to that.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime

COUNT = 100
TIMER_MS = 50.0
SIGNAL_MS = 20.0
SIGNALLED = m.Definition("Signalled", (m.Signal("go", "go"),))
TIMED = m.Definition("Timed", (m.Timer("pause", after=m.Get("input.after")),))


def ended(runtime: LocalRuntime, id: str, act: object = None) -> None:
    """Waits for the end of an instance, after ``act``."""
    over = threading.Event()
    subscription = runtime.subscribe(lambda _: over.set(), instance=id, at_once=True)
    try:
        if callable(act):
            act()
        while runtime.instance(id).ended is None:
            over.wait(10)
            over.clear()
    finally:
        subscription.close()


def timers(runtime: LocalRuntime) -> list[float]:
    """Milliseconds from the due time of each timer to its commit."""
    late = []
    for number in range(COUNT):
        after = 0.03 + number % 7 * 0.005
        id = runtime.start("Timed", {"after": f"PT{after:.3f}S"}).id
        ended(runtime, id)
        view = runtime.instance(id)
        assert view.ended is not None
        assert view.started is not None
        late.append((view.ended - view.started).total_seconds() * 1000 - after * 1000)
    return late


def signals(runtime: LocalRuntime) -> list[float]:
    """Milliseconds from sending each signal to when its instance has taken it."""
    found = []
    for _ in range(COUNT):
        id = runtime.start("Signalled").id
        time.sleep(0.02)  # so that the engine sleeps
        sent = time.time()
        ended(runtime, id, lambda to=id: runtime.signal("go", instance=to))
        view = runtime.instance(id)
        assert view.ended is not None
        found.append((view.ended.timestamp() - sent) * 1000)
    return found


def told(what: str, found: list[float], limit: float) -> bool:
    """Prints a line; whether the limit holds."""
    p95 = statistics.quantiles(found, n=20)[-1]
    print(
        f"{what}: p50 {statistics.median(found):.1f} ms, p95 {p95:.1f} ms (limit {limit:.0f}), max {max(found):.1f} ms"
    )
    return p95 <= limit


def main() -> int:
    """Prints what was measured; gives 1 where a limit is missed."""
    with tempfile.TemporaryDirectory() as folder, LocalRuntime(f"sqlite:///{Path(folder)}/wakes.sqlite") as runtime:
        runtime.deploy(TIMED)
        runtime.deploy(SIGNALLED)
        kept = [told("timer after its due time", timers(runtime), TIMER_MS)]
        kept.append(told("signal to its slice", signals(runtime), SIGNAL_MS))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
