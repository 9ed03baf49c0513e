"""What a caller's values are held against before they become triggers: pure, so that every runtime answers alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..definition.expressions import ExpressionFailure
from ..definition.model import Value
from ..definition.problems import Problem
from .failures import StepFailure
from .program import Program
from .run import Run
from .snapshot import Snapshot
from .steps.branches import truth
from .steps.tasks import TaskPlan


def check_input(program: Program, value: Value) -> tuple[Value, tuple[Problem, ...]]:
    """The start document with its schema's defaults, and what is wrong with it."""
    if program.input is None:
        return value, ()
    checked, problems = program.input(value)
    return checked, tuple(problems)


def check_answer(
    program: Program, snapshot: Snapshot, serial: int, answer: Value, now: int
) -> tuple[Value, tuple[Problem, ...]]:
    """The answer to the open task of visit ``serial``, with its schema's defaults, and what is wrong with it: what the
    schema says or, when it fits, the messages of the checks that refuse it. ``task.not-open`` if there is none."""
    frame = next((frame for frame in snapshot.frames if frame.visit == serial), None)
    if frame is None or frame.wait is None or frame.wait.kind != "task" or snapshot.status in ("failed", "cancelled"):
        message = f"expected an open task {snapshot.instance}/{serial}, got none; look at the open tasks"
        return answer, (Problem("task.not-open", message),)
    node = program.nodes[frame.step]
    plan: TaskPlan = node.plan
    value: Value = answer
    if plan.answer is not None:
        value, found = plan.answer(answer)
        if found:
            return value, tuple(replace(problem, step=frame.step) for problem in found)
    run = Run(program, snapshot, max(now, snapshot.now), lambda _name, _range: None)
    roots = {**run.roots_at(frame.parent, frame.branch), "answer": value}
    return value, tuple(_refusals(plan, roots, frame.step))


def _refusals(plan: TaskPlan, roots: dict[str, Value], step: str) -> Sequence[Problem]:
    problems = []
    for when, message in plan.checks:
        try:
            if truth(when(roots), "a check"):
                problems.append(Problem("task.answer-refused", str(message(roots)), step=step))
        except ExpressionFailure as failure:
            problems.append(Problem("task.check-failed", failure.message, step=step, hint=failure.hint))
        except StepFailure as failure:
            problems.append(Problem("task.check-failed", failure.failed.message, step=step))
    return problems
