"""A placed diagram: integer coordinates, and nothing left to decide for whoever draws it.

It sits between layout and drawing, so pictures, widgets and tests never see which layout made it. The unit is the
CSS pixel; y grows downward; a box is given by its top left corner.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from armillary_renderers.diagram.geometry import Box, Route

FORMAT = "armillary.placed/1"
_ROWS = ("nodes", "edges", "groups")
Direction = Literal["down", "right", "left"]


class PlacedNode(NamedTuple):
    """A node and its box."""

    id: str
    box: Box


class PlacedEdge(NamedTuple):
    """``points`` run from the border of the source to the border of the target; segments are axis-parallel."""

    id: str
    source: str
    target: str
    kind: str
    back: bool
    points: Route
    label: Box | None = None


class PlacedGroup(NamedTuple):
    """A frame and the ids of the nodes inside it."""

    id: str
    box: Box
    members: tuple[str, ...]


@dataclass(frozen=True)
class Placed:
    """The whole picture: its size, and everything in the order of the diagram."""

    width: int
    height: int
    direction: Direction
    layout: str
    nodes: tuple[PlacedNode, ...]
    edges: tuple[PlacedEdge, ...]
    groups: tuple[PlacedGroup, ...]
    columns: tuple[int, ...] = ()
    """Where a wrapped flow goes on: x of each further column, or y of each further row of a flow that runs sideways."""

    @cached_property
    def node(self) -> dict[str, PlacedNode]:
        return {node.id: node for node in self.nodes}

    def to_json(self) -> str:
        """Deterministic: the same placed diagram gives the same bytes, always."""
        document = {
            "format": FORMAT,
            "width": self.width,
            "height": self.height,
            "direction": self.direction,
            "layout": self.layout,
            "columns": list(self.columns),
            "nodes": [{"id": node.id, "box": node.box} for node in self.nodes],
            "edges": [_edge_document(edge) for edge in self.edges],
            "groups": [{"id": group.id, "box": group.box, "members": group.members} for group in self.groups],
        }
        head = {key: value for key, value in document.items() if key not in _ROWS}
        lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
        lines += [f" {json.dumps(key)}: {_rows(document[key])}" for key in _ROWS]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @staticmethod
    def from_json(text: str) -> Placed:
        document: dict[str, Any] = json.loads(text)
        return Placed(
            width=document["width"],
            height=document["height"],
            direction=document["direction"],
            layout=document["layout"],
            columns=tuple(document["columns"]),
            nodes=tuple(PlacedNode(row["id"], Box(*row["box"])) for row in document["nodes"]),
            edges=tuple(_edge_from(row) for row in document["edges"]),
            groups=tuple(PlacedGroup(row["id"], Box(*row["box"]), tuple(row["members"])) for row in document["groups"]),
        )


def _rows(rows: Any) -> str:
    """One row a line: a golden's difference shows what moved."""
    if not rows:
        return "[]"
    return "[\n" + ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows) + "\n ]"


def _edge_document(edge: PlacedEdge) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": edge.id,
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "back": edge.back,
        "points": edge.points,
    }
    if edge.label is not None:
        row["label"] = edge.label
    return row


def _edge_from(row: dict[str, Any]) -> PlacedEdge:
    return PlacedEdge(
        id=row["id"],
        source=row["source"],
        target=row["target"],
        kind=row["kind"],
        back=row["back"],
        points=tuple((x, y) for x, y in row["points"]),
        label=Box(*row["label"]) if "label" in row else None,
    )
