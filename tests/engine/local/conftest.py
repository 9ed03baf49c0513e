"""A runtime on each store, closed and checked at the end, and ways to wait without sleeping."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.runtime import InstanceView

_names = itertools.count()
PATIENCE = 20.0


class House:
    """Opens runtimes on one store, waits for instances, and closes and checks everything at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opened: list[LocalRuntime] = []

    def open(self, **options: Any) -> LocalRuntime:
        self.opened.append(LocalRuntime(self.url, **options))
        return self.opened[-1]

    def until(
        self, runtime: LocalRuntime, instance: str, holds: Callable[[InstanceView], bool] | str = "ended"
    ) -> InstanceView:
        """The instance as it is when ``holds`` is first true of it: a predicate, ``ended`` or ``resting``."""
        test = _TESTS[holds] if isinstance(holds, str) else holds
        changed = threading.Event()
        subscription = runtime.subscribe(lambda _: changed.set(), instance=instance, at_once=True)
        try:
            while True:
                changed.clear()
                view = runtime.instance(instance)
                if test(view):
                    return view
                assert changed.wait(PATIENCE), f"nothing happened for {PATIENCE} s: {view}"
        finally:
            subscription.close()

    def close(self) -> None:
        for runtime in self.opened:
            if not runtime._closed:
                assert list(runtime.check()) == []
            runtime.close()
        assert [t.name for t in threading.enumerate() if t.name in _OURS] == []


_TESTS: dict[str, Callable[[InstanceView], bool]] = {
    "ended": lambda view: view.ended is not None,
    "resting": lambda view: view.resting,
}
_OURS = {"armillary-engine", "armillary-writer", "armillary-wake", "armillary-subscribers"}


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    urls = {"memory": f"memory://house-{next(_names)}", "sqlite": f"sqlite:///{tmp_path}/store.sqlite"}
    yield from _live(House(urls[request.param]))


@pytest.fixture
def file_house(tmp_path: Path) -> Iterator[House]:
    yield from _live(House(f"sqlite:///{tmp_path}/store.sqlite"))


def _live(house: House) -> Iterator[House]:
    yield house
    house.close()


# ── definitions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def code(of: Any, *arguments: Any, **options: Any) -> str:
    """That of the error which it raises."""
    with pytest.raises(ArmillaryError) as caught:
        of(*arguments, **options)
    return caught.value.code


def settled(runtime: LocalRuntime, holds: Callable[[], bool]) -> None:
    """Steps the engine, which has no thread of its own, until there is nothing to do."""
    while runtime.engine.step():
        pass
    assert holds()


def get(path: str) -> m.Get:
    return m.Get(path)


def call(id: str = "quote", **fields: Any) -> m.Call:
    given = {
        "to": m.Address("rating", "quote"),
        "arguments": m.Object({"policy": get("input.policy")}),
        "result": "quote",
    }
    return m.Call(id, **(given | fields))


def task(id: str = "review", **fields: Any) -> m.Task:
    given = {"name": "Review", "result": "review", "roles": ("underwriter",), "answer": ANSWER}
    return m.Task(id, **(given | fields))


ANSWER = {
    "type": "object",
    "properties": {"answer": {"enum": ["approve", "reject"]}},
    "required": ["answer"],
}


def flow(*body: m.Step, name: str = "Case", **fields: Any) -> m.Definition:
    return m.Definition(name, body, **fields)


def done(path: str) -> m.Complete:
    return m.Complete("done", get(path))


# ── a service ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Service:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.gate = threading.Event(), threading.Event()

    def __call__(self, request: Any) -> Any:
        self.asked.set()
        assert self.gate.wait(PATIENCE)
        return {"premium": 1}


@pytest.fixture
def service() -> Service:
    return Service()


def rated(house: House, service: Service) -> LocalRuntime:
    """A runtime with a workflow that asks ``service``, and is completed with its answer."""
    opened = house.open()
    opened.register_service("rating", service)
    opened.deploy(flow(call(), done("quote.premium")))
    return opened
