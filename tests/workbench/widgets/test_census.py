"""Where all instances of a workflow stand: what ended is counted once, however it was heard of."""

from __future__ import annotations

from collections.abc import Iterator

import armillary as arm
import pytest
from armillary import task, workflow
from armillary.widgets.census import Census


@workflow
def ask() -> str:
    """Asks somebody."""
    task("Ask")
    return "asked"


@pytest.fixture
def bench() -> Iterator[arm.Workbench]:
    with arm.Workbench("memory://") as bench:
        for _ in range(3):
            bench.start(ask, {}).wait(timeout=60)
        yield bench


@pytest.fixture
def census(bench) -> Census:
    census = Census(bench.runtime, bench.runtime.definition("Ask"))
    assert census.read()
    assert (census.statuses, census.gone) == ({"waiting": 3}, {})
    return census


def cancelled(bench: arm.Workbench) -> str:
    """One more instance is over."""
    instance = next(one for one in bench.instances() if one.status == "waiting")
    instance.cancel()
    instance.wait(until="ended", timeout=60)
    return instance.id


def test_what_is_over_is_counted_once_however_often_it_is_heard_of(bench, census):
    over = cancelled(bench)
    for hint in (over, over, ""):
        census.heard(over)
        census.heard(hint)
        census.read()
        assert (census.statuses, census.gone) == ({"waiting": 2}, {"cancelled": 1})


def test_what_is_over_is_counted_where_a_hint_stands_for_anything(bench, census):
    cancelled(bench)
    census.heard("")
    assert census.read()
    assert (census.statuses, census.gone) == ({"waiting": 2}, {"cancelled": 1})


def test_what_began_and_ended_between_two_looks_is_counted(bench, census):
    short = bench.start(ask, {})
    short.cancel()
    short.wait(until="ended", timeout=60)
    for hint in (short.id, ""):
        census.heard(hint)
    census.read()
    assert (census.statuses, census.gone) == ({"waiting": 3}, {"cancelled": 1})


def test_what_ended_while_nobody_looked_is_not_counted(bench, census):
    cancelled(bench)
    census.forget()
    assert census.read()
    assert (census.statuses, census.gone) == ({"waiting": 2}, {})
