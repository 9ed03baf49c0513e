"""The moments of a schedule, against those that a plain count gives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from armillary_engine.clock import as_microseconds
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.operations import Every
from armillary_engine.worker.recurrence import SECOND, between, check_every, next_after

CENTURY = 100 * 366 * 86_400
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
AT = as_microseconds(NOON)


def moments(every: Every, first: int, until: int) -> list[int]:
    """All from ``first`` to ``until``, one by one."""
    found = [first]
    while (following := next_after(every, found[-1], AT)) is not None and following <= until:
        found.append(following)
    return found


@pytest.mark.parametrize("every", [Every(interval=7), Every(interval=7, anchor=NOON), Every("* * * * *")])
@pytest.mark.parametrize("late", [0, 1, 7 * SECOND - 1, 7 * SECOND, 60 * SECOND, 305 * SECOND + 1])
@pytest.mark.parametrize("at_most", [1, 2, 100])
def test_what_was_missed_are_the_last_moments_of_a_plain_count(every: Every, late: int, at_most: int) -> None:
    first = next_after(every, AT, AT)
    assert first is not None
    assert (
        between(every, first, first + late, anchor=AT, at_most=at_most)
        == (moments(every, first, first + late)[-at_most:])
    )


@pytest.mark.parametrize(
    ("moment", "due"), [(-8, 0), (-1, 0), (0, 10), (9, 10), (10, 20), (25, 30)]
)  # fmt: skip
def test_an_interval_counts_from_its_anchor(moment: int, due: int) -> None:
    """The anchor is a moment itself, and no moment comes after itself."""
    every = Every(interval=10, anchor=NOON)
    assert next_after(every, AT + moment * SECOND, AT + 3) == AT + due * SECOND


@pytest.mark.parametrize(("moment", "due"), [(-5, 10), (0, 10), (10, 20)])
def test_an_interval_without_an_anchor_begins_after_the_first_one(moment: int, due: int) -> None:
    assert next_after(Every(interval=10), AT + moment * SECOND, AT) == AT + due * SECOND


@pytest.mark.parametrize("moment", [0, 1, SECOND - 1, 59 * SECOND, 60 * SECOND - 1])
def test_a_moment_of_a_cron_line_is_after_what_was_asked(moment: int) -> None:
    assert next_after(Every("* * * * *"), AT + moment, 0) == AT + 60 * SECOND


@pytest.mark.parametrize("interval", [0.001, CENTURY])
def test_the_shortest_and_the_longest_interval(interval: float) -> None:
    check_every(Every(interval=interval))
    with pytest.raises(ArmillaryError, match="a hundred years"):
        check_every(Every(interval=interval / 2 if interval < 1 else interval + 1))
