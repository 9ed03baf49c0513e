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


def saved(lab: Lab, name: str, *, only_html: bool) -> None:
    """A notebook with the output as a person would find it: from somebody else, so not trusted."""
    bundle = definition_bundle(approve_claim)
    data = {"text/html": bundle["text/html"], "text/plain": "-"} if only_html else bundle
    output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
    cell = nbformat.v4.new_code_cell("approve_claim", outputs=[output], execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.folder / name)


@pytest.mark.parametrize("only_html", [False, True], ids=["extension", "html"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1920, True)])
def test_it_unfolds_side_by_side(lab: Lab, browser: Browser, width: int, dark: bool, only_html: bool) -> None:
    name = f"forms-{width}-{only_html}.ipynb"
    saved(lab, name, only_html=only_html)
    lab.use_theme(dark=dark)
    try:
        with lab_page(browser, width=width, height=1000) as page:
            Notebook(page, lab, name)
            output = page.locator(".jp-OutputArea-output").first
            for form in ("Python", "YAML", "Canonical"):
                output.get_by_text(form, exact=True).click()
            texts = output.locator("details[open] pre")
            expect(texts).to_have_count(3)
            expect(texts.nth(0)).to_contain_text("def approve_claim(claim_id: str, amount: int = 100):")
            expect(texts.nth(1)).to_contain_text("kind: decision")
            expect(texts.nth(2)).to_contain_text('"schema": "armillary.workflow/1"')
            if not only_html:
                boxes = [texts.nth(index).bounding_box() or {} for index in range(3)]
                assert len({box["y"] for box in boxes}) == 1, "they do not stand side by side"
                assert boxes[2]["x"] + boxes[2]["width"] <= width
            if folder := os.environ.get("ARMILLARY_SCREENSHOTS"):
                page.screenshot(path=str(Path(folder) / f"forms-{width}-{'html' if only_html else 'extension'}.png"))
    finally:
        lab.use_theme(dark=False)
