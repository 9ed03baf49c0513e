"""Forms from answer schemas: every field that a form can offer, and JSON text for the rest."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest
from armillary.widgets.forms import form_of
from armillary.widgets.values import answer_of, to_json_text
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int | None = None


class Review(BaseModel):
    """What an underwriter says."""

    accepted: bool
    premium: Decimal = Field(description="In euro.", ge=0, le=Decimal("99999.99"))
    colour: Colour = Colour.RED
    channel: Literal["post", "mail"]
    valid_from: date | None = None
    address: Address
    tags: list[str] = ["a", "b"]
    payload: dict[str, Any] = {}


def fields_of(schema: Any) -> dict[str, Any]:
    form = form_of(schema)
    assert form is not None
    assert form["kind"] == "object"
    return {field["name"]: field for field in form["fields"]}


def test_a_models_schema_becomes_fields() -> None:
    fields = fields_of(Review.model_json_schema())
    kinds = {name: field["kind"] for name, field in fields.items()}
    assert kinds == {
        "accepted": "boolean", "premium": "number", "colour": "choice", "channel": "choice", "valid_from": "date",
        "address": "object", "tags": "list", "payload": "json",
    }  # fmt: skip
    assert {name for name, field in fields.items() if field["required"]} == {
        "accepted",
        "premium",
        "channel",
        "address",
    }
    assert fields["premium"]["description"] == "In euro."
    assert fields["premium"]["limits"]["maximum"] == "99999.99"
    assert fields["colour"]["default"] == '"red"'
    assert fields["channel"]["choices"] == [{"label": "post", "value": '"post"'}, {"label": "mail", "value": '"mail"'}]
    assert fields["valid_from"]["nullable"]
    assert [field["name"] for field in fields["address"]["fields"]] == ["street", "number"]
    assert fields["address"]["fields"][1]["kind"] == "integer"
    assert fields["tags"]["defaults"] == ['"a"', '"b"']
    assert fields["tags"]["item"]["kind"] == "string"


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"type": "string", "format": "decimal"}, "number"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"type": ["number", "string"], "format": "decimal"}, "number"),
        ({"type": ["number", "string", "null"], "format": "decimal"}, "number"),
        ({"type": ["boolean", "string"]}, "json"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}], "format": "decimal"}, "number"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}, "number"),
        ({"anyOf": [{"type": "string"}, {"type": "object"}]}, "json"),
        ({"oneOf": [{"const": 1, "title": "one"}, {"const": 2, "title": "two"}]}, "choice"),
        ({"enum": ["a", 1, None]}, "choice"),
        ({"const": "x"}, "constant"),
        ({"type": "array", "items": {"type": "integer"}}, "list"),
        ({"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, "json"),
        ({"type": "object"}, "json"),
        ({}, "json"),
        ({"$ref": "#/$defs/nowhere"}, "json"),
        ({"$ref": "https://example.org/schema"}, "json"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "boolean"}}}, "boolean"),
    ],
)
def test_kinds(schema: Any, kind: str) -> None:
    form = form_of(schema)
    assert form is not None
    assert form["kind"] == kind


def test_a_task_without_an_answer_has_no_form() -> None:
    assert form_of(None) is None
    assert form_of({"type": "null"}) is None


def test_a_recursive_schema_ends_in_json_text() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    field = form_of({"$ref": "#/$defs/node", "$defs": {"node": node}})
    depth = 0
    while field is not None and field["kind"] == "object":
        field, depth = field["fields"][0], depth + 1
    assert field is not None
    assert field["kind"] == "json"
    assert depth < 20


def test_names_that_need_care_stay_what_they_are() -> None:
    fields = fields_of({"type": "object", "properties": {"a/b~c": {"type": "string"}, "<img>": {"type": "string"}}})
    assert list(fields) == ["a/b~c", "<img>"]


TYPES: list[Any] = ["string", "number", "integer", "boolean", "array", "object", "null", ["string", "null"], 3]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_json_text_of_a_value_reads_as_the_same_value(value: Any) -> None:
    assert answer_of(to_json_text(value)) == value


@given(
    st.recursive(
        st.fixed_dictionaries({}, optional={
            "type": st.sampled_from(TYPES), "enum": st.lists(values, max_size=3), "const": values,
            "format": st.text(max_size=9), "default": values, "title": values,
            "description": values, "minimum": st.integers(), "required": st.lists(st.text(max_size=3), max_size=2),
        }),
        lambda inner: st.fixed_dictionaries({}, optional={
            "type": st.sampled_from(["array", "object"]), "items": inner,
            "properties": st.dictionaries(st.text(max_size=4), inner, max_size=3),
            "anyOf": st.lists(inner, max_size=3), "allOf": st.lists(inner, max_size=2),
            "$ref": st.sampled_from(["#", "#/items", "#/anyOf/0"]),
        }),
        max_leaves=8,
    )
)  # fmt: skip
def test_any_schema_gives_a_form_or_none(schema: Any) -> None:
    form = form_of(schema)
    assert form is None or form["kind"]


def test_fields_stand_as_the_model_lists_them() -> None:
    """Documents sort their members; `required` is a list and keeps the order in which the model was written."""
    names = ("amount", "note", "verdict")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    assert list(fields_of({**schema, "required": ["verdict", "amount"]})) == ["verdict", "amount", "note"]
