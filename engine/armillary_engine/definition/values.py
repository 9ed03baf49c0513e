"""Values: JSON with exact numbers, its canonical bytes, and what a Python caller may hand in instead.

A number is an ``int`` when it is whole and below 10**34 in size, otherwise a ``Decimal`` without trailing zeros, of at
most 34 digits and in the range of IEEE 754 decimal128. So ``1``, ``1.0`` and ``1e0`` are one value with one text.
Values are never changed in place: whoever holds one may hand it on without a copy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from enum import Enum
from typing import Any, cast
from uuid import UUID

import msgspec

from .durations import duration_text, instant_text, microseconds_of
from .model import Value
from .problems import ArmillaryError, Problem

DIGITS = 34
"""Significant digits of a number."""
MAX_DEPTH = 100
"""Lists and objects within one another, in a value."""
EXPONENT_MAX = 6144
EXPONENT_MIN = -6176
"""The exponents of the first and of the last digit that decimal128 can hold."""
WHOLE = 10**DIGITS
"""Whole numbers below this size are ``int``; larger ones are ``Decimal``."""

# Exact or refused: nothing is rounded on reading. The coefficient's limit is checked by `number`, with a message.
_EXACT = Context(prec=100_000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])
_ROUND = Context(prec=DIGITS, Emax=EXPONENT_MAX, Emin=-6143, traps=[])
_LONG_DIGITS = re.compile(rb"[0-9]{35}")


class JsonValueError(ArmillaryError):
    """A value that cannot be kept; ``problems[0].pointer`` says where in it."""

    def __init__(self, code: str, message: str, *, pointer: str = "", hint: str = "") -> None:
        where = f" at {pointer}" if pointer else ""
        problem = Problem(code=code, message=message, pointer=pointer, hint=hint)
        super().__init__(code, f"{message}{where}", hint=hint, problems=[problem])
        self.reason = message
        self.pointer = pointer


def pointer(*keys: str | int) -> str:
    """RFC 6901 JSON pointer of a path of keys and indexes."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def number(source: str | int | Decimal) -> int | Decimal:
    """The one form of an exact number. Raises :class:`JsonValueError` (``value.number``) beyond 34 digits, beyond the
    exponents of decimal128, and for NaN and infinities."""
    if type(source) is int and -WHOLE < source < WHOLE:
        return source
    try:
        exact = _EXACT.create_decimal(source)
    except (InvalidOperation, ValueError):
        raise JsonValueError("value.number", f"expected a number, got {_short(source)}") from None
    if not exact.is_finite():
        message = f"expected a finite number, got {_short(source)}"
        raise JsonValueError("value.number", message, hint="use null or a text")
    if type(source) is str and len(source) <= DIGITS and -DIGITS < exact.adjusted() < DIGITS:
        return settle(exact)  # what nearly every number is
    return settle(exact) if _fits(exact) else _refuse_number(exact)


def settle(value: Decimal) -> int | Decimal:
    """``value``, finite and of at most 34 digits, as an ``int`` or a ``Decimal`` without trailing zeros."""
    if not value:
        return 0  # whatever its sign and exponent
    if value.adjusted() < DIGITS:
        whole = int(value)
        if whole == value:
            return whole
    return value.normalize(_ROUND)


def _fits(exact: Decimal) -> bool:
    if not exact:
        return True
    if exact.adjusted() > EXPONENT_MAX or exact.adjusted() < EXPONENT_MIN:
        return False
    context = _ROUND.copy()
    context.clear_flags()
    context.plus(exact)
    return not context.flags[Inexact]


def _refuse_number(exact: Decimal) -> int | Decimal:
    if exact.adjusted() > EXPONENT_MAX or exact.adjusted() < EXPONENT_MIN:
        wanted = f"expected an exponent between {EXPONENT_MIN} and {EXPONENT_MAX}"
        raise JsonValueError("value.number", f"{wanted}, got {_short(exact)}")
    hint = f"round it to {DIGITS} digits, or keep it as text"
    message = f"expected a number of at most {DIGITS} digits, got {_short(exact)}"
    raise JsonValueError("value.number", message, hint=hint)


def _short(source: object, limit: int = 60) -> str:
    try:
        shown = repr(source) if isinstance(source, str) else str(source)
    except ValueError:  # an int of more than 4,300 digits has no text
        return "a number of thousands of digits"
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_number(source: str) -> int | Decimal:
    return number(source)


_DECODER = msgspec.json.Decoder(float_hook=_read_number)
_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_IN_ORDER = msgspec.json.Encoder(decimal_format="number")


def dumps(value: Value) -> bytes:
    """Canonical JSON: keys sorted by code point, no white space, UTF-8, numbers without trailing zeros (plain digits,
    or an exponent where :class:`~decimal.Decimal` writes one). Equal values give equal bytes."""
    return _ENCODER.encode(value)


def dumps_in_order(value: Value) -> bytes:
    """JSON as :func:`dumps` writes it, with members in the order that they have."""
    return _IN_ORDER.encode(value)


def loads(data: bytes | str, *, depth: int = MAX_DEPTH) -> Value:
    """Reads JSON exactly. Raises :class:`JsonValueError` for malformed JSON, numbers of more than 34 digits, U+0000,
    unpaired surrogates, and more than ``depth`` lists and objects within one another."""
    try:
        raw = data.encode() if isinstance(data, str) else data
        value = _DECODER.decode(raw)
    except RecursionError:
        raise _too_deep(depth) from None
    except UnicodeEncodeError:
        raise JsonValueError("value.text", "expected Unicode text, got an unpaired surrogate") from None
    except (msgspec.DecodeError, ValueError) as error:
        hint = "check quotes, commas and brackets"
        raise JsonValueError("value.not-json", f"expected JSON, got malformed text: {error}", hint=hint) from None
    if raw.count(b"[") + raw.count(b"{") > depth:
        _check_depth(value, depth)
    if b"\\u0000" in raw or _LONG_DIGITS.search(raw):
        return normalize(value, depth=depth)
    return cast(Value, value)


def _check_depth(value: Value, limit: int) -> None:
    level: list[Any] = [value] if isinstance(value, (list, dict)) else []
    for _ in range(limit):
        inner: list[Any] = []
        for container in level:
            members = container.values() if type(container) is dict else container
            inner += [member for member in members if type(member) is dict or type(member) is list]
        if not inner:
            return
        level = inner
    raise _too_deep(limit)


def _too_deep(limit: int) -> JsonValueError:
    message = f"expected at most {limit} lists and objects within one another, got more"
    return JsonValueError("value.too-deep", message, hint="make it flatter")


# ── Python objects ───────────────────────────────────────────────────────────────────────────────────────────────────


class _MisfitError(Exception):
    """On its way out of nested containers, collecting the keys; becomes a :class:`JsonValueError`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint
        self.keys: list[str | int] = []


def normalize(value: Any, *, limit: int | None = None, depth: int = MAX_DEPTH) -> Value:
    """What a Python caller hands in, as a JSON value that shares nothing changeable with it.

    Takes JSON values, pydantic models, dataclasses, ``Decimal``, ``float`` (its shortest text), dates, times and
    durations (ISO 8601), ``Enum`` (its value), ``UUID``, tuples, sets (sorted) and mappings with text keys. ``limit``
    is in bytes of canonical JSON. Raises :class:`JsonValueError` that says where and what to do instead.
    """
    try:
        result = _normal(value, depth)
    except _MisfitError as error:
        where = pointer(*reversed(error.keys))
        raise JsonValueError(error.code, error.message, pointer=where, hint=error.hint) from None
    if limit is not None:
        size = len(dumps(result))
        if size > limit:
            hint = "keep large data in a store of its own and pass a reference to it"
            message = f"expected at most {limit:,} bytes of JSON, got {size:,}"
            raise JsonValueError("value.too-large", message, hint=hint)
    return result


def _normal(value: Any, depth: int) -> Value:
    kind = type(value)
    if kind is str:
        return _text(value)
    if value is None or kind is bool:
        return cast(Value, value)
    if kind is int or kind is Decimal:
        return _exact(value)
    if kind is dict:
        return _mapping(value, depth)
    if kind is list or kind is tuple:
        return _sequence(value, depth)
    return _other(value, depth)


def _text(value: str) -> str:
    if "\0" in value:
        raise _MisfitError("value.text", "expected text without U+0000, got some", "remove the null character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _MisfitError("value.text", "expected Unicode text, got an unpaired surrogate") from None
    return value


def _nested_too_deep() -> _MisfitError:
    message = f"expected at most {MAX_DEPTH} lists and objects within one another, got more"
    return _MisfitError("value.too-deep", message, "make it flatter")


def _exact(value: str | int | Decimal) -> int | Decimal:
    try:
        return number(value)
    except JsonValueError as problem:
        raise _MisfitError(problem.code, problem.reason, problem.hint) from None


def _mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    if depth <= 0:
        raise _MisfitError(
            "value.too-deep",
            f"expected at most {MAX_DEPTH} lists and objects within one another, got more",
            "make it flatter",
        )
    result: dict[str, Any] = {}
    for key, member in value.items():
        name = key.value if isinstance(key, Enum) else key
        if not isinstance(name, str):
            got = f"{_short(key)} ({type(key).__name__})"
            raise _MisfitError("value.key", f"expected text keys, got {got}", "use str(key)")
        try:
            result[_text(str(name))] = _normal(member, depth - 1)
        except _MisfitError as error:
            error.keys.append(name)
            raise
    return result


def _sequence(value: Any, depth: int) -> list[Any]:
    if depth <= 0:
        raise _MisfitError(
            "value.too-deep",
            f"expected at most {MAX_DEPTH} lists and objects within one another, got more",
            "make it flatter",
        )
    result: list[Any] = []
    for index, member in enumerate(value):
        try:
            result.append(_normal(member, depth - 1))
        except _MisfitError as error:
            error.keys.append(index)
            raise
    return result


def _other(value: Any, depth: int) -> Value:
    if isinstance(value, Enum):
        return _normal(value.value, depth)
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    if hasattr(value, "model_dump") and hasattr(type(value), "model_fields"):
        # Python mode keeps Decimal and dates exact; by alias, as the model's JSON Schema names its properties.
        return _normal(value.model_dump(mode="python", by_alias=True), depth)
    if is_dataclass(value) and not isinstance(value, type):
        return _mapping({member.name: getattr(value, member.name) for member in fields(value)}, depth)
    if isinstance(value, msgspec.Struct):
        return _mapping({name: getattr(value, name) for name in value.__struct_fields__}, depth)
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, (list, tuple)):
        return _sequence(value, depth)
    if isinstance(value, (set, frozenset)):
        return sorted(_sequence(value, depth), key=dumps)
    hint = "pass a model, a dataclass, or plain dict, list, text, number, true, false or null"
    raise _MisfitError("value.not-json", f"expected a JSON value, got {type(value).__name__}", hint)


def _scalar(value: Any) -> str | int | Decimal | None:
    match value:
        case str():
            return _text(str(value))
        case int():
            return _exact(int(value))
        case float():
            return _exact(repr(float(value)))
        case Decimal():
            return _exact(value)
        case datetime():
            if value.utcoffset() is None:
                hint = "give it a time zone, such as datetime(…, tzinfo=UTC)"
                raise _MisfitError("value.not-json", f"expected a date and time with a time zone, got {value}", hint)
            return instant_text(microseconds_of(value))
        case date() | time():
            return value.isoformat()
        case timedelta():
            return duration_text(value // timedelta(microseconds=1))
        case UUID():
            return str(value)
        case _:
            return None
