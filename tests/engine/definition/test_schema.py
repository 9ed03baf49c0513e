"""JSON Schema: what is filled in, what is refused and how it is said, and agreement with the jsonschema package."""

from __future__ import annotations

import datetime
import enum
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pydantic
import pytest
from armillary_engine.definition.schema import (
    SPECIFICATION,
    SchemaInvalidError,
    check_schema,
    compile_schema,
)
from armillary_engine.definition.values import normalize
from armillary_engine.testing.strategies import values
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend


class Kind(enum.Enum):
    HOME = "home"
    CAR = "car"


class Item(pydantic.BaseModel):
    price: Decimal
    count: int = 1


class Application(pydantic.BaseModel):
    policy: str
    since: datetime.date
    kind: Kind = Kind.HOME
    items: list[Item] = []
    remark: str | None = None
    amount: int | str | None = None
    child: Application | None = None


SCHEMA = Application.model_json_schema()
CLAIM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "format": "decimal", "minimum": 0, "maximum": 1000},
        "note": {"type": "string", "maxLength": 5},
        "secret": {"type": "string", "x-sensitive": True, "enum": ["a"]},
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "default": ["x"]},
    },
    "required": ["amount"],
    "additionalProperties": False,
}


def test_models_are_filled() -> None:
    value, problems = compile_schema(SCHEMA).apply({"policy": "P", "since": "2026-01-31", "items": [{"price": 1}]})
    assert problems == []
    assert value == {
        "policy": "P",
        "since": "2026-01-31",
        "kind": "home",
        "items": [{"price": 1, "count": 1}],
        "remark": None,
        "amount": None,
        "child": None,
    }


def test_decimals_are_numbers_from_then_on() -> None:
    value, problems = compile_schema(CLAIM).apply({"amount": "12.50"})
    assert problems == []
    assert value == {"amount": Decimal("12.5"), "note": None, "secret": None, "at": None, "tags": ["x"]}


@pytest.mark.parametrize(
    ("given_", "code", "message"),
    [
        ({}, "value.required", "expected a member 'amount', got none"),
        ({"amount": True}, "value.type", "expected a number, got true"),
        ({"amount": "12,50"}, "value.type", "expected a number, got text"),
        ({"amount": -1}, "value.range", "expected a number of at least 0, got -1"),
        ({"amount": "1000.01"}, "value.range", "expected a number of at most 1000, got 1000.01"),
        ({"amount": 1, "nota": "x"}, "value.unknown-member", "expected a known member, got 'nota'"),
        ({"amount": 1, "note": "longer"}, "value.length", 'expected at most 5 characters, got "longer"'),
        ({"amount": 1, "secret": "hidden"}, "value.enum", 'expected one of "a", got text'),
        (
            {"amount": 1, "at": "2026-11-23T10:00"},
            "value.format",
            'expected a date and time with an offset, such as 2026-11-23T10:00:00Z, got "2026-11-23T10:00"',
        ),
        ({"amount": 1, "tags": ["a", 1]}, "value.type", "expected text, got a number"),
        (
            {"amount": 1, "tags": ["a", "a"]},
            "value.length",
            "expected items that are all different, got a list",
        ),
        ([], "value.type", "expected an object, got a list"),
    ],
)
def test_problems_are_said(given_: Any, code: str, message: str) -> None:
    _, problems = compile_schema(CLAIM).apply(given_)
    assert [(problem.code, problem.message) for problem in problems] == [(code, message)]


def test_all_problems_at_once_and_a_near_name() -> None:
    _, problems = compile_schema(SCHEMA).apply(
        {"polic": "P", "since": "2026-13-01", "kind": "boat", "items": [3], "child": {}}
    )
    assert {problem.pointer for problem in problems} == {"", "/since", "/kind", "/items/0", "/child"}
    assert "is it written as 'polic'?" in {problem.hint for problem in problems}


@given(values(12))
def test_applying_twice_changes_nothing(value: Any) -> None:
    for schema in (SCHEMA, CLAIM):
        for made in (value, {"policy": value, "since": "2026-01-01", "amount": 1}, {"amount": 1, "note": value}):
            validator = compile_schema(schema)
            filled, problems = validator.apply(made)
            if not problems:
                assert validator.apply(filled) == (filled, [])


_KEYWORDS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object"])}
    ),
    st.fixed_dictionaries(
        {"type": st.just("number"), "minimum": st.integers(-5, 5), "multipleOf": st.sampled_from([1, 2, 5])}
    ),
    st.fixed_dictionaries({"minLength": st.integers(0, 3), "maxLength": st.integers(2, 5)}),
    st.fixed_dictionaries({"enum": st.lists(values(3), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": values(3)}),
    st.fixed_dictionaries({"minItems": st.integers(0, 2), "uniqueItems": st.booleans()}),
    st.fixed_dictionaries({"minProperties": st.integers(0, 2)}),
)


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool) and Fraction(value).denominator == 1


ORACLE = extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer))


def _schemas() -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        _KEYWORDS,
        lambda inner: st.one_of(
            st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
            st.builds(lambda a, b: {"oneOf": [a, b]}, inner, inner),
            st.builds(lambda a, b: {"allOf": [a, b]}, inner, inner),
            st.builds(lambda a: {"not": a}, inner),
            st.builds(lambda a: {"type": "array", "items": a}, inner),
            st.builds(lambda a: {"prefixItems": [a]}, inner),
            st.builds(lambda a: {"type": "object", "additionalProperties": a}, inner),
            st.builds(
                lambda a, r: {"properties": {"a": a}, "required": r}, inner, st.sampled_from([["a"], ["a", "b"]])
            ),
            st.builds(lambda a: {"$ref": "#/$defs/a", "$defs": {"a": a}} if "$ref" not in str(a) else a, inner),
        ),
        max_leaves=4,
    )


@given(_schemas(), values(6))
def test_agrees_with_jsonschema(schema: dict[str, Any], value: Any) -> None:
    if "$ref" in str(schema) and "$ref" not in schema:
        return  # a reference is to the whole document, which a part is not
    validator = compile_schema(schema)
    with localcontext(Context(prec=20_000, Emax=100_000, Emin=-100_000)):
        expected = ORACLE(normalize(schema)).is_valid(value)  # type: ignore[arg-type]
    assert (validator.apply(value)[1] == []) is expected


@pytest.mark.parametrize(
    ("schema", "pointer", "hint"),
    [
        ({"type": "strng"}, "/type", "did you mean 'string'?"),
        ({"properties": {"a": {"minLength": "x"}}}, "/properties/a/minLength", ""),
        ({"$ref": "#/$defs/X"}, "", ""),
        ({"pattern": "("}, "", ""),
        ({"required": "a"}, "/required", ""),
        ({"if": 3}, "/if", ""),
        ({"anyOf": 1}, "/anyOf", ""),
        ({"items": [1]}, "/items", ""),
        ({"enum": 1}, "/enum", ""),
        ({"$ref": "https://example.org/x"}, "", ""),
        ({"multipleOf": 0}, "/multipleOf", ""),
        ({"properties": {"a": 1}}, "/properties/a", ""),
        ({"x": object()}, "/x", ""),
    ],
)
def test_invalid_schemas(schema: dict[str, Any], pointer: str, hint: str) -> None:
    (problem, *_) = check_schema(schema)
    assert (problem.code, problem.pointer, problem.hint) == ("schema.invalid", pointer, hint or SPECIFICATION)
    with pytest.raises(SchemaInvalidError):
        compile_schema(schema)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "type",
                "properties",
                "items",
                "required",
                "anyOf",
                "$ref",
                "enum",
                "if",
                "minLength",
                "additionalProperties",
                "format",
                "default",
                "pattern",
                "prefixItems",
            ]
        ),
        values(5),
    ),
    values(4),
)
def test_any_schema_is_compiled_or_refused(schema: dict[str, Any], value: Any) -> None:
    if check_schema(schema) == []:
        compile_schema(schema).apply(value)


def test_a_schema_that_refers_to_itself_for_ever() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    assert [problem.code for problem in compile_schema(schema).apply(1)[1]] == ["schema.invalid"]


def test_rare_keywords() -> None:
    validator = compile_schema(
        {"type": "object", "patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": False}
    )
    assert validator.apply({"n1": 1}) == ({"n1": 1}, [])
    assert [problem.pointer for problem in validator.apply({"n1": "x"})[1]] == ["/n1"]
    assert [problem.code for problem in validator.apply({"x": 1})[1]] == ["value.schema"]
