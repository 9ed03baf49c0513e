"""Where definitions were written, so that what is said of one later names the author's line.

A definition's digest knows nothing of its source. What was compiled or read in this process is remembered by the
digest; of several sources that mean the same, the newest. What is deployed takes its source along, in ``meta.source``,
so that another process, or this one after a restart, quotes the same line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from armillary_engine.definition.codec import MAX_DEFINITION_BYTES, dumps_definition, identity
from armillary_engine.definition.expression_json import escape
from armillary_engine.definition.expressions import text
from armillary_engine.definition.expressions.failure import expression_in, shortened
from armillary_engine.definition.model import (
    Const,
    Definition,
    Expression,
    Fn,
    Format,
    If,
    ListOf,
    Map,
    Object,
    Op,
    Schema,
)  # fmt: skip
from armillary_engine.definition.problems import Problem, Span
from armillary_engine.definition.validate.walk import expressions, places

KEPT = 1_000
"""Definitions that are remembered; the oldest is forgotten first."""
DEEP = 2
"""How deep into an expression its published places go; what lies deeper is found at what it is inside."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the parts of a definition were written: ``at`` gives the place of a JSON pointer into the document."""

    definition: Definition
    at: Callable[[str], Span | None]

    def steps(self) -> dict[str, Span]:
        """Where each step was written, by its id."""
        found = {place.step.id: self.at(place.pointer) for place in places(self.definition)}
        return {id_: span for id_, span in found.items() if span is not None}

    def failed_at(self, step: str, expression: str | None) -> Span | None:
        """Where a step was written, or the expression in it that has this text."""
        for place in places(self.definition):
            if place.step.id == step:
                for _, below, outer in expressions(place.step):
                    for pointer, node in pointed(outer, f"{place.pointer}/{below}"):
                        if expression is not None and shortened(text(node)) == expression:
                            return self.at(pointer)
                return self.at(place.pointer)
        return None


def pointed(expression: Expression, pointer: str, deep: int = 1_000) -> Iterator[tuple[str, Expression]]:
    """An expression and those inside it, each with its JSON pointer."""
    yield pointer, expression
    for below, inner in _parts(expression) if deep else ():
        yield from pointed(inner, f"{pointer}/{below}", deep - 1)


def _parts(expression: Expression) -> Iterator[tuple[str, Expression]]:
    match expression:
        case Op(_, args) | Fn(_, args):
            yield from ((f"args/{index}", one) for index, one in enumerate(args))
        case If(condition, then, otherwise):
            yield from ((f"if/{index}", one) for index, one in enumerate((condition, then, otherwise)))
        case Object(members):
            yield from ((f"object/{escape(key)}", one) for key, one in members.items())
        case ListOf(items):
            yield from ((f"list/{index}", one) for index, one in enumerate(items))
        case Format(parts):
            yield from ((f"format/{index}", one) for index, one in enumerate(parts) if not isinstance(one, str))
        case Map(items, _, to, where):
            yield from (("map/items", items), ("map/to", to))
            yield from () if where is None else (("map/where", where),)


_ORIGINS: dict[str, Origin] = {}


def remember(origin: Origin) -> None:
    """From now on it is known where this definition was written."""
    digest = identity(origin.definition).digest
    _ORIGINS.pop(digest, None)
    _ORIGINS[digest] = origin
    while len(_ORIGINS) > KEPT:
        del _ORIGINS[next(iter(_ORIGINS))]


def origin_of(digest: str, definition: Definition | None = None) -> Origin | None:
    """Where the definition with this digest was written, as this process has seen it or as it was deployed; ``None``
    where neither says so."""
    known = _ORIGINS.get(digest)
    return known if known is not None or definition is None else _published_origin(definition)


def placed(definition: Definition, problems: Iterable[Problem]) -> list[Problem]:
    """Problems of a definition, each with its place in the source, where that is known."""
    found = list(problems)
    origin = origin_of(identity(definition).digest) if found else None
    if origin is None:
        return found
    return [one if one.span is not None else replace(one, span=origin.at(one.pointer)) for one in found]


def failed_at(
    digest: str, error: Mapping[str, Any] | None, definition: Callable[[str], Definition] | None = None
) -> Span | None:
    """Where that was written at which an instance failed with ``error`` (its ``step`` and ``message``). ``definition``
    gives the deployed definition of a digest."""
    if not error or not error.get("step"):
        return None
    origin = _ORIGINS.get(digest)
    if origin is None and definition is not None:
        origin = _published_origin(definition(digest))
    if origin is None:
        return None
    return origin.failed_at(str(error["step"]), expression_in(str(error.get("message", ""))))


# ── what is deployed takes its source along ──────────────────────────────────────────────────────────────────────────


def with_source(definition: Definition) -> Definition:
    """The definition with its source in ``meta``, where this process has seen it and there is room for it; the digest
    stays as it is."""
    origin = _ORIGINS.get(identity(definition).digest)
    source = {} if origin is None else _published(origin)
    made = replace(definition, meta=replace(definition.meta, source=source)) if source else definition
    return made if len(dumps_definition(made)) <= MAX_DEFINITION_BYTES else definition


def without_source(definition: Definition) -> Definition:
    """The definition as people read it."""
    return replace(definition, meta=replace(definition.meta, source={}))


def _published(origin: Origin) -> dict[str, Any]:
    names: list[str] = []
    lines: dict[str, dict[str, str]] = {}
    at: dict[str, list[int]] = {}
    for pointer in _pointers(origin.definition):
        span = origin.at(pointer)
        if span is None or span == origin.at(pointer.rpartition("/")[0]):
            continue
        if span.file not in lines:
            names.append(span.file)
        known = lines.setdefault(span.file, {})
        for number, line in enumerate((span.text or "").split("\n"), span.line):
            known[str(number)] = line
        end = (span.end_line or span.line, -1 if span.end_column is None else span.end_column)
        at[pointer] = [names.index(span.file), span.line, span.column, *end]
    return {"files": [{"name": name, "lines": lines[name]} for name in names], "at": at} if at else {}


def _pointers(definition: Definition) -> Iterator[str]:
    for place in places(definition):
        yield place.pointer
        for _, below, outer in expressions(place.step):
            for pointer, node in pointed(outer, f"{place.pointer}/{below}", DEEP):
                if not isinstance(node, Const):
                    yield pointer


def _published_origin(definition: Definition) -> Origin | None:
    source: Schema = definition.meta.source
    return Origin(definition, lambda pointer: _read(source, pointer)) if source.get("at") else None


def _read(source: Mapping[str, Any], pointer: str) -> Span | None:
    """The place of a pointer, or of the innermost part around it that has one."""
    at = source["at"]
    while pointer and pointer not in at:
        pointer = pointer.rpartition("/")[0]
    try:
        file, line, column, end_line, end_column = at[pointer]
        known = source["files"][file]
        text_of = "\n".join(known["lines"].get(str(number), "") for number in range(line, end_line + 1))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):  # somebody else's: said by nobody
        return None
    end = None if end_column < 0 else end_column
    return Span(str(known["name"]), line, column, end_line, end, text_of)
