"""Values made of values: lists, dicts, f-strings, comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable

from armillary_engine.definition.expression_json import format_of
from armillary_engine.definition.model import Const, Expression, Fn, ListOf, Map, Object, Op

from . import calls, expressions
from .context import BROKEN, Context
from .turns import turn


def dictionary(context: Context, node: ast.Dict) -> Expression:
    """An object; ``{**a, "x": 1}`` is ``merge(a, {"x": 1})``, and ``{key: 1}`` is ``dict([[key, 1]])``."""
    parts: list[Expression] = []
    members: dict[str, Expression] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            parts += [Object(members)] if members else []
            parts.append(expressions.expression(context, value))
            members = {}
            continue
        match expressions.expression(context, key):
            case Const(str() as text):
                if text in members:
                    context.refuse(key, "object.twice", f"the key {text!r} is written twice", "keep one of them")
                members[text] = expressions.expression(context, value)
            case Const() as other:
                if other is not BROKEN:
                    message = f"expected a text as key, got {context.text(key)}"
                    context.refuse(key, "object.key", message, f'write it as a text: "{context.text(key)}"')
            case computed:
                parts += [Object(members)] if members else []
                parts.append(with_key(computed, expressions.expression(context, value)))
                members = {}
    if not parts:
        return Object(members)
    parts += [Object(members)] if members else []
    return parts[0] if len(parts) == 1 and node.keys[0] is not None else Fn("merge", tuple(parts))


def with_key(key: Expression, value: Expression) -> Expression:
    """``{key: value}`` of a key that is not known now."""
    return Fn("dict", (ListOf((ListOf((key, value)),)),))


def sequence(context: Context, items: list[ast.expr]) -> Expression:
    """A list; ``[*a, b]`` is ``a + [b]``."""
    parts: list[Expression] = []
    plain: list[Expression] = []
    for item in items:
        if isinstance(item, ast.Starred):
            if plain:
                parts.append(ListOf(tuple(plain)))
            parts.append(expressions.expression(context, item.value))
            plain = []
        else:
            plain.append(expressions.expression(context, item))
    if plain or not parts:
        parts.append(ListOf(tuple(plain)))
    found = parts[0]
    for more in parts[1:]:
        found = Op("+", (found, more))
    return found


def formatted(context: Context, node: ast.JoinedStr) -> Expression:
    """An f-string."""
    parts: list[str | Expression] = []
    for value in node.values:
        match value:
            case ast.Constant(value=str() as text):
                parts.append(text)
            case ast.FormattedValue():
                parts.append(known_text(value, placeholder(context, value)))
            case _:
                parts.append(expressions.expression(context, value))
    return format_of(parts)


def known_text(node: ast.FormattedValue, found: Expression) -> str | Expression:
    """A captured constant in a text is part of the text."""
    match found:
        case Const(str() | int() as value) if (
            isinstance(node.value, ast.Name | ast.Attribute) and type(value) is not bool
        ):
            return str(value)
    return found


def placeholder(context: Context, node: ast.FormattedValue) -> Expression:
    """``{value:.2f}`` in an f-string."""
    found = expressions.expression(context, node.value)
    if node.conversion not in (-1, ord("s")):
        context.refuse(node, "format.conversion", f"!{chr(node.conversion)} has no meaning here", "leave it out")
    if node.format_spec is None:
        return found
    match node.format_spec:
        case ast.JoinedStr(values=[ast.Constant(value=str() as spec)]):
            return calls.format_call(context, node, found, spec)
        case _:
            return context.refuse(node, "format.spec", "expected a format that is known now", "write it out: {x:.2f}")


def comprehension(context: Context, node: ast.ListComp | ast.GeneratorExp | ast.DictComp) -> Expression:
    """``[to for name in items if where]``; ``{key: value for …}`` is made of pairs."""
    if not isinstance(node, ast.DictComp):
        return turns(context, node.generators, lambda: expressions.expression(context, node.elt))
    pair = node.key, node.value
    pairs = turns(context, node.generators, lambda: ListOf(tuple(expressions.expression(context, one) for one in pair)))
    return Fn("dict", (pairs,))


def turns(context: Context, generators: list[ast.comprehension], to: Callable[[], Expression]) -> Expression:
    """The list of what ``to`` gives in every turn; of several ``for`` the inner lists are joined."""
    generator, *inner = generators
    given = turn(context, generator.target, generator.iter, "comprehension.target")
    with context.inside(given.bound):
        context.bound_origins[given.item] = given.items
        tests = [expressions.expression(context, test) for test in generator.ifs]
        each = turns(context, inner, to) if inner else to()
    where = None if not tests else tests[0] if len(tests) == 1 else Op("and", tuple(tests))
    found = Map(given.items, given.item, each, where)
    return Fn("flatten", (found,)) if inner else found
