"""A definition in a saved notebook, where no kernel ran and nothing is trusted: diagram, Python, YAML, canonical."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from armillary import call, workflow
from armillary.display import definition_bundle
from playwright.sync_api import Browser, expect

from .harness import Lab, Notebook, lab_page

pytestmark = [pytest.mark.require("chromium"), pytest.mark.timeout(180)]


@workflow
def approve_claim(claim_id: str, amount: int = 100):
    """Approve a claim."""
    quote = call("rating/quote", claim=claim_id, amount=amount)
    if quote.premium > 1_000:
        return "declined"
    return "approved"


def saved(lab: Lab, name: str) -> None:
    """A notebook with outputs as a person would find them, from somebody else, so not trusted: one as our extension
    shows it, one as it is shown without."""
    bundle = definition_bundle(approve_claim)
    cells = []
    for data in (bundle, {"text/html": bundle["text/html"], "text/plain": "-"}):
        output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
        cells.append(nbformat.v4.new_code_cell("approve_claim", outputs=[output], execution_count=1))
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.folder / name)


SIDE_BY_SIDE = """(width) => {
  const boxes = [...window.output.querySelectorAll("details[open] pre")].map((one) => one.getBoundingClientRect());
  return new Set(boxes.map((box) => box.y)).size === 1 && boxes[2].right <= width;
}"""


@pytest.mark.parametrize(("width", "theme"), [(1280, "Light"), (1920, "Dark")])
def test_it_unfolds_side_by_side(lab: Lab, browser: Browser, width: int, theme: str) -> None:
    name = f"forms-{width}.ipynb"
    saved(lab, name)
    with lab_page(browser, width=width, height=1000) as page:
        notebook = Notebook(page, lab, name)
        notebook.use_theme(f"JupyterLab {theme}")
        for number, way in enumerate(("extension", "html")):
            output = page.locator(".jp-OutputArea-output").nth(number)
            for form in ("Python", "YAML", "Canonical"):
                output.get_by_text(form, exact=True).click()
            texts = output.locator("details[open] pre")
            expect(texts).to_have_count(3)
            expect(texts.nth(0)).to_contain_text("def approve_claim(claim_id: str, amount: int = 100):")
            expect(texts.nth(1)).to_contain_text("kind: decision")
            expect(texts.nth(2)).to_contain_text('"schema": "armillary.workflow/1"')
            if way == "extension":
                output.evaluate("(output) => { window.output = output }")
                page.wait_for_function(SIDE_BY_SIDE, arg=width)
            if folder := os.environ.get("ARMILLARY_SCREENSHOTS"):
                page.screenshot(path=str(Path(folder) / f"forms-{width}-{way}.png"))
