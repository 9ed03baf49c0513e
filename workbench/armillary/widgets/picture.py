"""The diagram of an instance: drawn once, then changed by deltas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from armillary_engine.definition import model as m
from armillary_engine.definition.durations import duration_microseconds
from armillary_engine.runtime import EventView
from armillary_renderers.project.nesting import Shown, bodies
from armillary_renderers.project.overlay import Overlay, delta, nested, overlay_from_history
from armillary_renderers.render import render

__all__ = ["ALL", "Overlay", "compensates", "delta", "draw", "overlay_of", "steps_of"]

ALL = Shown()
Children = Mapping[str, tuple[m.Definition, Sequence[EventView], str]]
"""By step: the definition of the child workflow that is drawn in place, its history and its status."""


def overlay_of(
    definition: m.Definition,
    events: Sequence[EventView],
    status: str,
    shown: Shown = ALL,
    children: Children | None = None,
) -> Overlay:
    """What happened, laid over the definition: state, visits, retries, times and deadlines, and the edges taken."""
    overlay = overlay_from_history(definition, list(_visits(definition, events, status)), status, shown)
    for step, (child, inner, standing) in (children or {}).items():
        overlay = nested(overlay, step, overlay_of(child, inner, standing, shown.inside(step)))
    return overlay


def _visits(definition: m.Definition, events: Sequence[EventView], status: str) -> Iterator[dict[str, Any]]:
    """The events with each visit's entry spelled out: a step that ends in the slice in which it began says only so.

    A call whose attempt is due or in flight runs, as its instance's status says; in back-off it waits."""
    steps = {step.id: step for step in steps_of(definition.body)}
    seen: set[tuple[str, int]] = set()
    for event in events:
        if event.step is None:
            continue
        told = {"type": event.type, "step": event.step, "serial": event.serial, "at": event.at.isoformat()}
        if event.type.startswith("step.") and (event.step, event.serial) not in seen:
            seen.add((event.step, event.serial))
            if event.type != "step.entered":
                yield told | {"type": "step.entered"}
        if event.type == "call.retrying":
            told["type"] = "step.waiting"
        if told["type"] == "step.waiting":
            told["due"] = _due(steps.get(event.step), event)
            if status == "running" and isinstance(steps.get(event.step), m.Call):
                told["type"] = "step.entered"
        attempt = event.data.get("attempt")
        yield told | {
            "retries": attempt - 1 if isinstance(attempt, int) else 0,
            "note": str(event.data.get("message") or ""),
        }


def _due(step: m.Step | None, event: EventView) -> str:
    """When a wait's time is up, where that is known: a timer's moment, the end of a back-off or of a time-out."""
    moment = event.data.get("until", event.data.get("due"))
    if isinstance(moment, int):
        return datetime.fromtimestamp(moment / 1_000_000, UTC).isoformat(timespec="milliseconds")
    limit = None if step is None or isinstance(step, m.Call) else getattr(step, "timeout", None)
    if limit is None:
        return ""
    return (event.at + timedelta(microseconds=duration_microseconds(limit))).isoformat(timespec="milliseconds")


def steps_of(body: m.Body) -> Iterator[m.Step]:
    """Every step of a body, at any depth."""
    for step in body:
        yield step
        for inner in bodies(step):
            yield from steps_of(inner)


def compensates(definition: m.Definition) -> bool:
    """Whether a step of it says how to undo what it did."""
    return any(isinstance(step, m.Try) and step.compensate for step in steps_of(definition.body))


def draw(definition: m.Definition, overlay: Overlay, shown: Shown = ALL) -> str:
    """The SVG with the overlay's states in it."""
    return render(definition, overlay=overlay, collapsed=shown.collapsed, expanded=shown.expanded).svg
