"""Where all instances of a workflow stand: counted by step, kept up to date by what the engine tells."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from armillary_engine.definition.codec import identity
from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.runtime import EventView, InstanceQuery, InstanceView, Runtime
from armillary_renderers.diagram.model import Mark
from armillary_renderers.project.overlay import Overlay
from armillary_renderers.project.overlays import heat_map, merged

from ..handles import all_instances
from .picture import overlay_of

SAMPLE = 200
"""Instances whose histories are read for what was passed; more would take seconds."""

_PAGE = 1_000
_KEPT = frozenset({"running", "waiting", "suspended", "failed"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance stands, or failed, and what is in its way."""

    id: str
    version: str
    """Of the workflow; a step of the same name may mean something else in another."""
    status: str
    steps: tuple[str, ...]
    reference: str | None
    trouble: str
    """Why it failed or is blocked; empty where it is neither."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step: how many instances stand there, of them how many are blocked, and how many failed there."""

    step: str
    standing: int
    blocked: int
    failed: int
    trouble: str
    """Of the newest that failed or is blocked there."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another version: how many of its instances are on their way, how many of them blocked, and how many failed."""

    version: str
    standing: int
    blocked: int
    failed: int


class Census:
    """The living and the failed instances of a workflow: those on ``definition`` by step, those on its other versions
    apart. Not thread-safe, but for :meth:`heard`."""

    def __init__(self, runtime: Runtime, definition: Definition) -> None:
        self.definition = definition
        self.version = identity(definition).version
        self.gone: Counter[str] = Counter()
        """How many of this version were completed and cancelled since the first look."""
        self._runtime = runtime
        self._places: dict[str, Place] = {}
        self._heard: set[str] = set()
        self._counted: set[str] = set()
        self._all = True
        self._turn = threading.Lock()

    def heard(self, instance: str) -> None:
        """Something about an instance was committed: the next :meth:`read` looks at it; at all of them, where it is not
        known of which (an empty id)."""
        with self._turn:
            self._heard.add(instance)

    def forget(self) -> None:
        """Nobody listened for a while: the next :meth:`read` looks at all of them."""
        self._all = True

    def read(self) -> bool:
        """Brings the counts up to date; true where anything is different. Only what was heard of is read."""
        with self._turn:
            heard, self._heard = self._heard, set()
        before = dict(self._places)
        if self._all:
            self._all = False
            self._places = self._everywhere()
        elif "" in heard:
            self._places = self._everywhere()
            self._follow((before.keys() | heard) - self._places.keys() - {""})
        else:
            self._follow(heard)
        return before != self._places

    def _everywhere(self) -> dict[str, Place]:
        query = InstanceQuery(workflow=self.definition.name, status=_KEPT, limit=_PAGE)
        return {view.id: _place(view) for view in all_instances(self._runtime, query)}

    def _follow(self, heard: Iterable[str]) -> None:
        for id in heard:
            try:
                view = self._runtime.instance(id)
            except ArmillaryError:  # removed by retention
                self._places.pop(id, None)
                continue
            if view.workflow != self.definition.name:
                continue
            self._places.pop(id, None)
            if view.status in _KEPT:
                self._places[id] = _place(view)
            elif view.version == self.version and id not in self._counted:
                self._counted.add(id)  # what is over may be heard of again, as when its dead letter is dropped
                self.gone[view.status] += 1

    @property
    def statuses(self) -> Mapping[str, int]:
        """How many instances have each status."""
        return Counter(place.status for place in self._here())

    def elsewhere(self) -> list[Elsewhere]:
        """The other versions that have instances, by their names."""
        counts: dict[str, Counter[str]] = {}
        for place in self._places.values():
            if place.version != self.version:
                count = counts.setdefault(place.version, Counter())
                count["failed" if place.status == "failed" else "standing"] += 1
                count["blocked"] += bool(place.trouble) and place.status != "failed"
        return [Elsewhere(name, it["standing"], it["blocked"], it["failed"]) for name, it in sorted(counts.items())]

    def failed(self, step: str | None = None) -> list[str]:
        """The ids of the instances that failed, or failed at a step; the oldest first."""
        return sorted(
            place.id for place in self._here() if place.status == "failed" and (step is None or step in place.steps)
        )

    def _here(self) -> Iterable[Place]:
        return (place for place in self._places.values() if place.version == self.version)

    def rows(self) -> list[Row]:
        """The steps at which an instance stands or failed, the fullest first."""
        standing, blocked, failed = Counter[str](), Counter[str](), Counter[str]()
        trouble: dict[str, str] = {}
        for place in self._here():
            for step in place.steps:
                counts = failed if place.status == "failed" else standing
                counts[step] += 1
                if place.trouble:
                    trouble[step] = place.trouble
                    blocked[step] += place.status != "failed"
        found = [
            Row(step, standing[step], blocked[step], failed[step], trouble.get(step, "")) for step in standing | failed
        ]
        return sorted(found, key=lambda row: (-(row.standing + row.failed), row.step))

    def at(self, step: str, limit: int = 50) -> list[Place]:
        """Instances that stand or failed at a step, those in trouble first."""
        found = [place for place in self._here() if step in place.steps]
        return sorted(found, key=lambda place: (not place.trouble, place.id))[:limit]

    def standing(self) -> Overlay:
        """A heat map of where they stand, with a marker where some failed or are blocked."""
        rows = self.rows()
        marks: dict[str, tuple[Mark, ...]] = {row.step: tuple(_marks(row)) for row in rows if row.failed or row.blocked}
        counts = heat_map({row.step: row.standing + row.failed for row in rows})
        return Overlay(heat=counts.heat, problems=marks)

    def passed(self) -> Overlay:
        """How often the newest instances entered each step and took each edge."""
        query = InstanceQuery(workflow=self.definition.name, version=self.version, limit=SAMPLE)
        newest = self._runtime.instances(query)
        return merged(overlay_of(self.definition, self._history(view.id), view.status) for view in newest)

    def _history(self, id: str) -> list[EventView]:
        return list(self._runtime.history(id, limit=_PAGE))


def _place(view: InstanceView) -> Place:
    error = view.error or {}
    at = (str(error["step"]),) if view.status == "failed" and error.get("step") else view.steps
    trouble = str(error.get("message") or error.get("code") or "") if view.status == "failed" else view.blocked or ""
    return Place(view.id, view.version, view.status, tuple(at), view.reference, trouble)


def _marks(row: Row) -> Iterable[Mark]:
    severities: tuple[tuple[int, Literal["error", "warning"], str], ...] = (
        (row.failed, "error", "failed here"),
        (row.blocked, "warning", "blocked"),
    )
    for count, severity, word in severities:
        if count:
            yield Mark(severity, f"{count:,} {word}: {row.trouble}")
