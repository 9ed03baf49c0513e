"""How long drawing takes, and how good the drawings are, on generated definitions.

    python benchmarks/layout.py [--sizes 100 500 2000] [--rounds 5] [--seeds 20] [--json]

Times are the best of the rounds, in milliseconds, in this process, warm; quality is the mean over the seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured import layout
from armillary_renderers.project.from_definition import project
from armillary_renderers.render import render
from armillary_renderers.sizes import measure
from layout_definitions import generate, usual


def best(work: Callable[[], object], rounds: int) -> float:
    """Milliseconds of the processor that the fastest round took, after one to warm up."""
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return round(min(times) * 1000, 2)


def speed(steps: int, rounds: int) -> dict[str, Any]:
    """A row of times."""
    definition = generate(steps, 1)
    diagram = project(definition)
    measured = measure(diagram)
    return {
        "steps": steps,
        "nodes": len(diagram.nodes),
        "edges": len(diagram.edges),
        "project_ms": best(lambda: project(definition), rounds),
        "measure_ms": best(lambda: measure(diagram), rounds),
        "layout_ms": best(lambda: layout(measured, Options()), rounds),
        "definition_to_svg_ms": best(lambda: render(definition).svg, rounds),
        "svg_bytes": len(render(definition).svg.encode()),
    }


def quality(steps: int, seeds: int) -> dict[str, Any]:
    """A row of figures of the drawings."""
    diagrams = [measure(project(usual(steps, seed))) for seed in range(seeds)]
    found = [measure_placed(layout(diagram, Options())) for diagram in diagrams]
    wrapped = [measure_placed(layout(diagram, Options(wrap=12))) for diagram in diagrams]
    return {
        "steps": steps,
        "drawings": seeds,
        "faults": sum(len(figures.faults) for figures in found),
        "crossings": sum(figures.crossings for figures in found),
        "bends_per_edge": round(mean(figures.bends_per_edge for figures in found), 3),
        "worst_bends_per_edge": max(figures.bends_per_edge for figures in found),
        "node_share": round(mean(figures.node_share for figures in found), 3),
        "node_share_wrapped": round(mean(figures.node_share for figures in wrapped), 3),
        "upward_undeclared": sum(figures.upward_undeclared for figures in found),
    }


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 200, 500, 2000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tables = {
        "speed": [speed(steps, options.rounds) for steps in options.sizes],
        "quality": [quality(steps, options.seeds) for steps in options.sizes if steps <= 500],
    }
    if options.json:
        print(json.dumps(tables, indent=1))
        return 0
    for name, rows in tables.items():
        print(f"\n{name}\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
        for row in rows:
            print(f"| {' | '.join(map(str, row.values()))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
