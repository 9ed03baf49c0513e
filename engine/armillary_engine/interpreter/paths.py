"""Assigning to a path without changing what others hold."""

from __future__ import annotations

from typing import Any

from ..definition.model import Value
from .failures import StepFailure

Parts = tuple[str, ...]


def put(names: dict[str, Any], path: Parts, value: Value) -> None:
    """Assigns ``value`` at ``path`` of ``names``: a name that need not exist, then members of objects that must.

    ``names`` is changed in its first level only; objects below are copied on the way. Raises :class:`StepFailure`.
    """
    root = path[0]
    if len(path) == 1:
        names[root] = value
    elif root not in names:
        raise _no_object(path, 1, "nothing")
    else:
        names[root] = _with(names[root], path, 1, value)


def _with(holder: Value, path: Parts, depth: int, value: Value) -> Value:
    if not isinstance(holder, dict):
        raise _no_object(path, depth, kind_of(holder))
    name = path[depth]
    if depth + 1 == len(path):
        return {**holder, name: value}
    if name not in holder:
        raise _no_object(path, depth + 1, "nothing")
    return {**holder, name: _with(holder[name], path, depth + 1, value)}


def remove(names: dict[str, Any], path: Parts) -> None:
    """Removes what is at ``path``; nothing there is no error."""
    root, *rest = path
    if not rest:
        names.pop(root, None)
    elif isinstance(names.get(root), dict):
        inner = dict(names[root])
        remove(inner, tuple(rest))
        names[root] = inner


def _no_object(path: Parts, depth: int, got: str) -> StepFailure:
    holder, whole = ".".join(path[:depth]), ".".join(path)
    message = f"expected an object in {holder!r} to assign {whole!r}, got {got}; assign {holder!r} first"
    return StepFailure("expression.path", message)


def kind_of(value: Value) -> str:
    """What a JSON value is, in a word, for messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "a number"
