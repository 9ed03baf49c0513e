"""Core functions on dates, date-times and durations (all are ISO 8601 text)."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from ..durations import (
    DAY,
    HOUR,
    MAX_DURATION,
    MINUTE,
    SECOND,
    DurationError,
    duration_microseconds,
    duration_text,
    instant_microseconds,
    instant_text,
    parse_date,
    parse_datetime,
)
from ..model import Value
from .core import CONTEXT, Entry, FunctionError, exact, whole


def _checked(call: Callable[..., Value]) -> Callable[..., Value]:
    def checked(*args: Value) -> Value:
        try:
            return call(*args)
        except DurationError as problem:
            raise FunctionError("value", problem.message) from None

    return checked


def _moment(text: str) -> datetime:
    return parse_datetime(text).astimezone(UTC)


def _shift(text: str, microseconds: int) -> str:
    is_date = len(text) == 10
    moment = instant_text(instant_microseconds(text) + microseconds)
    return moment[:10] if is_date and microseconds % DAY == 0 else moment


def _add_months(text: str, months: Value) -> str:
    day = parse_date(text[:10]) if len(text) == 10 else _moment(text).date()
    year, month = divmod(day.year * 12 + day.month - 1 + whole(months, "months"), 12)
    if not 1 <= year <= 9999:
        raise FunctionError("value", f"expected a year from 1 to 9999, got {year}")
    last = calendar.monthrange(year, month + 1)[1]
    shifted = date(year, month + 1, min(day.day, last)).isoformat()
    return shifted if len(text) == 10 else shifted + instant_text(instant_microseconds(text))[10:]


def _seconds(microseconds: int) -> Value:
    return exact(CONTEXT.divide(Decimal(microseconds), Decimal(SECOND)))


def _duration(days: Value, hours: Value = 0, minutes: Value = 0, seconds: Value = 0) -> str:
    units = (DAY, HOUR, MINUTE, SECOND)
    given = (Decimal(str(part)) for part in (days, hours, minutes, seconds))
    total = Decimal()
    for part, unit in zip(given, units, strict=True):
        total = CONTEXT.add(total, CONTEXT.multiply(part, Decimal(unit)))
    if abs(total) > MAX_DURATION:
        raise FunctionError("value", "expected a duration of at most 3,660,000 days, got more")
    return duration_text(round(total))


def _days_between(start: str, end: str) -> Value:
    return (instant_microseconds(end) - instant_microseconds(start)) // DAY


_D = "date:date"
ENTRIES = tuple(
    Entry(entry.name, entry.parameters, entry.result, _checked(entry.call), entry.doc, entry.examples)
    for entry in (
        Entry("date_add", "date:date duration:duration", "date",
              lambda d, p: _shift(d, duration_microseconds(p)), "The date or date-time so much later.",
              (('date_add("2026-11-23", "P14D")', '"2026-12-07"'),)),
        Entry("date_subtract", "date:date duration:duration", "date",
              lambda d, p: _shift(d, -duration_microseconds(p)), "The date or date-time so much earlier.",
              (('date_subtract("2026-11-23T10:00:00Z", "PT1H")', '"2026-11-23T09:00:00Z"'),)),
        Entry("add_months", "date:date months:number", "date", _add_months,
              "So many calendar months later; a day that the month lacks becomes its last.",
              (('add_months("2026-01-31", 1)', '"2026-02-28"'),)),
        Entry("days_between", "start:date end:date", "number", _days_between, "Whole days from start to end.",
              (('days_between("2026-11-23", "2026-12-01")', "8"),)),
        Entry("seconds_between", "start:date end:date", "number",
              lambda a, b: _seconds(instant_microseconds(b) - instant_microseconds(a)), "Seconds from start to end.",
              (('seconds_between("2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z")', "60"),)),
        Entry("is_before", "a:date b:date", "boolean", lambda a, b: instant_microseconds(a) < instant_microseconds(b),
              "Whether a is earlier than b, whatever their offsets.",
              (('is_before("2026-11-23T10:00:00+02:00", "2026-11-23T09:00:00Z")', "True"),)),
        Entry("date_of", _D, "date", lambda d: _moment(d).date().isoformat(), "The date, in UTC.",
              (('date_of("2026-11-23T23:30:00-02:00")', '"2026-11-24"'),)),
        Entry("year", _D, "number", lambda d: _moment(d).year, "The year, in UTC.", (('year("2026-11-23")', "2026"),)),
        Entry("month", _D, "number", lambda d: _moment(d).month, "1 to 12.", (('month("2026-11-23")', "11"),)),
        Entry("day", _D, "number", lambda d: _moment(d).day, "1 to 31.", (('day("2026-11-23")', "23"),)),
        Entry("hour", _D, "number", lambda d: _moment(d).hour, "0 to 23.", (('hour("2026-11-23T10:00:00Z")', "10"),)),
        Entry("minute", _D, "number", lambda d: _moment(d).minute, "0 to 59.",
              (('minute("2026-11-23T10:30:00Z")', "30"),)),
        Entry("weekday", _D, "number", lambda d: _moment(d).isoweekday(), "1 (Monday) to 7 (Sunday).",
              (('weekday("2026-11-23")', "1"),)),
        Entry("duration", "days:number hours:number? minutes:number? seconds:number?", "duration", _duration,
              "A duration of so many days, hours, minutes and seconds.", (("duration(1, 12)", '"P1DT12H"'),)),
        Entry("duration_seconds", "duration:duration", "number", lambda p: _seconds(duration_microseconds(p)),
              "The length in seconds.", (('duration_seconds("PT2M")', "120"),)),
    )
)  # fmt: skip
