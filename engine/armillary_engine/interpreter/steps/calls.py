"""``call``: a request to a service, kept as a wait from its first attempt on, with retries by policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from ...definition import model
from ...definition.expressions import Evaluator
from ...definition.failure_codes import catches
from ..commands import OpenCall, RetryCall
from ..compiler import Compiler, SchemaCheck, problems_text
from ..encoding import size
from ..failures import StepFailure
from ..node import Answer, Behaviour, Node
from ..paths import Parts
from ..retry import Policy, delay, prepare_policy
from ..run import Run
from ..snapshot import Frame, Wait
from ..triggers import CallReturned, Failed, TimerDue, token
from .values import PAYLOAD_LIMIT, check_payload, store
from .waits import moment_after, timed_out


@dataclass(frozen=True, slots=True)
class CallPlan:
    """A call, prepared; durations in microseconds."""

    service: str
    operation: str
    arguments: Evaluator
    reply: SchemaCheck | None
    result: str | None
    path: Parts
    timeout: int
    attempt_timeout: int
    heartbeat: int | None
    policy: Policy


def _plan_call(step: model.Call, compiler: Compiler) -> CallPlan:
    compiler.services.add(step.to.service)
    return CallPlan(
        service=step.to.service,
        operation=step.to.operation,
        arguments=compiler.expression(step.arguments),
        reply=compiler.schema(step.reply),
        result=step.result,
        path=compiler.path(step.result),
        timeout=compiler.duration(step.timeout) or 0,
        attempt_timeout=compiler.duration(step.attempt_timeout) or 0,
        heartbeat=compiler.duration(step.heartbeat),
        policy=prepare_policy(step.retry),
    )


def _enter_call(run: Run, node: Node[CallPlan], frame: Frame) -> None:
    """Opens the call. After an operator's retry its attempts count on: late replies to earlier ones are stale."""
    plan = node.plan
    arguments = run.evaluate(plan.arguments, node, frame)
    check_payload(arguments, "arguments")
    attempt = frame.count + 1
    deadline = moment_after(run, plan.timeout)
    run.commands.append(
        OpenCall(
            frame.visit, frame.step, plan.service, plan.operation, arguments, token(run.instance, frame.visit),
            deadline, plan.attempt_timeout, plan.heartbeat, attempt,
        )
    )  # fmt: skip
    wait = Wait("call", run.now, deadline, attempt, attempt + plan.policy.attempts - 1)
    run.wait(frame, wait, {"for": "call", "service": plan.service, "operation": plan.operation, "attempt": attempt})


def _resume_call(run: Run, node: Node[CallPlan], frame: Frame, trigger: Answer) -> bool:
    wait = frame.wait
    assert wait is not None
    if isinstance(trigger, TimerDue) and timed_out(frame, trigger):
        message = f"expected {node.plan.service}/{node.plan.operation} to answer in time, and it did not"
        raise StepFailure("timeout.call", message, {"attempt": wait.attempt})
    if not isinstance(trigger, CallReturned) or trigger.attempt != wait.attempt:
        return False
    failed = trigger.failed
    value = trigger.reply
    if failed is None:
        value, failed = _checked_reply(node, value)
    if failed is not None:
        _retry_or_fail(run, node, frame, failed)
        return True
    plan = node.plan
    patch, data = store(run, node, frame, [(plan.result, plan.path, value)] if plan.result else [])
    run.close(frame)
    run.record("step.done", frame, {"attempt": trigger.attempt, **data}, patch)
    run.proceed(node, frame)
    return True


def _checked_reply(node: Node[CallPlan], reply: Any) -> tuple[Any, Failed | None]:
    plan = node.plan
    got = size(reply)
    if got > PAYLOAD_LIMIT:
        message = f"expected {plan.service}/{plan.operation} to reply {PAYLOAD_LIMIT:,} bytes at most, got {got:,}"
        return None, Failed("failure.payload-too-large", message)
    if plan.reply is None:
        return reply, None
    value, problems = plan.reply(reply)
    if not problems:
        return value, None
    message = f"the reply of {plan.service}/{plan.operation} does not fit its schema: {problems_text(problems)}"
    return None, Failed("failure.reply-invalid", message)


def _retry_or_fail(run: Run, node: Node[CallPlan], frame: Frame, failed: Failed) -> None:
    """The next attempt, if the policy allows one and it would begin before the step times out."""
    wait, policy = frame.wait, node.plan.policy
    assert wait is not None
    assert wait.until is not None
    if wait.attempt >= wait.last or not catches(policy.on, failed.code):
        raise StepFailure(failed.code, failed.message, failed.details)
    failures = wait.attempt - (wait.last - policy.attempts)
    attempt = wait.attempt + 1
    due = run.now + delay(policy, failures, f"{token(run.instance, frame.visit)}#{attempt}")
    if due >= wait.until:
        raise StepFailure(failed.code, failed.message, failed.details)
    run.frames[frame.visit] = msgspec.structs.replace(
        frame, wait=msgspec.structs.replace(wait, attempt=attempt, again=due)
    )
    run.commands.append(RetryCall(frame.visit, attempt, due))
    run.record("call.retrying", frame, {"attempt": attempt, "due": due, "code": failed.code, "message": failed.message})


CALL = Behaviour(_plan_call, _enter_call, _resume_call)
