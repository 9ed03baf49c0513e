"""Step ids: written ones are kept, the others are derived from what the step does.

Of equal ids the first keeps it; a later one gets the label of the branch, handler or loop around it, and when that is
not enough a number and the warning ``id.ambiguous``. So adding a step after others renames none of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from armillary_engine.definition.fields import FIELDS, Holds
from armillary_engine.definition.model import (
    Body,
    Expression,
    Fn,
    Format,
    Get,
    If,
    ListOf,
    Map,
    Object,
    Op,
    Step,
)
from armillary_engine.definition.problems import Problem

from .context import Mark

MAX_NAMES = 3
PLACED = ("complete", "leave", "next")


@dataclass(frozen=True)
class Ids:
    """Final ids, and what is to be said about them."""

    by_key: Mapping[str, str]
    problems: tuple[Problem, ...]


def derive(marks: Sequence[Mark]) -> Ids:
    """The final id of every mark, in document order."""
    written = Counter(mark.explicit for mark in marks if mark.explicit)
    taken: set[str] = {name for name in written if name}
    ids: dict[str, str] = {}
    problems = [twice(mark) for mark in repeated(marks)]
    last: Counter[str] = Counter()
    for mark in marks:
        if mark.explicit:
            ids[mark.key] = mark.explicit
            continue
        choice = next((one for one in choices(mark, ids) if one not in taken), None)
        if choice is None:
            choice = numbered(list(choices(mark, ids))[-1], taken, last)
            problems.append(ambiguous(mark, choice))
        ids[mark.key] = choice
        taken.add(choice)
    return Ids(ids, tuple(problems))


def choices(mark: Mark, ids: Mapping[str, str]) -> Iterable[str]:
    """The plain id, then with the label around it, then with the label around that. Ends and jumps, of which a workflow
    has many, are always told apart by where they stand."""
    labels = [ids.get(label, label) for label in mark.labels]
    if mark.base not in PLACED or not labels:
        yield mark.base
    for count in (1, 2):
        if len(labels) >= count:
            yield "-".join([*labels[-count:], mark.base])


def numbered(base: str, taken: set[str], last: Counter[str]) -> str:
    """``base-2`` or the next that is free; ``last``: the numbers that were given to each base."""
    number = max(last[base] + 1, 2)
    while f"{base}-{number}" in taken:
        number += 1
    last[base] = number
    return f"{base}-{number}"


def repeated(marks: Sequence[Mark]) -> list[Mark]:
    """Marks whose written id was written before."""
    seen: set[str] = set()
    found = []
    for mark in marks:
        if mark.explicit and mark.explicit in seen:
            found.append(mark)
        seen.add(mark.explicit or "")
    return found


def twice(mark: Mark) -> Problem:
    """The error for an id that was written before."""
    message = f"expected every id once, got {mark.explicit!r} again"
    return Problem("id.duplicate", message, step=mark.explicit, hint="write another id", span=mark.span)


def ambiguous(mark: Mark, choice: str) -> Problem:
    """The warning for an id that only a number tells apart."""
    message = f"this step is called {choice!r} because {mark.base!r} is taken; adding a step may change that"
    hint = f'write the id: step("{choice}") on the line before, or id="{choice}"'
    return Problem("id.ambiguous", message, "warning", step=choice, hint=hint, span=mark.span)


# ── names for ids ────────────────────────────────────────────────────────────────────────────────────────────────────


def kebab(text: str) -> str:
    """``ReviewQuote`` → ``review-quote``; ``rating/re_quote`` → ``rating-re-quote``."""
    spaced = re.sub(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", text)
    return re.sub(r"[\W_]+", "-", spaced).strip("-").lower() or "step"


def named(prefix: str, *expressions: Expression) -> str:
    """``if-premium-accepted``: a prefix and the names that the expressions read."""
    names: list[str] = []
    for expression in expressions:
        names += [name for path in paths(expression) if (name := kebab(path.rpartition(".")[2])) not in names]
    return "-".join([prefix, *list(dict.fromkeys(names))[:MAX_NAMES]])


def paths(expression: Expression) -> Iterable[str]:
    """The paths that an expression reads, in order."""
    match expression:
        case Get(path):
            yield path
        case Op(_, args) | Fn(_, args) | ListOf(args):
            for inner in args:
                yield from paths(inner)
        case If(condition, then, otherwise):
            for inner in (condition, then, otherwise):
                yield from paths(inner)
        case Object(members):
            for inner in members.values():
                yield from paths(inner)
        case Format(parts):
            for part in parts:
                if not isinstance(part, str):
                    yield from paths(part)
        case Map(items, _, _, _):
            yield from paths(items)


# ── putting them in ──────────────────────────────────────────────────────────────────────────────────────────────────


def with_ids(body: Body, ids: Mapping[str, str]) -> Body:
    """``body`` with every provisional id replaced."""
    return tuple(_renamed(step, ids) for step in body)


def _renamed(step: Step, ids: Mapping[str, str]) -> Step:
    changes: dict[str, Any] = {"id": ids[step.id]}
    for row in FIELDS[type(step)]:
        value = getattr(step, row.attribute)
        if row.holds is Holds.BODY and value is not None:
            changes[row.attribute] = with_ids(value, ids)
        elif row.holds is Holds.OBJECTS and value and hasattr(value[0], "body"):
            changes[row.attribute] = tuple(replace(item, body=with_ids(item.body, ids)) for item in value)
    return replace(step, **changes)
