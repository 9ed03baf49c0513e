"""``repeat`` and ``each``, and the steps that end a loop or its turn: ``leave`` and ``next``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from ...definition import model
from ...definition.expressions import Evaluator
from ..compiler import Compiler, can_wait
from ..encoding import size
from ..failures import StepFailure
from ..node import Behaviour, Node
from ..paths import Parts, kind_of
from ..run import Run
from ..snapshot import Collected, Frame, Place, Turn
from ..unwind import path_of, unwind
from .branches import check_branches, truth
from .values import Assignment, store, weigh

# ── repeat ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RepeatPlan:
    """A loop, prepared."""

    test: Evaluator | None
    until: Evaluator | None
    max: int | None


def _plan_repeat(step: model.Repeat, compiler: Compiler) -> RepeatPlan:
    limit = step.max
    if limit is None and not can_wait(step.body):
        limit = DEFAULT_MAX
    return RepeatPlan(compiler.optional(step.test), compiler.optional(step.until), limit)


DEFAULT_MAX = 10_000
"""Turns of a ``repeat`` whose body cannot wait."""


def _enter_repeat(run: Run, node: Node[RepeatPlan], frame: Frame) -> None:
    if _goes_on(run, node, frame):
        run.record("step.entered", frame)
        _begin_turn(run, node, frame)
    else:
        run.record("step.done", frame, {"turns": 0})
        run.proceed(node, frame)


def _repeat_ended(run: Run, node: Node[RepeatPlan], frame: Frame, _branch: int) -> None:
    until = node.plan.until
    over = until is not None and truth(run.evaluate(until, node, frame), "the condition after `until`")
    if over or not _goes_on(run, node, frame):
        finish_loop(run, node, frame)
    else:
        _begin_turn(run, node, frame)


def _goes_on(run: Run, node: Node[RepeatPlan], frame: Frame) -> bool:
    plan = node.plan
    if plan.test is not None and not truth(run.evaluate(plan.test, node, frame), "the condition after `while`"):
        return False
    if plan.max is not None and frame.count >= plan.max:
        message = f"expected the loop to end within {plan.max:,} turns, and it goes on; give it a larger `max`"
        raise StepFailure("repeat.limit", message)
    return True


def _begin_turn(run: Run, node: Node[RepeatPlan], frame: Frame) -> None:
    run.frames[frame.visit] = Frame(frame.step, frame.visit, frame.parent, frame.branch, count=frame.count + 1)
    if node.bodies[0] is None:
        run.entries += 1  # an empty body enters no step, and must not turn for ever within a slice
    run.begin(node, frame, 0)


def finish_loop(run: Run, node: Node[Any], frame: Frame) -> None:
    """The loop is over, and what follows it is next."""
    del run.frames[frame.visit]
    run.record("step.done", frame, {"turns": frame.count})
    run.proceed(node, frame)


REPEAT = Behaviour(_plan_repeat, _enter_repeat, ended=_repeat_ended)


# ── each ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class EachPlan:
    """An ``each``, prepared."""

    items: Evaluator
    name: str
    parallel: int
    collect: Evaluator | None
    result: str | None
    path: Parts


def _plan_each(step: model.Each, compiler: Compiler) -> EachPlan:
    path = tuple(step.result.split(".")) if step.result else ()
    return EachPlan(
        compiler.expression(step.items), step.name, step.parallel, compiler.optional(step.collect), step.result, path
    )


def _enter_each(run: Run, node: Node[EachPlan], frame: Frame) -> None:
    items = run.evaluate(node.plan.items, node, frame)
    if not isinstance(items, list):
        raise StepFailure("expression.type", f"expected a list of items, got {kind_of(items)}")
    frame = Frame(frame.step, frame.visit, frame.parent, frame.branch, items=items)
    if not items:
        _finish_each(run, node, frame)
        return
    at_once = min(node.plan.parallel, len(items))
    if at_once > 1:
        check_branches(run, at_once)
    added = size(items)
    weigh(run, added, pending=added)
    run.frames[frame.visit] = frame
    run.record("step.entered", frame, {"items": len(items)})
    for _ in range(at_once):
        _begin_item(run, node, run.frames[frame.visit])


def _begin_item(run: Run, node: Node[EachPlan], frame: Frame) -> None:
    """The next item's turn; it runs after the turns that are ready before it."""
    assert frame.items is not None
    turn = Turn(frame.count, {node.plan.name: frame.items[frame.count]})
    run.frames[frame.visit] = msgspec.structs.replace(frame, count=frame.count + 1, turns=(*frame.turns, turn))
    if node.bodies[0] is None:
        run.entries += 1
    place = Place(node.bodies[0], frame.visit, turn.index)
    at = len(run.ready)
    first = next((i for i, other in enumerate(run.ready) if frame.visit in path_of(run, other.parent)), at)
    run.ready.insert(first, place)


OVER = -1
"""The branch of an ``each`` whose end is the end of the loop: ``leave`` and ``next`` put it in the place of a turn."""


def _each_ended(run: Run, node: Node[EachPlan], frame: Frame, branch: int) -> None:
    """A turn is over; the next one begins, or the loop ends after the last."""
    collected = frame.collected
    if node.plan.collect is not None and branch != OVER:
        value = node.plan.collect(run.roots_at(frame.visit, branch))
        added = size(value)
        weigh(run, added, pending=added)
        collected = (*collected, Collected(branch, value))
    frame = _without_turn(frame, branch, collected)
    if frame.turns or frame.count < len(frame.items or ()):
        _go_on(run, node, frame)
    else:
        _finish_each(run, node, frame)


def _without_turn(frame: Frame, branch: int, collected: tuple[Collected, ...]) -> Frame:
    turns = tuple(turn for turn in frame.turns if turn.index != branch)
    return msgspec.structs.replace(frame, turns=turns, collected=collected)


def _go_on(run: Run, node: Node[EachPlan], frame: Frame) -> None:
    run.frames[frame.visit] = frame
    if frame.count < len(frame.items or ()):
        _begin_item(run, node, frame)


def _finish_each(run: Run, node: Node[EachPlan], frame: Frame) -> None:
    plan = node.plan
    values = [one.value for one in sorted(frame.collected, key=lambda one: one.index)]
    assignments: list[Assignment] = [(plan.result, plan.path, values)] if plan.result else []
    patch, data = store(run, node, frame, assignments)
    run.frames.pop(frame.visit, None)
    run.record("step.done", frame, {"turns": frame.count, **data}, patch)
    run.proceed(node, frame)


EACH = Behaviour(_plan_each, _enter_each, ended=_each_ended)


# ── leave and next ───────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_nothing(_step: model.Step, _compiler: Compiler) -> None:
    return None


def _loop_around(run: Run, frame: Frame) -> tuple[Frame, int, list[Frame]]:
    """The innermost loop around a step, the turn it stands in, and what is between them, inner first."""
    between: list[Frame] = []
    visit, branch = frame.parent, frame.branch
    while True:
        owner = run.frames[visit]
        if isinstance(run.program.nodes[owner.step].step, model.Repeat | model.Each):
            return owner, branch, between
        between.append(owner)
        visit, branch = owner.parent, owner.branch


def _end_between(run: Run, between: list[Frame]) -> None:
    for frame in between:
        del run.frames[frame.visit]
        run.record("step.done", frame, {})


def _enter_leave(run: Run, _node: Node[None], frame: Frame) -> None:
    loop, _, between = _loop_around(run, frame)
    owner = run.program.nodes[loop.step]
    run.record("step.done", frame)
    _end_between(run, between)
    unwind(run, loop.visit)
    if isinstance(owner.step, model.Each):
        run.frames[loop.visit] = msgspec.structs.replace(loop, turns=(), items=(loop.items or [])[: loop.count])
        run.ready.append(Place(None, loop.visit, OVER))
    else:
        finish_loop(run, owner, loop)


def _enter_next(run: Run, _node: Node[None], frame: Frame) -> None:
    loop, branch, between = _loop_around(run, frame)
    run.record("step.done", frame)
    _end_between(run, between)
    owner = run.program.nodes[loop.step]
    if not isinstance(owner.step, model.Each):
        run.ready.append(Place(None, loop.visit, branch))
        return
    loop = _without_turn(loop, branch, loop.collected)
    _go_on(run, owner, loop)
    if not run.frames[loop.visit].turns:
        run.ready.append(Place(None, loop.visit, OVER))


LEAVE = Behaviour(_plan_nothing, _enter_leave)
NEXT = Behaviour(_plan_nothing, _enter_next)
