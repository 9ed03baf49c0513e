"""What pytest knows where Armillary is installed."""

from __future__ import annotations

import subprocess
import sys

from armillary.testing import answer, run

from ..approval import ask_once


def test_the_fixtures_are_there(armillary_run, armillary_workbench):
    assert armillary_run is run
    assert armillary_run(ask_once, [answer("Ask", {"answer": "approve"})]).output["answer"] == "approve"
    instance = armillary_workbench.start(ask_once)
    instance.wait(timeout=10).tasks[0].complete({"answer": "decline"})
    assert instance.wait("ended", timeout=10).output["answer"] == "decline"


def test_the_plugin_loads_nothing_until_it_is_used():
    code = "import sys, armillary.pytest_plugin; print(*[m for m in sys.modules if m.startswith('armillary')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"armillary", "armillary.pytest_plugin"}
