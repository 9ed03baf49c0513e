"""What is known of a value before there is one: its possible kinds and, for objects with a schema, their members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ..model import Value

_REFERENCES = 20
"""References followed from one place to the next; a schema that needs more is not known."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One possibility: ``text number boolean null list object``. An object's ``members`` are ``None`` when others than
    those known may be there; ``schema`` and ``root`` give members and items when asked."""

    name: str
    schema: Mapping[str, Any] | None = None
    root: Mapping[str, Any] | None = None
    members: Mapping[str, Shape] | None = None
    item: Shape = None
    places: tuple[Shape, ...] | None = None
    """The shape of each item of a list of which every item is known by its place, such as a pair."""


Shape = tuple[Kind, ...] | None
"""The possibilities; ``None``: nothing is known."""

TEXT: Final[Shape] = (Kind("text"),)
NUMBER: Final[Shape] = (Kind("number"),)
BOOLEAN: Final[Shape] = (Kind("boolean"),)
INSTANCE: Final[Shape] = (Kind("object", members={"id": TEXT, "reference": None, "started": TEXT}),)

_OF_TYPE = {
    "string": "text", "number": "number", "integer": "number", "boolean": "boolean", "null": "null", "array": "list",
    "object": "object",
}  # fmt: skip


def names(shape: Shape) -> frozenset[str] | None:
    """The names of the kinds; ``None``: any."""
    return None if shape is None else frozenset(kind.name for kind in shape)


def union(shapes: Iterable[Shape]) -> Shape:
    """Any of them."""
    found: list[Kind] = []
    for shape in shapes:
        if shape is None:
            return None
        found += shape
    return tuple(found) if len(found) <= 50 else None


def grown(shape: Shape, more: Shape, *, plain: bool) -> Shape:
    """``shape`` itself where it admits all of ``more``; otherwise one that admits both. ``plain``: of which only the
    names of the kinds are known, so that whatever is joined again and again comes to an end."""
    if shape is None or more is None:
        return None
    new = [kind for kind in more if kind not in shape and Kind(kind.name) not in shape]
    if not new:
        return shape
    both = (*shape, *new)
    return tuple(Kind(name) for name in dict.fromkeys(kind.name for kind in both)) if plain else union([both])


def of_value(value: Value) -> Shape:
    """The shape of a constant."""
    match value:
        case None:
            return (Kind("null"),)
        case bool():
            return BOOLEAN
        case int() | Decimal():
            return NUMBER
        case str():
            return TEXT
        case list():
            return (Kind("list"),)
        case _:
            return (Kind("object"),)


def of_schema(schema: Any, root: Mapping[str, Any], depth: int = _REFERENCES) -> Shape:
    """The shape of the values that a schema admits, after defaults and decimals are in place."""
    if not isinstance(schema, Mapping) or depth <= 0:
        return None
    if schema.get("format") == "decimal":
        return NUMBER
    if "$ref" in schema:
        return of_schema(_resolve(schema["$ref"], root), root, depth - 1)
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list):
            return union(of_schema(inner, root, depth - 1) for inner in schema[keyword])
    if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
        return of_schema(schema["allOf"][0], root, depth - 1)
    if isinstance(schema.get("enum"), list):
        return union(of_value(option) for option in schema["enum"])
    if "const" in schema:
        return of_value(schema["const"])
    kinds = schema.get("type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    if not all(isinstance(kind, str) and kind in _OF_TYPE for kind in listed):
        return None
    return tuple(Kind(_OF_TYPE[str(kind)], schema, root) for kind in listed)


def _resolve(target: Any, root: Mapping[str, Any]) -> Any:
    found: Any = root
    if not isinstance(target, str) or not target.startswith("#"):
        return None
    for part in target[1:].split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def members(kind: Kind) -> Mapping[str, Shape] | None:
    """The members of an object, when it can have no others."""
    if kind.members is not None or kind.schema is None or kind.root is None:
        return kind.members
    properties = kind.schema.get("properties")
    if not isinstance(properties, Mapping) or not properties or kind.schema.keys() & _OPEN:
        return None
    if kind.schema.get("additionalProperties", False) is not False:
        return None
    root = kind.root
    return {name: of_schema(inner, root) for name, inner in properties.items()}


_OPEN = frozenset({"patternProperties", "allOf", "if", "dependentSchemas", "unevaluatedProperties"})


@dataclass(frozen=True, slots=True)
class Lacking:
    """No possibility has the member; ``known`` are those that there are."""

    known: tuple[str, ...]


def member(shape: Shape, name: str) -> Shape | Lacking:
    """The shape of a member, or that there is none."""
    if shape is None:
        return None
    found: list[Shape] = []
    lacking: list[str] = []
    for kind in shape:
        if kind.name != "object":
            continue
        known = _declared(kind, name)
        if known is None:
            return None
        if isinstance(known, Lacking):
            lacking += known.known
        else:
            found.append(known[0])
    if not found:
        return Lacking(tuple(dict.fromkeys(lacking)))
    return union(found)


def _declared(kind: Kind, name: str) -> tuple[Shape] | Lacking | None:
    if kind.schema is not None and kind.root is not None:
        properties = kind.schema.get("properties")
        if isinstance(properties, Mapping) and name in properties:
            return (of_schema(properties[name], kind.root),)
    known = members(kind)
    if known is None:
        return None
    return (known[name],) if name in known else Lacking(tuple(known))


def item_at(shape: Shape, place: int) -> Shape:
    """The shape of the item at a place, where it is known; otherwise that of any item."""
    kinds = [kind for kind in shape or () if kind.name == "list"]
    if not kinds or any(kind.places is None or not 0 <= place < len(kind.places) for kind in kinds):
        return item(shape)
    return union(kind.places[place] for kind in kinds if kind.places is not None)


def item(shape: Shape) -> Shape:
    """The shape of a list's items."""
    if shape is None:
        return None
    found: list[Shape] = []
    for kind in shape:
        if kind.name != "list":
            continue
        if kind.schema is not None and kind.root is not None and isinstance(kind.schema.get("items"), Mapping):
            found.append(of_schema(kind.schema["items"], kind.root))
        else:
            found.append(kind.item)
    return union(found) if found else None
