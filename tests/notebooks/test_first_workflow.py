"""The guided notebooks: stored without outputs, typed, and running from top to bottom without anybody there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
FIRST = next(path for path in NOTEBOOKS if path.name == "00_first_workflow.ipynb")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def notebook(request: pytest.FixtureRequest) -> Any:
    return nbformat.read(request.param, as_version=4)


def test_outputs_are_not_stored(notebook: Any) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


def test_text_cells_are_short(notebook: Any) -> None:
    long = [cell.id for cell in notebook.cells if cell.cell_type == "markdown" and len(cell.source.split()) > 110]
    assert long == []


@pytest.mark.parametrize("checker", [("mypy", "--strict"), ("pyright",)], ids=["mypy", "pyright"])
def test_the_cells_are_typed(notebook: Any, checker: tuple[str, ...], tmp_path: Path) -> None:
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    (tmp_path / "cells.py").write_text("\n\n".join(cells) + "\n", encoding="utf-8")
    where = {
        "mypy": ("--config-file=", "--cache-dir", str(tmp_path / "cache")),
        "pyright": ("--pythonpath", sys.executable),
    }[checker[0]]
    done = subprocess.run(
        [sys.executable, "-m", *checker, *where, "cells.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def execute(path: Path, folder: Path) -> dict[str, Any]:
    """Runs a copy in ``folder``; the outputs of its code cells by cell id."""
    document = nbformat.read(path, as_version=4)
    home = {**os.environ, "HOME": str(folder / "home"), "XDG_DATA_HOME": str(folder / "home" / "share")}
    client = NotebookClient(document, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=home)
    return {cell.id: cell.outputs for cell in document.cells if cell.cell_type == "code"}


def shown(outputs: Any) -> Any:
    return next(output.data for output in outputs if output.output_type in ("execute_result", "display_data"))


@pytest.mark.require("jupyterlab")
@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("default")  # of the Jupyter libraries' own
def test_the_first_one_runs_without_a_click(tmp_path: Path) -> None:
    outputs = execute(FIRST, tmp_path)
    outcome = shown(outputs["outcome"])["text/plain"]
    assert "result='issued'" in outcome
    assert "yearly=Decimal('1292.13')" in outcome
    assert "monthly=Decimal('107.68')" in outcome
    assert shown(outputs["rest"])["text/plain"] == "'completed'"
    assert "the tariff server is starting" in str(outputs["history"])

    drawn = shown(outputs["draw"])
    assert drawn["text/html"].count('class="armillary-node"') >= 10
    live = shown(outputs["live"])
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "application/vnd.armillary.diagram+json"} <= set(
        live
    )
    assert (tmp_path / "insure_vehicle.svg").read_text(encoding="utf-8").startswith("<svg")
