"""Outlines and icons by kind. Icons are 16 × 16, strokes only; all are our own drawings."""

from __future__ import annotations

from armillary_renderers.diagram.geometry import Box
from armillary_renderers.svg.elements import Xml, element

ICONS: dict[str, str] = {
    "call": "M2 8H11M7.5 4L11.5 8L7.5 12M14 3V13",
    "task": "M8 7.5A2.75 2.75 0 1 0 8 2A2.75 2.75 0 0 0 8 7.5ZM2.5 14C2.5 11.2 4.6 9.7 8 9.7S13.5 11.2 13.5 14",
    "set": "M3 4.5H13M3 8H13M3 11.5H9",
    "reference": "M6.5 2L5 14M11 2L9.5 14M2.5 5.5H13.5M2 10.5H13",
    "timer": "M8 2A6 6 0 1 0 8 14A6 6 0 1 0 8 2ZM8 4.8V8L10.2 9.8",
    "signal": "M2 3.5H14V12.5H2ZM2 4L8 8.8L14 4",
    "subworkflow": "M2 3H14V13H2ZM8 5.5V10.5M5.5 8H10.5",
    "collapsed": "M2 3H14V13H2ZM8 5.5V10.5M5.5 8H10.5",
    "continue_with": "M2 3V13M2 8H12M8.5 4.2L12.4 8L8.5 11.8",
    "complete": "M8 2A6 6 0 1 0 8 14A6 6 0 1 0 8 2ZM5.2 8.2L7.2 10.2L10.9 6",
    "fail": "M8 2A6 6 0 1 0 8 14A6 6 0 1 0 8 2ZM5.7 5.7L10.3 10.3M10.3 5.7L5.7 10.3",
    "each": "M5 2H14V11H5ZM2 5V14H11",
    "repeat": "M13.5 8A5.5 5.5 0 1 1 11.5 3.8M11.8 .8V4.2H8.4",
    "leave": "M8.5 2.5H3V13.5H8.5M6.5 8H13.5M10.5 4.8L13.7 8L10.5 11.2",
    "next": "M13 13.5V7A4.5 4.5 0 0 0 4 7V10M1.2 7.2L4 10.4L6.8 7.2",
    "catch": "M9.5 1.5L4 9H7.7L6.5 14.5L12 7H8.3Z",
}
"""Kinds without an icon are told by their outline alone."""

STATE_ICONS: dict[str, str] = {
    "running": "M2 1L8 5L2 9Z",
    "waiting": "M2.8 1V9M7.2 1V9",
    "done": "M1 5L4 8.2L9 1.8",
    "failed": "M1.5 1.5L8.5 8.5M8.5 1.5L1.5 8.5",
    "cancelled": "M1.2 5A3.8 3.8 0 1 0 8.8 5A3.8 3.8 0 1 0 1.2 5ZM2.4 2.4L7.6 7.6",
}


def outline(kind: str, box: Box) -> Xml:
    """The shape of a node: a diamond decides, a hexagon forks and joins, a circle begins, ends or catches."""
    match kind:
        case "decision" | "repeat":
            return _path(_diamond(box))
        case "fork" | "join":
            return _path(_pointed(box, 12))
        case "start" | "end" | "catch":
            x, y = box.center
            radius = box.width // 2 - (2 if kind == "end" else 0)
            attributes = {"class": "armillary-shape", "cx": str(x), "cy": str(y), "r": str(radius)}
            return element("circle", attributes)
        case "signal":
            return _path(_flag(box))
        case "subworkflow":
            return _path(_framed(box))
        case "collapsed":
            return _path(_stacked(box))
        case "each":
            return _path(_pointed(box, 9))
    radius = 8
    if kind in ("complete", "fail", "continue_with", "leave", "next", "timer"):
        radius = min(box.height // 2, 20)
    attributes = {
        "class": "armillary-shape",
        "x": str(box.x),
        "y": str(box.y),
        "width": str(box.width),
        "height": str(box.height),
        "rx": str(radius),
    }
    return element("rect", attributes)


def _path(d: str) -> Xml:
    return element("path", {"class": "armillary-shape", "d": d, "stroke-linejoin": "round"})


def _diamond(box: Box) -> str:
    x, y = box.center
    return f"M{x} {box.y}L{box.right} {y}L{x} {box.bottom}L{box.x} {y}Z"


def _flag(box: Box) -> str:
    """Pointed on both sides, so that edges still meet the middle of each border."""
    return _pointed(box, 7)


def _framed(box: Box) -> str:
    """A second upright line inside each side, as flow charts have it for a process described elsewhere."""
    x, y, right, bottom = box.x, box.y, box.right, box.bottom
    return (
        f"M{x + 3} {y}H{right - 3}Q{right} {y} {right} {y + 3}V{bottom - 3}Q{right} {bottom} {right - 3} {bottom}"
        f"H{x + 3}Q{x} {bottom} {x} {bottom - 3}V{y + 3}Q{x} {y} {x + 3} {y}Z"
        f"M{x + 5} {y}V{bottom}M{right - 5} {y}V{bottom}"
    )


def _stacked(box: Box) -> str:
    """A second lower border, as of a sheet that lies below."""
    x, y, right, low = box.x, box.y, box.right, box.bottom - 5
    return (
        f"M{x + 6} {y}H{right - 6}Q{right} {y} {right} {y + 6}V{low - 6}Q{right} {low} {right - 6} {low}"
        f"H{x + 6}Q{x} {low} {x} {low - 6}V{y + 6}Q{x} {y} {x + 6} {y}Z"
        f"M{x + 7} {low}V{box.bottom - 3}Q{x + 7} {box.bottom} {x + 10} {box.bottom}"
        f"H{right - 10}Q{right - 7} {box.bottom} {right - 7} {box.bottom - 3}V{low}"
    )


def _pointed(box: Box, slant: int) -> str:
    x, y, right, bottom = box.x, box.y, box.right, box.bottom
    middle = box.center.y
    return f"M{x + slant} {y}H{right - slant}L{right} {middle}L{right - slant} {bottom}H{x + slant}L{x} {middle}Z"
