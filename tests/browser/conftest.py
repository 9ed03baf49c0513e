"""One JupyterLab for all browser tests; pages on it, and pages without it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .bare import Bare
from .harness import PATIENCE, Lab, lab_page

SUPPORT = Path(__file__).parent.parent / "workbench" / "widgets"

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(
        tmp_path_factory.mktemp("lab"),
        environment={"PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(SUPPORT)]))},
    )
    yield lab
    lab.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page. While it stays without JupyterLab, which has errors of its own, any error in it is a failure."""
    errors: list[str] = []
    with lab_page(browser, reduced_motion="reduce") as page:
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert errors == [] or page.url != "about:blank"


@pytest.fixture
def show(page: Page) -> Iterator[Callable[..., Bare]]:
    """Shows what a live view can show in the page, without JupyterLab: takes what ``Bare`` takes after it."""
    shown: list[Bare] = []

    def show(*what: Any, **options: Any) -> Bare:
        shown.append(Bare(page, *what, **options))
        return shown[-1]

    yield show
    for view in shown:
        view.close()
