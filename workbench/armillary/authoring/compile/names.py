"""What a name means: resolved by object through closure, globals and builtins, never by spelling."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

MISSING: Any = object()
"""Nothing is known under a name."""
UNSET: Any = object()
"""A closure variable that has no value yet."""

TYPE_NODES = (
    ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.BitOr, ast.Constant, ast.Tuple, ast.List, ast.Load, ast.Call,
    ast.keyword, ast.UnaryOp, ast.USub, ast.Starred,
)  # fmt: skip


class Names:
    """The namespaces around one function."""

    def __init__(self, function: FunctionType, node: ast.FunctionDef, caller: Mapping[str, object]) -> None:
        self.locals = frozenset(assigned_names(node.body))
        self.turns = self.locals - frozenset(assigned_names(node.body, turns=False))
        """Names that only loops bind, which are known inside them only."""
        self.parameters = frozenset(argument.arg for argument in all_arguments(node.args))
        self.closure = closure_of(function)
        self.globals: Mapping[str, object] = function.__globals__
        self.caller = caller

    def lookup(self, name: str) -> Any:
        """The object outside the function that ``name`` stands for, ``UNSET`` or ``MISSING``."""
        for space in (self.closure, self.globals, vars(builtins)):
            if name in space:
                return space[name]
        return MISSING

    def resolve(self, node: ast.expr) -> Any:
        """The object that a name or a dotted name of modules, classes and enumerations stands for, or ``MISSING``."""
        match node:
            case ast.Name(id=name) if name not in self.locals and name not in self.parameters:
                return self.lookup(name)
            case ast.Attribute(value=value, attr=attribute):
                owner = self.resolve(value)
                if isinstance(owner, ModuleType):
                    return getattr(owner, attribute, MISSING)
                if isinstance(owner, type):
                    return class_attribute(owner, attribute)
                if isinstance(owner, Enum) and attribute in ("value", "name"):
                    return getattr(owner, attribute)
        return MISSING

    def resolve_around(self, node: ast.expr) -> Any:
        """What a name in a decorator or a default stands for: it is looked up where the function is defined."""
        if isinstance(node, ast.Name) and node.id in self.caller:
            return self.caller[node.id]
        return self.resolve(node)

    def evaluate_type(self, node: ast.expr, text: str) -> Any:
        """The type that an annotation, or a model option such as ``reply=list[Quote]``, stands for.

        Raises ``NameError`` and what evaluating a type can raise; ``TypeError`` for what is no type expression.
        """
        for inner in ast.walk(node):
            if not isinstance(inner, TYPE_NODES):
                raise TypeError(f"{text} is no type")
        space = dict(self.caller) | {name: value for name, value in self.closure.items() if value is not UNSET}
        value = eval(
            compile(ast.Expression(node), "<annotation>", "eval", dont_inherit=True), dict(self.globals), space
        )
        if isinstance(value, str):
            return self.evaluate_type(ast.parse(value, mode="eval").body, value)
        return value


def class_attribute(owner: type, attribute: str) -> Any:
    """A plain attribute or an enumeration's member, without running a descriptor of the author's."""
    value = inspect.getattr_static(owner, attribute, MISSING)
    if issubclass(owner, Enum) and attribute in owner.__members__:
        return owner.__members__[attribute]
    return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value


def closure_of(function: FunctionType) -> dict[str, object]:
    """Variables of the functions around a function."""
    found: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            found[name] = UNSET
    return found


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter of a function but ``*args`` and ``**kwargs``."""
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def assigned_names(statements: Iterable[ast.AST], *, turns: bool = True) -> Iterator[str]:
    """Names that the statements themselves assign; those of comprehensions, lambdas and inner functions are not.
    ``turns``: also those that a ``for`` binds."""
    for statement in statements:
        yield from _stored(statement, turns)


def _stored(node: ast.AST, turns: bool) -> Iterator[str]:
    match node:
        case ast.For(iter=items, body=body, orelse=orelse) if not turns:
            yield from assigned_names([items, *body, *orelse], turns=False)
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            pass
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in names)
        case _:
            if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
                yield node.name
            for child in ast.iter_child_nodes(node):
                yield from _stored(child, turns)
