"""A rolling upgrade: workers of two releases on one store. What the older one cannot read it leaves to the newer."""

from __future__ import annotations

from armillary_engine.definition import model as m

from .conftest import House, done, flow
from .test_processes import Child

WAITS = flow(m.Signal("paid", "paid", result="paid"), done("paid"))
NEWER = """
    from armillary_engine.interpreter import encoding, snapshot
    snapshot.SCHEMA = encoding.SCHEMA = 2
    encoding.UPGRADES[1] = lambda document: {**document, "state": {**document.get("state", {}), "upgraded": True}}
    runtime = LocalRuntime(url)
    id = sys.stdin.readline().strip() or runtime.start("Case", {}).id
    ended = threading.Event()
    subscription = runtime.subscribe(lambda changed: ended.set(), instance=id, at_once=True)
    say("ready", id)
    while not runtime.instance(id).ended:
        assert ended.wait(20)
        ended.clear()
    counts = runtime.engine.telemetry.counts()
    say(runtime.instance(id).status, counts.get("commit.committed", 0))
    runtime.close()
"""


def test_the_older_worker_leaves_newer_snapshots_to_the_newer_one(file_house: House) -> None:
    """Both workers are awake when the signal comes; whoever sees it first, the newer one takes it."""
    older = file_house.open()
    older.deploy(WAITS)
    with Child(file_house, NEWER) as newer:
        newer.tell()
        _, instance = newer.said().split()
        older.signal("paid", 3, instance=instance)
        assert newer.said() == "completed 2"
        assert newer.process.wait(timeout=20) == 0
    assert older.instance(instance).status == "completed"
    assert older.dead_letters() == []
    assert older.engine.telemetry.counts().get("message.failed", 0) == 0


def test_what_only_a_newer_worker_can_read_waits_for_one(file_house: House) -> None:
    older = file_house.open(work=False)
    older.deploy(WAITS)
    with Child(file_house, NEWER) as newer:
        newer.tell()
        _, instance = newer.said().split()
        newer.kill()
    older.signal("paid", 3, instance=instance)
    while older.engine.step():
        pass
    view = older.instance(instance)
    assert view.status == "running"
    assert view.blocked == "expected a snapshot of form 1 or older, got 2"
    (letter,) = older.engine.store.letters(state=None)
    assert (letter.state, letter.failures) == ("ready", 0), "unclaimed, and not counted as a failure"
    looks = older.engine.telemetry.counts()["look"]
    for _ in range(20):
        assert not older.engine.step()
    # Whoever finds that another process died has everybody look once more, at a moment of its own.
    assert older.engine.telemetry.counts()["look"] <= looks + 1, "and nobody spins on it"
    with Child(file_house, NEWER) as newer:
        newer.tell(instance)
        assert newer.said() == f"ready {instance}"
        assert newer.said() == "completed 1"
    assert older.instance(instance).status == "completed"


def test_the_newer_worker_upgrades_what_the_older_one_has_written(file_house: House) -> None:
    older = file_house.open()
    older.deploy(WAITS)
    instance = older.start("Case", {}).id
    older.close()
    with Child(file_house, NEWER) as newer:
        newer.tell(instance)
        assert newer.said() == f"ready {instance}"
        sender = file_house.open(work=False)
        sender.signal("paid", 3, instance=instance, mode="all")
        assert newer.said() == "completed 1"
    stored = sender.engine.store.read([instance])[instance].snapshot
    assert stored.startswith(b'{"schema":2,')
    assert b'"upgraded":true' in stored


NEWER_DEFINITION = """
    from armillary_engine.definition import codec, model, reading
    from armillary_engine.worker import programs
    for module in (codec, model, reading, programs):
        module.SCHEMA = "armillary.workflow/2"
    programs.NUMBER = "2"
    runtime = LocalRuntime(url)
    runtime.deploy(m.Definition("Newer", (m.Signal("paid", "paid"),), schema="armillary.workflow/2"))
    say("deployed")
    for line in sys.stdin:
        changed = threading.Event()
        runtime.subscribe(lambda _: changed.set(), instance=line.strip())
        while not runtime.instance(line.strip()).ended:
            assert changed.wait(20)
            changed.clear()
        say(runtime.instance(line.strip()).status)
"""


def test_a_definition_of_a_newer_schema_is_left_to_a_newer_worker(file_house: House) -> None:
    older = file_house.open(work=False)
    with Child(file_house, NEWER_DEFINITION) as newer:
        assert newer.said() == "deployed"
        newer.kill()
    instance = older.start("Newer").id
    older.signal("paid", 3, instance=instance)
    while older.engine.step():
        pass
    view = older.instance(instance)
    assert view.status == "running"
    assert view.blocked is not None
    assert "in the schema armillary.workflow/1 or older, got Newer" in view.blocked
    assert {(one.state, one.failures) for one in older.engine.store.letters(state=None)} == {("ready", 0)}
    with Child(file_house, NEWER_DEFINITION) as newer:
        newer.tell(instance)
        assert newer.said() == "deployed"
        assert newer.said() == "completed"
