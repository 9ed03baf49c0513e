"""The Mermaid text of a picture, drawn by the Mermaid that JupyterLab brings along."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from .harness import Lab, Notebook

pytestmark = [pytest.mark.require("chromium", "jupyterlab"), pytest.mark.timeout(180)]

DRAW = """
import json
from IPython.display import display
from armillary_engine.definition import model as m
from armillary_renderers.gallery import GALLERY
from armillary_renderers.render import render

text = '"quoted" <b>bold</b> {x|y} [z] --> ; # %% end subgraph'
step = m.StepMeta(title=text, labels={"0": text})
choice = m.Decision("end", (m.Branch(m.Get("x"), (m.Complete("click"),)),))
hostile = m.Definition("graph", (m.Task("graph", text), choice), meta=m.Meta(title=text, steps={"end": step}))
shown = [*GALLERY.values(), hostile]
drawn = [render(definition, direction=way) for definition in shown for way in ("down", "right")]
for picture in drawn:
    display({"text/vnd.mermaid": picture.mermaid}, raw=True)
print(json.dumps([[len(picture.diagram.nodes), len(picture.diagram.edges)] for picture in drawn]))
"""


COUNTS = """() => [...document.querySelectorAll(".jp-RenderedMermaid img")].map((image) => {
  const source = decodeURIComponent(image.src.slice(image.src.indexOf(",") + 1));
  const svg = new DOMParser().parseFromString(source, "image/svg+xml");
  return [svg.querySelectorAll("g.node").length, svg.querySelectorAll("path.flowchart-link").length];
})"""


def test_mermaid_draws_every_definition(lab: Lab, page: Page) -> None:
    lab.write("mermaid.ipynb", [DRAW])
    notebook = Notebook(page, lab, "mermaid.ipynb")
    notebook.run(0)
    wanted = json.loads(notebook.text(0).splitlines()[-1])
    many = len(wanted)
    assert many > 20
    outputs = page.locator(".jp-RenderedMermaid")
    expect(outputs).to_have_count(many)
    done = "() => [...document.querySelectorAll('.jp-RenderedMermaid')].every((one) => one.querySelector('img, pre'))"
    page.wait_for_function(done)
    assert [text for text in outputs.all_inner_texts() if text.strip()] == [], "Mermaid refuses"
    expect(outputs.locator("img")).to_have_count(many)
    assert page.evaluate(COUNTS) == wanted, "every node and every edge is drawn"
    assert "bold" in str(outputs.locator("img").last.get_attribute("src"))
