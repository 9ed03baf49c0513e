"""That the check finds what it is there for: each kind of damage, on every store, by its code and no other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from armillary_engine.backend import Defect
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.backends.memory_tables import Tables
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
from msgspec.structs import replace

pytestmark = pytest.mark.unsound
STEPS: dict[str, m.Step] = {
    "call": m.Call("call", m.Address("nobody", "ask"), m.Const(None), timeout="P1D"),
    "task": m.Task("task", "Decide", payload=m.Const(None)),
    "signal": m.Signal("signal", "go"),
    "timer": m.Timer("timer", after=m.Const("P1D")),
    "child": m.Subworkflow("child", "Below", m.Const({})),
}
ID = "case"

Break = Callable[[str, Callable[[Tables], Any]], None]


class Scene:
    """One instance that waits, in a store that is then damaged."""

    def __init__(self, runtime: LocalRuntime, break_: Break) -> None:
        self.runtime = runtime
        self.break_ = break_

    def begin(self, *kinds: str) -> None:
        waits = tuple(m.ForkBranch(kind, (STEPS[kind],)) for kind in kinds)
        body: tuple[m.Step, ...] = (m.Set("set", {"n": m.Const(1)}), m.Fork("fork", waits, join="all"))
        self.runtime.deploy(m.Definition("Case", body, version="1.0.0"))
        self.runtime.deploy(m.Definition("Below", (STEPS["task"],), version="1.0.0"))
        self.runtime.start("Case", id=ID)
        while self.runtime.engine.step():
            pass
        assert self.found() == set()

    def defects(self) -> list[Defect]:
        defects = list(self.runtime.check())
        assert {defect.instance.partition(":")[0] for defect in defects} <= {ID}
        return defects

    def found(self) -> set[str]:
        return {defect.code.removeprefix("check.") for defect in self.defects()}


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.require("postgresql"))])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    memory = MemoryBackend()
    options: dict[str, Any] = {}
    if request.param == "memory":
        url, options["store"] = "memory://", memory

        def break_(statement: str, damage: Callable[[Tables], Any]) -> None:
            damage(memory.tables)

    elif request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/store.sqlite"

        def break_(statement: str, damage: Callable[[Tables], Any]) -> None:
            with sqlite3.connect(tmp_path / "store.sqlite") as operator:
                assert operator.execute(statement).rowcount
            operator.close()

    else:
        url = request.getfixturevalue("postgresql_store")()

        def break_(statement: str, damage: Callable[[Tables], Any]) -> None:
            server, _, schema = url.partition("?schema=")
            with psycopg.connect(server) as operator:
                operator.execute(f'SET search_path TO "{schema}"'.encode())
                assert operator.execute(statement.replace("BLOB", "BYTEA").encode()).rowcount

    with LocalRuntime(url, work=False, **options) as runtime:
        yield Scene(runtime, break_)


def change(tables: Tables, **row: Any) -> None:
    stored = tables.instances[ID]
    tables.instances[ID] = replace(stored, row=replace(stored.row, **row))


def test_one_that_nothing_will_resume(scene: Scene) -> None:
    scene.begin("signal")
    scene.break_("DELETE FROM waits", lambda tables: tables.waits.clear())
    assert scene.found() == {"no-wake", "wait"}


@pytest.mark.parametrize(
    ("kind", "statement", "damage"),
    [
        ("call", "DELETE FROM calls WHERE serial > 0", lambda tables: tables.calls.clear()),
        ("task", "DELETE FROM tasks", lambda tables: tables.tasks.clear()),
        ("timer", "DELETE FROM messages", lambda tables: no_message(tables)),
    ],
)
def test_a_wait_that_is_not_stored(
    scene: Scene, kind: str, statement: str, damage: Callable[[Tables], Any]
) -> None:  # fmt: skip
    """Another one will resume the instance, but never this way of it."""
    scene.begin("signal", kind)
    scene.break_(statement, damage)
    assert scene.found() == {"wait"}


def test_a_call_that_is_not_stored_and_was_timed_out(scene: Scene) -> None:
    """Its message resumes the instance."""
    scene.begin("signal", "call")
    scene.break_("UPDATE calls SET timeout = 1", lambda tables: call_out(tables, 1))
    assert scene.runtime.engine.store.time_out(10) == 1
    scene.break_("DELETE FROM calls WHERE serial > 0", lambda tables: tables.calls.clear())
    assert scene.found() == set()
    scene.break_("DELETE FROM messages", no_message)
    assert scene.found() == {"wait"}


def call_out(tables: Tables, timeout: int | None) -> None:
    tables.calls = {key: replace(call, timeout=timeout) for key, call in tables.calls.items()}


def no_message(tables: Tables) -> None:
    for seq in list(tables.letters):
        tables.remove_letter(seq)


def test_a_deadline_that_is_not_stored(scene: Scene) -> None:
    scene.begin("signal", "call")
    scene.break_("UPDATE calls SET timeout = NULL", lambda tables: call_out(tables, None))
    assert scene.found() == {"wait"}
    (defect,) = scene.defects()
    assert defect.message == "waits in 'call' until a moment that is not stored"


@pytest.mark.parametrize(
    ("kind", "statement", "damage"),
    [
        ("call", "UPDATE calls SET serial = 9", lambda tables: _moved(tables.calls)),
        ("task", "UPDATE tasks SET serial = 9", lambda tables: _moved(tables.tasks)),
        ("signal", "UPDATE waits SET serial = 9", lambda tables: _moved(tables.waits)),
        ("timer", "UPDATE messages SET serial = 9", lambda tables: _resent(tables)),
    ],
)
def test_what_is_stored_for_no_wait_of_one_that_lives(
    scene: Scene, kind: str, statement: str, damage: Callable[[Tables], Any]
) -> None:  # fmt: skip
    """It would resume nothing; what does is not there."""
    scene.begin(kind)
    scene.break_(statement, damage)
    orphans = ["check.orphan"] * (2 if kind == "call" else 1)  # and its deadline
    assert [one.code for one in scene.defects()] == ["check.wait", *orphans]


def _moved(rows: dict[tuple[str, int], Any]) -> None:
    for (instance, _), row in list(rows.items()):
        moved = replace(row, serial=9) if not isinstance(row, tuple) else (row[0], replace(row[1], serial=9))
        del rows[instance, 3]
        rows[instance, 9] = moved


def _resent(tables: Tables) -> None:
    for seq, letter in list(tables.letters.items()):
        tables.letters[seq] = replace(letter, message=replace(letter.message, serial=9))


@pytest.mark.parametrize("ended", [True, False])
def test_a_child_that_nobody_waits_for(scene: Scene, ended: bool) -> None:
    scene.begin("signal", "child")
    if ended:
        scene.break_("DELETE FROM waits", lambda tables: tables.waits.clear())
        over = f"UPDATE instances SET status = 'failed', ended = 1 WHERE id = '{ID}'"
        scene.break_(over, lambda tables: change(tables, status="failed", ended=1))
        assert scene.found() == {"orphan", "projection"}
    else:
        other = f"UPDATE instances SET chain = 'another' WHERE id <> '{ID}'"

        def damage(tables: Tables) -> None:
            for id, stored in list(tables.instances.items()):
                if id != ID:
                    tables.instances[id] = replace(stored, row=replace(stored.row, chain="another"))

        scene.break_(other, damage)
        assert scene.found() == {"orphan"}
    (orphan,) = (one for one in scene.defects() if one.code == "check.orphan")
    assert (orphan.instance, orphan.message) == (f"{ID}:4", f"a child that its parent {ID} does not wait for")


@pytest.mark.parametrize(
    ("kind", "what"), [("call", "call"), ("task", "open task"), ("signal", "signal wait"), ("timer", "message")]
)
def test_what_is_stored_for_one_that_is_over(scene: Scene, kind: str, what: str) -> None:
    scene.begin(kind)
    ended = "UPDATE instances SET status = 'completed', ended = 1"
    scene.break_(ended, lambda tables: change(tables, status="completed", ended=1))
    assert scene.found() == {"orphan", "projection"}
    assert f"a {what} of an instance that does not live" in [defect.message for defect in scene.defects()]


def test_an_event_that_is_missing(scene: Scene) -> None:
    scene.begin("signal")
    scene.break_("DELETE FROM history WHERE step = 'fork'", lambda tables: _without(tables, "fork"))
    assert scene.found() == {"gap"}


def test_the_last_event_that_is_missing(scene: Scene) -> None:
    scene.begin("signal")
    last = "DELETE FROM history WHERE number = (SELECT MAX(number) FROM history)"
    scene.break_(last, lambda tables: tables.events[ID].pop())
    assert scene.found() == {"gap"}


def test_an_event_under_another_number(scene: Scene) -> None:
    scene.begin("signal")
    last = "UPDATE history SET number = number + 1 WHERE number = (SELECT MAX(number) FROM history)"

    def damage(tables: Tables) -> None:
        event = tables.events[ID].pop()
        tables.events[ID].append(replace(event, number=event.number + 1))

    scene.break_(last, damage)
    assert scene.found() == {"gap"}


def _without(tables: Tables, step: str) -> None:
    tables.events[ID] = [event for event in tables.events[ID] if event.step != step]


def test_a_history_that_gives_another_state(scene: Scene) -> None:
    scene.begin("signal")

    def damage(tables: Tables) -> None:
        tables.events[ID] = [replace(event, patch_json="[]") for event in tables.events[ID]]

    scene.break_("UPDATE history SET patch_json = '[]'", damage)
    assert scene.found() == {"replay"}


def test_a_row_that_says_something_else_than_its_snapshot(scene: Scene) -> None:
    scene.begin("signal")
    scene.break_("UPDATE instances SET reference = 'R-2'", lambda tables: change(tables, reference="R-2"))
    assert scene.found() == {"projection"}


def test_a_snapshot_that_cannot_be_read(scene: Scene) -> None:
    scene.begin("signal")

    def damage(tables: Tables) -> None:
        tables.instances[ID] = replace(tables.instances[ID], snapshot=b"{")

    scene.break_("UPDATE instances SET snapshot = CAST('{' AS BLOB)", damage)
    assert scene.found() == {"snapshot"}


def test_a_definition_that_is_gone(scene: Scene) -> None:
    scene.begin("signal")
    scene.break_("DELETE FROM definitions", lambda tables: tables.definitions.clear())
    assert scene.found() == {"definition"}


@pytest.mark.parametrize("gone", [True, False])
def test_one_that_goes_on_meanwhile_is_no_defect(gone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read of it before and what is stored now need not fit."""
    store = MemoryBackend()
    with LocalRuntime("memory://", store=store, work=False) as runtime:
        runtime.deploy(m.Definition("Case", (STEPS["signal"], STEPS["task"]), version="1.0.0"))
        runtime.start("Case", id=ID)
        pending = store.pending

        def later(instance: str) -> Any:
            stored = store.tables.instances[ID]
            row = replace(stored.row, revision=stored.row.revision + 1)
            monkeypatch.setattr(store, "read", lambda ids: {} if gone else {ID: replace(stored, row=row)})
            return [one for one in pending(instance) if one[0] != "signal"]

        monkeypatch.setattr(store, "pending", later)
        assert list(runtime.check()) == []
        monkeypatch.undo()
        monkeypatch.setattr(store, "pending", lambda instance: [])
        assert [one.code for one in runtime.check()] == ["check.wait"]


@pytest.mark.parametrize("status", ["suspended", "completed", "failed", "cancelled"])
def test_a_row_that_says_another_status(scene: Scene, status: Any) -> None:
    scene.begin("signal")
    scene.break_(f"UPDATE instances SET status = '{status}'", lambda tables: change(tables, status=status))
    assert "projection" in scene.found()


def test_a_file_that_sqlite_finds_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with LocalRuntime(f"sqlite:///{path}", work=False) as runtime:
        assert list(runtime.check()) == []
        operator = sqlite3.connect(path, isolation_level=None)
        operator.execute("PRAGMA writable_schema = ON")
        operator.execute("DELETE FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        operator.execute(f"PRAGMA schema_version = {operator.execute('PRAGMA schema_version').fetchone()[0] + 1}")
        operator.close()
        defects = runtime.check()
    assert {one.code for one in defects} == {"check.integrity"}
    assert "never used" in defects[0].message
