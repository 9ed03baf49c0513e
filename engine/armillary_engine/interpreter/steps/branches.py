"""``decision`` and ``fork``: one branch of several, or all at once."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition import model
from ...definition.expressions import Evaluator
from ..compiler import Compiler
from ..failures import StepFailure
from ..node import Behaviour, Node
from ..paths import kind_of
from ..run import Run
from ..snapshot import Frame, Place
from ..unwind import unwind

BRANCH_LIMIT = 1_000
"""Open branches of an instance: tokens that wait or are about to run."""


# ── decision ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def truth(value: object, what: str) -> bool:
    """A condition's value, which must be a boolean."""
    if value is True or value is False:
        return value
    message = f"expected {what} to be true or false, got {kind_of(value)}; compare it with something"  # type: ignore[arg-type]
    raise StepFailure("expression.type", message)


def _plan_decision(step: model.Decision, compiler: Compiler) -> tuple[Evaluator, ...]:
    return tuple(compiler.expression(branch.when) for branch in step.branches)


def _enter_decision(run: Run, node: Node[tuple[Evaluator, ...]], frame: Frame) -> None:
    """A decision is over when it has chosen: the chosen body stands in the body that the decision stands in."""
    roots = run.roots_at(frame.parent, frame.branch) if node.scoped else run.roots
    for index, when in enumerate(node.plan):
        if truth(when(roots), "a condition"):
            run.record("step.done", frame, {"branch": index})
            run.ready.append(Place(node.bodies[index] or node.after, frame.parent, frame.branch))
            return
    run.record("step.done", frame, {"branch": "otherwise"})
    run.ready.append(Place(node.bodies[-1] or node.after, frame.parent, frame.branch))


DECISION = Behaviour(_plan_decision, _enter_decision)


# ── fork ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ForkPlan:
    """A fork, prepared."""

    needed: int
    """Branches that must arrive."""


def _plan_fork(step: model.Fork, _compiler: Compiler) -> ForkPlan:
    match step.join:
        case "all":
            return ForkPlan(len(step.branches))
        case "any":
            return ForkPlan(min(1, len(step.branches)))
        case _:
            return ForkPlan(min(step.join, len(step.branches)))


def _enter_fork(run: Run, node: Node[ForkPlan], frame: Frame) -> None:
    check_branches(run, len(node.bodies))
    run.record("step.entered", frame)
    run.frames[frame.visit] = frame
    for branch in reversed(range(len(node.bodies))):
        run.begin(node, frame, branch, body=branch)
    if not node.plan.needed:
        _join(run, node, frame)


def _fork_ended(run: Run, node: Node[ForkPlan], frame: Frame, branch: int) -> None:
    arrived = (*frame.arrived, branch)
    frame = Frame(frame.step, frame.visit, frame.parent, frame.branch, arrived=arrived)
    run.frames[frame.visit] = frame
    if len(arrived) >= node.plan.needed:
        _join(run, node, frame)


def _join(run: Run, node: Node[ForkPlan], frame: Frame) -> None:
    unwind(run, frame.visit)
    del run.frames[frame.visit]
    run.record("step.done", frame, {"arrived": list(frame.arrived)})
    run.proceed(node, frame)


def check_branches(run: Run, more: int) -> None:
    """Refuses to open more branches than an instance may have."""
    open_now = len(run.ready) + sum(frame.wait is not None for frame in run.frames.values())
    if open_now + more > BRANCH_LIMIT:
        message = f"expected at most {BRANCH_LIMIT:,} open branches, got {open_now + more:,}; open fewer at a time"
        raise StepFailure("failure.too-many-branches", message)


FORK = Behaviour(_plan_fork, _enter_fork, ended=_fork_ended)
