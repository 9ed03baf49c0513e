"""Modules and functions stay short enough to read in one sitting. (That public names have docstrings, ruff sees to.)"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine/armillary_engine", "renderers/armillary_renderers", "workbench/armillary")
MODULE_LINES = 350
FUNCTION_LINES = 60
LONGER_FOR_A_REASON = {
    "engine/armillary_engine/definition/model.py": "one page that says what a workflow is, docstrings included",
}


def modules() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_no_module_is_too_long() -> None:
    lengths = {name: text.count("\n") for name, text in modules()}
    too_long = {name: lines for name, lines in lengths.items() if lines > MODULE_LINES}
    assert {name: lines for name, lines in too_long.items() if name not in LONGER_FOR_A_REASON} == {}, (
        f"expected at most {MODULE_LINES} lines a module; split by what each part is for"
    )


def test_no_exception_outlives_its_reason() -> None:
    lengths = {name: text.count("\n") for name, text in modules()}
    assert [name for name in LONGER_FOR_A_REASON if lengths.get(name, 0) <= MODULE_LINES] == []


def test_no_function_is_too_long() -> None:
    too_long = {
        f"{name}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for name, text in modules()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert too_long == {}, f"expected at most {FUNCTION_LINES} lines a function; give its parts names"


COROUTINES = "engine/armillary_engine/worker/coroutines.py"
TWINS = {"start_async", "wait_async"}
"""Decision 24."""


def test_one_colour() -> None:
    """The engine is synchronous: no method exists twice, but for what waits."""
    coroutines = [
        f"{name} {node.name}"
        for name, text in modules()
        if name.startswith("engine/") and not name.startswith("engine/armillary_engine/service/")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.AsyncFunctionDef) and name != COROUTINES
    ]
    assert coroutines == [f"engine/armillary_engine/runtime.py {name}" for name in sorted(TWINS)]
