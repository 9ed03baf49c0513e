"""``for a, b in pairs``: names for the parts of an item of which nothing but its parts is used."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from armillary_engine.definition.expression_json import is_identifier
from armillary_engine.definition.expressions.functions import CORE
from armillary_engine.definition.model import Const, Expression, Fn, Get, Op

from ..compile.vocabulary import VERBS
from .names import names_in, parts_of

KEYED = ("key", "value")


@dataclass(frozen=True)
class Parts:
    """The names of the parts of ``item``; ``keyed``: they are the key and the value of an entry."""

    item: str
    names: tuple[str, ...]
    keyed: bool

    def named(self, expression: Expression) -> str | None:
        """The name of the part that an expression reads, with the path behind it."""
        match expression:
            case Op("index", (Get(path), Const(int() as place))) if path == self.item and not self.keyed:
                return self.names[place]
            case Get(path) if self.keyed and path.startswith((f"{self.item}.key", f"{self.item}.value")):
                _, first, *rest = path.split(".")
                return ".".join([self.names[KEYED.index(first)], *rest]) if first in KEYED else None
        return None


def parts_named(item: str, items: Expression, inside: Iterable[Any], assigned: frozenset[str]) -> Parts | None:
    """The names of an item's parts: those which the item's own name joins, where they mean nothing else inside."""
    names = tuple(item.split("_"))
    keyed = isinstance(items, Fn) and items.fn == "entries"
    wanted = 2 if keyed else arity(items)
    uses = [use for one in inside for use in read(one, item, keyed)]
    if len(names) not in (2, 3) or (wanted is not None and len(names) != wanted) or None in uses or item in assigned:
        return None
    if any(use is not None and not 0 <= use < len(names) for use in uses):
        return None
    around = {name for one in inside for name in names_in(one)}
    if len(set(names)) < len(names) or any(not free(name) or name in around for name in names):
        return None
    return Parts(item, names, keyed)


def free(name: str) -> bool:
    """Whether a name can be given to a part."""
    taken = {*VERBS.values(), "now", "instance", "error", "answer", *CORE, *vars(builtins), "input"}
    return is_identifier(name) and not keyword.iskeyword(name) and name not in taken


def arity(items: Expression) -> int | None:
    """How many parts each item has, where that is known."""
    match items:
        case Fn("enumerate"):
            return 2
        case Fn("zip", lists):
            return len(lists)
    return None


def read(value: Any, item: str, keyed: bool) -> Iterator[int | None]:
    """The places of the parts that are read; ``None`` for any other use of the item."""
    match value:
        case Op("index", (Get(path), Const(place))) if path == item and not keyed:
            yield place if type(place) is int else None
            return
        case Get(path) if path.partition(".")[0] == item:
            pieces = path.split(".")
            yield KEYED.index(pieces[1]) if keyed and len(pieces) > 1 and pieces[1] in KEYED else None
            return
    for part in parts_of(value):
        yield from read(part, item, keyed)
