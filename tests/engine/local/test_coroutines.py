"""Starting and waiting from an event loop: many at a time, with no thread for each, and never held up by the engine."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from armillary_engine.backend import Begun
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.mutation import Outcome
from armillary_engine.worker import loop

from .conftest import PATIENCE, House, Service, flow, rated, task
from .test_waiting import looks

POLICY = {"policy": "P-1"}


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """What a coroutine gives, in an event loop of its own."""

    async def within() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await work()

    return asyncio.run(within())


async def refused(work: Awaitable[Any]) -> str:
    """With which code it is."""
    with pytest.raises(ArmillaryError) as caught:
        await work
    return caught.value.code


async def until(holds: Callable[[], bool]) -> None:
    """The event loop goes on meanwhile."""
    while not holds():
        await asyncio.sleep(0)


@pytest.fixture
def runtime(house: House, service: Service) -> LocalRuntime:
    return rated(house, service)


def attended(runtime: LocalRuntime) -> int:
    """How many instances are waited for."""
    return sum(len(some) for some in runtime._subscribers._at_once.values())


def test_many_wait_at_a_time_without_a_thread_for_each(runtime: LocalRuntime, service: Service) -> None:
    async def one() -> Any:
        view = await runtime.start_async("Case", POLICY)
        return await runtime.wait_async(view.id, until="ended")

    async def many() -> Any:
        before = threading.active_count()
        running = [asyncio.create_task(one()) for _ in range(200)]
        await until(lambda: attended(runtime) == 200)
        assert threading.active_count() - before < 80, "those of the calls, and a few of the event loop"
        service.gate.set()  # the event loop is not held up: else nobody would come here
        return await asyncio.gather(*running)

    views = run(many)
    assert {view.status for view in views} == {"completed"}
    assert len({view.id for view in views}) == 200
    assert views[7] == runtime.instance(views[7].id)
    assert attended(runtime) == 0


def test_what_is_at_hand_is_not_looked_up(
    runtime: LocalRuntime, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = looks(runtime, monkeypatch)
    service.gate.set()

    async def work() -> Any:
        view = await runtime.start_async("Case", POLICY)
        return await runtime.wait_async(view.id, until="ended")

    assert run(work).status == "completed"
    assert seen == []


def test_it_rests_where_somebody_is_needed(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))

    async def work() -> Any:
        view = await runtime.start_async("Case", POLICY)
        assert (await runtime.wait_async(view.id)).resting
        ends = asyncio.create_task(runtime.wait_async(view.id, until="ended"))
        await until(lambda: attended(runtime) == 1)
        await asyncio.to_thread(runtime.complete_task, runtime.tasks()[0].id, {"answer": "approve"})
        return await ends

    assert run(work).status == "completed"


def test_it_waits_for_what_its_children_do(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task(), name="Child"))
    runtime.deploy(flow(m.Subworkflow("sub", "Child", m.Get("input")), name="Parent"))

    async def work() -> Any:
        view = await runtime.start_async("Parent", POLICY)
        return await runtime.wait_async(view.id)

    view = run(work)
    assert view.resting
    assert view == runtime.instance(view.id)
    assert [one.workflow for one in runtime.instances()] == ["Child", "Parent"]


def test_it_gives_up_in_time(runtime: LocalRuntime, service: Service) -> None:
    async def work() -> Any:
        view = await runtime.start_async("Case", POLICY)
        found = [await runtime.wait_async(view.id, timeout=seconds) for seconds in (0, 0.01)]
        service.gate.set()
        return [*found, await runtime.wait_async(view.id, timeout=PATIENCE)]

    assert [view.status for view in run(work)] == ["running", "running", "completed"]


def test_what_cannot_be_started_is_said(house: House) -> None:
    runtime = house.open()
    wanted = {"type": "object", "properties": {"policy": {"type": "string"}}, "required": ["policy"]}
    runtime.deploy(flow(task(), input=wanted))

    async def work() -> Any:
        await runtime.start_async("Case", POLICY, id="mine")
        return [
            await refused(runtime.start_async("Nothing")),
            await refused(runtime.start_async("Case", {"policy": 1})),
            await refused(runtime.start_async("Case", {"policy": 1}, key="P-1")),
            await refused(runtime.start_async("Case", {"policy": object()})),
            await refused(runtime.start_async("Case", POLICY, id="a b")),
            await refused(runtime.start_async("Case", POLICY, key="\ud800")),
            await refused(runtime.start_async("Case", POLICY, delay=-1)),
            await refused(runtime.start_async("Case", POLICY, id="mine")),
            await refused(runtime.wait_async("nothing")),
        ]

    assert run(work) == [
        "definition.unknown", "input.invalid", "input.invalid", "input.invalid", "instance.id-invalid",
        "start.key-invalid", "start.delay", "instance.exists", "instance.unknown",
    ]  # fmt: skip


def test_one_key_is_one_instance(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))

    async def work() -> Any:
        several = await asyncio.gather(*(runtime.start_async("Case", POLICY, key="P-1") for _ in range(5)))
        runtime.disable("Case", runtime.definitions("Case")[0].version)
        return [*several, await runtime.start_async("Case", key="P-1")], await refused(runtime.start_async("Case"))

    views, code = run(work)
    assert len({view.id for view in views}) == 1
    assert len(runtime.instances()) == 1
    assert code == "definition.unknown"


def test_a_version_that_is_no_longer_the_newest(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    store, refusals = runtime.engine.store, ["conflict"]
    inner = store.begin

    def begin(mutations: Any) -> Begun:
        if not refusals:
            return inner(mutations)
        kind: Any = refusals.pop()
        return Begun(lambda: [Outcome(kind, one.row.id) for one in mutations])

    monkeypatch.setattr(store, "begin", begin)
    view = run(lambda: runtime.start_async("Case", POLICY))
    assert not refusals
    assert [one.id for one in runtime.instances()] == [view.id]


@pytest.mark.parametrize("key", [None, "P-1"])
def test_what_the_store_may_have_begun_is_not_begun_again(
    house: House, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setattr(loop, "PAUSE", 0.0)
    runtime = house.open()
    runtime.deploy(flow(task()))
    store = runtime.engine.store
    inner, lost = store.begin, threading.Event()

    def begin(mutations: Any) -> Begun:
        begun = inner(mutations)
        if lost.is_set():
            return begun
        lost.set()

        def outcomes() -> Any:
            begun.outcomes()
            raise ArmillaryError("store.lost", "expected an answer")

        return Begun(outcomes)

    monkeypatch.setattr(store, "begin", begin)

    async def work() -> Any:
        return await refused(runtime.start_async("Case", POLICY, key=key)), [one.id for one in runtime.instances()]

    code, ids = run(work)
    assert (code, len(ids)) == ("store.lost", 1)
    if key is not None:
        assert run(lambda: runtime.start_async("Case", POLICY, key=key)).id == ids[0]


def test_nobody_works_here(house: House) -> None:
    runtime = house.open(work=False)
    runtime.deploy(flow(task()))

    async def work() -> Any:
        view = await runtime.start_async("Case", POLICY, key="P-1")
        return view, await runtime.wait_async(view.id)

    started, rests = run(work)
    assert rests.resting
    assert [one.id for one in runtime.instances()] == [started.id]


def test_it_starts_later(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    view = run(lambda: runtime.start_async("Case", POLICY, delay=3_600))
    assert (view.status, view.resting, view.started) == ("waiting", False, runtime.instance(view.id).started)


def test_whoever_is_cancelled_has_started_it_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))
    store, begun, gate = runtime.engine.store, threading.Event(), threading.Event()
    inner = store.begin

    def begin(mutations: Any) -> Begun:
        begun.set()
        assert gate.wait(PATIENCE)
        return inner(mutations)

    monkeypatch.setattr(store, "begin", begin)

    async def work() -> Any:
        starts = asyncio.create_task(runtime.start_async("Case", POLICY, key="P-1"))
        await until(begun.is_set)
        starts.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starts
        gate.set()
        return await runtime.start_async("Case", POLICY, key="P-1")

    view = run(work)
    assert [one.id for one in runtime.instances()] == [view.id]


def test_whoever_is_cancelled_waits_no_longer(runtime: LocalRuntime, service: Service) -> None:
    async def work() -> None:
        view = await runtime.start_async("Case", POLICY)
        waits = asyncio.create_task(runtime.wait_async(view.id))
        await until(lambda: attended(runtime) == 1)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits

    run(work)
    assert attended(runtime) == 0
    assert runtime._waiting._wakes == set()
    service.gate.set()


def test_whoever_waits_hears_that_the_runtime_is_closed(runtime: LocalRuntime, service: Service) -> None:
    async def work() -> Any:
        view = await runtime.start_async("Case", POLICY)
        waits = asyncio.create_task(refused(runtime.wait_async(view.id)))
        await until(lambda: attended(runtime) == 1)
        await asyncio.to_thread(runtime.close)
        return await waits

    assert run(work) == "store.closed"
    service.gate.set()


def test_event_loops_of_several_threads(runtime: LocalRuntime, service: Service) -> None:
    found: list[Any] = []

    async def work() -> Any:
        views = [await runtime.start_async("Case", POLICY) for _ in range(3)]
        return await asyncio.gather(*(runtime.wait_async(view.id, until="ended") for view in views))

    threads = [threading.Thread(target=lambda: found.extend(run(work))) for _ in range(3)]
    for thread in threads:
        thread.start()
    service.gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert [view.status for view in found] == ["completed"] * 9


def test_an_event_loop_that_is_gone_holds_up_nobody(
    house: House, runtime: LocalRuntime, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """It was stopped in the middle: its coroutines were never cancelled."""
    events = asyncio.new_event_loop()
    instance = events.run_until_complete(runtime.start_async("Case", POLICY)).id
    waits = events.create_task(runtime.wait_async(instance))
    events.run_until_complete(until(lambda: attended(runtime) == 1))
    events.close()
    service.gate.set()
    assert house.until(runtime, instance).status == "completed"
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []
    waits._log_destroy_pending = False  # type: ignore[attr-defined]


def test_event_loops_that_are_over_are_forgotten(house: House) -> None:
    runtime = house.open()
    runtime.deploy(flow(task()))

    async def work() -> Any:
        await runtime.wait_async((await runtime.start_async("Case", POLICY)).id)
        return weakref.ref(asyncio.get_running_loop())

    loops = [run(work) for _ in range(4)]
    gc.collect()
    assert [loop() for loop in loops[:-1]] == [None] * 3, "but for the last, until another one comes"
