"""The input as the parameters of a function, and what else is known of a whole definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from armillary_engine.definition.model import (
    Body,
    Call,
    Complete,
    Definition,
    Get,
    Handler,
    Signal,
    Step,
    Subworkflow,
    Task,
    Try,
)
from armillary_engine.definition.validate.walk import bodies, root, targets

from .literals import WIDTH
from .names import Naming, names_in, parts_of
from .schemas import Types, UnwritableError
from .turns import free


def may_be_parameters(definition: Definition) -> bool:
    """Whether each member of the input can be a parameter, and nothing reads the input as a whole."""
    schema = definition.input
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties or schema.get("additionalProperties") is not False:
        return False
    if schema.keys() - {"type", "properties", "additionalProperties", "required"} or schema.get("type") != "object":
        return False
    required = schema.get("required", [])
    used = names_in(definition) - {"input"}
    for name, inner in properties.items():
        if (
            not free(name)
            or name in used
            or not isinstance(inner, Mapping)
            or (name in required) == ("default" in inner)
        ):
            return False
    return not reads_whole(definition.body)


def reads_whole(value: Any) -> bool:
    """Whether ``input`` itself is read somewhere."""
    return value == Get("input") if isinstance(value, Get) else any(reads_whole(part) for part in parts_of(value))


def listed(definition: Definition, types: Types, naming: Naming) -> list[str]:
    """``policy: str``, ``amount: Decimal = Decimal("0")``; those without a default come first."""
    properties = definition.input["properties"]
    naming.taken |= set(properties)
    found: list[tuple[bool, str]] = []
    for name, schema in properties.items():
        inner = {key: value for key, value in schema.items() if key != "default"}
        annotation = f": {types.of(inner, name.title().replace('_', ''))}" if inner else ""
        if "default" not in schema:
            found.append((False, name + annotation))
            continue
        try:
            default = types.value(schema["default"], inner)
        except UnwritableError:
            default = repr(schema["default"])
        found.append((True, f"{name}{annotation} = {default}" if annotation else f"{name}={default}"))
    return [text for _, text in sorted(found, key=lambda pair: pair[0])]


def signed(name: str, parameters: list[str], end: str) -> list[str]:
    """The head of the function, over several lines when it is long."""
    whole = f"def {name}({', '.join(parameters)}){end}"
    return [whole] if len(whole) <= WIDTH else [f"def {name}(", *(f"    {one}," for one in parameters), f"){end}"]


def bodies_in(body: Body) -> Iterator[Body]:
    """Every body, from the outside inwards."""
    yield body
    for step in body:
        for _, inner in bodies(step):
            yield from bodies_in(inner)


def steps_in(body: Body) -> Iterator[Step]:
    """Every step, body by body."""
    for inner in bodies_in(body):
        yield from inner


def handlers(body: Body) -> Iterator[Handler]:
    """Every handler."""
    for step in steps_in(body):
        if isinstance(step, Try):
            yield from step.handlers


def returned(definition: Definition, named: frozenset[str]) -> Iterator[str]:
    """Verbs of which the next step returns the value, and nothing else uses it: ``return call(…)``."""
    given = Counter(assigned(definition.body))
    kept = named | definition.meta.steps.keys()
    for body in bodies_in(definition.body):
        for step, after in pairwise(body):
            waits = isinstance(step, Call | Task | Signal | Subworkflow) and step.result == "result"
            ends = isinstance(after, Complete) and after.output == Get("result") and after.id not in kept
            if waits and ends and given["result"] == 1:
                yield step.id


def assigned(body: Body) -> Iterator[str]:
    """The root names that steps assign."""
    for step in steps_in(body):
        yield from (root(path) for path, _ in targets(step))
