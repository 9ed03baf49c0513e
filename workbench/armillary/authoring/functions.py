"""The core functions for use in workflows: ``from armillary.functions import money, days_between``.

In a workflow they are part of an expression; called anywhere else they do the same with Python values. Those that
Python itself has (``len``, ``round``, ``sum``, …) and the methods of texts need no import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from armillary_engine.definition.expressions.functions import CORE, FunctionError
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.values import normalize

T = TypeVar("T")
Number = int | Decimal
Moment = date | datetime | str
Length = timedelta | str


def _run(name: str, *arguments: object) -> Any:
    """The core function on plain Python values."""
    function = CORE[name]
    values = [normalize(argument) for argument in arguments]
    extra = (1_000_000,) if function.sized else ()
    try:
        return function.call(*values, *extra)
    except FunctionError as error:
        raise ArmillaryError(f"expression.{error.code}", error.message) from None


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def pad_left(text: str, width: int, fill: str = " ", /) -> str:
    """Filled on the left up to the width."""
    return str(_run("pad_left", text, width, fill))


def pad_right(text: str, width: int, fill: str = " ", /) -> str:
    """Filled on the right up to the width."""
    return str(_run("pad_right", text, width, fill))


def format_number(value: Number, format: str, /) -> str:
    """The number in a format such as ``.2f`` or ``,.2f``; half-even."""
    return str(_run("format_number", value, format))


def money(amount: Number, places: int = 2, /) -> str:
    """The amount with a fixed number of places, half-even."""
    return str(_run("money", amount, places))


def as_text(value: Moment, /) -> str:
    """A date or date-time as the text that it is, so that `<` compares characters."""
    return str(normalize(value))


def concat(*parts: object) -> str:
    """The parts as one text, like an f-string."""
    return "".join(str(_run("str", part)) for part in parts)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def number(value: str | Number, /) -> Decimal:
    """A text such as ``12.50`` as a number."""
    return Decimal(_run("number", value))


def round_half_up(value: Number, places: int = 0, /) -> Decimal:
    """Rounded to places; a half goes away from zero."""
    return Decimal(_run("round_half_up", value, places))


def floor(value: Number, places: int = 0, /) -> Decimal:
    """Rounded down."""
    return Decimal(_run("floor", value, places))


def ceil(value: Number, places: int = 0, /) -> Decimal:
    """Rounded up."""
    return Decimal(_run("ceil", value, places))


# ── collections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def get(base: object, key: str | int, default: Any = None, /) -> Any:
    """The member or item; the default where there is none, or where ``base`` is None."""
    return _run("get", base, key, default)


def coalesce(*values: T | None) -> T:
    """The first that is not None."""
    found: T = _run("coalesce", *values)
    return found


def keys(object: Mapping[str, object], /) -> list[str]:
    """The names of the members, sorted."""
    return list(_run("keys", object))


def values(object: Mapping[str, T], /) -> list[T]:
    """The values of the members, sorted by name."""
    return list(_run("values", object))


def entries(object: Mapping[str, object], /) -> list[Any]:
    """The members as objects of key and value, sorted by key."""
    return list(_run("entries", object))


def merge(*objects: object) -> Any:
    """All members; of equal names the last."""
    return _run("merge", *objects)


def contains(base: object, item: object, /) -> bool:
    """Whether the list, object or text has it."""
    return bool(_run("contains", base, item))


def sort_by(items: Iterable[T], member: str, /) -> list[T]:
    """Objects in the order of one member."""
    return list(_run("sort_by", items, member))


def unique(items: Iterable[T], /) -> list[T]:
    """Without repetitions; the first of each stays."""
    return list(_run("unique", items))


def flatten(items: Iterable[Iterable[T]], /) -> list[T]:
    """A list of lists as one list."""
    return list(_run("flatten", items))


def first(items: Sequence[T], /) -> T:
    """The first item."""
    found: T = _run("first", items)
    return found


def last(items: Sequence[T], /) -> T:
    """The last item."""
    found: T = _run("last", items)
    return found


def join(items: Iterable[str], separator: str, /) -> str:
    """The texts with the separator between them."""
    return str(_run("join", items, separator))


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def date_add(date: Moment, duration: Length, /) -> str:
    """The date or date-time so much later."""
    return str(_run("date_add", date, duration))


def date_subtract(date: Moment, duration: Length, /) -> str:
    """The date or date-time so much earlier."""
    return str(_run("date_subtract", date, duration))


def add_months(date: Moment, months: int, /) -> str:
    """So many calendar months later; a day that the month lacks becomes its last."""
    return str(_run("add_months", date, months))


def days_between(start: Moment, end: Moment, /) -> int:
    """Whole days from start to end."""
    return int(_run("days_between", start, end))


def seconds_between(start: Moment, end: Moment, /) -> Decimal:
    """Seconds from start to end."""
    return Decimal(_run("seconds_between", start, end))


def is_before(a: Moment, b: Moment, /) -> bool:
    """Whether a is earlier than b, whatever their offsets."""
    return bool(_run("is_before", a, b))


def date_of(date: Moment, /) -> str:
    """The date, in UTC."""
    return str(_run("date_of", date))


def year(date: Moment, /) -> int:
    """The year, in UTC."""
    return int(_run("year", date))


def month(date: Moment, /) -> int:
    """1 to 12."""
    return int(_run("month", date))


def day(date: Moment, /) -> int:
    """1 to 31."""
    return int(_run("day", date))


def hour(date: Moment, /) -> int:
    """0 to 23."""
    return int(_run("hour", date))


def minute(date: Moment, /) -> int:
    """0 to 59."""
    return int(_run("minute", date))


def weekday(date: Moment, /) -> int:
    """1 (Monday) to 7 (Sunday)."""
    return int(_run("weekday", date))


def duration(days: Number, hours: Number = 0, minutes: Number = 0, seconds: Number = 0, /) -> str:
    """A duration of so many days, hours, minutes and seconds."""
    return str(_run("duration", days, hours, minutes, seconds))


def duration_seconds(duration: Length, /) -> Decimal:
    """The length in seconds."""
    return Decimal(_run("duration_seconds", duration))
