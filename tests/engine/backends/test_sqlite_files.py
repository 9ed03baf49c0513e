"""SQLite's files: what cannot be opened is said in a sentence; what fails in the middle leaves nothing half-written."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from armillary_engine.backends import sqlite as backend
from armillary_engine.backends.sql.schema import statements
from armillary_engine.backends.sqlite import SqliteBackend, open_backend
from armillary_engine.backends.sqlite_files import WriteLock
from armillary_engine.backends.sqlite_writer import SqliteSession
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.mutation import Answered, Close, NewInstance, Nothing, Replied
from armillary_engine.rows import CallRetry, SignalRow, SignalWait
from armillary_engine.testing.conformance.harness import SECOND, Bench, message

T = TypeVar("T")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def code(path: Path) -> str:
    with pytest.raises(ArmillaryError) as caught:
        open_backend(f"sqlite:///{path}")
    assert str(path) in str(caught.value)
    assert caught.value.hint
    assert list(path.parent.glob("*/*.alive")) == []
    return caught.value.code


@pytest.mark.parametrize("content", [b"not a database, by any means" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_store_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert code(path) == "store.corrupt"
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    assert code(path) == "store.foreign"
    assert list(_everything(path)) == ["theirs"]


@pytest.mark.parametrize(("schema", "expected"), [(backend.SCHEMA + 1, "store.newer"), (0, "store.older")])
def test_another_releases_schema_is_told_apart(path: Path, schema: int, expected: str) -> None:
    open_backend(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    assert code(path) == expected


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    assert code(tmp_path / "nowhere" / "store.sqlite") == "store.unavailable"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:relative"])
def test_a_url_without_a_path_is_refused(url: str) -> None:
    with pytest.raises(ArmillaryError, match="expected a SQLite URL"):
        open_backend(url)


def test_a_file_that_is_damaged_later_is_said_when_it_is_met(path: Path) -> None:
    bench = Bench(lambda clock: open_backend(f"sqlite:///{path}", clock=clock))
    bench.open()
    for number in range(50):
        bench.begin(f"i{number}", waits=(SignalWait(1, "never", None),), snapshot=os.urandom(4000))
    bench.close()
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xaa" * 100
    path.write_bytes(data)
    again = Bench(lambda clock: open_backend(f"sqlite:///{path}", clock=clock))
    try:
        with pytest.raises(ArmillaryError) as caught:
            _read_all(again)
        assert caught.value.code == "store.corrupt"
    finally:
        again.close()


def _read_all(bench: Bench) -> None:
    bench.open()
    for number in range(50):
        bench.read(f"i{number}")


def test_a_closed_store_says_so(path: Path) -> None:
    store = open_backend(f"sqlite:///{path}")
    store.close()
    store.close()
    for use in (lambda: store.commit([]), lambda: store.instance("i")):
        with pytest.raises(ArmillaryError, match="closed"):
            use()


def test_writers_of_two_processes_take_turns_by_the_lock_beside_the_file(path: Path) -> None:
    """SQLite's own lock is asked for again and again, and who asks most gets it."""
    store = open_backend(f"sqlite:///{path}")
    others = WriteLock(path.parent / f"{path.name}-peers" / "write.lock")
    writer = threading.Thread(target=store.enable, args=("d", True))
    with others:
        writer.start()
        writer.join(0.2)
        assert writer.is_alive(), "it waits for its turn"
    writer.join(20)
    assert not writer.is_alive()
    others.close()
    store.close()


def test_nobody_writes_between_what_a_transaction_reads_and_what_it_writes(path: Path) -> None:
    """Another program, which knows nothing of the lock, gets no turn within it either; and holds it up with a
    sentence."""
    store = open_backend(f"sqlite:///{path}")
    foreign = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)

    def work(session: SqliteSession) -> None:
        session.rows("SELECT 1 FROM instances")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            foreign.execute("BEGIN IMMEDIATE")

    store._write(work)
    foreign.execute("BEGIN IMMEDIATE")
    store._writer._connection.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(ArmillaryError, match="another program holds the file locked") as caught:
        store.enable("d", True)
    assert caught.value.code == "store.busy"
    foreign.execute("ROLLBACK")
    assert store.enable("d", True) is False
    foreign.close()
    store.close()


def test_a_full_disk_stores_nothing_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(lambda clock: open_backend(f"sqlite:///{path}", clock=clock))
    store = bench.open()
    assert isinstance(store, SqliteBackend)
    pages = store._writer.do(lambda session: session.rows("PRAGMA page_count")[0][0])
    store._writer.do(lambda session: session.rows(f"PRAGMA max_page_count = {pages + 20}"))
    first = bench.begin(waits=(SignalWait(1, "never", None),))
    with pytest.raises(ArmillaryError) as caught:
        bench.commit(bench.after(first, Nothing(), snapshot=os.urandom(500_000)))
    assert caught.value.code == "store.full"
    assert bench.read() == first
    assert bench.commit(bench.after(first, Nothing())).kind == "committed"
    assert list(store.check()) == []
    bench.close()


# ── all or nothing ───────────────────────────────────────────────────────────────────────────────────────────────────


class BrokenError(Exception):
    pass


class Faulty:
    """Counts the statements of the writer and fails the one that is asked for."""

    def __init__(self) -> None:
        self.count = 0
        self.fail_at: int | None = None

    def step(self) -> None:
        self.count += 1
        if self.count == self.fail_at:
            raise BrokenError


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Faulty:
    faults = Faulty()
    for name in ("run", "rows", "many"):
        original = getattr(SqliteSession, name)

        def replaced(self: Any, *given: Any, original: Any = original, name: str = name) -> Any:
            result = original(self, *given)
            faults.step()
            return result

        monkeypatch.setattr(SqliteSession, name, replaced)
    return faults


def _busy(bench: Bench) -> Any:
    """A mutation that does everything that one can do."""
    later = bench.clock.now() + SECOND
    stored = bench.begin(
        calls=(bench.call(serial=1), bench.call(serial=2, service="mail")), tasks=(bench.task(serial=3),),
        waits=(SignalWait(4, "paid", '"k"'),),
        messages=(message(kind="timer", body=b'"timer"', serial=5, ready=later),),
    )  # fmt: skip
    (call,) = bench.claim_calls()
    child = NewInstance(bench.start("i:9", parent="i", parent_serial=9).row, b"new", message("i:9", "start", b"{}"))
    return bench.after(
        stored, Replied(1, call.fence), retries=(CallRetry(1, 2, later),),
        closes=(Close(2, kind="call"), Close(3, kind="task"), Close(4, kind="signal"), Close(5, kind="timer")),
        calls=(bench.call(serial=6),), tasks=(bench.task(serial=7),), waits=(SignalWait(8, "more", '"k"'),),
        messages=(message(), message("i:9", "cancel", b"[]")), instances=(child,), holds=None,
    )  # fmt: skip


def _everything(path: Path) -> dict[str, list[Any]]:
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    connection.close()
    return rows


def _on_a_thread_of_its_own(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def _here(work: Callable[[], T]) -> T:
    return work()


@pytest.mark.parametrize(
    "do", [_here, _on_a_thread_of_its_own], ids=["by the writer's thread", "by the thread that asks"]
)
def test_whichever_statement_fails_all_is_undone(
    tmp_path: Path, faulty: Faulty, do: Callable[[Callable[[], Any]], Any]
) -> None:
    """The main thread leaves writing to the writer's; any other does it itself while it is alone."""
    failures, position = 0, 0
    while True:
        position += 1
        path = tmp_path / f"{position}.sqlite"
        bench = Bench(lambda clock, path=path: open_backend(f"sqlite:///{path}", clock=clock))  # type: ignore[misc]
        bench.open()
        mutation = _busy(bench)
        before = _everything(path)
        faulty.count, faulty.fail_at = 0, position
        try:
            assert do(lambda: bench.commit(mutation).kind) == "committed"  # noqa: B023
        except BrokenError:
            failures += 1
            assert _everything(path) == before
            faulty.fail_at = None
            assert bench.commit(mutation).kind == "committed", "and it can be done again"
            bench.close()
            continue
        finally:
            faulty.fail_at = None
        bench.close()
        break
    assert failures > 20


def test_what_is_stored_is_on_the_disk_before_it_is_acknowledged(path: Path) -> None:
    """But for leases: one that is lost costs time."""
    bench = Bench(lambda clock: open_backend(f"sqlite:///{path}", clock=clock))
    store = bench.open()
    assert isinstance(store, SqliteBackend)

    def flushed() -> bool:
        """Whether the last transaction was: ``synchronous`` was FULL, and not NORMAL."""
        (number,) = store._writer._connection.execute("PRAGMA synchronous").fetchone()
        return {2: True, 1: False}[number]

    wait = SignalWait(1, "paid", None)
    steps: list[tuple[Callable[[], Any], bool]] = [
        (lambda: bench.begin(calls=(bench.call(),), waits=(wait,)), True),
        (lambda: bench.claim(), False),
        (lambda: bench.claim_calls(), True),
        (lambda: store.extend_calls([("i", 1, 1)], until=bench.clock.now() + SECOND), False),
        (lambda: bench.send(message()), True),
        (lambda: bench.claim(), False),
        (lambda: store.store_signal(SignalRow("s", "paid", "1", 1, 2**60, instance="i")), True),
        (lambda: bench.claim(), False),
        (lambda: bench.commit(bench.after(bench.read(), Nothing(), status="completed", ended=1)), True),
    ]  # fmt: skip
    for number, (step, expected) in enumerate(steps):
        step()
        assert flushed() is expected, number
    bench.close()


def test_a_job_that_fails_leaves_those_of_its_batch_alone(path: Path) -> None:
    bench = Bench(lambda clock: open_backend(f"sqlite:///{path}", clock=clock))
    store = bench.open()
    assert isinstance(store, SqliteBackend)
    gate, entered, results = threading.Event(), threading.Event(), list[str]()

    def block(session: SqliteSession) -> None:
        entered.set()
        gate.wait()

    def fail(session: SqliteSession) -> None:
        session.run("INSERT INTO waits (instance, serial, chain, name) VALUES ('x', 1, 'x', 'x')")
        raise BrokenError

    def attempt(work: Any) -> None:
        try:
            work()
            results.append("done")
        except BrokenError:
            results.append("broken")

    start = bench.start(waits=(SignalWait(1, "never", None),))
    works = [lambda: store._writer.do(block), lambda: store._writer.do(fail), lambda: bench.commit(start)]
    threads = [threading.Thread(target=attempt, args=(work,)) for work in works]
    threads[0].start()
    assert entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(store._writer._waiting) < 2:
        pass
    gate.set()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["broken", "done", "done"]
    assert bench.read().row.id == "i"
    assert list(store.check()) == []
    bench.close()


def test_the_schema_of_the_file_is_the_schema_of_the_metadata(path: Path) -> None:
    open_backend(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    made = {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    connection.close()
    assert {text.strip() for text in statements("sqlite")} <= made


def test_answers_of_the_store_are_typed_like_the_rows(path: Path) -> None:
    bench = Bench(lambda clock: open_backend(f"sqlite:///{path}", clock=clock))
    bench.open()
    stored = bench.begin(tasks=(bench.task(),))
    assert stored.row.resting is False
    done = bench.after(
        stored, Answered(1, "1"), closes=(Close(1, kind="task"),), status="completed", resting=True, ended=1
    )
    bench.commit(done)
    assert bench.read().row.resting is True
    bench.close()
