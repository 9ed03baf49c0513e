"""Types → JSON Schema 2020-12: pydantic models, dataclasses, TypedDict, Literal, enumerations, dates, Decimal, …

Members are known by their names in Python. A ``Decimal`` takes a number or a numeric text (format ``decimal``); what is
only documentation of the class is left out, so that a docstring does not change what a definition means.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, get_args

from armillary_engine.definition.model import Schema, Value
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.values import normalize
from pydantic import BaseModel, PydanticUserError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticUndefined, core_schema
from typing_extensions import is_typeddict

from ..schema import written_schema

REQUIRED: Any = object()
"""A member without a default."""
EMPTY_FACTORIES = (list, dict)


class ModelError(ArmillaryError):
    """A type that has no JSON Schema (``model.*``)."""


class _Generator(GenerateJsonSchema):
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        found: JsonSchemaValue = {"type": ["number", "string"], "format": "decimal"}
        self.update_with_validations(found, schema, self.ValidationsMapping.numeric)
        return {key: normalize(value) if key not in ("type", "format") else value for key, value in found.items()}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def encode_default(self, dft: Any) -> Any:
        return normalize(dft)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        if schema.get("default_factory") in EMPTY_FACTORIES and "default" not in found:
            found = {**found, "default": schema["default_factory"]()}  # type: ignore[call-arg]
        return found


def schema_of(type_: Any) -> Schema:
    """The JSON Schema of ``type_``. Raises :class:`ModelError`."""
    if type_ is Any or type_ is object:
        return {}
    written = written_schema(type_)
    if written is not None:
        return written
    for owner in reachable(type_):
        check_aliases(owner)
    try:
        found = TypeAdapter(type_).json_schema(by_alias=False, schema_generator=_Generator)
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError, TypeError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0].rstrip(".")
        if "typing_extensions.TypedDict" in reason:
            reason = "typing.TypedDict can't be read on this Python"
            hint = "write `from typing_extensions import TypedDict`"
            raise ModelError("model.typed-dict", f"{shown(type_)} has no JSON Schema: {reason}", hint=hint) from None
        if not isinstance(error, TypeError):
            reason = "it is no model" if isinstance(type_, type) else "it is no type"
        hint = "use pydantic models, dataclasses, TypedDict, enumerations, Literal, and plain JSON types"
        raise ModelError("model.schema", f"{shown(type_)} has no JSON Schema: {reason}", hint=hint) from None
    documented = {name_of(owner) for owner in reachable(type_)}
    schema = without_docstrings(found, documented)
    return schema if isinstance(schema, dict) else {}


def without_docstrings(node: Any, documented: set[str]) -> Any:
    """Drops the descriptions that come from a class's docstring, keeping those of fields."""
    match node:
        case dict():
            kept = {key: without_docstrings(value, documented) for key, value in node.items()}
            title = kept.get("title")  # among properties, a member that is called title
            if (
                isinstance(title, str)
                and title in documented
                and ("properties" in kept or "enum" in kept or kept.get("type") == "object")
            ):
                kept.pop("description", None)
            return kept
        case list():
            return [without_docstrings(item, documented) for item in node]
        case _:
            return node


def check_aliases(owner: type) -> None:
    """Refuses fields with an alias."""
    if not issubclass(owner, BaseModel):
        return
    for name, field in owner.model_fields.items():
        alias = field.serialization_alias or field.validation_alias or field.alias
        if alias is not None and alias != name:
            hint = f"call the field {alias} if that is an identifier, or drop the alias and rename it in the service"
            message = f"expected fields without an alias, got {owner.__name__}.{name} with the alias {alias!r}"
            raise ModelError("model.alias", message, hint=hint)


def reachable(type_: Any, seen: set[int] | None = None) -> Iterator[type]:
    """``type_`` and the classes in its members that are models or enumerations."""
    seen = set() if seen is None else seen
    if id(type_) in seen:
        return
    seen.add(id(type_))
    for argument in get_args(type_):
        yield from reachable(argument, seen)
    if isinstance(type_, type) and (is_model(type_) or issubclass(type_, Enum)):
        yield type_
        for hint in member_types(type_).values():
            yield from reachable(hint, seen)


def is_model(type_: Any) -> bool:
    """Whether ``type_`` has named members: a pydantic model, a dataclass or a TypedDict."""
    if written_schema(type_) is not None:
        return True
    return (
        isinstance(type_, type) and (issubclass(type_, BaseModel) or dataclasses.is_dataclass(type_))
    ) or is_typeddict(type_)


def member_types(type_: Any) -> dict[str, Any]:
    """The types of a model's members."""
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        return {name: field.annotation for name, field in type_.model_fields.items()}
    if dataclasses.is_dataclass(type_):
        return {field.name: field.type for field in dataclasses.fields(type_)}
    return dict(getattr(type_, "__annotations__", {})) if is_typeddict(type_) else {}


def members(type_: Any) -> dict[str, Any]:
    """Members of a model in their order, with their defaults; ``REQUIRED`` where there is none. An optional key of a
    TypedDict has no default and is left out when it is not given: its entry is ``dataclasses.MISSING``."""
    if issubclass(type_, BaseModel):
        return {name: _pydantic_default(field) for name, field in type_.model_fields.items()}
    if dataclasses.is_dataclass(type_):
        return {field.name: _dataclass_default(field) for field in dataclasses.fields(type_) if field.init}
    required: frozenset[str] = getattr(type_, "__required_keys__", frozenset())
    return {name: REQUIRED if name in required else dataclasses.MISSING for name in type_.__annotations__}


def _pydantic_default(field: Any) -> Any:
    if field.default is not PydanticUndefined:
        return field.default
    return field.default_factory() if field.default_factory in EMPTY_FACTORIES else REQUIRED


def _dataclass_default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    factory: Any = field.default_factory
    return factory() if factory in EMPTY_FACTORIES else REQUIRED


def properties_schema(types: Mapping[str, Schema], defaults: Mapping[str, Value]) -> Schema:
    """The schema of an object with these properties and no others; those without a default are required."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, schema in types.items():
        body = {key: value for key, value in schema.items() if key != "$defs"}
        definitions |= schema.get("$defs", {})
        properties[name] = {**body, "default": defaults[name]} if name in defaults else body
    required = [name for name in types if name not in defaults]
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    if definitions:
        found["$defs"] = definitions
    return found


def name_of(type_: Any) -> str:
    """The name of a type."""
    return str(getattr(type_, "__name__", type_))


def shown(type_: Any) -> str:
    """A type for a message."""
    return name_of(type_) if isinstance(type_, type) else str(type_)


__all__ = ["ModelError", "is_model", "members", "properties_schema", "schema_of"]
