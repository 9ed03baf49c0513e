"""Verbs where they may not stand: the lines to write instead."""

from __future__ import annotations

import ast

from armillary_engine.definition.model import Expression

from ..source import dedented
from . import functions
from .context import Context
from .vocabulary import PLACES, WAITING, verb_of


def misplaced(context: Context, node: ast.Call, *, replaced: ast.expr, name: str = "") -> Expression:
    """A verb inside an expression: an error that prints the lines to write instead."""
    verb = verb_of(context, node) or ""
    if verb not in WAITING:
        place = PLACES.get(verb, "alone on its line")
        return context.refuse(node, "verb.place", f"{verb}() stands {place}, not inside an expression", "move it there")
    message = f"{verb}() stands alone, after `name =`, or after `return`; here it is part of {within(context, node)}"
    return context.refuse(
        node, "verb.place", message, "write instead:\n" + lines_instead(context, node, replaced, name)
    )


def within(context: Context, node: ast.Call) -> str:
    """What a misplaced verb is a part of."""
    statement = context.statement
    test = getattr(statement, "test", None)
    if test is not None and any(inner is node for inner in ast.walk(test)):
        return "a condition"
    for outer in ast.walk(statement):
        if isinstance(outer, ast.JoinedStr) and any(inner is node for inner in ast.walk(outer)):
            return "an f-string"
        if isinstance(outer, ast.ListComp | ast.GeneratorExp) and any(inner is node for inner in ast.walk(outer)):
            return "a comprehension"
        if isinstance(outer, ast.NamedExpr) and outer.value is node:
            return "a := expression"
        if isinstance(outer, ast.BoolOp) and any(inner is node for inner in ast.walk(outer)):
            return "an `and` or `or`"
        if isinstance(outer, ast.Call) and any(
            inner is node for inner in [*outer.args, *(k.value for k in outer.keywords)]
        ):
            return f"the arguments of {context.text(outer.func)}"
    return "an expression"


def lines_instead(context: Context, node: ast.Call, replaced: ast.expr, name: str) -> str:
    """The statement with the verb taken out to a line of its own."""
    statement = context.statement
    name = name or context.fresh(result_name(context, node))
    call_text, whole = dedented(context.text(node)), context.text(statement)
    old = context.text(replaced)
    for outer in ast.walk(statement):
        if isinstance(outer, ast.ListComp | ast.GeneratorExp) and any(inner is node for inner in ast.walk(outer)):
            generator = outer.generators[0]
            head = f"for {context.text(generator.target)} in {context.text(generator.iter)}:"
            assigned = statement.targets[0] if isinstance(statement, ast.Assign) else None
            gathered = assigned.id if isinstance(assigned, ast.Name) else context.unused(f"{name}s")
            return f"    {head}\n        {name} = {call_text}\n        {gathered} = collect({name})"
    header = whole.split("\n")[0] if hasattr(statement, "body") else dedented(whole)
    changed = header.replace(f"({old})", name) if isinstance(replaced, ast.NamedExpr) else header.replace(old, name)
    lines = f"{name} = {call_text}\n{changed}"
    if isinstance(statement, ast.While):
        lines += f"\n    …\n    {name} = {call_text}"
    return "\n".join("    " + line for line in lines.splitlines())


def assigned_before(context: Context, node: ast.NamedExpr) -> str:
    """The statement with ``name := value`` on the line before it."""
    name, verb = context.text(node.target), verb_in(context, node.value)
    before = [f"{name} = {dedented(context.text(node.value))}"]
    if verb is not None:
        result = context.fresh(result_name(context, verb))
        call_text = context.text(verb)
        before = [f"{result} = {dedented(call_text)}", before[0].replace(dedented(call_text), result)]
    whole = context.text(context.statement)
    header = whole.split("\n")[0] if hasattr(context.statement, "body") else dedented(whole)
    old = context.text(node)
    changed = header.replace(f"({old})", name) if f"({old})" in header else header.replace(old, name)
    return "\n".join("    " + line for part in [*before, changed] for line in part.splitlines())


def verb_in(context: Context, node: ast.expr) -> ast.Call | None:
    """A verb's call inside an expression."""
    return next((one for one in ast.walk(node) if isinstance(one, ast.Call) and verb_of(context, one)), None)


def result_name(context: Context, node: ast.Call) -> str:
    """A name for what a call gives: the operation, the task or the signal."""
    first = node.args[0] if node.args else None
    text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else "result"
    return functions.snake(text.rpartition("/")[2]) or "result"
