"""Diagram → DOT, for Graphviz and whatever else reads it."""

from __future__ import annotations

from armillary_renderers.diagram.model import Diagram, Edge

_SHAPES = {
    "start": "circle",
    "end": "doublecircle",
    "decision": "diamond",
    "repeat": "diamond",
    "each": "hexagon",
    "fork": "hexagon",
    "join": "hexagon",
    "catch": "diamond",
    "subworkflow": "component",
    "signal": "cds",
}


def dot(diagram: Diagram, *, direction: str = "down") -> str:
    """``digraph`` source; node names are step ids. An edge of a frame is one of a node in it: of the first, and of the
    last where the flow goes on from a child workflow."""
    rank = {"down": "TB", "right": "LR", "left": "RL"}[direction]
    lines = [
        f"digraph {_quote(diagram.name)} {{",
        f'  rankdir={rank}; node [shape=box, style=rounded, fontname="Helvetica"]',
    ]
    first = {group.id: group.members[0] for group in diagram.groups}
    last = {group.id: group.members[-1] for group in diagram.groups}
    for node in diagram.nodes:
        shape = f", shape={_SHAPES[node.kind]}, style=solid" if node.kind in _SHAPES else ""
        title = node.title + (f"\n{node.subtitle}" if node.subtitle else "")
        lines.append(f"  {_quote(node.id)} [label={_quote(title)}{shape}]")
    known = {node.id for node in diagram.nodes}
    for edge in diagram.edges:
        end = last if edge.kind == "flow" else first
        source = edge.source if edge.source in known else end[edge.source]
        target = edge.target if edge.target in known else first[edge.target]
        lines.append(f"  {_quote(source)} -> {_quote(target)}{_attributes(edge)}")
    return "\n".join([*lines, "}"]) + "\n"


def _attributes(edge: Edge) -> str:
    attributes = [f"label={_quote(edge.label)}"] if edge.label else []
    attributes += ["constraint=false"] if edge.back else []
    attributes += ["style=dashed"] if edge.kind in ("failure", "compensation") else []
    return f" [{', '.join(attributes)}]" if attributes else ""


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
