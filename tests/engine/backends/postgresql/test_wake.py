"""What is PostgreSQL's own about waking: how large a notification is, poolers that swallow it, Redis in its place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from armillary_engine.backend import Hint
from armillary_engine.backends.postgresql import backend as backend_module
from armillary_engine.backends.postgresql import open_backend
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.stores import open_store
from armillary_engine.wakes import drivers
from armillary_engine.wakes import postgresql as wake_module
from armillary_engine.wakes.bus import texts

from ...local.conftest import House, call, done, flow, get
from ...local.test_processes import Child

pytestmark = pytest.mark.require("postgresql")
WAITING = m.Definition("Waiting", (m.Signal("paid", "paid", match=get("input.order"), result="paid"), done("paid")))


def test_what_is_told_at_once_is_sent_in_parts_that_the_server_takes() -> None:
    changed = tuple((f"instance-{number:06}", number) for number in range(5_000))
    sent = texts("owner", Hint(changed, work=True, due=7), wake_module.PAYLOAD)
    assert max(len(text.encode()) for text in sent) < 8_000
    parts = [msgspec.json.decode(text) for text in sent]
    assert tuple(tuple(one) for part in parts for one in part[3]) == changed
    assert {(owner, work, due) for owner, work, due, _ in parts} == {("owner", True, 7)}
    (long,) = texts("owner", Hint((("x" * 9_000, 1),), work=False), wake_module.PAYLOAD)
    assert msgspec.json.decode(long)[3] == [["", 0]]


# ── PgBouncer ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def pooled(
    own_postgresql: Any, servers: Callable[[str], Any]
) -> Callable[..., Any]:  # fmt: skip
    """The server by way of a real PgBouncer, in a mode."""
    return lambda mode, more="": servers("pgbouncer").pooler(own_postgresql.url, mode=mode, more=more)


@pytest.mark.require("pgbouncer")
def test_a_pooler_that_swallows_notifications_is_named(
    pooled: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake_module, "PROBE_SECONDS", 1.0)
    monkeypatch.setattr(backend_module, "expect_prepared_statements", lambda connection, place: None)
    with pooled("transaction") as url:
        store = open_backend(f"{url}?schema=pooled")
        with pytest.raises(ArmillaryError) as caught:
            store.open_wake()
        assert caught.value.code == "store.pooler"
        assert "PgBouncer" in str(caught.value.hint)
        store.close()


@pytest.mark.require("pgbouncer")
def test_a_pooler_in_session_mode_is_as_none(pooled: Callable[[str], Any]) -> None:
    with pooled("session") as url, LocalRuntime(f"{url}?schema=pooled") as runtime:
        runtime.deploy(WAITING)
        other = LocalRuntime(f"{url}?schema=pooled", work=False)
        instance = runtime.start("Waiting", {"order": "O"}).id
        other.signal("paid", 1, match="O")
        assert House("").until(runtime, instance).status == "completed"
        other.close()


@pytest.mark.require("pgbouncer")
def test_a_direct_address_listens_beside_a_pooler(
    pooled: Callable[..., Any], own_postgresql: Any, servers: Callable[[str], Any]
) -> None:
    """Work goes through the pooler and hints past it. One that forgets prepared statements is refused before it could
    run what somebody else has prepared under the same name."""
    keeps = servers("pgbouncer").keeps_prepared_statements()
    with pooled("transaction", "max_prepared_statements = 200" if keeps else "") as url:
        through = f"{url}?schema=beside&listen={quote(own_postgresql.url, safe='')}"
        if not keeps:
            for _ in range(5):
                with pytest.raises(ArmillaryError) as caught:
                    open_backend(through)
                assert (caught.value.code, "1.21" in str(caught.value.hint)) == ("store.pooler", True)
            return
        house = House(through)
        runtime, sender = house.open(), house.open(work=False)
        runtime.deploy(WAITING)
        for number in range(20):
            instance = runtime.start("Waiting", {"order": f"{number}"}).id
            sender.signal("paid", 1, match=f"{number}")
            assert house.until(runtime, instance).status == "completed"
        house.close()


@pytest.mark.require("pgbouncer")
def test_hints_go_past_a_pooler_to_whoever_listens_at_the_direct_address(
    pooled: Callable[..., Any], own_postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_module, "expect_prepared_statements", lambda connection, place: None)
    with pooled("transaction") as url:
        stores = [open_backend(f"{url}?schema=past&listen={quote(own_postgresql.url, safe='')}") for _ in range(2)]
        first, second = (store.open_wake() for store in stores)
        heard = threading.Event()
        second.listen(lambda hint: heard.set() if ("i", 1) in hint.changed else None)
        first.notify(Hint((("i", 1),)))
        assert heard.wait(20)
        for one in (first, second, *stores):
            one.close()


# ── what others know when a process dies ─────────────────────────────────────────────────────────────────────────────


def test_a_deadline_of_a_process_that_died_fires_in_another(house: House) -> None:
    runtime = house.open()
    runtime.deploy(m.Definition("Timed", (m.Timer("sleep", after=m.Const("PT2S")), m.Complete("done", m.Const(1)))))
    script = """
        runtime = LocalRuntime(url, work=False)
        say(runtime.start("Timed").id)
        threading.Event().wait()
    """
    with Child(house, script) as child:
        instance = child.said()
        house.until(runtime, instance, lambda view: view.revision > 0)
        child.kill()
    assert house.until(runtime, instance).status == "completed"


def test_a_lease_of_a_process_that_died_is_taken_at_the_moment_it_ends(house: House) -> None:
    """As on another machine: that the process is gone, nobody here can know."""
    runtime = house.open()
    keys: list[str] = []

    def rating(request: Any) -> dict[str, int]:
        keys.append(request.idempotency_key)
        return {"premium": 1}

    runtime.register_service("rating", rating)
    runtime.deploy(flow(call(), done("quote")))
    script = """
        from armillary_engine.worker import attempts, engine
        engine.CALL_LEASE = attempts.CALL_LEASE = 2_000_000
        runtime = LocalRuntime(url)
        def rating(request):
            say("called", request.idempotency_key)
            threading.Event().wait()
        runtime.register_service("rating", rating)
        say(runtime.start("Case", {"policy": "P-1"}).id)
        threading.Event().wait()
    """
    with Child(house, script) as child:
        lines = {child.said(), child.said()}
        instance = next(line for line in lines if not line.startswith("called"))
        child.kill()
    assert house.until(runtime, instance).status == "completed"
    assert keys == [f"{instance}/1"], "the same request again"


# ── Redis ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def redis_server(servers: Callable[[str], Any]) -> Iterator[Any]:
    with servers("redis").own_server() as server:
        yield server


@pytest.mark.require("redis")
def test_losing_redis_under_load_costs_time_and_no_work(postgresql_store: Callable[[], str], redis_server: Any) -> None:
    house = House(f"{postgresql_store()}&wake={redis_server.url}")
    runtime, sender = house.open(), house.open(work=False)
    runtime.register_service("rating", lambda request: {"n": 1})
    runtime.deploy(flow(call(), m.Signal("paid", "paid", match=get("input.policy")), done("quote")))
    instances: list[str] = []
    for turn in range(4):
        for number in range(10):
            instances.append(sender.start("Case", {"policy": f"{turn}-{number}"}).id)
            sender.signal("paid", number, match=f"{turn}-{number}")
            if number == 5:
                redis_server.kill()
        redis_server.start()
    redis_server.kill()
    alone = sender.start("Case", {"policy": "alone"}).id
    sender.signal("paid", 0, match="alone")
    for instance in [*instances, alone]:
        assert house.until(runtime, instance).status == "completed"
    house.close()


@pytest.mark.require("redis")
def test_two_processes_hear_of_each_other_by_redis(postgresql_store: Callable[[], str], redis_server: Any) -> None:
    house = House(f"{postgresql_store()}&wake={redis_server.url}")
    runtime = house.open()
    runtime.deploy(WAITING)
    script = """
        runtime = LocalRuntime(url, work=False)
        say("ready")
        for line in sys.stdin:
            runtime.signal("paid", {"by": "child"}, match=line.strip())
    """
    with Child(house, script) as child:
        assert child.said() == "ready"
        for number in range(5):
            started = runtime.start("Waiting", {"order": f"O-{number}"})
            child.tell(f"O-{number}")
            assert house.until(runtime, started.id).status == "completed"
    house.close()


@pytest.mark.require("redis")
def test_a_store_opens_without_redis_and_goes_on_when_there_is_one(
    postgresql_store: Callable[[], str], redis_server: Any
) -> None:
    redis_server.kill()
    house = House(f"{postgresql_store()}&wake={redis_server.url}")
    runtime, sender = house.open(), house.open(work=False)
    runtime.deploy(WAITING)
    for turn in range(2):
        instance = runtime.start("Waiting", {"order": f"{turn}"}).id
        sender.signal("paid", 1, match=f"{turn}")
        assert house.until(runtime, instance).status == "completed"
        if turn == 0:
            redis_server.start()
    house.close()


@pytest.mark.require("redis")
def test_a_wrong_password_is_said_at_once(postgresql_store: Callable[[], str], servers: Callable[[str], Any]) -> None:
    with servers("redis").own_server(password="right") as server:
        store = open_backend(f"{postgresql_store()}&wake={server.url.replace('right', 'wrong-one')}")
        with pytest.raises(ArmillaryError) as caught:
            store.open_wake()
        assert caught.value.code == "wake.denied"
        assert "wrong-one" not in str(caught.value)
        store.close()


def test_an_unknown_driver_is_refused(postgresql_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_backend(f"{postgresql_store()}&wake=kafka://host")
    with pytest.raises(ArmillaryError) as caught:
        store.open_wake()
    assert (caught.value.code, "redis://" in caught.value.message) == ("wake.url", True)
    store.close()
    monkeypatch.setitem(drivers.BUILT_IN, "kafka", "kafka")
    with pytest.raises(ArmillaryError) as caught:
        drivers.open_driver("kafka://host", channel="c", owner="o")
    assert (caught.value.code, caught.value.hint) == ("wake.driver", "pip install 'armillary[kafka]'")


@pytest.mark.parametrize("url", ["sqlite:///{}/store.sqlite?wake=redis://host", "memory://?wake=redis://host"])
def test_stores_of_one_way_refuse_another(url: str, tmp_path: Any) -> None:
    with pytest.raises(ArmillaryError) as caught:
        open_store(url.format(tmp_path))
    assert caught.value.code == "wake.refused"
    assert list(tmp_path.iterdir()) == []
