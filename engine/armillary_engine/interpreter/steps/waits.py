"""``timer`` and ``signal``: waiting for a moment, and for a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...definition import model
from ...definition.durations import DurationError, duration_microseconds, instant_microseconds
from ...definition.expressions import Evaluator
from ...definition.model import Value
from ...definition.values import dumps
from ..commands import Due, OpenSignal
from ..compiler import Compiler, SchemaCheck, problems_text
from ..failures import StepFailure
from ..node import Answer, Behaviour, Node
from ..paths import Parts, kind_of
from ..run import Run
from ..snapshot import Frame, Wait
from ..triggers import SignalArrived, TimerDue
from .values import store

FAR = 253_402_300_799_999_999
"""The last microsecond of the year 9999: no deadline is later."""


def moment_after(run: Run, microseconds: int) -> int:
    """The moment that long from now; one in the past is now."""
    return min(run.now + max(microseconds, 0), FAR)


def as_moment(run: Run, value: Value, what: str) -> int:
    """A date and time, or a duration from now, as a moment."""
    if not isinstance(value, str):
        raise StepFailure("expression.type", f"expected {what} to be text such as P14D, got {kind_of(value)}")
    try:
        if value[:1] in ("P", "-"):
            return moment_after(run, duration_microseconds(value))
        return instant_microseconds(value)
    except DurationError as error:
        raise StepFailure("expression.type", f"{what}: {error.message}; {error.hint}") from None


def timed_out(frame: Frame, trigger: TimerDue) -> bool:
    """Whether a due time is this wait's time-out. One of an earlier opening of the same visit is not."""
    return trigger.purpose == "timeout" and frame.wait is not None and trigger.due == frame.wait.until


def set_timeout(run: Run, frame: Frame, timeout: int | None) -> int | None:
    """Asks for the time-out of a wait, if its step has one, and gives its moment."""
    if timeout is None:
        return None
    until = moment_after(run, timeout)
    run.commands.append(Due(frame.visit, "timeout", until))
    return until


# ── timer ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TimerPlan:
    """A timer, prepared."""

    moment: Evaluator
    what: str


def _plan_timer(step: model.Timer, compiler: Compiler) -> TimerPlan:
    if step.after is not None:
        return TimerPlan(compiler.expression(step.after), "`after`")
    assert step.at is not None
    return TimerPlan(compiler.expression(step.at), "`at`")


def _enter_timer(run: Run, node: Node[TimerPlan], frame: Frame) -> None:
    at = as_moment(run, run.evaluate(node.plan.moment, node, frame), node.plan.what)
    run.commands.append(Due(frame.visit, "timer", at))
    run.wait(frame, Wait("timer", run.now, at), {"for": "timer", "until": at})


def _resume_timer(run: Run, node: Node[TimerPlan], frame: Frame, trigger: Answer) -> bool:
    assert frame.wait is not None
    if not isinstance(trigger, TimerDue) or trigger.purpose != "timer" or trigger.due != frame.wait.until:
        return False
    run.close(frame)
    run.record("step.done", frame, {"due": trigger.due})
    run.proceed(node, frame)
    return True


TIMER = Behaviour(_plan_timer, _enter_timer, _resume_timer)


# ── signal ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SignalPlan:
    """A wait for a signal, prepared; its time-out in microseconds."""

    name: str
    match: Evaluator | None
    payload: SchemaCheck | None
    result: str | None
    path: Parts
    timeout: int | None


def _plan_signal(step: model.Signal, compiler: Compiler) -> SignalPlan:
    return SignalPlan(
        step.name, compiler.optional(step.match), compiler.schema(step.payload), step.result,
        compiler.path(step.result), compiler.duration(step.timeout),
    )  # fmt: skip


def _enter_signal(run: Run, node: Node[SignalPlan], frame: Frame) -> None:
    plan = node.plan
    key = None if plan.match is None else dumps(run.evaluate(plan.match, node, frame)).decode()
    run.commands.append(OpenSignal(frame.visit, frame.step, plan.name, key))
    until = set_timeout(run, frame, plan.timeout)
    data: dict[str, Any] = {"for": "signal", "name": plan.name}
    if key is not None:
        data["key"] = key
    run.wait(frame, Wait("signal", run.now, until), data)


def _resume_signal(run: Run, node: Node[SignalPlan], frame: Frame, trigger: Answer) -> bool:
    plan = node.plan
    if isinstance(trigger, TimerDue) and timed_out(frame, trigger):
        raise StepFailure("timeout.signal", f"expected the signal {plan.name!r} in time, and none came")
    if not isinstance(trigger, SignalArrived):
        return False
    value = trigger.payload
    if plan.payload is not None:
        value, problems = plan.payload(value)
        if problems:
            message = f"the payload of signal {plan.name!r} does not fit its schema: {problems_text(problems)}"
            raise StepFailure("failure.payload-invalid", message, {"signal": trigger.signal})
    patch, data = store(run, node, frame, [(plan.result, plan.path, value)] if plan.result else [])
    run.close(frame)
    run.record("step.done", frame, {"signal": trigger.signal, **data}, patch)
    run.proceed(node, frame)
    return True


SIGNAL = Behaviour(_plan_signal, _enter_signal, _resume_signal)
