"""Python → the canonical model: one function's syntax tree, read and never run.

``compile_function`` tells the story: names, parameters, body, ids, checks. Each module knows one part of the language.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import FunctionType

from armillary_engine.definition.expressions.functions import CORE
from armillary_engine.definition.model import Access, Definition, Get, Meta, StepMeta, Value
from armillary_engine.definition.problems import Problem, Span
from armillary_engine.definition.validate import validate
from armillary_engine.definition.validate.walk import places as places_of

from ..errors import AuthoringError
from ..origins import Origin
from ..source import Source
from . import statements
from .context import Context, Mark
from .ids import Ids, derive, with_ids
from .inputs import read_output, read_parameters
from .names import Names
from .partial import told_all_the_same, with_steps
from .places import known_spans, span_at
from .shapes import unknown_members
from .texts import comments_above, docstring


@dataclass(frozen=True)
class Compiled:
    """A definition and what is known about where it came from."""

    definition: Definition
    captured: Mapping[str, Value]
    source_map: Mapping[str, Span]
    problems: tuple[Problem, ...]
    origin: Origin


def compile_function(
    function: FunctionType,
    source: Source,
    *,
    name: str,
    version: str | None,
    access: Access,
    caller: Mapping[str, object],
    allowed: frozenset[int],
    texts: tuple[str | None, str | None] = (None, None),
) -> Compiled:
    """Compiles ``function``, whose source is ``source``; ``allowed`` are the ids of the decorators that it may have.

    Raises :class:`AuthoringError` with every problem of the function.
    """
    node = source.node
    context = Context(source, Names(function, node, caller), comments=comments_above(source.lines))
    check_decorators(context, node, allowed)
    context.input_schema = read_parameters(context, node)
    output = read_output(context, node)
    body = statements.body(context, without_docstring(node.body))
    ids = derive(context.marks)
    context.problems += ids.problems
    context.problems += [problem for problem in unknown_members(context) if problem not in context.problems]
    definition = Definition(
        name,
        with_ids(body, ids.by_key),
        version=version,
        input=context.input_schema,
        output=output,
        access=access,
        meta=meta_of(node, context.marks, ids, texts),
    )
    places = {ids.by_key[mark.key]: mark.span for mark in context.marks}
    origin = origin_in(definition, context, places)
    found = validated(origin, context)
    if any(problem.severity == "error" for problem in context.problems):
        found = told_all_the_same(found, context, definition)
    problems = with_steps([*context.problems, *found], context.marks, ids.by_key)
    stop(name, problems, definition)
    return Compiled(definition, dict(context.captured), places, tuple(problems), origin)


def origin_in(definition: Definition, context: Context, steps: Mapping[str, Span]) -> Origin:
    """Where the steps and the expressions of a definition stand in the author's source."""
    known = known_spans(context.spans)
    known |= {id(place.step): steps[place.step.id] for place in places_of(definition) if place.step.id in steps}
    return Origin(definition, lambda pointer: span_at(definition, pointer, known))


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements after a docstring."""
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body


def stop(name: str, problems: list[Problem], definition: Definition | None = None) -> None:
    """Raises if there is an error among the problems."""
    if any(problem.severity == "error" for problem in problems):
        raise AuthoringError(name, sorted(problems, key=in_order), definition=definition)


def in_order(problem: Problem) -> tuple[int, int]:
    """Sorts problems as they stand in the source."""
    return (problem.span.line, problem.span.column) if problem.span is not None else (0, 0)


def check_decorators(context: Context, node: ast.FunctionDef, allowed: frozenset[int]) -> None:
    """Refuses every decorator but ours."""
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if id(context.names.resolve_around(target)) not in allowed:
            text = context.text(decorator)
            message = f"@{text} can't be joined with @workflow: the function never runs"
            context.refuse(decorator, "decorator.other", message, f"remove @{text}")


def meta_of(node: ast.FunctionDef, marks: list[Mark], ids: Ids, texts: tuple[str | None, str | None]) -> Meta:
    """What is for people: the docstring, titles, notes, labels."""
    title, description = docstring(node)
    steps = {
        ids.by_key[mark.key]: StepMeta(mark.title, mark.note, dict(mark.branch_labels), dict(mark.layout))
        for mark in marks
        if mark.title or mark.note or mark.branch_labels or mark.layout
    }
    return Meta(texts[0] or title, texts[1] or description, steps)


def validated(origin: Origin, context: Context) -> list[Problem]:
    """What validation says, at the author's lines; what was said already is left out."""
    said = {(problem.code, problem.span) for problem in context.problems}
    found = []
    for problem in validate(origin.definition, {**CORE, **context.functions}):
        if problem.severity == "info":
            continue
        span = origin.at(problem.pointer)
        if (problem.code, span) not in said:
            message, hint = (in_the_authors_words(text, context) for text in (problem.message, problem.hint))
            found.append(replace(problem, span=span, message=message, hint=hint))
    return found


def in_the_authors_words(message: str, context: Context) -> str:
    """A message about `input.premium` as one about `application.premium`, and of `a_b[0]` as one of `a`."""
    for part, name in context.worded.items():
        message = re.sub(rf"\b{re.escape(part)}(?!\w)", name, message)
    for name, value in context.parameters.items():
        if value == Get("input"):
            return re.sub(r"(?<![\w.])input(?=[.`' ]|$)", name, message)
    return re.sub(r"(?<![\w.'])input\.", "", message)
