"""How long ours and its peers take to lay out the same graphs, in one run: warm, best of the rounds.

    python benchmarks/layout_peers.py --npm FOLDER [--mini-racer FOLDER] [--sizes 100 500 2000] [--rounds 3] [--json]

The usual mix (see layout_definitions), with labels. Ours also places frames, handlers and loops; the others get nodes
and edges with the same sizes, elkjs and dagre the same spacing (see layout_elkjs). What is timed is the layout alone,
of a measured diagram, with its JSON ready in the memory of the engine: no projection, no measuring of text, no drawing.
Times are milliseconds of the processor, so that what else the machine does has little say. Two are different: ``dot``
is a program that is started for each picture, and Mermaid, in headless Chromium, goes from its text to the SVG, by the
clock; beside it stands ours from the definition to the SVG.

FOLDER of ``--npm`` is where ``npm install elkjs @dagrejs/dagre mermaid`` was run; that of ``--mini-racer`` is where
``pip install --target FOLDER mini-racer`` put it, if it is not installed. What cannot be had is left out with a reason.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from armillary_renderers.diagram.model import Diagram
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured import layout
from armillary_renderers.project.from_definition import project
from armillary_renderers.render import render
from armillary_renderers.sizes import measure
from armillary_renderers.text.mermaid import mermaid
from layout import best
from layout_definitions import usual
from layout_elkjs import SPACING, graph

SECONDS = 150
"""For one picture of a peer: then it is given up."""
LARGE = 1000
"""Nodes: ``dot`` gets one round, and Mermaid none, because a page that is busy cannot be given up."""
NODE = """
const folder = process.argv[1] + '/node_modules/';
const { engine, graphs, rounds } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const elk = engine === 'elkjs' && new (require(folder + 'elkjs/lib/elk.bundled.js'))();
const dagre = engine === 'dagre' && require(folder + '@dagrejs/dagre/dist/dagre.cjs');
function prepared(graph) {
  if (elk) return structuredClone(graph);
  const made = new (dagre.graphlib || dagre.default.graphlib).Graph({ multigraph: true });
  made.setGraph({ rankdir: 'TB', nodesep: NODESEP, ranksep: RANKSEP });
  for (const { id, width, height } of graph.children) made.setNode(id, { width, height });
  for (const { id, sources, targets, labels } of graph.edges)
    made.setEdge(sources[0], targets[0], labels.length ? { ...labels[0], labelpos: 'r' } : {}, id);
  return made;
}
(async () => {
  for (const graph of graphs) {
    let best = Infinity;
    for (let round = 0; round <= rounds; round++) {
      const ready = prepared(graph);
      const start = process.cpuUsage();
      if (elk) await elk.layout(ready); else (dagre.layout || dagre.default.layout)(ready);
      const { user, system } = process.cpuUsage(start);
      if (round) best = Math.min(best, (user + system) / 1000);
    }
    console.log(best);
  }
})();
""".replace("NODESEP", str(SPACING["between columns"])).replace("RANKSEP", str(SPACING["between layers"]))
RACER = """
self = window = globalThis;
"""
RACED = """
var out; self.postMessage = message => { out = message; };
onmessage = self.onmessage || onmessage;
onmessage({ data: { id: 0, cmd: 'register', algorithms: ['layered'] } });
function layOut(text) {
  self.onmessage({ data: { id: 1, cmd: 'layout', graph: JSON.parse(text) } });
  if (!out || out.error) throw new Error(JSON.stringify(out));
  return true;
}
"""


def in_node(engine: str, diagrams: list[Diagram], rounds: int, folder: str) -> list[float | str]:
    """elkjs or dagre, one process for all graphs."""
    given = json.dumps({"engine": engine, "graphs": [graph(diagram) for diagram in diagrams], "rounds": rounds})
    command = ["node", "--stack-size=8000", "-e", NODE, folder]
    try:
        run = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return [f"more than {SECONDS} s"] * len(diagrams)
    found: list[float | str] = [float(line) for line in run.stdout.split()]
    failed = run.stderr.strip().splitlines()[4:5] or ["no answer"]
    return found + [f"fails: {failed[0].strip()}"] * (len(diagrams) - len(found))


def in_mini_racer(diagrams: list[Diagram], rounds: int, folder: str, place: str | None) -> list[float | str]:
    """elkjs in V8 within this process."""
    if place is not None:
        sys.path.append(place)
    try:
        from py_mini_racer import MiniRacer
    except ImportError:
        return ["mini-racer is not installed"] * len(diagrams)
    worker = Path(folder, "node_modules/elkjs/lib/elk-worker.min.js").read_text(encoding="utf-8")
    engine = MiniRacer()
    try:
        engine.eval(RACER)
        engine.eval(worker)
        engine.eval(RACED)
        texts = [json.dumps(graph(diagram)) for diagram in diagrams]
        return [best(lambda text=text: engine.call("layOut", text), rounds) for text in texts]  # type: ignore[misc]
    finally:
        engine.close()


def with_dot(diagram: Diagram, rounds: int) -> float | str:
    """The program, started for each picture, with orthogonal edges as ours has them."""
    edges = {edge["id"]: edge for edge in graph(diagram)["edges"]}
    rows = ["digraph {", 'splines=ortho; nodesep=.3; ranksep=.33; node [shape=box fixedsize=true label=""]']
    rows += [f'"{node.id}" [width={node.width / 72:.3f} height={node.height / 72:.3f}]' for node in diagram.nodes]
    for edge in edges.values():
        label = f' [xlabel="{edge["labels"][0]["text"]}"]' if edge["labels"] else ""
        rows.append(f'"{edge["sources"][0]}" -> "{edge["targets"][0]}"{label}')
    text = "\n".join([*rows, "}"])

    command, times = ["dot", "-Tplain"], []
    try:
        for _ in range(rounds if len(diagram.nodes) < LARGE else 1):
            start = os.times()
            subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=SECONDS)
            end = os.times()
            used = end.children_user - start.children_user + end.children_system - start.children_system
            times.append(used * 1000)
        return min(times)
    except subprocess.TimeoutExpired:
        return f"more than {SECONDS} s"
    except subprocess.CalledProcessError as failed:
        return f"fails: exit {failed.returncode}"


def in_chromium(diagrams: list[Diagram], rounds: int, folder: str) -> list[float | str]:
    """Mermaid, from its text to the SVG."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        return ["playwright is not installed"] * len(diagrams)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    found: list[float | str] = []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content("<body></body>")
        page.add_script_tag(path=str(Path(folder, "node_modules/mermaid/dist/mermaid.min.js")))
        page.evaluate("mermaid.initialize({ startOnLoad: false, maxTextSize: 1e7, maxEdges: 1e5 })")
        for index, diagram in enumerate(diagrams):
            if len(diagram.nodes) > LARGE:
                found.append("not measured: too large")
                continue
            timed = """async ([text, index, seconds]) => {
                const start = performance.now();
                const late = new Promise(done => setTimeout(done, seconds * 1000));
                const done = await Promise.race([mermaid.render('m' + index, text), late]);
                return done ? performance.now() - start : null; }"""
            try:
                times = [page.evaluate(timed, [mermaid(diagram), index, SECONDS]) for _ in range(2)]
                found.append(f"more than {SECONDS} s" if None in times else min(times[1:]))
            except Error as failed:
                found.append(f"fails: {str(failed).splitlines()[0][:60]}")
        browser.close()
    return found


def table(sizes: list[int], rounds: int, folder: str, place: str | None) -> list[dict[str, Any]]:
    """A row for each size; a text in place of a time says why there is none."""
    definitions = [usual(steps, 1) for steps in sizes]
    diagrams = [measure(project(definition)) for definition in definitions]
    nothing: list[float | str] = ["not asked for"] * len(sizes)
    many = 10 * rounds
    columns: dict[str, list[float | str]] = {
        "ours": [best(lambda diagram=diagram: layout(diagram, Options()), many) for diagram in diagrams],  # type: ignore[misc]
        "elkjs, node": in_node("elkjs", diagrams, rounds, folder) if folder else nothing,
        "elkjs, mini-racer": in_mini_racer(diagrams, rounds, folder, place) if folder else nothing,
        "dagre": in_node("dagre", diagrams, rounds, folder) if folder else nothing,
        "dot": [with_dot(diagram, rounds) for diagram in diagrams] if shutil.which("dot") else nothing,
        "ours to SVG": [best(lambda known=known: render(known).svg, rounds) for known in definitions],  # type: ignore[misc]
        "Mermaid to SVG": in_chromium(diagrams, rounds, folder) if folder else nothing,
    }
    rows = []
    for index, steps in enumerate(sizes):
        row: dict[str, Any] = {"steps": steps}
        for name, found in columns.items():
            took, ours = found[index], columns["ours to SVG" if name.endswith("SVG") else "ours"][index]
            row[name] = took if isinstance(took, str) else round(took, 1)
            if not name.startswith("ours"):
                row[f"{name} by ours"] = "" if isinstance(took, str) or isinstance(ours, str) else round(took / ours)
        rows.append(row)
    return rows


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npm", default="")
    parser.add_argument("--mini-racer")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = table(options.sizes, options.rounds, options.npm, options.mini_racer)
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(map(str, row.values()))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
