"""What can be said and drawn of a function of which some parts were refused.

The rest of it is compiled all the same. Of what validation says of that, only what does not come of the gaps is told,
so that an author sees all that is wrong at once, and nothing that mending the rest would mend.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from armillary_engine.definition.expressions.analysis import nodes, roots_of
from armillary_engine.definition.model import Definition, Each, Expression
from armillary_engine.definition.problems import Problem, Span
from armillary_engine.definition.validate.walk import expressions, places, root, targets

from .context import BROKEN, Context, Mark

TOLD = frozenset(
    {
        "name.unassigned", "flow.not-in-loop", "flow.continue-in-parallel", "flow.ends-in-compensation",
        "parallel.conflict", "parallel.outer-write",
    }
)  # fmt: skip
"""Errors that a refused part does not make by itself."""
TYPED = frozenset({"expression.type", "expression.arguments"})
"""Errors of expressions: told where nothing in the whole expression comes of a refused part."""
_NAME = re.compile(r"'([^']*)'")


def told_all_the_same(problems: Iterable[Problem], context: Context, definition: Definition) -> list[Problem]:
    """Those of validation's problems that stand whatever becomes of the refused parts."""
    node = context.source.node
    lines = {one.span.line - context.source.offset for one in context.problems if one.span and one.severity == "error"}
    if not all(node.lineno <= line <= (node.end_lineno or line) for line in lines):
        return []  # a fragment's: what it would have assigned is not known here
    doubtful = set(_names_at(node.body, lines))
    found = [one for one in problems if one.code in TOLD and not doubtful & set(_NAME.findall(one.message))]
    sure = _sure(definition, doubtful)
    return found + [one for one in problems if one.code in TYPED and _within(one.pointer, sure)]


def _sure(definition: Definition, doubtful: set[str]) -> tuple[str, ...]:
    """Pointers to the expressions whose values do not come of what was refused, however indirectly."""
    all_places = list(places(definition))
    while True:
        before = len(doubtful)
        for place in all_places:
            if any(_doubted(one, doubtful) for _, _, one in expressions(place.step)):
                doubtful |= {root(path) for path, _ in targets(place.step)}
                doubtful |= {place.step.name} if isinstance(place.step, Each) else set()
        if len(doubtful) == before:
            break
    return tuple(
        f"{place.pointer}/{below}"
        for place in all_places
        for _, below, one in expressions(place.step)
        if not _doubted(one, doubtful)
    )


def _within(pointer: str, outer: Iterable[str]) -> bool:
    """Whether a pointer leads to or into one of these."""
    return any(pointer == one or pointer.startswith(f"{one}/") for one in outer)


def _doubted(expression: Expression, doubtful: set[str]) -> bool:
    """Whether a refused part stands in an expression, or one of these names is read in it."""
    return bool(roots_of(expression) & doubtful) or any(one is BROKEN for one in nodes(expression))


def _names_at(body: Iterable[ast.stmt], lines: set[int]) -> Iterator[str]:
    """The names that statements with a refusal in them, or in the head of them, may assign."""
    for statement in body:
        inner = [one for one in ast.walk(statement) if isinstance(one, ast.stmt) and one is not statement]
        begins = min((one.lineno for one in inner), default=(statement.end_lineno or statement.lineno) + 1)
        head = range(statement.lineno, max(begins, statement.lineno + 1))
        if lines.intersection(head):
            yield from _assigned(statement)
        else:
            yield from _names_at((one for one in ast.iter_child_nodes(statement) if isinstance(one, ast.stmt)), lines)
            for part in ast.iter_child_nodes(statement):
                if isinstance(part, ast.ExceptHandler | ast.match_case):
                    yield from _names_at(part.body, lines)


def _assigned(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name


def with_steps(problems: Iterable[Problem], marks: Iterable[Mark], ids: Mapping[str, str]) -> list[Problem]:
    """Refusals, each with the step in whose source it stands: a picture marks it there."""
    placed = [(mark.span, ids[mark.key]) for mark in marks]
    return [one if one.step or not one.span else replace(one, step=_innermost(one.span, placed)) for one in problems]


def _innermost(span: Span, placed: list[tuple[Span, str]]) -> str | None:
    around = [
        (where.line, where.column, step)
        for where, step in placed
        if where.file == span.file
        and (where.line, where.column) <= (span.line, span.column) <= (where.end_line or where.line, 1 << 30)
    ]
    return max(around)[2] if around else None
