"""Options that are objects of their own: retries, checks, escalations, and what is evaluated later."""

from __future__ import annotations

import ast
from decimal import Decimal
from typing import Any

from armillary_engine.definition.durations import parse_duration
from armillary_engine.definition.model import (
    Check,
    Const,
    Escalation,
    Expression,
    Get,
    RetryPolicy,
    Schema,
)
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.values import normalize

from .. import verbs
from .context import BROKEN, Context
from .expressions import expression
from .options import Options, read


def retry_of(context: Context, node: ast.expr) -> RetryPolicy:
    """``Retry(max_attempts=3, backoff="2s")``, written out or captured."""
    value = context.names.resolve(node)
    if isinstance(value, verbs.Retry):
        return captured_retry(context, node, value)
    if not (isinstance(node, ast.Call) and context.names.resolve(node.func) is verbs.Retry):
        message = f"expected retry= to be a Retry(…), got {context.text(node)}"
        context.refuse(node, "option.retry", message, 'write retry=Retry(max_attempts=3, backoff="2s")')
        return RetryPolicy()
    known = ("max_attempts", "backoff", "factor", "max_backoff", "jitter", "on")
    found = read(context, node, "Retry", known=known, positional=0)
    default = RetryPolicy()
    return RetryPolicy(
        attempts=found.count("max_attempts", 1) or 1,
        backoff=found.duration("backoff") or default.backoff,
        factor=number_option(found, "factor", default.factor, least=1),
        max=found.duration("max_backoff") or default.max,
        jitter=number_option(found, "jitter", default.jitter, least=0, most=1),
        on=found.texts("on") or default.on,
    )


def captured_retry(context: Context, node: ast.expr, value: verbs.Retry) -> RetryPolicy:
    """A ``Retry`` from outside the function."""
    try:
        policy = RetryPolicy(
            attempts=value.max_attempts,
            backoff=parse_duration(value.backoff),
            factor=normalize(value.factor),
            max=parse_duration(value.max_backoff),
            jitter=normalize(value.jitter),
            on=tuple(value.on),
        )
    except ArmillaryError as error:
        context.refuse(node, error.code, error.message, error.hint)
        return RetryPolicy()
    context.captured[context.text(node)] = normalize(policy)
    return policy


def number_option(options: Options, name: str, default: Any, *, least: int, most: int | None = None) -> Any:
    """An option that is a number within bounds."""
    found = options.expression(name)
    if found is None or found is BROKEN:
        return default
    value = found.value if isinstance(found, Const) else None
    if type(value) in (int, Decimal) and least <= value and (most is None or value <= most):  # type: ignore[operator]
        return value
    wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
    node = options.named[name]
    options.context.refuse(
        node,
        "option.number",
        f"expected {name}= to be a number {wanted}, got {options.context.text(node)}",
        "write such a number",
    )
    return default


def escalation_of(context: Context, node: ast.expr) -> Escalation | None:
    """``Escalation(after=…, roles=[…])``."""
    if not (isinstance(node, ast.Call) and context.names.resolve(node.func) is verbs.Escalation):
        message = f"expected escalate= to be an Escalation(…), got {context.text(node)}"
        context.refuse(node, "option.escalate", message, 'write escalate=Escalation(after="2d", roles=["lead"])')
        return None
    found = read(context, node, "Escalation", known=("after", "roles"), positional=0)
    for name in ("after", "roles"):
        if not found.has(name):
            context.refuse(node, "option.missing", f"expected {name}= in Escalation(), got nothing",
                           'write Escalation(after="2d", roles=["lead"])')  # fmt: skip
            return None
    return Escalation(found.duration("after") or "PT0S", found.texts("roles"))


def checks_of(context: Context, node: ast.expr, answer: Schema | None) -> tuple[Check, ...]:
    """``check=[Check(lambda answer: answer.amount > limit, "…")]``."""
    items = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    found = []
    for item in items:
        if not (isinstance(item, ast.Call) and context.names.resolve(item.func) is verbs.Check):
            hint = 'write check=[Check(lambda answer: answer.amount > limit, "the amount is too high")]'
            context.refuse(item, "option.check", f"expected a Check(…), got {context.text(item)}", hint)
            continue
        options = read(context, item, "Check", known=("when", "message"), positional=0, optional=2)
        parts = [
            options.named.get("when", options.first),
            options.named.get("message", options.second or options.first),
        ]
        if len(item.args) + len(item.keywords) < 2 or None in parts:
            context.refuse(item, "option.missing", "expected a condition and a message in Check()",
                           'write Check(lambda answer: answer.amount > limit, "the amount is too high")')  # fmt: skip
            continue
        when, message = (
            deferred(context, part, parameter="answer", schema=answer) for part in parts if part is not None
        )
        found.append(Check(when, message))
    return tuple(found)


def deferred(context: Context, node: ast.expr, *, parameter: str = "", schema: Schema | None = None) -> Expression:
    """An expression that is evaluated later: written plainly or as a ``lambda``, whose parameter is ``parameter``."""
    if not isinstance(node, ast.Lambda):
        return expression(context, node)
    names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    wanted = [parameter] if parameter else []
    if len(names) > len(wanted) or node.args.vararg or node.args.kwarg:
        takes = f"one parameter, the {parameter}" if parameter else "no parameter"
        return context.refuse(
            node, "lambda.parameters", f"expected a lambda with {takes}", f"write lambda {parameter}: …"
        )
    with context.inside({name: Get(parameter) for name in names}):
        if schema is not None:
            context.bound_origins[parameter] = schema
        return expression(context, node.body)
