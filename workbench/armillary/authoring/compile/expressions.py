"""Python expressions → expressions of the canonical model."""

from __future__ import annotations

import ast
from dataclasses import replace

from armillary_engine.definition.expression_json import is_identifier, negated
from armillary_engine.definition.model import Const, Expression, Format, Get, If, ListOf, Object, Op
from armillary_engine.definition.suggest import did_you_mean

from ..verbs import Root
from . import calls, composites, dates, placement, vocabulary
from .constants import captured, literal
from .context import BROKEN, Context
from .names import MISSING
from .shapes import Shapes, variants

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in", ast.Is: "==", ast.IsNot: "!=",
}  # fmt: skip


def expression(context: Context, node: ast.expr) -> Expression:
    """The expression that ``node`` means; what means nothing is refused there, and a placeholder stands in for it."""
    found = _expression(context, node)
    if found is not BROKEN:
        context.spans.append((found, context.span(node)))
    return found


def _expression(context: Context, node: ast.expr) -> Expression:
    match node:
        case ast.Constant():
            return literal(context, node)
        case ast.Name():
            return name(context, node)
        case ast.Attribute():
            return member(context, node)
        case ast.Subscript():
            return subscript(context, node)
        case ast.BinOp():
            return binary(context, node)
        case ast.UnaryOp():
            return unary(context, node)
        case ast.BoolOp():
            return Op("and" if isinstance(node.op, ast.And) else "or", tuple(operands(context, node)))
        case ast.Compare():
            return compare(context, node)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return If(expression(context, test), expression(context, body), expression(context, orelse))
        case ast.Dict():
            return composites.dictionary(context, node)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return composites.sequence(context, items)
        case ast.JoinedStr():
            return composites.formatted(context, node)
        case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
            return composites.comprehension(context, node)
        case ast.Call():
            return calls.call_expression(context, node)
        case _:
            return refused(context, node)


# ── names and members ────────────────────────────────────────────────────────────────────────────────────────────────


def name(context: Context, node: ast.Name) -> Expression:
    """A bare name: of the workflow, or of what is around it."""
    known = context.bound.get(node.id, context.parameters.get(node.id))
    if known is not None:
        return known if known is BROKEN else replace(known)  # of its own, so that its place is its own
    if node.id in context.names.turns:
        hint = f"assign it to another name inside the loop: found = {node.id}"
        return context.refuse(node, "name.loop", f"{node.id} belongs to its loop, and ends with it", hint)
    if node.id in context.names.locals or node.id in context.origins:
        return Get(context.renamed.get(node.id, node.id))
    return outside(context, node, context.names.lookup(node.id))


def outside(context: Context, node: ast.expr, value: object) -> Expression:
    """A value from around the function."""
    text = context.text(node)
    if value is MISSING:
        known = [*context.names.locals, *context.names.parameters, *context.bound]
        hint = did_you_mean(text, known) or "assign it first, or import it above the function"
        return context.refuse(node, "name.unknown", f"nothing is called {text} here", hint)
    if isinstance(value, Root):
        return Get(value.name)
    if vocabulary.is_verb(value):
        return context.refuse(node, "verb.value", f"{text} stands for a step and has no value", f"call it: {text}(…)")
    if isinstance(value, type) or callable(value):
        hint = f"call it: {text}(…)" if calls.known_function(value) else "only values can stand here"
        return context.refuse(node, "name.kind", f"expected a value, got {text}, which is {calls.sort(value)}", hint)
    return captured(context, node, value)


def member(context: Context, node: ast.Attribute) -> Expression:
    """``owner.name``."""
    value = context.names.resolve(node)
    if value is not MISSING:
        return outside(context, node, value)
    owner_value = context.names.resolve(node.value)
    if isinstance(owner_value, Root):
        return Get(f"{owner_value.name}.{node.attr}")
    if owner_value is not MISSING and (isinstance(owner_value, type) or hasattr(owner_value, "__spec__")):
        hint = did_you_mean(node.attr, dir(owner_value))
        return context.refuse(node, "name.unknown", f"{context.text(node.value)} has no {node.attr}", hint)
    days = dates.days(context, node)
    return part(context, node, expression(context, node.value), node.attr) if days is None else days


def part(context: Context, node: ast.expr, owner: Expression, key: str) -> Expression:
    """A member of ``owner``: a longer path where it is one, otherwise an index operation."""
    if owner is BROKEN:
        return BROKEN
    context.read(owner, key, node)
    if isinstance(owner, Get) and is_identifier(key):
        return Get(f"{owner.path}.{key}")
    return Op("index", (owner, Const(key)))


def subscript(context: Context, node: ast.Subscript) -> Expression:
    """``owner[key]`` and ``owner[start:end]``."""
    owner = expression(context, node.value)
    if isinstance(node.slice, ast.Slice):
        lower, upper, stride = node.slice.lower, node.slice.upper, node.slice.step
        if stride is not None:
            return context.refuse(
                stride, "slice.stride", "a slice takes a start and an end only", "leave out the stride"
            )
        bounds = (Const(None) if bound is None else expression(context, bound) for bound in (lower, upper))
        return Op("slice", (owner, *bounds))
    key = expression(context, node.slice)
    if isinstance(key, Const) and isinstance(key.value, str):
        context.read(owner, key.value, node)
    return Op("index", (owner, key))


# ── operators ────────────────────────────────────────────────────────────────────────────────────────────────────────


def operands(context: Context, node: ast.BoolOp) -> list[Expression]:
    """The operands of ``and`` and ``or``; ``x or "default"`` gets its own advice."""
    if isinstance(node.op, ast.And):
        return [operand(context, value, "and") for value in node.values]
    hint = f"for a default write: {default(context, node.values[0], context.text(node.values[-1]))}"
    return [operand(context, value, "or", hint) for value in node.values]


EMPTY = {"string": '{0} != ""', "number": "{0} != 0", "integer": "{0} != 0", "array": "len({0}) > 0"}
"""What Python takes for true, of values of one type."""


def default(context: Context, node: ast.expr, instead: str) -> str:
    """What says ``value or instead`` without taking a value for a boolean."""
    text = context.text(node)
    shapes = Shapes(context).of(expression(context, node), context.bound_origins)
    kinds = {one.schema.get("type") for shape in shapes for one in variants(shape)} - {None}
    may_be_null = any("anyOf" in shape.schema for shape in shapes)
    test = EMPTY.get(str(*kinds)) if len(kinds) == 1 and not may_be_null else None
    return f"{text} if {(test or '{0} is not None').format(text)} else {instead}"


def operand(context: Context, node: ast.expr, word: str, hint: str = "compare it with something") -> Expression:
    """An operand of ``and``, ``or``, ``not``, which take booleans only."""
    found = expression(context, node)
    fixed = isinstance(found, (Const, Object, ListOf, Format)) and found is not BROKEN
    if fixed and not (isinstance(found, Const) and isinstance(found.value, bool)):
        return context.refuse(node, "condition.boolean", f"{word} takes booleans, got {context.text(node)}", hint)
    return found


def binary(context: Context, node: ast.BinOp) -> Expression:
    """An operator between two values."""
    left, right = expression(context, node.left), expression(context, node.right)
    dated = dates.arithmetic(context, node, left, right)
    if dated is not None:
        return dated
    symbol = BINARY.get(type(node.op))
    if symbol is None:
        sign = {ast.BitOr: "|", ast.BitAnd: "&", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@"}
        word = {ast.BitOr: "or", ast.BitAnd: "and"}.get(type(node.op))
        hint = f"for booleans write {word}" if word else "work it out in a service, or with a function of your own"
        return context.refuse(node, "operator.unknown", f"there is no operator {sign[type(node.op)]}", hint)
    return Op(symbol, (left, right))


def unary(context: Context, node: ast.UnaryOp) -> Expression:
    """``not x``, ``-x``, ``+x``."""
    match node.op:
        case ast.Not():
            return Op("not", (operand(context, node.operand, "not"),))
        case ast.USub():
            found = expression(context, node.operand)
            return found if found is BROKEN else negated(found)
        case ast.UAdd():
            return expression(context, node.operand)
        case _:
            return context.refuse(node, "operator.unknown", "there is no operator ~", "for booleans write not")


def compare(context: Context, node: ast.Compare) -> Expression:
    """A comparison; a chain is the ``and`` of its links, as in Python."""
    operands = [node.left, *node.comparators]
    lengths = dates.lengths(context, operands)
    if lengths is not None:
        terms = zip(node.ops, lengths, lengths[1:], strict=False)
        chain = [Op(COMPARE[type(sign)], (left, right)) for sign, left, right in terms]
        return chain[0] if len(chain) == 1 else Op("and", tuple(chain))
    values = [expression(context, node.left)]
    for sign, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(sign, (ast.In, ast.NotIn)) and isinstance(right, ast.Set):
            values.append(composites.sequence(context, right.elts))
        else:
            values.append(expression(context, right))
    links: list[Expression] = []
    for index, sign in enumerate(node.ops):
        right = operands[index + 1]
        if isinstance(sign, (ast.Is, ast.IsNot)) and not is_singleton(right):
            word = "==" if isinstance(sign, ast.Is) else "!="
            context.refuse(node, "operator.is", f"is compares with None, True or False only, got {context.text(right)}",
                           f"write {context.text(operands[index])} {word} {context.text(right)}")  # fmt: skip
        pair = values[index], values[index + 1]
        pairs = (operands[index], right)
        links.append(dates.order(context, pairs, COMPARE[type(sign)], *pair) or Op(COMPARE[type(sign)], pair))
    return links[0] if len(links) == 1 else Op("and", tuple(links))


def is_singleton(node: ast.expr) -> bool:
    """Whether ``is`` may stand before it."""
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


# ── values made of values ────────────────────────────────────────────────────────────────────────────────────────────


# ── what has no meaning ──────────────────────────────────────────────────────────────────────────────────────────────

REFUSED: dict[type[ast.expr], tuple[str, str, str]] = {
    ast.Lambda: ("lambda", "a lambda has no meaning here", "write the expression itself"),
    ast.Set: ("set", "a set is no JSON value", "write a list: [a, b]"),
    ast.Yield: ("yield", "a workflow has no yield", "use call, task or wait_for_signal to talk to the outside"),
    ast.YieldFrom: ("yield", "a workflow has no yield", "use call, task or wait_for_signal to talk to the outside"),
    ast.Starred: ("star", "* has no meaning here", "write the items out"),
}


def refused(context: Context, node: ast.expr) -> Expression:
    """An expression that means nothing here."""
    if isinstance(node, ast.NamedExpr) and isinstance(node.value, ast.Call) and vocabulary.verb_of(context, node.value):
        return placement.misplaced(context, node.value, replaced=node, name=context.text(node.target))
    if isinstance(node, ast.NamedExpr):
        hint = "write instead:\n" + placement.assigned_before(context, node)
        return context.refuse(node, "syntax.walrus", ":= can't assign inside an expression", hint)
    if isinstance(node, ast.SetComp):
        hint = f"write unique([{context.text(node)[1:-1]}]) (from armillary.functions)"
        return context.refuse(node, "syntax.set", "a set is no JSON value", hint)
    word, message, hint = REFUSED.get(
        type(node), ("other", "this has no meaning in a workflow", "write it another way")
    )
    return context.refuse(node, f"syntax.{word}", message, hint)
