"""Executes the guided notebooks headlessly, each on a copy in a folder of its own; a cell that fails is the exit code.

python scripts/execute_notebooks.py [NOTEBOOK ...]      all of notebooks/ by default
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
CELL_TIMEOUT = 120
"""Seconds that one cell may take."""


def execute(notebook: Path, folder: Path) -> str | None:
    """Runs one notebook with `folder` as its home and working folder; gives what went wrong, or None."""
    shutil.copytree(notebook.parent, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    document = nbformat.read(folder / notebook.name, as_version=4)
    home = folder / ".home"
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "share"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    client = NotebookClient(
        document, timeout=CELL_TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    try:
        client.execute(env=environment)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return str(error)
    return None


def main(arguments: list[str]) -> int:
    """Executes the notebooks named, or all of them; gives the exit code."""
    notebooks = [Path(name).resolve() for name in arguments] or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not notebooks:
        print(f"expected notebooks in {NOTEBOOKS.name}/, got none")
        return 1
    failed = 0
    for notebook in notebooks:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="armillary-notebook-") as folder:
            problem = execute(notebook, Path(folder))
        print(f"{notebook.name}: {'executed' if problem is None else 'FAILED'}, {time.monotonic() - started:.1f} s")
        if problem is not None:
            print(problem)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
