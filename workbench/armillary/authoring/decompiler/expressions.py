"""Expressions → Python, by the printer of expressions with names and functions put in their Python places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from armillary_engine.definition.expressions.functions import CORE
from armillary_engine.definition.expressions.printing import text
from armillary_engine.definition.model import Const, Expression, Fn, Format, Get, If, ListOf, Map, Object, Op

from . import displays
from .names import Naming
from .turns import Parts, parts_named

TEXT_METHODS = ("upper", "lower", "strip", "split", "replace", "startswith", "endswith")
ORDERING = ("<", ">", "<=", ">=", "-")


@dataclass
class Printer:
    """Prints the expressions of one definition. ``dated``: a schema speaks of dates, so any value may be one."""

    naming: Naming
    parameter: str
    """What the input is called; empty where each of its members is a parameter."""
    dated: bool
    assigned: frozenset[str] = frozenset()
    """The root names that steps assign."""
    parts: tuple[Parts, ...] = ()
    """The items around whose parts have names."""
    in_text: bool = False
    """Inside an f-string, where quotes are scarce."""

    def show(self, expression: Expression) -> str:
        """Python for ``expression``."""
        shown = text(self.placed(expression))
        if "concat(" in shown:
            self.naming.function("concat")
        return shown

    def placed(self, expression: Expression) -> Expression:
        """``expression`` with the names that it has in Python."""
        place = self.placed
        for taken_apart in reversed(self.parts):
            if (named := taken_apart.named(expression)) is not None:
                return Get(named)
        if (written := self.written(expression)) is not None:
            return Get(written)
        match expression:
            case Get(path):
                return Get(self.path(path))
            case Op(op, args):
                inner = tuple(map(place, args))
                if op in ORDERING and any(self.may_be_date(argument) for argument in args):
                    inner = (Fn(self.naming.function("as_text"), (inner[0],)), *inner[1:])
                return Op(op, inner)
            case If(condition, then, otherwise):
                return If(place(condition), place(then), place(otherwise))
            case Object(members):
                return Object({key: place(member) for key, member in members.items()})
            case ListOf(items):
                return ListOf(tuple(map(place, items)))
            case Format(pieces):
                return Format(tuple(part if isinstance(part, str) else self.part(part) for part in pieces))
            case Map(items, name, to, where):
                target, printer = self.turn(name, items, [to, where])
                return Map(self.items(items, target), target, printer.placed(to), where and printer.placed(where))
            case Fn(name, (owner, *rest)) if name in TEXT_METHODS:
                return Fn(f"{self.owner(owner)}.{name}", tuple(map(place, rest)))
            case Fn(name, args):
                return Fn(self.naming.function(name), tuple(map(place, args)))
            case _:
                return expression

    def turn(self, name: str, items: Expression, inside: list[Any]) -> tuple[str, Printer]:
        """The target of a ``for``, and the printer for what stands inside it."""
        found = parts_named(name, items, inside, self.assigned)
        if found is None:
            return name, self
        return ", ".join(found.names), replace(self, parts=(*self.parts, found))

    def items(self, items: Expression, target: str) -> Expression:
        """What is gone through; the entries of an object are its ``.items()`` where each is taken apart."""
        match items:
            case Fn("entries", (owner,)) if "," in target:
                return Fn(f"{self.owner(owner)}.items", ())
        return self.placed(items)

    def written(self, expression: Expression) -> str | None:
        """Python for what it says with braces or with keywords; ``None`` for anything else."""
        if self.in_text:
            return None
        match expression:
            case Fn("merge", args) if any(is_new(one) for one in args):
                return displays.merged(args, self.show)
            case Fn("dict", (Map(items, item, ListOf((key, value)) as to, where),)):
                target, inner = self.turn(item, items, [to, where])
                test = f" if {tight(inner.show(where))}" if where is not None else ""
                source = tight(text(self.items(items, target)))
                return f"{{{inner.show(key)}: {inner.show(value)} for {target} in {source}{test}}}"
            case Fn("dict", (pairs,)):
                return displays.made(pairs, self.show)
            case Fn("first", (inner_items,)) if (ordered := displays.Ordered.of(inner_items)) is not None:
                function = self.naming.function("max" if ordered.backwards else "min")
                return f"{function}({self.show(ordered.items)}, key={ordered.key(self.item_name())})"
        if (ordered := displays.Ordered.of(expression)) is not None:
            reverse = ", reverse=True" if ordered.backwards else ""
            by = ordered.key(self.item_name())
            return f"{self.naming.function('sorted')}({self.show(ordered.items)}, key={by}{reverse})"
        return None

    def item_name(self) -> str:
        """What one of the items is called in a ``lambda``."""
        return "item" if "item" not in self.naming.taken else "_"

    def owner(self, expression: Expression) -> str:
        """What stands before the dot of a method."""
        shown = text(self.placed(expression))
        simple = isinstance(expression, (Get, Fn, ListOf, Object)) or (
            isinstance(expression, Const) and isinstance(expression.value, str)
        )
        simple = simple or (isinstance(expression, Op) and expression.op in ("index", "slice"))
        return shown if simple and "@" not in getattr(expression, "fn", "") else f"({shown})"

    def part(self, expression: Expression) -> Expression:
        """A part of a text; ``{x:.2f}`` is printed from ``format_number`` itself."""
        inner = replace(self, in_text=True)
        match expression:
            case Fn("format_number", (value, Const(str()) as spec)):
                self.naming.function("format_number")
                return Fn("format_number", (inner.placed(value), spec))
        return inner.placed(expression)

    def path(self, path: str) -> str:
        """A path with its root as it is called in the function."""
        root, dot, rest = path.partition(".")
        if root == "input" and not self.parameter and rest:
            return rest
        if root == "input":
            root = self.parameter or "input"
        elif root in ("now", "instance"):
            root = self.naming.verb(root)
        return root + dot + rest

    def may_be_date(self, expression: Expression) -> bool:
        match expression:
            case Get(path):
                return self.dated or path in ("now", "instance.started")
            case Op("index" | "slice" | "+", _) | If() | Map():
                return self.dated or any(self.may_be_date(one) for one in inside(expression))
            case Fn(name, _):
                function = CORE.get(name)
                return self.dated or function is None or function.result in ("date", "any")
        return False


def is_new(part: Expression) -> bool:
    """Whether a part of ``merge`` is written out where it is merged."""
    return isinstance(part, Object) or (isinstance(part, Fn) and part.fn == "dict")


def tight(shown: str) -> str:
    """Text that stands in a comprehension, where a choice needs brackets."""
    return f"({shown})" if " if " in shown or shown.startswith("lambda") else shown


def inside(expression: Expression) -> tuple[Expression, ...]:
    """The expressions whose value an expression may have, or be a part of."""
    match expression:
        case Op(_, args):
            return args
        case If(_, then, otherwise):
            return (then, otherwise)
        case Map(items, _, to, _):
            return (items, to)
    return ()
