"""What projecting a body is made of: flows with open ends, loops whose targets are not known yet, labels."""

from __future__ import annotations

from dataclasses import dataclass, field

from armillary_engine.definition import model as m

from armillary_renderers.diagram import model as d
from armillary_renderers.project.facts import case_label
from armillary_renderers.project.words import condition

NO_META = m.StepMeta()


@dataclass(slots=True)
class Flow:
    """A projected body: where it begins (``None``: it is empty) and the edges that still lack a target."""

    block: d.Sequence
    entry: str | None
    ends: list[d.Edge]


@dataclass(slots=True)
class OpenLoop:
    """What ``leave`` and ``next`` inside a loop leave behind until their targets are known."""

    leaves: list[d.Edge] = field(default_factory=list)
    nexts: list[d.Edge] = field(default_factory=list)


def leaf(node: str, leaving: str, ends: list[d.Edge]) -> Flow:
    """A flow of one node."""
    return Flow(d.Sequence((d.Leaf(node, leaving),)), node, ends)  # type: ignore[arg-type]


def asked(branch: m.Branch, single: bool, cases: bool) -> str:
    """The label of a decision's branch: ``yes`` for the only one, a constant where all compare one thing."""
    if single:
        return "yes"
    return case_label(branch) if cases else condition(branch.when)


def backward(edge: d.Edge) -> d.EdgeKind:
    """The kind of an edge that goes back to a loop's test."""
    return "next" if edge.kind == "next" else "back"
