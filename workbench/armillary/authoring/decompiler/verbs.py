"""Verbs with their options, as Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from armillary_engine.definition.model import (
    Call,
    Const,
    ContinueWith,
    Expression,
    Fail,
    Object,
    Reference,
    RetryPolicy,
    Signal,
    Subworkflow,
    Task,
    Timer,
)  # fmt: skip

from ..compile.steps import CALL_OPTIONS, CHILD_OPTIONS, NEXT_OPTIONS
from .literals import literal

if TYPE_CHECKING:
    from .python import Writer

Lines = list[str]
Written = tuple[str, Lines]


def written_call(writer: Writer, step: Any) -> Written:
    """``call(…)``."""
    parts = [literal(f"{step.to.service}/{step.to.operation}"), *writer.values(step.arguments, CALL_OPTIONS)]
    parts += writer.model("reply", step.reply, pascal(step.to.operation) + "Reply")
    parts += writer.options(step, ("timeout", "attempt_timeout"))
    if step.retry != RetryPolicy():
        parts.append(f"retry={retry(writer, step.retry)}")
    return "call", parts + writer.options(step, ("heartbeat",))


def retry(writer: Writer, policy: RetryPolicy) -> str:
    """``Retry(…)``."""
    default = RetryPolicy()
    names = {
        "attempts": "max_attempts",
        "backoff": "backoff",
        "factor": "factor",
        "max": "max_backoff",
        "jitter": "jitter",
    }
    parts = []
    for name, python in names.items():
        value = getattr(policy, name)
        if value != getattr(default, name):
            parts.append(
                f"{python}={literal(value)}" if isinstance(value, str) else f"{python}={writer.show(Const(value))}"
            )
    if policy.on != default.on:
        parts.append(f"on={literal(policy.on)}")
    return f"{writer.naming.verb('Retry')}({', '.join(parts)})"


def written_task(writer: Writer, step: Any) -> Written:
    """``task(…)``."""
    parts = [literal(step.name), *writer.options(step, ("title", "roles", "assignee", "payload"))]
    parts += writer.model("answer", step.answer, pascal(step.name) + "Answer")
    if step.check:
        verb = writer.naming.verb("Check")
        checks = [f"{verb}({deferred(writer, one.when)}, {deferred(writer, one.message)})" for one in step.check]
        parts.append(f"check=[{', '.join(checks)}]")
    parts += writer.options(step, ("due",))
    if step.escalate is not None:
        verb = writer.naming.verb("Escalation")
        parts.append(f"escalate={verb}(after={literal(step.escalate.after)}, roles={literal(step.escalate.roles)})")
    return "task", parts + writer.options(step, ("timeout", "priority"))


def deferred(writer: Writer, expression: Expression) -> str:
    """A condition or message on the answer, as a ``lambda``."""
    shown = writer.show(expression)
    return f"lambda answer: {shown}" if re.search(r"\banswer\b", shown) else shown


def written_signal(writer: Writer, step: Any) -> Written:
    """``wait_for_signal(…)``."""
    parts = [literal(step.name), *writer.options(step, ("match",))]
    parts += writer.model("payload", step.payload, pascal(step.name) + "Payload")
    return "wait_for_signal", parts + writer.options(step, ("timeout",))


def written_subworkflow(writer: Writer, step: Any) -> Written:
    """``subworkflow(…)``."""
    parts = [
        literal(step.workflow),
        *writer.values(step.input, CHILD_OPTIONS),
        *writer.options(step, ("version", "timeout")),
    ]
    return "subworkflow", parts


def written_continue(writer: Writer, step: Any) -> Written:
    """``continue_with(…)``."""
    parts = [literal(step.workflow), *writer.values(step.input, NEXT_OPTIONS), *writer.options(step, ("version",))]
    return "continue_with", parts


def written_timer(writer: Writer, step: Any) -> Written:
    """``sleep(…)`` or ``sleep_until(…)``."""
    if step.after is not None:
        return "sleep", [writer.show(step.after)]
    return "sleep_until", [writer.show(step.at)]


def written_reference(writer: Writer, step: Any) -> Written:
    """``business_reference(…)``."""
    return "business_reference", [writer.show(step.key), *writer.values(Object(step.parts), ("parts", "id"), "parts")]


def written_fail(writer: Writer, step: Any) -> Written:
    """``fail(…)``."""
    message = [] if step.message == Const("") else [writer.show(step.message)]
    return "fail", [writer.show(step.code), *message]


VERBS: dict[type, Any] = {
    Call: written_call, Task: written_task, Signal: written_signal, Subworkflow: written_subworkflow,
    ContinueWith: written_continue, Timer: written_timer, Reference: written_reference, Fail: written_fail,
}  # fmt: skip


def pascal(text: str) -> str:
    """``re-quote`` → ``ReQuote``."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+", text) if part) or "Value"
