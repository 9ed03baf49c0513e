"""The same graphs, node sizes and spacing, laid out by ours and by elkjs: time, area, edge length, bends, crossings.

    python benchmarks/layout_elkjs.py --elkjs FOLDER [--sizes 100 500] [--seeds 5] [--rounds 3] [--json]

FOLDER is where ``npm install elkjs`` was run (or the environment's ``ELKJS``); elkjs runs in the ``node`` on the path,
in one process for all graphs, so that it is warm. Times are with labels on both sides, the rest is without; elkjs is
not given the frames. ``node_share``: the nodes' part of the picture's area; *wrapped*: ours to a page, elkjs by its
multi-edge wrapping to 16:10.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured import layout
from armillary_renderers.project.from_definition import project
from armillary_renderers.sizes import measure
from layout import best
from layout_definitions import usual

SPACING = {"between layers": 24, "between columns": 22, "lanes": 14}
"""Ours, see layouts/structured/plans."""
RUNNER = """
const ELK = require(process.argv[1] + '/node_modules/elkjs/lib/elk.bundled.js');
const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const elk = new ELK();
(async () => {
  const out = [];
  for (const { graph, rounds } of jobs) {
    const times = [];
    let placed;
    for (let i = 0; i < rounds; i++) {
      const copy = structuredClone(graph);
      const start = process.cpuUsage();
      placed = await elk.layout(copy);
      const { user, system } = process.cpuUsage(start);
      times.push((user + system) / 1000);
    }
    out.push({ times, placed });
  }
  process.stdout.write(JSON.stringify(out));
})();
"""
OPTIONS = {
    "elk.algorithm": "layered",
    "elk.direction": "DOWN",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.layered.cycleBreaking.strategy": "DEPTH_FIRST",
    "elk.layered.spacing.nodeNodeBetweenLayers": SPACING["between layers"],
    "elk.spacing.nodeNode": SPACING["between columns"],
    "elk.spacing.edgeNode": SPACING["lanes"],
    "elk.layered.spacing.edgeNodeBetweenLayers": SPACING["lanes"],
    "elk.spacing.edgeEdge": 10,
    "elk.padding": "[top=20,left=20,bottom=20,right=20]",
}

WRAPPED = {"elk.layered.wrapping.strategy": "MULTI_EDGE", "elk.aspectRatio": "1.6"}


def bare(diagram: Diagram) -> Diagram:
    """A measured diagram without labels."""
    plain = [replace(edge, label="", label_lines=(), label_width=0, label_height=0) for edge in diagram.edges]
    return replace(diagram, edges=tuple(plain))


def graph(diagram: Diagram) -> dict[str, Any]:
    """The same as ELK's JSON. An edge that leaves a frame leaves from the first node in it."""
    first = {group.id: group.members[0] for group in diagram.groups}
    known = {node.id for node in diagram.nodes}
    return {
        "id": "root",
        "layoutOptions": {key: str(value) for key, value in OPTIONS.items()},
        "children": [{"id": node.id, "width": node.width, "height": node.height} for node in diagram.nodes],
        "edges": [
            {
                "id": f"e{index}",
                "sources": [edge.source if edge.source in known else first[edge.source]],
                "targets": [edge.target],
                "labels": [{"text": edge.label, "width": edge.label_width, "height": edge.label_height}]
                if edge.label_width
                else [],
            }
            for index, edge in enumerate(diagram.edges)
        ],
    }


def elkjs(jobs: list[dict[str, Any]], folder: str) -> list[dict[str, Any]]:
    """What elkjs makes of each graph, and its times in milliseconds of the processor."""
    run = subprocess.run(
        ["node", "-e", RUNNER, folder], input=json.dumps(jobs), capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(run.stdout)
    return found


def figures(placed: dict[str, Any]) -> dict[str, float]:
    """Area, edge length and bends of a graph that elkjs placed."""
    length = bends = 0.0
    for edge in placed["edges"]:
        for section in edge["sections"]:
            points = [section["startPoint"], *section.get("bendPoints", ()), section["endPoint"]]
            length += sum(abs(a["x"] - b["x"]) + abs(a["y"] - b["y"]) for a, b in pairwise(points))
            bends += len(points) - 2
    return {"area": placed["width"] * placed["height"], "length": length, "bends": bends / len(placed["edges"])}


def row(steps: int, seeds: int, rounds: int, folder: str) -> dict[str, Any]:
    """Ours against elkjs at one size: sums over the seeds, medians of the ratios of time."""
    labelled = [measure(project(usual(steps, seed))) for seed in range(seeds)]
    jobs = [{"graph": graph(diagram), "rounds": rounds + 1} for diagram in labelled]
    plain = [graph(bare(diagram)) for diagram in labelled]
    jobs += [{"graph": made, "rounds": 1} for made in plain]
    jobs += [{"graph": made | {"layoutOptions": made["layoutOptions"] | WRAPPED}, "rounds": 1} for made in plain]
    theirs = elkjs(jobs, folder)
    mine = {"area": 0.0, "length": 0.0, "bends": 0.0, "wrapped": 0.0, "nodes": 0.0}
    other = {"area": 0.0, "length": 0.0, "bends": 0.0}
    ratios, times, elk_times = [], [], []
    for diagram, timed, found in zip(labelled, theirs[:seeds], theirs[seeds : 2 * seeds], strict=True):
        times.append(best(lambda diagram=diagram: layout(diagram, Options()), 5 * rounds))  # type: ignore[misc]
        elk_times.append(min(timed["times"][1:]))
        ratios.append(elk_times[-1] / times[-1])
        ours = measure_placed(layout(bare(diagram), Options()))
        mine["area"] += ours.area
        mine["nodes"] += ours.area * ours.node_share
        mine["wrapped"] += measure_placed(layout(bare(diagram), Options(wrap=12))).area
        mine["length"] += ours.edge_length
        mine["bends"] += ours.bends_per_edge
        for key, value in figures(found["placed"]).items():
            other[key] += value
    wrapped = sum(figures(found["placed"])["area"] for found in theirs[2 * seeds :])
    return {
        "steps": steps,
        "graphs": seeds,
        "ours_ms": round(median(times), 2),
        "elkjs_ms": round(median(elk_times), 1),
        "times_faster": round(median(ratios)),
        "area_ratio": round(mine["area"] / other["area"], 2),
        "area_ratio_wrapped": round(mine["wrapped"] / other["area"], 2),
        "length_ratio": round(mine["length"] / other["length"], 2),
        "node_share": round(mine["nodes"] / mine["area"], 3),
        "elkjs_node_share": round(mine["nodes"] / other["area"], 3),
        "node_share_wrapped": round(mine["nodes"] / mine["wrapped"], 3),
        "elkjs_node_share_wrapped": round(mine["nodes"] / wrapped, 3),
        "bends": round(mine["bends"] / seeds, 2),
        "elkjs_bends": round(other["bends"] / seeds, 2),
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--elkjs", default=os.environ.get("ELKJS"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.elkjs or not (Path(options.elkjs) / "node_modules" / "elkjs").is_dir() or not shutil.which("node"):
        print("needs node and a folder in which `npm install elkjs` was run: --elkjs FOLDER", file=sys.stderr)
        return 2
    rows = [row(steps, options.seeds, options.rounds, options.elkjs) for steps in options.sizes]
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for found in rows:
        print(f"| {' | '.join(map(str, found.values()))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
