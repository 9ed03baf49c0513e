"""The work that goes on while things go wrong, and the account of it at the end.

Clients start orders and pay them; workers, each a process of its own, ship them. Whatever a client was told is done
must be found done, once: that is proved from the store itself, event by event."""

from __future__ import annotations

import faulthandler
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from armillary_engine.check import recorded
from armillary_engine.definition import model as m
from armillary_engine.definition.codec import loads
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.interpreter import decode, replay
from armillary_engine.local import LocalRuntime
from armillary_engine.queries import InstanceQuery, SignalQuery
from armillary_engine.testing.simulator.seen import Seen

PATIENCE = 90.0
"""Seconds for which an instance may not move once all is well."""
SETTLED = 210.0
"""Seconds within which all of them have ended."""
ORDER = m.Definition(
    "Order",
    (
        m.Call("reserve", m.Address("stock", "reserve"), m.Object({"order": m.Get("input.order")}), result="reserved"),
        m.Signal("paid", "paid", match=m.Get("input.order"), result="paid", timeout="PT1H"),
        m.Timer("pack", after=m.Const("PT0.2S")),
        m.Call("ship", m.Address("stock", "ship"), m.Object({"order": m.Get("input.order")}), result="shipped"),
        m.Complete("done", m.Object({"paid": m.Get("paid"), "order": m.Get("input.order")})),
    ),
    version="1.0.0",
)
WORKER = """
import faulthandler, os, signal, sys, threading, time
faulthandler.register(signal.SIGUSR1)
skew = float(sys.argv[3])
if skew:
    plain_ns, plain = time.time_ns, time.time
    time.time_ns = lambda: plain_ns() + int(skew * 1e9)
    time.time = lambda: plain() + skew
from armillary_engine.local import LocalRuntime
from armillary_engine.backends.postgresql import limits, places
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.wakes import bus
from armillary_engine.worker import attempts, engine, triggers
for module, name, value in (
    (engine, "CALL_LEASE", 5_000_000), (attempts, "CALL_LEASE", 5_000_000), (triggers, "CLAIM_LEASE", 5_000_000),
    (places, "ANSWER", 4.0), (limits, "LOOK", 0.5), (bus, "SELDOM", float(sys.argv[4])),
):
    assert hasattr(module, name), f"{module.__name__} has no {name}"
    setattr(module, name, value)
log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def stock(request):
    os.write(log, f"{request.instance_id} {request.step_id} {request.idempotency_key}\\n".encode())
    return {"n": 1}
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
while not stop.is_set():
    try:
        runtime = LocalRuntime(sys.argv[1])
    except ArmillaryError:
        stop.wait(0.2)
        continue
    break
if not stop.is_set():
    runtime.register_service("stock", stock)
    os.write(1, b"ready\\n")
    stop.wait()
    try:
        runtime.close()
    except ArmillaryError:
        pass
"""


class Worker:
    """A process that works on the store; its leases are five seconds long, and an answer may take four."""

    def __init__(self, url: str, log: Path, skew: float = 0.0, seldom: float = 1e6, prefix: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", WORKER, url, str(log), str(skew), str(seldom)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    def ready(self) -> None:
        """Waits until it is at work. One that is not in time says where it stands, on standard error."""
        said = self.process.stdout
        assert said is not None
        if not select.select([said], [], [], PATIENCE)[0]:
            self.process.send_signal(signal.SIGUSR1)
            raise AssertionError(f"a worker was not ready within {PATIENCE} s")
        assert said.readline() == b"ready\n", f"a worker ended: {self.process.wait()}"

    def end(self, *, kill: bool) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(timeout=60)
        if self.process.stdout is not None:
            self.process.stdout.close()


class Ledger:
    """``url``: how the workers reach the store; ``direct``: how the clients and the account do; ``seldom``: after how
    many seconds workers and the account look whatever they heard (by default never, lest it covers up what should have
    woken them)."""

    def __init__(
        self, url: str, folder: Path, *, direct: str | None = None, seed: int = 0, seldom: float = 1e6
    ) -> None:  # fmt: skip
        self.url, self.log, self.seldom = url, folder / "calls.log", seldom
        self.random = random.Random(seed)
        self.runtime = LocalRuntime(direct or url, work=False)
        self.runtime.deploy(ORDER)
        self.workers: list[Worker] = []
        self.started: dict[str, str] = {}
        self.paid: set[str] = set()
        self.refused: Counter[str] = Counter()
        self._stop = threading.Event()
        self._clients: list[threading.Thread] = []
        self._moved = threading.Condition()

    # ── at work ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def work(self, processes: int = 2, *, skews: tuple[float, ...] = (), prefix: Sequence[str] = ()) -> None:
        """Starts workers, and waits until they are at work. ``prefix``: what runs their command."""
        skews = skews or (0.0,) * processes
        fresh = [Worker(self.url, self.log, skew, self.seldom, prefix) for skew in skews]
        self.workers += fresh
        for worker in fresh:
            worker.ready()

    def load(self, clients: int = 3) -> None:
        """Starts clients, who go on until :meth:`settle`."""
        begun = len(self._clients)
        self._clients += [threading.Thread(target=self._client, args=(begun + n,), daemon=True) for n in range(clients)]
        for client in self._clients[begun:]:
            client.start()

    def _client(self, number: int) -> None:
        turn, owed = 0, list[str]()
        while not self._stop.is_set():
            owed.append(f"O-{number}-{turn}")
            self._until_told(self._start, owed[-1])
            if turn % 2:  # the first of them may wait for it by now, the second seldom does
                for order in owed:
                    self._until_told(self._pay, order)
                owed.clear()
            turn += 1
            with self._moved:
                self._moved.notify_all()

    def _until_told(self, act: Any, order: str) -> None:
        """As a client does: the same request again, until it is told that it is done."""
        while not self._stop.is_set():
            try:
                act(order)
            except ArmillaryError as error:
                self.refused[error.code] += 1
                self._stop.wait(0.05)
            else:
                return

    def _start(self, order: str) -> None:
        view = self.runtime.start("Order", {"order": order}, key=order)
        assert self.started.setdefault(order, view.id) == view.id

    def _pay(self, order: str) -> None:
        self.runtime.signal("paid", {"for": order}, match=order, id=f"pay {order}")
        self.paid.add(order)

    def more(self, orders: int, within: float = PATIENCE) -> None:
        """Waits until so many more orders were started and paid."""
        aim = len(self.paid) + orders
        with self._moved:
            assert self._moved.wait_for(lambda: len(self.paid) >= aim, timeout=within), (
                f"{len(self.paid)} of {aim} orders after {within} s; refused: {self.refused}"
            )

    # ── the account ──────────────────────────────────────────────────────────────────────────────────────────────────

    def settle(self, at_least: int = 30) -> None:
        """All is well again: the queues drain, and everything is accounted for. ``at_least``: a run in which nothing
        got through proves nothing."""
        self._stop.set()
        for client in self._clients:
            client.join(timeout=PATIENCE)
            assert not client.is_alive()
        assert all(code.startswith("store.") for code in self.refused), self.refused
        try:
            self._all_ended(time.monotonic() + SETTLED)
        except AssertionError:
            self._tell_where_they_are()
            raise
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.end(kill=False)
        self.runtime.close()
        with LocalRuntime(self.runtime.url, work=False) as runtime:
            self._account(runtime)
        assert len(self.started) >= at_least, f"only {len(self.started)} orders got through"

    def _all_ended(self, until: float) -> None:
        for n, (order, id) in enumerate(self.started.items()):
            if order not in self.paid:
                self._pay(order)
            self._ended(id)
            assert time.monotonic() < until, f"after {SETTLED} s {n + 1} of {len(self.started)} had ended"

    def _tell_where_they_are(self) -> None:
        """Every thread of every process, on standard error."""
        faulthandler.dump_traceback()
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGUSR1)
        with self._moved:
            self._moved.wait(1)  # until they have said it

    def _ended(self, id: str) -> None:
        changed, end = threading.Event(), time.monotonic() + PATIENCE
        subscription = self.runtime.subscribe(lambda _: changed.set(), instance=id, at_once=True)
        try:
            while True:
                changed.clear()
                view = self.runtime.instance(id)
                if view.ended is not None:
                    assert view.status == "completed", view
                    return
                if changed.wait(min(PATIENCE, self.seldom)):
                    end = time.monotonic() + PATIENCE
                elif time.monotonic() >= end:
                    ended = self.runtime.instance(id).ended
                    history = [(e.type, e.step) for e in self.runtime.history(id)]
                    pending = self.runtime.engine.store.pending(id)
                    what = "is stuck" if ended is None else f"ended at {ended}, and nobody was told"
                    raise AssertionError(f"{id} {what}: {history}; stored: {pending}")
        finally:
            subscription.close()

    def _account(self, runtime: LocalRuntime) -> None:
        store = runtime.engine.store
        assert list(runtime.check()) == []
        letters = list(store.letters(state=None))
        assert letters == [], letters
        assert store.due(services=("stock",)) is None
        keys: dict[str, set[tuple[str, str]]] = {}
        for line in self.log.read_text().splitlines():
            instance, step, key = line.split()
            keys.setdefault(instance, set()).add((step, key))
        ids, after = [], None
        while page := store.instances(InstanceQuery(after=after, limit=500)):
            ids += [found.row.id for found in page]
            after = page[-1].row.id
        assert set(ids) == set(self.started.values()), "one instance for each order"
        for order, id in self.started.items():
            self._instance(runtime, order, id)
            assert {step for step, _ in keys[id]} == {"reserve", "ship"}
            assert len(keys[id]) == 2, f"a call was made under two keys: {keys[id]}"
        signals = self._signals(runtime)
        assert {signal.id for signal in signals} == {f"pay {order}" for order in self.paid}
        takers = Counter(taker for signal in signals for taker in signal.takers)
        assert {signal.status for signal in signals} == {"taken"}
        assert len(takers) == len(self.started)
        assert set(takers.values()) == {1}

    def _signals(self, runtime: LocalRuntime) -> list[Any]:
        found: list[Any] = []
        while page := runtime.signals(SignalQuery(after=found[-1].id if found else None, limit=500)):
            found += page
        return found

    def _instance(self, runtime: LocalRuntime, order: str, id: str) -> None:
        """The simulator's invariants, on what is stored."""
        store = runtime.engine.store
        stored = store.read([id])[id]
        snapshot = decode(stored.snapshot)
        assert snapshot.output == {"paid": {"for": order}, "order": order}
        events = list(store.history(id, after=0, limit=1_000))
        assert [event.number for event in events] == list(range(1, stored.row.events + 1))
        seen = Seen(snapshot)
        for event in events:
            if event.type.startswith("step."):
                seen.visit(id, event)
        done = Counter(event.step for event in events if event.type == "step.done")
        assert {step: done[step] for step in ("reserve", "paid", "pack", "ship")} == dict.fromkeys(
            ("reserve", "paid", "pack", "ship"), 1
        )
        assert replay(recorded(event) for event in events) == snapshot.state
        paid: Any = next(loads(e.data_json, depth=100) for e in events if (e.step, e.type) == ("paid", "step.done"))
        assert paid["signal"] == f"pay {order}"

    def close(self) -> None:
        """Ends whatever a failed test left."""
        self._stop.set()
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.end(kill=True)
        self.runtime.close()
