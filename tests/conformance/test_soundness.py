"""That every test checks its stores: a defect in one is a failure of the test, whoever closes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime

pytest_plugins = ("pytester",)
BROKEN = """
from armillary_engine.backends.memory import MemoryBackend
from armillary_engine.definition import model as m
from armillary_engine.local import LocalRuntime
import pytest

def breaks(closes):
    store = MemoryBackend()
    runtime = LocalRuntime("memory://", store=store, work=False)
    runtime.deploy(m.Definition("Case", (m.Signal("go", "go"),)))
    runtime.start("Case")
    store.tables.waits.clear()
    if closes:
        runtime.close()
    return runtime

def test_closed():
    breaks(True)

def test_left_open():
    global kept
    kept = breaks(False)

@pytest.mark.unsound
def test_on_purpose():
    breaks(True)
"""


@pytest.mark.unsound
def test_a_defect_fails_the_test_that_made_it(pytester: pytest.Pytester) -> None:
    """Run as a test below the folder of the engine's, with the fixture that all of them have."""
    shared = Path(__file__).parent.parent / "_soundness.py"
    pytester.makeini("[pytest]\nmarkers = unsound: broken on purpose")
    pytester.makeconftest(
        f"""
import importlib.util, pytest
spec = importlib.util.spec_from_file_location("soundness_again", {str(shared)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

@pytest.fixture(autouse=True)
def checked(request):
    with module.sound(request.node.get_closest_marker("unsound") is None):
        yield
"""
    )
    pytester.makepyfile(BROKEN)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3, errors=2)


def test_every_package_that_opens_stores_is_checked(request: pytest.FixtureRequest) -> None:
    assert "_every_store_is_sound" in request.fixturenames
    with LocalRuntime("memory://", store=MemoryBackend(), work=False) as runtime:
        assert "sound" in LocalRuntime.close.__qualname__, "closing is watched"
        runtime.deploy(m.Definition("Case", ()))
