"""Calls in expressions: functions of the registry, methods, models, constants, fragments; and verbs, which may not."""

from __future__ import annotations

import ast
import dataclasses
import re
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any, TypeGuard

from armillary_engine.definition.expression_json import format_of
from armillary_engine.definition.model import Const, Expression, Fn, Object
from armillary_engine.definition.suggest import did_you_mean

from ..fragment import Fragment
from ..verbs import Root
from . import dates, expressions, functions, idioms, models
from .constants import CONSTRUCTORS, constant, constructed, plain
from .context import BROKEN, Context
from .names import MISSING, UNSET
from .placement import misplaced
from .vocabulary import VERBS, verb_of


def call_expression(context: Context, node: ast.Call) -> Expression:
    """A call inside an expression."""
    verb = verb_of(context, node)
    if verb is not None:
        return misplaced(context, node, replaced=node)
    value = context.names.resolve(node.func)
    if value is MISSING:
        if isinstance(node.func, ast.Attribute) and not is_outside(context, node.func.value):
            return method(context, node, node.func)
        return unknown(context, node)
    if value is UNSET:
        text = context.text(node.func)
        return context.refuse(node.func, "name.unset", f"{text} has no value yet where @workflow is applied")
    if value is timedelta and not is_known(context, node) and (length := dates.duration(context, node)) is not None:
        return length
    if isinstance(value, type) and value in CONSTRUCTORS and (value is not Decimal or is_known(context, node)):
        return constructed(context, node, value)
    if models.is_model(value):
        return made(context, node, value)
    if isinstance(value, Fragment):
        from .fragments import inline_expression

        return inline_expression(context, node, value)
    return function(context, node, value)


def is_known(context: Context, node: ast.Call) -> bool:
    """Whether ``Decimal(…)`` or ``timedelta(…)`` is of constants; of other values it is a function."""
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return all(plain(context, argument) is not MISSING for argument in given)


def is_outside(context: Context, node: ast.expr) -> bool:
    """Whether ``node`` names a module or a class around the function."""
    return isinstance(context.names.resolve(node), (type, ModuleType))


# ── functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def function(context: Context, node: ast.Call, value: Any) -> Expression:
    """A call of something around the function."""
    found = functions.named(value)
    text = context.text(node.func)
    if value is functions.AS_TEXT and len(node.args) == 1 and not node.keywords:
        return expressions.expression(context, node.args[0])
    if value is functions.CONCAT and not node.keywords:
        parts: list[str | Expression] = [expressions.expression(context, argument) for argument in node.args]
        return format_of([str(part.value) if is_text(part) else part for part in parts])
    if isinstance(value, Root):
        return context.refuse(node, "function.value", f"{text} is a value and can't be called", f"write {text}")
    said = idioms.idiom(context, node, value)
    if said is not None:
        return said
    if found is None:
        message, hint = functions.advice(value, text)
        return context.refuse(node, "function.unknown", message, hint)
    own = functions.user_function(value)
    if own is not None:
        context.functions[own.name] = own
    arguments = arguments_of(context, node, found)
    return BROKEN if arguments is None else checked(context, node, found, arguments)


def is_text(part: str | Expression) -> TypeGuard[Const]:
    """Whether a part of a text is known now."""
    return isinstance(part, Const) and isinstance(part.value, str)


ELSEWHERE = {
    "format": 'write an f-string: f"{name} is {value:.1f}"',
    "items": "write `for key, value in x.items()`, or entries(x) (from armillary.functions)",
    "setdefault": "write value = {**value, key: value.get(key, default)}",
    "title": "write it as it is to be read, or in capitals with .upper()",
    "capitalize": "write text[:1].upper() + text[1:]",
    "casefold": "write .lower()",
    "isdigit": "compare with a text, or ask a service",
    "count": "write len([x for x in xs if x == item])",
    "index": "write [i for i in range(len(xs)) if xs[i] == item][0]",
    "strftime": 'write its parts: f"{day(at)}.{month(at)}.{year(at)}" (from armillary.functions)',
    "date": "write date_of(at) (from armillary.functions)",
    "total_seconds": "write seconds_between(start, end) (from armillary.functions)",
    "sort": "write xs = sorted(xs)",
    "reverse": "write xs = reversed(xs)",
    "extend": "write xs = xs + more",
    "update": "write value = {**value, **more}",
    "isoformat": "leave it out: dates are ISO 8601 texts already",
}
"""Methods that Python has, and how a workflow says the same."""


def method(context: Context, node: ast.Call, target: ast.Attribute) -> Expression:
    """``text.upper()``, ``mapping.get("key", default)``: the registry's function on the value before the dot."""
    if target.attr == "total_seconds" and not node.args and (between := dates.between(context, target.value)):
        return Fn("seconds_between", between)
    owner = expressions.expression(context, target.value)
    found = functions.METHODS.get(target.attr)
    if target.attr == "quantize":
        return idioms.quantized(context, node, owner)
    if found is None:
        hint = did_you_mean(target.attr, functions.METHODS) or f"methods are {', '.join(sorted(functions.METHODS))}"
        if target.attr in ELSEWHERE:
            hint = ELSEWHERE[target.attr]
        return context.refuse(node, "function.unknown", f"there is no method .{target.attr}()", hint)
    arguments = arguments_of(context, node, found.name, owned=True)
    if arguments is None or owner is BROKEN:
        return BROKEN
    return checked(context, node, found.name, found.place(owner, arguments))


def arguments_of(context: Context, node: ast.Call, name: str, *, owned: bool = False) -> tuple[Expression, ...] | None:
    """Positional arguments; keywords are put in the order of the registry's parameters where it names them.
    ``owned``: what stands before the dot is one of them."""
    found = [expressions.expression(context, argument) for argument in node.args]
    given = {keyword.arg: keyword for keyword in node.keywords}
    for parameter in functions.parameters(name)[len(found) + owned :]:
        if parameter not in given:
            break
        found.append(expressions.expression(context, given.pop(parameter).value))
    for option, keyword in given.items():
        hint = by_position(context, node, name, option or "**")
        context.refuse(
            keyword, "function.keyword", f"{name} takes its arguments by position, got {option or '**'}=", hint
        )
    return None if given else tuple(found)


def by_position(context: Context, node: ast.Call, name: str, option: str) -> str:
    """What to write instead of a keyword argument."""
    if name == "replace" and option in ("year", "month", "day"):
        return "for a date write add_months(date, 12), or date + timedelta(days=…)"
    if name == "zip" and option == "strict":
        return "leave it out: the shortest list ends it; compare their len() before where that would be a mistake"
    if option == "default" and name in ("min", "max"):
        items = context.text(node.args[0]) if node.args else "items"
        default = next(context.text(keyword.value) for keyword in node.keywords if keyword.arg == "default")
        return f"write {name}({items}) if len({items}) > 0 else {default}"
    usage = functions.usage(name)
    return usage or f"write {name}(…) with its arguments in order"


def checked(context: Context, node: ast.Call, name: str, arguments: tuple[Expression, ...]) -> Expression:
    """A function with a number of arguments that it takes."""
    wanted = functions.arity(name)
    if wanted is not None and not wanted[0] <= len(arguments) <= (
        wanted[1] if wanted[1] is not None else len(arguments)
    ):
        least, most = wanted
        count = f"{least}" if most == least else f"at least {least}" if most is None else f"{least} to {most}"
        message = f"expected {count} argument{'' if count == '1' else 's'} of {name}, got {len(arguments)}"
        return context.refuse(node, "function.arguments", message, functions.usage(name))
    return Fn(name, arguments)


PADDED = re.compile(r"([^{}])?([<>])([1-9][0-9]{0,3})((?:,?(?:\.[0-9]+)?[fd%]?)?)")


def format_call(context: Context, node: ast.expr, value: Expression, spec: str) -> Expression:
    """``{value:spec}`` in an f-string."""
    padding = PADDED.fullmatch(spec)
    if padding is not None:
        fill, side, width, rest = padding.groups()
        text = format_call(context, node, value, rest) if rest else Fn("str", (value,))
        filling = (Const(fill),) if fill and fill != " " else ()
        return Fn("pad_right" if side == "<" else "pad_left", (text, Const(int(width)), *filling))
    problem = functions.format_problem(spec)
    if problem is not None:
        hint = "write :.2f, :, or :,.2f for numbers, :<10 or :>10 for columns"
        if "%" in spec[:-1]:
            hint = "write the parts of a date: {day(at)}.{month(at)}.{year(at)} (from armillary.functions)"
        return context.refuse(node, "format.spec", problem, hint)
    return Fn("format_number", (value, Const(spec)))


def known_function(value: object) -> bool:
    """Whether a workflow can call a value."""
    return functions.named(value) is not None or functions.is_fragment(value)


def sort(value: object) -> str:
    """What a callable is, for a message."""
    return "a class" if isinstance(value, type) else "a function"


def unknown(context: Context, node: ast.Call) -> Expression:
    """A call of something that is not there."""
    text = context.text(node.func)
    if isinstance(node.func, ast.Name):
        if node.func.id in context.names.locals | context.names.parameters:
            return context.refuse(
                node,
                "function.value",
                f"{text} is a value and can't be called",
                "leave out the parentheses, or call a function or verb",
            )
        around = [name for name, value in context.names.globals.items() if known_function(value)]
        known = [*VERBS.values(), *functions.names(), *around]
        hint = did_you_mean(text, known) or "import it above the function"
        return context.refuse(node.func, "name.unknown", f"nothing is called {text} here", hint)
    if isinstance(node.func, ast.Attribute):
        owner = context.names.resolve(node.func.value)
        hint = did_you_mean(node.func.attr, dir(owner)) or "look at what it offers"
        return context.refuse(
            node.func, "name.unknown", f"{context.text(node.func.value)} has no {node.func.attr}", hint
        )
    return context.refuse(node, "function.value", "a value can't be called", "call a function by its name")


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def made(context: Context, node: ast.Call, model: Any) -> Expression:
    """``Outcome(result="timed-out")``: an object with the model's members, defaults included."""
    known, title = models.members(model), models.name_of(model)
    given: dict[str, Expression] = {}
    names = list(known)
    if node.args and not dataclasses.is_dataclass(model):
        context.refuse(
            node.args[0],
            "model.arguments",
            f"{title} takes its members by name",
            f"write {title}({', '.join(f'{name}=…' for name in names)})",
        )
    for position, argument in enumerate(node.args if dataclasses.is_dataclass(model) else []):
        if position < len(names):
            given[names[position]] = expressions.expression(context, argument)
    for keyword in node.keywords:
        if keyword.arg is None:
            context.refuse(keyword.value, "object.spread", "** has no meaning here", "write the members out")
        elif keyword.arg not in known:
            hint = did_you_mean(keyword.arg, known) or f"its members are {', '.join(known)}"
            context.refuse(keyword, "member.unknown", f"{title} has no member {keyword.arg!r}", hint)
        else:
            given[keyword.arg] = expressions.expression(context, keyword.value)
    missing = [name for name, default in known.items() if default is models.REQUIRED and name not in given]
    if missing and not any(keyword.arg is None for keyword in node.keywords):
        hint = f"write {title}({', '.join(f'{name}=…' for name in missing)}, …)"
        plural = "s" if len(missing) > 1 else ""
        context.refuse(node, "member.missing", f"{title} needs the member{plural} {', '.join(missing)}", hint)
    for name, default in known.items():
        if name not in given and default is not models.REQUIRED and default is not dataclasses.MISSING:
            given[name] = constant(context, node, default)
    return Object({name: given[name] for name in known if name in given})


# ── verbs where they may not stand ───────────────────────────────────────────────────────────────────────────────────
