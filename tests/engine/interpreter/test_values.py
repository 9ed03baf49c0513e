"""``set``, ``reference``, ``decision``, ``complete`` and ``fail``; what expressions see; the limits on values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from armillary_engine.definition.model import (
    Branch,
    Complete,
    Decision,
    Each,
    Fail,
    Handler,
    Reference,
    Repeat,
    Set,
    Task,
    Timer,
    Try,
)
from armillary_engine.interpreter.commands import SetReference

from .world import World, const, e, workflow


def run(*body: Any, input: Any = None, **fields: Any) -> World:
    return World(workflow(*body, **fields)).start(input)


# ── set ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_set_assigns_state() -> None:
    world = run(Set("a", {"x": e("1 + 1"), "name": e("upper('ann')")}))
    assert world.state == {"x": 2, "name": "ANN"}
    assert world.event("step.done", "a").patch == (("x", 2), ("name", "ANN"))


def test_all_expressions_of_a_set_are_evaluated_before_the_first_assignment() -> None:
    world = run(Set("a", {"x": e("1"), "y": e("2")}), Set("swap", {"x": e("y"), "y": e("x")}))
    assert world.state == {"x": 2, "y": 1}


def test_a_path_assigns_a_member_and_leaves_the_others_and_whoever_shares_the_object() -> None:
    world = run(
        Set("a", {"quote": e("{'premium': 1, 'note': {'text': 'n'}}")}),
        Set("b", {"kept": e("quote")}),
        Set("c", {"quote.premium": e("2"), "quote.note.by": e("'ann'")}),
    )
    assert world.state["quote"] == {"premium": 2, "note": {"text": "n", "by": "ann"}}
    assert world.state["kept"] == {"premium": 1, "note": {"text": "n"}}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("missing.member", "expected an object in 'missing'"),
        ("number.member", "got a number"),
        ("object.other.member", "expected an object in 'object.other'"),
    ],
)
def test_a_path_through_what_is_no_object_fails_and_assigns_nothing(path: str, told: str) -> None:
    world = run(Set("a", {"number": e("1"), "object": e("{'m': 1}")}), Set("b", {"z": e("1"), path: e("2")}))
    assert world.status == "failed"
    assert world.error == "expression.path"
    assert told in world.event("step.failed", "b").data["message"]  # type: ignore[operator]
    assert world.state == {"number": 1, "object": {"m": 1}}


def test_numbers_are_exact() -> None:
    world = run(Set("a", {"x": e("input.a + input.b")}), input={"a": Decimal("100.10"), "b": Decimal("200.20")})
    assert world.state["x"] == Decimal("300.3")


def test_an_expression_that_has_no_value_is_a_failure_that_names_the_step_the_part_and_the_values() -> None:
    world = run(Set("a", {"x": e("1"), "y": e("0")}), Set("b", {"z": e("1 + x / y")}))
    assert world.status == "failed"
    error = world.snapshot.error
    assert error is not None
    assert (error.code, error.step) == ("expression.division-by-zero", "b")
    assert error.details == {"expression": "x / y", "values": {"x": 1, "y": 0}}


# ── what expressions see ─────────────────────────────────────────────────────────────────────────────────────────────


def test_roots_are_input_the_assigned_names_instance_and_now() -> None:
    world = run(
        Set("a", {"x": e("input.n")}),
        Reference("r", e("'P-1'")),
        Timer("wait", after=e("'PT1H'")),
        Set("b", {"seen": e("[x, instance.id, instance.reference, instance.started, now]")}),
        input={"n": 5},
    ).pass_time("PT2H")
    assert world.state["seen"] == [5, "i", "P-1", "2025-06-15T15:06:40Z", "2025-06-15T16:06:40Z"]


def test_state_that_was_not_assigned_is_a_failure() -> None:
    assert run(Set("a", {"x": e("nowhere")})).error == "expression.missing"


# ── reference ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_reference_is_searchable_with_its_parts() -> None:
    world = run(Reference("r", e("input.id"), {"year": e("2000 + 25")}), input={"id": "P-1"})
    assert world.commands(SetReference) == [SetReference("P-1", {"year": 2025})]
    assert (world.snapshot.reference, world.snapshot.parts) == ("P-1", {"year": 2025})


def test_a_whole_number_is_a_reference_and_other_values_are_not() -> None:
    assert run(Reference("r", e("17"))).snapshot.reference == "17"
    assert run(Reference("r", e("True"))).error == "expression.type"


# ── decision ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("n", "taken", "branch"), [(1, "low", 0), (5, "middle", 1), (9, "high", "otherwise")])
def test_the_first_branch_whose_condition_is_true_is_taken(n: int, taken: str, branch: Any) -> None:
    world = run(
        Decision(
            "d",
            (
                Branch(e("input.n < 3"), (Set("low", {"x": e("'low'")}),)),
                Branch(e("input.n < 7"), (Set("middle", {"x": e("'middle'")}),)),
            ),
            (Set("high", {"x": e("'high'")}),),
        ),
        Complete("z", e("x")),
        input={"n": n},
    )
    assert world.output == taken
    assert world.event("step.done", "d").data == {"branch": branch}


def test_a_decision_without_otherwise_may_fall_through() -> None:
    world = run(Decision("d", (Branch(e("False"), (Fail("f", e("'x'"), e("'y'")),)),)), Complete("z", e("1")))
    assert world.output == 1
    assert world.event("step.done", "d").data == {"branch": "otherwise"}


def test_what_follows_nested_decisions_follows_their_innermost_step() -> None:
    inner = Decision("in", (Branch(e("True"), (Set("deep", {"x": e("1")}),)),))
    world = run(Decision("out", (Branch(e("True"), (inner,)),)), Complete("z", e("x + 1")))
    assert world.output == 2


def test_conditions_take_booleans_only() -> None:
    world = run(Decision("d", (Branch(e("1"), ()),)))
    assert world.error == "expression.type"
    assert world.snapshot.error is not None
    assert world.snapshot.error.step == "d"


# ── complete and fail ────────────────────────────────────────────────────────────────────────────────────────────────


def test_complete_ends_the_instance_wherever_it_stands() -> None:
    world = run(Repeat("r", (Complete("z", e("{'a': 1}")), Fail("f", e("'x'"), e("'y'"))), test=e("True")))
    assert (world.status, world.output) == ("completed", {"a": 1})
    assert (world.types("z"), world.types("r")) == (["step.done"], ["step.entered", "step.done"])


def test_the_end_of_the_body_completes_with_null() -> None:
    world = run(Set("a", {"x": e("1")}))
    assert (world.status, world.output) == ("completed", None)
    assert run().status == "completed"


def test_the_output_gets_the_defaults_of_its_schema_and_must_fit_it() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "by": {"type": "string", "default": "us"}}}
    assert run(Complete("z", e("{'n': 1}")), output=schema).output == {"n": 1, "by": "us"}
    world = run(Complete("z", e("{'n': 'one'}")), output=schema)
    assert (world.status, world.error) == ("failed", "failure.output-invalid")
    assert run(output={"type": "object"}).error == "failure.output-invalid"


def test_fail_fails_with_its_code_and_message() -> None:
    world = run(Set("a", {"n": e("3")}), Fail("f", e("'quote.rejected'"), e("f'{n} times'")))
    assert world.status == "failed"
    assert world.snapshot.error is not None
    assert (world.error, world.snapshot.error.message, world.snapshot.error.step) == ("quote.rejected", "3 times", "f")
    assert world.event("instance.failed").data["code"] == "quote.rejected"


@pytest.mark.parametrize("code", ["''", "'a..b'", "' '", "null"])
def test_a_code_that_is_none_is_a_failure_of_its_own(code: str) -> None:
    expression = const(None) if code == "null" else e(code)
    assert run(Fail("f", expression, e("'m'"))).error == "expression.type"


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MEGABYTE = 1024 * 1024


def test_state_beyond_a_mebibyte_is_a_failure_with_a_code_and_nothing_is_assigned() -> None:
    grow = Set("grow", {"all": e("all + [part]")})
    world = run(
        Set("a", {"all": e("[]"), "part": e("input.part")}),
        Repeat("r", (grow,), test=e("True"), max=100),
        input={"part": "x" * 100_000},
    )
    assert (world.status, world.error) == ("failed", "failure.state-too-large")
    assert len(world.state["all"]) == 9


def test_local_values_beyond_a_mebibyte_are_a_failure_too() -> None:
    turn = (Set("one", {"one": e("input.part")}), Set("two", {"two": e("input.part")}), Task("wait", "Wait"))
    world = run(Each("each", e("[1]"), "x", turn, parallel=2), input={"part": "x" * 600_000})
    assert (world.status, world.error) == ("failed", "failure.state-too-large")


def test_a_local_value_that_is_too_large_leaves_what_was_there() -> None:
    much = Try("t", (Set("b", {"y": e("'x' * 1048570")}),), (Handler(("failure.state-too-large",), ()),))
    world = run(Each("each", e("[1, 2]"), "x", (Set("a", {"y": e("x")}), much), parallel=2, collect=e("y"), result="r"))
    assert (world.status, world.state) == ("completed", {"r": [1, 2]})


def test_an_output_is_a_payload() -> None:
    assert run(Complete("z", e("input.part")), input={"part": "x" * 300_000}).error == "failure.payload-too-large"


def test_the_reference_is_seen_from_the_next_step_on() -> None:
    world = run(Reference("r", e("'R-1'")), Complete("z", e("instance.reference")))
    assert (world.output, world.it.slices) == ("R-1", 1)


def test_replacing_a_large_value_does_not_count_twice() -> None:
    replace = Set("replace", {"n": e("n + 1"), "part": e("input.part")})
    world = run(
        Set("a", {"n": e("0")}), Repeat("r", (replace,), test=e("n < 20")), Complete("z", e("n")),
        input={"part": "x" * 600_000},
    )  # fmt: skip
    assert world.output == 20


def test_a_state_that_is_too_large_can_be_handled_and_cancelled() -> None:
    body = (
        Set("a", {"x": e("input.part")}),
        Try("t", (Set("b", {"y": e("input.part")}),), (Handler(("failure.state-too-large",), ()),)),
        Task("wait", "Wait"),
    )
    world = run(*body, input={"part": "x" * 700_000})
    assert world.waiting() == ["wait"]
    world.cancel()
    assert world.status == "cancelled"
