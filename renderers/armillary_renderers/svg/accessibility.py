"""What a screen reader says of a picture and of each node."""

from __future__ import annotations

from armillary_renderers.diagram.model import Diagram, Mark, Node

KINDS: dict[str, str] = {
    "start": "start",
    "end": "end",
    "set": "assignment",
    "reference": "business reference",
    "call": "service call",
    "task": "human task",
    "decision": "decision",
    "repeat": "loop",
    "each": "loop over items",
    "fork": "parallel branches",
    "join": "join",
    "timer": "timer",
    "signal": "signal",
    "subworkflow": "subworkflow",
    "collapsed": "collapsed steps",
    "continue_with": "continue with",
    "try": "try",
    "catch": "choice by failure",
    "leave": "leave loop",
    "next": "next turn",
    "complete": "end, completed",
    "fail": "end, failed",
}
STATE_WORDS: dict[str, str] = {
    "not-reached": "not reached",
    "running": "running",
    "waiting": "waiting",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}


def node_label(node: Node, problems: tuple[Mark, ...] = ()) -> str:
    """``service call: Quote, rating / quote, 3 attempts``; the state follows it, after a comma."""
    kind = KINDS.get(node.kind, node.kind)
    parts = [f"{kind}: {node.title}" if node.title.lower() != kind else node.title]
    parts += [node.subtitle] if node.subtitle else []
    parts += [badge.text for badge in node.badges]
    parts += [f"{mark.severity}: {mark.message}" for mark in problems]
    return ", ".join(parts)


def description(diagram: Diagram) -> str:
    """What the picture is, in a sentence or two."""
    steps = sum(1 for node in diagram.nodes if node.step is not None)
    tasks = sum(1 for node in diagram.nodes if node.kind == "task")
    counted = f"A workflow of {steps} {'step' if steps == 1 else 'steps'}"
    if tasks:
        counted += f", {tasks} of them human {'task' if tasks == 1 else 'tasks'}"
    return f"{counted}. {diagram.description}".strip()
