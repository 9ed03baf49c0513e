"""Reads a document into the model, by the table of fields; collects every shape problem instead of stopping."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .durations import DurationError, parse_duration
from .expression_json import escape, is_identifier, is_path, kind_of, read_expression
from .fields import FIELDS, STEPS, FieldRow, Holds
from .model import SCHEMA, Const, Definition, Step, StepMeta
from .problems import Problem
from .suggest import did_you_mean
from .values import JsonValueError, normalize
from .versions import VersionError, check_range, parse_version

MAX_BODY_DEPTH = 50
"""Bodies within one another."""
MAX_ID = 200
"""Characters of an id or a name."""


def read_definition(document: Any) -> tuple[Definition | None, list[Problem]]:
    """The definition and what is wrong with its shape; ``None`` only when ``document`` is no definition at all."""
    reader = _Reader()
    if not isinstance(document, dict):
        reader.report("shape.type", f"expected a definition object, got {kind_of(document)}", "", "")
        return None, reader.problems
    if document.get("schema") != SCHEMA:
        got = repr(document["schema"]) if "schema" in document else "none"
        reader.report("shape.schema", f'expected "schema": "{SCHEMA}", got {got}', "", "/schema")
    rest = {key: value for key, value in document.items() if key != "schema"}
    definition = reader.object(Definition, rest, "")
    if definition.version is not None:
        reader.check_version(definition.version)
    return definition, reader.problems


_HINTS = {
    "shape.arguments": "write as many as it takes; the expression reference lists the forms",
    "shape.id": 'write a short name, such as "ask-for-quote"',
    "shape.missing-field": "add it",
    "shape.path": "use letters, digits and _, and no word that Python keeps; read any other key by an index",
    "shape.schema": f'write "schema": "{SCHEMA}"',
    "shape.text": "write its name",
    "shape.type": "write what is expected",
}
"""What to do, where the place itself knows nothing better."""
_EXAMPLES = {
    "a duration": '"30s", "2h30m" or "14d"', "text": '"some text", in quotes', "a list": "[ ]", "an object": "{ }",
    "a list of texts": '["one", "two"]', "an identifier": "a name, such as quote",
    "dotted identifiers": "a path, such as quote.premium",
}  # fmt: skip


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.step: str | None = None
        self.depth = 0

    def report(self, code: str, message: str, hint: str, pointer: str) -> None:
        hint = hint or _HINTS.get(code, "")
        self.problems.append(Problem(code, message, step=self.step, pointer=pointer, hint=hint))

    def object(self, kind: type, data: Any, pointer: str, **given: Any) -> Any:
        rows = FIELDS[kind]
        if not isinstance(data, dict):
            self.report("shape.type", f"expected an object, got {kind_of(data)}", "", pointer)
            data = {}
        elif len(data) and (unknown := data.keys() - {row.json for row in rows}):
            self._unknown(kind, unknown, pointer)
        values = dict(given)
        for row in rows:
            if row.json in data:
                values[row.attribute] = self.field(row, data[row.json], f"{pointer}/{row.json}")
            elif row.required:
                name = _KINDS.get(kind) or kind.__name__.lower()
                self.report("shape.missing-field", f"expected {row.json!r} in {_article(name)}, got none", "", pointer)
                values[row.attribute] = _STAND_INS.get(row.holds, "_")
        return kind(**values)

    def _unknown(self, kind: type, unknown: set[Any], pointer: str) -> None:
        known = [row.json for row in FIELDS[kind]]
        for key in sorted(map(str, unknown)):
            hint = did_you_mean(key, known) or (f"the fields are {', '.join(known)}" if known else "")
            message = f"expected a known field, got {key!r}"
            self.report("shape.unknown-field", message, hint, f"{pointer}/{escape(key)}")

    def field(self, row: FieldRow, data: Any, pointer: str) -> Any:
        if data is None and row.may_be_null:
            return None
        if data == "" and row.required and row.holds is Holds.TEXT:
            self.report("shape.text", "expected some text, got an empty one", "", pointer)
        match row.holds:
            case Holds.OBJECT:
                assert row.of is not None
                return self.object(row.of, data, pointer)
            case Holds.OBJECTS:
                assert row.of is not None
                items = self.typed(data, list, "a list", pointer, [])
                return tuple(self.object(row.of, item, f"{pointer}/{i}") for i, item in enumerate(items))
            case _:
                return _READERS[row.holds](self, data, pointer)

    def typed(self, data: Any, kind: type, wanted: str, pointer: str, stand_in: Any) -> Any:
        if type(data) is kind:
            return data
        example = _EXAMPLES.get(wanted, wanted)
        self.report("shape.type", f"expected {wanted}, got {kind_of(data)}", f"write {example}", pointer)
        return stand_in

    def text(self, data: Any, pointer: str) -> str:
        text: str = self.typed(data, str, "text", pointer, "_")
        try:
            normalize(text)
        except JsonValueError as problem:
            self.report(problem.code, problem.reason, problem.hint, pointer)
            return "_"
        return text

    def texts(self, data: Any, pointer: str) -> tuple[str, ...]:
        items = self.typed(data, list, "a list of texts", pointer, [])
        return tuple(self.text(item, f"{pointer}/{i}") for i, item in enumerate(items))

    def labels(self, data: Any, pointer: str) -> dict[str, str]:
        members = self.typed(data, dict, "an object of texts", pointer, {})
        return {self.text(k, pointer): self.text(v, f"{pointer}/{escape(str(k))}") for k, v in members.items()}

    def step_meta(self, data: Any, pointer: str) -> dict[str, Any]:
        members = self.typed(data, dict, "an object by step id", pointer, {})
        return {key: self.object(StepMeta, item, f"{pointer}/{escape(str(key))}") for key, item in members.items()}

    def name(self, data: Any, pointer: str) -> str:
        name = self.typed(data, str, "an identifier", pointer, "_")
        if not is_identifier(name):
            self.report("shape.path", f"expected an identifier, got {name!r}", "", pointer)
        return str(name)

    def path(self, data: Any, pointer: str) -> str:
        path = self.typed(data, str, "dotted identifiers", pointer, "_")
        if not is_path(path):
            self.report("shape.path", f"expected dotted identifiers, got {path!r}", "", pointer)
        return str(path)

    def expression(self, data: Any, pointer: str) -> Any:
        return read_expression(data, pointer, self.report)

    def expressions(self, data: Any, pointer: str) -> dict[str, Any]:
        members = self.typed(data, dict, "an object of expressions", pointer, {})
        return {self.text(k, pointer): self.expression(v, f"{pointer}/{escape(str(k))}") for k, v in members.items()}

    def assignments(self, data: Any, pointer: str) -> dict[str, Any]:
        members = self.expressions(data, pointer)
        for path in members:
            if not is_path(path):
                message = f"expected dotted identifiers, got {path!r}"
                self.report("shape.path", message, "", f"{pointer}/{escape(path)}")
        return members

    def json(self, data: Any, pointer: str) -> Any:
        try:
            value = normalize(data)
        except JsonValueError as problem:
            self.report(problem.code, problem.reason, problem.hint, pointer + problem.pointer)
            return {}
        return self.typed(value, dict, "an object", pointer, {})

    def schema(self, data: Any, pointer: str) -> Any:
        return {} if data is True else self.json(data, pointer)

    def duration(self, data: Any, pointer: str) -> str:
        try:
            return parse_duration(self.typed(data, str, "a duration", pointer, "PT0S"))
        except DurationError as problem:
            self.report(problem.code, problem.message, problem.hint, pointer)
            return "PT0S"

    def range(self, data: Any, pointer: str) -> str:
        text = self.text(data, pointer)
        try:
            check_range(text)
        except VersionError as problem:
            self.report(problem.code, problem.message, problem.hint, pointer)
        return text

    def check_version(self, version: str) -> None:
        try:
            parse_version(version)
        except VersionError as problem:
            self.report(problem.code, problem.message, problem.hint, "/version")

    def count(self, data: Any, pointer: str) -> int:
        if type(data) is int and 1 <= data <= 1_000_000_000:
            return data
        got = data if type(data) is int else kind_of(data)
        self.report("shape.type", f"expected a whole number of at least 1, got {got}", "", pointer)
        return 1

    def bounded(self, data: Any, pointer: str, least: int, most: int | None) -> Any:
        if type(data) in (int, Decimal, float) and least <= data and (most is None or data <= most):
            return normalize(data)
        wanted = f"a number of at least {least}" if most is None else f"a number from {least} to {most}"
        self.report("shape.type", f"expected {wanted}, got {data if type(data) is int else kind_of(data)}", "", pointer)
        return least

    def join(self, data: Any, pointer: str) -> Any:
        if data in ("all", "any") or (type(data) is int and data >= 1):
            return data
        message = f'expected "all", "any" or a number of at least 1, got {data!r}'
        self.report("shape.type", message, "", pointer)
        return "all"

    def body(self, data: Any, pointer: str) -> tuple[Step, ...]:
        steps = self.typed(data, list, "a list of steps", pointer, [])
        if self.depth >= MAX_BODY_DEPTH:
            message = f"expected at most {MAX_BODY_DEPTH} bodies within one another, got more"
            self.report("definition.too-deep", message, "move inner steps into a subworkflow", pointer)
            return ()
        outer, self.depth = self.step, self.depth + 1
        read = tuple(self.one_step(step, f"{pointer}/{i}") for i, step in enumerate(steps))
        self.step, self.depth = outer, self.depth - 1
        return tuple(step for step in read if step is not None)

    def one_step(self, data: Any, pointer: str) -> Step | None:
        self.step = None
        if not isinstance(data, dict):
            self.report("shape.type", f"expected a step object, got {kind_of(data)}", "", pointer)
            return None
        id_, kind = data.get("id"), data.get("kind")
        if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID or not id_.isprintable() or id_.strip() != id_:
            got = repr(id_[:60]) if isinstance(id_, str) else kind_of(id_) if "id" in data else "none"
            message = f"expected a step id of 1 to {MAX_ID} printable characters, got {got}"
            self.report("shape.id", message, "", f"{pointer}/id")
            id_ = "_"
        self.step = id_
        if not isinstance(kind, str) or kind not in STEPS:
            hint = did_you_mean(kind, STEPS) if isinstance(kind, str) else ""
            self.report("shape.kind", f"expected a kind of step, got {kind!r}",
                        hint or f"the kinds are {', '.join(STEPS)}", f"{pointer}/kind")  # fmt: skip
            return None
        rest = {key: value for key, value in data.items() if key not in ("id", "kind")}
        step: Step = self.object(STEPS[kind], rest, pointer, id=id_)
        self.step = id_
        return step


_STAND_INS: dict[Holds, Any] = {
    Holds.EXPRESSION: Const(None), Holds.EXPRESSIONS: {}, Holds.ASSIGNMENTS: {}, Holds.BODY: (), Holds.OBJECTS: (),
    Holds.TEXTS: (), Holds.OBJECT: None,
}  # fmt: skip

_READERS: dict[Holds, Callable[[_Reader, Any, str], Any]] = {
    Holds.TEXT: _Reader.text, Holds.NAME: _Reader.name, Holds.PATH: _Reader.path,
    Holds.EXPRESSION: _Reader.expression, Holds.EXPRESSIONS: _Reader.expressions,
    Holds.ASSIGNMENTS: _Reader.assignments, Holds.SCHEMA: _Reader.schema, Holds.DURATION: _Reader.duration,
    Holds.RANGE: _Reader.range, Holds.TEXTS: _Reader.texts, Holds.LABELS: _Reader.labels, Holds.COUNT: _Reader.count,
    Holds.NUMBER: lambda reader, data, pointer: reader.bounded(data, pointer, 0, None),
    Holds.FACTOR: lambda reader, data, pointer: reader.bounded(data, pointer, 1, None),
    Holds.FRACTION: lambda reader, data, pointer: reader.bounded(data, pointer, 0, 1),
    Holds.JOIN: _Reader.join, Holds.FREE: _Reader.json, Holds.BODY: _Reader.body,
    Holds.STEP_META: _Reader.step_meta,
}  # fmt: skip


_KINDS = {owner: kind for kind, owner in STEPS.items()}


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
