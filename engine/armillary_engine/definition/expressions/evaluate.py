"""Expressions as closures: compiled once, called for every value; total and bounded.

What an expression costs without loops is known when it is compiled, so only loops, functions and deep comparisons count
their steps while they run. Values are shared, never copied and never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..expression_json import MAX_EXPRESSION_DEPTH
from ..expression_json import kind_of as kind
from ..model import Const, Expression, Fn, Format, Get, If, ListOf, Map, Object, Op, Value
from ..problems import ArmillaryError
from ..suggest import did_you_mean
from ..values import JsonValueError, normalize
from .analysis import measure
from .arithmetic import Run
from .core import FunctionError
from .core_text import to_text
from .failure import METER, Budget, ExpressionFailure, Meter, Scope, failure
from .functions import CORE, Function, Functions
from .operators import OPERATORS

Evaluator = Callable[[dict[str, Any]], Any]
"""Takes the roots (``input``, ``now``, names of the state, …) and gives the value, or raises ExpressionFailure."""


class UnknownFunctionError(ArmillaryError):
    """An expression calls a function that this worker does not have; ``name`` is the function."""

    def __init__(self, name: str, known: Functions) -> None:
        hint = did_you_mean(name, known)
        message = f"expected a function that is registered here, got {name!r}"
        hint = hint or "register it, or start a worker that has it"
        super().__init__("expression.unknown-function", message, hint=hint)
        self.name = name


def compile_expression(
    expression: Expression,
    functions: Functions = CORE,
    *,
    budget: Budget = Budget(),  # noqa: B008  frozen
) -> Evaluator:
    """``expression`` as a function of its roots. Raises :class:`UnknownFunctionError`, and
    :class:`ExpressionFailure` (``expression.budget``) for one that is too deep or too large to evaluate at all."""
    depth, size = measure(expression)
    if depth > MAX_EXPRESSION_DEPTH or size > budget.steps:
        message = f"expected at most {MAX_EXPRESSION_DEPTH} nested expressions and {budget.steps:,} in all"
        raise ExpressionFailure("expression.budget", f"{message}, got {depth} and {size:,}", text="", values={})
    compiler = _Compiler(functions, budget)
    run = compiler.compile(expression)
    if not compiler.metered:
        return run

    def bounded(roots: dict[str, Any]) -> Any:
        scope: Scope = dict(roots)
        meter = scope[METER] = Meter(budget)
        value = run(scope)
        if type(value) is list or type(value) is dict:
            meter.check_result(value, expression)
        return value

    return bounded


@dataclass(slots=True)
class _Compiler:
    functions: Functions
    budget: Budget
    metered: bool = False

    def compile(self, node: Expression) -> Run:
        match node:
            case Const(value):
                return lambda _scope: value
            case Get(path):
                return _get(node, path)
            case Op(op, args):
                self.metered = self.metered or op in ("in", "not in")
                return OPERATORS[op](node, [self.compile(arg) for arg in args], self.budget)
            case If(condition, then, otherwise):
                return _if(node, self.compile(condition), self.compile(then), self.compile(otherwise))
            case Object(members):
                self.metered = True
                pairs = [(key, self.compile(member)) for key, member in members.items()]
                return lambda scope: {key: member(scope) for key, member in pairs}
            case ListOf(items):
                self.metered = True
                parts = [self.compile(item) for item in items]
                return lambda scope: [part(scope) for part in parts]
            case Format(parts):
                return self.format(node, parts)
            case Map():
                return self.map(node)
            case Fn(name, args):
                function = self.functions.get(name)
                if function is None:
                    raise UnknownFunctionError(name, self.functions)
                return self.call(node, function, [self.compile(arg) for arg in args])

    def format(self, node: Format, parts: tuple[str | Expression, ...]) -> Run:
        self.metered = True
        runs = [part if isinstance(part, str) else self.compile(part) for part in parts]
        limit = self.budget.size

        def run(scope: Scope) -> Any:
            try:
                texts = [part if isinstance(part, str) else to_text(part(scope), limit) for part in runs]
            except FunctionError as error:
                raise failure(error.code, error.message, node) from None
            size = sum(map(len, texts))
            if size > limit:
                raise failure("size", f"expected a text of at most {limit:,} characters, got {size:,}", node)
            return "".join(texts)

        return run

    def map(self, node: Map) -> Run:
        self.metered = True
        items_of, name = self.compile(node.items), node.name
        where = None if node.where is None else self.compile(node.where)
        to = self.compile(node.to)
        cost = 1 + measure(node.to)[1] + (0 if node.where is None else measure(node.where)[1])

        def run(scope: Scope) -> Any:
            items = items_of(scope)
            if type(items) is not list:
                raise failure("type", f"expected a list to go through, got {kind(items)}", node, (node.items, items))
            scope[METER].charge(cost * len(items), node)
            inner, result = dict(scope), []
            for item in items:
                inner[name] = item
                if where is not None:
                    holds = where(inner)
                    if holds is not True:
                        if holds is False:
                            continue
                        raise failure("type", f"expected true or false after if, got {kind(holds)}", node)
                result.append(to(inner))
            return result

        return run

    def call(self, node: Fn, function: Function, args: list[Run]) -> Run:
        self.metered = True
        if len(args) < function.least or (function.most is not None and len(args) > function.most):
            wanted = f"{function.least}" if function.most == function.least else f"at least {function.least}"
            message = f"expected {wanted} arguments, as in {function.signature}, got {len(args)}"
            raise ExpressionFailure("expression.arguments", message, text=node.fn, values={})
        parameters = [function.parameters[min(i, len(function.parameters) - 1)] for i in range(len(args))]
        typed = [(arg, parameter.accepted(), parameter) for arg, parameter in zip(args, parameters, strict=True)]
        limit = (self.budget.size,) if function.sized else ()
        invoke = function.call if function.group != "user" else _normalised(function)

        def run(scope: Scope) -> Any:
            values: list[Value] = []
            weight = 1
            for arg, accepted, parameter in typed:
                value = arg(scope)
                if accepted is not None and type(value) not in accepted:
                    wanted = _wanted(parameter.kind)
                    message = f"expected {wanted} as {parameter.name!r} of {function.name}, got {kind(value)}"
                    raise failure("type", message, node, *zip(node.args, [*values, value], strict=False))
                if type(value) in _SIZED:
                    weight += len(value)
                values.append(value)
            scope[METER].charge(weight, node)
            try:
                return invoke(*values, *limit)
            except FunctionError as error:
                raise failure(error.code, error.message, node, *zip(node.args, values, strict=True)) from None

        return run


_SIZED = frozenset({str, list, dict})
_ARTICLES = {
    "text": "text", "number": "a number", "boolean": "true or false", "list": "a list", "object": "an object",
    "date": "a date", "duration": "a duration", "comparable": "a number or text", "any": "a value",
}  # fmt: skip


def _wanted(types: Any) -> str:
    return " or ".join(_ARTICLES[kind] for kind in (types if isinstance(types, tuple) else (types,)))


def _normalised(function: Function) -> Callable[..., Value]:
    def call(*args: Value) -> Value:
        try:
            return normalize(function.call(*args))
        except FunctionError:
            raise
        except JsonValueError as problem:
            message = f"expected {function.name} to give a JSON value: {problem.message}"
            raise FunctionError("function", message) from None
        except Exception as error:  # noqa: BLE001  whatever the user's function raises
            raise FunctionError("function", f"{function.name} raised {type(error).__name__}: {error}") from None

    return call


def _if(node: If, condition: Run, then: Run, otherwise: Run) -> Run:
    def run(scope: Scope) -> Any:
        holds = condition(scope)
        if holds is True:
            return then(scope)
        if holds is False:
            return otherwise(scope)
        raise failure("type", f"expected true or false after if, got {kind(holds)}", node, (node.condition, holds))

    return run


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _get(node: Get, path: str) -> Run:
    root, *members = path.split(".")
    if not members:

        def run_root(scope: Scope) -> Any:
            try:
                return scope[root]
            except KeyError:
                raise _missing(node, scope) from None

        return run_root
    if len(members) == 1:
        member = members[0]

        def run_member(scope: Scope) -> Any:
            try:
                return scope[root][member]
            except (KeyError, TypeError):
                raise _missing(node, scope) from None

        return run_member

    def run_path(scope: Scope) -> Any:
        try:
            value = scope[root]
            for name in members:
                value = value[name]
        except (KeyError, TypeError):
            raise _missing(node, scope) from None
        return value

    return run_path


def _missing(node: Get, scope: Mapping[str, Any]) -> ExpressionFailure:
    root, *members = node.path.split(".")
    if root not in scope:
        hint = did_you_mean(root, [name for name in scope if name])
        return failure("missing", f"expected {root!r} to be assigned before it is read", node, hint=hint)
    value, seen = scope[root], root
    for name in members:
        if value is None:
            hint = f'write get({seen}, "{name}", default) where it may be null'
            return failure("null", f"expected an object in {seen!r} to take {name!r} from, got null", node, hint=hint)
        if type(value) is not dict:
            message = f"expected an object in {seen!r} to take {name!r} from, got {kind(value)}"
            return failure("type", message, node, (Get(seen), value))
        if name not in value:
            known = ", ".join(sorted(value)[:10]) or "none"
            hint = did_you_mean(name, value) or f"its members are: {known}"
            return failure("missing", f"expected a member {name!r} in {seen!r}, got none", node, hint=hint)
        value, seen = value[name], f"{seen}.{name}"
    return failure("missing", f"expected {node.path!r} to be there", node)
