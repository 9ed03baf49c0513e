"""The guided notebook in a real JupyterLab, as a person goes through it: run, look, click, kill, go on."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .harness import Lab, Notebook, lab_page

pytestmark = [pytest.mark.require("chromium", "jupyterlab"), pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "test-results" / "screenshots"


@pytest.fixture
def tour(lab: Lab, request: pytest.FixtureRequest) -> str:
    """A copy of the guided notebook under a name of its own."""
    name = f"{request.node.name.partition('[')[0]}.ipynb"
    shutil.copy(ROOT / "notebooks" / "00_first_workflow.ipynb", lab.folder / name)
    return name


@pytest.fixture
def notebook(lab: Lab, page: Page, tour: str) -> Iterator[Notebook]:
    notebook = Notebook(page, lab, tour)
    yield notebook
    notebook.shut_down()


def node(page: Page, step: str, state: str) -> Any:
    return page.locator(f'.armillary-live .armillary-node[data-step="{step}"][data-state="{state}"]')


def choose(page: Page, label: str) -> None:
    page.locator(".armillary-live-segments label", has_text=label).click()


def expect_columns(page: Page, count: int) -> None:
    """Until the panes of the view stand in so many columns."""
    columns = "getComputedStyle(document.querySelector('.armillary-live-body')).gridTemplateColumns"
    page.wait_for_function(f"(count) => {columns}.split(' ').length === count", arg=count)


def complete(page: Page) -> None:
    page.get_by_role("button", name="Complete task").click()


def test_a_person_goes_through_it_by_clicking(notebook: Notebook, page: Page) -> None:
    notebook.run_all(until=notebook.index("live") + 1)
    expect(page.locator(".armillary-static .armillary-node").first).to_be_visible()
    node(page, "review-quote", "waiting").wait_for()
    expect(page.locator(".armillary-live-event", has_text="the tariff server is starting")).to_have_count(1)
    expect(node(page, "requote", "not-reached")).to_have_count(1)

    choose(page, "requote")
    page.get_by_label("Excess").fill("1000")
    complete(page)
    node(page, "requote", "done").wait_for()
    expect(page.locator('.armillary-live [data-step="review-quote"] .armillary-visits')).to_have_text("×2")

    expect(page.locator(".armillary-live-task")).to_have_count(1)
    page.locator(".armillary-live-payload", has_text="1085.82").wait_for()
    choose(page, "accept")
    complete(page)
    node(page, "sign-offer", "waiting").wait_for()
    choose(page, "Yes")
    page.get_by_label("First day").fill("2027-01-01")
    complete(page)
    expect(page.locator(".armillary-live-badge")).to_have_attribute("data-status", "completed")
    node(page, "documents", "done").wait_for()

    notebook.run_all()
    outcome = notebook.text(notebook.index("outcome"))
    assert "result='issued'" in outcome
    assert "yearly=Decimal('1292.13')" in outcome
    assert (notebook.lab.folder / "insure_vehicle.svg").read_text().startswith("<svg")


def test_it_runs_from_top_to_bottom_without_a_click(notebook: Notebook, page: Page) -> None:
    notebook.run_all()
    assert "completed" in notebook.text(notebook.index("rest"))
    expect(page.locator(".armillary-live-badge")).to_have_attribute("data-status", "completed")


def test_a_killed_kernel_loses_nothing(notebook: Notebook, page: Page) -> None:
    live = notebook.index("live")
    notebook.run_all(until=live + 1)
    node(page, "review-quote", "waiting").wait_for()
    number = notebook.index("start")
    notebook.set_source(notebook.index("cases"), "print(case.id)")
    notebook.run(notebook.index("cases"))
    id = notebook.text(notebook.index("cases")).strip()

    os.kill(notebook.kernel_process(), signal.SIGKILL)
    page.get_by_text("No kernel is following this instance").wait_for()
    page.get_by_role("button", name="Ok").click()
    notebook.wait_until_ready()

    for cell in ("imports", "models", "workflow", "handlers"):
        notebook.run(notebook.index(cell))
    notebook.set_source(number, f"case = bench.instance({id!r})")
    notebook.run(number)
    notebook.run(live)
    node(page, "review-quote", "waiting").wait_for()
    choose(page, "accept")
    complete(page)
    node(page, "sign-offer", "waiting").wait_for()
    choose(page, "Yes")
    complete(page)
    expect(page.locator(".armillary-live-badge")).to_have_attribute("data-status", "completed")
    notebook.set_source(
        number,
        "[event.number for event in case.history] == list(range(1, len(case.history) + 1)), case.output['result']",
    )
    notebook.run(number)
    assert notebook.text(number) == "(True, 'issued')"


@pytest.mark.parametrize(("width", "height", "mode"), [(1280, 900, "doc"), (1920, 1080, "lab")])
def test_screenshots(lab: Lab, browser: Browser, tour: str, width: int, height: int, mode: str) -> None:
    """In both themes, between which JupyterLab changes while the view is there; and on a narrow page."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    with lab_page(browser, width=width, height=height, reduced_motion="reduce") as page:
        notebook = Notebook(page, lab, tour, mode=mode)
        notebook.run_all(until=notebook.index("live") + 1)
        node(page, "review-quote", "waiting").wait_for()
        choose(page, "requote")
        page.get_by_label("Excess").fill("1000")
        complete(page)
        node(page, "requote", "done").wait_for()
        view = page.locator(".armillary-live")
        for theme, background in (("Light", "rgb(255, 255, 255)"), ("Dark", "rgb(21, 26, 33)")):
            notebook.use_theme(f"JupyterLab {theme}")
            expect(view).to_have_css("background-color", background)
            expect(view.locator(".armillary-surface").first).to_have_css("fill", background)
            expect_columns(page, 2)
            view.evaluate("(element) => element.scrollIntoView({block: 'start'})")
            page.mouse.move(0, 0)
            page.screenshot(path=SHOTS / f"{width}-{theme.lower()}.png")
            view.screenshot(path=SHOTS / f"{width}-{theme.lower()}-view.png")
            page.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth")
        page.set_viewport_size({"width": 640, "height": 900})
        if mode == "doc":
            expect_columns(page, 1)
        page.wait_for_function(
            "() => { const view = document.querySelector('.armillary-live');"
            " return view.scrollWidth <= view.clientWidth + 1; }"
        )
        notebook.shut_down()
