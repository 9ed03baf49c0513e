"""``call``: waits, attempts, time-outs, replies."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from armillary_engine.definition.model import (
    Address,
    Call,
    Complete,
    Fork,
    ForkBranch,
    Handler,
    RetryPolicy,
    Set,
    Task,
    Try,
)
from armillary_engine.interpreter.commands import CloseWait, Due, OpenCall, RetryCall
from armillary_engine.interpreter.retry import Policy, delay
from armillary_engine.interpreter.triggers import CallReturned, Failed, TimerDue
from hypothesis import given
from hypothesis import strategies as st

from .world import T0, World, e, workflow

SECOND = 1_000_000


def quote(**fields: Any) -> Call:
    return Call("quote", Address("rating", "quote"), e("{'policy': input.policy}"), **fields)


def started(*body: Any, **fields: Any) -> World:
    return World(workflow(*(body or (quote(result="quote"),)), **fields)).start({"policy": "P-1"})


# ── the wait ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_slice_that_reaches_a_call_commits_the_wait_with_arguments_deadline_and_key() -> None:
    world = started()
    assert world.commands(OpenCall) == [
        OpenCall(
            serial=1, step="quote", service="rating", operation="quote", arguments={"policy": "P-1"}, key="i/1",
            deadline=T0 + 3600 * SECOND, attempt_timeout=30 * SECOND, heartbeat=None, attempt=1,
        )
    ]  # fmt: skip
    assert world.commands(Due) == [], "its deadline comes back by itself"
    assert world.event("step.waiting").data["for"] == "call"


def test_a_call_in_flight_is_running_and_one_in_back_off_waits() -> None:
    world = started(quote(retry=RetryPolicy(attempts=2)))
    assert world.status == "running"
    world.break_call("quote")
    assert world.status == "waiting"


def test_a_call_that_is_due_again_is_running() -> None:
    again = quote(retry=RetryPolicy(attempts=2, backoff="PT5S"))
    tasks = (ForkBranch("b", (Task("b", "B"),)), ForkBranch("c", (Task("c", "C"),)))
    world = started(Fork("f", (ForkBranch("a", (again,)), *tasks))).break_call("quote").answer("b")
    assert world.status == "waiting"
    world.pass_time("PT5S").answer("c")
    assert world.status == "running"


def test_the_reply_is_the_result_and_a_one_call_instance_takes_two_slices() -> None:
    world = started(quote(result="quote"), Complete("z", e("quote.premium")))
    world.reply("quote", {"premium": Decimal("12.5")})
    assert world.output == Decimal("12.5")
    assert world.it.slices == 2
    assert world.commands(CloseWait) == [CloseWait(1, "done", "call")]


def test_a_reply_without_a_result_is_not_kept() -> None:
    world = started(quote())
    world.reply("quote", {"premium": 1})
    assert world.state == {}


def test_a_result_may_be_a_path() -> None:
    world = started(Set("a", {"all": e("{'n': 1}")}), quote(result="all.quote"))
    world.reply("quote", 7)
    assert world.state == {"all": {"n": 1, "quote": 7}}


# ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_later_attempts_keep_the_visit_and_wait_longer_each_time_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=5, backoff="PT2S", factor=Decimal("1.5"), max="PT5S")
    world = started(quote(retry=policy))
    for _ in range(4):
        world.break_call("quote")
    delays = [(retry.serial, retry.attempt, retry.due - T0) for retry in world.commands(RetryCall)]
    assert delays == [(1, 2, 2 * SECOND), (1, 3, 3 * SECOND), (1, 4, 4_500_000), (1, 5, 5 * SECOND)]
    assert world.types("quote") == ["step.waiting", *["call.retrying"] * 4]
    world.break_call("quote", "failure.down")
    assert (world.status, world.error) == ("failed", "failure.down")
    assert world.commands(CloseWait) == [CloseWait(1, "failed", "call")]


def test_attempts_counts_the_first_one() -> None:
    assert started(quote()).break_call("quote").status == "failed"
    assert started(quote(retry=RetryPolicy(attempts=2))).break_call("quote").status == "waiting"


@pytest.mark.parametrize(
    ("on", "code", "again"),
    [
        (("*",), "timeout.attempt", True),
        (("timeout",), "timeout.attempt", True),
        (("timeout",), "failure.service", False),
        (("failure.service",), "failure.service.down", True),
        (("service",), "failure.service.down", True),
        (("failure",), "timeout.attempt", False),
        ((), "failure.service", False),
    ],
)
def test_only_the_codes_of_on_are_retried(on: tuple[str, ...], code: str, again: bool) -> None:
    world = started(quote(retry=RetryPolicy(attempts=2, on=on)))
    world.break_call("quote", code)
    assert world.status == ("waiting" if again else "failed")


def test_jitter_is_seeded_by_the_waiting_token() -> None:
    policy = RetryPolicy(attempts=2, backoff="PT100S", jitter=Decimal("0.5"), max="PT1H")

    def due(id: str) -> int:
        world = World(workflow(quote(retry=policy))).start({"policy": "P-1"}, id=id).break_call("quote")
        return int(world.commands(RetryCall)[0].due - T0)

    assert due("i") == due("i")
    assert due("i") != due("j")
    assert 50 * SECOND <= due("i") <= 100 * SECOND


@given(st.integers(1, 60), st.integers(0, 10**9), st.integers(1, 30), st.integers(0, 10**12), st.integers(0, 1_000_000))
def test_a_delay_is_never_negative_nor_longer_than_the_cap(
    failures: int, backoff: int, factor: int, longest: int, jitter: int
) -> None:
    policy = Policy(10, backoff, Fraction(factor, 10), longest, jitter, ("*",))
    assert 0 <= delay(policy, failures, "seed") <= longest


def test_a_delay_does_not_depend_on_the_threads_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 2
        policy = RetryPolicy(attempts=2, backoff="PT1234.567891S", factor=1, max="P1D")
        world = started(quote(retry=policy, timeout="P1D")).break_call("quote")
    assert world.commands(RetryCall)[0].due - T0 == 1_234_567_891


def test_an_attempt_that_would_begin_after_the_time_out_of_the_step_is_not_made() -> None:
    world = started(quote(timeout="PT10S", retry=RetryPolicy(attempts=9, backoff="PT10S")))
    world.break_call("quote", "failure.down")
    assert (world.status, world.error) == ("failed", "failure.down")


def test_a_reply_to_an_earlier_attempt_is_stale_and_recorded() -> None:
    world = started(quote(result="q", retry=RetryPolicy(attempts=3)))
    world.break_call("quote")
    world.give(CallReturned(1, 1, "late"))
    assert world.types()[-1] == "quote trigger.stale"
    assert world.state == {}
    world.reply("quote", "in time")
    assert world.state == {"q": "in time"}


def test_a_second_reply_is_stale() -> None:
    world = started(quote(result="q"), quote2(), Complete("z", e("q")))
    world.reply("quote", 1)
    world.give(CallReturned(1, 1, 2))
    assert world.it.events[-1].data == {"trigger": "call-returned", "reason": "its wait is closed"}
    world.reply("quote2", None)
    assert world.output == 1
    world.give(CallReturned(2, 1, 3))
    assert world.it.events[-1].data == {"trigger": "call-returned", "reason": "the instance is completed"}


def quote2() -> Call:
    return Call("quote2", Address("rating", "quote"), e("None"))


# ── time-outs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_time_out_of_the_step_ends_it_even_between_attempts() -> None:
    world = started(quote(timeout="PT1M", retry=RetryPolicy(attempts=3, backoff="PT59S", factor=1)))
    world.break_call("quote")
    world.pass_time("PT1M")
    assert (world.status, world.error) == ("failed", "timeout.call")
    assert world.commands(CloseWait) == [CloseWait(1, "timeout", "call")]


def test_an_attempt_that_takes_too_long_is_retried_by_policy() -> None:
    world = started(quote(retry=RetryPolicy(attempts=2)))
    world.break_call("quote", "timeout.attempt")
    assert world.event("call.retrying").data["code"] == "timeout.attempt"
    world.break_call("quote", "timeout.attempt")
    assert world.error == "timeout.attempt"


def test_a_due_time_that_is_not_this_waits_is_stale() -> None:
    world = started()
    world.give(TimerDue(1, "timeout", T0 + 5))
    world.give(TimerDue(1, "timer", T0 + 3600 * SECOND))
    world.give(TimerDue(1, "escalate", T0 + 3600 * SECOND))
    world.give(TimerDue(1, "retry", T0 + 3600 * SECOND))
    world.give(TimerDue(99, "timeout", T0 + 3600 * SECOND))
    assert world.types()[-5:] == [*["quote trigger.stale"] * 4, "- trigger.stale"]
    assert world.waiting() == ["quote"]


# ── what a reply must be ─────────────────────────────────────────────────────────────────────────────────────────────

REPLY = {
    "type": "object",
    "properties": {"premium": {"type": "number", "format": "decimal"}, "currency": {"default": "EUR"}},
    "required": ["premium"],
}


def test_a_reply_gets_the_defaults_of_its_schema() -> None:
    world = started(quote(result="q", reply=REPLY)).reply("quote", {"premium": "12.50"})
    assert world.state == {"q": {"premium": Decimal("12.5"), "currency": "EUR"}}


def test_a_reply_that_does_not_fit_is_retried_by_policy_and_then_fails() -> None:
    world = started(quote(result="q", reply=REPLY, retry=RetryPolicy(attempts=2)))
    world.reply("quote", {"premium": "many"})
    assert world.event("call.retrying").data["code"] == "failure.reply-invalid"
    world.reply("quote", {})
    assert world.error == "failure.reply-invalid"
    assert "premium" in str(world.event("step.failed").data["message"])


def test_a_reply_that_does_not_fit_can_be_handled() -> None:
    handled = Try("t", (quote(reply=REPLY),), (Handler(("failure.reply-invalid",), (Set("h", {"x": e("1")}),)),))
    assert started(handled).reply("quote", 1).state == {"x": 1}


def test_large_arguments_and_replies_are_refused_with_a_code() -> None:
    large = "x" * 300_000
    world = World(workflow(quote())).start({"policy": large})
    assert world.error == "failure.payload-too-large"
    assert started(quote()).reply("quote", large).error == "failure.payload-too-large"


def test_arguments_that_have_no_value_fail_the_step() -> None:
    world = World(workflow(quote())).start({})
    assert (world.status, world.error) == ("failed", "expression.missing")
    assert world.commands(OpenCall) == []


def test_a_failure_tells_what_the_service_said() -> None:
    world = started()
    world.give(CallReturned(1, 1, failed=Failed("failure.service", "no such policy", {"status": 404})))
    assert world.snapshot.error is not None
    assert world.snapshot.error.details == {"status": 404}
