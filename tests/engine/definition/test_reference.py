"""What the reference shows as expressions is understood."""

from __future__ import annotations

import runpy
from pathlib import Path

from armillary_engine.definition.expressions import parse, text

DOCS = Path(__file__).parents[3] / "docs" / "reference"
MAKE = runpy.run_path(str(DOCS / "make.py"))
FORMS = MAKE["FORMS"]
OPERATORS = ("+", "==", "in", "not", "and", "or")


def test_forms_of_the_page_are_expressions() -> None:
    for spelt, _, _ in FORMS:
        for form in spelt.split("`")[1::2]:
            if not form.startswith(OPERATORS):
                assert text(parse(form))
