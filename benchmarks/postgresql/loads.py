"""What the engine is measured with: one-step instances, signals' round trips, backlogs, deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Literal

import psycopg
from armillary_engine.definition import model as m
from armillary_engine.ids import new_id
from armillary_engine.interpreter import new_snapshot
from armillary_engine.interpreter.triggers import Start
from armillary_engine.local import LocalRuntime
from armillary_engine.mutation import Nothing
from armillary_engine.runtime import Changed, Request
from measuring import Figures, Server, figures
from processes import child, round_trips, serve

PAD = "x" * 900
"""Makes a snapshot one of about 1 KB."""
SCHEMA = "bench"
WARM = 1.0
"""Seconds before what is measured: by then a process that is alone on its store knows that it is."""
ONE_STEP = m.Definition("OneStep", (
    m.Call("quote", m.Address("rating", "quote"), m.Object({"policy": m.Get("input.policy")}), result="quote"),
    m.Complete("done", m.Get("quote.premium")),
), version="1.0.0")  # fmt: skip
PAID = m.Definition("Paid", (
    m.Repeat("again", test=m.Const(True), body=(
        m.Signal("paid", "paid", match=m.Get("input.order"), result="paid"),
    )),
), version="1.0.0")  # fmt: skip
DELAYED = m.Definition("Delayed", (m.Timer("pause", after=m.Get("input.after")),), version="1.0.0")


def rating(request: Request) -> dict[str, int]:
    """The service."""
    return {"premium": 12_500}


def fresh(server: str) -> str:
    """The URL of an empty store."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    return f"{server}{'&' if '?' in server else '?'}schema={SCHEMA}"


# ── one-step instances ───────────────────────────────────────────────────────────────────────────────────────────────


class Ended:
    """Lets clients wait until their instance has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, threading.Lock] = {}
        self._early: set[str] = set()

    def heard(self, changed: Changed) -> None:
        """The end of a one-step instance is its second revision."""
        if changed.revision < 2:
            return
        with self._lock:
            waiting = self._waiting.pop(changed.instance, None)
            if waiting is None:
                self._early.add(changed.instance)
        if waiting is not None:
            waiting.release()

    def wait(self, instance: str) -> None:
        """Returns when it has ended."""
        over = threading.Lock()
        with self._lock:
            if instance in self._early:
                self._early.discard(instance)
                return
            over.acquire()
            self._waiting[instance] = over
        over.acquire()


Clients = Literal["threads", "coroutines"]


def one_step(
    server: str, seconds: float, clients: int, processes: int = 1, *, keep: bool = False, what: Clients = "threads"
) -> Figures:  # fmt: skip
    """Instances with one call, started by so many clients in so many processes, each of which waits until its instance
    has ended; counted are completed ones. ``keep``: into the store as it is. ``what``: clients are threads of their
    own, or coroutines of one event loop."""
    url = f"{server}{'&' if '?' in server else '?'}schema={SCHEMA}" if keep else fresh(server)
    with LocalRuntime(url, work=False) as runtime:
        runtime.deploy(ONE_STEP)
    with contextlib.ExitStack() as stack:
        each = str(clients // processes)
        workers = [stack.enter_context(child(__file__, what, url, each)) for _ in range(processes)]
        counting, latencies, used = Server(server), list[float](), 0.0
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(f"{seconds}\n")
            worker.stdin.flush()
        for worker in workers:
            assert worker.stdout is not None
            found = json.loads(worker.stdout.readline())
            latencies += found["latencies"]
            used += found["cpu"]
        did = counting.since()
    result = figures(latencies, seconds)
    per = {f"{name}_each": value / len(latencies) for name, value in did.items()}
    return result | per | {"client_cpu_each": used / len(latencies)}


def threads(url: str, count: str) -> None:
    """A process with a worker and so many clients, for as long as a line of its input says."""
    runtime, ended = LocalRuntime(url), Ended()
    runtime.subscribe(ended.heard, at_once=True)

    def client(end: float) -> list[float]:
        found, number = list[float](), 0
        while (start := time.perf_counter()) < end:
            number += 1
            ended.wait(runtime.start("OneStep", {"policy": f"P-{number}", "pad": PAD}).id)
            found.append(time.perf_counter() - start)
        return found

    with ThreadPoolExecutor(int(count)) as pool:
        _serve(runtime, lambda end: list(pool.map(client, [end] * int(count))))


def coroutines(url: str, count: str) -> None:
    """The same, with clients that share a thread."""
    runtime = LocalRuntime(url)

    async def client(end: float) -> list[float]:
        found, number = list[float](), 0
        while (start := time.perf_counter()) < end:
            number += 1
            view = await runtime.start_async("OneStep", {"policy": f"P-{number}", "pad": PAD})
            await runtime.wait_async(view.id, until="ended")
            found.append(time.perf_counter() - start)
        return found

    async def clients(end: float) -> list[list[float]]:
        return await asyncio.gather(*(client(end) for _ in range(int(count))))

    _serve(runtime, lambda end: asyncio.run(clients(end)))


def _serve(runtime: LocalRuntime, work: Callable[[float], list[list[float]]]) -> None:
    """Works as a process of clients: warms up, says so, and is measured for as long as a line of its input says.
    ``work`` gives the latencies of each client, when all have ended."""
    runtime.register_service("rating", rating)
    work(time.perf_counter() + WARM)
    print("ready", flush=True)
    seconds = float(sys.stdin.readline())
    cpu = _cpu()
    latencies = [latency for found in work(time.perf_counter() + seconds) for latency in found]
    counts = runtime.engine.telemetry.counts()
    assert counts.get("message.failed", 0) == 0, counts
    print(json.dumps({"latencies": latencies, "cpu": _cpu() - cpu}), flush=True)
    sys.stdin.read()
    runtime.close()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# ── signals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def signals(server: str, seconds: float, in_flight: int, *, mode: Literal["one", "all"] = "one") -> Figures:
    """Round trips in three processes, of which this one hears of it. ``all``: another one takes what the publisher has
    stored; ``one``: the publisher takes it itself, unless it has sent another one that is under way."""
    url = fresh(server)
    with LocalRuntime(url, work=False) as observer:
        observer.deploy(PAID)
        instances = {observer.start("Paid", {"order": f"O-{n}", "pad": PAD}).id: n for n in range(in_flight)}
        flags = [threading.Event() for _ in range(in_flight)]

        def heard(changed: Changed) -> None:
            number = instances.get(changed.instance)
            if number is not None:
                flags[number].set()

        with child(__file__, "worker", url), child(__file__, "publisher", url, mode) as publisher:
            time.sleep(1)  # what is told while they start is over
            observer.subscribe(heard)
            counting = Server(server)
            found = round_trips(publisher, flags, seconds)
            did = counting.since()
        assert list(observer.check()) == []
    return found | {f"{name}_each": value / (found["count"] * 1.2) for name, value in did.items()}


def publisher(url: str, mode: Literal["one", "all"]) -> None:
    """Sends a signal for each number on a line."""
    with LocalRuntime(url, work=False) as runtime:
        serve(lambda number: runtime.signal("paid", {"n": 1}, match=f"O-{number}", mode=mode) and None)


def worker(url: str) -> None:
    """A worker, until its input ends."""
    with LocalRuntime(url):
        print("ready", flush=True)
        sys.stdin.read()


# ── backlogs and deadlines ───────────────────────────────────────────────────────────────────────────────────────────


def fill(url: str, definition: m.Definition, inputs: Iterator[Any]) -> None:
    """Stores instances of a definition, each with its first slice, in batches."""
    with LocalRuntime(url, work=False) as runtime:
        runtime.deploy(definition)
        found = runtime.engine.programs.resolve(definition.name, "*")
        assert found is not None
        for part in batched(inputs, 500):
            now = runtime.engine.clock.now()
            batch = []
            for given in part:
                snapshot = new_snapshot(
                    instance=new_id(now), workflow=definition.name, version=found.version, digest=found.digest, now=now
                )
                batch.append(runtime.engine.slicer.first(snapshot, Start(given), Nothing(), key=None))
            runtime.engine.store.commit(batch)


def batched(inputs: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Lists of so many at most."""
    while part := list(islice(inputs, size)):
        yield part


class Heard:
    """When each instance was heard of for the first time since this was made."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.moments: dict[str, float] = {}
        self.all = threading.Event()

    def __call__(self, changed: Changed) -> None:
        if changed.instance:
            self.moments.setdefault(changed.instance, time.time())
            if len(self.moments) >= self._count:
                self.all.set()


@contextlib.contextmanager
def old_transaction(server: str) -> Iterator[None]:
    """A session that has read the messages, and is idle in its transaction."""
    with psycopg.connect(server) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute(f"SELECT count(*) FROM {SCHEMA}.messages")
        yield
        connection.rollback()


def drain(
    server: str, count: int, workers: int = 1, *, beside: contextlib.AbstractContextManager[None] | None = None
) -> Figures:
    """So many due signals that workers meet when they start, as heard of by another process; ``last_to_first``: the
    rate of the last tenth to that of the first. ``beside``: what goes on meanwhile."""
    url = fresh(server)
    fill(url, PAID, ({"order": f"O-{n}", "pad": PAD} for n in range(count)))
    send_all(server, count)
    with LocalRuntime(url, work=False) as observer:
        heard = Heard(count)
        observer.subscribe(heard)
        counting = Server(server)
        with beside or contextlib.nullcontext(), contextlib.ExitStack() as stack:
            for _ in range(workers):
                stack.enter_context(child(__file__, "worker", url))
            if not heard.all.wait(180):
                raise RuntimeError(f"{len(heard.moments)} of {count} signals were taken")
        did = counting.since()
    moments = sorted(heard.moments.values())
    tenth = count // 10
    first, last = moments[tenth] - moments[0], moments[-1] - moments[-tenth - 1]
    result = {"count": count, "per_second": count / (moments[-1] - moments[0]), "last_to_first": first / last}
    return result | {f"{name}_each": value / count for name, value in did.items()}


def send_all(server: str, count: int) -> None:
    """Each wait meets a signal, as if it had been sent: in one statement, since sending is not what is measured."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {SCHEMA}")
        connection.execute(
            """WITH gone AS (DELETE FROM waits RETURNING seq, instance, serial, name, key),
            kept AS (INSERT INTO signals (id, name, key, mode, payload_json, created, expires, kept, takers_json)
                SELECT 'S-' || seq, name, key, 'one', '{"n":1}', 0, 9000000000000000, 0,
                    '["' || instance || '/' || serial || '"]' FROM gone)
            INSERT INTO messages (instance, kind, serial, control, body, arrived, state, ready, digest, deliveries,
                failures)
            SELECT g.instance, 'signal', g.serial, 0,
                convert_to('{"name":"paid","payload":{"n":1},"signal":"S-' || g.seq || '"}', 'UTF8'),
                g.seq, 'ready', g.seq, i.digest, 0, 0 FROM gone g JOIN instances i ON i.id = g.instance
            ORDER BY g.seq"""
        )
        connection.execute("VACUUM ANALYZE")
        found = connection.execute("SELECT count(*) FROM messages").fetchone()
    assert found == (count,), found


def delayed(server: str, pending: int, rate: int, seconds: float) -> Figures:
    """Milliseconds from when a deadline was due to when its slice was committed and heard of by another process; so
    many a second are due, and so many are pending beside them."""
    url = fresh(server)
    count = int(seconds * rate)
    fill(url, DELAYED, ({"after": "P1D"} for _ in range(pending)))
    lead = 2 + count / 2_000  # so that all are stored before the first is due
    fill(url, DELAYED, ({"after": f"PT{lead + n / rate:.6f}S"} for n in range(count)))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {SCHEMA}")
        rows = connection.execute("SELECT instance, ready FROM messages ORDER BY ready LIMIT %s", (count,)).fetchall()
    due = {instance: ready / 1e6 for instance, ready in rows}
    with LocalRuntime(url, work=False) as observer:
        heard = Heard(count)
        observer.subscribe(heard)
        counting = Server(server)
        with child(__file__, "worker", url):
            if time.time() > min(due.values()):
                raise RuntimeError("the first deadline was due before the worker was ready: give it more lead")
            if not heard.all.wait(seconds + lead + 60):
                raise RuntimeError(f"{len(heard.moments)} of {count} deadlines were heard of")
        did = counting.since()
    late = [heard.moments[instance] - moment for instance, moment in due.items()]
    return figures(late, seconds) | {f"{name}_each": value / count for name, value in did.items()}


def beside(server: str, seconds: float, stored: int) -> Figures:
    """One-step instances by 16 clients, in a store in which so many instances wait for a signal."""
    fill(fresh(server), PAID, ({"order": f"O-{n}", "pad": PAD} for n in range(stored)))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return one_step(server, seconds, 16, keep=True)


_PROGRAMS = {"threads": threads, "coroutines": coroutines, "publisher": publisher, "worker": worker}

if __name__ == "__main__":
    _PROGRAMS[sys.argv[1]](*sys.argv[2:])
