"""Parameters, types and schemas."""

from __future__ import annotations

from decimal import Decimal

import pytest

APPLICATION = "@workflow\ndef flow({}){}:\n    pass\n"


def schema(compiled, parameters: str, **names):
    return compiled(APPLICATION.format(parameters, ""), **names).definition.input


def test_one_parameter_that_is_a_model_is_the_input(compiled):
    found = schema(compiled, "app: Application")
    assert found["title"] == "Application"
    assert found["properties"]["amount"] == {"type": ["number", "string"], "format": "decimal", "default": 0}


@pytest.mark.parametrize("annotation", ["Application", "Person", "Item", "'Application'", "arm_models.Application"])
def test_models_of_every_sort_and_spelling(compiled, annotation):
    from types import ModuleType

    module = ModuleType("arm_models")
    source = compiled("@workflow\ndef flow(app: Application):\n    pass\n")
    assert source.definition.input["title"] == "Application"
    module.Application = compiled.__globals__["Application"]  # type: ignore[attr-defined]
    assert "properties" in schema(compiled, f"app: {annotation}", arm_models=module)


def test_parameters_are_properties(compiled):
    found = schema(
        compiled, "policy: str, amount: Decimal = Decimal('1.50'), *, lines: list[Line], limit: float = 0.1, any=None"
    )
    definitions = found.pop("$defs")
    assert list(definitions) == ["Line"]
    assert found == {
        "type": "object",
        "properties": {
            "policy": {"type": "string"},
            "amount": {"type": ["number", "string"], "format": "decimal", "default": Decimal("1.5")},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            "limit": {"type": "number", "default": Decimal("0.1")},
            "any": {"default": None},
        },
        "required": ["policy", "lines"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("str", {"type": "string"}),
        ("bool", {"type": "boolean"}),
        ("Literal['a', 'b']", {"enum": ["a", "b"], "type": "string"}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("date", {"type": "string", "format": "date"}),
        ("timedelta", {"type": "string", "format": "duration"}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("dict[str, int]", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("int | None", {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ("Any", {}),
    ],
)
def test_types(compiled, annotation, expected):
    assert schema(compiled, f"x: {annotation}, y: int")["properties"]["x"] == expected


def test_enumerations_and_defaults(compiled):
    found = schema(compiled, "status: Status = Status.OPEN")
    enumeration = {"enum": ["open", "closed"], "title": "Status", "type": "string"}
    assert found["properties"]["status"] == {**enumeration, "default": "open"}


def test_documentation_of_a_class_is_no_part_of_the_meaning(compiled):
    found = schema(compiled, "quote: Quote")
    assert "description" not in found


def test_hints_resolve_through_the_callers_locals():
    from armillary.authoring import workflow
    from pydantic import BaseModel

    class Local(BaseModel):
        x: int

    @workflow
    def flow(local: Local) -> Local:
        return local

    assert flow.definition.input["title"] == "Local"
    assert flow.definition.output["title"] == "Local"


def test_the_output_is_the_return_annotation(compiled):
    assert compiled("@workflow\ndef flow() -> Outcome:\n    pass\n").definition.output["title"] == "Outcome"
    assert compiled("@workflow\ndef flow() -> None:\n    pass\n").definition.output is None


def test_no_parameters_ask_for_nothing(compiled):
    assert compiled("@workflow\ndef flow():\n    pass\n").definition.input == {}
