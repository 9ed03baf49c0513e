"""The processes of a benchmark: children that say when they are ready, and round trips by way of them."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from measuring import Figures, figures

Child = subprocess.Popen[str]
PATIENCE = 20.0
"""Seconds after which a round trip counts as lost."""


@contextlib.contextmanager
def child(script: str, *arguments: str) -> Iterator[Child]:
    """A Python process that has said that it is ready; its input is closed at the end."""
    process = subprocess.Popen(
        [sys.executable, script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    if said != "ready":
        raise RuntimeError(f"expected {script} {arguments} to be ready, got {said!r}")
    try:
        yield process
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.wait(timeout=60)


def serve(work: Callable[[str], None], threads: int = 16) -> None:
    """In a child: ``work`` for each line of its input, on so many threads."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def run() -> None:
        while (line := lines.get()) is not None:
            work(line)

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    print("ready", flush=True)
    for line in sys.stdin:
        lines.put(line.strip())
    for _ in workers:
        lines.put(None)
    for worker in workers:
        worker.join()


def round_trips(publisher: Child, flags: Sequence[threading.Event], seconds: float) -> Figures:
    """Each flag's number is written to the publisher, and written again when the flag was set, for ``seconds``, after a
    fifth of that as a warm-up."""
    pipe, lock = publisher.stdin, threading.Lock()
    assert pipe is not None
    latencies: list[float] = []
    lost: list[int] = []
    begins = time.perf_counter() + seconds / 5
    ends = begins + seconds

    def client(number: int) -> None:
        mine = list[float]()
        while (start := time.perf_counter()) < ends:
            flags[number].clear()
            with lock:
                pipe.write(f"{number}\n")
                pipe.flush()
            if not flags[number].wait(PATIENCE):
                lost.append(number)
                return
            if start >= begins:
                mine.append(time.perf_counter() - start)
        latencies.extend(mine)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(len(flags))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if lost:
        raise RuntimeError(f"signals {lost} were not heard of within {PATIENCE:g} s")
    return figures(latencies, time.perf_counter() - begins)
