"""Overlays that are not one instance's state: counts of many, a definition's problems, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from armillary_engine.definition.problems import Problem

from armillary_renderers.diagram.model import Mark
from armillary_renderers.project.overlay import CHANGES, Change, Overlay, StepState, iso_duration
from armillary_renderers.project.words import duration

LEVELS = 5


def heat_map(counts: Mapping[str, int], flows: Mapping[tuple[str, str], int] | None = None) -> Overlay:
    """How often steps were entered, or edges (source, target) taken, over many instances: a heat map of five levels."""
    return Overlay(heat=dict(counts), flows=dict(flows or {}))


def merged(overlays: Iterable[Overlay]) -> Overlay:
    """The heat map of many instances' overlays: their visits summed, and how many of them took each edge."""
    counts: dict[str, int] = {}
    flows: dict[tuple[str, str], int] = {}
    for overlay in overlays:
        for step, found in overlay.steps.items():
            counts[step] = counts.get(step, 0) + found.visits
        for pair in overlay.taken:
            flows[pair] = flows.get(pair, 0) + 1
    return heat_map(counts, flows)


def level(count: int, most: int) -> int:
    """0 for nothing, else 1 to 5: the count as a share of the largest."""
    return 0 if count <= 0 else min(LEVELS, -(-count * LEVELS // max(1, most)))


def diagnostics(problems: Iterable[Problem], over: Overlay | None = None) -> Overlay:
    """``over`` (or nothing) with a marker on each step that has a problem, errors first; remarks are passed over.

    A problem without a step is shown at the start.
    """
    marks: dict[str, list[Mark]] = {}
    for problem in problems:
        if problem.severity != "info":
            marks.setdefault(problem.step or ":start", []).append(Mark(problem.severity, problem.message))
    sorted_ = {step: tuple(sorted(found, key=lambda mark: mark.severity)) for step, found in marks.items()}
    return replace(over or Overlay(), problems=sorted_)


def difference(changes: Iterable[Mapping[str, Any]], side: Literal["before", "after"] = "after") -> Overlay:
    """What changed between two definitions, over the picture of the newer (``after``) or of the older (``before``) one.

    Changes are plain mappings with ``kind`` (``added``, ``removed``, ``changed``, ``moved``, ``renamed``; others are
    passed over) and ``step``, the id in the newer definition (in the older where it was removed), and for ``renamed``
    ``before``, the former id. What was removed is in the older picture only, what was added in the newer one only. A
    step with several changes shows the one that is first in that list.
    """
    rows = [(row["kind"], str(row["step"]), row.get("before")) for row in changes if row.get("step") is not None]
    former = {step: str(old) for kind, step, old in rows if kind == "renamed"}
    absent = "removed" if side == "after" else "added"
    found: dict[str, Change] = {}
    for kind in CHANGES:
        for told, step, _ in rows:
            if told == kind and kind != absent:
                found.setdefault(step if side == "after" else former.get(step, step), kind)
    return Overlay(changes=found)


SIGNS: Mapping[Change, str] = {"added": "+", "removed": "−", "changed": "~", "moved": "↕", "renamed": "="}


def retry_words(found: StepState) -> str:
    """``1 retry``, ``2 retries``; empty for none."""
    return f"{found.retries} {'retry' if found.retries == 1 else 'retries'}" if found.retries else ""


def clock_words(found: StepState, now: str) -> str:
    """How long it took, or what is left until it is due."""
    parts = [duration(found.took)] if found.took else []
    parts += [countdown(found.due, now)] if found.due else []
    return " · ".join(parts)


def countdown(due: str, now: str) -> str:
    """``1 d 2 h left``, ``3 min late``; without ``now`` the moment itself."""
    if not now:
        return f"due {due[:16].replace('T', ' ')}"
    seconds = int((datetime.fromisoformat(due) - datetime.fromisoformat(now)).total_seconds())
    return f"{duration(iso_duration(abs(seconds)))} {'left' if seconds >= 0 else 'late'}"
