"""``task``: what people are asked, and when they do not answer."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition.model import (
    Check,
    Complete,
    Each,
    Escalation,
    Fail,
    Fork,
    ForkBranch,
    Handler,
    Set,
    Signal,
    Task,
    Try,
)
from armillary_engine.definition.problems import Problem
from armillary_engine.interpreter import check_answer
from armillary_engine.interpreter.commands import CloseWait, Due, EscalateTask, OpenTask
from armillary_engine.interpreter.triggers import TaskCompleted

from .world import T0, World, const, e, workflow

HOUR = 3_600_000_000


def started(*body: Any, input: Any = None) -> World:
    return World(workflow(*body)).start(input)


def checked(world: World, step: str, value: Any) -> tuple[Any, tuple[Problem, ...]]:
    return check_answer(world.it.program, world.snapshot, world.serial(step), value, world.now)


def test_a_task_is_opened_with_all_that_a_person_needs() -> None:
    task = Task(
        "review", "ReviewQuote", title=e("f'Review {input.id}'"), roles=("underwriter",), assignee=e("input.who"),
        payload=e("{'id': input.id}"), answer={"type": "object"}, due=e("'P2D'"), priority=e("1 + 1"),
    )  # fmt: skip
    world = started(task, input={"id": "P-1", "who": "ann"})
    assert world.commands(OpenTask) == [
        OpenTask(
            serial=1, step="review", name="ReviewQuote", title="Review P-1", roles=("underwriter",), assignee="ann",
            payload={"id": "P-1"}, answer={"type": "object"}, due=T0 + 48 * HOUR, priority=2,
        )
    ]  # fmt: skip
    assert (world.status, world.waiting()) == ("waiting", ["review"])


def test_a_task_of_an_instance_that_failed_takes_no_answer() -> None:
    both = Fork(
        "fork", (ForkBranch("a", (Task("review", "Review"),)), ForkBranch("b", (Task("other", "O", timeout="P1D"),)))
    )
    world = started(both)
    serial = world.serial("review")
    world.pass_time("P1D")
    assert world.status == "failed"
    problems = check_answer(world.it.program, world.snapshot, serial, None, world.now)[1]
    assert [problem.code for problem in problems] == ["task.not-open"]


def test_the_answer_is_the_result() -> None:
    world = started(Task("review", "Review", result="answer"), Complete("z", e("answer")))
    world.answer("review", {"ok": True}, by="ann")
    assert world.output == {"ok": True}
    assert world.event("step.done", "review").data == {"by": "ann"}
    assert world.commands(CloseWait) == [CloseWait(1, "done", "task")]


def test_without_a_title_the_name_is_it_and_a_due_date_may_be_a_moment() -> None:
    opened = started(Task("review", "Review", due=e("'2025-07-01'"))).opened("review")
    assert opened.title == "Review"
    assert opened.due == 1_751_328_000_000_000


def test_an_assignee_may_be_nobody() -> None:
    assert (
        started(Task("review", "Review", assignee=const(None), priority=const(None))).opened("review").assignee is None
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"title": const([1])}, {"assignee": const({})}, {"due": const(5)}, {"due": const("soon")},
        {"priority": const("high")}, {"priority": const(True)}, {"priority": const(10**12)},
    ],
)  # fmt: skip
def test_what_cannot_be_a_title_assignee_due_date_or_priority_fails_the_step(fields: dict[str, Any]) -> None:
    assert started(Task("review", "Review", **fields)).error == "expression.type"


def test_a_time_out_fails_with_timeout_task() -> None:
    body = Try("t", (Task("review", "Review", timeout="P1D"),), (Handler(("timeout",), (Set("h", {"late": e("1")}),)),))
    world = started(body).pass_time("PT23H")
    assert world.waiting() == ["review"]
    world.pass_time("PT1H")
    assert world.state == {"late": 1}
    assert world.commands(CloseWait) == [CloseWait(1 + 1, "timeout", "task")]
    assert world.event("step.caught", "t").data == {"code": "timeout.task", "handler": 0}


def test_an_open_task_is_offered_to_more_roles_after_a_while() -> None:
    task = Task("review", "Review", escalate=Escalation("P1D", ("manager",)), timeout="P2D")
    world = started(task)
    assert world.commands(Due) == [Due(1, "timeout", T0 + 48 * HOUR), Due(1, "escalate", T0 + 24 * HOUR)]
    world.pass_time("P1D")
    assert world.commands(EscalateTask) == [EscalateTask(1, ("manager",))]
    assert world.event("task.escalated").data == {"roles": ["manager"]}
    assert world.waiting() == ["review"]
    assert world.answer("review").status == "completed"


def test_a_second_completion_is_stale() -> None:
    world = started(Task("a", "A"), Task("b", "B", result="b"))
    world.answer("a")
    world.give(TaskCompleted(1, "again"))
    assert world.types()[-1] == "- trigger.stale"
    assert world.waiting() == ["b"]


def test_a_large_payload_is_refused() -> None:
    assert started(Task("a", "A", payload=e("input")), input="x" * 300_000).error == "failure.payload-too-large"


# ── answers are checked before they are stored ───────────────────────────────────────────────────────────────────────

ANSWER = {
    "type": "object",
    "properties": {"verdict": {"enum": ["yes", "no"]}, "note": {"type": "string", "default": ""}},
    "required": ["verdict"],
}


def test_an_answer_gets_the_defaults_of_its_schema() -> None:
    assert checked(started(Task("a", "A", answer=ANSWER)), "a", {"verdict": "yes"}) == (
        {"verdict": "yes", "note": ""},
        (),
    )


def test_an_answer_that_does_not_fit_is_refused_and_the_task_stays_open() -> None:
    world = started(Task("a", "A", answer=ANSWER))
    _, problems = checked(world, "a", {"verdict": "maybe"})
    assert [(problem.pointer, problem.step) for problem in problems] == [("/verdict", "a")]
    assert world.waiting() == ["a"]


def test_a_check_refuses_with_its_message_and_sees_the_state_and_the_answer() -> None:
    check = Check(e("answer.verdict == 'yes' and limit < 10"), e("f'expected no below {limit + 1}'"))
    world = started(Set("s", {"limit": e("9")}), Task("a", "A", answer=ANSWER, check=(check,)))
    _, problems = checked(world, "a", {"verdict": "yes"})
    assert [(problem.code, problem.message) for problem in problems] == [
        ("task.answer-refused", "expected no below 10")
    ]
    assert checked(world, "a", {"verdict": "no"})[1] == ()


def test_a_check_that_has_no_value_refuses_and_says_why() -> None:
    world = started(Task("a", "A", check=(Check(e("answer.missing"), e("'m'")), Check(e("1"), e("'m'")))))
    _, problems = checked(world, "a", {})
    assert [problem.code for problem in problems] == ["task.check-failed", "task.check-failed"]


def test_a_check_sees_the_names_of_its_turn_and_of_its_handler() -> None:
    check = Check(e("answer != f'{x}{error.code}'"), e("f'expected {x}'"))
    body = Each("each", e("[1, 2]"), "x", (Task("a", "A", check=(check,)),), parallel=2)
    world = started(Try("t", (Fail("f", const("bad"), const("m")),), (Handler(("*",), (body,)),)))
    assert [problem.message for problem in checked(world, "a", "2bad")[1]] == ["expected 1"]
    assert checked(world, "a", "1bad")[1] == ()


def test_an_answer_to_another_wait_is_refused() -> None:
    world = started(Signal("s", "paid"))
    assert [problem.code for problem in checked(world, "s", None)[1]] == ["task.not-open"]


def test_an_answer_to_no_open_task_is_refused() -> None:
    world = started(Task("a", "A"))
    _, problems = check_answer(world.it.program, world.snapshot, 99, None, world.now)
    assert [problem.code for problem in problems] == ["task.not-open"]
    world.cancel()
    _, problems = check_answer(world.it.program, world.snapshot, 1, None, world.now)
    assert [problem.code for problem in problems] == ["task.not-open"]
