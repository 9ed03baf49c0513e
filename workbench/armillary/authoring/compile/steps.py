"""Verbs → steps."""

from __future__ import annotations

import ast
from collections.abc import Callable

from armillary_engine.definition.durations import parse_duration
from armillary_engine.definition.model import (
    Address,
    Call,
    Const,
    ContinueWith,
    Expression,
    Fail,
    Object,
    Reference,
    RetryPolicy,
    Signal,
    Step,
    Subworkflow,
    Task,
    Timer,
)
from armillary_engine.definition.problems import ArmillaryError

from .context import BROKEN, Context
from .expressions import expression
from .ids import kebab
from .options import (
    Options,
    constant_text,
    merged,
    read,
    workflow_name,
)
from .policies import checks_of, escalation_of, retry_of

CALL_OPTIONS = ("reply", "arguments", "timeout", "attempt_timeout", "retry", "heartbeat", "id")
TASK_OPTIONS = (
    "answer", "payload", "title", "roles", "assignee", "check", "due", "escalate", "timeout", "priority", "id",
)  # fmt: skip
SIGNAL_OPTIONS = ("payload", "match", "timeout", "id")
CHILD_OPTIONS = ("output", "arguments", "version", "timeout", "id")
NEXT_OPTIONS = ("arguments", "version", "id")

DEFAULTS = Call("", Address("", ""), Const(None))

Result = str | None
"""The path that a step's value is assigned to."""


def call_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``call(…)``."""
    options = read(context, node, "call", known=CALL_OPTIONS, open=True)
    address = address_of(context, options.first)
    key = context.mark(node, kebab(address.operation), options.id())
    reply = options.schema("reply")
    if result:
        context.assign(result, reply)
    return Call(
        key,
        address,
        merged(context, options),
        reply=reply,
        result=result,
        timeout=options.duration("timeout") or DEFAULTS.timeout,
        attempt_timeout=options.duration("attempt_timeout") or DEFAULTS.attempt_timeout,
        retry=retry_of(context, options.named["retry"]) if options.has("retry") else RetryPolicy(),
        heartbeat=options.duration("heartbeat"),
    )


def address_of(context: Context, node: ast.expr | None) -> Address:
    """``"service/operation"``."""
    if node is None:
        return Address("_", "_")
    text = constant_text(
        context,
        node,
        "the address of a call",
        'write it out: "service/operation"; to choose between several write if and else',
    )
    service, slash, operation = text.partition("/")
    if text != "_" and not (service and slash and operation):
        context.refuse(
            node, "call.address", f'expected "service/operation", got {text!r}', 'write it as in call("rating/quote")'
        )
    return Address(service or "_", operation or "_")


def task_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``task(…)``."""
    options = read(context, node, "task", known=TASK_OPTIONS)
    name = constant_text(context, options.first, "the task's name") if options.first is not None else "_"
    key = context.mark(node, kebab(name), options.id())
    answer = options.schema("answer")
    if result:
        context.assign(result, answer)
    check = checks_of(context, options.named["check"], answer) if options.has("check") else ()
    return Task(
        key,
        name,
        title=options.expression("title"),
        roles=options.texts("roles"),
        assignee=options.expression("assignee"),
        payload=options.expression("payload") or Const(None),
        answer=answer,
        check=check,
        result=result,
        due=moment_or_duration(context, options, "due"),
        escalate=escalation_of(context, options.named["escalate"]) if options.has("escalate") else None,
        timeout=options.duration("timeout"),
        priority=options.expression("priority"),
    )


def moment_or_duration(context: Context, options: Options, name: str) -> Expression | None:
    """An option that takes a duration or a date and time."""
    found = options.expression(name)
    return None if found is None else short_duration(found)


def short_duration(found: Expression) -> Expression:
    """``"30s"`` as ``PT30S``; anything else as it is."""
    if isinstance(found, Const) and isinstance(found.value, str) and found is not BROKEN:
        try:
            return Const(parse_duration(found.value))
        except ArmillaryError:
            return found
    return found


def signal_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``wait_for_signal(…)``."""
    options = read(context, node, "wait_for_signal", known=SIGNAL_OPTIONS)
    name = constant_text(context, options.first, "the signal's name") if options.first is not None else "_"
    key = context.mark(node, kebab(name), options.id())
    payload = options.schema("payload")
    if result:
        context.assign(result, payload)
    return Signal(
        key,
        name,
        match=options.expression("match"),
        payload=payload,
        result=result,
        timeout=options.duration("timeout"),
    )


def subworkflow_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``subworkflow(…)``."""
    options = read(context, node, "subworkflow", known=CHILD_OPTIONS, open=True)
    name = workflow_name(context, options.first)
    key = context.mark(node, kebab(name), options.id())
    output = options.schema("output")
    if result:
        context.assign(result, output)
    return Subworkflow(
        key,
        name,
        merged(context, options),
        version=version_of(options),
        result=result,
        timeout=options.duration("timeout"),
    )


def version_of(options: Options) -> str:
    """The range of versions that is meant."""
    return options.text("version") if options.has("version") else "*"


def sleep_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``sleep(duration)``."""
    options = read(context, node, "sleep", known=("id",))
    no_value(context, node, "sleep", result)
    found = expression(context, options.first) if options.first is not None else BROKEN
    if options.first is not None and isinstance(found, Const) and found is not BROKEN:
        if not isinstance(found.value, str):
            hint = 'write a text such as "30s", or a timedelta'
            found = context.refuse(
                options.first, "option.duration", f"expected a duration, got {context.text(options.first)}", hint
            )
        else:
            try:
                found = Const(parse_duration(found.value))
            except ArmillaryError as error:
                found = context.refuse(options.first, error.code, error.message, error.hint)
    return Timer(context.mark(node, "sleep", options.id()), after=found)


def sleep_until_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``sleep_until(moment)``."""
    options = read(context, node, "sleep_until", known=("id",))
    no_value(context, node, "sleep_until", result)
    found = expression(context, options.first) if options.first is not None else BROKEN
    return Timer(context.mark(node, "sleep-until", options.id()), at=found)


def no_value(context: Context, node: ast.Call, verb: str, result: Result) -> None:
    """Refuses an assignment from a verb that gives no value."""
    if result:
        context.refuse(node, "verb.value", f"{verb}() gives no value", "leave out the assignment")


def reference_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``business_reference(key, part=…)``."""
    options = read(context, node, "business_reference", known=("parts", "id"), open=True)
    no_value(context, node, "business_reference", result)
    key = context.mark(node, "business-reference", options.id())
    parts = merged(context, options, "parts")
    if not isinstance(parts, Object):
        context.refuse(
            options.named["parts"],
            "option.parts",
            f"expected parts= to be a dict, got {context.text(options.named['parts'])}",
            'write parts={"policy": …}',
        )
    reference = expression(context, options.first) if options.first is not None else BROKEN
    return Reference(key, reference, parts.members if isinstance(parts, Object) else {})


def continue_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``continue_with(…)``."""
    options = read(context, node, "continue_with", known=NEXT_OPTIONS, open=True)
    no_value(context, node, "continue_with", result)
    name = workflow_name(context, options.first)
    key = context.mark(node, kebab(name), options.id())
    return ContinueWith(key, name, merged(context, options), version=version_of(options))


def fail_step(context: Context, node: ast.Call, result: Result) -> Step:
    """``fail(code, message)``."""
    options = read(context, node, "fail", known=("code", "message", "id"), positional=0, optional=2)
    no_value(context, node, "fail", result)
    code_node = options.named.get("code", options.first)
    message_node = options.named.get("message", options.second or (options.first if "code" in options.named else None))
    if code_node is None:
        context.refuse(
            node,
            "option.missing",
            "expected a code first in fail(), got nothing",
            'write fail("dotted.code", "message")',
        )
        return Fail(context.mark(node, "fail", options.id()), BROKEN, BROKEN)
    code = expression(context, code_node)
    base = f"fail-{kebab(code.value)}" if isinstance(code, Const) and isinstance(code.value, str) else "fail"
    message = expression(context, message_node) if message_node is not None else Const("")
    return Fail(context.mark(node, base, options.id()), code, message)


MAKERS: dict[str, Callable[[Context, ast.Call, Result], Step]] = {
    "call": call_step,
    "task": task_step,
    "wait_for_signal": signal_step,
    "subworkflow": subworkflow_step,
    "sleep": sleep_step,
    "sleep_until": sleep_until_step,
    "business_reference": reference_step,
    "continue_with": continue_step,
    "fail": fail_step,
}
