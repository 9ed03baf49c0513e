"""``Schema``: a JSON Schema where a model would stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from armillary_engine.definition.values import normalize


@dataclass(frozen=True, eq=False)
class Schema:
    """``Policy = Annotated[Any, Schema({"type": "object"})]`` is a type like any model's, described by its schema."""

    schema: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, core: object, handler: object) -> dict[str, Any]:
        return dict(self.schema)


def written_schema(type_: Any) -> dict[str, Any] | None:
    """The schema that an annotated type carries, with exact numbers; ``None`` for any other type."""
    if get_origin(type_) is not Annotated:
        return None
    found = next((one for one in get_args(type_)[1:] if isinstance(one, Schema)), None)
    if found is None:
        return None
    normal = normalize(found.schema)
    return normal if isinstance(normal, dict) else None
