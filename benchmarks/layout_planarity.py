"""How many crossings a definition cannot be drawn without, and how many ``structured`` draws.

    python benchmarks/layout_planarity.py [--steps 100 500] [--seeds 20] [--jumps 0.15]

A frame holds the nodes of its loop and no other, and an edge passes its border at most once. So every crossing lies
directly in one loop, and what is needed can be counted loop by loop: its nodes, its inner loops as a node each, all
that is outside as one more. At least as many crossings are needed as edges must be taken away until that graph is
planar (its skewness); planarity is networkx's (Brandes, "The left-right planarity test", 2009). Failure edges that
leave from the frame of a try are left out, which makes the bound lower, never higher.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import networkx

sys.path.insert(0, str(Path(__file__).parent))

import layout_definitions
from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.diagram.model import Diagram, Group
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured import layout
from armillary_renderers.project.from_definition import project
from armillary_renderers.sizes import measure

OUTSIDE = ":outside"
LOOPS = ("repeat", "each")


def needed(diagram: Diagram, most: int = 3) -> int:
    """A lower bound of the crossings of any drawing; no loop is searched for more than ``most``."""
    return sum(skewness(graph, most) for graph in loops(diagram))


def loops(diagram: Diagram) -> Iterator[networkx.Graph]:
    """The graph of each loop."""
    frames = [group for group in diagram.groups if group.kind in LOOPS]
    members = {frame.id: frozenset(frame.members) for frame in frames}
    for frame in frames:
        place = dict.fromkeys(members[frame.id], "")
        for inner in frames:  # outer ones come first, so the innermost that is directly inside stays
            if inner is not frame and members[inner.id] < members[frame.id] and _directly(inner, frame, frames):
                place |= dict.fromkeys(members[inner.id], f"{inner.id}:frame")
        graph = networkx.Graph()
        for edge in diagram.edges:
            ends = [place.get(end, OUTSIDE) or end for end in (edge.source, edge.target)]
            if edge.source in diagram.node and ends[0] != ends[1]:
                graph.add_edge(*ends)
        yield graph


def _directly(inner: Group, outer: Group, frames: list[Group]) -> bool:
    between = (frame for frame in frames if frame is not inner and frame is not outer)
    held = set(inner.members)
    return not any(held < set(frame.members) and set(frame.members) < set(outer.members) for frame in between)


def skewness(graph: networkx.Graph, most: int) -> int:
    """How many edges must be taken away at least, or ``most`` if fewer do not suffice."""
    if networkx.check_planarity(graph)[0]:
        return 0
    for count in range(1, most):
        for taken in combinations(sorted(graph.edges), count):
            left = graph.copy()
            left.remove_edges_from(taken)
            if networkx.check_planarity(left)[0]:
                return count
    return most


@dataclass(slots=True)
class Found:
    """Of many drawings: how many have a crossing, the crossings, and those that are not known to be needed."""

    drawings: int = 0
    crossed: int = 0
    crossings: int = 0
    avoidable: int = 0


def drawn(steps: int, seeds: int, mix: str = "generate") -> Found:
    """The crossings of generated definitions."""
    found = Found()
    for seed in range(seeds):
        diagram = measure(project(getattr(layout_definitions, mix)(steps, seed)))
        crossings = measure_placed(layout(diagram, Options())).crossings
        found.drawings += 1
        if crossings:
            found.crossed += 1
            found.crossings += crossings
            found.avoidable += max(0, crossings - needed(diagram, min(3, crossings)))
    return found


def main() -> int:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jumps", type=float, default=layout_definitions.JUMP)
    options = parser.parse_args()
    layout_definitions.JUMP = options.jumps
    for steps in options.steps:
        for mix in ("usual", "generate"):
            print(steps, mix, drawn(steps, options.seeds, mix))
    return 0


if __name__ == "__main__":
    sys.exit(main())
