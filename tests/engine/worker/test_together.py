"""Beginnings that several want at a time, in a store that takes one writer at a time: made and committed together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime

PATIENCE = 20
FITS = {"amount": 1}


class Hall:
    """Starts instances by their keys, each on a thread, while the store's commits wait for a gate."""

    def __init__(self, runtime: LocalRuntime, patch: pytest.MonkeyPatch) -> None:
        self.runtime, self.inbox = runtime, runtime.engine.inbox
        self.gate = threading.Event()
        self.commits: list[tuple[str, int]] = []
        """On which thread, and of how many."""
        self.refused: str | None = None
        """The key whose mutation the store does not take."""
        self.found: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self._entered = threading.Event()
        self._inner = runtime.engine.store.commit
        patch.setattr(runtime.engine.store, "commit", self._commit)

    def _commit(self, mutations: Any) -> Any:
        self._entered.set()
        assert self.gate.wait(PATIENCE)
        self.commits.append((threading.current_thread().name, len(mutations)))
        if self.refused in [mutation.row.key for mutation in mutations]:
            raise ArmillaryError("store.too-large", "expected less")
        return self._inner(mutations)

    def start(self, key: str, input: Any = FITS, *, id: str | None = None) -> None:
        """On a thread; returns when its commit has begun, or when it waits for that of another one."""
        waiting = self.inbox.waiting
        thread = threading.Thread(target=self._start, args=(key, input, id), name=key)
        thread.start()
        self._threads.append(thread)
        assert self._entered.wait(PATIENCE)
        while len(self._threads) > 1 and self.inbox.waiting == waiting:
            pass

    def _start(self, key: str, input: Any, id: str | None) -> None:
        try:
            self.found[key] = self.runtime.start("Waits", input, key=key, id=id).id
        except ArmillaryError as error:
            self.found[key] = error.code

    def open(self) -> None:
        """Lets them commit, and waits until all are over."""
        self.gate.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    with LocalRuntime(f"sqlite:///{tmp_path}/store.sqlite") as runtime:
        quote = m.Call("quote", m.Address("rating", "quote"), m.Const(None), result="quote")
        wanted = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
        runtime.deploy(m.Definition("Waits", (quote, m.Task("review", "Review")), input=wanted))
        runtime.register_service("rating", lambda request: 1, concurrency=3)
        hall = Hall(runtime, monkeypatch)
        yield hall
        hall.open()
        assert runtime.check() == []


def test_the_first_is_alone_and_the_others_are_the_loops(hall: Hall) -> None:
    for key in ("first", "second", "third", "fourth"):
        hall.start(key)
    hall.open()
    assert hall.commits[0] == ("first", 1)
    assert ("armillary-engine", 3) in [(name, min(count, 3)) for name, count in hall.commits[1:]], "and maybe a reply"
    assert len({hall.runtime.instance(id).id for id in hall.found.values()}) == 4


def test_what_cannot_be_begun_is_its_callers_to_see(hall: Hall) -> None:
    hall.start("first")
    hall.start("second", {"amount": "much"})
    hall.start("third")
    hall.open()
    assert hall.found["second"] == "input.invalid"
    assert hall.runtime.instance(hall.found["third"]).key == "third"


def test_what_the_store_refuses_takes_no_other_with_it(hall: Hall) -> None:
    hall.refused = "second"
    for key in ("first", "second", "third"):
        hall.start(key)
    hall.open()
    assert hall.found["second"] == "store.too-large"
    assert {hall.runtime.instance(hall.found[key]).key for key in ("first", "third")} == {"first", "third"}
    while not hall.runtime.engine.pool.idle:
        pass
    places = hall.runtime.engine.pool.reserve_all()
    hall.runtime.engine.pool.release_unused(places, [])
    assert places.services == {"rating": 3}, "none is lost"


def test_of_two_that_begin_with_one_id_one_does(hall: Hall) -> None:
    hall.start("first")
    hall.start("second", id="mine")
    hall.start("third", id="mine")
    hall.open()
    assert hall.found["second"] == "mine"
    assert hall.found["third"] == "instance.exists", "it is not what was started under its key"
    assert hall.runtime.instance("mine").key == "second"


def test_whoever_waits_when_the_engine_stops_is_still_served(hall: Hall) -> None:
    hall.start("first")
    hall.start("second")
    stopping = threading.Thread(target=hall.runtime._loop.stop)
    stopping.start()
    hall.open()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert {hall.runtime.instance(id).key for id in hall.found.values()} == {"first", "second"}
    hall.runtime.start("Waits", FITS, key="late")
