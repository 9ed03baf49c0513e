"""Workflows made by programs are the same as those that people write."""

from __future__ import annotations

from pathlib import Path

import pytest
from armillary.authoring.builder import Builder, apply, choose
from armillary_engine.definition.problems import ArmillaryError, DefinitionError


def test_the_digest_is_that_of_the_python_form(compiled):
    written = compiled(
        """
        @workflow(version="1.0.0", name="Flow")
        def flow(app: Application):
            quote = call("rating/quote", policy=app.policy_id, timeout="30s", reply=Quote)
            while (quote.premium > 10_000 and not quote.accepted and app.amount * 2 - 1 >= 3):
                step("review-it")
                review = task("Review", roles=["lead"], payload={"quote": quote, "list": [1, app.amount]})
                step("again")
                quote = call("rating/requote", text=review["a key"], reply=Quote)
            step("for-line")
            for line in app.quote.lines:
                step("print")
                call("print/line", price=round(line.price, 2))
            with parallel(id="both"):
                with branch("a"):
                    call("a/mail")
                with branch("b"):
                    sleep("2h")
            step("if-amount")
            if app.amount == 1:
                step("late")
                fail("claim.late", "too late")
            else:
                step("done")
                return quote.premium if quote.accepted else None
        """
    )
    names = compiled.__globals__  # the models that the source above knows
    build, quote_type = Builder("Flow", "1.0.0", names["Application"]), names["Quote"]
    app = build.input
    quote = build.call("rating/quote", {"policy": app.policy_id}, timeout="30s", reply=quote_type, result="quote")
    more = (quote.premium > 10_000) & ~quote.accepted & (app.amount * 2 - 1 >= 3)
    with build.repeat(more, id=written.definition.body[1].id):
        review = build.task("Review", {"quote": quote, "list": [1, app.amount]}, id="review-it", roles=["lead"],
                            result="review")  # fmt: skip
        build.call("rating/requote", {"text": review["a key"]}, id="again", reply=quote_type, result="quote")
    with build.each(app.quote.lines, "line") as line:
        build.call("print/line", {"price": apply("round", line.price, 2)}, id="print")
    with build.parallel(id="both") as branch:
        with branch("a"):
            build.call("a/mail")
        with branch("b"):
            build.sleep("2h")
    with build.when(app.amount == 1, id="if-amount"):
        build.fail("claim.late", "too late", id="late")
    with build.otherwise():
        build.complete(choose(quote.accepted, quote.premium, None), id="done")
    made = build.workflow()
    assert made.document["body"] == written.document["body"]
    assert made.digest == written.digest


def test_a_mistake_is_found():
    build = Builder("Flow")
    build.set(x=build.input.amount)
    build.complete(build.error.message)
    with pytest.raises(DefinitionError):
        build.workflow()


def test_values_are_not_known_yet():
    value = Builder("Flow").input
    with pytest.raises(ArmillaryError, match="neither true nor false"):
        bool(value == 1)
    with pytest.raises(ArmillaryError, match="can't be gone through"):
        list(value)
    with pytest.raises(ArmillaryError, match="function of the registry") as caught:
        apply("rund", 1)
    assert "round" in caught.value.hint


def test_handlers_and_ids_that_clash():
    build = Builder("Flow")
    with build.attempt({"timeout": lambda: build.fail("x.late", "late")}):
        build.call("a/b")
    build.call("c/b")
    build.complete()
    flow = build.workflow()
    assert [step.id for step in flow.definition.body] == ["try", "b-2", "return"]
    assert repr(build.input.amount + 1) == "Value(input.amount + 1)"


def test_the_example_of_the_reference():
    reference = Path(__file__).parents[3] / "docs" / "reference" / "language.md"
    block = reference.read_text(encoding="utf-8").split("<!-- builder -->\n```python\n")[1].split("```")[0]
    space: dict[str, object] = {}
    exec(block, space)
    assert [step.id for step in space["flow"].definition.body] == ["quote", "if", "return"]  # type: ignore[attr-defined]
