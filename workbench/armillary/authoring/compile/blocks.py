"""Statements that hold statements: decisions, loops, branches, handlers."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Literal

from armillary_engine.definition.model import (
    Body,
    Branch,
    Const,
    Decision,
    Expression,
    Fork,
    ForkBranch,
    Step,
)
from armillary_engine.definition.problems import Span

from . import attempts, choices, loops, placement, statements, vocabulary
from .context import BROKEN, Context
from .expressions import expression
from .ids import kebab, named
from .options import constant_text, read


def block(context: Context, node: ast.stmt) -> list[Step]:
    """A statement that holds statements."""
    match node:
        case ast.If():
            return [decision(context, node)]
        case ast.While():
            return [loops.repeat(context, node)]
        case ast.For():
            return [loops.each(context, node)]
        case ast.With():
            return with_block(context, node)
        case ast.Try():
            return attempts.try_step(context, node)
        case ast.Match():
            return choices.match_step(context, node)
    return []


# ── if ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def decision(context: Context, node: ast.If) -> Step:
    """``if``/``elif``/``else``. An ``if`` indented under ``else:`` is a decision of its own."""
    test = condition(context, node.test)
    base = named("if", test)
    key = context.mark(node, base)
    context.marks[-1].span = header(context, node, node.test)
    branches = [Branch(test, inner(context, node.body, key))]
    rest = node.orelse
    while is_elif(context, node, rest):
        node = rest[0]  # type: ignore[assignment]
        context.statement = node
        test = condition(context, node.test)
        branches.append(Branch(test, inner(context, node.body, key, named("if", test))))
        rest = node.orelse
    otherwise = inner(context, rest, key, "else") if rest else None
    return Decision(key, tuple(branches), otherwise)


def is_elif(context: Context, node: ast.If, rest: list[ast.stmt]) -> bool:
    """Whether what follows ``else`` was written ``elif``."""
    if len(rest) != 1 or not isinstance(rest[0], ast.If):
        return False
    return context.source.line(rest[0].lineno)[rest[0].col_offset :].startswith("elif")


def condition(context: Context, node: ast.expr) -> Expression:
    """A condition takes a boolean; a literal that is none is refused."""
    found = expression(context, node)
    if isinstance(found, Const) and found is not BROKEN and not isinstance(found.value, bool):
        hint = "compare it with something, or write True"
        return context.refuse(node, "condition.boolean", f"expected a condition, got {context.text(node)}", hint)
    return found


def inner(context: Context, body: list[ast.stmt], *labels: str) -> Body:
    """The steps of a block, whose derived ids may be told apart by the labels around them."""
    if not labels:
        return statements.body(context, body)
    with context.inside(label=labels[0]):
        return inner(context, body, *labels[1:])


def header(context: Context, node: ast.stmt, part: ast.expr) -> Span:
    """The first line of a block up to the end of ``part``."""
    span = context.span(node)
    end = context.span(part)
    return replace(span, end_line=end.end_line, end_column=end.end_column, text=first_lines(context, node.lineno, part))


def first_lines(context: Context, line: int, part: ast.expr) -> str:
    """The lines of a block's head."""
    return "\n".join(context.source.lines[line - 1 : part.end_lineno or line])


# ── loops ────────────────────────────────────────────────────────────────────────────────────────────────────────────


Join = Literal["all", "any"] | int


# ── with ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_block(context: Context, node: ast.With) -> list[Step]:
    """``with parallel():``; anything else is refused."""
    item = node.items[0]
    verb = vocabulary.verb_of(context, item.context_expr) if len(node.items) == 1 else None
    if verb == "parallel":
        if item.optional_vars is not None:
            context.refuse(item.optional_vars, "with.as", "parallel() gives no value", "leave out `as`")
        return [fork(context, node)]
    if verb == "branch":
        context.refuse(
            item.context_expr, "branch.place", "branch() stands directly inside `with parallel():`", "move it there"
        )
    elif verb is not None:
        assert isinstance(item.context_expr, ast.Call)
        placement.misplaced(context, item.context_expr, replaced=item.context_expr)
    else:
        text = ", ".join(context.text(one.context_expr) for one in node.items)
        hint = "open files and connections in a service; a workflow only calls it"
        context.refuse(
            item.context_expr, "with.kind", f"expected parallel() or compensate() after `with`, got {text}", hint
        )
    statements.body(context, node.body)
    return []


def fork(context: Context, node: ast.With) -> Step:
    """``with parallel():`` and its branches."""
    call = node.items[0].context_expr
    assert isinstance(call, ast.Call)
    options = read(context, call, "parallel", known=("join", "id"), positional=0)
    blocks = [statement for statement in node.body if branch_call(context, statement) is not None]
    for statement in node.body:
        if branch_call(context, statement) is None and not isinstance(statement, ast.Pass):
            hint = 'put it into a branch:\n    with branch("label"):\n        …'
            context.refuse(statement, "parallel.body", "inside parallel() stand only `with branch(…):` blocks", hint)
    labels = [label_of(context, statement) for statement in blocks]
    for index, label in enumerate(labels):
        if label in labels[:index]:
            call_node = branch_call(context, blocks[index]) or blocks[index]
            context.refuse(
                call_node, "branch.twice", f"expected every label once, got {label!r} again", "write another"
            )
    key = context.mark(node, "-".join(["parallel", *map(kebab, labels[:3])]), options.id())
    context.marks[-1].span = header(context, node, call)
    branches = []
    for label, statement in zip(labels, blocks, strict=True):
        assert isinstance(statement, ast.With)
        with context.inside(label=kebab(label), loop="fork"):
            branches.append(ForkBranch(label, statements.body(context, statement.body)))
    return Fork(key, tuple(branches), join_of(context, options.named.get("join")))


def branch_call(context: Context, node: ast.stmt) -> ast.Call | None:
    """The ``branch(…)`` of a ``with``."""
    match node:
        case ast.With(items=[ast.withitem(context_expr=ast.Call() as call)]) if (
            vocabulary.verb_of(context, call) == "branch"
        ):
            return call
    return None


def label_of(context: Context, node: ast.stmt) -> str:
    """A branch's label."""
    call = branch_call(context, node)
    assert call is not None
    options = read(context, call, "branch", known=())
    return constant_text(context, options.first, "the label") if options.first is not None else "_"


def join_of(context: Context, node: ast.expr | None) -> Join:
    """``join=``."""
    if node is None:
        return "all"
    found = expression(context, node)
    value = found.value if isinstance(found, Const) else None
    if value == "all" or value == "any":
        return "any" if value == "any" else "all"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if found is not BROKEN:
        message = f'expected join= to be "all", "any" or a number of branches, got {context.text(node)}'
        context.refuse(node, "option.join", message, 'write join="any"')
    return "all"
