"""``subworkflow`` and ``continue_with``: other instances, below this one or after it."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition import model
from ...definition.expressions import Evaluator
from ...definition.model import Value
from ..commands import StartChild, StartNext
from ..compiler import Compiler
from ..ending import complete
from ..failures import StepFailure
from ..node import Answer, Behaviour, Node
from ..paths import Parts
from ..run import Resolved, Run
from ..snapshot import Frame, Wait, child_id, next_id
from ..triggers import ChildEnded, TimerDue
from .values import check_payload, store
from .waits import set_timeout, timed_out


def _resolve(run: Run, workflow: str, version: str) -> Resolved:
    """The version that is started: the highest deployed and enabled one in the range, at this moment."""
    found = run.catalogue(workflow, version)
    if found is None:
        wanted = workflow if version == "*" else f"{workflow} {version}"
        message = f"expected a deployed workflow {wanted}, got none; deploy or enable one, and retry"
        raise StepFailure("failure.workflow-unknown", message)
    return found


# ── subworkflow ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SubworkflowPlan:
    """A subworkflow, prepared; its time-out in microseconds."""

    workflow: str
    version: str
    input: Evaluator
    result: str | None
    path: Parts
    timeout: int | None


def _plan_subworkflow(step: model.Subworkflow, compiler: Compiler) -> SubworkflowPlan:
    return SubworkflowPlan(
        step.workflow, step.version, compiler.expression(step.input), step.result, compiler.path(step.result),
        compiler.duration(step.timeout),
    )  # fmt: skip


def _enter_subworkflow(run: Run, node: Node[SubworkflowPlan], frame: Frame) -> None:
    plan = node.plan
    value = run.evaluate(plan.input, node, frame)
    check_payload(value, "the input of a subworkflow")
    found = _resolve(run, plan.workflow, plan.version)
    attempt = frame.count + 1
    child = child_id(run.instance, frame.visit, attempt)
    run.commands.append(StartChild(frame.visit, frame.step, child, plan.workflow, found.version, found.digest, value))
    until = set_timeout(run, frame, plan.timeout)
    data: dict[str, Value] = {
        "for": "child", "child": child, "workflow": plan.workflow, "version": found.version, "digest": found.digest,
    }  # fmt: skip
    run.wait(frame, Wait("child", run.now, until, attempt, attempt, child=child), data)


def _resume_subworkflow(run: Run, node: Node[SubworkflowPlan], frame: Frame, trigger: Answer) -> bool:
    plan = node.plan
    assert frame.wait is not None
    if isinstance(trigger, TimerDue) and timed_out(frame, trigger):
        raise StepFailure("timeout.child", f"expected {plan.workflow} to end in time, and it did not")
    if not isinstance(trigger, ChildEnded) or trigger.child != frame.wait.child:
        return False
    if trigger.status != "completed":
        raise _child_failure(plan.workflow, trigger)
    patch, data = store(run, node, frame, [(plan.result, plan.path, trigger.output)] if plan.result else [])
    run.close(frame)
    run.record("step.done", frame, {"child": trigger.child, **data}, patch)
    run.proceed(node, frame)
    return True


def _child_failure(workflow: str, trigger: ChildEnded) -> StepFailure:
    details: Value = {"child": trigger.child}
    if trigger.status == "cancelled":
        return StepFailure("child.cancelled", f"{workflow} was cancelled", details)
    error = trigger.error
    if error is None:
        return StepFailure("child.failed", f"{workflow} failed", details)
    return StepFailure(f"child.{error.code}", error.message, {"child": trigger.child, "details": error.details})


SUBWORKFLOW = Behaviour(_plan_subworkflow, _enter_subworkflow, _resume_subworkflow)


# ── continue_with ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ContinuePlan:
    """A ``continue_with``, prepared."""

    workflow: str
    version: str
    input: Evaluator


def _plan_continue(step: model.ContinueWith, compiler: Compiler) -> ContinuePlan:
    return ContinuePlan(step.workflow, step.version, compiler.expression(step.input))


def _enter_continue(run: Run, node: Node[ContinuePlan], frame: Frame) -> None:
    plan = node.plan
    value = run.evaluate(plan.input, node, frame)
    check_payload(value, "the input of the next instance")
    found = _resolve(run, plan.workflow, plan.version)
    following = StartNext(next_id(run.before), plan.workflow, found.version, found.digest, value)
    run.record("step.done", frame)
    complete(run, frame, None, following=following)


CONTINUE_WITH = Behaviour(_plan_continue, _enter_continue)
