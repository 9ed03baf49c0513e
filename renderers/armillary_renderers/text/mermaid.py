"""Diagram → Mermaid flow chart."""

from __future__ import annotations

from armillary_renderers.diagram.model import Diagram, Edge, Group, Node

_SHAPES: dict[str, tuple[str, str]] = {
    "start": ("((", "))"),
    "end": ("(((", ")))"),
    "decision": ("{", "}"),
    "repeat": ("{", "}"),
    "each": ("{{", "}}"),
    "fork": ("{{", "}}"),
    "join": ("{{", "}}"),
    "catch": ("{", "}"),
    "subworkflow": ("[[", "]]"),
    "timer": ("([", "])"),
    "signal": (">", "]"),
    "complete": ("([", "])"),
    "fail": ("([", "])"),
    "continue_with": ("([", "])"),
}
_DIRECTIONS = {"down": "TD", "right": "LR", "left": "RL"}
_ENTITIES = {ord(c): f"#{ord(c)};" for c in '"#<>&`\\[]{}()|;'}


def mermaid(diagram: Diagram, *, direction: str = "down") -> str:
    """``flowchart`` source. Ids are numbered (``n0``, ``n1``, …), so that no step id is a word of Mermaid's."""
    names = {node.id: f"n{index}" for index, node in enumerate(diagram.nodes)}
    names |= {group.id: f"g{index}" for index, group in enumerate(diagram.groups) if group.id not in names}
    lines = [f"flowchart {_DIRECTIONS[direction]}"]
    lines += [f"  {_node(node, names)}" for node in diagram.nodes]
    frames = [group for group in diagram.groups if names[group.id].startswith("g")]
    for group in frames:
        if not any(group.parent == other.id for other in frames):
            lines += _group(group, frames, names, "  ")
    lines += [f"  {_edge(edge, names)}" for edge in diagram.edges]
    return "\n".join(lines) + "\n"


def _node(node: Node, names: dict[str, str]) -> str:
    before, after = _SHAPES.get(node.kind, ("[", "]"))
    text = _text(node.title) + (f"<br/>{_text(node.subtitle)}" if node.subtitle else "")
    return f'{names[node.id]}{before}"{text}"{after}'


def _group(group: Group, frames: list[Group], names: dict[str, str], margin: str) -> list[str]:
    """A frame, the frames in it, and the nodes that are in none of those."""
    inner = [other for other in frames if other.parent == group.id]
    deeper = {member for other in inner for member in other.members}
    lines = [f'{margin}subgraph {names[group.id]}["{_text(group.title) or " "}"]']
    for other in inner:
        lines += _group(other, frames, names, margin + "  ")
    lines += [f"{margin}  {names[member]}" for member in group.members if member not in deeper]
    return [*lines, f"{margin}end"]


def _edge(edge: Edge, names: dict[str, str]) -> str:
    arrow = "-.->" if edge.kind in ("failure", "compensation") else "-->"
    label = f'|"{_text(edge.label)}"|' if edge.label else ""
    return f"{names[edge.source]} {arrow}{label} {names[edge.target]}"


def _text(text: str) -> str:
    return " ".join(text.split()).translate(_ENTITIES)
