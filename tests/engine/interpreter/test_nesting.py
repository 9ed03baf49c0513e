"""Every kind of step in every other that owns a body: it runs, waits, is cancelled, fails, and is retried there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from armillary_engine.definition.fields import STEPS
from armillary_engine.definition.model import (
    Address,
    Body,
    Branch,
    Call,
    Complete,
    ContinueWith,
    Decision,
    Each,
    Fail,
    Fork,
    ForkBranch,
    Handler,
    Leave,
    Next,
    Reference,
    Repeat,
    Set,
    Signal,
    Step,
    Subworkflow,
    Task,
    Timer,
    Try,
)
from armillary_engine.definition.validate import validate
from armillary_engine.interpreter import ENDED, why_not_retry
from armillary_engine.interpreter.triggers import Cancel, Resume, Retry, Suspend

from .world import World, const, e, workflow

INNER = Set("inner", {"inside": e("1")})


def waits() -> dict[str, Step]:
    return {
        "call": Call("x", Address("rating", "quote"), e("{}")),
        "task": Task("x", "Review"),
        "timer": Timer("x", after=const("PT5S")),
        "signal": Signal("x", "paid", match=const("A")),
        "subworkflow": Subworkflow("x", "Child", e("{}")),
    }


def all_kinds() -> dict[str, Step]:
    """One step of each kind, with a body that is done at once where it owns one."""
    return waits() | {
        "set": Set("x", {"name": e("1")}),
        "reference": Reference("x", const("R-1")),
        "decision": Decision("x", (Branch(e("input.yes"), (INNER,)),)),
        "repeat": Repeat("x", (Set("inner", {"turn": e("1")}),), until=e("turn >= 1")),
        "each": Each("x", e("[1, 2]"), "number", (INNER,)),
        "fork": Fork("x", (ForkBranch("one", (INNER,)), ForkBranch("two", ()))),
        "try": Try("x", (INNER,), (Handler(("*",), ()),), (Set("undo", {"undone": e("1")}),)),
        "complete": Complete("x", e("'early'")),
        "fail": Fail("x", const("failure.refused"), const("no")),
        "continue_with": ContinueWith("x", "Child", e("{}")),
        "leave": Leave("x"),
        "next": Next("x"),
    }


Around = Callable[[Body], Step]
PLACES: dict[str, Around] = {
    "decision": lambda body: Decision("o", (Branch(e("input.yes"), body),)),
    "otherwise": lambda body: Decision("o", (Branch(e("not input.yes"), ()),), body),
    "while": lambda body: Repeat("o", (Set("count", {"n": e("n + 1")}), *body), test=e("n < 2")),
    "until": lambda body: Repeat("o", (Set("count", {"n": e("n + 1")}), *body), until=e("n >= 2")),
    "each": lambda body: Each("o", e("[1, 2]"), "item", body),
    "parallel each": lambda body: Each("o", e("[1, 2]"), "item", body, parallel=2),
    "fork": lambda body: Fork("o", (ForkBranch("a", body), ForkBranch("b", (Timer("side", after=const("PT1S")),)))),
    "fork any": lambda body: Fork("o", (ForkBranch("a", body), ForkBranch("b", (Task("side", "Side"),))), "any"),
    "try": lambda body: Try("o", body, (Handler(("failure.else",), ()),)),
    "handler": lambda body: Try("o", (Fail("first", const("failure.first"), const("")),), (Handler(("*",), body),)),
}
LOOPS = frozenset({"while", "until", "each", "parallel each"})
PARALLEL = frozenset({"parallel each", "fork", "fork any"})
CHILD = workflow(Complete("end", e("'child'")), name="Child")


def fits(kind: str, place: str) -> bool:
    """Whether a step of this kind may stand there: what validation refuses does not have to run."""
    if kind in ("leave", "next"):
        return place in LOOPS and not (kind == "leave" and place == "parallel each")
    return kind != "continue_with" or place not in PARALLEL


def within(place: str, kind: str) -> World:
    """The step, maybe after a decision so that the body can come to its end, in that place."""
    step = all_kinds()[kind]
    ends = kind in ("complete", "fail", "continue_with", "leave", "next")
    body: Body = (Decision("maybe", (Branch(e("input.yes"), (step,)),)),) if ends else (step,)
    definition = workflow(
        Set("zero", {"n": e("0")}), PLACES[place](body), Complete("z", e("'end'")),
        input={"type": "object", "properties": {"yes": {"type": "boolean"}}},
    )  # fmt: skip
    problems = [p for p in validate(definition) if p.severity == "error"]
    assert problems == [], problems
    return World(definition, CHILD)


def answer_all(world: World, *, but: str = "") -> None:
    """Answers what waits, until nothing does but the step ``but``."""
    while world.status not in ENDED and (left := [one for one in world.waiting() if one != but]):
        step = left[0]
        command = type(world.opened(step)).__name__
        if command == "OpenCall":
            world.reply(step, {})
        elif command == "OpenTask":
            world.answer(step, {})
        elif command == "OpenSignal":
            world.signal(step, {})
        else:
            world.pass_time("PT10S")


PAIRS = [(kind, place) for place in PLACES for kind in STEPS if fits(kind, place)]


def test_the_table_has_every_kind() -> None:
    assert set(all_kinds()) == set(STEPS)
    assert len(PAIRS) >= 150


@pytest.mark.parametrize(("kind", "place"), PAIRS)
def test_every_kind_in_every_other(kind: str, place: str) -> None:
    world = within(place, kind).start({"yes": True})
    answer_all(world)
    outcome = {"complete": ("completed", "early"), "fail": ("failed", None), "continue_with": ("completed", None)}
    assert (world.status, world.output) == outcome.get(kind, ("completed", "end"))
    if kind != "fail":
        return
    assert world.error == "failure.refused"
    world.give(Retry("ops"))
    answer_all(world)
    assert (world.status, world.error) == ("failed", "failure.refused")


@pytest.mark.parametrize(("kind", "place"), [(kind, place) for place in PLACES for kind in waits()])
def test_every_wait_is_suspended_cancelled_and_retried_wherever_it_stands(kind: str, place: str) -> None:
    world = within(place, kind).start({"yes": True})
    if kind == "subworkflow":
        assert world.status in ("completed", "running", "waiting")  # its child is over at once
        return
    visit = world.serial("x")
    world.give(Suspend(by="ops"))
    assert world.status == "suspended"
    world.give(Resume("ops"))
    assert world.serial("x") == visit
    world.give(Cancel())
    assert (world.status, world.it.open, world.it.dues) == ("cancelled", {}, {})
    assert why_not_retry(world.snapshot) is not None


@pytest.mark.parametrize("place", PLACES)
def test_a_call_that_fails_is_retried_by_an_operator_wherever_it_stands(place: str) -> None:
    world = within(place, "call").start({"yes": True})
    visit = world.serial("x")
    world.break_call("x", "failure.refused")
    assert (world.status, world.error) == ("failed", "failure.refused")
    world.give(Retry("ops"))
    assert world.serial("x") == visit
    answer_all(world)
    assert (world.status, world.output) == ("completed", "end")


@pytest.mark.parametrize("kind", waits())
def test_every_wait_in_a_compensation(kind: str) -> None:
    booking = Try("booking", (INNER,), (), (waits()[kind], Set("undo", {"undone": e("1")})))
    world = World(workflow(booking, Fail("f", const("failure.late"), const(""))), CHILD).start({})
    answer_all(world)
    assert (world.status, world.error) == ("failed", "failure.late")
    assert world.types("booking")[-1] == "compensation.done"


@pytest.mark.parametrize("inner", [place for place in PLACES if place not in ("while", "until")])
@pytest.mark.parametrize("outer", PLACES)
def test_places_in_places(outer: str, inner: str) -> None:
    """Two deep, with a wait in the middle."""
    rename: dict[str, Any] = {"id": "p"}
    middle = PLACES[inner]((Task("x", "Review"),))
    middle = type(middle)(**{name: getattr(middle, name) for name in middle.__dataclass_fields__} | rename)
    text = str(middle)
    if "'side'" in text or "'first'" in text:  # ids are given once
        middle = _apart(middle)
    body = (Set("zero", {"n": e("0")}), PLACES[outer]((middle,)), Complete("z", e("'end'")))
    given = {"type": "object", "properties": {"yes": {"type": "boolean"}}}
    definition = workflow(*body, input=given)
    assert [problem for problem in validate(definition) if problem.severity == "error"] == []
    world = World(definition).start({"yes": True})
    answer_all(world)
    assert (world.status, world.output) == ("completed", "end")


def _apart(step: Any) -> Any:
    """The same step, its own ids ending in 2."""
    if isinstance(step, Fork):
        one, two = step.branches
        side = two.body[0]
        again = type(side)(**{name: getattr(side, name) for name in side.__dataclass_fields__} | {"id": f"{side.id}2"})
        return Fork(step.id, (one, ForkBranch("b", (again,))), step.join)
    if isinstance(step, Try) and isinstance(step.body[0], Fail):
        return Try(step.id, (Fail("first2", const("failure.first"), const("")),), step.handlers)
    return step
