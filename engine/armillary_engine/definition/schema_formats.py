"""The formats of JSON Schema that are checked; others are annotations."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time

from .durations import DurationError, duration_microseconds, parse_date, parse_datetime

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE | re.ASCII)


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            parse(text)
        except (DurationError, ValueError):
            return False
        return True

    return fits


def _is_datetime(text: str) -> bool:
    return len(text) > 10 and _parses(parse_datetime)(text)


FORMATS: dict[str, tuple[Callable[[str], bool], str]] = {
    "date": (_parses(parse_date), "a date such as 2026-11-23"),
    "date-time": (_is_datetime, "a date and time with an offset, such as 2026-11-23T10:00:00Z"),
    "time": (_parses(time.fromisoformat), "a time such as 10:30:00"),
    "duration": (_parses(duration_microseconds), "a duration such as PT30S or P14D"),
    "email": (lambda text: bool(_EMAIL.fullmatch(text)), "an e-mail address"),
    "uuid": (lambda text: bool(_UUID.fullmatch(text)), "a UUID"),
    "uri": (lambda text: bool(_URI.fullmatch(text)), "a URI such as https://example.org/"),
}
"""Format → whether a text fits, and what it is called."""
