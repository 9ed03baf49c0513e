"""What of a diagram is drawn as one node and what in full, as a person at a live view chooses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, Protocol

from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.runtime import EventView, InstanceView
from armillary_renderers.project.nesting import SEPARATOR, Shown, can_collapse

from .picture import ALL, Children, steps_of

Way = Literal["collapse", "expand"]


class Families(Protocol):
    """Where child workflows are found."""

    def definition(self, name: str, version: str = "*") -> m.Definition: ...
    def definition_by_digest(self, digest: str) -> m.Definition: ...
    def instance(self, id: str) -> InstanceView: ...
    def history(self, id: str, *, after: int = 0, limit: int = 1000) -> Iterable[EventView]: ...


class Folds:
    """The choice, and what it brings with it: the definitions and histories of the children that are drawn in place."""

    def __init__(self, families: Families) -> None:
        self.shown = ALL
        self._families = families
        self._instances: dict[str, str] = {}
        """By expanded step: the child instance of its last visit, where there is one."""

    def ways(self, definition: m.Definition) -> dict[str, Way]:
        """By step: what may be done with it in the picture as it is."""
        return dict(self._ways(definition, self.shown, ""))

    def _ways(self, definition: m.Definition, shown: Shown, start: str) -> Iterator[tuple[str, Way]]:
        hidden = {
            inner.id for step in steps_of(definition.body) if step.id in shown.collapsed for inner in _inside(step)
        }
        for step in steps_of(definition.body):
            if step.id in hidden:
                continue
            if step.id in shown.collapsed:
                yield start + step.id, "expand"
            elif can_collapse(step) and any(_inside(step)):
                yield start + step.id, "collapse"
            elif isinstance(step, m.Subworkflow) and step.id in shown.expanded:
                yield start + step.id, "collapse"
                inner = shown.inside(step.id)
                yield from self._ways(shown.expanded[step.id], inner, start + step.id + SEPARATOR)
            elif isinstance(step, m.Subworkflow) and self._child(step, start + step.id) is not None:
                yield start + step.id, "expand"

    def choose(self, definition: m.Definition, step: str, *, open: bool) -> bool:
        """Changes the choice; false where nothing changes by it."""
        way = self.ways(definition).get(step)
        if way != ("expand" if open else "collapse"):
            return False
        shown, expanded = self.shown, dict(self.shown.expanded)
        if step in shown.collapsed:
            self.shown = replace(shown, collapsed=shown.collapsed - {step})
        elif open:
            owner, _, name = step.rpartition(SEPARATOR)
            around = expanded[owner] if owner else definition
            found = next(one for one in steps_of(around.body) if one.id == name)
            child = self._child(found, step) if isinstance(found, m.Subworkflow) else None
            if child is None:
                return False
            expanded[step] = child
            self.shown = replace(shown, expanded=expanded)
        elif step in expanded:
            inner = step + SEPARATOR
            kept = {name: child for name, child in expanded.items() if name != step and not name.startswith(inner)}
            self.shown = replace(shown, expanded=kept)
        else:
            self.shown = replace(shown, collapsed=shown.collapsed | {step})
        return True

    def _child(self, step: m.Subworkflow, place: str) -> m.Definition | None:
        """The child workflow: what its last instance follows, else the newest that fits; ``None``: there is none."""
        try:
            if place in self._instances:
                return self._families.definition_by_digest(self._families.instance(self._instances[place]).digest)
            return self._families.definition(step.workflow, step.version)
        except ArmillaryError:
            return None

    def follow(self, events: Iterable[EventView], start: str = "") -> None:
        """Remembers which child instances were started."""
        for event in events:
            child = event.data.get("child")
            if event.step is not None and isinstance(child, str):
                self._instances[start + event.step] = child

    def children(self) -> Children:
        """What happened in the children that are drawn in place, of those that were started."""
        found: dict[str, tuple[m.Definition, list[EventView], str]] = {}
        for step in sorted(self.shown.expanded, key=lambda name: name.count(SEPARATOR)):
            instance = self._instances.get(step)
            if instance is None:
                continue
            try:
                view = self._families.instance(instance)
            except ArmillaryError:  # it was not kept
                continue
            events = _all(self._families, instance)
            self.follow(events, step + SEPARATOR)
            found[step] = (self.shown.expanded[step], events, view.status)
        return found


def _inside(step: m.Step) -> Iterator[m.Step]:
    inner = steps_of((step,))
    next(inner)
    return inner


def _all(families: Families, instance: str) -> list[EventView]:
    events: list[EventView] = []
    while page := list(families.history(instance, after=events[-1].number if events else 0)):
        events += page
    return events
