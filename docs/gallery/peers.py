"""Draws the gallery's definitions as ELK, Mermaid and Graphviz do, beside ours.

python docs/gallery/peers.py MODULES    MODULES: the node_modules folder after `npm install elkjs mermaid`

Needs Chromium and ``dot``. ELK lays out the nodes and labels in the sizes that we give them, and its coordinates are
drawn by our renderer; Mermaid and Graphviz draw by themselves what ``.mmd`` and ``.dot`` say. Nothing of theirs is in
the pictures but the layout that they made.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from armillary_renderers.diagram.geometry import Box, Point, clean
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.placed import Placed, PlacedEdge, PlacedGroup, PlacedNode
from armillary_renderers.gallery import GALLERY
from armillary_renderers.render import Picture, render
from armillary_renderers.svg.draw import Style, draw
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
FOLDER = HERE / "peers"
OPTIONS = {
    "elk.algorithm": "layered",
    "elk.direction": "DOWN",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.hierarchyHandling": "INCLUDE_CHILDREN",
    "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
    "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
    "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
    "elk.spacing.nodeNode": "36",
    "elk.layered.spacing.nodeNodeBetweenLayers": "36",
    "elk.padding": "[top=20,left=20,bottom=20,right=20]",
    "elk.json.shapeCoords": "ROOT",
    "elk.json.edgeCoords": "ROOT",
}
FRAME = "[top=32,left=16,bottom=16,right=16]"


def elk_graph(diagram: Diagram) -> dict[str, Any]:
    """The diagram as ELK JSON: frames are compound nodes."""
    nodes = {
        node.id: {"id": f"n:{node.id}", "width": node.width, "height": node.height, "children": []}
        for node in diagram.nodes
    }
    frames: dict[str, dict[str, Any]] = {
        group.id: {"id": f"g:{group.id}", "children": [], "layoutOptions": {"elk.padding": FRAME}}
        for group in diagram.groups
    }
    root: dict[str, Any] = {"id": "root", "layoutOptions": OPTIONS, "children": [], "edges": []}
    parent = {group.id: group.parent for group in diagram.groups}
    inside: dict[str, str | None] = {}
    for group in diagram.groups:  # an inner frame comes after the one that it is in
        inside.update(dict.fromkeys(group.members, group.id))

    def put(item: dict[str, Any], frame: str | None) -> None:
        """In the order of the nodes: a frame stands where its first node does."""
        place = root if frame is None else frames[frame]
        if frame is not None and not place["children"]:
            put(place, parent[frame])
        place["children"].append(item)

    for name, node in nodes.items():
        put(node, inside.get(name))
    for index, edge in enumerate(diagram.edges):
        labels = [{"text": edge.label, "width": edge.label_width, "height": edge.label_height}] if edge.label else []
        ends = [f"n:{end}" if end in nodes else f"g:{end}" for end in (edge.source, edge.target)]
        root["edges"].append({"id": f"e{index}", "sources": ends[:1], "targets": ends[1:], "labels": labels})
    return root


def elk_placed(diagram: Diagram, found: dict[str, Any]) -> Placed:
    """What ELK gave, in whole pixels."""
    boxes: dict[str, Box] = {}

    def walk(item: dict[str, Any]) -> None:
        for child in item.get("children", ()):
            boxes[child["id"]] = box(child)
            walk(child)

    walk(found)
    edges = []
    for edge, laid in zip(diagram.edges, sorted(found["edges"], key=lambda one: int(one["id"][1:])), strict=True):
        [section] = laid["sections"]
        corners = [section["startPoint"], *section.get("bendPoints", ()), section["endPoint"]]
        points = clean([(round(corner["x"]), round(corner["y"])) for corner in corners])
        label = box(laid["labels"][0]) if laid["labels"] else None
        edges.append(
            PlacedEdge(edge.id, edge.source, edge.target, edge.kind, edge.back, tuple(map(Point._make, points)), label)
        )
    return Placed(
        width=round(found["width"]),
        height=round(found["height"]),
        direction="down",
        layout="elk",
        nodes=tuple(PlacedNode(node.id, boxes[f"n:{node.id}"]) for node in diagram.nodes),
        edges=tuple(edges),
        groups=tuple(PlacedGroup(group.id, boxes[f"g:{group.id}"], group.members) for group in diagram.groups),
    )


def box(item: dict[str, Any]) -> Box:
    return Box(*(round(item[name]) for name in ("x", "y", "width", "height")))


def elk(page: Page, picture: Picture, name: str) -> str:
    found = page.evaluate("(graph) => new ELK().layout(graph)", elk_graph(picture.diagram))
    return draw(picture.diagram, elk_placed(picture.diagram, found), Style(f"elk-{name}", "light"))


def mermaid(page: Page, picture: Picture, name: str) -> str:
    script = "async ([name, source]) => (await mermaid.render(name, source)).svg"
    drawn = str(page.evaluate(script, [f"mermaid-{name}", picture.mermaid])).replace("<br>", "<br/>")
    drawn = re.sub(r"&amp;(#\d+;)", r"&\1", drawn)  # In texts of SVG it leaves the entities that its source has.
    width, height = (float(number) for number in re.findall(r'viewBox="\S+ \S+ (\S+) (\S+)"', drawn)[0])
    return drawn.replace('width="100%"', f'width="{width:.0f}" height="{height:.0f}"', 1)


def graphviz(page: Page, picture: Picture, name: str) -> str:
    ran = subprocess.run(["dot", "-Tsvg"], input=picture.dot, text=True, capture_output=True, check=True)
    return re.sub(r"^<\?xml.*?<svg", "<svg", ran.stdout, flags=re.DOTALL)


PEERS = {"elk": elk, "mermaid": mermaid, "graphviz": graphviz}


def main(modules: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    path = os.environ.get("ARMILLARY_CHROMIUM") or shutil.which("chromium")
    rows = []
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]).new_page()
        page.add_script_tag(path=modules / "elkjs" / "lib" / "elk.bundled.js")
        page.add_script_tag(path=modules / "mermaid" / "dist" / "mermaid.min.js")
        page.evaluate(
            "() => mermaid.initialize({ startOnLoad: false, htmlLabels: false, flowchart: { htmlLabels: false } })"
        )
        for name, definition in GALLERY.items():
            picture = render(definition, theme="light")
            for peer, drawn in PEERS.items():
                (FOLDER / f"{name}-{peer}.svg").write_text(drawn(page, picture, name).strip() + "\n", encoding="utf-8")
            cells = [f"definitions-{name}.svg", *(f"peers/{name}-{peer}.svg" for peer in PEERS)]
            rows.append("| " + " | ".join(f"![{name}]({cell})" for cell in cells) + " |")
    versions = [
        f"{package} {json.loads((modules / package / 'package.json').read_text())['version']}"
        for package in ("elkjs", "mermaid")
    ]
    dot = subprocess.run(["dot", "-V"], text=True, capture_output=True, check=True).stderr.split()[4]
    (HERE / "peers.md").write_text(
        PAGE.format(versions=", ".join([*versions, f"Graphviz {dot}"]), rows="\n".join(rows))
    )


PAGE = """# The same definitions, drawn by others

Made by `python docs/gallery/peers.py`, with {versions}. ELK placed the nodes in our sizes (its layered algorithm,
orthogonal, in model order), and our renderer drew its coordinates; Mermaid and Graphviz drew the `.mmd` and `.dot` that
`Picture.save` writes. The three are free software (EPL-2.0 or GPL-3.0; MIT; EPL-2.0); of theirs
there is nothing here but the drawings that they made.

| Armillary | ELK | Mermaid | Graphviz |
|---|---|---|---|
{rows}
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
