"""Statements → steps."""

from __future__ import annotations

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.expressions.parsing import parse


def test_call_with_every_option(steps):
    (call,) = steps(
        """
        quote = call("rating/quote", policy=app.policy_id, reply=Quote, timeout="2h",
            attempt_timeout=timedelta(seconds=5),
            retry=Retry(max_attempts=3, backoff="2s", factor=1.5, max_backoff="1m", jitter=0.1, on=["timeout"]),
            heartbeat="10s", id="ask", arguments={"id": 1, "timeout": 2})
        """
    )
    reply = call.reply
    assert call == m.Call(
        "ask", m.Address("rating", "quote"), parse('{"policy": input.policy_id, "id": 1, "timeout": 2}'), reply=reply,
        result="quote", timeout="PT2H", attempt_timeout="PT5S",
        retry=m.RetryPolicy(3, "PT2S", call.retry.factor, "PT1M", call.retry.jitter, ("timeout",)), heartbeat="PT10S",
    )  # fmt: skip
    assert (str(call.retry.factor), str(call.retry.jitter)) == ("1.5", "0.1")
    assert reply["title"] == "Quote"
    assert "description" not in reply


def test_call_takes_a_whole_value_as_arguments(steps):
    assert steps('call("a/b", arguments=app)')[0].arguments == m.Get("input")


def test_task_with_every_option(steps):
    (task,) = steps(
        """
        answer = task("Review", title=f"Review {app.policy_id}", roles=["clerk"], assignee=app.email, payload={"a": 1},
            answer=Quote, check=[Check(lambda answer: answer.premium < app.amount, lambda a: f"only {a.premium}")],
            due="3d", escalate=Escalation(after="2d", roles=["lead"]), timeout="9d", priority=3)
        """
    )
    assert task == m.Task(
        "review", "Review", title=parse('f"Review {input.policy_id}"'), roles=("clerk",), assignee=m.Get("input.email"),
        payload=parse('{"a": 1}'), answer=task.answer,
        check=(m.Check(parse("answer.premium < input.amount"), parse('f"only {answer.premium}"')),), result="answer",
        due=m.Const("P3D"), escalate=m.Escalation("P2D", ("lead",)), timeout="P9D", priority=m.Const(3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ('sleep("2h")', m.Timer("sleep", after=m.Const("PT2H"))),
        ("sleep(app.email)", m.Timer("sleep", after=m.Get("input.email"))),
        ("sleep_until(now)", m.Timer("sleep-until", at=m.Get("now"))),
        ("x = wait_for_signal('paid', match=app.policy_id, timeout='14d')",
         m.Signal("paid", "paid", match=m.Get("input.policy_id"), result="x", timeout="P14D")),
        ("x = subworkflow('IssuePolicy', policy=1, version='^1.2', timeout='1h')",
         m.Subworkflow("issue-policy", "IssuePolicy", parse('{"policy": 1}'), "^1.2", "x", "PT1H")),
        ("continue_with('Next', arguments=app, version='1.x')", m.ContinueWith("next", "Next", m.Get("input"), "1.x")),
        ("business_reference(app.policy_id, mail=app.email, parts={'id': 1})",
         m.Reference("business-reference", m.Get("input.policy_id"), {"mail": m.Get("input.email"), "id": m.Const(1)})),
        ("fail('too.high', f'{app.amount}')", m.Fail("fail-too-high", m.Const("too.high"), parse('f"{input.amount}"'))),
        ("raise Failure('too.high', 'x')", m.Fail("fail-too-high", m.Const("too.high"), m.Const("x"))),
        ("return", m.Complete("complete")),
        ("return 1 + 1", m.Complete("complete", parse("1 + 1"))),
        ("a.b = 1" , None),
    ],
)  # fmt: skip
def test_one_statement(steps, refusal, written, step):
    if step is None:
        assert refusal(written).problems[0].code == "assign.outside"
    else:
        assert steps(written) == [step]


def test_return_of_a_call(steps):
    call, complete = steps('return call("a/b")')
    assert (call.result, complete.output) == ("result", m.Get("result"))


def test_assignments(steps):
    body = steps(
        """
        a = b = 1
        a, b = b, a
        a += 2
        c = {}
        c.d = 3
        c["e"] = 4
        xs: list[int] = []
        xs.append(a)
        xs.extend([1])
        """
    )
    assert [dict(step.assign) for step in body] == [
        {"a": m.Const(1), "b": m.Const(1)}, {"a": m.Get("b"), "b": m.Get("a")}, {"a": parse("a + 2")},
        {"c": m.Object({})}, {"c.d": m.Const(3)}, {"c.e": m.Const(4)}, {"xs": m.ListOf(())},
        {"xs": parse("xs + [a]")}, {"xs": parse("xs + [1]")},
    ]  # fmt: skip


def test_elif_is_one_decision_and_a_nested_if_is_two(steps):
    flat, nested = steps(
        """
        if app.amount > 3:
            a = 1
        elif app.amount > 2:
            a = 2
        else:
            a = 3
        if app.amount > 3:
            a = 1
        else:
            if app.amount > 2:
                a = 2
        """
    )
    assert [len(flat.branches), len(flat.otherwise)] == [2, 1]
    assert len(nested.branches) == 1
    assert isinstance(nested.otherwise[0], m.Decision)


def test_loops(steps):
    plain, bounded, until, forever = steps(
        """
        n = 0
        while n < 3:
            n = n + 1
        while loop(n < 3, max=10, id="again"):
            n = n + 1
        while loop(until=lambda: n > 5):
            n = n + 1
        while True:
            if n > 9:
                break
            continue
        """
    )[1:]
    assert (plain.test, plain.max) == (parse("n < 3"), None)
    assert (bounded.id, bounded.test, bounded.max) == ("again", parse("n < 3"), 10)
    assert (until.test, until.until) == (None, parse("n > 5"))
    assert forever.test == m.Const(True)
    assert [step.kind for step in (*forever.body[0].branches[0].body, forever.body[1])] == ["leave", "next"]


def test_for_and_collect(steps):
    plain, gathered, _, options = steps(
        """
        for line in app.quote.lines:
            call("a/b", line=line.name)
        for line in each(app.quote.lines, parallel=4):
            quote = call("a/c", line=line.name, reply=Quote)
            prices = collect(quote.premium)
        every = {}
        for line in each(app.quote.lines, collect=lambda: line.price, result="every.prices"):
            pass
        """
    )
    assert (plain.items, plain.name, plain.parallel, plain.collect) == (m.Get("input.quote.lines"), "line", 1, None)
    assert (gathered.parallel, gathered.collect, gathered.result) == (4, m.Get("quote.premium"), "prices")
    assert (options.collect, options.result, options.body) == (m.Get("line.price"), "every.prices", ())


def test_parallel(steps):
    (fork,) = steps(
        """
        with parallel(join="any", id="both"):
            with branch("the documents"):
                call("print/documents")
            with branch("mail"):
                call("mail/send")
        """
    )
    assert (fork.id, fork.join) == ("both", "any")
    assert [(branch.label, branch.body[0].id) for branch in fork.branches] == [
        ("the documents", "documents"), ("mail", "send"),
    ]  # fmt: skip


def test_try_and_handlers(steps):
    (attempt,) = steps(
        """
        try:
            quote = call("rating/quote")
        except Timeout:
            fail("late")
        except Failure("rating.down") as e:
            note = e.message
        except (Failure("a"), Timeout):
            pass
        except Failure as error:
            raise
        except Exception:
            pass
        """
    )
    assert [(handler.catch, handler.name) for handler in attempt.handlers] == [
        (("timeout",), None), (("rating.down",), "e"), (("a", "timeout"), None), (("failure",), None), (("*",), None),
    ]  # fmt: skip
    assert attempt.handlers[1].body[0].assign == {"note": m.Get("e.message")}
    assert attempt.handlers[3].body[0] == m.Fail("fail-again", m.Get("error.code"), m.Get("error.message"))


def test_compensation_of_a_step_and_of_a_try(steps):
    alone, whole, grouped = steps(
        """
        call("hotel/book")
        with compensate():
            call("hotel/cancel")
        try:
            call("flight/book")
            call("seat/book")
            with compensate():
                call("flight/cancel")
        except Timeout:
            pass
        try:
            call("car/book")
            call("bike/book")
        finally:
            with compensate():
                call("car/cancel")
        """
    )
    assert [len(alone.body), len(alone.handlers), len(alone.compensate)] == [1, 0, 1]
    assert [len(whole.body), len(whole.handlers), len(whole.compensate)] == [2, 1, 1]
    assert [len(grouped.body), len(grouped.handlers), len(grouped.compensate)] == [2, 0, 1]


def test_match(steps):
    (decision,) = steps(
        """
        match app.status:
            case Status.OPEN:
                a = 1
            case "x" | "y" if app.amount > 1:
                a = 2
            case None:
                a = 3
            case _:
                a = 4
        """
    )
    assert [branch.when for branch in decision.branches] == [
        parse('input.status == "open"'), parse('input.status in ["x", "y"] and input.amount > 1'),
        parse("input.status is None"),
    ]  # fmt: skip
    assert decision.otherwise[0].assign == {"a": m.Const(4)}


def test_fragments_are_put_in(compiled):
    flow = compiled(
        """
        @fragment
        def doubled(x):
            return x * 2

        @fragment
        def reviewed(application, *, role="clerk"):
            answer = task("Review", roles=[role], payload={"a": application}, answer=Quote)
            while not answer.accepted:
                answer = task("ReviewAgain", roles=[role], answer=Quote)
            return answer.premium

        @fragment
        def asked(x):
            return call("rating/quote", x=x, reply=Quote)

        @workflow
        def flow(app: Application):
            premium = reviewed(app, role="boss")
            again = reviewed(app)
            quote = asked(doubled(premium + 1))
            return quote.premium
        """
    )
    first, loop, premium, second, *_, ask, complete = flow.definition.body
    assert (first.roles, first.payload, first.result) == (("boss",), parse('{"a": input}'), "answer")
    assert premium.assign == {"premium": m.Get("answer.premium")}
    assert (second.roles, second.result) == (("clerk",), "answer_2")
    assert ask.arguments == parse('{"x": (premium + 1) * 2}')
    assert (ask.result, complete.output) == ("quote", m.Get("quote.premium"))
    assert flow.source_map[loop.id].line == 8
