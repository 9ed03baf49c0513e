"""The published JSON Schema 2020-12 of the canonical document and of its YAML form, made from the table of fields.

The canonical form holds expressions as syntax trees; the YAML form holds them as texts, numbers, lists and mappings,
and has short spellings. Both refuse fields that nothing lists; what depends on other places is validation.
"""

from __future__ import annotations

from typing import Any

from .expression_json import OPERATORS
from .fields import FIELDS, STEPS, FieldRow, Holds
from .model import SCHEMA, Address, Definition, StepMeta

Node = dict[str, Any]
IDENTIFIER = r"^[^\W\d]\w*$"
PATH = r"^[^\W\d]\w*(\.[^\W\d]\w*)*$"
DURATION = r"^P(?=.)(\d+W|(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$"
SHORT_DURATION = r"^\s*(\d+\s*(ms|min|s|m|h|d|w)\s*)+$"


def canonical_schema() -> Node:
    """The JSON Schema of an ``armillary.workflow/1`` document, with expressions as syntax trees."""
    return _document("armillary.workflow/1, canonical form", _expression_tree(), text=False)


def authoring_schema() -> Node:
    """The JSON Schema of a workflow as people write it in YAML or JSON, with expressions as texts."""
    return _document("armillary.workflow/1, written by people", _expression_text(), text=True)


def _document(title: str, expressions: dict[str, Node], *, text: bool) -> Node:
    definition = _object(Definition, text=text)
    definition["properties"] = {"schema": {"const": SCHEMA}, **definition["properties"]}
    definition["required"] = ["schema", *definition["required"]]
    objects = {_name(owner): _object(owner, text=text) for owner in FIELDS if owner is not Definition}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **definition,
        "$defs": {
            **expressions,
            **objects,
            "body": {"type": "array", "items": _any_step()},
            "schema": {"type": ["object", "boolean"]},
            "duration": _duration(text),
        },
    }


def _any_step() -> Node:
    """Chosen by kind, so that a mistake is reported for the kind that was meant."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(STEPS)}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{_name(owner)}"},
            }
            for kind, owner in STEPS.items()
        ],
    }


def _name(owner: type) -> str:
    return owner.__name__


def _object(owner: type, *, text: bool) -> Node:
    """One object of the document: its fields, those that are needed, and no others."""
    rows = FIELDS[owner]
    properties: Node = {}
    required = [row.json for row in rows if row.required]
    kind = next((kind for kind, one in STEPS.items() if one is owner), None)
    if kind is not None:
        properties |= {"id": {"type": "string", "minLength": 1}, "kind": {"const": kind}}
        required = ["id", "kind", *required]
    properties |= {row.json: _field(row, text=text) for row in rows}
    found: Node = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    description = (owner.__doc__ or "").split("\n\n")[0].replace("\n", " ").replace("``", "`").strip()
    if description:
        found = {"description": " ".join(description.split()), **found}
    if owner is Address and text:
        return {"anyOf": [{"type": "string", "pattern": "^[^/]+/.+$", "examples": ["rating/quote"]}, found]}
    return found


_PLAIN: dict[Holds, Node] = {
    Holds.TEXT: {"type": "string"},
    Holds.NAME: {"type": "string", "pattern": IDENTIFIER},
    Holds.PATH: {"type": "string", "pattern": PATH},
    Holds.EXPRESSION: {"$ref": "#/$defs/expression"},
    Holds.EXPRESSIONS: {"type": "object", "additionalProperties": {"$ref": "#/$defs/expression"}},
    Holds.ASSIGNMENTS: {
        "type": "object", "minProperties": 1, "propertyNames": {"pattern": PATH},
        "additionalProperties": {"$ref": "#/$defs/expression"},
    },
    Holds.SCHEMA: {"$ref": "#/$defs/schema"},
    Holds.DURATION: {"$ref": "#/$defs/duration"},
    Holds.RANGE: {"type": "string", "minLength": 1},
    Holds.TEXTS: {"type": "array", "items": {"type": "string", "minLength": 1}},
    Holds.LABELS: {"type": "object", "additionalProperties": {"type": "string"}},
    Holds.COUNT: {"type": "integer", "minimum": 1},
    Holds.NUMBER: {"type": "number", "minimum": 0},
    Holds.FACTOR: {"type": "number", "minimum": 1},
    Holds.FRACTION: {"type": "number", "minimum": 0, "maximum": 1},
    Holds.JOIN: {"anyOf": [{"enum": ["all", "any"]}, {"type": "integer", "minimum": 1}]},
    Holds.FREE: {"type": "object"},
    Holds.BODY: {"$ref": "#/$defs/body"},
    Holds.STEP_META: {"type": "object", "additionalProperties": {"$ref": f"#/$defs/{_name(StepMeta)}"}},
}  # fmt: skip


def _field(row: FieldRow, *, text: bool) -> Node:
    """What one field holds."""
    if row.holds is Holds.OBJECT and row.of is not None:
        found: Node = {"$ref": f"#/$defs/{_name(row.of)}"}
    elif row.holds is Holds.OBJECTS and row.of is not None:
        found = {"type": "array", "items": {"$ref": f"#/$defs/{_name(row.of)}"}}
    else:
        found = _PLAIN[row.holds]
    if row.required or row.default is not None or row.holds is Holds.EXPRESSION:
        return found
    return {"anyOf": [found, {"type": "null"}]}


def _duration(text: bool) -> Node:
    exact = {"type": "string", "pattern": DURATION, "examples": ["PT30S", "P14D"]}
    short = {"type": "string", "pattern": SHORT_DURATION, "examples": ["30s", "2h30m", "14d"]}
    return {"anyOf": [exact, short]} if text else exact


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────

_E: Node = {"$ref": "#/$defs/expression"}


def _one(**properties: Any) -> Node:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def _expression_tree() -> dict[str, Node]:
    several = {"type": "array", "items": _E}
    whole_map = {**_one(items=_E, to=_E), "required": ["items", "as", "to"]}
    whole_map["properties"] |= {"as": {"type": "string", "pattern": IDENTIFIER}, "where": _E}
    kinds = [
        _one(const={}),
        _one(get={"type": "string", "pattern": PATH}),
        _one(op={"enum": sorted(OPERATORS)}, args=several),
        _one(**{"if": {"type": "array", "items": _E, "minItems": 3, "maxItems": 3}}),
        _one(object={"type": "object", "additionalProperties": _E}),
        _one(list=several),
        _one(format={"type": "array", "items": {"anyOf": [{"type": "string"}, _E]}}),
        _one(map=whole_map),
        _one(fn={"type": "string", "minLength": 1}, args=several),
    ]
    return {"expression": {"anyOf": kinds}}


def _expression_text() -> dict[str, Node]:
    return {
        "expression": {
            "description": "A text is an expression, such as `quote.premium > 10_000`; a constant text has quotes of "
            "its own. Numbers, true, false and null are constants; lists and mappings hold expressions.",
            "anyOf": [
                {"type": ["string", "number", "boolean", "null"]},
                {"type": "array", "items": _E},
                {"type": "object", "additionalProperties": True},
            ],
        }
    }
