"""Reading the arguments of a verb: what stands first, the options it knows, and everything else."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from armillary_engine.definition.model import (
    Const,
    Expression,
    ListOf,
    Object,
    Schema,
)
from armillary_engine.definition.suggest import did_you_mean

from . import models
from .constants import duration
from .context import BROKEN, Context
from .expressions import expression
from .names import MISSING


@dataclass
class Options:
    """The arguments of one verb, as written."""

    context: Context
    verb: str
    node: ast.Call
    first: ast.expr | None = None
    second: ast.expr | None = None
    named: dict[str, ast.expr] = field(default_factory=dict)
    rest: dict[str, ast.expr] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.named

    def id(self) -> str | None:
        if "id" not in self.named:
            return None
        node, hint = self.named["id"], 'write it out: "…"'
        if self.verb in OPEN:
            option = OPEN[self.verb]
            hint = f'id= names the step; to send a value called id write {option}={{"id": {self.context.text(node)}}}'
        return constant_text(self.context, node, "id=", hint, "") or None

    def expression(self, name: str) -> Expression | None:
        return expression(self.context, self.named[name]) if name in self.named else None

    def text(self, name: str) -> str:
        return constant_text(self.context, self.named[name], f"{name}=")

    def duration(self, name: str) -> str | None:
        if name not in self.named:
            return None
        node = self.named[name]
        return duration(self.context, node, expression(self.context, node))

    def schema(self, name: str) -> Schema | None:
        return model_schema(self.context, self.named[name], f"{name}=") if name in self.named else None

    def texts(self, name: str) -> tuple[str, ...]:
        return texts_of(self.context, self.named[name], f"{name}=") if name in self.named else ()

    def count(self, name: str, default: int | None) -> int | None:
        if name not in self.named:
            return default
        found = expression(self.context, self.named[name])
        if isinstance(found, Const) and type(found.value) is int and found.value >= 1:
            return found.value
        if found is not BROKEN and not (isinstance(found, Const) and found.value is None):
            got = self.context.text(self.named[name])
            self.context.refuse(
                self.named[name],
                "option.count",
                f"expected {name}= to be a whole number of at least 1, got {got}",
                "write a whole number, or leave it out",
            )
        return default


def read(
    context: Context,
    node: ast.Call,
    verb: str,
    *,
    known: Sequence[str],
    positional: int = 1,
    optional: int = 0,
    open: bool = False,
) -> Options:
    """The options of ``verb``. ``positional`` arguments are needed and ``optional`` more may follow; when it is
    ``open``, unknown keywords are the author's own values, otherwise they are errors."""
    options = Options(context, verb, node)
    places = list(node.args)
    if any(isinstance(place, ast.Starred) for place in places):
        context.refuse(node, "option.star", f"* has no meaning in {verb}()", "write the arguments out")
        places = []
    elif len(places) < positional:
        context.refuse(
            node, "option.missing", f"expected {FIRST.get(verb, 'a value')} first in {verb}(), got nothing", usage(verb)
        )
    elif len(places) > positional + optional:
        extra = places[positional + optional]
        hint = usage(verb)
        if open:
            hint = (
                f'write {verb}("…", arguments={context.text(extra)}) for a whole object, or name=value for each value'
            )
        context.refuse(extra, "option.positional", f"expected a keyword in {verb}(), got {context.text(extra)}", hint)
    options.first = places[0] if places else None
    options.second = places[1] if len(places) > 1 and positional + optional > 1 else None
    for keyword in node.keywords:
        if keyword.arg is None:
            whole = context.text(keyword.value)
            hint = f"write arguments={whole} for the whole object" if open else "write the options out"
            context.refuse(keyword.value, "option.star", f"** has no meaning in {verb}()", hint)
        elif keyword.arg in known:
            options.named[keyword.arg] = keyword.value
        elif open:
            options.rest[keyword.arg] = keyword.value
        else:
            hint = did_you_mean(keyword.arg, known) or f"the options are {', '.join(known)}"
            context.refuse(keyword, "option.unknown", f"{verb}() has no option {keyword.arg}=", hint)
    return options


OPEN = {"call": "arguments", "subworkflow": "arguments", "continue_with": "arguments"}
"""Verbs whose other keywords are the author's own values, and the option that takes all of them."""
FIRST = {
    "call": 'a "service/operation"', "task": "the task's name", "wait_for_signal": "the signal's name",
    "subworkflow": "a workflow's name", "continue_with": "a workflow's name", "sleep": "a duration",
    "sleep_until": "a date and time", "business_reference": "the reference", "fail": "a code", "branch": "a label",
    "each": "the items", "collect": "a value", "step": "an id",
}  # fmt: skip
USAGE = {
    "call": 'write call("service/operation", name=value, reply=Model), or arguments={…} for a whole object',
    "task": 'write task("Name", roles=["role"], payload={…}, answer=Model)',
    "wait_for_signal": 'write wait_for_signal("name", match=key, timeout="14d", payload=Model)',
    "subworkflow": 'write subworkflow("Name", value=…, output=Model)',
    "continue_with": 'write continue_with("Name", value=…)',
    "sleep": 'write sleep("30s")', "sleep_until": "write sleep_until(moment)",
    "business_reference": "write business_reference(key, policy=…)",
    "fail": 'write fail("dotted.code", "message")', "branch": 'write branch("label")',
    "step": 'write step("the-id", title="…")', "each": "write each(items, parallel=4)",
    "collect": "write names = collect(value)",
}  # fmt: skip


def usage(verb: str) -> str:
    """How a verb is written, for a hint."""
    return USAGE.get(verb, "")


# ── kinds of options ─────────────────────────────────────────────────────────────────────────────────────────────────


def constant_text(
    context: Context, node: ast.expr, what: str, hint: str = 'write it out: "…"', instead: str = "_"
) -> str:
    """A text that is known now; ``instead`` stands for one that was refused."""
    found = expression(context, node)
    if isinstance(found, Const) and isinstance(found.value, str):
        return found.value
    if found is not BROKEN:
        got = context.text(node)
        context.refuse(node, "option.text", f"expected {what} to be a text that is known now, got {got}", hint)
    return instead


def constant_value(found: Expression) -> Any:
    """The value of an expression that is made of constants only; ``MISSING`` for any other."""
    match found:
        case Const(value):
            return value
        case ListOf(items):
            values = [constant_value(item) for item in items]
            return MISSING if MISSING in values else values
        case Object(members):
            pairs = {key: constant_value(member) for key, member in members.items()}
            return MISSING if MISSING in pairs.values() else pairs
    return MISSING


def texts_of(context: Context, node: ast.expr, what: str) -> tuple[str, ...]:
    """A list of texts that is known now."""
    found = expression(context, node)
    items = found.items if isinstance(found, ListOf) else None
    if items is not None and all(isinstance(item, Const) and isinstance(item.value, str) for item in items):
        return tuple(item.value for item in items if isinstance(item, Const) and isinstance(item.value, str))
    if found is not BROKEN:
        hint = (
            f'write {what}["{found.value}"]'
            if isinstance(found, Const) and isinstance(found.value, str)
            else f'write {what}["a", "b"]; what a step is made of never changes from one instance to the next'
        )
        if what == "roles=" and not isinstance(found, Const):
            hint += ": choose between tasks with if and else, or name a person with assignee="
        context.refuse(node, "option.texts", f"expected {what} to be a list of texts, got {context.text(node)}", hint)
    return ()


def model_schema(context: Context, node: ast.expr, what: str) -> Schema | None:
    """The schema of a model option such as ``reply=Quote``."""
    text = context.text(node)
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    try:
        return models.schema_of(context.names.evaluate_type(node, text))
    except models.ModelError as error:
        context.refuse(node, error.code, error.message, error.hint)
    except NameError as error:
        missing = error.name or text
        hint = did_you_mean(missing, [*context.names.globals, *context.names.closure]) or "define or import it above"
        context.refuse(node, "name.unknown", f"nothing is called {missing} here", hint)
    except Exception as error:  # noqa: BLE001 - evaluating a type runs the author's code
        hint = "write a model class, such as a pydantic BaseModel or a dataclass"
        context.refuse(node, "model.type", f"expected {what} to be a type, got {text}: {error}", hint)
    return None


def merged(context: Context, options: Options, option: str = "arguments") -> Expression:
    """Keyword values and ``arguments={…}`` as one expression."""
    values = {key: expression(context, node) for key, node in options.rest.items()}
    if option not in options.named:
        return Object(values)
    node = options.named[option]
    whole = expression(context, node)
    if not values or whole is BROKEN:
        return whole
    if not isinstance(whole, Object):
        hint = f"write the keywords into {option}=, or {option}={{…}} as a dict"
        context.refuse(node, "option.arguments", f"{option}={context.text(node)} can't be joined with keywords", hint)
        return whole
    both = sorted(set(values) & set(whole.members))
    if both:
        context.refuse(
            node, "object.twice", f"{', '.join(both)} is given twice", f"keep it as a keyword or in {option}="
        )
    return Object({**values, **whole.members})


def workflow_name(context: Context, node: ast.expr | None) -> str:
    """A workflow's name: a text, or the compiled workflow itself."""
    if node is None:
        return "_"
    value = context.names.resolve(node)
    name = getattr(value, "name", None)
    if value is not MISSING and type(value).__name__ == "Workflow" and isinstance(name, str):
        return name
    return constant_text(context, node, "the workflow")
