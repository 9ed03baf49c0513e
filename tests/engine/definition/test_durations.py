"""Durations and moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from armillary_engine.definition.durations import (
    MAX_DURATION,
    DurationError,
    duration_microseconds,
    duration_text,
    instant_microseconds,
    instant_text,
    microseconds_of,
    parse_date,
    parse_datetime,
    parse_duration,
)
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(-MAX_DURATION, MAX_DURATION))
def test_durations_read_back(microseconds: int) -> None:
    text = duration_text(microseconds)
    assert duration_microseconds(text) == microseconds
    assert parse_duration(text) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("30s", "PT30S"),
        ("2h30m", "PT2H30M"),
        ("2 h 30 min", "PT2H30M"),
        ("14d", "P14D"),
        ("2w", "P14D"),
        ("36h", "P1DT12H"),
        ("500ms", "PT0.5S"),
        ("0s", "PT0S"),
        ("PT90S", "PT1M30S"),
        ("P1W", "P7D"),
        ("PT1.5S", "PT1.5S"),
        (timedelta(days=1), "P1D"),
        ("-PT5M", "-PT5M"),
        (" 5m ", "PT5M"),
        ("PT0.0000019S", "PT0.000001S"),
    ],
)
def test_what_authors_write(written: str, text: str) -> None:
    assert parse_duration(written) == text


@pytest.mark.parametrize(
    "written", ["", "1", "s", "1y", "P1Y", "P1M", "PT", "P", "1h1", "1.5h", "P1DT", "٣s", "9" * 30 + "d", "1h\0"]
)
def test_what_is_no_duration(written: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(written)
    assert caught.value.code == "duration.invalid"


@given(st.datetimes(timezones=st.builds(timezone, st.builds(timedelta, minutes=st.integers(-840, 840)))))
def test_moments_read_back(moment: datetime) -> None:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        return
    text = instant_text(microseconds_of(utc))
    assert text.endswith("Z")
    assert parse_datetime(text) == utc
    assert instant_microseconds(moment.isoformat()) == microseconds_of(utc)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2026-11-23", "2026-11-23T00:00:00Z"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("2026-11-23 10:00+01", "2026-11-23T09:00:00Z"),
        ("2026-11-23T10:00:00.1234567891Z", "2026-11-23T10:00:00.123456Z"),
        ("2026-11-23T10:00:00,5+01:30", "2026-11-23T08:30:00.500000Z"),
    ],
)
def test_moments(written: str, text: str) -> None:
    assert instant_text(instant_microseconds(written)) == text


@pytest.mark.parametrize(
    "written", ["", "2026-11-31", "2026-11-23T10:00:00", "2026-11-23T25:00Z", "23.11.2026", "2026-W48-1", "20261123"]
)
def test_what_is_no_moment(written: str) -> None:
    with pytest.raises(DurationError) as caught:
        instant_microseconds(written)
    assert caught.value.code == "datetime.invalid"


def test_dates() -> None:
    assert parse_date("2026-11-23").isoformat() == "2026-11-23"
    for written in ("2026-11-31", "2026-11-23T00:00:00Z", "2026-W48-1", "20261123"):
        with pytest.raises(DurationError):
            parse_date(written)
    with pytest.raises(DurationError):
        instant_text(10**20)
