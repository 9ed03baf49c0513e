"""The registry of functions: what expressions may call, with types and documentation.

The core is fixed: a name, once released, keeps its meaning. A function of the user's is named ``name@major``; it has to
be pure and deterministic, because a slice may be computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from inspect import Parameter as PythonParameter
from inspect import signature
from typing import Any, Literal

from ..expression_json import is_function_name
from ..model import Value
from ..problems import ArmillaryError
from . import core_collections, core_dates, core_numbers, core_text
from .core import FunctionError

Kind = Literal["any", "text", "number", "boolean", "list", "object", "date", "duration", "comparable"]
"""``date`` and ``duration`` are text in ISO 8601; ``comparable`` is a number or a text."""

PYTHON_TYPES: dict[str, frozenset[type] | None] = {
    "any": None, "text": frozenset({str}), "number": frozenset({int, Decimal}), "boolean": frozenset({bool}),
    "list": frozenset({list}), "object": frozenset({dict}), "date": frozenset({str}), "duration": frozenset({str}),
    "comparable": frozenset({int, Decimal, str}),
}  # fmt: skip
"""Type → the Python types of its values; ``None``: all."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """``many``: takes any number of arguments (at least one) from here on. ``null``: null may stand for it."""

    name: str
    kind: Kind | tuple[Kind, ...] = "any"
    optional: bool = False
    many: bool = False
    null: bool = False

    def accepted(self) -> frozenset[type] | None:
        """The Python types of its values; ``None``: all."""
        kinds = [PYTHON_TYPES[kind] for kind in (self.kind if isinstance(self.kind, tuple) else (self.kind,))]
        if any(kind is None for kind in kinds):
            return None
        every = frozenset[type]().union(*(kind for kind in kinds if kind is not None))
        return every | {type(None)} if self.null else every


@dataclass(frozen=True, slots=True)
class Function:
    """One function. ``call`` takes values by position and gives a value, or raises :class:`FunctionError`."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Kind | tuple[Kind, ...]
    doc: str
    call: Callable[..., Value]
    group: str = "user"
    examples: tuple[tuple[str, str], ...] = ()
    """Expression text and the text of its result; they are tests."""
    sized: bool = False
    """Whether ``call`` takes, after the values, the greatest size that its result may have (characters or items)."""

    @property
    def least(self) -> int:
        """The smallest number of arguments."""
        return sum(not parameter.optional for parameter in self.parameters)

    @property
    def most(self) -> int | None:
        """The greatest number of arguments; ``None``: any."""
        return None if any(p.many for p in self.parameters) else len(self.parameters)

    @property
    def signature(self) -> str:
        """``round(number, places?)``."""
        named = [p.name + ("?" if p.optional else "…" if p.many else "") for p in self.parameters]
        return f"{self.name}({', '.join(named)})"


Functions = Mapping[str, Function]


def _parameter(spec: str) -> Parameter:
    """``places:number?`` (optional), ``values:any*`` (many), ``a:object|null``."""
    name, _, kinds = spec.partition(":")
    optional, many = kinds.endswith("?"), kinds.endswith("*")
    types = kinds.rstrip("?*").split("|")
    named: tuple[Any, ...] = tuple(kind for kind in types if kind != "null")
    return Parameter(name, named[0] if len(named) == 1 else named, optional, many, null="null" in types)


def _core() -> dict[str, Function]:
    table: dict[str, Function] = {}
    for module, group in (
        (core_text, "text"), (core_numbers, "numbers"), (core_collections, "collections"), (core_dates, "dates"),
    ):  # fmt: skip
        for entry in module.ENTRIES:
            parameters = tuple(_parameter(spec) for spec in entry.parameters.split())
            kinds: tuple[Any, ...] = tuple(entry.result.split("|"))
            result = kinds[0] if len(kinds) == 1 else kinds
            table[entry.name] = Function(
                entry.name, parameters, result, entry.doc, entry.call, group, entry.examples, entry.sized
            )
    return table


CORE: Functions = _core()
"""The core functions, by name."""


class FunctionDefinitionError(ArmillaryError):
    """A Python function that cannot become a function of expressions (``function.invalid``)."""


def user_function(call: Callable[..., Any], *, major: int, name: str | None = None) -> Function:
    """A pure Python function as ``name@major``; its parameters are taken by position, its results are normalised."""
    named = f"{name or call.__name__}@{major}"
    if not is_function_name(named):
        message = f"expected a name and a major version such as risk@2, got {named!r}"
        raise FunctionDefinitionError("function.invalid", message, hint="give name= and a whole number as major=")
    parameters = []
    for parameter in signature(call).parameters.values():
        if parameter.kind in (PythonParameter.KEYWORD_ONLY, PythonParameter.VAR_KEYWORD):
            message = f"expected parameters by position, got {parameter.name!r} by keyword in {named}"
            raise FunctionDefinitionError("function.invalid", message, hint="remove the * before it")
        many = parameter.kind is PythonParameter.VAR_POSITIONAL
        parameters.append(Parameter(parameter.name, optional=parameter.default is not PythonParameter.empty, many=many))
    doc = (call.__doc__ or "").strip().partition("\n")[0]
    return Function(named, tuple(parameters), "any", doc, call)


__all__ = ["CORE", "Function", "FunctionError", "Functions", "Kind", "Parameter", "user_function"]
