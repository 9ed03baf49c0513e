"""Pictures are made without the garbage collector; the host's own switch is as it was afterwards."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from armillary_renderers import collector
from armillary_renderers.gallery import GALLERY
from armillary_renderers.render import render


@pytest.fixture(autouse=True)
def switch() -> Iterator[None]:
    before = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if before else gc.disable)()


def test_it_is_off_within_and_on_after() -> None:
    with collector.paused():
        assert not gc.isenabled()
        with collector.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_on_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), collector.paused():
        _ = 1 // 0
    assert gc.isenabled()


def test_off_stays_off() -> None:
    gc.disable()
    with collector.paused():
        pass
    assert not gc.isenabled()


def test_who_comes_second_does_not_keep_it_off() -> None:
    """Else threads whose pauses overlap would never let it run."""
    inside, leave = threading.Event(), threading.Event()

    def second() -> None:
        with collector.paused():
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=second)
    with collector.paused():
        thread.start()
        assert inside.wait(60)
    on = gc.isenabled()
    leave.set()
    thread.join(60)
    assert on
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_has_it_on_and_can_pause_it() -> None:
    program = """
import gc, os
from armillary_renderers.collector import paused
with paused():
    child = os.fork()
    if child == 0:
        on = gc.isenabled()
        with paused():
            off = not gc.isenabled()
        os._exit(0 if on and off and gc.isenabled() else 1)
    _, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status) or not gc.isenabled())
"""
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def test_a_picture_leaves_nothing_for_it() -> None:
    """What the pause rests on: all that is thrown away is freed at once, without the collector."""
    assert render(GALLERY["settle-claim"]).svg  # whatever is made once
    gc.collect()
    gc.disable()
    assert render(GALLERY["settle-claim"]).svg
    assert gc.collect() == 0
