"""Durations and moments: ISO 8601 text outside, whole microseconds inside.

A duration is weeks, days (of 24 hours), hours, minutes and seconds; years and months have no fixed length and are
refused. A moment is microseconds since 1970-01-01T00:00:00Z; its text has ``Z`` and a fraction only when there is one.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from .problems import ArmillaryError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MAX_DURATION = 3_660_000 * DAY
"""About ten thousand years, in microseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ISO = re.compile(
    r"(?P<sign>-?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:[.,](?P<fraction>\d{1,6})\d*)?S)?)?",
    re.ASCII,
)
_SHORT = re.compile(r"(\d+)\s*(ms|min|s|m|h|d|w)\s*", re.ASCII)
_SHORT_UNITS = {"ms": 1_000, "s": SECOND, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,6})\d*)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)


class DurationError(ArmillaryError):
    """A text that is no duration or no date and time (``duration.invalid``, ``datetime.invalid``)."""


def _not_a_duration(text: str) -> DurationError:
    hint = "write it like 30s, 2h30m, 14d, or in ISO 8601: PT30S, PT2H30M, P14D (no years or months)"
    return DurationError("duration.invalid", f"expected a duration, got {text[:60]!r}", hint=hint)


def duration_microseconds(text: str) -> int:
    """ISO 8601 duration → microseconds."""
    found = _ISO.fullmatch(text) if len(text) <= 100 else None
    if found is None or text[-1] in "PT":
        raise _not_a_duration(text)
    weeks, days, hours, minutes, seconds = (int(found[unit] or 0) for unit in _UNITS)
    total = (weeks * 7 + days) * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND
    total += int((found["fraction"] or "0").ljust(6, "0"))
    if total > MAX_DURATION:
        raise DurationError("duration.invalid", f"expected a duration of at most 3,660,000 days, got {text!r}")
    return -total if found["sign"] else total


_UNITS = ("weeks", "days", "hours", "minutes", "seconds")


def duration_text(microseconds: int) -> str:
    """Microseconds → canonical ISO 8601 text: ``PT30S``, ``PT2H30M``, ``P14D``, ``P1DT12H``, ``PT0S``, ``-PT5M``."""
    sign, rest = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    days, rest = divmod(rest, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, fraction = divmod(rest, SECOND)
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if fraction:
        clock += f"{seconds}.{fraction:06d}".rstrip("0") + "S"
    elif seconds or not (days or clock):
        clock += f"{seconds}S"
    return f"{sign}P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "")


def parse_duration(text: str | timedelta) -> str:
    """What an author writes (``30s``, ``2h30m``, ``500ms``, ``14d``, ``PT30S``, a ``timedelta``) → canonical text."""
    if isinstance(text, timedelta):
        return duration_text(text // _MICROSECOND)
    stripped = text.strip()
    if stripped[:1] in ("P", "-"):
        return duration_text(duration_microseconds(stripped))
    total, position = 0, 0
    while position < len(stripped):
        found = _SHORT.match(stripped, position)
        if found is None or len(found[1]) > 20:
            raise _not_a_duration(text)
        total += int(found[1]) * _SHORT_UNITS[found[2]]
        position = found.end()
    if not stripped or total > MAX_DURATION:
        raise _not_a_duration(text)
    return duration_text(total)


def is_duration(text: str) -> bool:
    """Whether ``text`` is an ISO 8601 duration that the engine takes."""
    try:
        duration_microseconds(text)
    except DurationError:
        return False
    return True


# ── moments ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_datetime(text: str) -> datetime:
    """ISO 8601 date and time with an offset, or a date alone (midnight UTC) → aware ``datetime``. A fraction finer than
    microseconds is cut off."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise _not_a_moment(text)
    day, clock, seconds, fraction, offset = found.groups()
    if clock is None:
        offset = "Z"
    if offset is None:
        raise _not_a_moment(text, "add an offset: …Z or …+01:00")
    iso = f"{day}T{clock or '00:00'}{seconds or ':00'}.{(fraction or '0').ljust(6, '0')}{offset.upper()}"
    try:
        return datetime.fromisoformat(iso)
    except ValueError:
        raise _not_a_moment(text) from None


def parse_date(text: str) -> date:
    """ISO 8601 date → ``date``."""
    try:
        if not _DATE.fullmatch(text):  # fromisoformat knows weeks and other spellings too
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        hint = "write it like 2026-11-23"
        raise DurationError("datetime.invalid", f"expected a date, got {text[:60]!r}", hint=hint) from None


def _not_a_moment(text: str, hint: str = "write it like 2026-11-23T10:00:00Z") -> DurationError:
    return DurationError("datetime.invalid", f"expected a date and time, got {text[:60]!r}", hint=hint)


def microseconds_of(moment: datetime) -> int:
    """An aware ``datetime`` → microseconds since the epoch."""
    return (moment - _EPOCH) // _MICROSECOND


def instant_microseconds(text: str) -> int:
    """ISO 8601 date and time → microseconds since the epoch."""
    return microseconds_of(parse_datetime(text))


def instant_text(microseconds: int) -> str:
    """Microseconds since the epoch → ``2026-11-23T10:00:00Z``, with ``.ffffff`` only when needed."""
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        message = f"expected a moment between the years 1 and 9999, got {microseconds} microseconds"
        raise DurationError("datetime.invalid", message) from None
    text = moment.replace(tzinfo=None).isoformat(timespec="microseconds" if moment.microsecond else "seconds")
    return text + "Z"
