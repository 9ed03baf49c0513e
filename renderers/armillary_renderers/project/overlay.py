"""What an instance has done, as data over a diagram: states by step and the edges taken. Never a new layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from armillary_engine.definition import model as m

from armillary_renderers.diagram.model import Mark
from armillary_renderers.project.from_definition import ALL, project
from armillary_renderers.project.nesting import SEPARATOR, Shown
from armillary_renderers.project.walk import Walk

State = Literal["not-reached", "running", "waiting", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("not-reached", "running", "waiting", "done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class StepState:
    """The state of one step, how often it was entered, and a short note on it.

    ``retries``: attempts after the first, of the last visit. ``took``: how long that visit took, and ``due``: when its
    time is up, both ISO 8601 and empty where they are not known.
    """

    state: State = "not-reached"
    visits: int = 0
    note: str = ""
    retries: int = 0
    took: str = ""
    due: str = ""


Change = Literal["added", "removed", "changed", "moved", "renamed"]
CHANGES: tuple[Change, ...] = ("added", "removed", "changed", "moved", "renamed")


@dataclass(frozen=True, slots=True)
class Overlay:
    """What lies over a picture. It changes attributes and texts, never the layout; all but ``steps`` may be left out.

    ``taken`` holds (source, target) pairs of diagram nodes, as on the edges of the picture. ``heat`` and ``flows`` are
    counts, by step and by such a pair. ``changes`` says how a step differs from another definition's.
    ``problems`` are markers by step. ``now`` (ISO 8601) is what countdowns count from; without it they name the moment.
    """

    steps: Mapping[str, StepState] = field(default_factory=dict)
    taken: frozenset[tuple[str, str]] = frozenset()
    heat: Mapping[str, int] = field(default_factory=dict)
    flows: Mapping[tuple[str, str], int] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    problems: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    now: str = ""


_EVENTS: Mapping[str, State] = {
    "step.entered": "running",
    "step.waiting": "waiting",
    "step.done": "done",
    "step.failed": "failed",
    "step.cancelled": "cancelled",
}


def overlay_from_history(
    definition: m.Definition,
    events: Iterable[Mapping[str, Any]],
    status: str = "running",
    shown: Shown = ALL,
) -> Overlay:
    """The overlay of an instance from its history.

    Events are plain mappings with ``type`` (``step.entered``, ``step.waiting``, ``step.done``, ``step.failed``,
    ``step.cancelled``; others are passed over), ``step`` and, where it is known, ``serial`` (one per visit), in order.
    They may also have ``at`` (ISO 8601: gives how long visits took), ``due`` (when a wait's time is up), ``retries``
    and ``note``. A step that takes no time may record only how it ended. ``status`` is the instance's: once it has
    ended, nothing is running or waiting any more. ``shown``: what is collapsed in the picture, which the edges taken
    depend on.
    """
    walk = Walk(project(definition, detail="outline", shown=shown))
    steps: dict[str, StepState] = {}
    visits: dict[str, set[object]] = {}
    since: dict[str, str] = {}
    for event in events:
        state, step = _EVENTS.get(str(event.get("type"))), event.get("step")
        if state is None or not isinstance(step, str):
            continue
        before = steps.get(step, StepState())
        serial, known = event.get("serial"), visits.setdefault(step, set())
        fresh = serial not in known if serial is not None else before.state not in ("running", "waiting")
        known.add(serial)
        walk.event(step, fresh=fresh, over=state not in ("running", "waiting"))
        began = str(event.get("at") or "") if fresh else since.get(step, "")
        since[step] = began
        over = state not in ("running", "waiting")
        steps[step] = StepState(
            state,
            before.visits + fresh,
            str(event.get("note") or ""),
            retries=int(event.get("retries") or (0 if fresh else before.retries)),
            took=_took(began, str(event.get("at") or "")) if over else "",
            due="" if over else str(event.get("due") or ("" if fresh else before.due)),
        )
    last = _ENDED.get(status)
    if last is not None:
        steps = {
            s: replace(found, state=last, due="") if found.state in ("running", "waiting") else found
            for s, found in steps.items()
        }
    if status == "completed":
        walk.end()
    return Overlay(steps, frozenset(walk.taken))


def nested(parent: Overlay, step: str, child: Overlay) -> Overlay:
    """The overlay of a picture in which ``step`` is expanded: the parent's with the child instance's inside of it."""
    start = step + SEPARATOR
    return replace(
        parent,
        steps={**parent.steps, **{start + name: found for name, found in child.steps.items()}},
        taken=parent.taken | {(start + source, start + target) for source, target in child.taken},
    )


def _took(began: str, ended: str) -> str:
    """Whole seconds between two moments as a duration; a wait of less than one took no time worth showing."""
    if not began or not ended:
        return ""
    seconds = int((datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds())
    return iso_duration(seconds) if seconds > 0 else ""


def iso_duration(seconds: int) -> str:
    """A duration in its two largest units, as ISO 8601: ``P1DT2H``, ``PT4M10S``."""
    sizes = (("D", seconds // 86400), ("H", seconds // 3600 % 24), ("M", seconds // 60 % 60), ("S", seconds % 60))
    first = next((index for index, (_, number) in enumerate(sizes) if number), 3)
    kept = [(unit, number) for unit, number in sizes[first : first + 2] if number]
    days = "".join(f"{number}{unit}" for unit, number in kept if unit == "D")
    time = "".join(f"{number}{unit}" for unit, number in kept if unit != "D")
    return f"P{days}T{time}" if time else f"P{days or 'T0S'}"


_ENDED: Mapping[str, State] = {"completed": "done", "failed": "failed", "cancelled": "cancelled"}


def overlay_json(overlay: Overlay) -> dict[str, Any]:
    """The overlay as plain data: what a widget is sent first. Members that are empty are left out, but for two."""
    document = {
        "steps": {step: _step(found) for step, found in sorted(overlay.steps.items())},
        "taken": [list(pair) for pair in sorted(overlay.taken)],
    }
    return document | {name: found for name, found in _more(overlay).items() if found}


def _more(overlay: Overlay) -> dict[str, Any]:
    return {
        "heat": dict(sorted(overlay.heat.items())),
        "flows": [[*pair, count] for pair, count in sorted(overlay.flows.items())],
        "changes": dict(sorted(overlay.changes.items())),
        "problems": {
            step: [{"severity": mark.severity, "message": mark.message} for mark in marks]
            for step, marks in sorted(overlay.problems.items())
            if marks
        },
        "now": overlay.now,
    }


def shows_instance(overlay: Overlay) -> bool:
    """True where steps that were not reached are to stand back: not under counts and markers alone."""
    others = overlay.heat or overlay.flows or overlay.problems
    return bool(overlay.steps or overlay.taken or overlay.changes or not others)


def overlay_from_json(document: Mapping[str, Any]) -> Overlay:
    """The overlay of a document that :func:`overlay_json` made."""
    return Overlay(
        steps={step: StepState(**found) for step, found in document["steps"].items()},
        taken=frozenset((source, target) for source, target in document["taken"]),
        heat=dict(document.get("heat", {})),
        flows={(source, target): count for source, target, count in document.get("flows", ())},
        changes=dict(document.get("changes", {})),
        problems={step: tuple(Mark(**mark) for mark in marks) for step, marks in document.get("problems", {}).items()},
        now=document.get("now", ""),
    )


def _step(found: StepState) -> dict[str, Any]:
    more = {"retries": found.retries, "took": found.took, "due": found.due}
    told = {"state": found.state, "visits": found.visits, "note": found.note}
    return told | {name: value for name, value in more.items() if value}


def delta(before: Overlay, after: Overlay) -> dict[str, Any]:
    """What changed, as plain data: ``steps`` (new values by id; a step that is gone is ``not-reached`` again),
    ``taken`` and ``untaken`` (pairs); ``heat``, ``flows``, ``changes``, ``problems`` and ``now`` whole, where they
    differ; ``live`` where steps that were not reached stand back from now on, or do so no longer. Applying it to
    ``before`` gives ``after``; it is empty where nothing changed."""
    steps = {step: _step(found) for step, found in after.steps.items() if before.steps.get(step) != found}
    steps |= {step: _step(StepState()) for step in before.steps if step not in after.steps}
    changed = {
        "steps": dict(sorted(steps.items())),
        "taken": [list(pair) for pair in sorted(after.taken - before.taken)],
        "untaken": [list(pair) for pair in sorted(before.taken - after.taken)],
    }
    told, former = _more(after), _more(before)
    whole = {name: found for name, found in told.items() if found != former[name]}
    if shows_instance(before) != shows_instance(after):
        whole["live"] = shows_instance(after)
    return {key: value for key, value in changed.items() if value} | whole
