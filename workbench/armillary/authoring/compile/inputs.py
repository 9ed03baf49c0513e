"""Parameters and annotations → the input and output schemas."""

from __future__ import annotations

import ast

from armillary_engine.definition.model import Const, Get, Schema, Value

from . import models
from .constants import captured, constant
from .context import BROKEN, Context
from .expressions import expression
from .names import MISSING, all_arguments
from .options import constant_value, model_schema


def read_parameters(context: Context, node: ast.FunctionDef) -> Schema:
    """The input schema, and what each parameter stands for.

    One parameter whose type is a model is the input itself; otherwise each parameter is a property of it.
    """
    arguments = node.args
    for star, sign in ((arguments.vararg, "*"), (arguments.kwarg, "**")):
        if star is not None:
            context.refuse(
                star, "input.star", f"a workflow has no {sign}{star.arg}", "write every parameter out, or use a model"
            )
    parameters = all_arguments(arguments)
    if parameters and parameters[0].arg in ("self", "cls") and parameters[0].annotation is None:
        context.refuse(parameters[0], "input.self", "a workflow has no object or class that it belongs to",
                       "move it out of the class, or leave out the parameter")  # fmt: skip
        parameters = parameters[1:]
    if len(parameters) == 1 and is_whole_input(context, parameters[0]):
        return whole_input(context, parameters[0], arguments)
    schemas = {parameter.arg: parameter_schema(context, parameter) for parameter in parameters}
    context.parameters |= {parameter.arg: Get(f"input.{parameter.arg}") for parameter in parameters}
    return models.properties_schema(schemas, defaults_of(context, arguments)) if parameters else {}


def whole_input(context: Context, parameter: ast.arg, arguments: ast.arguments) -> Schema:
    """The schema of a single parameter that is a model."""
    for default in [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]:
        context.refuse(
            default, "input.default", "the whole input has no default", "give defaults to the model's members"
        )
    context.parameters[parameter.arg] = Get("input")
    return parameter_schema(context, parameter)


def is_whole_input(context: Context, parameter: ast.arg) -> bool:
    """Whether a parameter is the input itself."""
    if parameter.annotation is None:
        return False
    try:
        return models.is_model(context.names.evaluate_type(parameter.annotation, ""))
    except Exception:  # noqa: BLE001 - the annotation's problem is reported when its schema is made
        return False


def parameter_schema(context: Context, parameter: ast.arg) -> Schema:
    """The schema of a parameter; anything when it has no annotation."""
    if parameter.annotation is None:
        return {}
    return model_schema(context, parameter.annotation, f"the type of {parameter.arg}") or {}


def defaults_of(context: Context, arguments: ast.arguments) -> dict[str, Value]:
    """Defaults of parameters, as JSON values."""
    ordered = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(ordered[len(ordered) - len(arguments.defaults) :], arguments.defaults, strict=True))
    pairs += [
        (one, default) for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default
    ]
    found: dict[str, Value] = {}
    for parameter, node in pairs:
        value = default_value(context, node)
        if value is not BROKEN and isinstance(value, Const):
            found[parameter.arg] = value.value
    return found


def default_value(context: Context, node: ast.expr) -> Const:
    """A default is a constant: written out, or captured."""
    try:
        return constant(context, node, ast.literal_eval(node)) if not has_number(node) else literal(context, node)
    except ValueError:
        pass
    value = context.names.resolve_around(node)
    found = captured(context, node, value) if value is not MISSING else expression(context, node)
    if isinstance(found, Const):
        return found
    return context.refuse(
        node, "input.default", f"expected a constant as default, got {context.text(node)}", "write it out"
    )


def has_number(node: ast.expr) -> bool:
    """Whether a literal holds a number that Python reads as binary."""
    return any(isinstance(inner, ast.Constant) and isinstance(inner.value, float) for inner in ast.walk(node))


def literal(context: Context, node: ast.expr) -> Const:
    """A literal with exact numbers."""
    found = expression(context, node)
    return found if isinstance(found, Const) else Const(constant_value(found))


def read_output(context: Context, node: ast.FunctionDef) -> Schema | None:
    """The schema of the return annotation; none for ``None`` and ``NoReturn``."""
    if node.returns is None or (isinstance(node.returns, ast.Constant) and node.returns.value is None):
        return None
    if isinstance(node.returns, (ast.Name, ast.Attribute)):
        name = getattr(context.names.resolve(node.returns), "_name", "")
        if name in ("NoReturn", "Never", "Any"):
            return None
    return model_schema(context, node.returns, "the return type")
