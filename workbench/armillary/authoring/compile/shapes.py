"""What is known about values without running anything: members that no model has are found here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from armillary_engine.definition.durations import is_duration
from armillary_engine.definition.expressions.functions import CORE
from armillary_engine.definition.model import Const, Expression, Fn, Format, Get, If, ListOf, Map, Object, Op, Schema
from armillary_engine.definition.problems import Problem
from armillary_engine.definition.suggest import did_you_mean

from .context import BROKEN, Context, Origin, Read

Node = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """A schema and the definitions that its references mean."""

    schema: Node
    root: Node

    def at(self, schema: Any) -> Shape:
        return Shape(schema if isinstance(schema, Mapping) else {}, self.root)


UNKNOWN = Shape({}, {})
MOMENT = Shape({"type": "string", "format": "date-time"}, {})
STARTED: Node = {"type": "object", "properties": {"started": MOMENT.schema}, "additionalProperties": True}
GIVEN = {"now": MOMENT, "instance": Shape(STARTED, {})}
ITEM = ("first", "last")
"""Functions that give one of the items of their first argument."""
RESULTS: dict[str, Node] = {
    "text": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": MOMENT.schema,
    "duration": {"type": "string", "format": "duration"},
}


def result(name: str) -> Shape:
    """The shape that a function of the registry gives."""
    function = CORE.get(name)
    kind = function.result if function is not None else "any"
    return Shape(RESULTS.get(kind, {}), {}) if isinstance(kind, str) else UNKNOWN


def is_moment(context: Context, expression: Expression) -> bool:
    """Whether a value is known to be a date or a date and time."""
    found = [one for shape in Shapes(context).of(expression, context.bound_origins) for one in variants(shape)]
    return bool(found) and all(one.schema.get("format") in ("date-time", "date") for one in found)


Bound = Mapping[str, Schema | Expression]
MANY = 8
"""Shapes of one value beyond which it counts as unknown."""
DEEP = 60
"""Names that are assigned from one another, beyond which a value counts as unknown."""


@dataclass
class Shapes:
    """Shapes of the names of one definition. A name has one shape for every place that assigns it."""

    context: Context
    known: dict[str, list[Shape]] = field(default_factory=dict)
    looking: list[str] = field(default_factory=list)

    def of_root(self, name: str, bound: Bound) -> list[Shape]:
        """The shapes of a root name."""
        if name in bound:
            origin = bound[name]
            if isinstance(origin, Mapping):
                return [Shape(origin, origin)]
            return [item for shape in self.of(origin, bound) for item in items(shape)]
        if name in GIVEN:
            return [GIVEN[name]]
        if name == "input":
            return [Shape(self.context.input_schema, self.context.input_schema)]
        if name not in self.known:
            if name in self.looking or len(self.looking) > DEEP:
                return [UNKNOWN]
            self.looking.append(name)
            origins = self.context.origins.get(name, [None])
            self.known[name] = few([shape for origin in origins for shape in self.of_origin(origin)])
            self.looking.pop()
        return self.known[name]

    def of_origin(self, origin: Origin) -> list[Shape]:
        """The shapes of what a name is assigned from."""
        if origin is None:
            return [UNKNOWN]
        return [Shape(origin, origin)] if isinstance(origin, Mapping) else self.of(origin, {})

    def of(self, expression: Expression, bound: Bound) -> list[Shape]:
        """The shapes that an expression's value may have."""
        return few(list(self._of(expression, bound)))

    def _of(self, expression: Expression, bound: Bound) -> Iterable[Shape]:
        match expression:
            case Get(path):
                root, *rest = path.split(".")
                found = self.of_root(root, bound)
                for key in rest:
                    found = [inner for shape in found for inner in member(shape, key) or [UNKNOWN]]
                return found
            case Op("index", (owner, Const(str() as key))):
                return [inner for shape in self.of(owner, bound) for inner in member(shape, key) or [UNKNOWN]]
            case Op("index", (Get(name), Const(int() as place))) if name in bound and isinstance(bound[name], Fn):
                return self.of_pair(bound[name], place, bound)
            case Op("index", (owner, _)):
                return [inner for shape in self.of(owner, bound) for inner in items(shape)]
            case Op("slice", (owner, *_)):
                return self.of(owner, bound)
            case Op("+", (left, right)) | If(_, left, right):
                return [*self.of(left, bound), *self.of(right, bound)]
            case Fn("entries", (owner,)):
                return [entries(inner) for shape in self.of(owner, bound) for inner in variants(shape)]
            case Fn(name, (first, *_)) if name in ITEM:
                return [item for shape in self.of(first, bound) for item in items(shape)]
            case ListOf(()):
                return [Shape({"type": "array"}, {})]
            case ListOf((first, *_)):
                return map(listed, self.of(first, bound))
            case Map(of, name, to, _):
                return map(listed, self.of(to, {**bound, name: of}))
            case Object(members):
                known = {key: self.one(value, bound) for key, value in members.items()}
                return [Shape({"type": "object", "properties": known, "additionalProperties": False}, {})]
            case _:
                return [UNKNOWN if expression is BROKEN else plain(expression)]

    def of_pair(self, of: Any, place: int, bound: Bound) -> list[Shape]:
        """A part of one item of ``enumerate(items)`` or ``zip(a, b)``."""
        match of:
            case Fn("enumerate", (items_of, *_)) if place == 1:
                return [item for shape in self.of(items_of, bound) for item in items(shape)]
            case Fn("zip", lists) if 0 <= place < len(lists):
                return [item for shape in self.of(lists[place], bound) for item in items(shape)]
        return [UNKNOWN]

    def one(self, expression: Expression, bound: Bound) -> Node:
        """A self-contained schema of an expression, or ``{}``."""
        found = self.of(expression, bound)
        return found[0].schema if len(found) == 1 and "$ref" not in str(found[0].schema) else {}


def few(shapes: list[Shape]) -> list[Shape]:
    """Each shape once; unknown when there are many."""
    found = list({(id(shape.schema), id(shape.root)): shape for shape in shapes}.values())
    return found if len(found) <= MANY else [UNKNOWN]


def listed(shape: Shape) -> Shape:
    """A list of such values."""
    return Shape({"type": "array", "items": shape.schema}, shape.root)


def plain(expression: Expression) -> Shape:
    """The shape of a constant, a text, or what a function gives."""
    match expression:
        case Const(str() as text):
            return Shape({"type": "string"} | ({"format": "duration"} if is_duration(text) else {}), {})
        case Const(bool()):
            return Shape({"type": "boolean"}, {})
        case Const(None):
            return Shape({"type": "null"}, {})
        case Format():
            return Shape({"type": "string"}, {})
        case Fn(name, _):
            return result(name)
    return UNKNOWN


def variants(shape: Shape, depth: int = 0) -> Iterator[Shape]:
    """The alternatives of a schema with references followed, without null."""
    schema = shape.schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/") and depth < 20:
        target: Any = shape.root
        for key in reference[2:].split("/"):
            target = target.get(key, {}) if isinstance(target, Mapping) else {}
        yield from variants(shape.at(target), depth + 1)
        return
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema and depth < 20:
            for inner in schema[word]:
                yield from variants(shape.at(inner), depth + 1)
            return
    if schema.get("type") != "null":
        yield shape


def member(shape: Shape, key: str) -> list[Shape] | None:
    """The shapes of a member; ``None`` when no variant has it."""
    found: list[Shape] = []
    for variant in variants(shape):
        properties = variant.schema.get("properties")
        if properties is None:
            if variant.schema.get("type") in (None, "object") and not scalar(variant):
                extra = variant.schema.get("additionalProperties")
                found.append(variant.at(extra) if isinstance(extra, Mapping) else UNKNOWN)
        elif key in properties:
            found.append(variant.at(properties[key]))
        elif variant.schema.get("additionalProperties"):
            found.append(variant.at(variant.schema["additionalProperties"]))
    return found or None


def scalar(shape: Shape) -> bool:
    """Whether a schema lists values."""
    return "enum" in shape.schema or "const" in shape.schema


def items(shape: Shape) -> list[Shape]:
    """The shapes of the items of a list."""
    found = [variant.at(variant.schema.get("items", {})) for variant in variants(shape)]
    return found or [UNKNOWN]


def entries(shape: Shape) -> Shape:
    """The list that ``entries`` makes of an object."""
    extra = shape.schema.get("additionalProperties")
    value = extra if isinstance(extra, Mapping) else {}
    members = {"key": {"type": "string"}, "value": value}
    item = {"type": "object", "properties": members, "additionalProperties": False}
    return shape.at({"type": "array", "items": item})


def known_members(shape: Shape) -> list[str]:
    """The members that a shape lists."""
    return [key for variant in variants(shape) for key in variant.schema.get("properties", {})]


def name_of(shape: Shape) -> str:
    """What a shape is called in a message."""
    for variant in variants(shape):
        schema = variant.schema
        if "properties" in schema:
            return str(schema.get("title", "the object"))
        kind = schema.get("type")
        words = {
            "array": "a list",
            "string": "text",
            "boolean": "a boolean",
            "integer": "a number",
            "number": "a number",
        }
        return "a number" if isinstance(kind, list) else words.get(str(kind), "the value")
    return "the value"


def unknown_members(context: Context) -> Iterator[Problem]:
    """Every member that is read and that no value of its owner can have."""
    shapes = Shapes(context)
    for read in context.reads:
        yield from _unknown(shapes, read)


def _unknown(shapes: Shapes, read: Read) -> Iterator[Problem]:
    if isinstance(read.owner, Get) and read.owner.path in ("instance", "now", "error"):
        return
    if read.owner is BROKEN:  # refused already
        return
    owners = shapes.of(read.owner, read.bound)
    if not owners or any(member(owner, read.key) is not None for owner in owners):
        return
    known = list(dict.fromkeys(name for owner in owners for name in known_members(owner)))
    hint = did_you_mean(read.key, known) or (f"its members are {', '.join(known)}" if known else "")
    message = f"{name_of(owners[0])} has no member {read.key!r}"
    yield Problem("member.unknown", message, hint=hint, span=read.source.span(read.node))
