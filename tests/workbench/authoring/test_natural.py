"""Workflows as one would write them without having read anything: each compiles, or its refusal says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from armillary.authoring import Workflow, decompile, load_workflows
from armillary.authoring.decompiler import compiled as run
from armillary_engine.definition.problems import ArmillaryError

FOLDER = Path(__file__).parent / "natural"
EVERY = sorted(FOLDER.glob("*.py"))


def test_there_are_forty():
    assert len(EVERY) >= 40


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_it_compiles_or_says_what_to_write(path, golden):
    text, flow = outcome(path)
    golden(f"twenty-{path.stem}", text)
    if flow is not None:
        assert run(text).digest == flow.digest
    else:
        assert (FOLDER / "mended" / path.name).exists()


def outcome(path: Path) -> tuple[str, Workflow | None]:
    try:
        (flow,) = load_workflows(path)
    except ArmillaryError as error:
        unhelpful = [problem for problem in error.problems if problem.severity == "error" and not problem.hint]
        if unhelpful or not (error.problems or error.hint):
            raise
        return str(error).replace(str(FOLDER), "natural"), None
    return decompile(flow).rstrip("\n"), flow


@pytest.mark.parametrize("path", sorted((FOLDER / "mended").glob("*.py")), ids=lambda path: path.stem)
def test_what_the_refusals_said_compiles(path):
    """The same workflows, changed as the refusals of the first writing say, and in nothing else."""
    (flow,) = load_workflows(path)
    assert run(decompile(flow)).digest == flow.digest
