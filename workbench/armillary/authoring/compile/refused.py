"""Statements that mean nothing in a workflow, and what to write instead."""

from __future__ import annotations

import ast

from .context import Context

STATEMENTS: dict[type[ast.stmt], tuple[str, str, str]] = {
    ast.FunctionDef: ("function", "a function can't be defined inside a workflow", "mark one outside @fragment"),
    ast.AsyncFunctionDef: ("function", "a function can't be defined inside a workflow", "mark one outside @fragment"),
    ast.ClassDef: ("class", "a class can't be defined inside a workflow", "define it above the function"),
    ast.Import: ("import", "an import can't stand inside a workflow", "move it above the function"),
    ast.ImportFrom: ("import", "an import can't stand inside a workflow", "move it above the function"),
    ast.Global: ("global", "global has no meaning: a workflow keeps its own names", "assign to a name of its own"),
    ast.Nonlocal: ("nonlocal", "nonlocal has no meaning: names are its own", "assign to a name of its own"),
    ast.Delete: ("del", "del has no meaning: history keeps every value", "assign None"),
}  # fmt: skip


def refuse_statement(context: Context, node: ast.stmt) -> None:
    """Refuses a statement that means nothing in a workflow."""
    if isinstance(node, ast.Assert):
        message = context.text(node.msg) if node.msg is not None else '"what is wrong"'
        test = context.text(node.test)
        simple = isinstance(node.test, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        head = f"if not {test}:" if simple else f"if not ({test}):"
        lines = f'write instead:\n    {head}\n        fail("dotted.code", {message})'
        context.refuse(node, "syntax.assert", "assert has no meaning in a workflow", lines)
        return
    word, message, hint = STATEMENTS.get(
        type(node), ("other", "this statement has no meaning here", "write it another way")
    )
    if type(node).__name__ == "TryStar":
        word, message, hint = "try-star", "except* has no meaning here", "write except"
    if type(node).__name__ == "TypeAlias":
        word, message, hint = "type", "a type can't be defined inside a workflow", "define it above the function"
    context.refuse(node, f"syntax.{word}", message, hint)
