"""The pool of threads that call services."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from armillary_engine.clock import SystemClock
from armillary_engine.rows import CallRow
from armillary_engine.runtime import Request
from armillary_engine.transport import Answer, Reply
from armillary_engine.worker import calls
from armillary_engine.worker.calls import CallPool, Returned


class Service:
    """Answers at once, and notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, request: Request) -> Answer:
        self.asked.append(request.instance_id)
        return Reply(None)


class Kept:
    """A thread that starts when the test says so."""

    made: list[Kept]

    def __init__(self, *, target: Callable[[], None], **_more: Any) -> None:
        self.run = target
        self.made.append(self)

    def start(self) -> None:
        """Later."""


def call(instance: str) -> CallRow:
    return CallRow(
        instance=instance, serial=1, step="quote", service="rating", operation="quote", arguments_json="{}", key="k",
        deadline=2**60, attempt_timeout=1_000_000, attempt=1, ready=0, fence=1,
    )  # fmt: skip


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Kept]:
    Kept.made = []
    monkeypatch.setattr(threading, "Thread", Kept)
    monkeypatch.setattr(calls, "IDLE_SECONDS", 0)
    return Kept.made


@pytest.fixture
def returned() -> list[Returned]:
    return []


@pytest.fixture
def pool(returned: list[Returned]) -> CallPool:
    return CallPool(returned.append, clock=SystemClock())


def test_calls_of_quick_handlers_are_made_by_the_thread_that_came_first(
    pool: CallPool, made: list[Kept], returned: list[Returned]
) -> None:
    service = Service()
    pool.register("rating", service)
    names = [f"instance-{number}" for number in range(5)]
    for name in names:
        assert pool.reserve("rating")
        pool.call(call(name))
    assert len(made) == 1
    made[0].run()
    assert service.asked == names == [one.call.instance for one in returned]
    assert len(made) == 2  # sent for before the first call began: it might have taken long
    made[1].run()
    assert service.asked == names
    assert pool.idle
    assert pool.free() == ["rating"]


def test_who_begins_a_call_has_sent_for_somebody_who_makes_the_next(pool: CallPool, made: list[Kept]) -> None:
    seen: list[tuple[str, int]] = []

    class Slow:
        def send(self, request: Request) -> Answer:
            seen.append((request.instance_id, len(made)))
            if len(seen) < 3:
                made[len(seen)].run()  # as if this one hung: the next one comes meanwhile
            return Reply(None)

    pool.register("rating", Slow())
    for name in ("first", "second", "third"):
        assert pool.reserve("rating")
        pool.call(call(name))
    made[0].run()
    assert seen == [("first", 2), ("second", 3), ("third", 3)]


def test_a_closed_pool_begins_no_call_that_waits(pool: CallPool, made: list[Kept], returned: list[Returned]) -> None:
    service = Service()
    pool.register("rating", service)
    assert pool.reserve("rating")
    pool.call(call("waits"))
    assert [one.instance for one in pool.close()] == ["waits"]
    made[0].run()
    assert service.asked == [] == returned
