"""JSON Schema as closures: what fills defaults, turns decimal texts into numbers, and finds what does not fit.

A node takes a value, its path and the list of problems, and gives the value as it is from then on. Keywords that are
rare in models are left to the jsonschema package, node by node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from .expression_json import kind_of
from .problems import Problem
from .schema_formats import FORMATS
from .schema_rules import RULES, Rule
from .suggest import did_you_mean
from .values import JsonValueError, dumps, number, pointer

Path = tuple[str | int, ...]
Node = Callable[[Any, Path, list[Problem]], Any]

ANNOTATIONS = frozenset({
    "$anchor", "$comment", "$defs", "$id", "$schema", "contentEncoding", "contentMediaType", "default", "definitions",
    "deprecated", "description", "discriminator", "examples", "readOnly", "title", "writeOnly",
})  # fmt: skip
TYPES: dict[str, tuple[frozenset[type], str]] = {
    "null": (frozenset({type(None)}), "null"), "boolean": (frozenset({bool}), "true or false"),
    "integer": (frozenset({int}), "a whole number"), "number": (frozenset({int, Decimal}), "a number"),
    "string": (frozenset({str}), "text"), "array": (frozenset({list}), "a list"),
    "object": (frozenset({dict}), "an object"),
}  # fmt: skip
KNOWN = ANNOTATIONS | RULES.keys() | {
    "type", "format", "allOf", "anyOf", "oneOf", "$ref", "properties", "required", "additionalProperties", "items",
}  # fmt: skip
"""Keywords that need no fallback."""
_DECIMAL_TEXT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,5})?", re.ASCII)
MISSING: Any = object()


def report(problems: list[Problem], path: Path, code: str, expected: str, got: str, hint: str = "") -> None:
    """Adds ``expected X, got Y`` at a path."""
    problems.append(Problem(f"value.{code}", f"expected {expected}, got {got}", pointer=pointer(*path), hint=hint))


def shown(value: Any, sensitive: bool) -> str:
    """A value as a message shows it: never a sensitive one, never much of it."""
    if sensitive or type(value) in (dict, list, bool, type(None)):
        return kind_of(value)
    text = dumps(value).decode()
    return text if len(text) <= 40 else text[:39] + "…"


def resolve(target: str, root: Mapping[str, Any]) -> Any:
    """The sub-schema of a local reference such as ``#/$defs/Quote``. Raises :class:`ValueError`."""
    if not target.startswith("#"):
        raise ValueError(f"expected a reference within the schema, such as #/$defs/Quote, got {target!r}")
    found: Any = root
    for part in target[1:].split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or key not in found:
            raise ValueError(f"expected {target!r} to be defined in the schema, got no {key!r}")
        found = found[key]
    return found


class Compiler:
    """Compiles one schema document; ``fallback`` makes the node for keywords that are not known here."""

    def __init__(self, root: Mapping[str, Any], fallback: Callable[[Mapping[str, Any], Any], Node]) -> None:
        self.root = root
        self.fallback = fallback
        self.references: dict[tuple[str, bool], Node | None] = {}
        self.hidden = False
        """Something around is sensitive: then what is inside is, too."""

    def node(self, schema: Any) -> Node:
        """The node of a (sub-)schema. Raises :class:`ValueError` or :class:`TypeError` for one that is not regular."""
        before = self.hidden
        self.hidden = before or (isinstance(schema, Mapping) and bool(schema.get("x-sensitive")))
        try:
            return self._node(schema)
        finally:
            self.hidden = before

    def _node(self, schema: Any) -> Node:
        if schema is True or schema == {}:
            return _anything
        if schema is False:
            return _nothing
        if not isinstance(schema, Mapping):
            raise TypeError(f"expected a schema, got {kind_of(schema)}")
        steps: list[Node] = [_decimal_node] if schema.get("format") == "decimal" else []
        steps += self._checks(schema)
        for keyword in ("allOf", "anyOf", "oneOf"):
            if keyword in schema and not (keyword != "allOf" and schema.get("format") == "decimal"):
                steps.append(getattr(self, f"_{keyword.lower()}")(schema[keyword]))
        if "$ref" in schema:
            steps.append(self._reference(schema["$ref"]))
        if "properties" in schema or "required" in schema or "additionalProperties" in schema:
            steps.append(self._object(schema))
        if "items" in schema:
            steps.append(self._array(schema["items"], bool(schema.get("prefixItems"))))
        others = {key: schema[key] for key in schema if key not in KNOWN and not key.startswith("x-")}
        if others:
            steps.append(self.fallback(others, {**schema, "x-sensitive": True} if self.hidden else schema))
        return steps[0] if len(steps) == 1 else _sequence(steps) if steps else _anything

    def _checks(self, schema: Mapping[str, Any]) -> list[Node]:
        decimal = schema.get("format") == "decimal"
        steps: list[Node] = []
        if decimal:
            nullable = "null" in schema.get("type", ()) or {"type": "null"} in schema.get("anyOf", ())
            steps.append(_type_node(["number", "null"] if nullable else ["number"]))
        elif "type" in schema:
            kinds = schema["type"]
            steps.append(_type_node(kinds if isinstance(kinds, list) else [kinds]))
        rules = [RULES[key](schema[key]) for key in RULES if key in schema and not (decimal and key == "pattern")]
        check = FORMATS.get(schema.get("format", ""))
        if check is not None:
            rules.append(_format_rule(*check))
        if rules:
            steps.append(_rules_node(rules, self.hidden))
        return steps

    def _reference(self, target: Any) -> Node:
        if not isinstance(target, str):
            raise TypeError(f"expected a reference as text, got {kind_of(target)}")
        key = (target, self.hidden)
        if key not in self.references:
            self.references[key] = None
            self.references[key] = self.node(resolve(target, self.root))

        def node(value: Any, path: Path, problems: list[Problem]) -> Any:
            found = self.references[key]
            assert found is not None
            return found(value, path, problems)

        return node

    def _allof(self, schemas: Any) -> Node:
        return _sequence([self.node(schema) for schema in schemas])

    def _anyof(self, schemas: Any) -> Node:
        return self._choice(schemas, one=False)

    def _oneof(self, schemas: Any) -> Node:
        return self._choice(schemas, one=True)

    def _choice(self, schemas: Any, *, one: bool) -> Node:
        nodes = [self.node(schema) for schema in schemas]
        plain = [node for schema, node in zip(schemas, nodes, strict=True) if schema != {"type": "null"}]
        if not one and len(plain) == 1 and len(nodes) == 2:
            return _optional(plain[0])

        def choose(value: Any, path: Path, problems: list[Problem]) -> Any:
            fitting, best = [], None
            for node in nodes:
                found: list[Problem] = []
                result = node(value, path, found)
                if not found:
                    fitting.append(result)
                    if not one:
                        break
                elif best is None or len(found[0].pointer) > len(best[0].pointer):
                    best = found
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                report(problems, path, "no-match", "a value of exactly one of the kinds", f"one of {len(fitting)}")
            elif best is not None and best[0].pointer != pointer(*path):
                problems += best
            else:
                report(problems, path, "no-match", f"a value of one of {len(nodes)} kinds", kind_of(value))
            return value

        return choose

    def _object(self, schema: Mapping[str, Any]) -> Node:
        required, properties = schema.get("required", []), schema.get("properties", {})
        named = isinstance(required, list) and all(isinstance(name, str) for name in required)
        if not named or not isinstance(properties, Mapping):
            raise TypeError("expected properties to be an object and required a list of names")
        members = [(name, self.node(sub), name in required, self._default(sub)) for name, sub in properties.items()]
        bare = [name for name in required if name not in properties]
        rest = schema.get("additionalProperties", True)
        if "patternProperties" in schema:
            rest = True  # the fallback sees to it
        return _object_node(members, bare, None if rest is True else self.node(rest), closed=rest is False)

    def _default(self, schema: Any) -> Any:
        if not isinstance(schema, Mapping) or "default" not in schema:
            return MISSING
        filled: list[Problem] = []
        value = self.node(schema)(schema["default"], (), filled)
        return schema["default"] if filled else value

    def _array(self, schema: Any, skip: bool) -> Node:
        if skip:
            return _anything  # with prefixItems, the fallback sees to it
        item = self.node(schema)

        def node(value: Any, path: Path, problems: list[Problem]) -> Any:
            if type(value) is not list:
                return value
            return [item(member, (*path, index), problems) for index, member in enumerate(value)]

        return node


def _anything(value: Any, _path: Path, _problems: list[Problem]) -> Any:
    return value


def _nothing(value: Any, path: Path, problems: list[Problem]) -> Any:
    report(problems, path, "unknown-member", "nothing here", kind_of(value))
    return value


def _sequence(nodes: list[Node]) -> Node:
    def node(value: Any, path: Path, problems: list[Problem]) -> Any:
        before = len(problems)
        for step in nodes:
            value = step(value, path, problems)
            if len(problems) > before:
                break
        return value

    return node


def _optional(inner: Node) -> Node:
    def node(value: Any, path: Path, problems: list[Problem]) -> Any:
        return None if value is None else inner(value, path, problems)

    return node


def _decimal_node(value: Any, _path: Path, _problems: list[Problem]) -> Any:
    """A numeric text becomes the number; anything else is for the type to refuse."""
    if type(value) is str and len(value) <= 100 and _DECIMAL_TEXT.fullmatch(value.strip()):
        try:
            return number(value.strip())
        except JsonValueError:
            return value
    return value


def _type_node(names: list[str]) -> Node:
    kinds = frozenset[type]().union(*(TYPES[name][0] for name in names))
    wanted = " or ".join(TYPES[name][1] for name in names)
    large = "integer" in names

    def node(value: Any, path: Path, problems: list[Problem]) -> Any:
        if type(value) in kinds or (large and type(value) is Decimal and value.adjusted() >= 34):
            return value
        got = "a fraction" if type(value) is Decimal else kind_of(value)
        report(problems, path, "type", wanted, got)
        return value

    return node


def _object_node(
    members: list[tuple[str, Node, bool, Any]], bare: list[str], rest: Node | None, *, closed: bool
) -> Node:
    known = frozenset(name for name, *_ in members) | frozenset(bare)

    def node(value: Any, path: Path, problems: list[Problem]) -> Any:
        if type(value) is not dict:
            return value
        result = dict(value)
        for name, member, required, default in members:
            if name in value:
                given = value[name]
                found: list[Problem] = []
                result[name] = member(given, (*path, name), found)
                if found and given is None and not required:  # null stands for an absent optional member
                    result[name] = None if default is MISSING else default
                else:
                    problems += found
            elif required:
                _report_required(problems, path, name, value, known)
            else:
                result[name] = None if default is MISSING else default
        for name in bare:
            if name not in value:
                _report_required(problems, path, name, value, known)
        if rest is not None:
            for name in value.keys() - known:
                if closed:
                    hint = did_you_mean(name, known)
                    report(problems, (*path, name), "unknown-member", "a known member", repr(name), hint)
                else:
                    result[name] = rest(value[name], (*path, name), problems)
        return result

    return node


def _report_required(
    problems: list[Problem], path: Path, name: str, value: dict[str, Any], known: frozenset[str]
) -> None:
    near = did_you_mean(name, value.keys() - known)
    hint = near.replace("did you mean", "is it written as") if near else f"add {name!r}"
    report(problems, path, "required", f"a member {name!r}", "none", hint)


def _rules_node(rules: list[Rule], sensitive: bool) -> Node:
    def node(value: Any, path: Path, problems: list[Problem]) -> Any:
        for rule in rules:
            found = rule(value)
            if found is not None:
                report(problems, path, found[0], found[1], shown(value, sensitive))
        return value

    return node


def _format_rule(fits: Callable[[str], bool], wanted: str) -> Rule:
    return lambda value: ("format", wanted) if type(value) is str and not fits(value) else None
