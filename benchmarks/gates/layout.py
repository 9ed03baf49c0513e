"""Gate: drawing is fast, linear, and stays good.

Times are of this process' processor (medians, so that what else the machine does has no say): 200 steps to SVG under
30 ms, 2,000 under 300 ms; 100,000 steps take at most fourteen times as long to lay out as 10,000. On generated
definitions of 100 steps, in the usual mix and in one for stress (see benchmarks/layout_definitions.py): at most .34
bends an edge, of decisions, loops and handlers at most 1.5; no fault and no crossing (in general:
docs/decisions/0019); no edge against the reading direction that is not declared as one. Wrapped to a page, nodes have
at least 15 % of the area, and width and height differ at most threefold. Of the labels in definitions that others
wrote, and of generated titles, at most 2 % end in an ellipsis. Where node and elkjs are at hand (``ELKJS=FOLDER``, see
benchmarks/layout_elkjs.py) ours is at least 100 times faster at 500 and 2,000 steps, needs at most 1.15 times its area
and 1.10 times its edge length.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).parents[1]))

from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured import layout
from armillary_renderers.project.from_definition import project
from armillary_renderers.render import render
from armillary_renderers.sizes import measure
from layout_definitions import generate, usual
from layout_elkjs import row
from layout_labels import cut, generated, natural

SVG_LIMITS = {200: 30.0, 2000: 300.0}
GROWTH = 14.0
BENDS = 0.34
BENDS_OF_KIND = 1.5
CROSSINGS = {usual: 0, generate: 0}
"""In twenty drawings."""
SHARE = 0.15
LABELS_CUT = 0.02
KINDS = {"branch": "decision", "failure": "handler", "compensation": "handler"}
ELKJS = {"times_faster": (100, 1), "area_ratio": (1.15, -1), "length_ratio": (1.10, -1)}
"""Limit, and whether more (1) or less (-1) is better."""


def processor(work: Callable[[], object], rounds: int = 7) -> float:
    """The median of the rounds in milliseconds of this process, after one to warm up."""
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return median(times)


def speed() -> Iterator[bool]:
    """Definition to SVG, and growth."""
    for steps, limit in SVG_LIMITS.items():
        definition = generate(steps, 1)
        took = processor(lambda definition=definition: render(definition).svg)  # type: ignore[misc]
        print(f"{steps:,} steps to SVG: {took:.0f} ms (limit {limit:.0f})")
        yield took <= limit
    small, large = (measure(project(generate(steps, 1))) for steps in (10_000, 100_000))
    growth = processor(lambda: layout(large, Options()), 3) / processor(lambda: layout(small, Options()), 7)
    growth *= 10 * len(small.nodes) / len(large.nodes)
    print(f"100,000 steps take {growth:.1f} times as long to lay out as 10,000 (limit {GROWTH:.0f})")
    yield growth <= GROWTH


def quality() -> Iterator[bool]:
    """Of generated definitions."""
    for mix, most in CROSSINGS.items():
        diagrams = [measure(project(mix(100, seed))) for seed in range(20)]
        drawn = [layout(diagram, Options()) for diagram in diagrams]
        found = [measure_placed(placed) for placed in drawn]
        bends = mean(figures.bends_per_edge for figures in found)
        faults = [fault for figures in found for fault in figures.faults if not fault.startswith("crossings")]
        crossings = sum(figures.crossings for figures in found)
        upward = sum(figures.upward_undeclared for figures in found)
        kinds: dict[str, list[int]] = {}
        for edge in (edge for placed in drawn for edge in placed.edges if edge.kind != "flow"):
            kinds.setdefault(KINDS.get(edge.kind, "loop"), []).append(len(edge.points) - 2)
        worst = {kind: round(mean(counts), 2) for kind, counts in sorted(kinds.items())}
        name = f"100 steps, {mix.__name__}"
        print(f"{name}: {bends:.3f} bends an edge (limit {BENDS}), {worst} (limit {BENDS_OF_KIND})")
        print(f"{name}: {crossings} crossings in all (limit {most}), {len(faults)} other faults, {upward} edges upward")
        yield bends <= BENDS and max(worst.values()) <= BENDS_OF_KIND
        yield crossings <= most and not faults and not upward
    wrapped = [measure_placed(layout(measure(project(usual(100, seed))), Options(wrap=12))) for seed in range(20)]
    share, aspects = mean(figures.node_share for figures in wrapped), [figures.aspect for figures in wrapped]
    print(f"100 steps, wrapped: nodes have {share:.3f} of the area (limit {SHARE})")
    print(f"100 steps, wrapped: width by height {min(aspects)} to {max(aspects)} (limit 1/3 to 3)")
    yield share >= SHARE and min(aspects) >= 1 / 3 and max(aspects) <= 3


def labels() -> Iterator[bool]:
    """Texts that end in an ellipsis."""
    for name, known in (("others' definitions", natural()), ("generated titles", generated())):
        count, short = cut(known)
        print(f"{name}: {len(short)} of {count} labels are cut (limit {LABELS_CUT:.0%})")
        yield len(short) <= LABELS_CUT * count


def beside_elkjs() -> Iterator[bool]:
    """The same graphs, sizes and spacing."""
    folder = os.environ.get("ELKJS", "")
    if not folder or not shutil.which("node"):
        print("beside elkjs: not measured (needs node, and ELKJS=FOLDER in which `npm install elkjs` was run)")
        return
    for steps, seeds in ((500, 4), (2000, 1)):
        found = row(steps, seeds, 2, folder)
        for name, (limit, sign) in ELKJS.items():
            print(f"{steps:,} steps beside elkjs, {name}: {found[name]} (limit {limit})")
            yield (found[name] - limit) * sign >= 0


def main() -> int:
    """Prints what was measured; gives 1 where a limit is missed."""
    return 0 if all([*speed(), *quality(), *labels(), *beside_elkjs()]) else 1


if __name__ == "__main__":
    sys.exit(main())
