"""Completion of models in a cell, while a workflow function is being written.

IPython's own completer looks at live objects and does not see members that a model only annotates, nor what a call is
to reply with. Here the function is read as far as it is written: parameters, assignments and loops.
"""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from .authoring.compile.names import TYPE_NODES

PATH = re.compile(r"(?<![\w.\])])([^\W\d]\w*(?:\.[^\W\d]\w*|\[-?\d+\])*)\.(\w*)$")
OPTIONS = ("reply", "answer", "payload", "output")
"""Options of verbs that are the model of what they give."""


def members_at(text: str, position: int, namespace: Mapping[str, Any]) -> list[str]:
    """The members that fit where the cursor stands in a cell; none outside of a workflow function."""
    found = PATH.search(text[:position])
    function = None if found is None else function_at(text[:position], namespace)
    if found is None or function is None:
        return []
    owner = Reader(namespace, function).type_of(ast.parse(found[1], mode="eval").body)
    return [name for name in members(owner) if name.startswith(found[2])]


def function_at(written: str, namespace: Mapping[str, Any]) -> ast.FunctionDef | None:
    """The ``@workflow`` function at whose end the cursor stands."""
    before, _, line = written.rpartition("\n")
    indent = line[: len(line) - len(line.lstrip())]
    try:
        tree = ast.parse(f"{before}\n{indent}pass")
    except (SyntaxError, ValueError):
        return None
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.FunctionDef):
        return None
    reader = Reader(namespace, last)
    return last if any(reader.is_workflow(one) for one in last.decorator_list) else None


class Reader:
    """What the names of one function are, as far as models say."""

    def __init__(self, namespace: Mapping[str, Any], function: ast.FunctionDef) -> None:
        self.namespace = namespace
        self.known: dict[str, Any] = {}
        for argument in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]:
            self.known[argument.arg] = self.evaluated(argument.annotation)
        for node in ast.walk(function):
            self.read(node)

    def is_workflow(self, decorator: ast.expr) -> bool:
        """Whether a decorator is ours."""
        from .authoring import workflow

        return self.evaluated(decorator.func if isinstance(decorator, ast.Call) else decorator) is workflow

    def evaluated(self, node: ast.expr | None) -> Any:
        """What a name or a type stands for in the notebook; ``None`` for anything else, which is not run."""
        if node is None or any(
            isinstance(inner, ast.Call) or not isinstance(inner, TYPE_NODES) for inner in ast.walk(node)
        ):
            return None
        try:
            code = compile(ast.Expression(node), "<annotation>", "eval", dont_inherit=True)
            return eval(code, {}, dict(self.namespace))
        except Exception:  # noqa: BLE001 - half-written annotations raise what they like
            return None

    def read(self, node: ast.AST) -> None:
        """Takes note of what one statement assigns or goes through."""
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.known[name] = self.type_of(value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                self.known[name] = self.evaluated(annotation)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=[items, *_])):
                self.known[name] = item(self.type_of(items))
            case ast.For(target=ast.Name(id=name), iter=items):
                self.known[name] = item(self.type_of(items))

    def type_of(self, node: ast.expr) -> Any:
        """The type of a value, where models say so."""
        match node:
            case ast.Name(id=name):
                return self.known.get(name)
            case ast.Attribute(value=value, attr=name):
                return hints(self.type_of(value)).get(name)
            case ast.Subscript(value=value, slice=ast.Constant(value=str() as name)):
                return hints(self.type_of(value)).get(name)
            case ast.Subscript(value=value):
                return item(self.type_of(value))
            case ast.Call(keywords=keywords):
                return next((self.evaluated(one.value) for one in keywords if one.arg in OPTIONS), None)
        return None


def plain(type_: Any) -> Any:
    """A type without ``None``."""
    if get_origin(type_) in (Union, types.UnionType):
        rest = [one for one in get_args(type_) if one is not type(None)]
        return rest[0] if len(rest) == 1 else None
    return type_


def item(type_: Any) -> Any:
    """The type of a list's items."""
    found = plain(type_)
    return get_args(found)[0] if get_origin(found) in (list, tuple) and get_args(found) else None


def hints(type_: Any) -> dict[str, Any]:
    """The members of a model, a dataclass or a TypedDict, with their types."""
    found = plain(type_)
    if not isinstance(found, type) or found.__module__ == "builtins":
        return {}
    try:
        return {name: one for name, one in get_type_hints(found).items() if not name.startswith(("_", "model_"))}
    except Exception:  # noqa: BLE001 - hints are the author's, and may name what is not there yet
        return {}


def members(type_: Any) -> Iterator[str]:
    """What can stand after the dot."""
    found = plain(type_)
    if hints(found):
        yield from hints(found)
    elif isinstance(found, type):
        yield from (name for name in dir(found) if not name.startswith("_"))


def teach(shell: Any) -> None:
    """Lets a shell's completer offer them."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher()  # type: ignore[untyped-decorator]
    def armillary_models(context: Any) -> Any:
        found = members_at(context.full_text, context_position(context), shell.user_ns)
        written = context.token.rpartition(".")[0]
        texts = [f"{written}.{name}" if written else name for name in found]
        return {"completions": [SimpleCompletion(text=text, type="instance") for text in texts], "suppress": False}

    if not any(getattr(one, "__name__", "") == "armillary_models" for one in shell.Completer.custom_matchers):
        shell.Completer.custom_matchers.append(armillary_models)


def context_position(context: Any) -> int:
    """Where the cursor stands in the whole text."""
    lines = context.full_text.split("\n")
    return sum(len(line) + 1 for line in lines[: context.cursor_line]) + int(context.cursor_position)
