"""Documents: there and back, one digest for one meaning, every shape problem at once."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from armillary_engine.definition.codec import (
    dumps_definition,
    expression_from_json,
    from_document,
    identity,
    load_definition_bytes,
    to_document,
)
from armillary_engine.definition.fields import FIELDS
from armillary_engine.definition.model import (
    Address,
    Call,
    Complete,
    Const,
    Definition,
    Format,
    ListOf,
    Meta,
    Object,
    Op,
    RetryPolicy,
    StepMeta,
    Task,
)
from armillary_engine.definition.problems import DefinitionError, Problem
from armillary_engine.definition.validate import validate
from armillary_engine.testing.strategies import KINDS, definitions, values
from hypothesis import given, settings
from hypothesis import strategies as st


@given(definitions())
@settings(max_examples=100)
def test_documents_read_back_as_the_same(definition: Definition) -> None:
    data = dumps_definition(definition)
    again = load_definition_bytes(data)
    assert again == definition
    assert dumps_definition(again) == data
    assert identity(again) == identity(definition)


@given(definitions())
@settings(max_examples=100)
def test_generated_definitions_have_no_error(definition: Definition) -> None:
    assert [problem for problem in validate(definition) if problem.severity == "error"] == []


@pytest.mark.parametrize("kind", sorted(KINDS - {"leave", "next"}))
def test_definitions_of_one_kind(kind: str) -> None:
    seen: set[str] = set()

    @settings(max_examples=20, database=None)
    @given(definitions(kinds={kind}, plain=True))
    def collect(definition: Definition) -> None:
        seen.update(step.kind for step in definition.body)

    collect()
    assert seen - {"complete"} <= {kind}
    assert kind in seen


@given(definitions(max_steps=8), st.randoms())
@settings(max_examples=50)
def test_the_digest_is_that_of_the_meaning(definition: Definition, order: random.Random) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = list(value.items())
            order.shuffle(items)
            return {key: shuffled(item) for key, item in items}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    other = from_document(shuffled(to_document(definition)))
    assert identity(other) == identity(definition)
    noted = replace(definition, meta=Meta(title="Another", steps={"x": StepMeta(note="N")}))
    assert identity(noted).digest == identity(definition).digest
    changed = replace(definition, body=(*definition.body, Complete("one-more-step")))
    assert identity(changed).digest != identity(definition).digest


def test_drafts_and_versions() -> None:
    draft = Definition("A", (Complete("end"),))
    found = identity(draft)
    assert found.version == f"0.0.0+{found.digest[:8]}"
    assert identity(replace(draft, version=found.version)) == found
    explicit = identity(replace(draft, version="1.0.0"))
    assert explicit.version == "1.0.0"
    assert explicit.digest != found.digest


def test_what_equals_its_default_is_left_out() -> None:
    step = Call("ask", Address("rating", "quote"), Const(None), retry=RetryPolicy(), timeout="PT1H")
    assert to_document(Definition("A", (step,)))["body"] == [
        {"id": "ask", "kind": "call", "to": {"service": "rating", "operation": "quote"}, "arguments": {"const": None}}
    ]
    spelt = {
        "id": "ask",
        "kind": "call",
        "to": {"service": "rating", "operation": "quote"},
        "arguments": {"const": None},
        "timeout": "60m",
        "retry": {"attempts": 1, "backoff": "1s"},
        "result": None,
    }
    assert from_document({"schema": "armillary.workflow/1", "name": "A", "body": [spelt]}).body == (step,)


def test_normal_form_of_expressions() -> None:
    assert expression_from_json({"const": [1, {"a": 2}]}) == ListOf((Const(1), Object({"a": Const(2)})))
    assert expression_from_json({"op": "neg", "args": [{"const": 1}]}) == Const(-1)
    assert expression_from_json({"format": ["a", "", {"const": "b"}, {"get": "x"}]}).parts[0] == "ab"  # type: ignore[union-attr]
    assert expression_from_json({"format": []}) == Format(())
    assert expression_from_json({"const": 1.5}) == expression_from_json({"const": json.loads("1.50")})


def test_all_shape_problems_at_once() -> None:
    made = {
        "schema": "x",
        "name": "A",
        "bdy": [],
        "body": [
            {"id": "a", "kind": "cal"},
            {"id": "b", "kind": "call", "to": {"servce": "x"}, "timeout": "30q", "arguments": {"ge": "x"}},
            {"id": "c", "kind": "set", "assign": {"x": {"op": "+", "args": [{"get": "a.b c"}, 1]}}},
        ],
    }
    with pytest.raises(DefinitionError) as caught:
        from_document(made)
    found = {(problem.pointer, problem.code, problem.step) for problem in caught.value.problems}
    assert found == {
        ("/schema", "shape.schema", None),
        ("/bdy", "shape.unknown-field", None),
        ("/body/0/kind", "shape.kind", "a"),
        ("/body/1/to/servce", "shape.unknown-field", "b"),
        ("/body/1/to", "shape.missing-field", "b"),
        ("/body/1/timeout", "duration.invalid", "b"),
        ("/body/1/arguments", "shape.expression", "b"),
        ("/body/2/assign/x/args/0/get", "shape.path", "c"),
        ("/body/2/assign/x/args/1", "shape.expression", "c"),
    }
    hints = {problem.pointer: problem.hint for problem in caught.value.problems}
    assert hints["/bdy"] == "did you mean 'body'?"
    assert hints["/body/0/kind"] == "did you mean 'call'?"


@given(values(20))
@settings(max_examples=200)
def test_any_value_is_a_definition_or_a_clear_error(value: Any) -> None:
    for made in (
        value,
        {"schema": "armillary.workflow/1", "name": "A", "body": value},
        {"schema": "armillary.workflow/1", "name": "A", "body": [{"id": "a", "kind": "set", "assign": value}]},
    ):
        found: tuple[Problem, ...] | None = None
        try:
            from_document(made)
        except DefinitionError as error:
            found = error.problems
        assert found is None or found


@given(definitions(max_steps=6), st.data())
@settings(max_examples=150)
def test_a_broken_document_gives_problems_not_exceptions(definition: Definition, data: st.DataObject) -> None:
    document: Any = to_document(definition)
    at: Any = document
    while isinstance(at, (dict, list)) and at:
        keys = sorted(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(at[key], (dict, list)) or not at[key] or data.draw(st.booleans()):
            at[key] = data.draw(values(3))
            break
        at = at[key]
    found: tuple[Problem, ...] | None = None
    try:
        validate(from_document(document))
    except DefinitionError as error:
        found = error.problems
    assert found is None or found


@given(st.binary(max_size=60))
def test_any_bytes_are_a_definition_or_a_clear_error(data: bytes) -> None:
    with pytest.raises(DefinitionError):
        load_definition_bytes(data)


def test_the_table_has_every_field_of_the_model() -> None:
    for owner, rows in FIELDS.items():
        named = {row.attribute for row in rows}
        assert named == set(owner.__dataclass_fields__) - {"id", "kind", "schema"}, owner


def test_tasks_keep_all_their_fields() -> None:
    task = Task("review", "Review", title=Const("T"), roles=("ops",), payload=Op("+", (Const(1), Const(2))))
    assert from_document(to_document(Definition("A", (task,)))).body == (task,)
