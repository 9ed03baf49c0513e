"""A few cases of the fuzzer, always the same; ``make fuzz`` runs new ones for two minutes."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def fuzzing():
    before = list(sys.path)
    found = SimpleNamespace(**runpy.run_path(str(HERE / "fuzz.py")))
    yield found
    sys.path[:] = before


@pytest.mark.parametrize("target", ["expression", "document", "yaml", "python"])
def test_some_cases(fuzzing, target):
    report = fuzzing.fuzz([target], cases=60)
    assert report.findings == []
    understood = {word for word in report.outcomes[target] if word not in ("refused", "no Python")}
    assert understood, "nothing was understood, so that only refusals were tried"
    assert report.outcomes[target]["refused"], "nothing was refused"


def test_a_foreign_error_is_found(fuzzing, monkeypatch):
    def broken(_case, _random):
        raise KeyError("x")

    monkeypatch.setitem(fuzzing.targets.TARGETS, "yaml", fuzzing.targets.Target(lambda _random: "", broken))
    assert len(fuzzing.fuzz(["yaml"], cases=20).findings) == 10


def test_a_hang_is_found(fuzzing, monkeypatch):
    def endless(_case, _random):
        while True:
            pass

    monkeypatch.setitem(fuzzing.run_case.__globals__, "CASE_LIMIT", 0.05)
    monkeypatch.setitem(fuzzing.targets.TARGETS, "yaml", fuzzing.targets.Target(lambda _random: "", endless))
    (finding,) = fuzzing.fuzz(["yaml"], cases=1).findings
    assert "HangError" in finding
