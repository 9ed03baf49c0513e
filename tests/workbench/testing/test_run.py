"""`arm.testing.run`: a workflow against a script, on a clock that needs no waiting."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import armillary as arm
import pytest
from armillary import branch, call, function, now, parallel, sleep, subworkflow, task, wait_for_signal, workflow
from armillary.authoring import compile_source
from armillary.testing import ScriptError, answer, cancel, fails, later, reply, run, serve, signal, silent

from ..approval import approve_application, ask_once, ask_two_services, await_payment

APPLICATION = {"policy_id": "P-1", "amount": "12000.50"}
HIGH = reply("rating/quote", {"premium": 12_500}, after="3s")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto" / "test-a-workflow.md"


def test_a_run_gives_all_that_happened():
    outcome = run(
        approve_application, [HIGH, answer("ReviewQuote", {"answer": "approve"}, by="ann", after="2d")],
        input=APPLICATION,
    )  # fmt: skip
    assert (outcome.status, outcome.output) == ("completed", {"result": "approve", "premium": 12_500})
    assert outcome.state["quote"] == {"premium": 12_500}
    assert outcome.reference == "P-1"
    assert outcome.elapsed == timedelta(days=2, seconds=3)
    (made,) = outcome.calls
    assert (made.name, made.arguments["amount"], made.attempt, made.step) == (
        "rating/quote", Decimal("12000.5"), 1, "quote",
    )  # fmt: skip
    (shown,) = outcome.tasks
    assert (shown.name, shown.status, shown.payload) == ("ReviewQuote", "completed", {"quote": {"premium": 12_500}})
    assert [event.number for event in outcome.history] == list(range(1, len(outcome.history) + 1))
    assert "waits for a person" in outcome.story


def test_a_run_is_the_same_each_time():
    script = [HIGH, answer("ReviewQuote", {"answer": "approve"}, after="2d")]
    one, other = (run(approve_application, script, input=APPLICATION) for _ in range(2))
    assert list(one.history) == list(other.history)
    assert (one.calls, one.tasks, one.state) == (other.calls, other.tasks, other.state)


def test_an_unexpected_operation_is_told_with_what_was_expected():
    with pytest.raises(ScriptError, match=r"expected call rating/requote, got rating/quote with .*P-1") as caught:
        run(approve_application, [reply("rating/requote")], input=APPLICATION)
    assert isinstance(caught.value, AssertionError)
    assert "asks rating / quote" in str(caught.value)
    assert caught.value.run.calls[0].name == "rating/quote"


def test_arguments_that_differ_are_told():
    with pytest.raises(ScriptError, match=r'expected call rating/quote with \{"policy":"P-2"\}, got it with'):
        run(approve_application, [reply("rating/quote", arguments={"policy": "P-2"})], input=APPLICATION)


def test_arguments_that_are_equal_by_value_are_fine():
    expected = {"policy": "P-1", "amount": Decimal("12000.500")}
    assert run(
        approve_application, [reply("rating/quote", {"premium": 1}, arguments=expected)], input=APPLICATION
    ).status == "completed"  # fmt: skip


def test_a_call_that_nobody_expects_is_told_though_the_workflow_tries_again():
    with pytest.raises(ScriptError, match=r"expected no more calls of 'rating', got rating/quote .*attempt 2"):
        run(ask_two_services, [reply("registry/claims"), fails("rating/quote", "busy")], input={"number": 1})


def test_what_is_left_is_told():
    script = [reply("rating/quote", {"premium": 1}), reply("mail/send"), answer("Never"), signal("late", at="9d")]
    with pytest.raises(ScriptError, match=r"expected call mail/send and task Never and signal late, got .* completed"):
        run(approve_application, script, input=APPLICATION)
    unused = run(approve_application, script, input=APPLICATION, strict=False).unused
    assert unused == ("call mail/send", "task Never", "signal late")


def test_a_silent_service_ends_by_its_time_out():
    outcome = run(
        ask_two_services, [reply("registry/claims"), silent("rating/quote"), reply("rating/quote", 3)],
        input={"number": 1},
    )  # fmt: skip
    assert (outcome.output, outcome.elapsed) == (3, timedelta(seconds=30, milliseconds=10))


def test_a_call_may_be_accepted_and_answered_later():
    @workflow
    def print_it():
        return call("print/documents", timeout="14d")

    outcome = run(print_it, [later("print/documents", {"pages": 3}, after="2d")])
    assert (outcome.output, outcome.elapsed) == ({"pages": 3}, timedelta(days=2))
    assert run(print_it, [{"call": "print/documents", "later": 1, "after": "2d"}]).output == 1
    with pytest.raises(ScriptError, match=r"expected reply of print, got .* failed"):
        run(print_it, [later("print/documents", after="15d")])


def test_a_failure_that_is_not_caught_is_the_outcome():
    outcome = run(approve_application, [fails("rating/quote", "down", "no power")] * 3, input=APPLICATION, strict=False)
    assert outcome.status == "failed"
    assert outcome.error is not None
    assert outcome.error["code"] == "failure.down"
    assert "no power" in repr(outcome)


def test_a_handler_answers_as_often_as_it_is_asked():
    asked = []
    outcome = run(
        approve_application, [serve("rating", lambda request: asked.append(request) or {"premium": 5})],
        input=APPLICATION,
    )  # fmt: skip
    assert outcome.output["premium"] == 5
    assert [request.operation for request in asked] == ["quote"]


def test_signals_come_at_their_time_also_before_they_are_waited_for():
    paid = signal("payment-received", {"amount": 3}, match="P", at="3d")
    outcome = run(await_payment, [paid], input={"policy": "P"})
    assert (outcome.output, outcome.elapsed.days) == (3, 3)

    @workflow
    def sleep_first(policy: str):
        sleep("1d")
        wait_for_signal("payment-received", match=policy)

    early = run(sleep_first, [signal("payment-received", match="P")], input={"policy": "P"})
    assert (early.status, early.elapsed.days) == ("completed", 1)


def test_where_nobody_answers_it_waits():
    outcome = run(await_payment, [signal("payment-received", {"amount": 3}, match="other")], input={"policy": "P"})
    assert (outcome.status, outcome.steps, outcome.elapsed) == ("waiting", ("payment-received",), timedelta())


def test_a_run_may_end_early():
    @workflow
    def sleep_long():
        sleep("400d")
        return "awake"

    assert run(sleep_long).output == "awake"
    early = run(sleep_long, until="3d")
    assert (early.status, early.elapsed.days) == ("waiting", 3)


def test_an_instance_may_be_cancelled():
    outcome = run(ask_once, [cancel(at="1d")])
    assert (outcome.status, outcome.tasks[0].status) == ("cancelled", "cancelled")


def test_an_answer_that_is_refused_fails_the_test():
    with pytest.raises(ScriptError, match="the answer to Ask was refused"):
        run(ask_once, [answer("Ask", {"answer": "perhaps"})])


def test_branches_delays_and_children():
    @workflow
    def rate_one(number: int) -> int:
        return call("rating/quote", number=number, reply=int)

    @workflow
    def rate_two():
        with parallel():
            with branch("child"):
                left = subworkflow("RateOne", number=1)
            with branch("mail"):
                right = call("mail/send", reply=int)
        return [left, right]

    outcome = run(
        rate_two, [reply("rating/quote", 7, after="5s"), reply("mail/send", 8, after="3s")], others=[rate_one]
    )
    assert (outcome.output, outcome.elapsed) == ([7, 8], timedelta(seconds=5))


def test_a_chain_is_followed():
    @workflow
    def second(number: int) -> int:
        task("Look")
        return number + 1

    @workflow
    def first():
        arm.continue_with("Second", number=1)

    outcome = run(first, [answer("Look", after="1h")], others=[second])
    assert (outcome.output, outcome.view.workflow, outcome.elapsed) == (2, "Second", timedelta(hours=1))
    assert {event.instance for event in outcome.history} == {"test", outcome.view.id}


def test_it_begins_when_it_is_told_to():
    @workflow
    def tell():
        return now

    start = datetime(2030, 2, 28, 23, 59, tzinfo=UTC)
    assert run(tell, now=start).output == "2030-02-28T23:59:00Z"
    with pytest.raises(arm.ArmillaryError, match="time zone"):
        run(tell, now=datetime(2030, 1, 1))  # noqa: DTZ001


def test_functions_of_the_author():
    @function(major=1)
    def double(number: int) -> int:
        return number * 2

    @workflow
    def twice(number: int):
        return double(number)

    assert run(twice, input={"number": 4}, functions=[double]).output == 8
    with pytest.raises(arm.ArmillaryError, match="marked with @function"):
        run(twice, input={"number": 4}, functions=[len])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"call": "rating"}, "expected 'service/operation'|expected one of 'reply'"),
        ({"call": "rating/quote"}, "expected one of 'reply', 'later', 'fail' and 'silent'"),
        ({"call": "rating/quote", "replay": 1}, "got 'replay'"),
        ({"task": "Ask", "after": 3}, "expected a duration such as '2d', got 3"),
        ({"task": "Ask", "after": "soon"}, "expected a duration"),
        ({"when": "later"}, r"expected one with 'call'"),
        (7, "expected an object, got int"),
    ],
)
def test_a_script_that_is_none_says_which_entry(entry, message):
    with pytest.raises(arm.ArmillaryError, match=f"entry 2 of the script: .*({message})") as caught:
        run(ask_once, [answer("Ask", {"answer": "approve"}), entry])
    assert caught.value.code == "script.invalid"


def test_a_script_may_be_data():
    script = [
        {"call": "rating/quote", "reply": {"premium": 12_500}, "after": "3s"},
        {"task": "ReviewQuote", "answer": {"answer": "decline"}, "after": "2d"},
    ]
    assert run(approve_application, script, input=APPLICATION).output["result"] == "decline"


def test_the_page_on_tests_works():
    (code,) = re.findall(r"```python\n(from decimal.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    head, _, tests = code.partition("APPLICATION =")
    (flow,) = compile_source(head.replace("from armillary.testing import answer, fails, reply, run\n", ""))
    names = {"approve_application": flow, "answer": answer, "fails": fails, "reply": reply, "run": run}
    exec(compile("APPLICATION =" + tests, str(PAGE), "exec"), names)
    found = [test for name, test in names.items() if name.startswith("test_")]
    assert len(found) == 3
    for test in found:
        test()
