"""Diagram → indented text, for terminals and for readers who do not see the picture."""

from __future__ import annotations

from collections.abc import Iterator

from armillary_renderers.diagram import model as d
from armillary_renderers.project.overlay import Overlay
from armillary_renderers.svg.accessibility import KINDS, STATE_WORDS


def outline(diagram: d.Diagram, overlay: Overlay | None = None) -> str:
    """One line a step; what it owns stands below it, further in. With an overlay each line ends in its state."""
    writer = _Writer(diagram, overlay)
    return "\n".join([diagram.title, *writer.body(diagram.root, 1)]) + "\n"


class _Writer:
    def __init__(self, diagram: d.Diagram, overlay: Overlay | None) -> None:
        self.diagram = diagram
        self.overlay = overlay

    def body(self, block: d.Block, depth: int) -> Iterator[str]:
        match block:
            case d.Sequence(items):
                for item in items:
                    yield from self.body(item, depth)
            case d.Leaf(node):
                if self.diagram.node[node].step is not None:
                    yield self.line(node, depth)
            case d.Branching(node, arms):
                yield self.line(node, depth)
                for arm in arms:
                    edge = self.diagram.edge[(node, arm.slot)]
                    rest = list(self.body(arm.body, depth + 2))
                    yield _indent(depth + 1, f"{edge.label or arm.slot}:" + ("" if rest else " go on"))
                    yield from rest
            case d.Loop(node, body, before):
                if before:
                    yield self.line(node, depth)
                    yield from self.body(body, depth + 1)
                else:
                    yield _indent(depth, "repeat")
                    yield from self.body(body, depth + 1)
                    yield self.line(node, depth, "until ")
            case d.Nested(step, body):
                title = next(group.title for group in self.diagram.groups if group.id == step)
                yield _indent(depth, f"{KINDS['subworkflow']}: {title}")
                yield from self.body(body, depth + 1)
            case d.Guard():
                yield from self.guard(block, depth)

    def guard(self, block: d.Guard, depth: int) -> Iterator[str]:
        title = next((group.title for group in self.diagram.groups if group.id == block.group), "")
        yield _indent(depth, " ".join(f"try: {title}".split()) if title.lower() not in ("", "try") else "try")
        yield from self.body(block.body, depth + 1)
        if block.handler is not None:
            label = self.diagram.edge[(block.sources[0], "failure")].label
            yield _indent(depth, f"on {label}:" if label else "on failure:")
            yield from self.body(block.handler, depth + 1)
        if block.compensation is not None:
            yield _indent(depth, "to undo it:")
            yield from self.body(block.compensation, depth + 1)

    def line(self, identity: str, depth: int, prefix: str = "") -> str:
        node = self.diagram.node[identity]
        facts = ", ".join([*filter(None, [node.subtitle]), *(badge.text for badge in node.badges)])
        text = f"{prefix}{KINDS.get(node.kind, node.kind)}: {node.title}" + (f" ({facts})" if facts else "")
        if self.overlay is not None and identity in self.overlay.steps:
            found = self.overlay.steps[identity]
            times = f" ×{found.visits}" if found.visits > 1 else ""
            text += f" [{STATE_WORDS[found.state]}{times}]"
        for mark in self.diagram.problems.get(identity, ()):
            text += f" ! {mark.severity}: {mark.message}"
        return _indent(depth, " ".join(text.split()))


def _indent(depth: int, text: str) -> str:
    return "  " * depth + text
