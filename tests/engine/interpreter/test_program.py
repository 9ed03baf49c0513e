"""Programs: what a definition needs."""

from __future__ import annotations

import pytest
from armillary_engine.definition.codec import identity
from armillary_engine.definition.expressions import CORE, user_function
from armillary_engine.definition.model import (
    Address,
    Branch,
    Call,
    Check,
    Complete,
    Const,
    ContinueWith,
    Decision,
    Each,
    Fn,
    Get,
    Set,
    Subworkflow,
    Task,
    Try,
)
from armillary_engine.interpreter import MissingFunction, prepare
from armillary_engine.interpreter.compiler import names_read
from armillary_engine.interpreter.node import Behaviour
from armillary_engine.interpreter.steps import BEHAVIOURS

from .world import World, e, workflow


def test_a_program_tells_which_services_functions_and_workflows_are_needed() -> None:
    inner = (Call("c", Address("rating", "quote"), e("upper('x')")), Subworkflow("s", "Child", e("1")))
    checks = (Check(e("len(answer) > 3"), e("str(1)")),)
    body = (
        Decision("d", (Branch(e("abs(1) == 1"), inner),), (Call("m", Address("mail", "send"), e("1")),)),
        Task("t", "T", check=checks), ContinueWith("n", "Next", e("1")),
    )  # fmt: skip
    program = prepare(workflow(*body))
    assert program.services == {"rating", "mail"}
    assert program.functions_needed == {"upper", "len", "str", "abs"}
    assert program.workflows == {"Child", "Next"}
    known = identity(workflow(*body))
    assert (program.name, program.version, program.digest) == (known.name, known.version, known.digest)


def test_a_function_that_the_worker_lacks_is_told_by_its_name() -> None:
    score = Fn("score@2", (Get("input"),))
    definition = workflow(Each("each", e("[1]"), "x", (Set("a", {"y": score}),)), Complete("z", Fn("rank@1", ())))
    with pytest.raises(MissingFunction) as raised:
        prepare(definition)
    assert raised.value.names == ("rank@1", "score@2")
    assert "waits for function 'rank@1', 'score@2'" in raised.value.message

    def score_of(value: int) -> int:
        return value * 2

    functions = {**CORE, "score@2": user_function(score_of, major=2, name="score")}
    body = workflow(Complete("z", score))
    assert World(body, functions=functions).start(21).output == 42


def test_every_kind_of_step_has_a_behaviour() -> None:
    from armillary_engine.definition.fields import STEPS

    assert set(BEHAVIOURS) == set(STEPS)
    assert all(isinstance(behaviour, Behaviour) for behaviour in BEHAVIOURS.values())


def test_a_compensation_captures_the_names_that_it_reads_or_assigns_a_member_of() -> None:
    inner = Try("t", (Set("a", {"x.y": e("z"), "new": e("input.n")}),))
    body = (inner, Task("t2", "T", payload=Const(None), result="p.q", check=(Check(e("c"), e("'m'")),)))
    assert names_read(body) == {"x", "z", "input", "p", "c"}
