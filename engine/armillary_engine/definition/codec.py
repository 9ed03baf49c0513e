"""Definitions ⇄ canonical documents (``armillary.workflow/1``), and their identity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from .expression_json import expression_from_json, expression_to_json
from .fields import FIELDS, FieldRow, Holds
from .model import SCHEMA, Definition, Step, Value
from .problems import DefinitionError, Problem
from .reading import read_definition
from .values import JsonValueError, dumps, dumps_in_order, loads, normalize, number
from .versions import DRAFT, is_draft

__all__ = [
    "Identity", "dumps", "dumps_definition", "expression_from_json", "expression_to_json", "from_document", "identity",
    "load_definition_bytes", "loads", "normalize", "to_document",
]  # fmt: skip

MAX_DEFINITION_BYTES = 16 * 1024 * 1024
MAX_DOCUMENT_DEPTH = 500
"""Lists and objects within one another, in a document."""


@dataclass(frozen=True, slots=True)
class Identity:
    """``digest``: SHA-256, hexadecimal, of the canonical document without ``meta`` (and without a draft's version)."""

    name: str
    version: str
    digest: str


def identity(definition: Definition) -> Identity:
    """The name, version and digest of a definition; a draft's version is ``0.0.0+`` and 8 digits of its digest."""
    document = to_document(definition)
    document.pop("meta", None)
    if is_draft(definition.version):
        document.pop("version", None)
    digest = hashlib.sha256(dumps(document)).hexdigest()
    version = definition.version
    if version is None or is_draft(version):
        version = DRAFT + digest[:8]
    return Identity(definition.name, version, digest)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def to_document(definition: Definition) -> dict[str, Any]:
    """The canonical document; what equals its default is left out."""
    return {"schema": SCHEMA, **_write_object(definition)}


def dumps_definition(definition: Definition) -> bytes:
    """The document's bytes as they are stored, with ``meta``: members stand in the order in which they were written, in
    which a form shows its fields. Order is no part of what a document means, nor of its digest."""
    return dumps_in_order(to_document(definition))


def step_to_json(step: Step) -> dict[str, Any]:
    """One step as it stands in the document."""
    return {"id": step.id, "kind": step.kind, **_write_object(step)}


def _write_object(item: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for row in FIELDS[type(item)]:
        value = getattr(item, row.attribute)
        if row.required or value != row.default:
            result[row.json] = _write(row, value)
    return result


def _write(row: FieldRow, value: Any) -> Any:
    match row.holds:
        case Holds.EXPRESSION:
            return expression_to_json(value)
        case Holds.EXPRESSIONS | Holds.ASSIGNMENTS:
            return {key: expression_to_json(member) for key, member in value.items()}
        case Holds.BODY:
            return [step_to_json(step) for step in value]
        case Holds.OBJECT:
            return _write_object(value)
        case Holds.OBJECTS:
            return [_write_object(item) for item in value]
        case Holds.STEP_META:
            return {key: _write_object(item) for key, item in value.items()}
        case Holds.TEXTS:
            return list(value)
        case Holds.SCHEMA | Holds.FREE | Holds.LABELS:
            return normalize(value)
        case _:
            return value


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def from_document(document: Any) -> Definition:
    """Document → definition. Raises :class:`DefinitionError` with every shape problem (``shape.*`` and others), each
    with its JSON pointer and step. What the shape cannot say is for :func:`.validate.validate`."""
    definition, problems = read_definition(document)
    if problems or definition is None:
        name = document.get("name") if isinstance(document, dict) else None
        raise DefinitionError(name if isinstance(name, str) else "?", problems)
    return definition


def load_definition_bytes(data: bytes | str) -> Definition:
    """JSON text → definition. Refuses more than 16 MiB, and members that are written twice. Raises
    :class:`DefinitionError`."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_DEFINITION_BYTES:
        message = f"expected at most {MAX_DEFINITION_BYTES:,} bytes, got {len(raw):,}"
        raise DefinitionError("?", [Problem("definition.too-large", message, hint="move parts into subworkflows")])
    try:
        loads(raw, depth=MAX_DOCUMENT_DEPTH)  # its checks: malformed text, depth, numbers, surrogates
        document = json.loads(raw, parse_float=number, object_pairs_hook=_members)
    except JsonValueError as problem:
        raise DefinitionError("?", problem.problems) from None
    return from_document(document)


def _members(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        shown = ", ".join(repr(name) for name in twice[:5])
        raise JsonValueError(
            "shape.duplicate-member", f"expected each member once, got {shown} more than once", hint="keep one of them"
        )
    return members
