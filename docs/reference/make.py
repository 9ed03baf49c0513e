"""Reference pages, made from what the code itself goes by.

``python docs/reference/make.py`` writes them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from armillary.authoring.diagnostics import AUTHORING
from armillary_engine.definition.expression_json import MAX_EXPRESSION_DEPTH
from armillary_engine.definition.expressions import CORE, Budget, Function
from armillary_engine.definition.expressions.conversion import METHODS
from armillary_engine.definition.validate.diagnostics import DIAGNOSTICS, FAILURES, VALUES, DiagnosticInfo
from armillary_engine.definition.values import DIGITS, MAX_DEPTH
from armillary_renderers.diagram.schema import PLACED
from armillary_renderers.diagram.schema import SCHEMA as DIAGRAM

_HEADER = "<!-- Made by `python docs/reference/make.py`; do not edit. -->\n"
_GROUPS = {"text": "Text", "numbers": "Numbers", "collections": "Lists and objects", "dates": "Dates and durations"}
FORMS = (
    ('`12.50`, `"text"`, `True`, `None`', '`{"const": 12.5}`', "a constant"),
    ("`quote.premium`", '`{"get": "quote.premium"}`', "the value at a path"),
    ('`items[0]`, `row["gross-premium"]`', '`{"op": "index", "args": […]}`', "an item, or a member with any name"),
    ("`items[1:3]`", '`{"op": "slice", "args": […]}`', "a part of a list or text"),
    ("`+ - * / // % **`, `-x`", '`{"op": "+", "args": […]}`, `"neg"`', "exact; `+` also joins texts and lists"),
    ("`== != < <= > >=`", '`{"op": "<", "args": […]}`', "comparison; ordering of two numbers or two texts"),
    ("`in`, `not in`", '`{"op": "in", "args": […]}`', "in a list, an object's names, or a text"),
    ("`and`, `or`, `not`", '`{"op": "and", "args": […]}`', "booleans only, from left to right until it is decided"),
    ("`a if test else b`", '`{"if": [test, a, b]}`', "a choice"),
    ("`[a, b]`", '`{"list": […]}`', "a list"),
    ('`{"name": a}`', '`{"object": {"name": …}}`', "an object"),
    ('`f"Policy {id}: {premium:,.2f}"`', '`{"format": ["Policy ", …]}`', "text with values in it"),
    ("`[x.price for x in items if x.sold]`", '`{"map": {"items", "as", "where", "to"}}`', "a list made from a list"),
    ("`upper(name)`, `name.upper()`", '`{"fn": "upper", "args": […]}`', "a core function"),
    ("`risk@2(amount)`", '`{"fn": "risk@2", "args": […]}`', "a function of your own, with its major version"),
)
"""Text, canonical form, meaning."""


_INTRODUCTION = """\
An expression computes a value from the instance's own values, and from nothing else. Its text is a part of Python's
expression grammar; in the canonical document it is a syntax tree in JSON. Evaluation always ends: it gives a value, or
a failure `expression.…` that names the sub-expression and the values in it.
"""
_NAMES = """\
`input`, the names that steps assign, `instance` (`id`, `reference`, `started`), `error` inside a handler, and `now`.
Reading a member of null, or one that is not there, is a failure; `get(a, "b", default)` is the way around it.
"""
_NUMBERS = """\
Numbers are decimals of at most {} digits, rounded half-even; `0.1 + 0.2 == 0.3`. Whole numbers are exact, or the
operation fails. `1`, `1.0` and `1e0` are one value; `True` is not `1`. `//` and `%` follow the sign of the divisor, as
in Python. Expressions nest at most {} deep and values {}; one evaluation takes at most {:,} steps, and its result has
at most {:,} characters and items.
"""
_DIAGNOSTICS = """\
Every code that an author meets, in four parts. Each stands here under its own name, so that
`diagnostics.md#name.unassigned` leads to it, and each has a test that brings it about, one that comes close, and a text
that is kept and read: `expected X, got Y`, and what to do.

An error keeps a definition from being deployed (it can still be drawn); a warning is probably a mistake; a note is for
your information. A problem carries its code, the step, a JSON pointer into the canonical document and, where there is
source, its line. `armillary validate` shows them as text, JSON, SARIF or annotations of GitHub.
"""
PARTS: tuple[tuple[str, str, Mapping[str, DiagnosticInfo]], ...] = (
    ("Source", "What the compiler says of a function, and what is said of a file.", AUTHORING),
    ("Definitions", "What validation says of a definition, whoever wrote it.", DIAGNOSTICS),
    ("Expressions", 'What fails in an instance, where `except Failure("expression.missing")` catches it.', FAILURES),
    ("Values", "What is said of a value that does not fit a schema: an input, an answer, a reply.", VALUES),
)  # fmt: skip


def expression_reference() -> str:
    """The page on expressions, in Markdown."""
    budget = Budget()
    lines = [_HEADER, "# Expressions\n", _INTRODUCTION, "## Forms\n", *_table(("text", "canonical", "meaning"), FORMS)]
    methods = ", ".join(f"`{name}`" for name in sorted(METHODS))
    lines += [f"\nMethods that mean the function of the same name: {methods}.\n", "## Names\n", _NAMES]
    limits = _NUMBERS.format(DIGITS, MAX_EXPRESSION_DEPTH, MAX_DEPTH, budget.steps, budget.size)
    lines += ["## Numbers and limits\n", limits]
    for group, title in _GROUPS.items():
        lines.append(f"## {title}\n")
        lines += _table(("function", "gives", "", "example"), _functions(group))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _functions(group: str) -> Iterable[tuple[str, str, str, str]]:
    for function in CORE.values():
        if function.group == group:
            examples = "<br>".join(f"`{source}` → `{result}`" for source, result in function.examples)
            yield f"`{function.signature}`", _result(function), function.doc, examples


def _result(function: Function) -> str:
    kinds = function.result if isinstance(function.result, tuple) else (function.result,)
    return " or ".join({"comparable": "number or text", "any": "any value"}.get(kind, kind) for kind in kinds)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    head = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    return head + [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]


def diagnostics_reference() -> str:
    """The page on diagnostics, in Markdown; every code is an anchor."""
    lines = [_HEADER, "# Diagnostics\n", _DIAGNOSTICS]
    for title, introduction, table in PARTS:
        rows = _table(("code", "", "means", "do"), map(_row, table.values()))
        lines += [f"## {title}\n", f"{introduction}\n", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(info: DiagnosticInfo) -> tuple[str, str, str, str]:
    word = {"info": "note", "error": ""}.get(info.severity, info.severity)
    return f'<a id="{info.code}"></a>`{info.code}`', word, info.summary, info.fix


HERE = Path(__file__).parent
PAGES: dict[str, Callable[[], str]] = {
    "expressions.md": expression_reference,
    "diagnostics.md": diagnostics_reference,
    "diagram.schema.json": lambda: _schema(DIAGRAM),
    "placed.schema.json": lambda: _schema(PLACED),
}
"""File → what makes it."""


def _schema(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=1) + "\n"


def files() -> dict[Path, str]:
    """Every page and every picture, as the code makes it now."""
    sys.path.insert(0, str(HERE))
    from constructs import constructs

    made = {name: make() for name, make in PAGES.items()} | constructs()
    return {HERE / name: text for name, text in made.items()}


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
