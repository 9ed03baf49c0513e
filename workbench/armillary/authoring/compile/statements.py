"""Statements → steps: assignments, ends, and the body of a block."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from armillary_engine.definition.model import (
    Body,
    Complete,
    Const,
    Fail,
    Get,
    Leave,
    Next,
    Object,
    Step,
)

from . import assignments, attempts, blocks, fragments, loops, placement, vocabulary
from .context import BROKEN, Context, StepName
from .expressions import expression
from .options import constant_text, constant_value, read
from .refused import refuse_statement
from .steps import MAKERS

STEP_OPTIONS = ("title", "note", "labels", "layout")


def body(context: Context, statements: list[ast.stmt]) -> Body:
    """The steps of a block. Every statement is looked at, so that all its problems are found at once."""
    steps: list[Step] = []
    for index, statement in enumerate(statements):
        if context.pending is None and loops.is_declaration(context, statement, statements[index + 1 : index + 2]):
            continue
        outer, context.statement = context.statement, statement
        known = len(context.marks)
        if is_step_name(context, statement):
            step_name(context, statement, last=index == len(statements) - 1)
        elif attempts.is_compensation(context, statement):
            attempts.compensation(context, statement, steps)
        else:
            steps.extend(compile_statement(context, statement))
            finish(context, statement, known)
        context.statement = outer
    return tuple(steps)


def finish(context: Context, statement: ast.stmt, known: int) -> None:
    """Gives the first step of a statement the comment above it; a name for a statement without steps is an error."""
    note = context.comments.get(statement.lineno)
    if note and len(context.marks) > known:
        context.annotate(context.marks[known].key, note)
    if context.pending is not None:
        name, context.pending = context.pending, None
        context.refuse(
            name.node, "step.nothing", "step() names the next statement, which makes no step", "move it or remove it"
        )


def compile_statement(context: Context, node: ast.stmt) -> list[Step]:
    """The steps of one statement."""
    match node:
        case ast.Assign():
            return assignments.assign(context, node)
        case ast.AnnAssign():
            return assignments.annotated(context, node)
        case ast.AugAssign():
            return assignments.augmented(context, node)
        case ast.Expr(value=value):
            return alone(context, node, value)
        case ast.Return():
            return returned(context, node)
        case ast.Raise():
            return raised(context, node)
        case ast.Break():
            return jump(context, node, Leave)
        case ast.Continue():
            return jump(context, node, Next)
        case ast.Pass():
            return []
        case ast.If() | ast.While() | ast.For() | ast.With() | ast.Try() | ast.Match():
            return blocks.block(context, node)
        case _:
            refuse_statement(context, node)
            return []


# ── step() ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_step_name(context: Context, statement: ast.stmt) -> bool:
    """Whether a statement is ``step(…)``."""
    return isinstance(statement, ast.Expr) and vocabulary.verb_of(context, statement.value) == "step"


def step_name(context: Context, statement: ast.stmt, *, last: bool) -> None:
    """Keeps what ``step(…)`` says for the next statement."""
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    options = read(context, statement.value, "step", known=STEP_OPTIONS, positional=0, optional=1)
    name = constant_text(context, options.first, "the id") if options.first is not None else None
    if context.pending is not None:
        context.refuse(
            statement, "step.twice", "expected a statement after step(), got another step()", "keep one of them"
        )
    if last:
        context.refuse(
            statement, "step.nothing", "step() names the next statement, and there is none", "move it or remove it"
        )
        return
    labels: dict[str, str] = {}
    if options.has("labels"):
        labels = labels_of(context, options.named["labels"])
    title = options.text("title") if options.has("title") else None
    note = options.text("note") if options.has("note") else context.comments.get(statement.lineno)
    layout = layout_of(context, options.named["layout"]) if options.has("layout") else {}
    context.pending = StepName(statement, name, title, note, labels, layout)


def layout_of(context: Context, node: ast.expr) -> dict[str, Any]:
    """``layout={"direction": "right"}``: any JSON object that is known now."""
    found = expression(context, node)
    value = constant_value(found)
    if isinstance(found, Object) and isinstance(value, dict):
        return value
    if found is not BROKEN:
        context.refuse(
            node,
            "option.layout",
            f"expected layout= to be a dict of values that are known now, got {context.text(node)}",
            "write it out",
        )
    return {}


def labels_of(context: Context, node: ast.expr) -> dict[str, str]:
    """``labels={"0": "too high"}``."""
    if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
        pairs = zip(node.keys, node.values, strict=True)
        return {
            constant_text(context, k, "a branch"): constant_text(context, v, "a label")
            for k, v in pairs
            if k is not None
        }
    context.refuse(
        node,
        "option.labels",
        f"expected labels= to be a dict of texts, got {context.text(node)}",
        'write labels={"0": "too high"}',
    )
    return {}


# ── assignments ──────────────────────────────────────────────────────────────────────────────────────────────────────


# ── statements that are one expression ───────────────────────────────────────────────────────────────────────────────


def alone(context: Context, node: ast.Expr, value: ast.expr) -> list[Step]:
    """A statement that is one expression."""
    verb = vocabulary.verb_of(context, value)
    if verb in MAKERS and isinstance(value, ast.Call):
        return [MAKERS[verb](context, value, None)]
    if isinstance(value, ast.Constant) and value.value is ...:
        return []
    fragment = fragments.called(context, value)
    if fragment is not None and isinstance(value, ast.Call):
        return fragments.inline(context, value, fragment, "")[0]
    changed = assignments.in_place(context, node, value)
    if changed is not None:
        return changed
    if verb is not None and isinstance(value, ast.Call):
        placement.misplaced(context, value, replaced=value)
    elif isinstance(value, ast.Constant):
        context.refuse(node, "statement.value", "a value on its own does nothing", "for a note write a comment: # …")
    elif not isinstance(expression(context, value), Const) or isinstance(value, (ast.Name, ast.Attribute)):
        context.refuse(
            node, "statement.value", "a value on its own does nothing", f"assign it: name = {context.text(value)}"
        )
    return []


# ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def returned(context: Context, node: ast.Return) -> list[Step]:
    """``return value``."""
    value = node.value
    if value is not None and vocabulary.verb_of(context, value):
        assert isinstance(value, ast.Call)
        verb = vocabulary.verb_of(context, value) or ""
        if verb in ("continue_with", "fail"):
            return [MAKERS[verb](context, value, None)]
        if verb not in vocabulary.WAITING or verb.startswith("sleep"):
            placement.misplaced(context, value, replaced=value)
            return []
        name = context.fresh("result")
        step = MAKERS[verb](context, value, name)
        return [step, Complete(context.mark(node, "complete"), Get(name))]
    fragment = fragments.called(context, value)
    if fragment is not None and isinstance(value, ast.Call):
        steps, found = fragments.inline(context, value, fragment, None)
        return [*steps, Complete(context.mark(node, "complete"), found)]
    found = Const(None) if value is None else expression(context, value)
    return [Complete(context.mark(node, "complete"), found)]


def raised(context: Context, node: ast.Raise) -> list[Step]:
    """``raise Failure("code", "message")`` is ``fail("code", "message")``."""
    from ..verbs import Failure

    if isinstance(node.exc, ast.Call) and context.names.resolve(node.exc.func) is Failure and node.cause is None:
        return [MAKERS["fail"](context, node.exc, None)]
    if node.exc is None:
        if "error" in context.handlers:
            key = context.mark(node, "fail-again")
            return [Fail(key, Get("error.code"), Get("error.message"))]
        context.refuse(
            node, "raise.bare", "raise without a failure stands inside `except` only", 'write fail("code", "message")'
        )
    else:
        texts = node.exc.args if isinstance(node.exc, ast.Call) and node.exc.args else []
        hint = f'write fail("dotted.code", {context.text(texts[0]) if texts else chr(34) + "message" + chr(34)})'
        context.refuse(node, "raise.kind", f"expected a Failure, got {context.text(node.exc)}", hint)
    return []


def jump(context: Context, node: ast.stmt, kind: Callable[[str], Step]) -> list[Step]:
    """``break`` and ``continue``."""
    word = "break" if kind is Leave else "continue"
    if context.loops and context.loops[-1] == "fork":
        context.refuse(node, "jump.fork", f"{word} can't leave a branch of parallel()", "let the branch end by itself")
        return []
    return [kind(context.mark(node, "leave" if kind is Leave else "next"))]
