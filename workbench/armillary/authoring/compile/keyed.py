"""``totals[key] = value``, where the key of an object is not known before: the object with one member more."""

from __future__ import annotations

import ast

from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.model import Const, Fn, Get, Object, Step

from . import assignments, composites
from .context import BROKEN, Context
from .expressions import expression
from .shapes import Shapes, variants


def target(context: Context, node: ast.expr) -> ast.Subscript | None:
    """The target, if it is a member of an object whose key is not a plain word (that is a path, and assigned as one);
    what is or may well be an item of a list is none."""
    match node:
        case ast.Subscript(slice=ast.Slice()):
            return None
        case ast.Subscript(slice=ast.Constant(value=key)):
            return node if isinstance(key, str) and not is_identifier(key) else None
        case ast.Subscript(value=ast.Name() | ast.Attribute() | ast.Subscript(), slice=key):
            return node if is_object(context, node.value) or is_text(context, key) else None
    return None


def grown(context: Context, owner: ast.expr) -> tuple[ast.Subscript, ast.expr] | None:
    """What ``groups[key].append(x)`` and ``groups.setdefault(key, []).append(x)`` assign to, and what it was before."""
    match owner:
        case ast.Call(func=ast.Attribute(value=of, attr="setdefault"), args=[key, default], keywords=[]):
            get = ast.Call(ast.Attribute(of, "get", ast.Load()), [key, default], [])
            for inner in ast.walk(get):
                if not hasattr(inner, "lineno"):
                    ast.copy_location(inner, owner)
            return ast.copy_location(ast.Subscript(of, key, ast.Store()), owner), get
        case ast.Subscript() if (member := target(context, owner)) is not None:
            return member, owner
    return None


def is_object(context: Context, node: ast.expr) -> bool:
    """Whether a value is known to be an object."""
    found = expression(context, node)
    shapes = [one for shape in Shapes(context).of(found, context.bound_origins) for one in variants(shape)]
    return bool(shapes) and all(one.schema.get("type") == "object" for one in shapes)


def is_text(context: Context, node: ast.expr) -> bool:
    """Whether a value is known to be a text."""
    found = expression(context, node)
    shapes = [one for shape in Shapes(context).of(found, context.bound_origins) for one in variants(shape)]
    return bool(shapes) and all(one.schema.get("type") == "string" for one in shapes)


def assign(context: Context, node: ast.stmt, member: ast.Subscript, value: ast.expr) -> list[Step]:
    """``totals = {**totals, key: value}``."""
    path = assignments.target_path(context, member.value)
    key, found = expression(context, member.slice), expression(context, value)
    if path is None:
        return []
    if key is BROKEN or found is BROKEN:
        return [assignments.set_step(context, node, {path: BROKEN})]
    known = isinstance(key, Const) and isinstance(key.value, str)
    more = Object({str(key.value): found}) if known and isinstance(key, Const) else composites.with_key(key, found)
    return [assignments.set_step(context, node, {path: Fn("merge", (Get(path), more))})]
