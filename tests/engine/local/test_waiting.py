"""Waiting for an instance, and lending a hand meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from armillary_engine.backend import Begun
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.mutation import Outcome
from armillary_engine.runtime import InstanceView
from armillary_engine.transport import Accepted

from .conftest import PATIENCE, House, Service, call, done, flow, rated, task

POLICY = {"policy": "P-1"}


def on_a_thread(work: Callable[[], Any]) -> Callable[[], Any]:
    """Begins ``work``; gives what waits for its result."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()), name="waiter")
    thread.start()

    def result() -> Any:
        thread.join(PATIENCE)
        assert not thread.is_alive()
        return found[0]

    return result


def waited(runtime: LocalRuntime, instance: str, **given: Any) -> InstanceView:
    return runtime.wait(instance, **given)


def waiters(
    runtime: LocalRuntime, instance: str, count: int = 2, wait: Callable[..., Any] = waited, **given: Any
) -> list[Callable[[], Any]]:
    """So many threads that wait for an instance, and are told of it by now. Of several none is asked to commit."""
    results = [on_a_thread(lambda: wait(runtime, instance, **given)) for _ in range(count)]
    while len(runtime._subscribers._at_once.get(instance, ())) < count:
        pass
    return results


def refused(runtime: LocalRuntime, instance: str, **given: Any) -> str:
    """With which code a wait is."""
    with pytest.raises(ArmillaryError) as caught:
        runtime.wait(instance, **given)
    return caught.value.code


@pytest.fixture
def runtime(house: House, service: Service) -> LocalRuntime:
    return rated(house, service)


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_whoever_waits_gets_the_view_of_the_end(runtime: LocalRuntime, service: Service, threads: int) -> None:
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    results = [on_a_thread(lambda: runtime.wait(instance, until="ended")) for _ in range(threads)]
    service.gate.set()
    views: list[InstanceView] = [result() for result in results] or [runtime.wait(instance, timeout=PATIENCE)]
    for view in [*views, runtime.wait(instance), on_a_thread(lambda: runtime.wait(instance))()]:
        assert view == runtime.instance(instance)
        assert view.status == "completed"


def test_it_commits_the_reply_that_it_waits_for(
    runtime: LocalRuntime, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[str] = []
    inner = runtime.engine.store.commit

    def commit(mutations: Any) -> Any:
        commits.append(threading.current_thread().name)
        return inner(mutations)

    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    monkeypatch.setattr(runtime.engine.store, "commit", commit)
    result = on_a_thread(lambda: runtime.wait(instance))
    while instance not in runtime.engine.inbox.hands:
        pass
    service.gate.set()
    assert result().status == "completed"
    assert commits == ["waiter"]
    assert runtime.engine.inbox.hands == {}


def test_it_gives_up_in_time_and_the_reply_is_committed_all_the_same(
    house: House, runtime: LocalRuntime, service: Service
) -> None:
    instance = runtime.start("Case", POLICY).id
    for view in (runtime.wait(instance, timeout=0.01), on_a_thread(lambda: runtime.wait(instance, timeout=0.01))()):
        assert view.status == "running"
    assert runtime.engine.inbox.hands == {}
    service.gate.set()
    assert house.until(runtime, instance).status == "completed"


def test_it_rests_where_somebody_is_needed(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    instance = runtime.start("Case", POLICY).id
    assert runtime.wait(instance).resting
    result = on_a_thread(lambda: runtime.wait(instance, until="ended"))
    runtime.complete_task(runtime.tasks()[0].id, {"answer": "approve"})
    assert result().status == "completed"


def test_it_hears_of_the_end_of_what_is_cancelled_under_a_call(runtime: LocalRuntime, service: Service) -> None:
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    results = [on_a_thread(lambda: runtime.wait(instance))]
    runtime.cancel(instance)
    assert results[0]().status == "cancelled"
    results = [on_a_thread(lambda: runtime.wait(instance))]  # its call is still in flight
    service.gate.set()
    assert results[0]().status == "cancelled"


def test_it_rests_while_it_is_suspended_under_a_call(runtime: LocalRuntime, service: Service) -> None:
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    result = on_a_thread(lambda: runtime.wait(instance))
    runtime.suspend(instance)
    assert result().status == "suspended"
    assert on_a_thread(lambda: runtime.wait(instance))().status == "suspended"
    service.gate.set()
    runtime.resume(instance)
    assert runtime.wait(instance, until="ended", timeout=PATIENCE).status == "completed"


def test_an_instance_that_is_unknown(house: House) -> None:
    runtime = house.open()
    assert refused(runtime, "nothing") == on_a_thread(lambda: refused(runtime, "nothing"))() == "instance.unknown"


def test_several_wait_at_a_time(house: House) -> None:
    runtime = house.open()
    runtime.register_service("rating", lambda request: {"premium": 1})
    runtime.deploy(flow(call(), done("quote.premium")))

    def some() -> list[str]:
        return [runtime.wait(runtime.start("Case", POLICY).id, until="ended").status for _ in range(10)]

    results = [on_a_thread(some) for _ in range(6)]
    assert {status for result in results for status in result()} == {"completed"}


def looks(runtime: LocalRuntime, patch: pytest.MonkeyPatch) -> list[str]:
    """The instances that are looked up in the store from now on."""
    found: list[str] = []
    inner = runtime.engine.store.instance

    def instance(id: str) -> Any:
        found.append(id)
        return inner(id)

    patch.setattr(runtime.engine.store, "instance", instance)
    return found


def test_it_does_not_look_while_one_call_follows_another(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, service = house.open(), Service()
    runtime.register_service("rating", service)
    runtime.deploy(flow(*(call(f"c{n}") for n in range(4)), done("quote.premium")))
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    seen = looks(runtime, monkeypatch)
    results = waiters(runtime, instance)
    service.gate.set()
    assert {result().status for result in results} == {"completed"}
    assert seen == []


def test_it_looks_when_the_call_is_over_and_it_waits_for_something_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, service = house.open(), Service()
    runtime.register_service("rating", service)
    runtime.deploy(flow(call(), task()))
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    seen = looks(runtime, monkeypatch)
    (result,) = waiters(runtime, instance, 1)
    service.gate.set()
    assert result().resting
    assert seen == [instance]


def test_it_does_not_look_while_the_reply_is_being_committed(
    runtime: LocalRuntime, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    store, sent, answers = runtime.engine.store, threading.Event(), threading.Event()
    inner = store.begin

    def begin(mutations: Any) -> Begun:
        begun = inner(mutations)

        def outcomes() -> Any:
            sent.set()
            assert answers.wait(PATIENCE)
            return begun.outcomes()

        return Begun(outcomes)

    monkeypatch.setattr(store, "begin", begin)
    service.gate.set()
    assert sent.wait(PATIENCE)
    seen = looks(runtime, monkeypatch)
    (result,) = waiters(runtime, instance, 1)
    assert runtime.wait(instance, timeout=0).status == "running", "but for whoever gives up"
    assert seen == [instance]
    answers.set()
    assert result().status == "completed"
    assert seen == [instance]


def test_it_hears_of_an_instance_that_is_gone_when_its_call_returns(
    runtime: LocalRuntime, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)

    results = waiters(runtime, instance, wait=refused)
    store = runtime.engine.store
    runtime.engine.attempts._left.clear()  # as if it had been told of, and nobody had looked
    monkeypatch.setattr(store, "read", lambda instances: {})
    monkeypatch.setattr(store, "instance", lambda id: None)
    monkeypatch.setattr(
        store, "deliver", lambda deliveries: [Outcome("unknown", one.message.instance) for one in deliveries]
    )
    service.gate.set()
    assert {result() for result in results} == {"instance.unknown"}


def test_it_hears_of_a_call_that_is_answered_later(house: House) -> None:
    runtime, gate = house.open(), threading.Event()

    def later(request: Any) -> Any:
        assert gate.wait(PATIENCE)
        return Accepted()

    runtime.register_service("rating", later)
    runtime.deploy(flow(call(), done("quote.premium")))
    instance = runtime.start("Case", POLICY).id
    results = waiters(runtime, instance)
    gate.set()
    assert all(result().resting for result in results)


def test_whoever_waits_hears_that_the_runtime_is_closed(runtime: LocalRuntime, service: Service) -> None:
    runtime.deploy(flow(task(), name="Rests"))
    resting = runtime.start("Rests").id
    instance = runtime.start("Case", POLICY).id
    assert service.asked.wait(PATIENCE)
    results = [
        *waiters(runtime, instance, wait=refused),
        *waiters(runtime, resting, wait=refused, until="ended"),
    ]
    runtime.close()
    assert {result() for result in results} == {"store.closed"}
    service.gate.set()
