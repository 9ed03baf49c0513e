"""Which edges of a diagram an instance has taken, from the order in which its steps were active."""

from __future__ import annotations

from armillary_renderers.diagram.model import Diagram

_SILENT = frozenset({"repeat", "each", "join", "catch"})
"""Control passes through these without an event of their own: a loop records its entry and its end, not each turn."""


class Walk:
    """Follows a history; ``taken`` collects (source, target) pairs.

    An edge into a step is taken from whichever step could have led there and was active last, through nodes that record
    nothing when control passes them.
    """

    def __init__(self, diagram: Diagram) -> None:
        self.into: dict[str, list[str]] = {}
        for edge in diagram.edges:
            self.into.setdefault(edge.target, []).append(edge.source)
        self.silent = {node.id for node in diagram.nodes if node.kind in _SILENT}
        self.joins = {node.id for node in diagram.nodes if node.kind == "join"}
        self.loops = {node.id for node in diagram.nodes if node.kind in ("repeat", "each")}
        self.tested_after = {edge.source for edge in diagram.edges if edge.slot == "back"}
        self.clock = 0
        self.active: dict[str, int] = {":start": 0}
        self.taken: set[tuple[str, str]] = set()

    def event(self, step: str, *, fresh: bool, over: bool) -> None:
        """``fresh``: the first event of a visit; ``over``: its last."""
        if step in self.tested_after and not over:
            return  # the loop has begun, but its test, which is what is drawn, comes after the body
        if fresh or (over and step in self.loops):
            self._arrive(step)
        self.clock += 1
        self.active[step] = self.clock

    def end(self) -> None:
        """The body has come to its end."""
        self._arrive(":end")

    def _arrive(self, node: str) -> None:
        """Mark the way to ``node`` from the step that was active last, of those that lead there."""
        came_from: dict[str, str] = {}
        ahead = [node]
        while ahead:
            target = ahead.pop()
            for source in self.into.get(target, ()):
                if source not in came_from:
                    came_from[source] = target
                    if source in self.silent:
                        ahead.append(source)
        best = max((source for source in came_from if source in self.active), key=self.active.__getitem__, default=None)
        if best is None:
            return
        place = best
        while True:
            following = came_from[place]
            self.taken.add((place, following))
            if following in self.joins:
                self.taken.update((source, following) for source in self.into[following] if source in self.active)
            if following == node:
                return
            place = following
