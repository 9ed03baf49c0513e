"""Expressions, schemas and the names of other workflows: what is known of them without running anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from ..expressions.checking import Checker
from ..expressions.functions import Functions
from ..expressions.shapes import INSTANCE, TEXT, Kind, Shape, grown, item, of_schema, union
from ..model import (
    Body,
    Call,
    ContinueWith,
    Definition,
    Each,
    Expression,
    Handler,
    Schema,
    Set,
    Signal,
    Step,
    Subworkflow,
    Task,
    Try,
)  # fmt: skip
from ..problems import Problem
from ..schema import check_schema
from ..suggest import did_you_mean
from ..versions import VersionError, highest
from .structure import problem
from .walk import Place, bodies, expressions, places, root, targets

Catalogue = Mapping[str, Collection[str]]
"""Name of a workflow → its deployed and enabled versions."""

_TEXT, _BOOLEAN, _LIST = frozenset({"text"}), frozenset({"boolean"}), frozenset({"list"})
_SCALAR = frozenset({"text", "number", "boolean"})
_WANTED: dict[tuple[str, str], frozenset[str]] = {
    ("decision", "when"): _BOOLEAN, ("task", "when"): _BOOLEAN, ("repeat", "test"): _BOOLEAN,
    ("repeat", "until"): _BOOLEAN, ("each", "items"): _LIST, ("fail", "code"): _TEXT, ("fail", "message"): _TEXT,
    ("task", "message"): _TEXT, ("task", "title"): _TEXT | {"null"}, ("task", "assignee"): _TEXT | {"null"},
    ("task", "due"): _TEXT | {"null"}, ("task", "priority"): frozenset({"number", "null"}), ("timer", "after"): _TEXT,
    ("timer", "at"): _TEXT, ("reference", "key"): _SCALAR, ("reference", "parts"): _SCALAR | {"null"},
}  # fmt: skip
"""Kind of step and field → what its expression has to give."""


TURNS = 20
"""So often the shapes of names are asked for; where they follow from one another further, nothing is known of any."""


class Types:
    """Checks the expressions of a definition with the shapes of its names."""

    def __init__(self, definition: Definition, functions: Functions) -> None:
        self.definition = definition
        self.checker = Checker(functions, {})
        self.local: dict[str, Shape] = {}
        self.step_id: str | None = None

    def run(self) -> list[Problem]:
        """All problems of expressions."""
        shapes = self.checker.shapes
        shapes.update(input=of_schema(self.definition.input, self.definition.input), instance=INSTANCE, now=TEXT)
        self.checker.quiet = True
        shapes.update(self.written())
        self.checker.quiet = False
        self.body(self.definition.body, "/body")
        return self.checker.problems

    def written(self) -> dict[str, Shape]:
        """The shape of each name: any of those that its steps give, nothing where one of them is not known. What one
        gives may follow from what a later one gave a turn before: so all are asked until there is nothing new."""
        shapes, found = self.checker.shapes, dict[str, list[Shape]]()
        writes = [(place, path, root(path)) for place in places(self.definition) for path, _ in targets(place.step)]
        for place, path, name in writes:
            given = found.setdefault(name, [])
            given.append(self.result_at(place, path))
            shapes[name] = union(given)
        for turn in range(TURNS):
            writes.reverse()
            before = {name: shapes[name] for name in found}
            for place, path, name in writes:
                shapes[name] = grown(shapes[name], self.result_at(place, path), plain=turn > 1)
            if all(shapes[name] is shape for name, shape in before.items()):
                return before
        return dict.fromkeys(found)

    def result_at(self, place: Place, path: str) -> Shape:
        """The shape of what a step assigns, where loops and handlers around it may hide names."""
        if "." in path:
            return None
        shapes, hidden = self.checker.shapes, dict[str, Shape]()
        for step, below in place.around:
            for name, shape in self.given(step, below).items():
                hidden.setdefault(name, shapes.get(name))
                shapes[name] = shape
        found = self.result(place.step, path)
        shapes.update(hidden)
        return found

    def result(self, step: Step, path: str) -> Shape:
        """The shape of what a step assigns."""
        match step:
            case Set(assign=assign):
                return self.checker.infer(assign[path], "")
            case Call(reply=schema) | Task(answer=schema) | Signal(payload=schema) if schema is not None:
                return of_schema(schema, schema)
            case Each():
                return (Kind("list"),)
        return None

    def body(self, body: Body, pointer: str) -> None:
        """Checks every step of a body."""
        for index, step in enumerate(body):
            where = f"{pointer}/{index}"
            self.step(step, where)
            for below, inner in bodies(step):
                with_names = self.given(step, below)
                before = {name: self.checker.shapes.get(name) for name in with_names}
                self.checker.shapes.update(with_names)
                self.body(inner, f"{where}/{below}")
                self.checker.shapes.update(before)

    def given(self, step: Step, below: str) -> dict[str, Shape]:
        """The shapes of the names that a loop or handler gives to a body."""
        match step:
            case Each(name=name, items=items):
                quiet, self.checker.quiet = self.checker.quiet, True
                shape = item(self.checker.infer(items, ""))
                self.checker.quiet = quiet
                return {name: shape}
            case Try(handlers=handlers) if below.startswith("handlers/"):
                handler: Handler = handlers[int(below.split("/")[1])]
                return {"error": None, handler.name or "error": None}
        return {}

    def step(self, step: Step, pointer: str) -> None:
        """Checks the expressions of one step."""
        problems = self.checker.problems
        for attribute, below, expression in expressions(step):
            first = len(problems)
            extra = self.extra(step, attribute)
            before = {name: self.checker.shapes.get(name) for name in extra}
            self.checker.shapes.update(extra)
            self.expression(step, attribute, expression, f"{pointer}/{below}")
            self.checker.shapes.update(before)
            problems[first:] = [replace(found, step=step.id) for found in problems[first:]]

    def extra(self, step: Step, attribute: str) -> dict[str, Shape]:
        """Names that only one field of a step sees."""
        if isinstance(step, Task) and attribute in ("when", "message"):
            return {"answer": None if step.answer is None else of_schema(step.answer, step.answer)}
        if isinstance(step, Each) and attribute == "collect":
            return self.given(step, "body")
        return {}

    def expression(self, step: Step, attribute: str, expression: Expression, pointer: str) -> None:
        """Checks one expression."""
        wanted = _WANTED.get((step.kind, attribute))
        if wanted is None:
            self.checker.infer(expression, pointer)
        else:
            self.checker.expect(expression, pointer, wanted)


# ── schemas and other workflows ──────────────────────────────────────────────────────────────────────────────────────


def check_schemas(definition: Definition, all_places: list[Place]) -> Iterator[Problem]:
    """JSON Schemas that are none."""
    for below, schema in (("input", definition.input), ("output", definition.output)):
        if schema is not None:
            yield from _schema(schema, f"/{below}", None)
    for place in all_places:
        match place.step:
            case Call(reply=schema) if schema is not None:
                yield from _schema(schema, f"{place.pointer}/reply", place.step.id)
            case Task(answer=schema) if schema is not None:
                yield from _schema(schema, f"{place.pointer}/answer", place.step.id)
            case Signal(payload=schema) if schema is not None:
                yield from _schema(schema, f"{place.pointer}/payload", place.step.id)


def _schema(schema: Schema, pointer: str, step: str | None) -> Iterator[Problem]:
    for found in check_schema(schema):
        yield replace(found, step=step, pointer=pointer + found.pointer)


def check_workflows(all_places: list[Place], catalogue: Catalogue) -> Iterator[Problem]:
    """Other workflows that are not deployed."""
    for place in all_places:
        match place.step:
            case Subworkflow(workflow=name, version=wanted) | ContinueWith(workflow=name, version=wanted):
                if name not in catalogue:
                    hint = did_you_mean(name, catalogue) or "deploy it first"
                    message = f"expected a workflow that is deployed, got {name!r}"
                    yield problem(place, "workflow.unknown", message, "workflow", hint)
                elif not _has(wanted, catalogue[name]):
                    shown = ", ".join(sorted(catalogue[name])[-5:]) or "none"
                    message = f"expected a deployed version of {name!r} in {wanted!r}, got {shown}"
                    hint = "deploy one, or widen the range"
                    yield problem(place, "workflow.version-unknown", message, "version", hint)


def _has(wanted: str, versions: Collection[str]) -> bool:
    try:
        return highest(wanted, versions) is not None
    except VersionError:
        return True  # the shape says so
