"""Ids: in order of time, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from armillary_engine.ids import new_id
from hypothesis import given
from hypothesis import strategies as st

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
LAST = 2**50 * 1_000 - 1
"""Microseconds: the last moment that ten digits hold."""


@given(st.integers(0, LAST), st.integers(0, LAST))
def test_they_are_in_order_of_time(one: int, other: int) -> None:
    first, second = new_id(one), new_id(other)
    assert set(first + second) <= set(DIGITS)
    assert (len(first), len(second)) == (20, 20)
    assert (first[:10] < second[:10]) == (one // 1_000 < other // 1_000)
    assert sum(DIGITS.index(digit) << 5 * (9 - at) for at, digit in enumerate(first[:10])) == one // 1_000


def test_no_two_are_alike() -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend([new_id(0) for _ in range(2_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_a_child_gives_none_of_its_parents() -> None:
    text = """
import os, sys
from armillary_engine.ids import new_id
new_id(0)  # the parent has asked for many
ours, theirs = os.pipe()
if os.fork() == 0:
    os.write(theirs, " ".join(new_id(0) for _ in range(100)).encode())
    os._exit(0)
os.wait()
child = set(os.read(ours, 10_000).decode().split())
print(len(child), len(child & {new_id(0) for _ in range(100)}))
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["100", "0"]
