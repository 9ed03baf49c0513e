"""Which thread does what: who is alone does it on their own, several are done together, and the main thread never
writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.backends.sqlite import SqliteBackend
from armillary_engine.backends.sqlite_writer import CALM, SqliteSession
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from armillary_engine.runtime import Changed

PATIENCE = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteBackend]:
    opened = SqliteBackend(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def here(session: SqliteSession) -> str:
    session.rows("SELECT 1")
    return threading.current_thread().name


def on_a_thread(name: str, work: Any) -> Any:
    """What ``work`` gives on a thread of this name."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()), name=name)
    thread.start()
    thread.join()
    return found[0]


def test_who_is_alone_writes_on_their_own_thread(store: SqliteBackend) -> None:
    assert on_a_thread("client", lambda: store._write(here)) == "client"


def test_the_main_thread_never_writes(store: SqliteBackend) -> None:
    assert threading.current_thread() is threading.main_thread()
    assert store._write(here) == "armillary-writer"
    assert store._writer.glance(here) is None, "nor does it look where it might hold others up"


def test_several_are_written_by_one_until_all_is_calm(store: SqliteBackend) -> None:
    gate, entered = threading.Event(), threading.Event()

    def block(session: SqliteSession) -> str:
        entered.set()
        assert gate.wait(PATIENCE)
        return here(session)

    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(store._write(block)), name="first")]
    threads[0].start()
    assert entered.wait(PATIENCE)
    threads += [threading.Thread(target=lambda: found.append(store._write(here)), name=f"{n}") for n in range(3)]
    for thread in threads[1:]:
        thread.start()
    while len(store._writer._waiting) < 3:
        pass
    gate.set()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["armillary-writer"] * 3 + ["first"]
    names = [on_a_thread("client", lambda: store._write(here)) for _ in range(2 * CALM)]
    assert names == sorted(names), "first the writer's own thread, and then the client's"
    assert (names[0], names[-1]) == ("armillary-writer", "client")


def test_the_reply_of_a_lone_call_is_committed_on_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalRuntime("memory://") as runtime:
        store, ended, committed = runtime.engine.store, threading.Event(), list[str]()
        original = store.commit

        def commit(mutations: Any) -> Any:
            committed.append(threading.current_thread().name)
            return original(mutations)

        monkeypatch.setattr(store, "commit", commit)
        runtime.deploy(m.Definition("Calls", (m.Call("c", m.Address("s", "o"), m.Const(None)),)))
        runtime.register_service("s", lambda request: 1)

        def heard(changed: Changed) -> None:
            if changed.revision > 1:
                ended.set()

        runtime.subscribe(heard)
        runtime.start("Calls")
        assert ended.wait(PATIENCE)
        assert committed == ["MainThread", "armillary-call"]


def test_a_runtime_that_stops_is_helped_no_more() -> None:
    runtime = LocalRuntime("memory://")
    entered, go_on = threading.Event(), threading.Event()

    def slow(request: Any) -> int:
        entered.set()
        assert go_on.wait(PATIENCE)
        return 1

    runtime.deploy(m.Definition("Calls", (m.Call("c", m.Address("s", "o"), m.Const(None)),)))
    runtime.register_service("s", slow)
    runtime.start("Calls")
    assert entered.wait(PATIENCE)
    runtime._loop.stop()
    go_on.set()
    while not runtime.engine.inbox.waiting:
        pass
    assert runtime.engine.telemetry.counts()["commit.committed"] == 1
    runtime.close()
