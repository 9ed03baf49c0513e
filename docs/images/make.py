"""Draws the pictures of the docs from the code that they show: the README's lines and the first guided notebook.

python docs/images/make.py [SCREENSHOTS]    SCREENSHOTS: a folder that `make test` filled (test-results/screenshots)
"""

from __future__ import annotations

import re
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.render import render

IMAGES = Path(__file__).parent
ROOT = IMAGES.parents[1]
COLOURS = 128


def readme() -> Any:
    """The README's workflow."""
    [lines] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    return _load(lines.partition("bench =")[0])["approve_application"].definition


def tour() -> Any:
    """The workflow of the first guided notebook."""
    notebook = nbformat.read(ROOT / "notebooks" / "00_first_workflow.ipynb", as_version=4)
    cells = {cell.id: cell.source for cell in notebook.cells}
    return _load("\n".join(cells[name] for name in ("imports", "models", "workflow")))["insure_vehicle"].definition


def _load(source: str) -> dict[str, Any]:
    """The names of a source file. Compiling a workflow needs its source, so there has to be a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shown.py"
        path.write_text(source, encoding="utf-8")
        return runpy.run_path(str(path), run_name="shown")


def waiting_for_review() -> Overlay:
    """As the README's instance stands before its task is completed."""
    steps = {
        "quote": StepState("done", 1),
        "if-premium": StepState("done", 1),
        "review-application": StepState("waiting", 1),
    }
    return Overlay(
        steps, frozenset({(":start", "quote"), ("quote", "if-premium"), ("if-premium", "review-application")})
    )


def copy_screenshots(folder: Path) -> None:
    """The live views, light and dark, with few colours so that the files stay small."""
    from PIL import Image

    for theme in ("light", "dark"):
        for taken, name in ((f"1280-{theme}-view", "live-view"), (f"overview-{theme}", "overview")):
            with Image.open(folder / f"{taken}.png") as image:
                image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
                    IMAGES / f"{name}-{theme}.png", optimize=True
                )


def main(arguments: list[str]) -> None:
    render(readme(), direction="right", overlay=waiting_for_review()).save(IMAGES / "approve.svg")
    render(tour()).save(IMAGES / "insure-vehicle.svg")
    if arguments:
        copy_screenshots(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
