"""What people read when a definition is not valid: the texts in ``golden/diagnostics.txt`` were read aloud."""

from __future__ import annotations

import os
from pathlib import Path

from armillary_engine.definition.problems import Problem
from armillary_engine.definition.validate import DIAGNOSTICS

from .test_diagnostics import CASES, problems_of

GOLDEN = Path(__file__).parent / "golden" / "diagnostics.txt"


def told(problem: Problem) -> str:
    place = f"{problem.step or 'the definition'}, at {problem.pointer or '/'}"
    return f"{problem.severity} in {place}\n  {problem.message}\n  {problem.hint}".rstrip()


def test_every_diagnostic_reads_well() -> None:
    texts = []
    for code in sorted(DIAGNOSTICS):
        found = next(problem for problem in problems_of(CASES[code][0]) if problem.code == code)
        texts.append(f"[{code}]\n{told(found)}\n")
    text = "\n".join(texts)
    if os.environ.get("ARMILLARY_UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_every_error_says_what_to_do() -> None:
    for code, (made, _) in CASES.items():
        for problem in problems_of(made):
            assert problem.hint or problem.severity == "info", (code, problem)
