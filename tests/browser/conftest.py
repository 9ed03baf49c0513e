"""One JupyterLab for all browser tests, and pages on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .harness import Lab, lab_page

SUPPORT = Path(__file__).parent.parent / "workbench" / "widgets"


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
    with lab_page(browser) as page:
        yield page
