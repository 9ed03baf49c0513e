"""Lines of text."""

from __future__ import annotations

from armillary_renderers.svg.elements import Xml, element, safe


def lines(role: str, rows: tuple[str, ...], x: int, y: int, step: int) -> Xml:
    """One ``<text>``, a ``<tspan>`` per line; ``y`` is the baseline of the first."""
    place = {"class": role, "x": str(x), "y": str(y)}
    if len(rows) == 1:
        return element("text", place, safe(rows[0]))
    text = element("text", place)
    for index, row in enumerate(rows):
        text.append(element("tspan", {"x": str(x), "y": str(y + index * step)}, safe(row)))
    return text
