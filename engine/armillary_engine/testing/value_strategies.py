"""Hypothesis strategies for values and expressions."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from ..definition.expression_json import format_of, is_identifier, negated
from ..definition.model import Const, Expression, Fn, Get, If, ListOf, Map, Object, Op, Value
from ..definition.values import number

# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_MAXIMUM = 10**34 - 1


@cache
def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Any text that a value may hold."""
    return st.text(_CHARACTERS, max_size=max_size)


@cache
def numbers() -> st.SearchStrategy[int | Decimal]:
    """Exact numbers of every size, often small."""
    scaled = st.builds(_scaled, st.integers(-_MAXIMUM, _MAXIMUM), st.integers(-60, 60))
    cents = st.builds(_scaled, st.integers(-10_000_000, 10_000_000), st.just(-2))
    return st.one_of(st.integers(-1000, 1000), cents, st.integers(-_MAXIMUM, _MAXIMUM), scaled)


def _scaled(digits: int, exponent: int) -> int | Decimal:
    return number(f"{digits}E{exponent}")


def scalars() -> st.SearchStrategy[Value]:
    """Values that are no lists and no objects."""
    return st.one_of(st.none(), st.booleans(), numbers(), texts())


@cache
def values(max_leaves: int = 12) -> st.SearchStrategy[Any]:
    """Any JSON value in its exact form."""
    return st.recursive(
        scalars(),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts(6), inner, max_size=4)),
        max_leaves=max_leaves,
    )


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def identifiers() -> st.SearchStrategy[str]:
    """Names as people write them, and now and then others that Python's grammar allows."""
    usual = st.sampled_from(["amount", "premium", "policy", "answer", "quote", "x", "remarks", "total_2", "müller"])
    return st.one_of(usual, st.from_regex(r"[a-z_][a-z0-9_]{0,7}", fullmatch=True).filter(is_identifier))


def paths() -> st.SearchStrategy[str]:
    """Dotted identifiers."""
    return st.lists(identifiers(), min_size=1, max_size=3).map(".".join)


_BINARY = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "+", "-", "*", "/", "//", "%", "**", "index")
_FUNCTIONS = ("upper", "len", "round", "money", "format_number", "get", "risk@1", "score_of@12")


def expressions(max_leaves: int = 12) -> st.SearchStrategy[Expression]:
    """Any expression in normal form, well typed or not: for round trips and fuzzing."""
    leaf = st.one_of(scalars().map(Const), paths().map(Get))
    return st.recursive(leaf, _larger, max_leaves=max_leaves)


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, max_size=3).map(tuple)
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(lambda op, a, b: Op(op, (a, b)), st.sampled_from(_BINARY), inner, inner),
        st.builds(Op, st.sampled_from(["and", "or"]), several),
        st.builds(lambda a: Op("not", (a,)), inner),
        inner.map(negated),
        st.builds(lambda a, b, c: Op("slice", (a, b, c)), inner, inner, inner),
        st.builds(If, inner, inner, inner),
        st.builds(Object, st.dictionaries(texts(6), inner, max_size=3)),
        some.map(ListOf),
        st.lists(st.one_of(texts(6), inner), max_size=4).map(format_of),
        st.builds(Map, inner, identifiers(), inner, st.one_of(st.none(), inner)),
        st.builds(Fn, st.sampled_from(_FUNCTIONS), some),
    )
