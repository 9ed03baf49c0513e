"""Values: exact, canonical, and refused with a place when they cannot be kept."""

from __future__ import annotations

import enum
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pydantic
import pytest
from armillary_engine.definition.values import JsonValueError, dumps, loads, normalize, number
from armillary_engine.testing.strategies import numbers, values
from hypothesis import given, settings
from hypothesis import strategies as st


@given(values(30))
def test_bytes_read_back_as_the_same(value: Any) -> None:
    data = dumps(value)
    assert loads(data) == value
    assert dumps(loads(data)) == data
    assert dumps(normalize(value)) == data


@given(values(30))
def test_any_spelling_of_a_value_gives_the_same_bytes(value: Any) -> None:
    spelt = json.dumps(value, indent=2, default=lambda number: json.loads(str(number)), ensure_ascii=True)
    if not any(isinstance(found, Decimal) for found in _scalars(value)):
        assert dumps(loads(spelt)) == dumps(value)


def _scalars(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _scalars(item)]
    if isinstance(value, dict):
        return _scalars(list(value.values()))
    return [value]


@given(numbers(), st.integers(0, 5))
def test_trailing_zeros_are_no_part_of_a_number(value: int | Decimal, zeros: int) -> None:
    digits, _, exponent = str(value).partition("E")
    longer = (digits if "." in digits else digits + ".") + "0" * (zeros + 1)
    if len(longer.replace(".", "").lstrip("-")) <= 34:
        assert dumps(loads(f"{longer}E{exponent or 0}")) == dumps(value)


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("1.0", "1"),
        ("1e0", "1"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e9", "0"),
        ("100e-2", "1"),
        ("1E+33", "1" + "0" * 33),
        ("1e34", "1E+34"),
        ("1" + "0" * 34, "1E+34"),
        ("0.10", "0.1"),
        ("1e-7", "1E-7"),
        ("0.0000010", "0.000001"),
        ('{"b":1,"a":{"ü":2,"Z":1}}', '{"a":{"Z":1,"ü":2},"b":1}'),
        ('"\\u00e9\\/"', '"é/"'),
        ("9" * 34, "9" * 34),
        ('{"\U00010000":1,"\uffff":2}', '{"\uffff":2,"\U00010000":1}'),
        ("1e6144", "1E+6144"),
        ("1e-6176", "1E-6176"),
    ],
)
def test_canonical_form(source: str, canonical: str) -> None:
    assert dumps(loads(source)).decode() == canonical
    assert dumps(loads(canonical)).decode() == canonical


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("1" * 35, "value.number"),
        ("0." + "1" * 35, "value.number"),
        ("1e6145", "value.number"),
        ("1e-6177", "value.number"),
        ("1.5e-6176", "value.number"),
        ("NaN", "value.not-json"),
        ("Infinity", "value.not-json"),
        ("-", "value.not-json"),
        ("[1,]", "value.not-json"),
        ("{'a':1}", "value.not-json"),
        ("", "value.not-json"),
        ('"\\u0000"', "value.text"),
        ('{"\\u0000":1}', "value.text"),
        ('"\\ud800"', "value.not-json"),
        ('"\\udc00x"', "value.not-json"),
        ("[" * 101 + "]" * 101, "value.too-deep"),
        ("[" * 100_000, "value.too-deep"),
        ("1" * 5_000, "value.not-json"),
        (b'"\xff"', "value.not-json"),
        ("\ud800", "value.text"),
    ],
)
def test_refused(source: str | bytes, code: str) -> None:
    with pytest.raises(JsonValueError) as caught:
        loads(source)
    assert caught.value.code == code
    assert caught.value.message.startswith("expected")


def test_deep_enough() -> None:
    assert dumps(loads("[" * 100 + "]" * 100)) == b"[" * 100 + b"]" * 100


@given(st.binary(max_size=40) | st.text('[]{}",:0123456789eE+-.\\u ntrfalse', max_size=40))
@settings(max_examples=300)
def test_any_bytes_are_a_value_or_a_clear_error(data: bytes | str) -> None:
    try:
        value = loads(data)
    except JsonValueError:
        return
    assert loads(dumps(value)) == value


class Colour(enum.Enum):
    RED = "red"


class Money(pydantic.BaseModel):
    amount: Decimal
    currency: str = pydantic.Field(alias="cur")


@dataclass
class Point:
    x: float
    tags: tuple[str, ...] = ()


class Pair(msgspec.Struct):
    left: int
    right: tuple[Money, ...] = ()


def test_python_objects() -> None:
    made = {
        "money": Money(amount=Decimal("12.50"), cur="EUR"),
        "point": Point(0.1, ("a",)),
        "pair": Pair(1, (Money(amount=Decimal(1), cur="EUR"),)),
        "colour": Colour.RED,
        Colour.RED: 1,
        "when": datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        "part": datetime(2026, 11, 23, 12, 0, 0, 500, tzinfo=UTC),
        "day": date(2026, 11, 23),
        "wait": timedelta(hours=36),
        "set": {3, 1},
        "counts": Counter("aab"),
        "whole": 1e3,
    }
    assert normalize(made) == {
        "money": {"amount": Decimal("12.5"), "cur": "EUR"},
        "point": {"x": Decimal("0.1"), "tags": ["a"]},
        "pair": {"left": 1, "right": [{"amount": 1, "cur": "EUR"}]},
        "colour": "red",
        "red": 1,
        "when": "2026-11-23T12:00:00Z",
        "part": "2026-11-23T12:00:00.000500Z",
        "day": "2026-11-23",
        "wait": "P1DT12H",
        "set": [1, 3],
        "counts": {"a": 2, "b": 1},
        "whole": 1000,
    }


def test_the_result_shares_nothing_changeable() -> None:
    inner: list[Any] = [1]
    made = normalize({"a": inner})
    inner.append(2)
    assert made == {"a": [1]}


@pytest.mark.parametrize(
    ("value", "pointer", "code"),
    [
        ({"a": [object()]}, "/a/0", "value.not-json"),
        ({"a/b": {1: 2}}, "/a~1b", "value.key"),
        ([float("nan")], "/0", "value.number"),
        ({"x": "a\0"}, "/x", "value.text"),
        ("\ud800", "", "value.text"),
        ([10**34 + 1], "/0", "value.number"),
        ({"t": datetime(2026, 1, 1)}, "/t", "value.not-json"),  # noqa: DTZ001
        (Point(float("inf")), "/x", "value.number"),
        ({"b": b"x"}, "/b", "value.not-json"),
    ],
)
def test_errors_say_where(value: Any, pointer: str, code: str) -> None:
    with pytest.raises(JsonValueError) as caught:
        normalize(value)
    assert (caught.value.pointer, caught.value.code) == (pointer, code)


def test_endless_values_are_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(JsonValueError, match="within one another"):
        normalize(loop)


def test_size_limit() -> None:
    assert normalize("é" * 10, limit=22) == "é" * 10
    with pytest.raises(JsonValueError) as caught:
        normalize("é" * 10, limit=21)
    assert caught.value.code == "value.too-large"
    assert "got 22" in caught.value.message


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_by_their_shortest_text(value: float) -> None:
    assert float(normalize(value)) == value  # type: ignore[arg-type]
    assert normalize(value) == number(repr(value))
