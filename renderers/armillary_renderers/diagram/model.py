"""A diagram: what is to be drawn, without coordinates.

Nodes, edges and groups are what every layout sees. The block tree says how they nest; a layout that understands
structure recurses over it, any other ignores it.

A node's id is the id of its step. The few nodes that no step owns carry an id with a colon, which no step id can
contain: ``:start``, ``:end``, ``<fork>:join``, ``<try>:catch``. An edge is identified by where it leaves:
``(source, slot)``; a slot (``""``, ``"0"``, ``"otherwise"``, ``"body"``, ``"exit"``, ``"back"``, ``"failure"``, …)
leads to exactly one target.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

FORMAT = "armillary.diagram/1"

EdgeKind = Literal["flow", "branch", "exit", "back", "leave", "next", "failure", "compensation"]
BadgeKind = Literal["roles", "service", "retry", "timeout", "due", "escalation", "parallel", "collect", "check"]


@dataclass(frozen=True, slots=True)
class Badge:
    """A short fact shown on a node: who does it, which service, how often it is tried."""

    kind: BadgeKind
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something wrong with a step."""

    severity: Literal["error", "warning"]
    message: str


@dataclass(frozen=True, slots=True)
class Node:
    """``width``, ``height`` and the wrapped lines are 0 and empty until the diagram has been measured."""

    id: str
    kind: str
    title: str
    step: str | None = None
    """The step this node stands for; ``None`` for the start, the end and other nodes that no step owns."""
    subtitle: str = ""
    details: tuple[str, ...] = ()
    badges: tuple[Badge, ...] = ()
    note: str = ""
    width: int = 0
    height: int = 0
    title_lines: tuple[str, ...] = ()
    detail_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """One control transfer. ``back`` marks the edges that may run against the reading direction."""

    source: str
    target: str
    slot: str = ""
    kind: EdgeKind = "flow"
    label: str = ""
    back: bool = False
    label_lines: tuple[str, ...] = ()
    label_width: int = 0
    label_height: int = 0

    @property
    def id(self) -> str:
        return f"{self.source}/{self.slot}" if self.slot else self.source


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around the nodes of a step that owns bodies. ``members`` are node ids, at any depth."""

    id: str
    kind: str
    title: str
    members: tuple[str, ...]
    parent: str | None = None


# ── the block tree ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Leaf:
    """One node. ``exit`` says where control goes: on to what follows, out of the loop, to its test, or nowhere."""

    node: str
    exit: Literal["on", "leave", "next", "end"] = "on"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Blocks one after the other."""

    items: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way out of a branching: the slot of its edge and what lies on it (an empty sequence: straight to the end)."""

    slot: str
    body: Sequence


@dataclass(frozen=True, slots=True)
class Branching:
    """A gateway and its arms. ``main`` is the index of the arm on the straight line; ``join`` closes a fork."""

    node: str
    arms: tuple[Arm, ...]
    main: int
    join: str | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """``before``: the node tests or takes the next item, then the body; otherwise the body, then the test."""

    node: str
    body: Sequence
    before: bool
    group: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A try. Failures leave from ``sources`` (nodes, or the group's frame) and enter ``handler``."""

    step: str
    body: Sequence
    sources: tuple[str, ...] = ()
    handler: Block | None = None
    compensation: Sequence | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Nested:
    """A child workflow drawn in place, from its start to its ends, in the frame of the step that runs it.

    The frame is the group of that id; control enters and leaves it as it does a node.
    """

    step: str
    body: Sequence


Block = Leaf | Sequence | Branching | Loop | Guard | Nested


@dataclass(frozen=True)
class Diagram:
    """Everything a layout and a drawing need to know."""

    name: str
    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    root: Sequence
    description: str = ""
    problems: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict)
    """By node id: the markers of a definition that has problems, errors first."""

    @cached_property
    def node(self) -> Mapping[str, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def edge(self) -> Mapping[tuple[str, str], Edge]:
        """By source and slot."""
        return {(edge.source, edge.slot): edge for edge in self.edges}

    def to_json(self) -> str:
        """The diagram as deterministic JSON; :func:`from_json` reads it back."""
        from armillary_renderers.diagram.wire import encode

        return json.dumps(encode(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @staticmethod
    def from_json(text: str) -> Diagram:
        from armillary_renderers.diagram.wire import decode

        document: dict[str, Any] = json.loads(text)
        return decode(document)
