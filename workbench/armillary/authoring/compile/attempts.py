"""``try``, ``except`` and ``with compensate():``."""

from __future__ import annotations

import ast
import builtins

from armillary_engine.definition.model import Body, Expression, Get, Handler, Step, Try

from .. import verbs
from . import blocks, statements, vocabulary
from .context import Context
from .ids import kebab
from .names import MISSING
from .options import constant_text, read

ANY = "*"


def is_compensation(context: Context, node: ast.stmt) -> bool:
    """Whether a statement is ``with compensate():``."""
    return (
        isinstance(node, ast.With)
        and len(node.items) == 1
        and vocabulary.verb_of(context, node.items[0].context_expr) == "compensate"
    )


def compensation(context: Context, node: ast.stmt, steps: list[Step]) -> None:
    """``with compensate():`` after a step: says how to undo that step."""
    if not steps:
        context.refuse(
            node, "compensate.place", "compensate() undoes what stands before it, and nothing does", "move it down"
        )
        return
    undone = steps[-1]
    place = next(index for index, mark in enumerate(context.marks) if mark.key == undone.id)
    base = f"compensate-{context.marks[place].explicit or context.marks[place].base}"
    key, body = undo(context, node, base)
    # The step that is undone comes after the `try` around it, as it does in the document.
    context.marks.insert(place, context.marks.pop(next(i for i, mark in enumerate(context.marks) if mark.key == key)))
    steps[-1] = Try(key, (undone,), compensate=body)


def undo(context: Context, node: ast.stmt, base: str) -> tuple[str, Body]:
    """The id and the steps of a ``with compensate():`` that stands alone."""
    assert isinstance(node, ast.With)
    call = node.items[0].context_expr
    assert isinstance(call, ast.Call)
    options = read(context, call, "compensate", known=("id",), positional=0)
    key = context.mark(node, base, options.id())
    context.marks[-1].span = context.span(call)
    with context.inside(label="compensate", loop="compensate"):
        return key, statements.body(context, node.body)


def try_step(context: Context, node: ast.Try) -> list[Step]:
    """A ``try``. ``with compensate():`` as the last statement of its body, or alone under ``else:`` or ``finally:``,
    undoes the whole body."""
    key = context.mark(node, "try")
    mark = context.marks[-1]
    mark.span = context.source.span(ast.copy_location(ast.Pass(), node))
    body, undoing = split(context, node)
    first = len(context.marks)
    steps = blocks.inner(context, body)
    if len(context.marks) > first:
        mark.base = f"try-{context.marks[first].explicit or context.marks[first].base}"
    handlers = tuple(handler(context, one) for one in node.handlers)
    compensate = None
    if undoing is not None:
        compensate = undo_body(context, undoing)
    return [Try(key, steps, handlers, compensate)]


def split(context: Context, node: ast.Try) -> tuple[list[ast.stmt], ast.With | None]:
    """The statements of a ``try`` and the block that undoes them."""
    found: list[ast.With] = []
    body = node.body
    if len(body) > 1 and is_compensation(context, body[-1]):
        found.append(body[-1])  # type: ignore[arg-type]
        body = body[:-1]
    for word, part in (("else", node.orelse), ("finally", node.finalbody)):
        if len(part) == 1 and is_compensation(context, part[0]):
            found.append(part[0])  # type: ignore[arg-type]
        elif part and not (word == "finally" and all(isinstance(one, ast.Pass) for one in part)):
            hint = {
                "else": "write the statements at the end of the `try` body",
                "finally": "write instead:\n    except Failure:\n        …  # what stands under finally\n"
                "        raise\nand the same after the `try`; to undo a step write `with compensate():` after it",
            }[word]
            context.refuse(part[0], f"try.{word}", f"`{word}` of a `try` has no meaning here", hint)
    if len(found) > 1:
        context.refuse(found[1], "compensate.twice", "a `try` is undone in one place", "join the two blocks")
    return body, found[0] if found else None


def undo_body(context: Context, node: ast.With) -> Body:
    """The steps of a ``with compensate():`` that belongs to a ``try``."""
    call = node.items[0].context_expr
    assert isinstance(call, ast.Call)
    if call.keywords or call.args:
        context.refuse(
            call,
            "compensate.id",
            "this compensate() belongs to the `try`, which has the id",
            'write step("id") above `try`',
        )
    with context.inside(label="compensate", loop="compensate"):
        return statements.body(context, node.body)


# ── except ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def handler(context: Context, node: ast.ExceptHandler) -> Handler:
    """One ``except``; its name is known inside only."""
    codes = catches(context, node.type) if node.type is not None else (ANY,)
    name = None if node.name == "error" else node.name
    bound: dict[str, Expression] = {}
    if node.name:
        bound[node.name] = Get(node.name)
        if node.name in ("input", "instance", "now"):
            context.refuse(node, "name.reserved", f"{node.name} is a name that the engine gives", "use another")
    outer, context.handlers = context.handlers, (*context.handlers, "error")
    label = "otherwise" if codes == (ANY,) else kebab(codes[0]) if codes else "handler"
    with context.inside(bound, label=label):
        body = statements.body(context, node.body)
    context.handlers = outer
    return Handler(codes, body, name)


def catches(context: Context, node: ast.expr) -> tuple[str, ...]:
    """The codes that an ``except`` names."""
    if isinstance(node, ast.Tuple):
        return tuple(code for item in node.elts for code in catches(context, item))
    value = context.names.resolve(node)
    if value is verbs.Timeout:
        return ("timeout",)
    if value is verbs.Failure:
        return ("failure",)
    if value is Exception or value is BaseException:
        return (ANY,)
    if isinstance(node, ast.Call):
        made = context.names.resolve(node.func)
        if made is verbs.Failure or made is verbs.Timeout:
            known = ("code",) if made is verbs.Failure else ()
            options = read(context, node, "Failure", known=known, positional=1)
            return (constant_text(context, options.first, "a code"),) if options.first is not None else ()
    text = context.text(node)
    if value is MISSING and isinstance(node, ast.Name) and node.id in ("Timeout", "Failure"):
        hint = f"write `from armillary import {node.id}` above the function"
        context.refuse(node, "name.unknown", f"nothing is called {node.id} here", hint)
        return ()
    hint = 'write except Timeout, except Failure("code"), except Failure, or except Exception for all'
    if value is not MISSING and value is getattr(builtins, "TimeoutError", None):
        hint = "write except Timeout (from armillary)"
    context.refuse(node, "except.kind", f"expected Timeout or Failure after `except`, got {text}", hint)
    return ()
