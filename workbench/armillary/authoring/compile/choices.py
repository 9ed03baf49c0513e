"""``match`` → a decision."""

from __future__ import annotations

import ast

from armillary_engine.definition.expression_json import constant as normal
from armillary_engine.definition.model import Branch, Const, Decision, Expression, ListOf, Op, Step

from . import blocks
from .context import BROKEN, Context
from .expressions import expression
from .ids import kebab, named

HINT = (
    'a case takes values: case "a":, case "a" | "b":, case Status.OPEN:, case None:, case _:; '
    'several at once after `match a, b:`: case "x", _:'
)


def match_step(context: Context, node: ast.Match) -> list[Step]:
    """One branch per case, tested in order; ``case _:`` is the rest."""
    subject = expression(context, node.subject)
    key = context.mark(node, named("match", subject))
    context.marks[-1].span = blocks.header(context, node, node.subject)
    branches: list[Branch] = []
    otherwise = None
    for case in node.cases:
        test = case_test(context, subject, case)
        label = label_of(context, subject, case.pattern)
        body = blocks.inner(context, case.body, key, label)
        if test is None:
            otherwise = body
            break
        branches.append(Branch(test, body))
    if not branches:
        context.refuse(
            node, "match.empty", "expected a case with a value before `case _:`", "write the statements without match"
        )
        return []
    return [Decision(key, tuple(branches), otherwise)]


def case_test(context: Context, subject: Expression, case: ast.match_case) -> Expression | None:
    """The condition of a case; ``None`` for ``case _:`` without a guard."""
    test = pattern_test(context, subject, case.pattern)
    guard = blocks.condition(context, case.guard) if case.guard is not None else None
    if test is None or guard is None:
        return test if guard is None else guard
    return Op("and", (*(test.args if isinstance(test, Op) and test.op == "and" else (test,)), guard))


def pattern_test(context: Context, subject: Expression, pattern: ast.pattern) -> Expression | None:
    """Whether ``subject`` is as a pattern says; ``None`` for a pattern that takes anything."""
    match pattern:
        case ast.MatchSequence(patterns=parts) if isinstance(subject, ListOf) and is_apart(parts):
            return parts_test(context, subject.items, pattern)
        case ast.MatchOr(patterns=patterns) if any(isinstance(one, ast.MatchSequence) for one in patterns):
            tests = [pattern_test(context, subject, one) for one in patterns]
            return None if None in tests else Op("or", tuple(test for test in tests if test is not None))
    values = pattern_values(context, pattern)
    if values is None:
        return None
    return Op("==", (subject, values[0])) if len(values) == 1 else Op("in", (subject, ListOf(tuple(values))))


def is_apart(patterns: list[ast.pattern]) -> bool:
    """Whether a sequence of patterns has one for each part."""
    return not any(isinstance(one, ast.MatchStar) for one in patterns)


def parts_test(context: Context, parts: tuple[Expression, ...], pattern: ast.MatchSequence) -> Expression | None:
    """``match a, b: case "x", _:``, where each part is tested by itself."""
    if len(parts) != len(pattern.patterns):
        message = f"expected a pattern of {len(parts)} parts, as after `match`, got {context.text(pattern)}"
        context.refuse(pattern, "match.pattern", message, "write _ for a part that may be anything")
        return BROKEN
    tests = [pattern_test(context, *pair) for pair in zip(parts, pattern.patterns, strict=True)]
    found = [test for test in tests if test is not None]
    return None if not found else found[0] if len(found) == 1 else Op("and", tuple(found))


def pattern_values(context: Context, pattern: ast.pattern) -> list[Expression] | None:
    """The values that a pattern stands for; ``None`` for ``_``."""
    match pattern:
        case ast.MatchValue(value=value):
            return [expression(context, value)]
        case ast.MatchSingleton(value=value):
            return [normal(value)]
        case ast.MatchOr(patterns=patterns):
            parts = [pattern_values(context, one) for one in patterns]
            return None if None in parts else [value for part in parts if part is not None for value in part]
        case ast.MatchAs(pattern=None, name=None):
            return None
        case ast.MatchAs(pattern=None, name=str() as name):
            context.refuse(
                pattern, "match.pattern", f"case {name}: catches everything under a new name", "write case _:"
            )
            return None
        case _:
            context.refuse(pattern, "match.pattern", f"a case can't take a value apart: {context.text(pattern)}", HINT)
            return [BROKEN]


def label_of(context: Context, subject: Expression, pattern: ast.pattern) -> str:
    """What tells the ids in a case apart."""
    if isinstance(pattern, ast.MatchSequence) and isinstance(subject, ListOf) and is_apart(pattern.patterns):
        labels = [label_of(context, subject, one) for one in pattern.patterns]
        return "-".join(label for label in labels if label != "else") or "else"
    if isinstance(pattern, ast.MatchOr) and isinstance(pattern.patterns[0], ast.MatchSequence):
        return label_of(context, subject, pattern.patterns[0])
    values = pattern_values(context, pattern) or []
    first = values[0] if values else None
    return kebab(str(first.value)) if isinstance(first, Const) and first.value is not None else "else"
