"""Each promise of the documentation names its test, and that test exists."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path

import pytest
from armillary_engine.testing import conformance

ROOT = Path(__file__).resolve().parents[2]
LEDGER = ROOT / "docs/reference/semantics.md"
PAGES = (LEDGER, ROOT / "docs/explanation/execution.md")
ROW = re.compile(r"^\| (?!-|promise \||condition \|)(?P<promise>.+?) \| (?P<tests>.+) \|$", re.MULTILINE)


@cache
def functions(path: Path) -> frozenset[str]:
    """The names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@cache
def defects() -> frozenset[str]:
    """The names of the defects that the simulation must find."""
    path = ROOT / "tests/engine/simulator/mutations.py"
    spec = importlib.util.spec_from_file_location("kept_mutations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return frozenset(module.MUTATIONS)


def exists(named: str) -> bool:
    """Whether there is such a test, case, defect or gate."""
    place, _, name = named.partition("::")
    if place == "conformance":
        return name in {conformance.name(case) for case in conformance.CASES}
    if place == "simulation":
        return name in defects()
    if place.startswith("benchmarks/"):
        return (ROOT / place).is_file()
    path = ROOT / "tests/engine" / place
    return path.is_file() and name in functions(path)


def rows() -> list[tuple[str, str, str]]:
    return [
        (page.name, found["promise"], found["tests"])
        for page in PAGES
        for found in ROW.finditer(page.read_text(encoding="utf-8").partition("## What is not guaranteed")[0])
    ]


FAILURES = {
    "duplicate delivery": "delivered twice", "same-instance race": "Two resume one instance",
    "signal before the instance is ready": "before its instance is ready", "abandon": "comes back under the same name",
    "reclaim": "stands still beyond its lease", "roll-back": "A statement of the transition fails",
    "restart": "A restart finds many timers past due", "timer accuracy": "A timer is late",
    "dead-letter replay": "A dead letter is replayed", "backlog drain": "A backlog is drained",
    "an old transaction": "idle in its transaction", "continue-with": "during the hand-over of a chain",
    "PgBouncer": "A pooler swallows notifications",
}  # fmt: skip
"""How engines have failed in public, and how the ledger calls it."""


def test_each_failure_of_others_has_its_tests() -> None:
    told = LEDGER.read_text(encoding="utf-8").partition("## What went wrong elsewhere")[2]
    conditions = [found["promise"] for found in ROW.finditer(told)]
    assert {name for name, words in FAILURES.items() if not any(words in one for one in conditions)} == set()


def test_each_part_of_the_explanation_names_its_tests() -> None:
    page = PAGES[1].read_text(encoding="utf-8")
    parts = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    without = {title for title, text in parts.items() if "| promise | test |" not in text}
    assert without == {"What is not guaranteed, and why", "Writing a backend"}


def test_there_are_promises() -> None:
    assert len(rows()) > 120


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_every_promise_names_tests_that_exist(page: str) -> None:
    wrong = [
        f"{promise}: {named}"
        for where, promise, tests in rows()
        for named in re.findall(r"`([^`]+)`", tests) or ["no test"]
        if where == page and not exists(named)
    ]
    assert wrong == [], "expected each promise to name tests that exist; write the test, or correct the name"
