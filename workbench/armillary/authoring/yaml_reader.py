"""YAML → canonical document. The same document as JSON, with expressions as text.

Where an expression is expected: a text is an expression (``quote.premium > 10_000``; a constant text has quotes of its
own), a number, true, false and null are constants, a list and a mapping hold expressions; and the canonical JSON form
of an expression is understood as well. So any JSON document is one too.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from io import StringIO
from typing import Any

from armillary_engine.definition import model
from armillary_engine.definition.codec import from_document
from armillary_engine.definition.expression_json import constant, escape, expression_to_json
from armillary_engine.definition.expressions.parsing import parse
from armillary_engine.definition.fields import FIELDS, STEPS, FieldRow, Holds
from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError, DefinitionError, Problem, Span
from armillary_engine.definition.values import normalize, number
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import ScalarNode

from .origins import Origin, remember

FORMS = ("const", "get", "op", "if", "object", "list", "format", "map", "fn")
"""First members of the canonical forms of expressions."""


class _Constructor(RoundTripConstructor):
    """Reads numbers exactly."""


def _exact(_: Any, node: ScalarNode) -> Any:
    return number(node.value.replace("_", ""))


_Constructor.add_constructor("tag:yaml.org,2002:float", _exact)


def yaml() -> YAML:
    """A parser and printer that keeps comments and exact numbers."""
    found = YAML(typ="rt")
    found.Constructor = _Constructor
    found.width = 120
    return found


def read_yaml(text: str, *, file: str = "<text>") -> Definition:
    """YAML or JSON text → definition. Raises :class:`DefinitionError` with every problem, each with its line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # which YAML allows
            data = yaml().load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(file, mark.line + 1, mark.column, text=line_of(text, mark.line)) if mark is not None else None
        message = f"expected YAML, got: {error.problem or error.context}"
        raise DefinitionError(
            file, [Problem("yaml.syntax", message, hint="correct it at this place", span=span)]
        ) from None
    except (YAMLError, ArmillaryError) as error:
        raise DefinitionError(
            file, [Problem("yaml.syntax", f"expected YAML, got: {error}", hint="correct it")]
        ) from None
    reader = _Reader(data, text, file)
    document = reader.members(model.Definition, data, "") if isinstance(data, Mapping) else data
    if reader.problems:
        raise DefinitionError(str(reader.name), reader.problems)
    try:
        definition = from_document(document)
    except DefinitionError as error:
        raise DefinitionError(str(reader.name), [reader.placed(problem) for problem in error.problems]) from None
    remember(Origin(definition, reader.span))
    return definition


class _Reader:
    """Turns the texts of expressions into their canonical form; the shape itself is checked by the codec."""

    def __init__(self, data: Any, text: str, file: str) -> None:
        self.data, self.text, self.file = data, text, file
        self.name = data.get("name", file) if isinstance(data, Mapping) else file
        self.problems: list[Problem] = []

    def members(self, owner: type, data: Any, pointer: str) -> Any:
        if not isinstance(data, Mapping):
            return plain(data)
        rows = {row.json: row for row in FIELDS[owner]}
        found: dict[str, Any] = {}
        for key, value in data.items():
            where = f"{pointer}/{escape(str(key))}"
            found[str(key)] = self.field(rows[key], value, where) if key in rows else plain(value)
        return found

    def field(self, row: FieldRow, value: Any, pointer: str) -> Any:
        of = row.of
        match row.holds:
            case Holds.EXPRESSION if value is not None or not row.may_be_null:
                return self.expression(value, pointer)
            case Holds.EXPRESSIONS | Holds.ASSIGNMENTS if isinstance(value, Mapping):
                return {str(k): self.expression(v, f"{pointer}/{escape(str(k))}") for k, v in value.items()}
            case Holds.BODY if isinstance(value, list):
                return [self.step(step, f"{pointer}/{index}") for index, step in enumerate(value)]
            case Holds.OBJECT if of is model.Address and isinstance(value, str) and "/" in value:
                service, _, operation = value.partition("/")
                return {"service": service, "operation": operation}
            case Holds.OBJECT if of is not None:
                return self.members(of, value, pointer)
            case Holds.OBJECTS if of is not None and isinstance(value, list):
                return [self.members(of, item, f"{pointer}/{index}") for index, item in enumerate(value)]
            case _:
                return plain(value)

    def step(self, data: Any, pointer: str) -> Any:
        owner = STEPS.get(str(data.get("kind"))) if isinstance(data, Mapping) else None
        return plain(data) if owner is None else self.members(owner, data, pointer)

    def expression(self, value: Any, pointer: str) -> Any:
        if isinstance(value, str):
            return self.parsed(str(value), pointer)
        if isinstance(value, list):
            return {"list": [self.expression(item, f"{pointer}/{index}") for index, item in enumerate(value)]}
        if isinstance(value, Mapping):
            if is_form(value):
                return plain(value)
            return {"object": {str(k): self.expression(v, f"{pointer}/{escape(str(k))}") for k, v in value.items()}}
        return expression_to_json(constant(plain(value)))

    def parsed(self, text: str, pointer: str) -> Any:
        try:
            return expression_to_json(parse(text))
        except ArmillaryError as error:
            for problem in error.problems or [Problem(error.code, error.message, hint=error.hint)]:
                hint = problem.hint or "a constant text has quotes of its own: '\"text\"'"
                self.problems.append(
                    Problem(problem.code, problem.message, pointer=pointer, hint=hint, span=self.span(pointer))
                )
            return {"const": None}

    def placed(self, problem: Problem) -> Problem:
        from dataclasses import replace

        return replace(problem, span=self.span(problem.pointer))

    def span(self, pointer: str) -> Span | None:
        """The line of what a pointer means, or of what holds it."""
        current, line, column = self.data, 0, 0
        for key in (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]):
            if isinstance(current, CommentedMap) and key in current:
                line, column = current.lc.key(key)
                current = current[key]
            elif isinstance(current, CommentedSeq) and key.isdecimal() and int(key) < len(current):
                line, column = current.lc.item(int(key))
                current = current[int(key)]
            else:
                break
        return Span(self.file, line + 1, column, text=line_of(self.text, line))


def is_form(value: Mapping[Any, Any]) -> bool:
    """Whether a mapping is the canonical form of an expression, and not an object with such a member."""
    match dict(value):
        case {"const": _, **rest} | {"get": str(), **rest} if not rest:
            return True
        case {"op": str(), "args": list(), **rest} | {"fn": str(), "args": list(), **rest} if not rest:
            return True
        case {"if": list(), **rest} | {"list": list(), **rest} | {"format": list(), **rest} if not rest:
            return True
        case {"object": Mapping(), **rest} | {"map": Mapping(), **rest} if not rest:
            return True
    return False


def plain(value: Any) -> Any:
    """ruamel's containers and scalars as plain Python."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    return str(value) if isinstance(value, str) else normalize(int(value) if isinstance(value, int) else value)


def line_of(text: str, index: int) -> str:
    """One line of a text."""
    lines = text.splitlines()
    return lines[index] if index < len(lines) else ""
