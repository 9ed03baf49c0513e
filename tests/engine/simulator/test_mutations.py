"""The simulation finds bugs: each defect of the kept list is put in, and found within so many seeds."""

from __future__ import annotations

import pytest
from armillary_engine.testing.simulator import simulate

from .mutations import MUTATIONS

SEEDS = 400
"""A defect that needs more of them is not found."""


def test_the_list_is_long_enough() -> None:
    assert len(MUTATIONS) >= 20


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_defect_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTATIONS[name](monkeypatch)
    for seed in range(SEEDS):
        if simulate(seed).failure is not None:
            return
    pytest.fail(f"{SEEDS} seeds did not find that {name}")
