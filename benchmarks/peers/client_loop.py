"""What the peers' programs share: clients on threads. They run in a Python that has the peers and nothing of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


def run(seconds: float, clients: int, work: Callable[[], float]) -> dict[str, Any]:
    """``work`` again and again by so many threads; what it says, seconds of each."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    def client() -> None:
        mine = []
        while time.perf_counter() < end:
            mine.append(work())
        latencies.extend(mine)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"latencies": latencies, "seconds": seconds}
