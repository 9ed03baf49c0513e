"""A form from the JSON Schema of an answer. What a form cannot offer well becomes a field for JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from armillary_engine.definition.model import Schema

from .messages import Choice, Field, FieldKind
from .values import number_text, to_json_text

MAX_DEPTH = 8
"""Deeper (or recursive) schemas become a field for JSON text."""

_STRING_FORMATS: dict[str, FieldKind] = {"date": "date", "date-time": "date-time", "time": "time", "decimal": "number"}
_LIMITS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "minItems", "maxItems", "format",
)  # fmt: skip


def form_of(schema: Schema | None) -> Field | None:
    """The form for answers of ``schema``; ``None`` where the task takes no answer (no schema, or only null)."""
    if schema is None or schema.get("type") == "null":
        return None
    return _field("", schema, schema, required=True, depth=0)


def _field(name: str, schema: Any, root: Schema, *, required: bool, depth: int) -> Field:
    found, nullable = _resolve(schema, root)
    kind = "json" if depth > MAX_DEPTH else _kind(found)
    field: Field = {
        "kind": kind,
        "name": name,
        "label": str(found.get("title") or _words(name)),
        "description": str(found.get("description") or ""),
        "required": required,
        "nullable": nullable,
        "default": to_json_text(found["default"]) if "default" in found else None,
        "defaults": [to_json_text(item) for item in _list_default(found)] if kind == "list" else [],
        "choices": _choices(found) if kind == "choice" else [],
        "fields": [],
        "item": None,
        "limits": {key: _limit(found[key]) for key in _LIMITS if key in found},
    }
    if kind == "constant":
        field["default"] = to_json_text(found["const"])
    elif kind == "object":
        # Canonical JSON keeps the order of lists only: `required` has the model's, so its members come first.
        members, needed = found["properties"], [key for key in found.get("required", ()) if key in found["properties"]]
        field["fields"] = [
            _field(key, members[key], root, required=key in needed, depth=depth + 1)
            for key in dict.fromkeys((*needed, *members))
        ]
    elif kind == "list":
        field["item"] = _field("", found["items"], root, required=True, depth=depth + 1)
    return field


def _list_default(schema: Mapping[str, Any]) -> list[Any]:
    default = schema.get("default")
    return default if isinstance(default, list) else []


def _limit(value: Any) -> str:
    return value if isinstance(value, str) else number_text(value)


def _resolve(schema: Any, root: Schema) -> tuple[Mapping[str, Any], bool]:
    """The schema with its references followed, ``allOf`` of one merged and null taken out: ``(schema, nullable)``."""
    found: dict[str, Any] = dict(schema) if isinstance(schema, Mapping) else {}
    nullable = False
    for _ in range(32):
        if "$ref" in found:
            rest = {key: value for key, value in found.items() if key != "$ref"}
            found = {**_target(found["$ref"], root), **rest}
        elif isinstance(found.get("type"), list) and "null" in found["type"]:
            others = [name for name in found["type"] if name != "null"]
            found, nullable = {**found, "type": others[0] if len(others) == 1 else others}, True
        elif (inner := _only_alternative(found)) is not None:
            alternative, takes_null = inner
            rest = {key: value for key, value in found.items() if key not in ("anyOf", "oneOf", "allOf")}
            found, nullable = {**alternative, **rest}, nullable or takes_null
        else:
            break
    return found, nullable


def _target(reference: str, root: Schema) -> Mapping[str, Any]:
    """What a local reference points to; a foreign one gives the schema that takes anything."""
    place: Any = root
    if not reference.startswith("#"):
        return {}
    for part in reference[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(place, Mapping) or key not in place:
            return {}
        place = place[key]
    return place if isinstance(place, Mapping) else {}


def _only_alternative(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool] | None:
    """The one alternative besides null of ``anyOf``/``oneOf``/``allOf``, and whether null is another one.

    A number that may also be written as text (what models say for exact decimals) is one alternative: the number.
    """
    for word in ("allOf", "anyOf", "oneOf"):
        alternatives = schema.get(word)
        if not isinstance(alternatives, list):
            continue
        others = [item for item in alternatives if isinstance(item, Mapping) and item.get("type") != "null"]
        if len(others) == 2 and all(any(item.get("type") == kind for item in others) for kind in ("number", "string")):
            others = [item for item in others if item["type"] == "number"]
        if len(others) == 1:
            return others[0], len(alternatives) > len(others) and any(
                item.get("type") == "null" for item in alternatives
            )
    return None


def _kind(schema: Mapping[str, Any]) -> FieldKind:
    if "const" in schema:
        return "constant"
    if isinstance(schema.get("enum"), list) or _titled_constants(schema):
        return "choice"
    match _one_type(schema.get("type")):
        case "string":
            return _STRING_FORMATS.get(str(schema.get("format")), "string")
        case "integer":
            return "integer"
        case "number":
            return "number"
        case "boolean":
            return "boolean"
        case "object" if isinstance(schema.get("properties"), Mapping) and schema["properties"]:
            return "object"
        case "array" if isinstance(schema.get("items"), Mapping) and "prefixItems" not in schema:
            return "list"
    return "json"


def _one_type(given: Any) -> Any:
    """``["number", "string"]`` is a number that may be written as text, as exact decimals are."""
    if isinstance(given, list) and len(given) == 2 and "string" in given:
        other = next((name for name in given if name != "string"), None)
        return other if other in ("number", "integer") else given
    return given


def _titled_constants(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """``oneOf``/``anyOf`` of constants with titles: an enumeration with texts for people."""
    alternatives = schema.get("oneOf") or schema.get("anyOf")
    if (
        isinstance(alternatives, list)
        and alternatives
        and all(isinstance(a, Mapping) and "const" in a for a in alternatives)
    ):
        return alternatives
    return []


def _choices(schema: Mapping[str, Any]) -> list[Choice]:
    if titled := _titled_constants(schema):
        return [_choice(item["const"], item.get("title")) for item in titled]
    return [_choice(value, None) for value in schema["enum"]]


def _choice(value: Any, title: Any) -> Choice:
    text = to_json_text(value)
    shown = str(title) if title else "none" if value is None else value if isinstance(value, str) else text
    return {"label": shown, "value": text}


def _words(name: str) -> str:
    """``risk_class`` → ``Risk class``."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
