"""What people read when a workflow does not compile. The texts in ``golden/`` were read aloud."""

from __future__ import annotations

import importlib.util
import random
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from armillary import render
from armillary.authoring import AuthoringError
from pydantic import BaseModel, Field

spec = importlib.util.spec_from_file_location("broken", Path(__file__).parent / "broken.py")
assert spec is not None
assert spec.loader is not None
broken = importlib.util.module_from_spec(spec)
spec.loader.exec_module(broken)


class Aliased(BaseModel):
    policy_id: str = Field(alias="policyId")


def same(function):
    return function


NAMES = {
    "RATES": [1, 2], "TABLE": {"a": 1}, "RATE": 0.1, "settings": SimpleNamespace(limit=3), "time": time, "uuid": uuid,
    "random": random, "requests": SimpleNamespace(get=lambda url: url), "make": lambda: 1,
    "object_type": type("Plain", (), {}), "Aliased": Aliased, "other": same, "LIMIT": 3,
}  # fmt: skip
BODIES = {
    name: broken.HEAD + "".join(f"    {line}\n" for line in body.splitlines()) for name, body in broken.BODIES.items()
}
SOURCES: dict[str, str] = BODIES | broken.FUNCTIONS


def error_of(compiled, source: str) -> AuthoringError:
    with pytest.raises(AuthoringError) as caught:
        compiled(source, **NAMES)
    return caught.value


@pytest.mark.parametrize("name", SOURCES)
def test_refusal(compiled, golden, name):
    golden(name, str(error_of(compiled, SOURCES[name])))


@pytest.mark.parametrize("name", SOURCES)
def test_every_problem_has_a_place_a_code_and_a_remedy(compiled, name):
    for problem in error_of(compiled, SOURCES[name]).problems:
        if problem.severity == "error":
            assert problem.span is not None
            assert problem.span.text
            assert problem.code.count(".") == 1
            assert problem.hint


def test_there_is_a_golden_text_for_nothing_else():
    golden = {path.stem for path in (Path(__file__).parent / "golden").glob("*.txt")}
    assert {name for name in golden if not name.startswith(("decompiled-", "twenty-", "codes"))} == set(SOURCES)


def test_the_error_shows_itself_without_a_traceback(compiled):
    error = error_of(compiled, SOURCES["unknown-name"])
    assert "\n".join(error._render_traceback_()) == str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def codes(error: AuthoringError) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.step) for problem in error.problems if problem.severity == "error"]


def test_one_mistake_hides_no_other(refusal):
    error = refusal('call("a/b", id="a")\ncall("a/c", id="a")\nif app.amount > 3:\n    total = 1\nx = total')
    assert codes(error) == [("id.duplicate", "a"), ("name.unassigned", "x")]


@pytest.mark.parametrize(
    "body",
    [
        "a, b = call('a/pair')\nx = a + b",
        "for a, *b in app.quote.lines:\n    total = a\nx = total",
        "import os\nx = os",
        "def helper():\n    pass\nx = helper",
        "if app.amount > 1:\n    total = polcy\nelse:\n    total = 2\nx = total",
        "with open('f') as f:\n    total = 1\nx = total + f",
    ],
)
def test_nothing_is_said_that_mending_the_rest_would_mend(refusal, body):
    assert "name.unassigned" not in [code for code, _ in codes(refusal(body))]


def test_a_refused_function_can_be_drawn_with_markers(refusal):
    error = refusal('call("a/b")\nif app.amount > 3:\n    x = polcy + 1\ntotal = app.amount @ 2')
    assert [step for _, step in codes(error)] == ["x", "total"]
    assert error.definition is not None
    svg = render(error.definition, problems=error.problems).svg
    assert svg.count('data-severity="error"') >= 3 or svg.count("error") >= 3
