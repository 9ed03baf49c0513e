"""The analysis of names against a search through every way that an instance can go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from armillary_engine.definition.expressions import roots_of
from armillary_engine.definition.model import (
    Address,
    Body,
    Branch,
    Call,
    Complete,
    Const,
    Decision,
    Definition,
    Each,
    Fork,
    ForkBranch,
    Get,
    Handler,
    Leave,
    ListOf,
    Next,
    Op,
    Repeat,
    Set,
    Step,
    Try,
)
from armillary_engine.definition.validate import validate
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ["a", "b", "c"]
READ = {*NAMES, "error"}
State = frozenset[str]
TEST = Op("==", (Get("input"), Const(1)))


@dataclass
class Ways:
    """States at the end of a body, and those with which it leaves it otherwise; ``seen`` are all on the way."""

    ends: set[State] = field(default_factory=set)
    leaves: set[State] = field(default_factory=set)
    nexts: set[State] = field(default_factory=set)
    seen: set[State] = field(default_factory=set)

    def take(self, other: Ways) -> set[State]:
        self.leaves |= other.leaves
        self.nexts |= other.nexts
        self.seen |= other.seen
        return other.ends


def without_error(ways: Ways) -> Ways:
    return Ways(*({state - {"error"} for state in one} for one in (ways.ends, ways.leaves, ways.nexts, ways.seen)))


class Search:
    """Goes every way; loops as often as anything new comes of it."""

    def __init__(self) -> None:
        self.missing: set[tuple[str, str]] = set()
        self.reached: set[str] = set()

    def read(self, step: Step, expression: Any, states: set[State]) -> None:
        for name in roots_of(expression) & READ:
            if any(name not in state for state in states):
                self.missing.add((step.id, name))

    def body(self, body: Body, states: set[State]) -> Ways:
        ways = Ways(ends=states)
        for step in body:
            if not ways.ends:
                break
            self.reached.add(step.id)
            ways.seen |= ways.ends
            ways.ends = ways.take(self.step(step, ways.ends))
        return ways

    def step(self, step: Step, states: set[State]) -> Ways:
        match step:
            case Set(assign=assign):
                for expression in assign.values():
                    self.read(step, expression, states)
                return Ways({state | frozenset(assign) for state in states})
            case Call():
                return Ways(states)
            case Complete():
                return Ways()
            case Leave():
                return Ways(leaves=states)
            case Next():
                return Ways(nexts=states)
            case Decision(branches=branches, otherwise=otherwise):
                ways = Ways()
                for branch in branches:
                    ways.ends |= ways.take(self.body(branch.body, states))
                ways.ends |= states if otherwise is None else ways.take(self.body(otherwise, states))
                return ways
            case Repeat() | Each():
                return self.loop(step, states)
            case Try():
                return self.handled(step, states)
            case Fork(branches=parallel, join=join):
                found = [self.body(branch.body, states) for branch in parallel]
                if join == "any":
                    reached = any(way.ends for way in found)
                    return Ways(states if reached else set())
                ends = states
                for way in found:
                    ends = {end | state for end in way.ends for state in ends}
                return Ways(ends)
        raise AssertionError(step.kind)

    def handled(self, step: Try, states: set[State]) -> Ways:
        ways, tried = Ways(), self.body(step.body, states)
        ways.ends |= ways.take(tried)
        for handler in step.handlers:
            found = self.body(handler.body, {state | {"error"} for state in states | tried.seen})
            if not any("error" in state for state in states):  # whatever way leads out of it
                found = without_error(found)
            ways.ends |= ways.take(found)
        return ways

    def loop(self, step: Repeat | Each, states: set[State]) -> Ways:
        if isinstance(step, Repeat) and step.test is not None:
            self.read(step, step.test, states)
        ways, entries, exits = Ways(), set(states), set[State]()
        while True:
            turn = self.body(step.body, entries)
            turned = turn.ends | turn.nexts
            exits |= turn.leaves
            if isinstance(step, Repeat) and step.until is not None:
                self.read(step, step.until, turned)
                exits |= turned
            if isinstance(step, Each) and step.collect is not None:
                self.read(step, step.collect, turn.ends)
            ways.seen |= turn.seen
            if turned <= entries:
                break
            entries |= turned
        if not (isinstance(step, Repeat) and (step.until is not None or step.test == Const(True))):
            exits |= entries
        ways.ends = exits
        return ways


@st.composite
def programs(draw: st.DrawFn) -> Body:
    serial = iter(range(1000))

    def step_id() -> str:
        return f"s{next(serial)}"

    def expression() -> Any:
        return draw(st.sampled_from([Const(1), *map(Get, NAMES), Get("error")]))

    def condition() -> Any:
        return draw(st.sampled_from([TEST, TEST, *(Op("==", (Get(name), Const(1))) for name in NAMES)]))

    def body(depth: int, in_loop: bool, names: list[str]) -> Body:
        return tuple(step(depth, in_loop, names) for _ in range(draw(st.integers(0, 3))))

    def step(depth: int, in_loop: bool, names: list[str]) -> Step:
        kinds = ["set", "set", "complete"] + (["leave", "next"] if in_loop else [])
        kinds += ["decision", "decision", "while", "until", "each", "try", "fork"] if depth else []
        match draw(st.sampled_from(kinds)):
            case "set":
                return Set(step_id(), {draw(st.sampled_from(names)): expression()})
            case "complete":
                return Complete(step_id())
            case "leave":
                return Leave(step_id())
            case "next":
                return Next(step_id())
            case "decision":
                branches = tuple(Branch(TEST, body(depth - 1, in_loop, names)) for _ in range(draw(st.integers(1, 2))))
                otherwise = body(depth - 1, in_loop, names) if draw(st.booleans()) else None
                return Decision(step_id(), branches, otherwise)
            case "while":
                test = draw(st.one_of(st.just(Const(True)), st.builds(condition)))
                inner = (Call(step_id(), Address("x", "y"), Const(None)), *body(depth - 1, True, names))
                return Repeat(step_id(), inner, test=test)
            case "until":
                inner = (Call(step_id(), Address("x", "y"), Const(None)), *body(depth - 1, True, names))
                return Repeat(step_id(), inner, until=condition())
            case "each":
                collect = draw(st.sampled_from([None, *map(Get, NAMES)]))
                return Each(step_id(), ListOf(()), "item", body(depth - 1, True, names), collect=collect)
            case "try":
                tried = (Call(step_id(), Address("x", "y"), Const(None)), *body(depth - 1, in_loop, names))
                return Try(step_id(), tried, (Handler(("*",), body(depth - 1, in_loop, names)),))
            case _:
                parallel = [ForkBranch(name, body(0, False, [name])) for name in names[:2]]
                return Fork(step_id(), tuple(parallel), draw(st.sampled_from(["all", "any"])))

    return body(3, False, NAMES)


def _all(body: Body) -> Iterator[Step]:
    from armillary_engine.definition.validate.walk import bodies

    for step in body:
        yield step
        for _, inner in bodies(step):
            yield from _all(inner)


@given(programs())
@settings(max_examples=300)
def test_reads_and_unreachable_steps_are_those_of_some_way(body: Body) -> None:
    search = Search()
    search.body(body, {frozenset()})
    problems = validate(Definition("A", body))
    unassigned = [problem for problem in problems if problem.code == "name.unassigned"]
    found = {(p.step or "", "error" if "`error`" in p.message else p.message.split("'")[1]) for p in unassigned}
    assert found == {(step, name) for step, name in search.missing if step in search.reached}
    dead = {p.step for p in problems if p.code == "flow.unreachable"}
    assert dead <= {step.id for step in _all(body)} - search.reached
    assert bool(dead) == bool({step.id for step in _all(body)} - search.reached)
