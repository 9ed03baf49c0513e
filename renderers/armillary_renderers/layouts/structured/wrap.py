"""Continue a long flow in a further column (a further row, where the flow runs sideways).

A flow may be cut between two steps of its outermost body where nothing but one straight edge passes. That edge then
goes up between the columns, from the side of the last node to the side of the next (two bends); where one of them is no
plain node, under its column or in at the top of the next (a bend more each).
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from math import isqrt

from armillary_renderers.diagram.geometry import Box, clean
from armillary_renderers.layouts.structured.place import Placer
from armillary_renderers.layouts.structured.plans import LeafPlan, SequencePlan

RANK = 74
RANK_SIDEWAYS = 120
"""Pixels along the flow for one rank: a usual step and the gap after it. Sideways a step is wider than that, so
fewer fit in a row, because a page of rows of twelve would be five times as wide as it is high."""
GUTTER = 20
"""Pixels between a column and the edge that goes up beside it."""
OVER = 16
MARGINS = 40
"""Pixels between the end of a column and the edge that goes around it."""


@dataclass(slots=True)
class _Column:
    """Where a column begins and ends along the flow, its extents across it, and how far it is moved."""

    top: int
    bottom: int
    left: int = 0
    right: int = 0
    dx: int = 0


def wrap(placer: Placer, plan: SequencePlan, ranks: int) -> tuple[int, ...]:
    """Move what was placed into columns of about ``ranks`` ranks each; gives where further columns begin."""
    cuts = _cuts(placer, plan, ranks * (RANK_SIDEWAYS if placer.space.swap else RANK))
    if not cuts:
        return ()
    edges = [_crossing(placer, y) for y in cuts]
    columns = _columns(placer, plan, cuts, edges)
    _move(placer, cuts, columns, set(edges))
    for key, before, after in zip(edges, columns, columns[1:], strict=False):
        _around(placer, plan, key, before, after)
    return tuple(column.left + column.dx - GUTTER // 2 for column in columns[1:])


def _cuts(placer: Placer, plan: SequencePlan, height: int) -> list[int]:
    """y of the middle of the gaps to cut at: of a few ways to fill columns, the one with the smallest picture.

    A picture becomes neither more than three times as wide as it is high nor the other way round, where cuts allow.
    """
    if plan.height <= height * 5 // 4:
        return []
    half = placer.space.gap // 2
    gaps = [top - half for top in plan.tops[1:]]
    clear = [index for index, count in enumerate(_passing(placer, gaps), 1) if count == 1]
    pieces = _pieces(plan, clear)
    width = sum((left + right) * high for left, right, high in pieces) // max(1, plan.height) + 2 * GUTTER
    fewest, most = isqrt((plan.height - 1) // (3 * width)) + 1, isqrt(3 * plan.height // width)
    parts = max(fewest, min(-(-plan.height // height), most))
    best: tuple[bool, int, int, list[int]] | None = None
    for count in sorted({max(2, parts * share // 6) for share in (2, 3, 4, 5, 6, 7)}):
        for more in (0, 4, 8, 14):
            cuts, across, along = _fill(pieces, plan.height * (100 + more) // (100 * count), placer.space.gap)
            across, along = across + MARGINS, along + MARGINS
            long = -(-max(0, along - height * 3 // 2) // (height // 2))
            found = (not (along <= 3 * across <= 9 * along), long, across * along, cuts)
            if best is None or found < best:
                best = found
    return [] if best is None else [plan.tops[clear[cut]] - half for cut in best[3]]


def _pieces(plan: SequencePlan, clear: list[int]) -> list[tuple[int, int, int]]:
    """What stays together: its extents to the left and right of the axis, and its height."""
    pieces = []
    for first, after in zip([0, *clear], [*clear, len(plan.items)], strict=True):
        items = plan.items[first:after]
        high = plan.tops[after - 1] + items[-1].height - plan.tops[first]
        pieces.append((max(item.left for item in items), max(item.right for item in items), high))
    return pieces


def _fill(pieces: list[tuple[int, int, int]], limit: int, gap: int) -> tuple[list[int], int, int]:
    """Fill columns one after the other: the indices of the gaps that were cut, and the width and height of all."""
    cuts: list[int] = []
    across = along = left = right = high = 0
    for index, (before, after, piece) in enumerate(pieces):
        if high and high + gap + piece > limit:
            cuts.append(index - 1)
            across, along = across + left + right + 2 * GUTTER, max(along, high)
            left = right = high = 0
        left, right, high = max(left, before), max(right, after), high + piece + (gap if high else 0)
    return cuts, across + left + right, max(along, high)


def _passing(placer: Placer, gaps: list[int]) -> list[int]:
    """How many edges pass each gap; an edge that is not straight counts as many."""
    steps = [0] * (len(gaps) + 1)
    for points in placer.routes.points.values():
        ys = [y for _, y in points]
        first, last = bisect(gaps, min(ys)), bisect(gaps, max(ys))
        weight = 1 if len(points) == 2 else 2
        steps[first] += weight
        steps[last] -= weight
    counts = []
    running = 0
    for step in steps[:-1]:
        running += step
        counts.append(running)
    return counts


def _crossing(placer: Placer, y: int) -> tuple[str, str]:
    return next(key for key, points in placer.routes.points.items() if points[0][1] < y < points[-1][1])


def _columns(placer: Placer, plan: SequencePlan, cuts: list[int], edges: list[tuple[str, str]]) -> list[_Column]:
    half = placer.space.gap // 2
    tops = [0, *(cut + half for cut in cuts)]
    bottoms = [*(_bottom_before(plan, cut) for cut in cuts), plan.height]
    columns = [_Column(top, bottom) for top, bottom in zip(tops, bottoms, strict=True)]
    cut_edges = set(edges)
    spans = [
        (box.x, box.right, box.y)
        for boxes in (placer.boxes, placer.frames, placer.routes.labels)
        for box in boxes.values()
    ]
    for key, points in placer.routes.points.items():
        if key not in cut_edges:
            spans += [(x, x, y) for x, y in points]
    for left, right, y in spans:
        column = columns[bisect(cuts, y)]
        column.left, column.right = min(column.left, left), max(column.right, right)
    edge = columns[0].right
    for column in columns[1:]:
        column.dx = edge + 2 * GUTTER - column.left
        edge = column.right + column.dx
    return columns


def _bottom_before(plan: SequencePlan, cut: int) -> int:
    last = bisect(plan.tops, cut) - 1
    return plan.tops[last] + plan.items[last].height


def _move(placer: Placer, cuts: list[int], columns: list[_Column], cut_edges: set[tuple[str, str]]) -> None:
    def offset(y: int) -> tuple[int, int]:
        column = columns[bisect(cuts, y)]
        return column.dx, -column.top

    def moved(box: Box) -> Box:
        dx, dy = offset(box.y)
        return Box(box.x + dx, box.y + dy, box.width, box.height)

    placer.boxes = {key: moved(box) for key, box in placer.boxes.items()}
    placer.frames = {key: moved(box) for key, box in placer.frames.items()}
    placer.routes.labels = {key: moved(box) for key, box in placer.routes.labels.items()}
    for key, points in placer.routes.points.items():
        if key not in cut_edges:
            dx, dy = offset(points[0][1])
            placer.routes.points[key] = tuple([(x + dx, y + dy) for x, y in points])


def _around(placer: Placer, plan: SequencePlan, key: tuple[str, str], before: _Column, after: _Column) -> None:
    """From the end of a column to the beginning of the next: from side to side where plain nodes stand there."""
    (start_x, start_y), (stop_x, stop_y) = placer.routes.points[key]
    index = bisect(plan.tops, start_y) - 1
    last, first = plan.items[index], plan.items[index + 1]
    lane = before.right + before.dx + GUTTER
    x, under, axis = start_x + before.dx, before.bottom - before.top + OVER, stop_x + after.dx
    points = [(x, start_y - before.top), (x, under), (lane, under)]
    if isinstance(last, LeafPlan) and (last.node, 1) not in placer.routes.entered:
        box = placer.boxes[last.node]
        points = [(box.right, box.center.y), (lane, box.center.y)]
    if isinstance(first, LeafPlan):
        box = placer.boxes[first.node]
        points += [(lane, box.center.y), (box.x, box.center.y)]
    else:
        points += [(lane, -OVER), (axis, -OVER), (axis, stop_y - after.top)]
    placer.routes.points[key] = clean(points)
