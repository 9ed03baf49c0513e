"""Tasks: who holds them, who sees them, and the lists of instances that a person works with."""

from __future__ import annotations

from ...backend import TaskChange
from ...clock import as_datetime
from ...mutation import Answered, Delivery, Escalate, Nothing
from ...queries import InstanceQuery, TaskQuery
from ...rows import DefinitionRow, TaskEventRow
from .harness import FOREVER, SECOND, Bench, case, message


@case
def a_task_is_claimed_by_one(bench: Bench) -> None:
    bench.begin(tasks=(bench.task(),))

    def change(expected: str | None, assignee: str | None) -> bool:
        event = TaskEventRow("i", 1, "claimed", bench.clock.now(), assignee)
        return bench.store.change_task(TaskChange("i", 1, expected, assignee, event))

    assert [change(None, "ann"), change(None, "bob"), change("ann", "bob"), change("bob", None)] == [
        True,
        False,
        True,
        True,
    ]
    assert [event.actor for event in bench.store.task_events("i", 1)] == ["ann", "bob", None]
    assert not bench.store.change_task(TaskChange("i", 2, None, "ann", TaskEventRow("i", 2, "claimed", 0)))


@case
def a_task_completed_twice_is_completed_once(bench: Bench) -> None:
    bench.begin(tasks=(bench.task(),))
    done = Delivery(message(kind="task", body=b"[1,null]", serial=1), Answered(1, "1", None))
    assert [one.kind for one in bench.store.deliver([done, done])] == ["committed", "fenced"]
    assert [one.kind for one in bench.store.deliver([done])] == ["fenced"]
    assert len(bench.store.letters(state=None)) == 1
    late = TaskChange("i", 1, None, "ann", TaskEventRow("i", 1, "claimed", bench.clock.now(), "ann"))
    assert not bench.store.change_task(late), "nobody holds what is over"
    assert [one.type for one in bench.store.task_events("i", 1)] == ["completed"]
    assert bench.store.tasks(TaskQuery(status="completed"))[0].assignee is None


@case
def tasks_are_found_by_instance_role_assignee_name_and_family(bench: Bench) -> None:
    bench.begin("a", tasks=(bench.task("a", 1), bench.task("a", 2, assignee="ann", roles_json='["under%writer","x"]')))
    bench.begin("a:3", parent="a", parent_serial=3, tasks=(bench.task("a:3", 1, name="Sign"),))
    bench.begin("b", tasks=(bench.task("b", 1),))
    bench.begin("a:3:5", parent="a:3", parent_serial=5, tasks=(bench.task("a:3:5", 1, name="Look", roles_json="[]"),))

    def found(**query: object) -> list[tuple[str, int]]:
        return [(t.instance, t.serial) for t in bench.store.tasks(TaskQuery(**query))]  # type: ignore[arg-type]

    assert found() == [("a", 1), ("a", 2), ("a:3", 1), ("b", 1), ("a:3:5", 1)]
    assert found(instance="a") == [("a", 1), ("a", 2), ("a:3", 1), ("a:3:5", 1)]
    assert found(instance="a:3") == [("a:3", 1), ("a:3:5", 1)]
    assert found(role="underwriter") == [("a", 1), ("a:3", 1), ("b", 1)]
    assert found(role="under%writer") == [("a", 2)]
    assert found(role="under_writer") == found(role="Underwriter") == found(role="writer") == []
    assert found(assignee="ann") == [("a", 2)]
    assert found(name="Sign") == [("a:3", 1)]
    assert found(limit=2) == [("a", 1), ("a", 2)]
    assert found(after="a/2", limit=1) == [("a:3", 1)]
    assert found(status="completed") == []


@case
def an_escalated_task_is_offered_to_more(bench: Bench) -> None:
    stored = bench.begin(tasks=(bench.task(),))
    event = TaskEventRow("i", 1, "escalated", bench.clock.now())
    more = Escalate(1, '["boss","underwriter"]')
    bench.commit(bench.after(stored, Nothing(), escalations=(more,), task_events=(event,)))
    (task,) = bench.store.tasks(TaskQuery(role="boss"))
    assert (task.serial, [e.type for e in bench.store.task_events("i", 1)]) == (1, ["escalated"])


@case
def instances_are_listed_newest_first_in_stable_pages(bench: Bench) -> None:
    for number in range(5):
        bench.clock.advance(seconds=1)
        bench.begin(f"i{number}", waits=(FOREVER,), reference=f"R{number % 2}")

    def page(**query: object) -> list[str]:
        return [one.row.id for one in bench.store.instances(InstanceQuery(**query))]  # type: ignore[arg-type]

    assert page(limit=2) == ["i4", "i3"]
    bench.begin("i5", waits=(FOREVER,))
    assert page(after="i3", limit=2) == ["i2", "i1"]
    assert page(reference="R1") == ["i3", "i1"]
    assert page(step="s", limit=1) == ["i5"]
    assert page(step="%") == []
    assert page(workflow="Other") == []
    assert page(started_before=as_datetime(bench.read("i1").row.started)) == ["i0"]


@case
def running_and_waiting_follow_from_what_is_stored(bench: Bench) -> None:
    bench.begin("calling", calls=(bench.call("calling"),))
    bench.begin("backoff", calls=(bench.call("backoff", ready=bench.clock.now() + SECOND),))
    bench.begin("asking", tasks=(bench.task("asking"),))
    bench.begin("told", waits=(FOREVER,))
    bench.send(message("told"))

    def having(status: str) -> list[str]:
        return sorted(one.row.id for one in bench.store.instances(InstanceQuery(status=frozenset({status}))))

    assert having("running") == ["calling", "told"]
    assert having("waiting") == ["asking", "backoff"]
    assert bench.store.instances(InstanceQuery(status=frozenset())) == []
    found = {one.row.id: one for one in bench.store.instances(InstanceQuery())}
    assert found["calling"].services == ("rating",)
    assert [id for id, one in found.items() if one.ready] == ["told"]


@case
def one_that_failed_and_is_to_be_retried_runs(bench: Bench) -> None:
    stored = bench.begin()
    ended = bench.after(stored, Nothing(), status="failed", ended=bench.clock.now(), resting=True)
    assert bench.commit(ended).kind == "committed"

    def runs() -> bool:
        found = bench.store.instance("i")
        assert found is not None
        assert [(one.row.status, one.running) for one in bench.store.instances(InstanceQuery())] == [
            ("failed", found.running)
        ]
        return found.running

    assert not runs()
    assert bench.send(message(kind="cancel", control=True)).kind == "ended"
    assert bench.send(message(kind="retry", control=True)).kind == "committed"
    assert runs()
    assert bench.send(message()).kind == "ended", "its waits are closed"
    assert bench.send(message(kind="cancel", control=True)).kind == "committed", "it lives again by then"
    (claim,) = bench.claim(seconds=10)
    assert (claim.letter.message.kind, runs()) == ("retry", True), "it is in hand"
    again = bench.after(claim.stored, claim.consumes, status="waiting", ended=None, resting=False)
    assert bench.commit(again).kind == "committed"
    (claim,) = bench.claim()
    over = bench.after(claim.stored, claim.consumes, status="failed", ended=bench.clock.now(), resting=True)
    assert (claim.letter.message.kind, bench.commit(over).kind) == ("cancel", "committed")
    assert not runs()


@case
def definitions_are_kept_by_digest_the_newest_first(bench: Bench) -> None:
    def row(version: str, digest: str, document: bytes = b"{}") -> DefinitionRow:
        return DefinitionRow("Case", version, digest, document, bench.clock.now(), "ann")

    first, second = row("1.0.0", "d1"), row("1.1.0", "d2")
    assert bench.store.deploy(first) == first
    assert bench.store.deploy(second) == second
    assert bench.store.deploy(row("1.0.0", "d3")) == first
    assert bench.store.definition("d3") is None
    bench.begin(waits=(FOREVER,))
    assert bench.store.definitions("Case") == [(second, 0), (first, 1)]
    again = row("1.0.0", "d1", b'{"meta":{}}')
    assert bench.store.deploy(again) == again
    assert [one.digest for one, _ in bench.store.definitions()] == ["d1", "d2"]
    assert list(bench.store.versions("Case")) == [("1.0.0", "d1"), ("1.1.0", "d2")]
    assert (bench.store.enable("d1", False), bench.store.enable("d9", False)) == (True, False)
    found = bench.store.definition("d1")
    assert list(bench.store.versions("Case")) == [("1.1.0", "d2")]
    assert found is not None
    assert (found.enabled, found.document) == (False, b'{"meta":{}}')
    assert bench.store.deploy(row("1.0.0", "d1")).enabled is False
    assert list(bench.store.versions("Case")) == [("1.1.0", "d2")]
