"""JSON Schema 2020-12 for inputs, answers, replies and payloads: fills, converts, and says what does not fit.

Beyond the standard: absent optional members become null (and null stands for an absent one), defaults are filled in,
``format: decimal`` takes a number or a numeric text and gives a number, and the formats of :mod:`.schema_formats` are
checked. ``x-sensitive: true`` marks what views and logs mask (:mod:`.marks`); no problem that is told shows any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal, localcontext
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from .expression_json import kind_of
from .marks import mentioned
from .model import Value
from .problems import ArmillaryError, Problem
from .schema_nodes import TYPES, Compiler, Node, Path, report
from .suggest import did_you_mean
from .values import DIGITS, JsonValueError, dumps, loads, normalize, pointer

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SPECIFICATION = "see https://json-schema.org/draft/2020-12"


class SchemaInvalidError(ArmillaryError):
    """A document that is no JSON Schema; ``problems`` has each place (``schema.invalid``)."""

    def __init__(self, problems: list[Problem]) -> None:
        message = "; ".join(f"{one.message} at {one.pointer}" if one.pointer else one.message for one in problems)
        helped = [one if one.hint else replace(one, hint=SPECIFICATION) for one in problems]
        super().__init__("schema.invalid", message, hint="correct the schema", problems=helped)


@dataclass(frozen=True, slots=True)
class SchemaValidator:
    """A compiled schema."""

    schema: Mapping[str, Any]
    node: Node

    def apply(self, value: Value) -> tuple[Value, list[Problem]]:
        """``value`` with defaults, nulls and decimals in place, and what does not fit (``value.*``, with pointers).
        Applying it to its own result changes nothing."""
        problems: list[Problem] = []
        try:
            return self.node(value, (), problems), problems
        except RecursionError:
            message = "expected a schema whose references end, got one that refers to itself for ever"
            return value, [Problem("schema.invalid", message)]


def compile_schema(schema: Mapping[str, Any]) -> SchemaValidator:
    """Compiles ``schema``; equal schemas share one validator. Raises :class:`SchemaInvalidError`."""
    try:
        source = dumps(normalize(schema))
    except JsonValueError as problem:
        raise SchemaInvalidError([Problem("schema.invalid", problem.message, pointer=problem.pointer)]) from None
    found = _compile(source)
    if isinstance(found, SchemaValidator):
        return found
    raise SchemaInvalidError(list(found))


@lru_cache(maxsize=2048)
def _compile(source: bytes) -> SchemaValidator | tuple[Problem, ...]:
    schema: Any = loads(source)
    try:
        return SchemaValidator(schema, Compiler(schema, _fallback_in(schema)).node(schema))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return tuple(_explain(schema)) or (Problem("schema.invalid", f"expected a JSON Schema: {error}"),)
    except RecursionError:
        return (Problem("schema.invalid", "expected a schema whose references end, got one that never does"),)


def check_schema(schema: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a schema, with pointers into it; nothing when it is fine."""
    try:
        compile_schema(schema)
    except SchemaInvalidError as error:
        return list(error.problems)
    return []


def _explain(schema: Any) -> Iterator[Problem]:
    from jsonschema import Draft202012Validator

    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    errors = {pointer(*error.absolute_path): error for error in meta.iter_errors(schema)}
    for where, error in sorted(errors.items()):
        wrong, hint = error.instance, ""
        if where.endswith("/type") and isinstance(wrong, str):
            hint = did_you_mean(wrong, TYPES) or f"the types are {', '.join(TYPES)}"
            wanted = "a type"
        else:
            wanted = f"a JSON Schema 2020-12 ({error.message[:200]})"
        got = repr(wrong)[:60]
        yield Problem("schema.invalid", f"expected {wanted}, got {got}", pointer=where, hint=hint)


# ── rare keywords, by the jsonschema package ─────────────────────────────────────────────────────────────────────────
# It is imported where it is needed: few schemas need it, and beside Jupyter its import takes a second.


def _fallback_in(root: Mapping[str, Any]) -> Callable[[Mapping[str, Any], Any], Node]:
    definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}

    def fallback(others: Mapping[str, Any], whole: Mapping[str, Any]) -> Node:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError

        near = {key: whole[key] for key in _TOGETHER if key in whole}
        try:
            Draft202012Validator.check_schema({**others, **near})
        except SchemaError as error:
            raise ValueError(error.message) from None
        validator = _wide_validator()({**definitions, **near, **others})
        hidden = mentioned(whole) or mentioned(definitions)

        def node(value: Any, path: Path, problems: list[Problem]) -> Any:
            with localcontext(_WIDE):  # multipleOf divides by the thread's context
                for error in validator.iter_errors(value):
                    _report(error, path, problems, hidden=hidden)
            return value

        return node

    return fallback


@cache
def _wide_validator() -> Any:
    """A validator class for which a whole number is an integer, however large."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    def is_integer(_checker: Any, value: Any) -> bool:
        return type(value) is int or (type(value) is Decimal and value.adjusted() >= DIGITS)

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer)
    return extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]


_WIDE = Context(prec=20_000, Emax=100_000, Emin=-100_000)

_TOGETHER = ("properties", "additionalProperties", "items", "prefixItems", "patternProperties")
"""Keywords whose meaning depends on one another."""


def _report(error: ValidationError, path: Path, problems: list[Problem], *, hidden: bool) -> None:
    inner = (*path, *error.absolute_path)
    got = kind_of(error.instance) if hidden else error.message[:200]
    report(problems, inner, "schema", f"a value that fits {error.validator!r}", got)
