"""The live view in a real JupyterLab, over a runtime whose commits the test makes itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from .harness import Lab, Notebook, lab_page

pytestmark = [pytest.mark.require("chromium", "jupyterlab"), pytest.mark.timeout(180)]

SETUP = """
import fake, threading, time
from decimal import Decimal
from armillary.widgets import following, live
runtime = fake.FakeRuntime()
handle = fake.Handle(runtime)
def to_review(**options):
    runtime.commit(
        ("instance.started", None, {}, []), ("step.entered", "quote", {}, []),
        ("step.done", "quote", {}, [("quote", {"premium": Decimal("12500.50")})]),
        ("step.entered", "review-quote", {}, []), ("step.waiting", "review-quote", {"for": "task"}, []),
        state={"quote": {"premium": Decimal("12500.50")}}, status="waiting", resting=True, steps=("review-quote",),
        tasks=[runtime.ask(**options)],
    )
"""


def node(page: Page, step: str, state: str) -> Any:
    return page.locator(f'.armillary-live .armillary-node[data-step="{step}"][data-state="{state}"]')


CELLS = [SETUP, "live.view(handle)", "", "", ""]
"""Cell 1 shows the instance, and cells 2 to 4 are free."""


def opened(notebook: Notebook) -> Notebook:
    notebook.run(0)
    notebook.run(1)
    expect(notebook.page.locator(".armillary-live")).to_have_count(1)
    return notebook


@pytest.fixture
def own_view(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Notebook:
    """A notebook with a kernel of its own, for a test that looks at the whole of it, or ends it."""
    lab.write(f"{request.node.name}.ipynb", CELLS)
    return opened(Notebook(page, lab, f"{request.node.name}.ipynb"))


@pytest.fixture(scope="module")
def shared(lab: Lab, _browser: Browser) -> Iterator[Notebook]:
    lab.write("shared.ipynb", CELLS)
    with lab_page(_browser) as page:
        yield Notebook(page, lab, "shared.ipynb")


@pytest.fixture
def open_view(shared: Notebook) -> Notebook:
    """A notebook that shows an instance of its own, in the kernel of the tests before."""
    if not shared.is_ready:  # A test before ended with a cell that runs.
        shared.restart_kernel()
    shared.write(CELLS)
    return opened(shared)


def test_it_follows_and_a_click_completes_the_task(open_view: Notebook) -> None:
    page = open_view.page
    open_view.set_source(2, "to_review(payload={'premium': Decimal('12500.50')})")
    open_view.run(2)
    node(page, "review-quote", "waiting").wait_for()
    page.locator(".armillary-live-segments label", has_text="approve").click()
    page.get_by_label("Discount").fill("100.10")
    page.get_by_role("button", name="Complete task").click()
    node(page, "review-quote", "done").wait_for()
    open_view.set_source(3, "runtime.answers")
    open_view.run(3)
    assert "'discount': Decimal('100.10')" in open_view.text(3)
    expect(page.locator(".armillary-live-tasks .armillary-live-none")).to_be_visible()


def test_changes_arrive_and_a_task_is_completed_while_a_cell_runs(open_view: Notebook) -> None:
    page = open_view.page
    open_view.set_source(
        2, "to_review()\nended = threading.Event()\nwhile not runtime.answers: time.sleep(0.01)\n'over'"
    )
    open_view.start(2)
    node(page, "review-quote", "waiting").wait_for()
    open_view.wait_until_busy()
    page.locator(".armillary-live-segments label", has_text="requote").click()
    page.get_by_role("button", name="Complete task").click()
    node(page, "review-quote", "done").wait_for()
    open_view.wait_for_end(2)
    assert "over" in open_view.text(2)


def test_without_subshells_the_button_says_that_the_kernel_is_busy(
    own_view: Notebook, page: Page, tmp_path: Path
) -> None:
    page.evaluate("() => driver.disableSubshells()")
    gate = tmp_path / "gate"
    own_view.set_source(2, f"import os\nto_review()\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)")
    own_view.start(2)
    node(page, "review-quote", "waiting").wait_for()
    page.locator(".armillary-live-segments label", has_text="approve").click()
    page.get_by_role("button", name="Complete task").click()
    expect(page.get_by_role("status").filter(has_text="kernel is busy")).to_be_visible()
    gate.touch()
    node(page, "review-quote", "done").wait_for()


def test_an_answer_that_does_not_fit_is_shown_at_its_field(open_view: Notebook) -> None:
    page = open_view.page
    open_view.set_source(2, "to_review()")
    open_view.run(2)
    button = page.get_by_role("button", name="Complete task")
    button.click()
    field = page.locator('[data-pointer="/decision"]')
    expect(field.locator(".armillary-live-field-error")).to_contain_text("choose one")
    page.get_by_label("Discount").fill("1,5")
    page.locator(".armillary-live-segments label", has_text="decline").click()
    button.click()
    expect(page.locator('[data-pointer="/discount"] .armillary-live-field-error')).to_contain_text("expected a number")
    page.get_by_label("Discount").fill("")
    button.click()
    expect(page.locator('[data-pointer="/remarks"] .armillary-live-field-error')).to_contain_text("expected a reason")
    page.get_by_role("button", name="Edit as JSON").click()
    page.locator(".armillary-live-json").fill(
        '{"decision": "approve", "discount": 0.1000000000000000000000000000000001}'
    )
    button.click()
    node(page, "review-quote", "done").wait_for()
    open_view.set_source(3, "runtime.answers")
    open_view.run(3)
    assert "Decimal('0.1000000000000000000000000000000001')" in open_view.text(3)


HOSTILE = {
    "markup": '<img src=x onerror="window.hacked=1">',
    "script": "</script><script>window.hacked=1</script>",
    "svg": "</text></svg><svg onload='window.hacked=1'>",
    "direction": "\u202eEVIL\u202c \u05d0\u05d1\u05d2 \u0627\u0644\u0633\u0644\u0627\u0645",
    "attribute": "\"' onmouseover=window.hacked=1 x='",
    "long": "x" * 10_000,
    "links": "javascript:window.hacked=1",
    "template": "${window.hacked=1}{{constructor}}",
}


SHOW_HOSTILE = """
import json
from dataclasses import replace
texts, schema = json.loads({texts!r}), json.loads({schema!r})
step, values = texts["markup"], list(texts.values())
numbers = {{
    "big": Decimal("1234567890123456789012345678901234"), "small": Decimal("0.1000000000000000000000000000000001")
}}
hostile = fake.FakeRuntime(fake.definition(texts["script"], task_title=step), id=texts["attribute"])
hostile.commit(
    ("instance.started", None, texts, []),
    ("step.entered", "review-quote", texts, [(value, texts) for value in values]),
    ("step.failed", step, {{"message": step, "code": texts["script"]}}, []),
    state={{**{{value: texts for value in values}}, "numbers": numbers}}, status="waiting", steps=tuple(values),
    reference=texts["svg"], blocked=step, error={{"code": texts["script"], "message": texts["long"], "step": step}},
    tasks=[hostile.ask(title=step, payload=texts, schema=schema)],
)
live.view(fake.Handle(hostile))
"""


def test_hostile_texts_are_only_texts(open_view: Notebook) -> None:
    page = open_view.page
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog opened: {dialog.message}"))
    fields = {value[:40]: {"title": value, "description": value, "enum": [value, "b"]} for value in HOSTILE.values()}
    schema = json.dumps({"type": "object", "properties": fields})
    open_view.set_source(2, SHOW_HOSTILE.format(texts=json.dumps(HOSTILE), schema=schema))
    open_view.run(2)
    view = page.locator(".armillary-live").nth(1)
    view.wait_for()
    for value in HOSTILE.values():
        expect(view.locator("bdi", has_text=value).first).to_have_count(1)
    expect(view.get_by_text("1234567890123456789012345678901234", exact=True)).to_be_visible()
    expect(view.get_by_text("0.1000000000000000000000000000000001", exact=True)).to_be_visible()
    expect(view.locator("img, script, iframe, a")).to_have_count(0)
    expect(view.locator("[onerror], [onload], [onmouseover]")).to_have_count(0)
    assert page.evaluate("() => window.hacked === undefined")
    assert view.evaluate("(element) => element.scrollWidth <= element.clientWidth + 1"), "a long text made it too wide"


COUNTS = """
import threading
from ipywidgets.widgets.widget import _instances
threads = [thread for thread in threading.enumerate() if thread.name == "armillary-views"]
print(len(runtime.listeners), len(_instances), len(threads))
"""
UNTIL_NOBODY_LOOKS = """
for _ in range(6000):
    if not runtime.listeners and not following.publisher.thread: break
    time.sleep(0.01)
"""
UNTIL_ONE_LOOKS = """
for _ in range(6000):
    if len(live.view(handle)._views) == 1: break
    time.sleep(0.01)
len(live.view(handle)._views)
"""
IDS = (
    "() => [...document.querySelectorAll('.armillary-live svg, .armillary-live svg [id]')].map((element) => element.id)"
)


def test_two_views_a_redisplay_and_a_closed_tab_leave_nothing_behind(
    own_view: Notebook, page: Page, browser: Browser, lab: Lab
) -> None:
    own_view.set_source(2, "live.view(handle)")
    own_view.run(2)
    own_view.run(2)
    expect(page.locator(".armillary-live")).to_have_count(2)
    own_view.set_source(3, "to_review()")
    own_view.run(3)
    expect(node(page, "review-quote", "waiting")).to_have_count(2)
    ids = [id for id in page.evaluate(IDS) if id]
    assert len(ids) == len(set(ids)), "two pictures on one page share ids"
    own_view.set_source(4, COUNTS)
    own_view.run(4)
    # one subscription and one thread; the widgets are the view and its layout
    assert own_view.text(4).split() == ["1", "2", "1"]
    page.evaluate("() => { driver.clear(1); driver.clear(2) }")
    expect(page.locator(".armillary-live")).to_have_count(0)
    own_view.set_source(4, UNTIL_NOBODY_LOOKS + COUNTS)
    own_view.run(4)
    assert own_view.text(4).split() == ["0", "2", "0"]


def test_a_second_page_on_the_same_kernel_shows_the_present(
    own_view: Notebook, page: Page, browser: Browser, lab: Lab
) -> None:
    own_view.save()
    own_view.set_source(2, "to_review()")
    own_view.run(2)
    name = "test_a_second_page_on_the_same_kernel_shows_the_present.ipynb"
    with lab_page(browser) as other:
        Notebook(other, lab, name)
        node(other, "review-quote", "waiting").wait_for()
        other.locator(".armillary-live-segments label", has_text="approve").click()
        other.get_by_role("button", name="Complete task").click()
        node(page, "review-quote", "done").wait_for()
    own_view.set_source(3, UNTIL_ONE_LOOKS)
    own_view.run(3)
    assert own_view.text(3).strip() == "1", "the page that was closed still counts as a view"


def test_when_the_kernel_is_gone_the_view_says_so_and_stays(own_view: Notebook, page: Page) -> None:
    own_view.set_source(2, "to_review()")
    own_view.run(2)
    node(page, "review-quote", "waiting").wait_for()
    own_view.restart_kernel()
    expect(page.get_by_text("No kernel is following this instance")).to_be_visible()
    expect(page.get_by_role("button", name="Complete task")).to_be_disabled()
    expect(node(page, "review-quote", "waiting")).to_be_visible()


def test_the_keyboard_reaches_everything(open_view: Notebook) -> None:
    page = open_view.page
    open_view.set_source(2, "to_review()")
    open_view.run(2)
    page.locator('.armillary-live .armillary-node[data-step="review-quote"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(".armillary-live-filter")).to_contain_text("review-quote")
    expect(page.locator(".armillary-live-event:visible")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator(".armillary-live-filter")).to_be_hidden()
    page.locator('.armillary-live-tree [role="treeitem"][tabindex="0"]').first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator('[role="treeitem"]:focus')).to_contain_text("premium")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator('[role="treeitem"]:focus')).to_have_attribute("aria-expanded", "false")
    page.get_by_role("radio", name="approve").focus()
    page.keyboard.press("Space")
    page.get_by_label("Remarks").focus()
    page.keyboard.type("looks fine")
    page.keyboard.press("Enter")
    node(page, "review-quote", "done").wait_for()


def test_a_reopened_notebook_shows_the_last_picture_without_a_kernel(
    own_view: Notebook, page: Page, browser: Browser, lab: Lab
) -> None:
    own_view.set_source(2, "to_review()")
    own_view.run(2)
    node(page, "review-quote", "waiting").wait_for()
    kept = "() => driver.outputs(1)[0].data['application/vnd.armillary.diagram+json']?.status === 'waiting'"
    page.wait_for_function(kept)
    own_view.save()
    name = "test_a_reopened_notebook_shows_the_last_picture_without_a_kernel.ipynb"
    own_view.shut_down()
    with lab_page(browser) as other:
        Notebook(other, lab, name)
        expect(
            other.locator('.armillary-static .armillary-node[data-step="review-quote"][data-state="waiting"]')
        ).to_be_visible()
        expect(other.locator(".armillary-static figcaption")).to_contain_text("waiting at review-quote")
        expect(other.get_by_text("model not found")).to_be_hidden()


def test_a_notebook_that_nobody_trusts_shows_the_picture_and_nothing_acts(lab: Lab, page: Page) -> None:
    hostile = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200" onload="window.hacked=1">'
        "<style>body{display:none}</style>"
        '<script>window.hacked=1</script><text x="9" y="40">hello</text></svg>'
    )
    data = {
        "application/vnd.armillary.diagram+json": {"svg": hostile, "caption": "<img src=x onerror=window.hacked=1>"},
        "text/plain": "?",
    }
    path = lab.write("untrusted.ipynb", ["1"])
    notebook = nbformat.read(path, 4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]
    nbformat.write(notebook, path)
    Notebook(page, lab, "untrusted.ipynb")
    picture = page.locator(".armillary-static img")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 300
    expect(page.locator("figcaption")).to_contain_text("<img src=x onerror=window.hacked=1>")
    assert page.evaluate("() => window.hacked === undefined")


CELL = '''@workflow
def ask_twice(x: int) -> int:
    """Ask twice."""
    task("FirstQuestion")
    task("SecondQuestion")
    return x'''


def test_the_line_of_a_step_leads_to_its_cell(lab: Lab, page: Page) -> None:
    start = "bench = arm.Workbench('memory://')\ncase = bench.start(ask_twice, {'x': 1}).wait(timeout=30)"
    lab.write("lines.ipynb", ["import armillary as arm\nfrom armillary import task, workflow", CELL, start, "case"])
    notebook = Notebook(page, lab, "lines.ipynb")
    notebook.run_all()
    page.locator(".armillary-live .armillary-node[data-step=second-question]").click()
    chosen = page.get_by_role("region", name="Chosen step")
    expect(chosen.locator(".armillary-live-line-here")).to_contain_text('task("SecondQuestion")')
    chosen.get_by_role("button", name="In [2], line 5").click()
    page.wait_for_function("() => driver.panel.content.activeCellIndex === 1")
    page.wait_for_function(
        "([line, column]) => { const { start } = driver.cells[1].editor.getSelection();"
        " return start.line === line && start.column === column; }",
        arg=[4, 0],
    )
    notebook.shut_down()
