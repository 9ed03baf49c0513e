"""No memory is held for an instance that waits, whatever it waits for."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.testing.clock import VirtualClock

from .conftest import House, call, flow, task

RETRY = m.RetryPolicy(attempts=3, backoff="PT10M")
WAITS: dict[str, m.Step] = {
    "a signal": m.Signal("go", "go", match=m.Get("input.policy")),
    "a task": task(),
    "a timer": m.Timer("pause", after=m.Const("P1D")),
    "a child": m.Subworkflow("child", "Child", m.Get("input")),
    "a service that is not here": call(),
    "the next attempt": call(to=m.Address("mail", "send"), retry=RETRY),
}
WARM = 300
"""So many first: they fill the caches, which have a limit."""
MANY = 300
SMALL = 120
"""Bytes an instance: less than its id in a dictionary, more than the cursors that SQLite's module happens to keep."""


@pytest.mark.parametrize("kind", WAITS)
def test_an_instance_that_waits_is_nowhere_but_in_the_store(file_house: House, kind: str) -> None:
    clock = VirtualClock()
    runtime = file_house.open(clock=clock, work=False)
    runtime.register_service("mail", _fail)
    runtime.deploy(flow(m.Signal("go", "go"), name="Child"))
    runtime.deploy(flow(WAITS[kind]))
    let_wait(runtime, WARM)
    before = held()
    let_wait(runtime, MANY)
    after = held()
    assert runtime.instances()[0].ended is None
    assert (after - before) / MANY < SMALL


def _fail(request: Any) -> None:
    raise RuntimeError("not now")


def let_wait(runtime: LocalRuntime, count: int) -> None:
    """Starts instances, and does what there is to do until all of them wait."""
    for number in range(count):
        runtime.start("Case", {"policy": f"P-{number}"})
        runtime.engine.step()
    engine = runtime.engine
    while engine.step() or engine.pool.flying or engine.inbox.waiting:
        pass


def held() -> int:
    """Bytes that Python holds."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    tracemalloc.start(1)
    yield
    tracemalloc.stop()
