"""The moments of a schedule. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ..clock import as_datetime, as_microseconds
from ..definition.problems import ArmillaryError
from ..operations import Every

SECOND = 1_000_000


def check_every(every: Every) -> None:
    """Raises ``schedule.invalid`` for what has no moments."""
    if (every.cron is None) is (every.interval is None):
        given = "neither" if every.cron is None else "both"
        raise _invalid(f"expected either a cron line or an interval, got {given}", "give one of the two")
    if every.interval is not None and not 0.001 <= every.interval <= 100 * 366 * 86_400:
        raise _invalid(f"expected an interval from 0.001 s to a hundred years, got {every.interval!r}", "use seconds")
    if every.anchor is not None and every.anchor.tzinfo is None:
        raise _invalid("expected an anchor with a time zone, got none", "add one, for example timezone.utc")
    zone = _zone(every.timezone)
    if every.cron is not None:
        try:
            CronSim(every.cron, datetime.now(zone))
        except CronSimError as error:
            hint = "write minute, hour, day, month and weekday: '0 8 * * MON-FRI'"
            raise _invalid(f"expected a cron line, got {every.cron!r}: {error}", hint) from None


def next_after(every: Every, moment: int, anchor: int) -> int | None:
    """The first moment after ``moment`` (microseconds); ``anchor`` is where an interval counts from by default. Raises
    ``schedule.invalid`` for a time zone that this machine does not know."""
    if every.interval is not None:
        step, first = _interval(every, anchor)
        return first if moment < first else first + ((moment - first) // step + 1) * step
    moments = map(_moment, CronSim(every.cron or "", _local(every, moment)))
    # In an hour that the wall's clock shows for the second time, the first one comes once more.
    return next((one for one in moments if one > moment), None)


def between(every: Every, first: int, until: int, *, anchor: int, at_most: int) -> list[int]:
    """The last ``at_most`` moments from ``first`` to ``until``, oldest first."""
    if every.interval is not None:
        step, _ = _interval(every, anchor)
        count = min(at_most, (until - first) // step + 1)
        last = first + (until - first) // step * step
        return [last - step * back for back in range(count - 1, -1, -1)]
    # Backwards, from just after ``until``: a second may end a year of them.
    latest = CronSim(every.cron or "", _local(every, until + SECOND), reverse=True)
    found: list[int] = []
    for moment in takewhile(lambda one: one >= first, map(_moment, latest)):
        if moment <= until:
            found.append(moment)
        if len(found) >= at_most:
            break
    return found[::-1] or [first]


def _interval(every: Every, anchor: int) -> tuple[int, int]:
    step = max(1, round((every.interval or 0) * SECOND))
    return step, as_microseconds(every.anchor) if every.anchor is not None else anchor + step


def _local(every: Every, moment: int) -> datetime:
    return as_datetime(moment).astimezone(_zone(every.timezone))


def _zone(name: str) -> tzinfo:
    """Raises ``schedule.invalid``: the machine that made a schedule may know more time zones than this one."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = "use a name of the time zone database, such as Europe/Vienna"
        raise _invalid(f"expected a time zone that this machine knows, got {name!r}", hint) from None


def _moment(local: Any) -> int:
    return as_microseconds(local.astimezone(UTC))


def _invalid(message: str, hint: str) -> ArmillaryError:
    return ArmillaryError("schedule.invalid", message, hint=hint)
