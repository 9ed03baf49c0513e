"""The difference of two definitions, as data: for reviews, diagrams and migration plans."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from armillary_engine.definition.codec import dumps, step_to_json, to_document
from armillary_engine.definition.fields import FIELDS, Holds
from armillary_engine.definition.model import Body, Definition, Step

from .workflow import Workflow

Kind = Literal[
    "added", "removed", "renamed", "moved", "changed", "input.shape", "input", "output", "access", "version", "name"
]


@dataclass(frozen=True)
class Change:
    """One difference. ``step`` is its id in the newer definition (in the older one when it was removed).

    ``before`` and ``after``: the former id of a renamed step, the places of a moved one (``quote/body``), the JSON of a
    field that changed. ``field``: which field, for ``changed``.
    """

    kind: Kind
    step: str | None = None
    field: str | None = None
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        what = f"step {self.step!r} " if self.step is not None else ""
        match self.kind:
            case "added" | "removed":
                return f"{what}{self.kind}"
            case "renamed":
                return f"{what}renamed from {self.before!r} (its content is the same)"
            case "moved":
                return f"{what}moved from {self.before} to {self.after}"
            case "changed":
                return f"{what}{self.field}: {shown(self.before)} → {shown(self.after)}"
            case "input.shape":
                return f"input: {self.before} → {self.after}"
        return f"{self.kind}: {shown(self.before)} → {shown(self.after)}"


@dataclass(frozen=True)
class Difference:
    """All differences; empty and false when both definitions mean the same."""

    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return "\n".join(map(str, self.changes)) or "no difference"

    def of(self, kind: Kind) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.kind == kind]


@dataclass(frozen=True)
class Placed:
    """A step, where it is, and its own fields without the steps inside it."""

    step: Step
    place: str
    index: int
    own: Mapping[str, Any] = field(default_factory=dict)


def diff(before: Definition | Workflow, after: Definition | Workflow) -> Difference:
    """What changed from one definition to the other. A step with another id and the same content is ``renamed``."""
    old, new = (one.definition if isinstance(one, Workflow) else one for one in (before, after))
    return Difference((*heads(old, new), *steps(old, new)))


def heads(old: Definition, new: Definition) -> Iterator[Change]:
    """Differences outside the body."""
    one, other = to_document(old), to_document(new)
    for name in ("name", "version", "output", "access"):
        if dumps(one.get(name)) != dumps(other.get(name)):
            yield Change(name, before=one.get(name), after=other.get(name))
    if shape(old) != shape(new):
        yield Change("input.shape", before=shape(old), after=shape(new))
    elif dumps(one.get("input")) != dumps(other.get("input")):
        yield Change("input", before=one.get("input"), after=other.get("input"))


def shape(definition: Definition) -> str:
    """Whether the input is one model or separate parameters."""
    closed = definition.input.get("additionalProperties") is False and "title" not in definition.input
    return "parameters" if closed else "one model" if definition.input else "anything"


def steps(old: Definition, new: Definition) -> Iterator[Change]:
    """Differences of the steps, in the order of the newer definition; what was removed comes first."""
    one, other = ({item.step.id: item for item in placed(definition.body, "")} for definition in (old, new))
    renamed = renames(one, other)
    former = {new_id: old_id for old_id, new_id in renamed.items()}
    for id_ in one:
        if id_ not in other and id_ not in renamed:
            yield Change("removed", id_)
    kept = unmoved(one, other, former)
    for id_, item in other.items():
        before = one.get(former.get(id_, id_))
        if before is None:
            yield Change("added", id_)
            continue
        if id_ in former:
            yield Change("renamed", id_, before=former[id_], after=id_)
        if id_ not in kept:
            yield Change("moved", id_, before=where(before), after=where(item))
        for name in [*before.own, *(name for name in item.own if name not in before.own)]:
            if dumps(before.own.get(name)) != dumps(item.own.get(name)):
                yield Change("changed", id_, name, before.own.get(name), item.own.get(name))


def placed(body: Body, place: str) -> Iterator[Placed]:
    """Every step with its place: the id and field of what holds it, as ``retry/body`` or ``if-late/branches/0``."""
    for index, step in enumerate(body):
        data = step_to_json(step)
        inner: list[tuple[str, Body]] = []
        for row in FIELDS[type(step)]:
            value = getattr(step, row.attribute)
            if row.holds is Holds.BODY and value is not None:
                inner.append((f"{step.id}/{row.json}", value))
                data.pop(row.json, None)
            elif row.holds is Holds.OBJECTS and value and hasattr(value[0], "body"):
                inner += [(f"{step.id}/{row.json}/{number}", one.body) for number, one in enumerate(value)]
                data[row.json] = [{k: v for k, v in one.items() if k != "body"} for one in data[row.json]]
        data.pop("id")
        yield Placed(step, place, index, data)
        for name, steps_inside in inner:
            yield from placed(steps_inside, name)


def renames(one: Mapping[str, Placed], other: Mapping[str, Placed]) -> dict[str, str]:
    """Old id → new id, for steps whose content is the same and the only one of its kind on both sides."""
    gone: dict[bytes, list[str]] = {}
    come: dict[bytes, list[str]] = {}
    for items, missing, found in ((one, other, gone), (other, one, come)):
        for id_, item in items.items():
            if id_ not in missing:
                found.setdefault(dumps(dict(item.own)), []).append(id_)
    return {old: new for key in gone if key in come for old, new in zip(gone[key], come[key], strict=False)}


def unmoved(one: Mapping[str, Placed], other: Mapping[str, Placed], former: Mapping[str, str]) -> set[str]:
    """Ids in the newer definition that stayed: in the same place, and in the longest run that kept its order."""
    current = {old: new for new, old in former.items()}
    groups: dict[str, list[tuple[str, int]]] = {}
    for id_, item in other.items():
        before = one.get(former.get(id_, id_))
        holder, slash, rest = before.place.partition("/") if before is not None else ("", "", "")
        if before is not None and current.get(holder, holder) + slash + rest == item.place:
            groups.setdefault(item.place, []).append((id_, before.index))
    return {id_ for group in groups.values() for id_ in longest_run(group)}


def longest_run(items: list[tuple[str, int]]) -> list[str]:
    """The longest subsequence with rising numbers (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int | None] = []
    for position, (_, number) in enumerate(items):
        at = bisect_left(tails, number)
        before.append(ends[at - 1] if at else None)
        tails[at:] = [number, *tails[at + 1 :]]
        ends[at:] = [position, *ends[at + 1 :]]
    found: list[str] = []
    position_or_none = ends[-1] if ends else None
    while position_or_none is not None:
        found.append(items[position_or_none][0])
        position_or_none = before[position_or_none]
    return found


def where(item: Placed) -> str:
    """``position 2 of retry/body``."""
    return f"position {item.index + 1} of {item.place or 'the workflow'}"


def shown(value: Any) -> str:
    """A field's JSON, cut short."""
    text = "nothing" if value is None else dumps(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"
