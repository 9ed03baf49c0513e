"""The published JSON Schemas take what the readers take, and refuse mistakes."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import pytest
from armillary_engine.definition.codec import from_document, to_document
from armillary_engine.definition.json_schema import authoring_schema, canonical_schema
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.testing.strategies import definitions
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
CANONICAL = Draft202012Validator(canonical_schema())


def plain(document: object) -> object:
    from armillary_engine.definition.values import dumps

    return json.loads(dumps(document))  # type: ignore[arg-type]


@pytest.mark.parametrize("made", [canonical_schema, authoring_schema])
def test_it_is_a_schema(made):
    Draft202012Validator.check_schema(made())


@pytest.mark.parametrize(
    ("name", "made"), [("workflow.schema.json", canonical_schema), ("workflow.yaml.schema.json", authoring_schema)]
)
def test_the_reference_has_it(name, made):
    path = REFERENCE / name
    text = json.dumps(made(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("ARMILLARY_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@given(definitions())
@settings(suppress_health_check=list(HealthCheck))
def test_every_definition_validates(definition):
    errors = list(CANONICAL.iter_errors(plain(to_document(definition))))
    assert errors == [], errors[0]


DOCUMENT = {
    "schema": "armillary.workflow/1",
    "name": "Flow",
    "body": [
        {"id": "a", "kind": "call", "to": {"service": "rating", "operation": "quote"}, "arguments": {"object": {}},
         "timeout": "PT30S", "retry": {"attempts": 3}},
        {"id": "b", "kind": "decision", "branches": [{"when": {"const": True}, "body": []}]},
        {"id": "c", "kind": "complete", "output": {"get": "input.amount"}},
    ],
}  # fmt: skip


def changed(*path, value):
    document = copy.deepcopy(DOCUMENT)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


MISTAKES = {
    "another schema": changed("schema", value="armillary.workflow/9"),
    "no such kind": changed("body", 0, "kind", value="cal"),
    "no such field": changed("body", 0, "timeot", value="PT1S"),
    "a duration in words": changed("body", 0, "timeout", value="a while"),
    "no attempts": changed("body", 0, "retry", value={"attempts": 0}),
    "an address without an operation": changed("body", 0, "to", value={"service": "rating"}),
    "a body that is no list": changed("body", 1, "branches", 0, "body", value={}),
    "a branch without a condition": changed("body", 1, "branches", value=[{"body": []}]),
    "a path that is none": changed("body", 2, "output", value={"get": "input..amount"}),
    "no such operator": changed("body", 2, "output", value={"op": "<>", "args": []}),
    "no such form": changed("body", 2, "output", value={"gett": "input"}),
    "no such member": changed("titel", value="x"),
    "an id that is a number": changed("body", 0, "id", value=3),
    "roles that are text": changed("access", value={"start": "agent"}),
}


def test_the_document_is_right():
    assert CANONICAL.is_valid(DOCUMENT)
    from_document(DOCUMENT)


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_for_both(what):
    assert not CANONICAL.is_valid(MISTAKES[what])
    with pytest.raises(ArmillaryError):
        from_document(MISTAKES[what])
