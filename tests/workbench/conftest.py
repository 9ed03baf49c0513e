"""A store of its own for each test, and a workbench on it that is closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from armillary import Workbench


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.sqlite"


@pytest.fixture
def bench(url: str) -> Iterator[Workbench]:
    with Workbench(url) as bench:
        yield bench
