"""``task``: waiting for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...definition import model
from ...definition.expressions import Evaluator
from ...definition.model import Schema, Value
from ..commands import Due, EscalateTask, OpenTask
from ..compiler import Compiler, SchemaCheck
from ..failures import StepFailure
from ..node import Answer, Behaviour, Node
from ..paths import Parts, kind_of
from ..run import Run
from ..snapshot import Frame, Wait
from ..triggers import TaskCompleted, TimerDue
from .values import as_text, check_payload, store
from .waits import as_moment, moment_after, set_timeout, timed_out


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task, prepared; durations in microseconds."""

    name: str
    title: Evaluator | None
    roles: tuple[str, ...]
    assignee: Evaluator | None
    payload: Evaluator
    schema: Schema | None
    answer: SchemaCheck | None
    checks: tuple[tuple[Evaluator, Evaluator], ...]
    result: str | None
    path: Parts
    due: Evaluator | None
    escalate: int | None
    escalate_to: tuple[str, ...]
    timeout: int | None
    priority: Evaluator | None


def _plan_task(step: model.Task, compiler: Compiler) -> TaskPlan:
    return TaskPlan(
        name=step.name,
        title=compiler.optional(step.title),
        roles=step.roles,
        assignee=compiler.optional(step.assignee),
        payload=compiler.expression(step.payload),
        schema=step.answer,
        answer=compiler.schema(step.answer),
        checks=tuple((compiler.expression(c.when), compiler.expression(c.message)) for c in step.check),
        result=step.result,
        path=compiler.path(step.result),
        due=compiler.optional(step.due),
        escalate=compiler.duration(step.escalate.after) if step.escalate else None,
        escalate_to=step.escalate.roles if step.escalate else (),
        timeout=compiler.duration(step.timeout),
        priority=compiler.optional(step.priority),
    )


def _enter_task(run: Run, node: Node[TaskPlan], frame: Frame) -> None:
    run.commands.append(_opened(run, node, frame))
    plan = node.plan
    until = set_timeout(run, frame, plan.timeout)
    escalate = None
    if plan.escalate is not None:
        escalate = moment_after(run, plan.escalate)
        run.commands.append(Due(frame.visit, "escalate", escalate))
    run.wait(frame, Wait("task", run.now, until, escalate=escalate), {"for": "task", "name": plan.name})


def _opened(run: Run, node: Node[TaskPlan], frame: Frame) -> OpenTask:
    plan = node.plan

    def value(expression: Evaluator | None) -> Any:
        return None if expression is None else run.evaluate(expression, node, frame)

    payload = value(plan.payload)
    check_payload(payload, "a task's payload")
    title, assignee, due = value(plan.title), value(plan.assignee), value(plan.due)
    return OpenTask(
        serial=frame.visit,
        step=frame.step,
        name=plan.name,
        title=plan.name if title is None else as_text(title, "a task's title"),
        roles=plan.roles,
        assignee=None if assignee is None else as_text(assignee, "a task's assignee"),
        payload=payload,
        answer=plan.schema,
        due=None if due is None else as_moment(run, due, "a task's due date"),
        priority=_priority(value(plan.priority)),
    )


def _priority(value: Value) -> int:
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    raise StepFailure("expression.type", f"expected a task's priority to be a small whole number, got {kind_of(value)}")


def _resume_task(run: Run, node: Node[TaskPlan], frame: Frame, trigger: Answer) -> bool:
    plan = node.plan
    if isinstance(trigger, TimerDue):
        if timed_out(frame, trigger):
            raise StepFailure("timeout.task", f"expected the task {plan.name!r} to be done in time, and it was not")
        return _escalate(run, node, frame, trigger)
    if not isinstance(trigger, TaskCompleted):
        return False
    assignments = [(plan.result, plan.path, trigger.answer)] if plan.result else []
    patch, data = store(run, node, frame, assignments)
    run.close(frame)
    run.record("step.done", frame, {"by": trigger.by, **data}, patch)
    run.proceed(node, frame)
    return True


def _escalate(run: Run, node: Node[TaskPlan], frame: Frame, trigger: TimerDue) -> bool:
    if trigger.purpose != "escalate" or frame.wait is None or trigger.due != frame.wait.escalate:
        return False
    run.commands.append(EscalateTask(frame.visit, node.plan.escalate_to))
    run.record("task.escalated", frame, {"roles": list(node.plan.escalate_to)})
    return True


TASK = Behaviour(_plan_task, _enter_task, _resume_task)
