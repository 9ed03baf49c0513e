"""Several processes on one SQLite file, and processes that die in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.testing.clock import VirtualClock

from .conftest import PATIENCE, House, call, done, flow, task

CHILD = """
    import os, sys, threading
    from armillary_engine.definition import model as m
    from armillary_engine.local import LocalRuntime
    url = sys.argv[1]
    def say(*words):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


class Child:
    """A process that runs ``script`` on the store; ``said`` reads what it says, line by line."""

    def __init__(self, house: House, script: str) -> None:
        text = textwrap.dedent(CHILD) + textwrap.dedent(script)
        self.process = subprocess.Popen(
            [sys.executable, "-c", text, house.url], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, line: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def test_a_killed_process_loses_nothing_and_the_next_goes_on_at_once(file_house: House) -> None:
    setup = file_house.open()
    setup.deploy(flow(call(), task(), done("quote")))
    setup.close()
    script = """
        runtime = LocalRuntime(url)
        def rating(request):
            say("called", request.attempt, request.idempotency_key)
            threading.Event().wait()
        runtime.register_service("rating", rating)
        say(runtime.start("Case", {"policy": "P-1"}, key="K").id)
        threading.Event().wait()
    """
    with Child(file_house, script) as child:
        lines = {child.said(), child.said()}
        instance = next(line for line in lines if not line.startswith("called"))
        assert f"called 1 {instance}/1" in lines
        child.kill()
    requests: list[Any] = []
    runtime = file_house.open()
    (ours,) = Path(f"{runtime.engine.store.path}-peers").glob("*.alive")  # type: ignore[attr-defined]
    assert ours.stem == runtime.engine.store.owner, "what the dead one left lying is gone"
    view = runtime.instance(instance)
    assert (view.status, view.blocked) == ("running", "waiting for service 'rating'")
    runtime.register_service("rating", lambda request: requests.append(request) or 9)
    assert file_house.until(runtime, instance, "resting").steps == ("review",)
    assert [(r.attempt, r.idempotency_key) for r in requests] == [(1, f"{instance}/1")]
    (open_task,) = runtime.tasks()
    runtime.complete_task(open_task.id, {"answer": "approve"})
    file_house.until(runtime, instance)
    assert runtime.instance_state(instance).output == 9


def test_a_deadline_of_one_that_died_is_kept_by_those_who_live(file_house: House) -> None:
    """They were told of it with the commit, and sleep until then."""
    runtime = file_house.open()
    runtime.deploy(flow(m.Timer("nap", after=m.Const("PT1S")), done("input.policy")))
    script = """
        runtime = LocalRuntime(url)
        say(runtime.start("Case", {"policy": "P-1"}).id)
        threading.Event().wait()
    """
    with Child(file_house, script) as child:
        instance = child.said()
        child.kill()
    assert file_house.until(runtime, instance).status == "completed"


def test_a_schedule_of_one_that_died_is_kept_by_those_who_live(file_house: House) -> None:
    runtime = file_house.open()
    runtime.deploy(flow(task()))
    committed = threading.Event()
    subscription = runtime.subscribe(lambda _: committed.set())
    script = """
        from armillary_engine.operations import Every
        runtime = LocalRuntime(url)
        runtime.schedule("often", "Case", Every(interval=1))
        say("made")
        threading.Event().wait()
    """
    with Child(file_house, script) as child:
        assert child.said() == "made"
        child.kill()
    assert committed.wait(PATIENCE)
    subscription.close()
    runtime.delete_schedule("often")
    assert runtime.instances()[0].status == "waiting"


def test_each_process_is_woken_by_the_others_commits(file_house: House) -> None:
    runtime = file_house.open()
    runtime.register_service("rating", lambda request: {"premium": 5})
    runtime.deploy(flow(call(), task(), done("review.answer")))
    script = """
        runtime = LocalRuntime(url, work=False)
        ended = threading.Event()
        started = runtime.start("Case", {"policy": "P-1"})
        def heard(changed):
            view = runtime.instance(started.id)
            if view.steps == ("review",) and view.status == "waiting":
                for one in runtime.tasks():
                    runtime.complete_task(one.id, {"answer": "approve"})
            if view.ended:
                ended.set()
        runtime.subscribe(heard, instance=started.id)
        heard(None)
        say(started.id, ended.wait(20))
        runtime.close()
    """
    with Child(file_house, script) as child:
        instance, ended = child.said().split()
    assert ended == "True"
    assert file_house.until(runtime, instance).status == "completed"
    assert runtime.engine.telemetry.counts()["wake.heard"] >= 1


def test_what_another_process_delivers_is_taken_here(file_house: House) -> None:
    runtime = file_house.open()
    runtime.deploy(flow(m.Signal("paid", "paid", match=m.Get("input.policy"), result="paid"), done("paid")))
    instance = runtime.start("Case", {"policy": "P-1"}).id
    script = """
        runtime = LocalRuntime(url, work=False)
        runtime.signal("paid", {"amount": 3}, match="P-1")
        say("sent")
        runtime.close()
    """
    with Child(file_house, script) as child:
        assert child.said() == "sent"
        file_house.until(runtime, instance)
    assert runtime.instance_state(instance).output == {"amount": 3}


def test_services_of_a_living_process_are_known_to_the_others(file_house: House) -> None:
    other = file_house.open(work=False)
    script = """
        runtime = LocalRuntime(url)
        runtime.register_service("rating", lambda request: threading.Event().wait())
        say("ready")
        sys.stdin.readline()
    """
    with Child(file_house, script) as child:
        assert child.said() == "ready"
        assert "rating" in other.engine.store.announced()
        child.kill()
        assert "rating" not in other.engine.store.announced()


def test_past_due_timers_fire_in_order_after_a_restart(file_house: House) -> None:
    clock = VirtualClock()
    runtime = file_house.open(clock=clock)
    runtime.deploy(flow(m.Timer("nap", after=m.Get("input.nap")), m.Complete("done", m.Const(None))))
    order = [runtime.start("Case", {"nap": f"PT{minutes}M"}).id for minutes in (5, 2, 9, 1)]
    runtime.close()
    clock.advance(seconds=3600)
    again = file_house.open(clock=clock, work=False)
    claims = [claim.stored.row.id for claim in again.engine.store.claim(10, "test", until=clock.now())]
    assert claims == [order[3], order[1], order[0], order[2]]
    again.close()
    final = file_house.open(clock=clock)
    for instance in order:
        assert file_house.until(final, instance).status == "completed"


def test_a_thawed_worker_is_fenced(file_house: House) -> None:
    """A worker that was frozen past its lease gives its reply to a call that somebody else has answered since."""
    clock = VirtualClock()
    frozen = file_house.open(clock=clock)
    frozen.deploy(flow(call(timeout="P1D", attempt_timeout="P1D"), done("quote")))
    entered, thaw = threading.Event(), threading.Event()

    def slow(request: Any) -> str:
        entered.set()
        thaw.wait()
        return "late"

    frozen.register_service("rating", slow)
    instance = frozen.start("Case", {"policy": "P"}).id
    assert entered.wait(PATIENCE)
    frozen._loop.stop()
    clock.advance(seconds=60)
    other = file_house.open(clock=clock)
    other.register_service("rating", lambda request: "in time")
    file_house.until(other, instance)
    thaw.set()
    while not frozen.engine.inbox.waiting:
        pass
    frozen.engine.step()
    assert frozen.engine.telemetry.counts().get("commit.committed", 0) == 1
    assert frozen.instance_state(instance).output == "in time"


def test_two_processes_share_a_backlog_and_run_each_instance_once(file_house: House, tmp_path: Path) -> None:
    runtime = file_house.open(work=False)
    runtime.deploy(flow(call(), done("quote")))
    instances = [runtime.start("Case", {"policy": f"P-{number}"}).id for number in range(40)]
    script = """
        runtime = LocalRuntime(url)
        runtime.register_service("rating", lambda request: say(request.instance_id) or "there")
        sys.stdin.readline()
        runtime.close()
        say("end")
    """
    with Child(file_house, script) as child:
        here: list[str] = []
        worker = file_house.open()
        worker.register_service("rating", lambda request: here.append(request.instance_id) or "here")
        for instance in instances:
            file_house.until(worker, instance)
        child.tell()
        there: list[str] = []
        while (line := child.said()) != "end":
            there.append(line)
    assert sorted(here + there) == sorted(instances)
    outputs = {worker.instance_state(instance).output for instance in instances}
    assert outputs <= {"here", "there"}


def test_closing_leaves_no_thread_and_no_file_of_a_peer(file_house: House, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    runtime = file_house.open()
    runtime.subscribe(lambda changed: None)
    runtime.close()
    assert sorted(path.name for path in (tmp_path / "store.sqlite-peers").iterdir()) == ["write.lock"]
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert {name for name in left if name.startswith("armillary")} <= {"armillary-call"}


def test_a_process_ends_while_a_handler_hangs(file_house: House) -> None:
    setup = file_house.open()
    setup.deploy(flow(call(), done("quote")))
    setup.close()
    script = """
        runtime = LocalRuntime(url)
        entered = threading.Event()
        def hang(request):
            entered.set()
            threading.Event().wait()
        runtime.register_service("rating", hang)
        runtime.start("Case", {"policy": "P-1"})
        entered.wait()
        say("bye")
    """
    with Child(file_house, script) as child:
        assert child.said() == "bye"
        assert child.process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("long", [False, True])
def test_the_wake_works_in_any_folder(tmp_path: Path, long: bool) -> None:
    folder = tmp_path / ("a folder with a long name " * 4).strip() if long else tmp_path / "short"
    folder.mkdir()
    house = House(f"sqlite:///{folder}/store.sqlite")
    try:
        first, second = house.open(), house.open()
        first.deploy(flow(task()))
        heard = threading.Event()
        subscription = second.subscribe(lambda changed: heard.set())
        first.start("Case", {})
        assert heard.wait(PATIENCE)
        subscription.close()
    finally:
        house.close()


def test_opening_twice_in_one_process_is_allowed_and_both_work(file_house: House) -> None:
    first, second = file_house.open(), file_house.open()
    first.deploy(flow(task(), done("review.answer")))
    instance = first.start("Case", {}).id
    (open_task,) = second.tasks()
    second.complete_task(open_task.id, {"answer": "reject"})
    assert file_house.until(first, instance).status == "completed"
