"""Assignments → steps that set state."""

from __future__ import annotations

import ast

from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.model import (
    Const,
    Expression,
    Get,
    ListOf,
    Op,
    Set,
    Step,
)

from . import fragments, keyed, placement, vocabulary
from .context import BROKEN, RESERVED, Context
from .expressions import expression
from .ids import kebab
from .steps import MAKERS


def assign(context: Context, node: ast.Assign) -> list[Step]:
    """``name = value``."""
    if len(node.targets) == 1 and isinstance(node.targets[0], (ast.Tuple, ast.List)):
        return unpacked(context, node, node.targets[0].elts)
    if vocabulary.verb_of(context, node.value):
        if len(node.targets) > 1:
            context.refuse(
                node, "assign.several", "a step's value is assigned to one name", "assign the others from it after"
            )
        return from_verb(context, node.targets[0], node.value)
    if len(node.targets) == 1 and fragments.called(context, node.value):
        return from_fragment(context, node, node.targets[0], node.value)
    if len(node.targets) == 1 and (member := keyed.target(context, node.targets[0])) is not None:
        return keyed.assign(context, node, member, node.value)
    found = expression(context, node.value)
    paths = [path for target in node.targets if (path := target_path(context, target)) is not None]
    return [set_step(context, node, dict.fromkeys(paths, found))] if paths else []


def from_verb(context: Context, target: ast.expr, value: ast.expr) -> list[Step]:
    """``name = call(…)``: the verb's step with its result."""
    assert isinstance(value, ast.Call)
    verb = vocabulary.verb_of(context, value) or ""
    path = target_path(context, target)
    if verb not in MAKERS:
        placement.misplaced(context, value, replaced=value)
        return []
    return [MAKERS[verb](context, value, path)]


def from_fragment(context: Context, node: ast.stmt, target: ast.expr, value: ast.expr) -> list[Step]:
    """``name = fragment(…)``: the fragment's steps, and what it returns."""
    called = fragments.called(context, value)
    assert isinstance(value, ast.Call)
    assert called is not None
    path = target_path(context, target)
    steps, found = fragments.inline(context, value, called, path)
    if path is None or found == Get(path):
        return steps
    return [*steps, set_step(context, node, {path: found})]


def annotated(context: Context, node: ast.AnnAssign) -> list[Step]:
    """``name: type = value``; without a value it only declares."""
    if node.value is None:
        target_path(context, node.target)
        return []
    if vocabulary.verb_of(context, node.value):
        return from_verb(context, node.target, node.value)
    if fragments.called(context, node.value):
        return from_fragment(context, node, node.target, node.value)
    found, path = expression(context, node.value), target_path(context, node.target)
    return [] if path is None else [set_step(context, node, {path: found})]


def augmented(context: Context, node: ast.AugAssign) -> list[Step]:
    """``name += value``."""
    if vocabulary.verb_of(context, node.value):
        placement.misplaced(context, node.value, replaced=node.value)  # type: ignore[arg-type]
        return []
    if (member := keyed.target(context, node.target)) is not None:
        before = ast.copy_location(ast.Subscript(member.value, member.slice, ast.Load()), member)
        return keyed.assign(context, node, member, ast.copy_location(ast.BinOp(before, node.op, node.value), node))
    path = target_path(context, node.target)
    load = ast.parse(context.text(node.target).strip(), mode="eval").body
    for inner in ast.walk(load):
        ast.copy_location(inner, node.target)
    combined = ast.copy_location(ast.BinOp(load, node.op, node.value), node)
    found = expression(context, combined)
    return [] if path is None else [set_step(context, node, {path: found})]


def unpacked(context: Context, node: ast.Assign, targets: list[ast.expr]) -> list[Step]:
    """``a, b = b, a``: one step, whose values are all worked out before the first is assigned."""
    if vocabulary.verb_of(context, node.value):
        name = context.fresh("result")
        lines = [f"{name} = {context.text(node.value)}"]
        lines += [f"{context.text(target)} = {name}[{index}]" for index, target in enumerate(targets)]
        hint = "write instead:\n" + "\n".join("    " + line for line in lines)
        context.refuse(node, "assign.several", "a step's value is assigned to one name", hint)
        return []
    starred = [index for index, target in enumerate(targets) if isinstance(target, ast.Starred)]
    if isinstance(node.value, (ast.Tuple, ast.List)) and not starred:
        if len(node.value.elts) != len(targets):
            message = f"expected {len(targets)} values, got {len(node.value.elts)}"
            context.refuse(node, "assign.count", message, "write as many values as names")
            return []
        values = [expression(context, value) for value in node.value.elts]
    else:
        whole = expression(context, node.value)
        values = parts_of(whole, len(targets), starred[0] if starred else None)
    paths = [target_path(context, target.value if isinstance(target, ast.Starred) else target) for target in targets]
    pairs = {path: value for path, value in zip(paths, values, strict=True) if path is not None}
    return [set_step(context, node, pairs)] if pairs else []


def parts_of(whole: Expression, count: int, starred: int | None) -> list[Expression]:
    """The items of a list, one for each name; a name with a star takes all that the others leave."""
    if starred is None:
        return [Op("index", (whole, Const(index))) for index in range(count)]
    after = count - starred - 1
    rest = Op("slice", (whole, Const(starred), Const(-after if after else None)))
    ends = [Op("index", (whole, Const(index - count))) for index in range(starred + 1, count)]
    return [*(Op("index", (whole, Const(index))) for index in range(starred)), rest, *ends]


def set_step(context: Context, node: ast.stmt, values: dict[str, Expression]) -> Step:
    """A step that assigns values to paths."""
    key = context.mark(node, "-".join(kebab(path) for path in values))
    for path, value in values.items():
        context.assign(path, None if value is BROKEN else value)
    return Set(key, values)


def target_path(context: Context, node: ast.expr) -> str | None:
    """The path that is assigned to, or a refusal."""
    match node:
        case ast.Name(id=name):
            return context.renamed.get(name, name) if name_may_be_assigned(context, node, name) else None
        case ast.Attribute(value=value, attr=attribute):
            owner = target_path(context, value)
            return None if owner is None else f"{owner}.{attribute}"
        case ast.Subscript(value=value, slice=ast.Constant(value=str() as key)) if is_identifier(key):
            owner = target_path(context, value)
            return None if owner is None else f"{owner}.{key}"
        case ast.Subscript(value=value, slice=key):
            owner_text, key_text = context.text(value), context.text(key)
            after = key.value + 1 if isinstance(key, ast.Constant) and isinstance(key.value, int) else f"{key_text} + 1"
            ends = f"{owner_text}[:{key_text}], …, *{owner_text}[{after}:]"
            hint = f"for a list write {owner_text} = [*{ends}]"
            if not isinstance(key, ast.Constant):
                hint += f", for an object {owner_text} = {{**{owner_text}, {key_text}: …}}"
            context.refuse(node, "assign.index", "an item of a list can't be assigned to", hint)
        case _:
            message = f"expected a name to assign to, got {context.text(node)}"
            context.refuse(node, "assign.target", message, "assign to a name, and use that")
    return None


def name_may_be_assigned(context: Context, node: ast.expr, name: str) -> bool:
    """Whether a name is the workflow's own; otherwise it is refused."""
    if name in context.names.parameters and name not in context.renamed:
        message = f"{name} is a parameter, and the input of a workflow never changes"
        context.refuse(node, "assign.parameter", message, f"assign to another name: {name}_now = …")
    elif name in context.bound:
        context.refuse(
            node, "assign.bound", f"{name} belongs to the block around it and never changes", "use another name"
        )
    elif name in RESERVED:
        context.refuse(
            node, "name.reserved", f"{name} is a name that the engine gives", f"use another, such as {name}_"
        )
    elif name not in context.names.locals:
        context.refuse(
            node, "assign.outside", f"{name} is outside the function and can't be assigned", "use another name"
        )
    else:
        return True
    return False


def in_place(context: Context, node: ast.Expr, value: ast.expr) -> list[Step] | None:
    """``xs.append(x)`` and ``xs.extend(ys)`` on a name of the workflow: ``xs = xs + [x]``."""
    match value:
        case ast.Call(func=ast.Attribute(value=owner, attr="append" | "extend" as how), args=[item], keywords=[]):
            pass
        case _:
            return None
    if isinstance(item, ast.Call) and vocabulary.verb_of(context, item):
        placement.misplaced(context, item, replaced=item)
        return []
    member = keyed.grown(context, owner)
    if member is not None:
        more_of = item if how == "extend" else ast.copy_location(ast.List([item], ast.Load()), item)
        return keyed.assign(context, node, member[0], ast.copy_location(ast.BinOp(member[1], ast.Add(), more_of), node))
    path = target_path(context, owner)
    if path is None:
        return []
    found = expression(context, item)
    more: Expression = ListOf((found,)) if how == "append" else found
    return [set_step(context, node, {path: Op("+", (Get(path), more))})]
