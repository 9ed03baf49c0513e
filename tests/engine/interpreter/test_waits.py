"""``timer`` and ``signal``, and the slice's ``now``."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition.model import Complete, Handler, Repeat, Set, Signal, Timer, Try
from armillary_engine.interpreter.commands import CloseWait, Due, OpenSignal
from armillary_engine.interpreter.triggers import SignalArrived, TimerDue

from .world import T0, World, const, e, workflow

SECOND = 1_000_000


def started(*body: Any, input: Any = None) -> World:
    return World(workflow(*body)).start(input)


# ── timer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_timer_waits_for_a_duration() -> None:
    world = started(Timer("t", after=e("input")), Complete("z", e("now")), input="PT0.5S")
    assert world.commands(Due) == [Due(1, "timer", T0 + SECOND // 2)]
    world.pass_time("PT0.4S")
    assert world.waiting() == ["t"]
    world.pass_time("PT1S")
    assert world.output == "2025-06-15T15:06:40.500000Z"
    assert world.commands(CloseWait) == [CloseWait(1, "done", "timer")]


def test_a_timer_waits_for_a_moment_with_a_time_zone() -> None:
    world = started(Timer("t", at=e("'2025-06-15T18:00:00+02:00'")))
    assert world.commands(Due) == [Due(1, "timer", T0 + 3_200 * SECOND)]


def test_a_timer_in_the_past_waits_for_a_trigger_all_the_same() -> None:
    world = started(Timer("t", at=e("'2020-01-01'")), Timer("u", after=e("'-PT1H'")))
    assert world.waiting() == ["t"]
    world.pass_time("PT0S")
    assert world.status == "completed"
    assert world.commands(Due)[1].at == T0, "less than nothing is nothing"


@pytest.mark.parametrize("value", [5, "soon", "PT", None, "2025-06-15T18:00:00", "P1Y"])
def test_what_is_no_duration_and_no_moment_fails_the_step(value: Any) -> None:
    assert started(Timer("t", after=const(value))).error == "expression.type"


def test_a_timer_may_take_years_but_ends_before_the_year_10000() -> None:
    assert started(Timer("t", after=e("'P3000D'"))).commands(Due)[0].at == T0 + 3000 * 86_400 * SECOND
    assert started(Timer("t", after=e("'P3660000D'"))).commands(Due)[0].at == 253_402_300_799_999_999


def test_now_is_the_latest_of_the_clock_the_last_now_and_the_due_time() -> None:
    world = started(Timer("t", after=e("'PT10S'")), Set("s", {"seen": e("now")}), Timer("u", after=e("'PT1S'")))
    world.now = T0 - 60 * SECOND  # a clock that was set back
    world.give(TimerDue(1, "timer", T0 + 10 * SECOND))
    assert world.state["seen"] == "2025-06-15T15:06:50Z"
    assert world.snapshot.now == T0 + 10 * SECOND
    assert world.commands(Due)[-1].at == T0 + 11 * SECOND


def test_now_never_goes_back_though_the_clock_does() -> None:
    world = started(Signal("s", "s"), Set("a", {"seen": e("now")}), Timer("u", after=e("'PT1S'")))
    world.now = T0 - 60 * SECOND
    world.signal("s", None)
    assert world.state["seen"] == "2025-06-15T15:06:40Z"
    assert (world.snapshot.now, world.commands(Due)[-1].at) == (T0, T0 + SECOND)


def test_now_is_fixed_for_the_slice() -> None:
    world = started(Set("a", {"x": e("now")}), Set("b", {"y": e("now")}))
    assert world.state["x"] == world.state["y"]


# ── signal ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_match_is_evaluated_once_when_the_wait_opens_to_a_key() -> None:
    world = started(
        Set("s", {"id": e("7")}),
        Signal("paid", "payment-received", match=e("{'b': id, 'a': 1.50}")),
    )
    assert world.commands(OpenSignal) == [OpenSignal(2, "paid", "payment-received", '{"a":1.5,"b":7}')]


def test_without_match_only_a_signal_to_the_instance_matches() -> None:
    assert started(Signal("paid", "payment-received")).opened("paid").key is None


def test_the_payload_is_the_result() -> None:
    world = started(Signal("paid", "payment-received", result="payment"), Complete("z", e("payment.amount")))
    world.signal("paid", {"amount": 12})
    assert world.output == 12
    assert world.event("step.done", "paid").data == {"signal": "s1"}


def test_one_wait_takes_one_signal() -> None:
    body = (Signal("paid", "payment", result="p"), Set("add", {"sum": e("sum + p")}))
    world = started(Set("s", {"sum": e("0")}), Repeat("r", body, test=e("sum < 3")), Complete("z", e("sum")))
    first = world.serial("paid")
    world.signal("paid", 1)
    world.give(SignalArrived(first, "again", "payment", 1))
    assert world.types()[-1] == "- trigger.stale"
    world.signal("paid", 2)
    assert world.output == 3


def test_the_payload_gets_the_defaults_of_its_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"default": 1}}}
    assert started(Signal("s", "s", payload=schema, result="p")).signal("s", {}).state == {"p": {"n": 1}}


def test_a_payload_that_does_not_fit_fails_the_step_and_can_be_handled() -> None:
    schema = {"type": "object", "required": ["n"]}
    wait = Signal("s", "s", payload=schema, result="p")
    assert started(wait).signal("s", {}).error == "failure.payload-invalid"
    handled = Repeat(
        "r",
        (Try("t", (wait,), (Handler(("payload-invalid",), (Set("bad", {"p": const(None)}),)),)),),
        test=e("p == None"),
    )
    world = started(Set("a", {"p": const(None)}), handled, Complete("z", e("p.n")))
    world.signal("s", {})
    assert world.waiting() == ["s"]
    assert world.signal("s", {"n": 5}).output == 5


def test_a_time_out_fails_with_timeout_signal() -> None:
    world = started(Signal("s", "s", timeout="P14D"))
    assert world.pass_time("P14D").error == "timeout.signal"


def test_a_trigger_of_another_kind_is_stale() -> None:
    world = started(Timer("t", after=e("'PT1S'")))
    world.give(SignalArrived(1, "x", "s", None))
    assert world.it.events[-1].data == {"trigger": "signal", "reason": "its wait is for something else"}
