"""A fake runtime in hand, and a look at whatever a view sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from armillary.widgets import live

from .fake import FakeRuntime, Handle


@pytest.fixture
def runtime() -> Iterator[FakeRuntime]:
    runtime = FakeRuntime()
    yield runtime
    live.release(runtime)  # type: ignore[arg-type]


@pytest.fixture
def handle(runtime: FakeRuntime) -> Handle:
    return Handle(runtime)


class Sent:
    """The messages of a view, in order; ``wait`` blocks until one fulfils a condition."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self._arrived = threading.Condition()

    def __call__(self, message: Any, buffers: Any = None) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    def wait(self, condition: Callable[[list[Any]], bool]) -> list[Any]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: condition(self.messages), 10), f"not fulfilled by {self.messages}"
            return list(self.messages)

    def of(self, kind: str) -> list[Any]:
        with self._arrived:
            return [message for message in self.messages if message["kind"] == kind]


@pytest.fixture
def sent(handle: Handle) -> Sent:
    sent = Sent()
    live.view(handle).send = sent
    return sent
