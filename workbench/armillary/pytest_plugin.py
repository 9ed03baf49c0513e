"""Fixtures for tests of workflows, known to pytest wherever Armillary is installed. Nothing is loaded until they are
used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import Run
    from .workbench import Workbench


@pytest.fixture
def armillary_run() -> Callable[..., Run]:
    """``armillary.testing.run``: runs a workflow against a script, without waiting."""
    from .testing import run

    return run


@pytest.fixture
def armillary_workbench() -> Iterator[Workbench]:
    """A workbench on a store in memory that is this test's own, closed at its end."""
    from .workbench import Workbench

    with Workbench("memory://") as bench:
        yield bench
