"""What things are called in decompiled Python: nothing that the definition names may hide what it uses."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.expressions.functions import CORE
from armillary_engine.definition.model import Each, Get, Handler, Map, Set

BUILTINS = frozenset(name for name in CORE if hasattr(builtins, name))


@dataclass
class Naming:
    """The names in use, and what has to be imported."""

    taken: set[str]
    verbs: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    own: dict[str, str] = field(default_factory=dict)
    """The author's own functions, ``name@major`` → what they are called here."""
    imports: set[str] = field(default_factory=set)

    def fresh(self, wanted: str) -> str:
        """``wanted``, or with a number when that is in use."""
        base = wanted if is_identifier(wanted) else "value"
        name, number = base, 2
        while name in self.taken or keyword.iskeyword(name):
            name, number = f"{base}_{number}", number + 1
        self.taken.add(name)
        return name

    def verb(self, name: str) -> str:
        """A word of the language; through its module where the definition has that name itself."""
        if name in self.taken:
            self.imports.add("import armillary.authoring")
            return f"armillary.authoring.{name}"
        self.verbs.add(name)
        return name

    def function(self, name: str) -> str:
        """A function of expressions."""
        if "@" in name:
            if name not in self.own:
                self.own[name] = self.fresh(name.partition("@")[0])
            return self.own[name]
        if name in BUILTINS:
            if name not in self.taken:
                return name
            self.imports.add("import builtins")
            return f"builtins.{name}"
        if name in self.taken:
            self.imports.add("import armillary.authoring.functions")
            return f"armillary.authoring.functions.{name}"
        self.functions.add(name)
        return name


def names_in(value: Any) -> set[str]:
    """Every root name and bound name in a definition, a body or an expression."""
    return set(_names(value))


def _names(value: Any) -> Iterator[str]:
    match value:
        case Get(path):
            yield path.partition(".")[0]
        case Map(name=name) | Each(name=name):
            yield name
        case Handler(name=str() as name):
            yield name
        case Set(assign=assign):
            yield from (path.partition(".")[0] for path in assign)
    result = getattr(value, "result", None)
    if isinstance(result, str):
        yield result.partition(".")[0]
    for part in parts_of(value):
        yield from _names(part)


def parts_of(value: Any) -> Iterable[Any]:
    """What a part of a definition is made of."""
    if is_dataclass(value):
        return [getattr(value, one.name) for one in fields(value)]
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, (list, tuple)) else ()
