"""What goes wrong around a real server: processes and connections that die, and the server itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from typing import Any

import psycopg
import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.queries import InstanceQuery
from armillary_engine.wakes.bus import QUIET

from ...local.conftest import House, call, done, flow, get, task
from ...local.test_processes import Child
from .conftest import terminate_all

pytestmark = pytest.mark.require("postgresql")

WAITING = m.Definition(
    "Waiting", (m.Signal("paid", "paid", match=get("input.order"), result="paid"), done("paid")), version="1.0.0"
)


def timed(seconds: str) -> m.Definition:
    return m.Definition("Timed", (m.Timer("sleep", after=m.Const(seconds)), m.Complete("done", m.Const(1))))


def test_two_processes_hear_of_each_other_and_share_the_work(house: House) -> None:
    runtime = house.open()
    runtime.deploy(WAITING)
    script = """
        runtime = LocalRuntime(url)
        say("ready")
        for line in sys.stdin:
            runtime.signal("paid", {"by": "child"}, match=line.strip())
            say("sent")
    """
    with Child(house, script) as child:
        assert child.said() == "ready"
        for number in range(5):
            started = runtime.start("Waiting", {"order": f"O-{number}"})
            child.tell(f"O-{number}")
            assert child.said() == "sent"
            assert house.until(runtime, started.id).status == "completed"
        assert runtime.engine.telemetry.counts()["wake.heard"] > 0


def test_a_killed_process_loses_nothing_and_the_next_goes_on_at_once(house: House) -> None:
    setup = house.open()
    setup.deploy(flow(call(), done("quote")))
    setup.close()
    script = """
        runtime = LocalRuntime(url)
        def rating(request):
            say("called", request.attempt, request.idempotency_key)
            threading.Event().wait()
        runtime.register_service("rating", rating)
        say(runtime.start("Case", {"policy": "P-1"}, key="K").id)
        threading.Event().wait()
    """
    with Child(house, script) as child:
        lines = {child.said(), child.said()}
        instance = next(line for line in lines if not line.startswith("called"))
        child.kill()
    runtime = house.open()
    keys: list[str] = []

    def rating(request: Any) -> dict[str, int]:
        keys.append(request.idempotency_key)
        return {"premium": 1}

    runtime.register_service("rating", rating)
    assert house.until(runtime, instance).status == "completed"
    assert keys == [f"{instance}/1"], "the same request again"
    assert runtime.start("Case", {"policy": "P-1"}, key="K").id == instance


@pytest.mark.parametrize("coroutines", [False, True])
@pytest.mark.parametrize("keyed", [True, False])
def test_every_connection_ended_again_and_again_while_it_works(
    house: House, postgresql_server: str, keyed: bool, coroutines: bool
) -> None:
    runtime = house.open()
    runtime.register_service("rating", lambda request: {"premium": request.attempt})
    runtime.deploy(flow(call(), done("quote")))
    started: dict[str, str] = {}
    refused: list[str] = []
    stop = threading.Event()

    def client(number: int) -> None:
        turn = 0
        while not stop.is_set():
            key = f"{number}-{turn}"
            try:
                started[key] = runtime.start("Case", {"policy": key}, key=key if keyed else None).id
            except ArmillaryError as error:
                refused.append(error.code)
                continue
            turn += 1

    async def of_one_event_loop() -> None:
        await asyncio.gather(*(coroutine(number) for number in range(4)))

    async def coroutine(number: int) -> None:
        turn = 0
        while not stop.is_set():
            key = f"{number}-{turn}"
            try:
                view = await runtime.start_async("Case", {"policy": key}, key=key if keyed else None)
            except ArmillaryError as error:
                refused.append(error.code)
                continue
            started[key] = view.id
            turn += 1
            while view.status != "completed" and not stop.is_set():
                with contextlib.suppress(ArmillaryError):  # it had to look, and could not
                    view = await runtime.wait_async(view.id, until="ended", timeout=0.5)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    if coroutines:
        clients = [threading.Thread(target=lambda: asyncio.run(of_one_event_loop()))]
    for thread in clients:
        thread.start()
    try:
        for _ in range(5):
            aimed = len(started) + 10
            while len(started) < aimed:
                threading.Event().wait(0.01)
            assert terminate_all(postgresql_server) > 0
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    assert len(started) >= 50
    assert set(refused) <= {"store.lost", "store.unavailable"}
    for instance in started.values():
        assert house.until(runtime, instance).status == "completed"
    assert len(set(started.values())) == len(started)
    stored = len(runtime.instances(InstanceQuery(limit=10_000)))
    most = len(started) + (4 if keyed else len(refused))
    assert len(started) <= stored <= most, "of those who were refused nobody knows; nothing is begun twice"


def test_a_listener_that_lost_its_connection_looks_once(house: House, postgresql_server: str) -> None:
    runtime, sender = house.open(), house.open(work=False)
    runtime.deploy(WAITING)
    instance = runtime.start("Waiting", {"order": "O"}).id
    terminate_all(postgresql_server)
    sent, refused = False, list[str]()
    while not sent:
        try:
            sender.signal("paid", 1, match="O", id="the same again is the same signal")
            sent = True
        except ArmillaryError as error:
            refused.append(error.code)
    assert set(refused) <= {"store.lost"}
    assert house.until(runtime, instance).status == "completed"
    assert runtime.engine.store.letters(state=None) == []


def test_a_server_that_restarts_with_messages_due(own_postgresql: Any) -> None:
    server = own_postgresql
    runtime = LocalRuntime(f"{server.url}?schema=restart")
    try:
        runtime.deploy(timed("PT0.5S"))
        runtime.deploy(WAITING)
        waiting = runtime.start("Waiting", {"order": "O"}).id
        timers = [runtime.start("Timed").id for _ in range(20)]
        server.stop("immediate")
        with pytest.raises(ArmillaryError) as caught:
            runtime.start("Timed")
        assert caught.value.code == "store.unavailable"
        server.start()
        ended = House("")
        for instance in timers:
            assert ended.until(runtime, instance).status == "completed"
        runtime.signal("paid", 1, match="O")
        assert ended.until(runtime, waiting).status == "completed"
        assert list(runtime.check()) == []
    finally:
        runtime.close()


def test_an_idle_engine_executes_no_statement(own_postgresql: Any) -> None:
    server = own_postgresql
    runtimes = [LocalRuntime(f"{server.url}?schema=idle") for _ in range(2)]
    try:
        runtimes[0].register_service("rating", lambda request: {})
        runtimes[0].deploy(timed("PT1H"))
        for _ in range(10):
            runtimes[0].start("Timed")
        with psycopg.connect(server.url, autocommit=True) as operator:
            query = """SELECT pid, query_start FROM pg_stat_activity
                WHERE application_name = 'armillary' ORDER BY pid"""
            before = _settled(operator, query)
            threading.Event().wait(3)
            assert operator.execute(query).fetchall() == before
            assert before, "they are connected"
    finally:
        for runtime in runtimes:
            runtime.close()


def _settled(operator: psycopg.Connection[Any], query: str) -> list[Any]:
    """What was run last, once nothing new is for longer than the last look after a silence takes."""
    end = time.monotonic() + 20
    before = operator.execute(query).fetchall()
    while time.monotonic() < end:
        threading.Event().wait(2 * QUIET)
        after = operator.execute(query).fetchall()
        if after == before:
            return after
        before = after
    raise AssertionError("never idle")


def test_an_old_open_transaction_stops_nobody(house: House, postgresql_server: str) -> None:
    runtime = house.open()
    runtime.deploy(WAITING)
    with psycopg.connect(postgresql_server) as idle:
        idle.execute("SELECT txid_current()")
        for number in range(30):
            instance = runtime.start("Waiting", {"order": str(number)}).id
            runtime.signal("paid", None, match=str(number))
            assert house.until(runtime, instance).status == "completed"


def test_more_clients_than_connections(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), done("review")))
    found: list[str] = []
    clients = [
        threading.Thread(target=lambda n=n: found.append(runtime.start("Case", {}, key=f"{n % 10}").id))
        for n in range(40)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert (len(found), len(set(found))) == (40, 10)


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_workers_killed_at_random_lose_nothing(house: House) -> None:
    setup = house.open(work=False)
    setup.deploy(WAITING)
    setup.deploy(m.Definition("Two", (call("one", result="one"), call("two", result="two"), done("two"))))
    script = """
        runtime = LocalRuntime(url)
        runtime.register_service("rating", lambda request: {"n": 1})
        say("ready")
        threading.Event().wait()
    """
    instances = []
    for turn in range(4):
        with Child(house, script) as child:
            assert child.said() == "ready"
            for number in range(15):
                order = f"{turn}-{number}"
                instances.append(setup.start("Two", {"policy": order}).id)
                instances.append(setup.start("Waiting", {"order": order}).id)
                setup.signal("paid", number, match=order)
            child.kill()
    last = house.open()
    last.register_service("rating", lambda request: {"n": 1})
    for instance in instances:
        assert house.until(last, instance).status == "completed"
