"""Definition → YAML, with expressions as text. What it writes reads back as the same definition."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from typing import Any

from armillary_engine.definition import model
from armillary_engine.definition.codec import to_document
from armillary_engine.definition.expressions.printing import text
from armillary_engine.definition.fields import FIELDS, FieldRow, Holds
from armillary_engine.definition.model import Const, Definition, Expression, ListOf, Object
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from .yaml_reader import is_form, yaml

ORDER = ("schema", "name", "version", "input", "output", "access", "body", "meta")
SHORT = 80


class _Representer(RoundTripRepresenter):
    """Writes exact numbers."""


def _decimal(representer: RoundTripRepresenter, value: Decimal) -> ScalarNode:
    return representer.represent_scalar("tag:yaml.org,2002:float", number_text(value))


def number_text(value: Decimal) -> str:
    """A number as YAML reads it as one: with a point."""
    digits, exponent, power = str(value).partition("E")
    return f"{digits}{'' if '.' in digits else '.0'}{exponent}{power}"


_Representer.add_representer(Decimal, _decimal)


def printer() -> YAML:
    """A printer of documents."""
    found = yaml()
    found.Representer = _Representer
    found.indent(mapping=2, sequence=4, offset=2)
    return found


def write_yaml(definition: Definition) -> str:
    """The canonical document as YAML; loading it gives the same definition."""
    found = {"schema": definition.schema, **members(definition)}
    stream = StringIO()
    printer().dump({key: shaped(found[key]) for key in ORDER if key in found}, stream)
    return stream.getvalue()


def shaped(value: Any) -> Any:
    """Data with short lists of scalars on one line."""
    if isinstance(value, dict):
        return {shaped(key): shaped(item) for key, item in value.items()}
    if isinstance(value, str):
        return quoted(value)
    if not isinstance(value, list):
        return value
    found = CommentedSeq(shaped(item) for item in value)
    if not any(isinstance(item, (dict, list)) for item in value) and len(str(value)) < SHORT:
        found.fa.set_flow_style()
    return found


def quoted(value: str) -> str:
    """A text in a form that reads back as it is: lines as a block, anything that does not print with escapes."""
    if value.isprintable():
        return value
    lines = value.split("\n")
    if (
        len(lines) > 1
        and value == value.strip()
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    ):
        return block(value)
    escaped: str = DoubleQuotedScalarString(value)
    return escaped


def block(value: str) -> str:
    """Lines as they are."""
    found: str = LiteralScalarString(value)
    return found


def members(item: Any) -> dict[str, Any]:
    """The fields of an object, without those that have their default."""
    found: dict[str, Any] = {}
    plain = to_document(item) if isinstance(item, Definition) else {}
    for row in FIELDS[type(item)]:
        value = getattr(item, row.attribute)
        if row.required or value != row.default:
            found[row.json] = (
                plain[row.json] if row.holds in (Holds.SCHEMA, Holds.STEP_META) and plain else field(row, value)
            )
    return found


def field(row: FieldRow, value: Any) -> Any:
    """What a field holds, as YAML data."""
    match row.holds:
        case Holds.EXPRESSION:
            return text(value) if row.may_be_null and value == Const(None) else expression(value)
        case Holds.EXPRESSIONS | Holds.ASSIGNMENTS:
            return {key: expression(one) for key, one in value.items()}
        case Holds.BODY:
            return [{"id": step.id, "kind": step.kind, **members(step)} for step in value]
        case Holds.OBJECT if row.of is model.Address:
            short = "/" not in value.service and value.service and value.operation
            return f"{value.service}/{value.operation}" if short else members(value)
        case Holds.OBJECT:
            return members(value)
        case Holds.OBJECTS:
            return [members(one) for one in value]
        case Holds.TEXTS:
            return list(value)
        case Holds.SCHEMA | Holds.FREE | Holds.LABELS:
            return dict(value)
        case Holds.STEP_META:
            return {key: members(one) for key, one in value.items()}
        case _:
            return value


def expression(value: Expression) -> Any:
    """An expression: as text, or as data where it is a number, a boolean, null, a list or an object."""
    match value:
        case Const(None | bool() | int() | Decimal() as constant):
            return constant
        case ListOf(items) if items:
            return [expression(item) for item in items]
        case Object(inner) if inner:
            data = {key: expression(one) for key, one in inner.items()}
            return text(value) if is_form(data) else data
        case _:
            return text(value)
