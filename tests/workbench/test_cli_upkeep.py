"""Commands of whoever keeps a store: retention, and workers in several processes."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime

from .test_cli import Ran

DONE = m.Definition("Done", (m.Complete("done", m.Const(1)),))
CALLING = m.Definition(
    "Calling", (m.Call("one", m.Address("rating", "rate"), m.Object({})), m.Complete("done", m.Const(1)))
)


@pytest.fixture
def ran(capsys, monkeypatch) -> Ran:
    monkeypatch.delenv("ARMILLARY_URL", raising=False)
    return Ran(capsys)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.sqlite"


def ended(runtime: LocalRuntime, instance: str) -> str:
    changed = threading.Event()
    subscription = runtime.subscribe(lambda _: changed.set(), instance=instance, at_once=True)
    try:
        while True:
            changed.clear()
            view = runtime.instance(instance)
            if view.ended is not None:
                return view.status
            assert changed.wait(30), view
    finally:
        subscription.close()


def test_retention_says_what_would_go_and_then_removes_it(ran, url):
    with LocalRuntime(url) as runtime:
        runtime.deploy(DONE)
        for _ in range(3):
            assert ended(runtime, runtime.start("Done").id) == "completed"
    dry = ran("retention", "run", "--ended", "0s", "--dry-run", "--url", url, "--json").data
    assert (dry["instances"], dry["dry_run"]) == (3, True)
    assert "3 would be removed" in ran("retention", "run", "--ended", "0s", "--dry-run", "--url", url).out
    assert ran("retention", "run", "--ended", "0s", "--status", "failed", "--url", url, "--json").data["instances"] == 0
    assert "3 removed" in ran("retention", "run", "--ended", "PT0S", "--url", url).out
    assert ran("instances", "list", "--url", url, "--json").data == []
    ran("db", "check", "--url", url)


def test_retention_without_an_age_or_with_a_wrong_one_is_used_wrongly(ran, url):
    LocalRuntime(url).close()
    assert "--ended 90d" in ran("retention", "run", "--url", url, code=2).err
    ran("retention", "run", "--ended", "soon", "--url", url, code=2)
    ran("retention", "run", "--ended", "90d", "--status", "waiting", "--url", url, code=2)


def test_one_retention_at_a_time(ran, url):
    with LocalRuntime(url) as runtime:
        store = runtime.engine.store
        assert store.retention.lock("retention", "another", until=store.clock.now() + 60_000_000)
        assert "another one at work" in ran("retention", "run", "--ended", "0s", "--url", url, code=3).err


def workers(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "armillary", "worker", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the processes in /proc")
def test_a_worker_process_that_dies_is_replaced_and_all_stop_together(url, tmp_path):
    (tmp_path / "handlers.py").write_text("def rate(request):\n    return {'premium': 1}\n")
    runtime = LocalRuntime(url, work=False)
    runtime.deploy(CALLING)
    service = f"rating={tmp_path}/handlers.py:rate"
    with workers("--url", url, "--processes", "2", "--service", service) as process:
        try:
            lines = [process.stderr.readline() for _ in range(2)]
            assert [line.strip() for line in lines] == ["working; answers rating"] * 2
            assert ended(runtime, runtime.start("Calling").id) == "completed"
            victim = _pids(process.pid)[0]
            os.kill(victim, signal.SIGKILL)
            said = [process.stderr.readline() for _ in range(2)]
            assert re.match(r"a worker ended with -9; another one takes its place", said[0])
            assert said[1].strip() == "working; answers rating"
            assert len(_pids(process.pid)) == 2
            assert ended(runtime, runtime.start("Calling").id) == "completed"
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
            assert process.stderr.read().count("stopped") == 2
        finally:
            process.kill()
    assert list(runtime.check()) == []
    runtime.close()


def _pids(parent: int) -> list[int]:
    """The children of a process, by any of its threads."""
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split()]
    return sorted(found)


def test_workers_that_cannot_work_end_the_command():
    with workers("--url", "postgresql://nobody@127.0.0.1:1/none", "--processes", "2") as process:
        _, said = process.communicate(timeout=110)
    assert process.returncode == 3
    assert "expected workers that work" in said


def test_a_store_in_memory_cannot_be_shared_by_processes(ran):
    assert "memory" in ran("worker", "--url", "memory://", "--processes", "2", code=2).err


WAITING = m.Definition("Waiting", (m.Task("ask", "Ask"), m.Complete("done", m.Const(1))))


def test_lists_go_on_after_the_last_of_the_page_before(ran, url):
    with LocalRuntime(url, work=False) as runtime:
        runtime.deploy(WAITING)
        for number in range(3):
            runtime.start("Waiting", id=f"case-{number}")
            runtime.signal("paid", id=f"kept-{number}")
            runtime.signal("paid", id=f"over-{number}", ttl=0.000_001)
        while runtime.engine.step():
            pass
        assert len(runtime.engine.store.upkeep.expire_signals(10)) <= 3
        assert len(runtime.dead_letters()) == 3
    for command in (["tasks"], ["dead-letters"], ["signals", "--status", "kept"], ["instances"]):
        listed = [command[0], "list", *command[1:], "--url", url, "--json"]
        ids = [one["id"] for one in ran(*listed).data]
        assert len(ids) == 3
        assert [one["id"] for one in ran(*listed, "--limit", "2").data] == ids[:2]
        assert [one["id"] for one in ran(*listed, "--after", ids[1]).data] == ids[2:]
        assert ran(*listed, "--after", ids[2]).data == []
