"""What a notebook keeps and shows: run by one real kernel, exported by nbconvert."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import armillary as arm
import nbformat
import pytest
from armillary.display import DIAGRAM, definition_bundle
from armillary_engine.definition.codec import identity

from .approval import approve_application, ask_once

HERE = Path(__file__).parent


BROKEN = """\
from armillary import workflow, task
@workflow
def broken(amount: int):
    import os
    with open('x') as f:
        answer = task('Ask')
    return lambda: answer
"""
UNASSIGNED = """\
from armillary import workflow, task
@workflow
def hasty(amount: int):
    if amount > 5:
        reason = task("AskWhy")
    return reason
"""
FLOW = "from armillary import workflow\n@workflow\ndef flow(amount: int):\n    return amount + {}\n"
RUN = "bench.deploy(flow); print(bench.start('Flow', {'amount': 1}).wait(until='ended', timeout=30).output)"
OPEN = "bench = arm.Workbench('sqlite:///STORE')"
CELLS = {
    "import": "import sys; sys.path.insert(0, HERE)\nimport armillary as arm\nfrom approval import *",
    "open": OPEN,
    "workflow": "approve_application",
    "definition": "ask_once.definition",
    "unknown": "bench.deploy(approve_application)\nbench.start('AproveApplication', {})",
    "broken": BROKEN,
    "unassigned": UNASSIGNED,
    "flow": FLOW.format(1),
    "run": RUN,
    "edited": FLOW.format(2),
    "run edited": RUN,
    "open again": OPEN,
    "run again": RUN,
    "threads": "import threading; print(sum(t.name.startswith('armillary') for t in threading.enumerate()))",
    "open once more": OPEN,
    "threads again": "print(sum(t.name.startswith('armillary') for t in threading.enumerate()))",
    "close": "bench.close()",
}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The cells, executed by one kernel of this Python; a cell's error is kept as its output."""
    from nbclient import NotebookClient

    store = tmp_path_factory.mktemp("notebook") / "store.sqlite"
    sources = [source.replace("HERE", repr(str(HERE))).replace("STORE", str(store)) for source in CELLS.values()]
    made = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, sources)))
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(made, timeout=100, startup_timeout=100, allow_errors=True).execute()
    return made


@pytest.fixture
def cells(executed: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    return dict(zip(CELLS, executed.cells, strict=True))


def output(cell: nbformat.NotebookNode, kind: str) -> Any:
    found = [made for made in cell.outputs if made.output_type == kind]
    assert found, cell.outputs
    return found[-1]


class Tags(HTMLParser):
    """The tags of a page, and the text in the last of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_a_bundle_has_a_form_for_everybody():
    bundle = definition_bundle(approve_application)
    assert {"text/html", "image/svg+xml", "text/vnd.mermaid", "text/plain", DIAGRAM} <= set(bundle)
    assert bundle[DIAGRAM]["definition"]["digest"] == identity(approve_application.definition).digest
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["image/svg+xml"] in bundle["text/html"]


@pytest.mark.parametrize("thing", [approve_application, approve_application.definition], ids=["workflow", "definition"])
def test_a_picture_of_it_is_the_same_however_it_is_named(thing):
    assert arm.render(thing).svg == arm.render(approve_application).svg


def test_a_picture_of_an_instance_shows_its_state(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    assert arm.render(instance).svg != arm.render(ask_once).svg


def test_without_widgets_an_instance_is_its_picture(bench, monkeypatch):
    instance = bench.start(ask_once).wait(timeout=20)
    monkeypatch.setattr("armillary.display.find_spec", lambda name: None)
    bundle = instance._repr_mimebundle_()
    assert "<svg" in bundle["text/html"]
    assert instance.id in bundle["text/plain"]
    assert "<script" not in bundle["text/html"]


def test_with_widgets_an_instance_is_a_live_view(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    data, _ = instance._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<svg" in data["text/html"]


def test_a_notebook_keeps_a_picture_that_needs_no_kernel(cells):
    shown = output(cells["workflow"], "execute_result").data
    tags = Tags(shown["text/html"])
    (svg,) = tags.of("svg")
    assert str(svg.get("role")).startswith(("img", "graphics-document", "group"))
    assert tags.of("title")
    assert tags.of("script") == []
    assert tags.of("figure")
    assert shown[DIAGRAM]["svg"] == arm.render(approve_application).svg


def test_a_plain_definition_draws_itself_too(cells):
    assert "<svg" in output(cells["definition"], "execute_result").data["text/html"]


def test_the_html_export_has_the_picture_and_no_script_of_ours(cells):
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="basic")
    page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[cells["workflow"], cells["definition"]]))
    empty, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))
    tags = Tags(page)
    assert len([svg for svg in tags.of("svg") if svg.get("aria-labelledby") or svg.get("aria-label")]) == 2
    assert len(tags.of("script")) == len(Tags(empty).of("script"))


def test_an_error_in_a_cell_shows_the_sentence_and_no_stack(cells):
    shown = "\n".join(output(cells["unknown"], "error").traceback)
    assert "did you mean" in shown
    assert "[definition.unknown]" in shown
    assert "Traceback" not in shown
    assert ".py" not in shown


def test_a_broken_workflow_cell_shows_all_its_errors_and_no_stack(cells):
    number = list(CELLS).index("broken") + 1
    shown = "\n".join(output(cells["broken"], "error").traceback)
    assert f"In [{number}], line 4" in shown
    assert f"In [{number}], line 5" in shown
    assert "^" in shown
    assert "Traceback" not in shown
    assert "site-packages" not in shown
    assert "authoring/" not in shown


def test_a_cell_that_compiles_but_does_not_validate_is_drawn_with_markers(cells):
    shown = "\n".join(output(cells["unassigned"], "error").traceback)
    assert "reason" in shown
    assert "^" in shown
    picture = output(cells["unassigned"], "display_data").data["image/svg+xml"]
    assert "AskWhy" in picture or "Ask why" in picture
    assert "reason" in picture


def test_a_cell_that_is_edited_and_run_again_is_a_new_draft(cells):
    assert [output(cells[name], "stream").text for name in ("run", "run edited", "run again")] == ["2\n", "3\n", "3\n"]


def test_a_cell_that_opens_the_store_again_leaves_no_second_engine(cells):
    assert output(cells["threads"], "stream").text == output(cells["threads again"], "stream").text != "0\n"


def test_a_table_in_a_notebook_is_html(bench):
    bench.start(ask_once).wait(timeout=20)
    assert "<table" in bench.instances()._repr_html_()
    assert "<table" in bench.tasks()._repr_html_()
