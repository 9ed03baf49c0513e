"""What an expression fails with, and what is said of values: each code, what brings it about, what comes close.

The texts in ``golden/failures.txt`` were read aloud."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.definition.expressions import CORE, check, compile_expression, parse, user_function
from armillary_engine.definition.expressions.failure import Budget
from armillary_engine.definition.expressions.parsing import MAX_TEXT
from armillary_engine.definition.problems import ArmillaryError, Problem
from armillary_engine.definition.schema import compile_schema
from armillary_engine.definition.validate.diagnostics import FAILURES, VALUES
from armillary_engine.definition.values import loads, normalize

GOLDEN = Path(__file__).parent / "golden" / "failures.txt"
ROOTS = {"x": 1, "n": None, "items": [1, 2], "quote": {"premium": 12}}
FUNCTIONS = {**CORE, "risk@1": user_function(lambda x: 1 / x, major=1, name="risk")}

EXPRESSIONS: dict[str, tuple[str, str]] = {
    "expression.missing": ("quote.premum", 'get(quote, "premum", 0)'),
    "expression.null": ("n.premium", 'get(n, "premium", 0)'),
    "expression.index": ("items[2]", "items[1]"),
    "expression.value": ("first([])", "first(items)"),
    "expression.number": ("10 ** 33 * 10 + 1", "10 ** 33 + 1"),
    "expression.division-by-zero": ("x / 0", "0 / x"),
    "expression.size": ('"a" * 2000000', '"a" * 2000'),
    "expression.budget": ("[[y for y in range(999)] for z in range(999)]", "[[y for y in range(9)] for z in range(9)]"),
    "expression.function": ("risk@1(0)", "risk@1(1)"),
    "expression.syntax": ("x +", "x + 1"),
    "expression.too-large": ("x" * (MAX_TEXT + 1), "x  " + " " * (MAX_TEXT - 3)),
    "expression.unknown-name": ("policy", "quote"),
}  # fmt: skip
SCHEMAS: dict[str, tuple[Any, Any, Any]] = {
    # schema, what does not fit, what comes close
    "value.enum": ({"enum": ["a", "b"]}, "c", "b"),
    "value.format": ({"type": "string", "format": "date"}, "31.1.2026", "2026-01-31"),
    "value.length": ({"type": "string", "minLength": 3}, "ab", "abc"),
    "value.no-match": ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, [1], True),
    "value.pattern": ({"type": "string", "pattern": "^P-"}, "Q-1", "P-1"),
    "value.range": ({"type": "number", "minimum": 3}, 2, 3),
    "value.required": ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, {}, {"a": None}),
    "value.schema": ({"not": {"type": "string"}}, "a", 1),
    "value.type": ({"type": "string"}, 1, "1"),
    "value.unknown-member": (
        {"type": "object", "properties": {"amount": {}}, "additionalProperties": False}, {"amont": 1}, {"amount": 1},
    ),
}  # fmt: skip
LARGE = {"value.too-large": ('"' + "a" * 100 + '"', '"a"')}


def said(text: str) -> list[Problem]:
    """What is found before an expression is evaluated, and what it fails with."""
    try:
        expression = parse(text)
        found = [one for one in check(expression, ROOTS, functions=FUNCTIONS) if one.code == "expression.unknown-name"]
        if not found:
            compile_expression(expression, FUNCTIONS, budget=Budget(steps=100_000))(ROOTS)
    except ArmillaryError as error:
        return list(error.problems) or [Problem(error.code, error.message, hint=error.hint)]
    return found


def fitting(schema: Any, value: Any) -> list[Problem]:
    """What is said of a value that is checked."""
    _, problems = compile_schema(schema).apply(value)
    return list(problems)


def reading(text: str) -> list[Problem]:
    """What is said of a value that is read."""
    try:
        normalize(loads(text), limit=50)
    except ArmillaryError as error:
        return [Problem(error.code, error.message, hint=error.hint)]
    return []


def every() -> dict[str, tuple[list[Problem], list[Problem]]]:
    found = {code: (said(bad), said(good)) for code, (bad, good) in EXPRESSIONS.items()}
    found |= {code: (fitting(schema, bad), fitting(schema, good)) for code, (schema, bad, good) in SCHEMAS.items()}
    return found | {code: (reading(bad), reading(good)) for code, (bad, good) in LARGE.items()}


EVERY = every()


def test_every_code_has_a_case() -> None:
    assert EVERY.keys() == FAILURES.keys() | VALUES.keys()


@pytest.mark.parametrize("code", EVERY)
def test_it_is_brought_about_and_what_comes_close_is_well(code: str) -> None:
    bad, good = EVERY[code]
    assert [problem.code for problem in bad] == [code]
    assert good == []


def test_the_texts_read_well() -> None:
    texts = []
    for code, (bad, _) in sorted(EVERY.items()):
        way = bad[0].hint or (FAILURES | VALUES)[code].fix
        shown = [line if len(line) < 200 else line[:120] + " …" for line in (bad[0].message, way)]
        texts.append("\n  ".join([f"[{code}]", *shown]) + "\n")
    text = "\n".join(texts)
    if os.environ.get("ARMILLARY_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
