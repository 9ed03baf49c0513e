"""Diagram → the same diagram with the size of every node and label, from the shipped text metrics."""

from __future__ import annotations

from dataclasses import replace

from armillary_renderers.diagram.model import Diagram, Edge, Node
from armillary_renderers.svg.text_metrics import ELLIPSIS, text_width, wrap

TITLE_SIZE = 13
TITLE_LINE = 17
DETAIL_SIZE = 11
DETAIL_LINE = 15
LABEL_SIZE = 12
LABEL_LINE = 15
LABEL_WIDTHS = (150, 190)
DIAMOND_WIDTHS = (140, 180, 220)
HEXAGON_WIDTHS = (150, 190)
BADGE_HEIGHT = 16
BADGE_PAD = 7
BADGE_GAP = 5
ICON = 26
"""Room for a node's icon and the space after it."""
PAD_X = 12
PAD_Y = 9
WIDTHS = (152, 184, 216)
WIDE = (248, 280)
"""Nodes come in a few widths only, so that columns look calm; in a wide one only where a text would else be cut."""

SMALL = {"start": (24, 24), "end": (24, 24), "catch": (40, 40)}
DIAMONDS = frozenset({"decision", "repeat"})


def measure(diagram: Diagram) -> Diagram:
    """Give every node its size and its wrapped lines, and every edge label its own."""
    return replace(
        diagram,
        nodes=tuple([_node(node) for node in diagram.nodes]),
        edges=tuple(_edge(edge) if edge.label else edge for edge in diagram.edges),
    )


def _edge(edge: Edge) -> Edge:
    lines, _ = _wrapped(edge.label, LABEL_SIZE, LABEL_WIDTHS)
    width = max((text_width(line, LABEL_SIZE) for line in lines), default=0)
    tall = LABEL_LINE * len(lines)
    return Edge(edge.source, edge.target, edge.slot, edge.kind, edge.label, edge.back, lines, width, tall)


def _node(node: Node) -> Node:
    if node.kind in SMALL:
        width, height = SMALL[node.kind]
        return _sized(node, width, height, ())
    if node.kind in DIAMONDS:
        return _diamond(node)
    if node.kind in ("fork", "join"):
        return _hexagon(node)
    return _box(node)


def _diamond(node: Node) -> Node:
    """A text of w × h fits a diamond of 2w × 2h; a little more in height, as the first line is rarely the longest."""
    lines, _ = _wrapped(node.title, TITLE_SIZE, DIAMOND_WIDTHS)
    widest = max((text_width(line, TITLE_SIZE) for line in lines), default=0)
    tall = len(lines) * TITLE_LINE
    height = _even(max(56, tall * 2 + 6))
    width = _even(max(84, widest * height // (height - tall) + 8))
    return _sized(node, width, height, lines)


def _hexagon(node: Node) -> Node:
    lines, _ = _wrapped(node.title, TITLE_SIZE, HEXAGON_WIDTHS)
    widest = max((text_width(line, TITLE_SIZE) for line in lines), default=0)
    height = max(32, _even(TITLE_LINE * len(lines) + 14))
    return _sized(node, _even(max(72, widest + 40)), height, lines)


def _box(node: Node) -> Node:
    rooms = tuple([width - 2 * PAD_X - ICON for width in (WIDTHS[-1], *WIDE)])
    title, room = _wrapped(node.title, TITLE_SIZE, rooms, bold=True)
    details, room = _wrapped(node.subtitle, DETAIL_SIZE, tuple([other for other in rooms if other >= room]))
    for text in node.details:
        details += wrap(text, DETAIL_SIZE, room, most=2)
    widest = max((text_width(line, TITLE_SIZE, True) for line in title), default=0)
    widest = max([widest, *(text_width(line, DETAIL_SIZE) for line in details)])
    rows = badge_rows(node, room)
    widest = max([widest, *(sum(width + BADGE_GAP for _, width in row) - BADGE_GAP for row in rows)])
    needed = widest + 2 * PAD_X + ICON
    width = next((size for size in (*WIDTHS, *WIDE) if size >= needed), WIDE[-1])
    least = 40
    if node.kind in ("leave", "next"):
        width, least = _even(needed), 30
    height = 2 * PAD_Y + TITLE_LINE * len(title) + DETAIL_LINE * len(details) + (BADGE_HEIGHT + 5) * len(rows)
    return _sized(node, width, _even(max(height, least)), title, details)


def _wrapped(text: str, size: int, widths: tuple[int, ...], bold: bool = False) -> tuple[tuple[str, ...], int]:
    """Up to three lines in the first of the widths in which nothing is cut, else in the last; and that width."""
    *narrower, widest = widths
    for width in narrower:
        lines = wrap(text, size, width, bold)
        if not lines or ELLIPSIS not in lines[-1]:
            return lines, width
    return wrap(text, size, widest, bold), widest


def _sized(node: Node, width: int, height: int, title: tuple[str, ...], details: tuple[str, ...] = ()) -> Node:
    return Node(
        node.id, node.kind, node.title, node.step, node.subtitle, node.details, node.badges, node.note,
        width, height, title, details,
    )  # fmt: skip


def badge_rows(node: Node, room: int) -> list[list[tuple[str, int]]]:
    """The badges of a node as rows of (text, width); a text that is too long is shortened."""
    rows: list[list[tuple[str, int]]] = []
    used = room + 1
    for badge in node.badges:
        (text,) = wrap(badge.text, DETAIL_SIZE, room - 2 * BADGE_PAD, most=1) or ("",)
        width = text_width(text, DETAIL_SIZE) + 2 * BADGE_PAD
        if used + width > room:
            rows.append([])
            used = 0
        rows[-1].append((text, width))
        used += width + BADGE_GAP
    return rows


def _even(number: int) -> int:
    return number + number % 2
