"""Where ids come from, and that they stay."""

from __future__ import annotations

from armillary_engine.definition.model import Definition


def ids(flow) -> list[str]:
    return list(flow.source_map)


def test_ids_come_from_what_a_step_does(compiled):
    flow = compiled(
        """
        @workflow
        def flow(app: Application):
            business_reference(app.policy_id)
            quote = call("rating/ReQuote", reply=Quote)
            total = 1
            while quote.premium > 10_000 and not quote.accepted:
                task("ReviewQuote")
                break
            if app.amount > 3:
                sleep("1s")
            for line in quote.lines:
                wait_for_signal("paid now")
            return 1
        """
    )
    assert ids(flow) == [
        "business-reference", "re-quote", "total", "while-premium-accepted", "review-quote",
        "while-premium-accepted-leave", "if-amount", "sleep", "for-line", "paid-now", "complete",
    ]  # fmt: skip


def test_written_ids_win_and_stay(compiled):
    flow = compiled(
        """
        @workflow
        def flow(app: Application):
            call("a/quote")
            call("b/quote", id="quote")
            step("check-premium", title="Check the premium", labels={"0": "too high"})
            if app.amount > 3:
                step("end")
                return 1
        """
    )
    assert ids(flow) == ["quote-2", "quote", "check-premium", "end"]
    meta = flow.definition.meta.steps["check-premium"]
    assert (meta.title, meta.labels) == ("Check the premium", {"0": "too high"})
    assert [problem.code for problem in flow.problems] == ["id.ambiguous"]


def test_a_clash_is_told_apart_by_the_label_around_it(compiled):
    flow = compiled(
        """
        @workflow
        def flow(app: Application):
            try:
                call("a/quote")
            except Timeout:
                call("b/quote")
            with parallel():
                with branch("Slow mail"):
                    call("c/quote")
                with branch("fast"):
                    call("d/quote")
            if app.amount > 1:
                call("e/quote")
            else:
                call("f/quote")
        """
    )
    assert ids(flow) == [
        "try-quote", "quote", "timeout-quote", "parallel-slow-mail-fast", "slow-mail-quote", "fast-quote", "if-amount",
        "if-amount-quote", "else-quote",
    ]  # fmt: skip
    assert flow.problems == ()


def test_a_number_tells_the_rest_apart_and_warns(compiled):
    flow = compiled("@workflow\ndef flow():\n    call('a/x')\n    call('b/x')\n    call('c/x')\n")
    assert ids(flow) == ["x", "x-2", "x-3"]
    assert [(problem.code, problem.severity, problem.span.line) for problem in flow.problems] == [
        ("id.ambiguous", "warning", 4), ("id.ambiguous", "warning", 5),
    ]  # fmt: skip
    assert 'step("x-2")' in flow.problems[0].hint


def test_adding_steps_after_others_renames_none(compiled):
    text = "@workflow\ndef flow(app: Application):\n    call('a/x')\n    if app.amount > 1:\n        call('b/x')\n"
    before = ids(compiled(text))
    assert ids(compiled(text + "    call('c/x')\n"))[: len(before)] == before


def test_the_step_map_points_at_the_statement(compiled):
    flow = compiled("@workflow\ndef flow():\n\n    quote = call('a/x')\n    return quote\n")
    span = flow.source_map["x"]
    assert (span.file, span.line, span.column, span.text) == ("flow.py", 4, 4, "    quote = call('a/x')")


def test_an_id_twice(refusal):
    error = refusal('call("a/x", id="one")\ncall("a/y", id="one")\n')
    assert [(problem.code, problem.span.line) for problem in error.problems] == [("id.duplicate", 4)]


def test_comments_and_docstrings_are_outside_the_digest(compiled):
    noted = compiled(
        '''
        @workflow
        def flow(app: Application):
            """Title.

            The rest.
            """
            # Ask for it,
            # and wait.
            call("a/x")

            # type: ignore
            call("a/y")
        '''
    )
    plain = compiled('@workflow\ndef flow(app: Application):\n    call("a/x")\n    call("a/y")\n')
    meta = noted.definition.meta
    assert (meta.title, meta.description, meta.steps["x"].note) == ("Title.", "The rest.", "Ask for it,\nand wait.")
    assert "y" not in meta.steps
    assert noted.digest == plain.digest
    assert isinstance(noted.definition, Definition)
