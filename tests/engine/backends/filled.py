"""A store in which something of every kind lies, and whether it is all there: before and after a migration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from armillary_engine.mutation import Nothing
from armillary_engine.queries import InstanceQuery, SignalQuery, TaskQuery
from armillary_engine.rows import DefinitionRow, ScheduleRow, SignalRow, SignalWait, TaskEventRow
from armillary_engine.testing.conformance.harness import SECOND, Bench, Factory, message

DIGEST = "d-told"


@dataclass(frozen=True, slots=True)
class Filled:
    """What lay in a store."""

    bench: Bench
    before: dict[str, Any]

    def expect_all(self) -> None:
        """The store, opened again, holds what it held, and goes on with it."""
        bench = self.bench
        bench.opened = []
        bench.open()
        assert seen(bench) == self.before
        assert bench.store.by_key("Case", "K") == "called"
        assert list(bench.store.check()) == []
        assert bench.claim(without={DIGEST}) == [], "a message is of its instance's definition"
        assert bench.store.due(services=(), without={DIGEST}) == bench.clock.now() + 60 * SECOND, "the deadline"
        (claim,) = bench.claim()
        assert (claim.stored.row.id, claim.letter.message.body) == ("told", b'"hello"')
        assert [call.instance for call in bench.claim_calls()] == ["called"]
        bench.begin("late", waits=(SignalWait(1, "early", '"E"'),))
        (claim,) = bench.claim()
        assert (claim.stored.row.id, claim.letter.message.kind) == ("late", "signal"), "which came early, and was kept"
        put = bench.store.upkeep.put_schedule
        now = bench.clock.now()
        assert put(ScheduleRow("daily", "Case", "*", "{}", "[null,null,60,null]", "once", 1, now, next=now + SECOND))
        assert bench.store.upkeep.due() == now + SECOND
        bench.close()


def fill(bench: Bench) -> Filled:
    """Puts in whatever the first schema could hold, and closes the store."""
    store, now = bench.open(), bench.clock.now()
    store.deploy(DefinitionRow("Case", "1.0.0", "d1", b'{"a":"\xc3\x9f"}', now, "ann"))
    store.deploy(DefinitionRow("Case", "2.0.0", "d2", b"{}", now))
    store.enable("d2", False)
    timer = message("waiting", "timer", b'"timeout"', serial=1, ready=now + 60 * SECOND)
    bench.begin("waiting", waits=(SignalWait(1, "never", '"k"'),), messages=(timer,))
    bench.begin("called", calls=(bench.call("called"),), key="K")
    created = TaskEventRow("asked", 1, "created", now)
    bench.begin("asked", tasks=(bench.task("asked"),), task_events=(created,), reference="R-1")
    bench.begin("told", waits=(SignalWait(1, "never", None),), digest=DIGEST)
    bench.send(message("told", body=b'"hello"'))
    over = bench.begin("over", waits=(SignalWait(1, "never", None),))
    bench.commit(bench.after(over, Nothing(), status="completed", ended=now))
    store.store_signal(SignalRow("s", "early", '"\xdf"', now, now + 3600 * SECOND, key='"E"'))
    before = seen(bench)
    bench.close()
    return Filled(bench, before)


def time_outs_outlive_migrations(open_backend: Factory, migrate: Callable[[int], Any]) -> None:
    """Until schema 5, each call had a message beside it for when its step's time is over."""
    bench = Bench(open_backend)
    bench.open()
    due = bench.clock.now() + SECOND
    for instance in ("open", "suspended", "told"):
        stored = bench.begin(instance, calls=(bench.call(instance, timeout=due),))
        if instance == "suspended":
            bench.commit(bench.after(stored, Nothing(), status="suspended", holds=True))
    bench.begin("late", calls=(bench.call("late", timeout=due + SECOND),))
    bench.close()
    migrate(4)
    migrate(5)
    bench.opened = []
    bench.open()
    letters = [(one.message.instance, one.arrived, one.state) for one in bench.store.letters(state=None)]
    assert sorted(letters) == [
        ("late", due + SECOND, "ready"), ("open", due, "ready"), ("suspended", due, "held"), ("told", due, "ready"),
    ]  # fmt: skip
    assert bench.store.pending("open") == [("call", 1), ("timer", 1)]
    assert bench.store.due(services=()) == due
    bench.clock.advance(seconds=1)
    assert bench.store.time_out(10) == 0, "each has its message"
    claims = {claim.stored.row.id: claim for claim in bench.claim()}
    assert {id: claim.letter.message.body for id, claim in claims.items()} == {
        "open": b'"timeout"',
        "told": b'"timeout"',
    }
    assert list(bench.store.check()) == []
    bench.close()


def seen(bench: Bench) -> dict[str, Any]:
    """All that the store tells."""
    store = bench.store
    ids = [one.row.id for one in store.instances(InstanceQuery(limit=100))]
    return {
        "definitions": list(store.definitions()),
        "versions": list(store.versions("Case")),
        "instances": [store.instance(id) for id in ids],
        "stored": store.read(ids),
        "history": [list(store.history(id, after=0, limit=10)) for id in ids],
        "pending": [list(store.pending(id)) for id in ids],
        "letters": list(store.letters(state=None)),
        "tasks": list(store.tasks(TaskQuery(limit=100))),
        "events": list(store.task_events("asked", 1)),
        "waits": store.upkeep.waits("never", 10),
        "signals": list(store.upkeep.signals(SignalQuery(limit=100))),
    }
