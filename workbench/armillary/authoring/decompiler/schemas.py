"""JSON Schema → types: plain types and pydantic models where they give the same schema back, else the schema itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.values import dumps

from .literals import literal, spread
from .names import Naming

PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
FORMATS = {"date-time": "datetime", "date": "date", "duration": "timedelta"}
CONSTRAINTS = {
    "minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt", "minLength": "min_length",
    "maxLength": "max_length", "pattern": "pattern", "multipleOf": "multiple_of", "description": "description",
}  # fmt: skip


class UnwritableError(Exception):
    """A schema that no type gives."""


class Types:
    """Types for the schemas of one definition; ``plain`` keeps every schema as it is."""

    def __init__(self, naming: Naming, *, plain: bool) -> None:
        self.naming = naming
        self.plain = plain
        self.blocks: list[str] = []
        self.known: dict[bytes, str] = {}
        self.enumerations: dict[str, dict[str, str]] = {}

    def of(self, schema: Mapping[str, Any], wanted: str) -> str:
        """The type whose schema is ``schema``; ``wanted`` is a name for it where it needs one."""
        key = dumps(dict(schema))
        if key not in self.known:
            blocks = list(self.blocks)
            try:
                if self.plain:
                    raise UnwritableError
                self.known[key] = self.type(dict(schema), schema.get("$defs", {}), {})
            except UnwritableError:
                self.blocks = blocks
                self.known[key] = self.written(schema, wanted)
        return self.known[key]

    def written(self, schema: Mapping[str, Any], wanted: str) -> str:
        """A name for the schema itself."""
        name = self.naming.fresh(wanted)
        self.naming.imports |= {"from typing import Annotated, Any"}
        shown = spread(dict(schema))
        if "Decimal(" in shown:
            self.naming.imports.add("from decimal import Decimal")
        self.blocks.append(f"{name} = Annotated[Any, {self.naming.verb('Schema')}({shown})]")
        return name

    def type(self, schema: dict[str, Any], definitions: Mapping[str, Any], made: dict[str, str]) -> str:
        """The text of a type."""
        rest = {key: value for key, value in schema.items() if key != "$defs"}
        match rest:
            case {"$ref": str() as reference} if len(rest) == 1 and reference.startswith("#/$defs/"):
                name = reference.removeprefix("#/$defs/")
                if made.get(name) == "":
                    raise UnwritableError
                if name not in made:
                    made[name] = ""
                    made[name] = self.type(plain(definitions.get(name, {})), definitions, made)
                return made[name]
            case {"type": ["number", "string"], "format": "decimal"} if len(rest) == 2:
                return self.imported("from decimal import Decimal", "Decimal")
            case {"type": "string", "format": str() as form} if len(rest) == 2 and form in FORMATS:
                return self.imported(f"from datetime import {FORMATS[form]}", FORMATS[form])
            case {"type": "array", "items": dict() as items} if len(rest) == 2:
                return f"list[{self.type(items, definitions, made)}]"
            case {"type": "object", "additionalProperties": True} if len(rest) == 2:
                return "dict"
            case {"type": "object", "additionalProperties": dict() as values} if len(rest) == 2:
                return f"dict[str, {self.type(values, definitions, made)}]"
            case {"anyOf": [dict() as inner, {"type": "null"}]} if len(rest) == 1:
                return f"{self.type(inner, definitions, made)} | None"
            case {"type": "string", "enum": list() as values} if not all(isinstance(value, str) for value in values):
                raise UnwritableError
            case {"type": "string", "enum": list() as values, "title": str() as title} if len(rest) == 3:
                return self.enumeration(title, values)
            case {"type": "string", "enum": list() as values} if len(rest) == 2:
                return self.imported("from typing import Literal", f"Literal[{', '.join(map(literal, values))}]")
            case {"type": "object", "properties": dict(), "title": str()}:
                return self.model(rest, definitions, made)
            case {"type": str() as kind} if len(rest) == 1 and kind in PLAIN:
                return PLAIN[kind]
        raise UnwritableError

    def imported(self, line: str, name: str) -> str:
        self.naming.imports.add(line)
        return name

    def enumeration(self, title: str, values: list[Any]) -> str:
        """An ``Enum`` of texts."""
        names = [re.sub(r"\W+", "_", str(value)).strip("_").upper() for value in values]
        if title in self.naming.taken or len(set(names)) < len(names) or not all(map(is_identifier, names)):
            raise UnwritableError
        self.naming.fresh(title)
        self.enumerations[title] = dict(zip(values, names, strict=True))
        lines = [f"    {name} = {literal(value)}" for name, value in zip(names, values, strict=True)]
        self.blocks.append(f"class {title}(Enum):\n" + "\n".join(lines))
        return self.imported("from enum import Enum", title)

    def model(self, schema: dict[str, Any], definitions: Mapping[str, Any], made: dict[str, str]) -> str:
        """A pydantic model."""
        extra = schema.keys() - {"type", "properties", "title", "required", "additionalProperties"}
        title = schema["title"]
        if extra or schema.get("additionalProperties", False) is not False:
            raise UnwritableError
        required = schema.get("required", [])
        lines = [
            self.member(name, plain(one), name in required, definitions, made)
            for name, one in schema["properties"].items()
        ]
        self.naming.imports.add("from pydantic import BaseModel")
        if "additionalProperties" in schema:
            self.naming.imports.add("from pydantic import ConfigDict")
            lines.insert(0, 'model_config = ConfigDict(extra="forbid")')
        block = f"class {title}(BaseModel):\n" + "\n".join(f"    {line}" for line in lines or ["pass"])
        if block in self.blocks:
            return str(title)
        if title in self.naming.taken:
            raise UnwritableError
        self.naming.fresh(title)
        self.blocks.append(block)
        return str(title)

    def member(
        self, name: str, schema: dict[str, Any], required: bool, definitions: Mapping[str, Any], made: dict[str, str]
    ) -> str:
        if not is_identifier(name) or name.startswith(("_", "model_")) or required == ("default" in schema):
            raise UnwritableError
        bounds = {python: schema.pop(key) for key, python in CONSTRAINTS.items() if key in schema}
        given = [schema.pop("default")] if "default" in schema else []
        type_ = self.type(schema, definitions, made)
        default = [self.member_of(type_, one) or self.value(one, schema) for one in given]
        if not bounds:
            return f"{name}: {type_}" + (f" = {default[0]}" if default else "")
        self.naming.imports.add("from pydantic import Field")
        listed = ", ".join([*default, *(f"{key}={self.value(value, {})}" for key, value in bounds.items())])
        return f"{name}: {type_} = Field({listed})"

    def member_of(self, type_: str, value: Any) -> str | None:
        """``Severity.SMALL`` for a value of an enumeration."""
        name = self.enumerations.get(type_, {}).get(value) if isinstance(value, str) else None
        return f"{type_}.{name}" if name else None

    def value(self, value: Any, schema: Mapping[str, Any]) -> str:
        """A default or a bound as Python."""
        if schema.get("type") == "number" and isinstance(value, Decimal) and str(value) == repr(float(value)):
            return str(value)
        if (schema.get("format") == "decimal" and type(value) is int) or isinstance(value, Decimal):
            return self.imported("from decimal import Decimal", f"Decimal({literal(str(value))})")
        if "$ref" in schema:
            raise UnwritableError
        return literal(value)


def plain(schema: Any) -> dict[str, Any]:
    """A copy of a schema; one that is only ``true`` or ``false`` has no type of Python."""
    if not isinstance(schema, Mapping):
        raise UnwritableError
    return dict(schema)
