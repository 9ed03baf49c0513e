"""``for … in …``, of a statement or of a comprehension: what one turn of it binds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from armillary_engine.definition.expressions.printing import text
from armillary_engine.definition.model import Const, Expression, Fn, Get, Op

from . import expressions
from .context import BROKEN, RESERVED, Context
from .names import MISSING, assigned_names

COPIES = (sorted, list, tuple)
"""What ``mapping.items()`` may stand in: the entries of an object are sorted by key already."""


@dataclass(frozen=True)
class Turn:
    """``item`` is the name of one of the ``items``; ``bound`` are the names of a turn and what each means."""

    items: Expression
    item: str
    bound: dict[str, Expression]


def turn(context: Context, target: ast.expr, source: ast.expr, code: str) -> Turn:
    """What ``for target in source`` means. ``for a, b in pairs`` takes each item apart; ``for key, value in
    mapping.items()`` is ``for entry in entries(mapping)``. ``code`` is that of a target which means nothing."""
    owner = mapping_of(context, source)
    if owner is not None and isinstance(target, ast.Tuple | ast.List) and len(target.elts) == 2:
        mapping = expressions.expression(context, owner)
        items: Expression = BROKEN if mapping is BROKEN else Fn("entries", (mapping,))
        item = pair_name(context, target)
        parts: list[Expression] = [Get(f"{item}.key"), Get(f"{item}.value")]
        pairs = [pair for one, part in zip(target.elts, parts, strict=True) for pair in apart(context, one, part, code)]
        return Turn(items, item, {item: Get(item)} | dict(pairs))
    items = expressions.expression(context, source)
    if isinstance(target, ast.Name):
        return Turn(items, *named(context, target, items))
    item = pair_name(context, target)
    return Turn(items, item, {item: Get(item)} | dict(apart(context, target, Get(item), code)))


def named(context: Context, target: ast.Name, items: Expression) -> tuple[str, dict[str, Expression]]:
    """A turn of one name."""
    if target.id in RESERVED or target.id in context.names.parameters:
        context.refuse(target, "name.reserved", f"{target.id} already stands for something else", "use another name")
    return target.id, {target.id: BROKEN if items is BROKEN else Get(target.id)}


def mapping_of(context: Context, source: ast.expr) -> ast.expr | None:
    """The object before ``.items()``."""
    match source:
        case ast.Call(func=ast.Attribute(value=owner, attr="items"), args=[], keywords=[]):
            return owner if context.names.resolve(source.func) is MISSING else None
        case ast.Call(func=ast.Name() as name, args=[inner], keywords=[]) if context.names.resolve(name) in COPIES:
            return mapping_of(context, inner)
    return None


def apart(context: Context, target: ast.expr, part: Expression, code: str) -> Iterator[tuple[str, Expression]]:
    """The names of a target, each with its part of the item."""
    match target:
        case ast.Name(id="_"):
            return
        case ast.Name(id=name):
            context.worded[text(part)] = name
            yield named(context, target, part)[0], part
        case ast.Tuple(elts=targets) | ast.List(elts=targets) if not any(
            isinstance(one, ast.Starred) for one in targets
        ):
            for index, one in enumerate(targets):
                yield from apart(context, one, Op("index", (part, Const(index))), code)
        case _:
            hint = "write `for item in …`, and take parts of it: item[0], item[1:]"
            context.refuse(target, code, f"expected names after `for`, got {context.text(target)}", hint)
            for name in assigned_names([target]):
                yield name, BROKEN


def pair_name(context: Context, target: ast.expr) -> str:
    """What one item is called whose parts have names: both names together."""
    names = [name for name in assigned_names([target]) if name != "_"]
    return context.unused("_".join(names[:3]) if len(names) > 1 else "pair")
