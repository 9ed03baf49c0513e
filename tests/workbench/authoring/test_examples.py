"""The examples: they compile, and type checkers have nothing to say about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from armillary.authoring import load_workflows

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_compiles_without_a_warning(path):
    (flow,) = load_workflows(path)
    assert flow.problems == ()


def test_the_largest_example_has_every_kind_of_step():
    from armillary_engine.definition.fields import STEPS

    (flow,) = load_workflows(Path(__file__).parent / "examples" / "handle_claim.py")
    kinds = set(kinds_of(flow.document["body"]))
    assert kinds == set(STEPS)


def kinds_of(value):
    if isinstance(value, dict):
        if "kind" in value and "id" in value:
            yield value["kind"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from kinds_of(item)


@pytest.mark.parametrize(
    "checker",
    [["mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), "--python-version", "3.11"], ["pyright"]],
    ids=["mypy", "pyright"],
)
def test_type_checkers_pass(checker):
    command = [sys.executable, "-m", *checker, *map(str, EXAMPLES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
