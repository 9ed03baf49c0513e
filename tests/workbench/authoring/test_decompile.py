"""Definition → Python → definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from armillary.authoring import decompile, load_definition, load_workflows
from armillary.authoring.decompiler import compiled as run
from armillary_engine.definition.codec import from_document, identity, to_document
from armillary_engine.definition.fields import FIELDS, STEPS
from armillary_engine.definition.model import Address, Call, Const, Definition, Task
from armillary_engine.testing.strategies import definitions
from hypothesis import HealthCheck, given, seed, settings

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))
EXAMPLES_IN_CI = 2_000
SEEDS = 4
"""What comes up differs from seed to seed more than from example to example."""
LEAST = 50
"""How often every kind and every field comes up in these, at the least."""


def again(definition: Definition) -> Definition:
    return run(decompile(definition)).definition


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_reads_as_it_was_written(path, golden):
    (flow,) = load_workflows(path)
    source = decompile(flow)
    golden(f"decompiled-{path.stem}", source.rstrip("\n"))
    back = run(source)
    assert back.digest == flow.digest
    assert back.definition.meta == flow.definition.meta
    assert back.problems == ()


@pytest.mark.timeout(600)
def test_any_definition_comes_back(capsys):
    """Every kind of step and every optional field often enough, which is counted and printed."""
    seen: Counter[str] = Counter()
    thorough = settings().max_examples >= 200
    number = EXAMPLES_IN_CI // SEEDS if thorough else 10

    @given(definitions())
    @settings(max_examples=number, suppress_health_check=list(HealthCheck), database=None)
    def comes_back(definition: Definition) -> None:
        back = again(definition)
        assert identity(back).digest == identity(definition).digest
        assert (back.name, back.meta.title, back.meta.description) == (
            definition.name, definition.meta.title, definition.meta.description,
        )  # fmt: skip
        for id_, meta in definition.meta.steps.items():
            if meta.title or meta.note or meta.labels:
                assert back.meta.steps[id_] == meta
        seen["examples"] += 1
        count(definition, seen)

    for one in range(SEEDS):
        seed(one)(comes_back)()
    with capsys.disabled():
        print(f"\n{seen['examples']} definitions came back from Python with their digest:")
        print(", ".join(f"{what} {often}" for what, often in sorted(seen.items())))
    if thorough:
        assert seen["examples"] >= EXAMPLES_IN_CI
        assert {what: seen[what] for what in everything() if seen[what] < LEAST} == {}


def count(value: object, seen: Counter[str]) -> None:
    """What is there: every step's kind, and every field that is not as it is when it is left out."""
    kind = getattr(value, "kind", type(value).__name__.lower())
    if isinstance(value, tuple(STEPS.values())):
        seen[kind] += 1
    for row in FIELDS.get(type(value), ()):
        inner = getattr(value, row.attribute)
        if inner != row.default:
            seen[f"{kind}.{row.json}"] += 1
        if isinstance(inner, Mapping):
            inner = tuple(inner.values())
        for one in inner if isinstance(inner, tuple) else [inner]:
            count(one, seen)


def everything() -> list[str]:
    kinds = {owner: kind for kind, owner in STEPS.items()}
    fields = [f"{kinds.get(owner, owner.__name__.lower())}.{row.json}" for owner in FIELDS for row in FIELDS[owner]]
    return [*STEPS, *(field for field in fields if field != "meta.source")]  # where it was written is not what it is


@given(definitions())
@settings(suppress_health_check=list(HealthCheck))
def test_any_definition_comes_back_from_yaml(definition):
    assert load_definition(decompile(definition, to="yaml")) == normal(definition)


def test_null_as_a_value_is_told_from_a_field_that_is_left_out():
    call = Call("call", Address("rating", "quote"), arguments=Const(None))
    task = Task("task", "Review", title=Const(None), payload=Const(None))
    definition = Definition("Nulls", (call, task, Task("bare", "Review")))
    assert load_definition(decompile(definition, to="yaml")) == definition
    assert again(definition).body == definition.body


def normal(definition: Definition) -> Definition:
    return from_document(to_document(definition))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "enum": ["low", {"a": 1}], "title": "Severity"},
        {"type": "string", "enum": ["low", 1]},
        {"type": "object", "title": "Order", "properties": {"anything": True}},
        {"$ref": "#/$defs/Any", "$defs": {"Any": True}},
    ],
)
def test_schemas_that_no_model_has_are_written_as_they_are(schema):
    definition = Definition("A", (), input=schema)
    assert identity(again(definition)).digest == identity(definition).digest
