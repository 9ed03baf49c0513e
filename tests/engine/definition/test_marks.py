"""What schemas mark as sensitive, wherever it is, and that no problem tells any of it."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition.marks import MASK, Marks, any_in, at, bounded, marks_of, masked, union, within
from armillary_engine.definition.schema import compile_schema
from armillary_engine.definition.values import dumps
from armillary_engine.testing.strategies import values
from hypothesis import given
from hypothesis import strategies as st

SECRET = {"type": "string", "x-sensitive": True}


def shown(value: Any, schema: Any) -> Any:
    return masked(value, marks_of(schema))


def test_sensitive_values_are_masked_wherever_they_are() -> None:
    person = {
        "type": "object",
        "properties": {"ssn": SECRET, "name": {}, "parents": {"type": "array", "items": {"$ref": "#/$defs/P"}}},
    }
    schema = {"$defs": {"P": person}, "anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}]}
    value = {"ssn": "1", "name": "N", "parents": [{"ssn": "2", "parents": [], "name": "M"}, {"ssn": None}]}
    assert shown(value, schema) == {
        "ssn": MASK,
        "name": "N",
        "parents": [{"ssn": MASK, "parents": [], "name": "M"}, {"ssn": None}],
    }
    assert value["ssn"] == "1", "the value itself stays as it is"
    assert shown(None, schema) is None
    deep: Any = {"ssn": "1"}
    for _ in range(30):
        deep = {"parents": [deep]}
    assert "ssn" not in dumps(shown(deep, schema)).decode(), "deep in a schema that refers to itself, all is masked"


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"patternProperties": {"^x_": SECRET}}, {"x_a": "1", "b": "2"}, {"x_a": MASK, "b": MASK}),
        ({"properties": {"b": {}}, "patternProperties": {"^x": SECRET}}, {"xa": "1", "b": "2"}, {"xa": MASK, "b": "2"}),
        ({"properties": {"x_a": {}}, "patternProperties": {"^x_": SECRET}}, {"x_a": "1"}, {"x_a": MASK}),
        ({"properties": {"a": {}}, "additionalProperties": SECRET}, {"a": "1", "b": "2"}, {"a": "1", "b": MASK}),
        ({"prefixItems": [SECRET], "items": {}}, ["1", "2"], [MASK, MASK]),
        ({"contains": SECRET}, ["1"], [MASK]),
        ({"if": {}, "then": {"properties": {"a": SECRET}}}, {"a": "1", "b": 2}, {"a": MASK, "b": 2}),
        ({"else": {"properties": {"a": SECRET}}}, {"a": "1"}, {"a": MASK}),
        ({"dependentSchemas": {"b": {"properties": {"a": SECRET}}}}, {"a": "1"}, {"a": MASK}),
        ({"unevaluatedProperties": SECRET}, {"a": "1"}, {"a": MASK}),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"a": SECRET}}]}, {"a": "1"}, {"a": MASK}),
        ({"x-sensitive": True}, {"a": [1, {"b": True}]}, MASK),
        ({"properties": {"n": {"x-sensitive": True}}}, {"n": False}, {"n": MASK}),
        ({"properties": {"a": {}}}, {"a": "1"}, {"a": "1"}),
    ],
)  # fmt: skip
def test_every_keyword_that_holds_a_schema_is_followed(schema: Any, value: Any, expected: Any) -> None:
    assert shown(value, schema) == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {**SECRET, "maxLength": 3}}},
        {"type": "object", "properties": {"a": {**SECRET, "pattern": "^x"}}},
        {"type": "object", "x-sensitive": True, "properties": {"a": {"maxLength": 3}}},
        {"$defs": {"A": {"maxLength": 3}}, "properties": {"a": {"x-sensitive": True, "$ref": "#/$defs/A"}}},
        {"properties": {"a": {"x-sensitive": True, "anyOf": [{"const": "b"}, {"type": "integer"}]}}},
        {"properties": {"a": {"x-sensitive": True, "not": {"type": "string"}}}},
        {"properties": {"a": SECRET}, "not": {"required": ["a"]}},
        {"properties": {"a": SECRET}, "minProperties": 2},
        {"properties": {"a": SECRET}, "if": {"required": ["a"]}, "then": {"required": ["b"]}},
    ],
)
def test_what_does_not_fit_is_said_without_it(schema: Any) -> None:
    _, problems = compile_schema(schema).apply({"a": "geheim"})
    assert problems
    assert "geheim" not in str(problems)


LEAVES = st.sampled_from([True, False])
MARKS: st.SearchStrategy[Marks] = st.recursive(
    LEAVES, lambda inner: st.dictionaries(st.sampled_from(["a", "b", "*"]), inner, max_size=3), max_leaves=8
)


@given(values(), MARKS, MARKS)
def test_masking_is_that_of_both(value: Any, one: Marks, other: Marks) -> None:
    """The union masks what either does; masking what is masked changes nothing."""
    both = masked(value, union(one, other))
    assert masked(both, union(one, other)) == both
    assert masked(masked(value, one), union(one, other)) == both
    assert masked(value, union(other, one)) == both
    assert masked(value, bounded(one)) == masked(value, one)


@given(MARKS)
def test_marks_at_a_path_are_found_there(marks: Marks) -> None:
    assert any_in(within(at(("a", "b"), marks), ("a", "b"))) is any_in(marks)
    assert not any_in(within(at(("a", "b"), marks), ("a", "c")))
