"""What an overlay shows on a node: its state, counts, countdowns, changes and problems, as attributes and texts."""

from __future__ import annotations

from collections.abc import Iterator

from armillary_renderers.diagram.geometry import Box
from armillary_renderers.diagram.model import Mark, Node
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.project.overlays import SIGNS, clock_words, level, retry_words
from armillary_renderers.svg.accessibility import STATE_WORDS
from armillary_renderers.svg.elements import Xml, element, safe
from armillary_renderers.svg.shapes import STATE_ICONS
from armillary_renderers.svg.text_metrics import text_width
from armillary_renderers.svg.theme import STATES

_SLOPED = frozenset({"decision", "repeat"})
_POINTED = frozenset({"fork"})
_UNREACHED = StepState()


def state_badges(identity: str) -> Iterator[Xml]:
    """A badge with icon and word for each state."""
    for state in STATES:
        word = STATE_WORDS[state]
        badge = element("g", {"id": f"{identity}-state-{state}"})
        width = _badge_width(state)
        badge.append(element("rect", {"width": str(width), "height": "18", "rx": "9"}))
        icon = {"d": STATE_ICONS[state], "transform": "translate(8 4)", "style": "fill:none;stroke:currentColor"}
        badge.append(element("path", icon))
        middle = {"x": str((width + 12) // 2), "y": "13", "text-anchor": "middle", "style": "fill:currentColor"}
        badge.append(element("text", middle, word))
        yield badge


def _badge_width(state: str) -> int:
    return text_width(STATE_WORDS[state], 11, bold=True) + 26


def problem_marker(identity: str) -> Xml:
    """An exclamation mark on a disc."""
    marker = element("g", {"id": f"{identity}-problem"})
    marker.append(element("circle", {"r": "9"}))
    style = "fill:currentColor;stroke:none;font-size:12px;font-weight:700;text-anchor:middle"
    marker.append(element("text", {"y": "4", "style": style}, "!"))
    return marker


def problem(kind: str, box: Box, identity: str, worst: Mark | None) -> Xml:
    """The marker of a node; it is seen where it has a severity. On a corner; of a diamond on the side that has no edge
    and no badge."""
    x, y = box.x + 2, box.y + 2
    if kind in _SLOPED:
        x, y = box.center.x - box.width // 4 - 4, box.bottom - box.height // 4 + 4
    place = {
        "class": "armillary-problem",
        "xlink:href": f"#{identity}-problem",
        "transform": f"translate({x} {y})",
    }
    if worst is not None:
        place["data-severity"] = worst.severity
    return element("use", place)


class Live:
    """Draws one overlay on nodes. Whatever the overlay says, the same elements are there: a change of it is a change
    of attributes and texts."""

    def __init__(self, overlay: Overlay, identity: str, *, still: bool) -> None:
        self.overlay = overlay
        self.identity = identity
        self.still = still
        self.most = max(overlay.heat.values(), default=0)
        self.arrived = {target for _, target in overlay.taken}
        """The nodes that were reached along an edge."""

    def tell(self, node: Node, attributes: dict[str, str], label: str) -> str:
        """Add the attributes that the style sheet goes by; gives the label with what the overlay adds to it."""
        overlay, state = self.overlay, self.overlay.steps.get(node.id, _UNREACHED)
        if state.visits > 1:
            label += f", {state.visits} times"
        for more in filter(None, (retry_words(state), clock_words(state, overlay.now))):
            label += f", {more.replace(' · ', ', ')}"
        if self.most:
            count = overlay.heat.get(node.id, 0)
            attributes["data-heat"] = str(level(count, self.most))
            label += f", entered {count} times"
        if change := overlay.changes.get(node.id):
            attributes["data-change"] = change
            label += f", {change}"
        return label

    def draw(self, parent: Xml, node: Node, box: Box) -> None:
        """The elements; all five badges are there, and the node's ``data-state`` says which of them is seen."""
        state = self.overlay.steps.get(node.id, _UNREACHED)
        sloped, pointed = node.kind in _SLOPED, node.kind in _POINTED
        y = (box.bottom if pointed else box.y) - 9
        badges = element("g", {"class": "armillary-states", "transform": f"translate({box.center.x} {y})"})
        for name in STATES:
            if not self.still or name == state.state:
                badge = {"class": f"armillary-state-{name}", "xlink:href": f"#{self.identity}-state-{name}"}
                width = _badge_width(name)
                # Of a gateway on the left, where no label stands: beside a hexagon it would stand higher than the
                # hexagon, so below that.
                x = -20 - width if sloped else -6 - width if pointed else max(12, box.width // 2 + 7 - width)
                badges.append(element("use", badge | {"x": str(x)}))
        parent.append(badges)
        left, above = box.x + 14, box.y - 3  # beside the marker of a problem
        if sloped:  # On the slope, below what the node above says below itself.
            left, above = box.center.x + 12 * box.width // box.height + 3, box.y + 8
        count = self._count(node.id, state)
        self._text(parent, "visits", left, above, count)
        # On both sides of the middle, where the edge leaves.
        self._text(parent, "retries", box.x if sloped else left, box.bottom + 13, retry_words(state))
        beside, below = box.x if sloped else box.center.x + 8, box.y - 3 if pointed else box.bottom + 13
        self._text(parent, "clock", beside, below, clock_words(state, self.overlay.now))
        if state.due:
            parent[-1].set("data-due", safe(state.due))
        change = self.overlay.changes.get(node.id)
        left += text_width(count, 11, bold=True) + 8 if count else 0
        self._text(parent, "change", left, above, f"{SIGNS[change]} {change}" if change else "")

    def _count(self, node: str, state: StepState) -> str:
        if self.most:  # A heat map says nothing at most steps; where it does not, there is no colour either.
            return f"{count:,}" if (count := self.overlay.heat.get(node, 0)) else ""
        return f"×{state.visits}" if state.visits > 1 else ""

    def _text(self, parent: Xml, role: str, x: int, y: int, words: str) -> None:
        if self.still and not words:
            return
        place = {"class": f"armillary-{role}", "x": str(x), "y": str(y)}
        if self.still:
            place["style"] = "stroke:none"
        parent.append(element("text", place, safe(words) or None))
