"""Putting a fragment's statements, or its expression, in where it is called.

A fragment never changes its caller's names, so a parameter can stand for the expression that was passed.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

from armillary_engine.definition.model import Const, Expression, Get, Step

from ..errors import SourceError
from ..fragment import Fragment
from ..source import find_source
from . import placement, statements, vocabulary
from .context import BROKEN, Context
from .expressions import expression
from .ids import kebab, paths
from .names import Names
from .steps import MAKERS
from .texts import comments_above


def inline_expression(context: Context, node: ast.Call, value: Fragment) -> Expression:
    """A fragment inside an expression: only one that is an expression itself."""
    opened = enter(context, node, value)
    if opened is None:
        return BROKEN
    inner, body = opened
    only = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    if only is not None and vocabulary.verb_of(inner, only) is None:
        return expression(inner, only)
    name = value.function.__name__
    message = f"{name}() has steps, so it stands alone, after `name =`, or after `return`"
    return context.refuse(
        node, "verb.place", message, "write instead:\n" + placement.lines_instead(context, node, node, "")
    )


def called(context: Context, node: ast.expr | None) -> Fragment | None:
    """The fragment that a call is of."""
    value = context.names.resolve(node.func) if isinstance(node, ast.Call) else None
    return value if isinstance(value, Fragment) else None


def inline(context: Context, node: ast.Call, value: Fragment, result: str | None) -> tuple[list[Step], Expression]:
    """The steps of a fragment, and what it returns. A verb after its ``return`` gives its value to ``result``: a path,
    a name of its own (``None``), or nowhere (an empty text)."""
    opened = enter(context, node, value, result or "")
    if opened is None:
        return [], BROKEN
    inner, body = opened
    *before, last = body
    with inner.inside(label=kebab(value.function.__name__)):
        if not isinstance(last, ast.Return):
            return list(statements.body(inner, body)), Const(None)
        steps = list(statements.body(inner, before))
        inner.statement = last
        if last.value is None:
            return steps, Const(None)
        verb = vocabulary.verb_of(inner, last.value)
        if verb is None:
            return steps, expression(inner, last.value)
        assert isinstance(last.value, ast.Call)
        if verb not in MAKERS:
            return steps, placement.misplaced(inner, last.value, replaced=last.value)
        if result == "":
            steps.append(MAKERS[verb](inner, last.value, None))
            return steps, Const(None)
        name = result or context.fresh(placement.result_name(inner, last.value))
        steps.append(MAKERS[verb](inner, last.value, name))
        return steps, Get(name)


def enter(context: Context, node: ast.Call, value: Fragment, result: str = "") -> tuple[Context, list[ast.stmt]] | None:
    """A context for the fragment's own source, with its parameters bound; ``None`` after a refusal."""
    name = value.function.__name__
    if value in context.fragments:
        context.refuse(node, "fragment.recursive", f"{name}() calls itself", "write a loop, or a subworkflow")
        return None
    try:
        source = find_source(value.function)
    except SourceError as error:
        for problem in error.problems:
            context.refuse(node, problem.code, problem.message, problem.hint)
        return None
    arguments = bind(context, node, value)
    if arguments is None:
        return None
    names = Names(value.function, source.node, value.caller)
    inner = replace(
        context,
        source=source,
        names=names,
        parameters=arguments,
        pending=context.pending,
        renamed=renamed(context, names, source.node.body[-1], arguments, result),
        bound={},
        comments=comments_above(source.lines),
        fragments=(*context.fragments, value),
    )
    context.pending = None
    body = source.node.body
    if (
        isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    ):
        body = body[1:]
    for statement in body[:-1]:
        for deep in ast.walk(statement):
            if isinstance(deep, ast.Return):
                inner.refuse(
                    deep, "fragment.return", "a fragment returns at its end only", "move the return to the last line"
                )
    return inner, body or [ast.copy_location(ast.Pass(), source.node)]


def renamed(
    context: Context, names: Names, last: ast.stmt, arguments: dict[str, Expression], result: str
) -> dict[str, str]:
    """What the fragment's own names are called in the definition. The name that it returns becomes the one that the
    caller assigns, unless an argument reads that one."""
    found = {name: context.fresh(name) for name in sorted(names.locals)}
    match last:
        case ast.Return(value=ast.Name(id=name)) if name in found and result.isidentifier():
            read = {path.partition(".")[0] for argument in arguments.values() for path in paths(argument)}
            if result not in read:
                found[name] = result
    return found


def bind(context: Context, node: ast.Call, value: Fragment) -> dict[str, Expression] | None:
    """Parameters → the expressions passed for them."""
    if any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords):
        context.refuse(
            node, "option.star", f"* has no meaning in {value.function.__name__}()", "write the arguments out"
        )
        return None
    options = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    try:
        bound = inspect.signature(value.function).bind(*node.args, **options)
    except TypeError as error:
        context.refuse(
            node, "fragment.arguments", f"{value.function.__name__}(): {error}", "pass what its def asks for"
        )
        return None
    bound.apply_defaults()
    found: dict[str, Expression] = {}
    for name, argument in bound.arguments.items():
        if isinstance(argument, ast.expr):
            found[name] = expression(context, argument)
        else:
            from .constants import constant

            found[name] = constant(context, node, argument)
    return found
