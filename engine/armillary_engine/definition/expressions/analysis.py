"""What an expression is made of: its parts, its size, the names and functions that it uses."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Expression, Fn, Format, Get, If, ListOf, Map, Object, Op


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside."""
    match expression:
        case Op(_, args) | Fn(_, args) | ListOf(args):
            return args
        case If(condition, then, otherwise):
            return (condition, then, otherwise)
        case Object(members):
            return tuple(members.values())
        case Format(parts):
            return tuple(part for part in parts if not isinstance(part, str))
        case Map(items, _, to, where):
            return (items, to) if where is None else (items, to, where)
        case _:
            return ()


def nodes(expression: Expression) -> Iterator[Expression]:
    """An expression and every one inside it, from the outside inwards."""
    yield expression
    for inner in children(expression):
        yield from nodes(inner)


def measure(expression: Expression, known: dict[int, tuple[int, int]] | None = None) -> tuple[int, int]:
    """Depth and number of expressions. Shared parts (the middle of ``a < b < c``) are looked at once but count each
    time."""
    seen = {} if known is None else known
    found = seen.get(id(expression))
    if found is None:
        inner = [measure(child, seen) for child in children(expression)]
        found = 1 + max((depth for depth, _ in inner), default=0), 1 + sum(size for _, size in inner)
        seen[id(expression)] = found
    return found


def paths_of(expression: Expression) -> set[str]:
    """Every path that is read from the instance's values; names bound by a comprehension are left out."""
    return set(_paths(expression, ()))


def roots_of(expression: Expression) -> set[str]:
    """The root names that are read."""
    return {path.partition(".")[0] for path in _paths(expression, ())}


def _paths(expression: Expression, bound: tuple[str, ...]) -> Iterator[str]:
    match expression:
        case Get(path):
            if path.partition(".")[0] not in bound:
                yield path
        case Map(items, name, to, where):
            yield from _paths(items, bound)
            for inner in (to,) if where is None else (to, where):
                yield from _paths(inner, (*bound, name))
        case _:
            for child in children(expression):
                yield from _paths(child, bound)


def functions_of(expression: Expression) -> set[str]:
    """The functions that are called."""
    found = {expression.fn} if isinstance(expression, Fn) else set()
    return found.union(*map(functions_of, children(expression)))
