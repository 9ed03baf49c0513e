"""What definitions are drawn from: what is known at a place, names and texts, and expressions that fit there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..definition.expression_json import constant, format_of, negated
from ..definition.model import Const, Expression, Fn, Get, If, ListOf, Map, Object, Op, StepMeta
from .value_strategies import identifiers, numbers, texts, values

BOOLEANS = st.booleans()


@cache
def below(count: int) -> st.SearchStrategy[int]:
    """Made once: making a strategy takes longer than drawing from it."""
    return st.integers(0, count - 1)


Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Budget:
    """What all scopes of one definition share."""

    left: int
    kinds: frozenset[str]
    serial: int = 0
    meta: dict[str, StepMeta] = field(default_factory=dict)


@dataclass
class Scope:
    """What may be done at a place. ``known``: names that are surely assigned here, with their types; ``frozen``: those
    that may only be read."""

    budget: Budget
    known: dict[str, str]
    frozen: frozenset[str] = frozenset()
    depth: int = 0
    last: frozenset[str] = frozenset({"complete", "fail", "continue_with"})
    """The steps that may be the last one here, with nothing going on after them."""
    goes_on: bool = False
    """Whether the body here has to be able to go on at its end."""

    def inner(self, **changes: Any) -> Scope:
        return replace(self, known=dict(self.known), depth=self.depth + 1, **changes)

    def names(self, kind: str, *, writable: bool = False) -> list[str]:
        return [n for n, k in self.known.items() if k == kind and not (writable and n in self.frozen)]


_ARITHMETIC = ("+", "-", "*", "/", "//", "%")
_ORDERING = ("<", "<=", ">", ">=", "==", "!=")
_USUAL = st.sampled_from(["Ask for a quote", "Check it", "Done"])
_UNUSUAL = st.one_of(_USUAL, texts(8).filter(bool))
_STEMS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=6)


class Parts:
    """Draws the parts of one definition, whose steps a subclass draws."""

    def __init__(self, draw: Draw, plain: bool) -> None:
        self.draw = draw
        self.plain = plain

    # names and texts

    def choose(self, items: Sequence[Any]) -> Any:
        return items[self.draw(below(len(items)))] if len(items) > 1 else items[0]

    def between(self, least: int, most: int) -> int:
        return least + int(self.draw(below(most - least + 1)))

    def maybe(self, make: Callable[[], Any], otherwise: Any = None) -> Any:
        return make() if self.draw(BOOLEANS) else otherwise

    def words(self) -> st.SearchStrategy[str]:
        return _USUAL if self.plain else _UNUSUAL

    def label(self) -> str:
        return str(self.draw(self.words()))

    def id(self, scope: Scope, stem: str) -> str:
        scope.budget.serial += 1
        exotic = self.draw(_STEMS) if (
            not self.plain and self.draw(below(6)) == 0
        ) else stem  # fmt: skip
        chosen = f"{exotic}-{scope.budget.serial}"
        if self.draw(below(8)) == 0:
            title, note = (self.draw(st.one_of(st.none(), self.words())) for _ in range(2))
            scope.budget.meta[chosen] = StepMeta(title, note)
        return chosen

    def result(self, scope: Scope, kind: str = "any") -> str:
        """A path to assign to: a new name, or one that may be written here."""
        writable = scope.names(kind, writable=True)
        if writable and self.draw(BOOLEANS):
            return str(self.choose(writable))
        return self.fresh(scope, str(self.choose(["quote", "total", "reply", "x"])), kind)

    def fresh(self, scope: Scope, stem: str, kind: str) -> str:
        """A new name, known from here on."""
        scope.budget.serial += 1
        name = f"{stem}_{scope.budget.serial}"
        scope.known[name] = kind
        return name

    # expressions that fit

    def number(self, scope: Scope, depth: int = 2) -> Expression:
        options: list[Callable[[], Expression]] = [lambda: Const(self.draw(numbers()))]
        if names := scope.names("number"):
            options.append(lambda: Get(self.choose(names)))
        if depth:
            inner = depth - 1
            options += [
                lambda: Op(self.choose(_ARITHMETIC), (self.number(scope, inner), self.number(scope, inner))),
                lambda: negated(self.number(scope, inner)),
                lambda: Fn("len", (self.text(scope, inner),)),
                lambda: If(self.condition(scope, inner), self.number(scope, inner), self.number(scope, inner)),
            ]
        return self.choose(options)()  # type: ignore[no-any-return]

    def condition(self, scope: Scope, depth: int = 2) -> Expression:
        def ordering() -> Expression:
            return Op(self.choose(_ORDERING), (self.number(scope, depth), self.number(scope, depth)))

        options: list[Callable[[], Expression]] = [ordering]
        if names := scope.names("boolean"):
            options.append(lambda: Get(self.choose(names)))
        if depth:
            inner = depth - 1
            options += [
                lambda: Op(self.choose(["and", "or"]), (self.condition(scope, inner), self.condition(scope, inner))),
                lambda: Op("not", (self.condition(scope, inner),)),
                lambda: Op("in", (self.text(scope, inner), ListOf((self.text(scope, inner),)))),
            ]
        return self.choose(options)()  # type: ignore[no-any-return]

    def text(self, scope: Scope, depth: int = 2) -> Expression:
        words = self.words() if self.plain else texts()
        options: list[Callable[[], Expression]] = [lambda: Const(self.draw(words))]
        if names := scope.names("text"):
            options.append(lambda: Get(self.choose(names)))
        if depth:
            inner = depth - 1
            options += [
                lambda: format_of([self.draw(words), self.number(scope, inner), self.text(scope, inner)]),
                lambda: Fn("upper", (self.text(scope, inner),)),
                lambda: Fn("money", (self.number(scope, inner), Const(2))),
            ]
        return self.choose(options)()  # type: ignore[no-any-return]

    def expression(self, scope: Scope, depth: int = 2) -> Expression:
        readable = sorted(scope.known)
        options: list[Callable[[], Expression]] = [
            lambda: self.number(scope, depth), lambda: self.condition(scope, depth), lambda: self.text(scope, depth),
            lambda: constant(self.draw(values(4))), lambda: Get(self.choose(readable)),
        ]  # fmt: skip
        if depth:
            inner = depth - 1
            keys = identifiers() if self.plain else texts(6)
            options += [
                lambda: ListOf(tuple(self.expression(scope, inner) for _ in range(self.between(0, 2)))),
                lambda: Object({self.draw(keys): self.expression(scope, inner) for _ in range(self.between(0, 2))}),
                lambda: Map(Fn("range", (Const(3),)), "turn", Op("*", (Get("turn"), Const(2))), None),
                lambda: Fn("get", (Get("input"), Const("amount"), self.expression(scope, inner))),
            ]
        return self.choose(options)()  # type: ignore[no-any-return]
