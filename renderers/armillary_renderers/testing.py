"""Tests that every layout must pass, and definitions to run them on. Needs pytest and hypothesis.

A layout's own test file is a few lines::

    from armillary_renderers.testing import LayoutConformance

    class TestMyLayout(LayoutConformance):
        layout = staticmethod(my_package.layout)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from armillary_engine.definition import model as m
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.placed import Placed
from armillary_renderers.layout import Layout, Options
from armillary_renderers.project.from_definition import project
from armillary_renderers.sizes import measure

__all__ = ["LayoutConformance", "definitions", "diagram_of"]

_TITLES = (
    "Ask",
    "Review the quote",
    "Überprüfung der Schadensmeldung",
    "承認する",
    "Проверить заявку клиента",
    "a" * 60,
)
_CODES = (("timeout",), ("*",), ("failure.declined",), ("timeout", "failure"))
_CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors)
_SETTINGS = settings(deadline=None, suppress_health_check=_CHECKS)


def diagram_of(definition: m.Definition) -> Diagram:
    """A measured diagram, as a layout gets it."""
    return measure(project(definition))


@st.composite
def definitions(draw: st.DrawFn, *, most: int = 24, jumps: bool = True) -> m.Definition:
    """Definitions of every step kind and nesting. ``jumps``: with ``leave`` and ``next``."""
    author = _Author(draw, jumps)
    body = author.body(draw(st.integers(1, most)), 0, False)
    titles = {step: m.StepMeta(title=draw(st.sampled_from(_TITLES))) for step in author.titled}
    return m.Definition(name="Generated", body=body, meta=m.Meta(steps=titles))


class _Author:
    """Writes bodies of about a given number of steps."""

    def __init__(self, draw: st.DrawFn, jumps: bool) -> None:
        self.draw = draw
        self.jumps = jumps
        self.count = 0
        self.titled: list[str] = []

    def name(self, kind: str) -> str:
        self.count += 1
        name = f"{kind}-{self.count}"
        if self.count % 7 == 0:
            self.titled.append(name)
        return name

    def body(self, budget: int, depth: int, loop: bool) -> m.Body:
        steps: list[m.Step] = []
        while budget > 0:
            size = self.draw(st.integers(1, budget)) if depth < 5 else 1
            budget -= size
            steps.append(self.leaf() if size < 3 else self.block(size - 1, depth + 1, loop))
        return tuple(steps)

    def leaf(self) -> m.Step:
        match self.draw(st.integers(0, 6)):
            case 0:
                return m.Set(self.name("set"), {"total": m.Const(1)})
            case 1:
                return m.Task(self.name("task"), "ReviewQuote", roles=("underwriter", "lead"), timeout="P2D")
            case 2:
                return m.Timer(self.name("timer"), after=m.Const("PT5M"))
            case 3:
                return m.Signal(self.name("signal"), "payment-received", timeout="P14D")
            case 4:
                return m.Subworkflow(self.name("sub"), "IssuePolicy", m.Object({}))
            case 5:
                return m.Reference(self.name("reference"), m.Get("input.policy_id"))
        retry = m.RetryPolicy(attempts=3)
        return m.Call(self.name("call"), m.Address("rating", "quote"), m.Object({}), retry=retry)

    def block(self, size: int, depth: int, loop: bool) -> m.Step:
        match self.draw(st.integers(0, 6)):
            case 0:
                return m.Repeat(self.name("while"), self.arm(size, depth, True), test=m.Get("open"))
            case 1:
                return m.Repeat(self.name("until"), self.arm(size, depth, True), until=m.Get("closed"))
            case 2:
                return m.Each(self.name("each"), m.Get("items"), "item", self.arm(size, depth, True))
            case 3:
                parts = self.split(size, 3)
                return m.Fork(
                    self.name("fork"),
                    tuple(m.ForkBranch(f"branch {n}", self.arm(part, depth, False)) for n, part in enumerate(parts)),
                )
            case 4:
                return self.guard(size, depth, loop)
        *parts, last = self.split(size, 4)
        branches = tuple(m.Branch(m.Get(f"case.{n}"), self.arm(part, depth, loop)) for n, part in enumerate(parts))
        if not branches:
            return m.Decision(self.name("if"), (m.Branch(m.Get("ready"), self.arm(last, depth, loop)),))
        return m.Decision(self.name("if"), branches, otherwise=self.arm(last, depth, loop))

    def guard(self, size: int, depth: int, loop: bool) -> m.Step:
        body, *rest = self.split(size, 3)
        handlers = tuple(m.Handler(self.draw(st.sampled_from(_CODES)), self.arm(part, depth, loop)) for part in rest)
        undo = self.body(1, depth, False) if self.draw(st.booleans()) else None
        return m.Try(self.name("try"), self.body(max(1, body), depth, loop), handlers, undo)

    def split(self, size: int, most: int) -> list[int]:
        return [self.draw(st.integers(0, size)) for _ in range(self.draw(st.integers(1, most)))]

    def arm(self, size: int, depth: int, loop: bool) -> m.Body:
        """A body that may end early."""
        body = self.body(min(size, 6) if depth > 2 else size, depth, loop)
        ending = self.draw(st.integers(0, 11))
        if self.jumps and loop and ending < 2:
            return (*body, m.Leave(self.name("leave")) if ending else m.Next(self.name("next")))
        if ending == 2:
            return (*body, m.Fail(self.name("fail"), m.Const("claim.declined"), m.Const("Declined")))
        if ending == 3:
            return (*body, m.Complete(self.name("complete")))
        if ending == 4:
            return (*body, m.ContinueWith(self.name("go"), "Renew", m.Object({})))
        return body


class LayoutConformance:
    """What any layout must keep to. ``directions``: those that it draws; it refuses the others with a sentence."""

    layout: ClassVar[Layout | Callable[..., Placed]]
    directions: ClassVar[tuple[str, ...]] = ("down",)

    def place(self, definition: m.Definition, **options: object) -> tuple[Diagram, Placed]:
        """A definition's diagram, and what the layout makes of it."""
        diagram = diagram_of(definition)
        return diagram, type(self).layout(diagram, replace(Options(), **options))  # type: ignore[arg-type]

    @_SETTINGS
    @given(definitions())
    def test_places_everything_once_and_in_order(self, definition: m.Definition) -> None:
        """Nodes, edges and groups of the diagram, no other, in its order."""
        diagram, placed = self.place(definition)
        assert [node.id for node in placed.nodes] == [node.id for node in diagram.nodes]
        assert [edge.id for edge in placed.edges] == [edge.id for edge in diagram.edges]
        assert [group.id for group in placed.groups] == [group.id for group in diagram.groups]
        for edge, drawn in zip(diagram.edges, placed.edges, strict=True):
            assert (edge.source, edge.target, edge.back) == (drawn.source, drawn.target, drawn.back)

    @_SETTINGS
    @given(definitions())
    def test_keeps_the_measured_sizes(self, definition: m.Definition) -> None:
        """Nodes and labels have the size that they were measured to have."""
        for direction in self.directions:
            diagram, placed = self.place(definition, direction=direction)
            for node, spot in zip(diagram.nodes, placed.nodes, strict=True):
                assert (spot.box.width, spot.box.height) == (node.width, node.height)
            for edge, drawn in zip(diagram.edges, placed.edges, strict=True):
                assert (drawn.label is None) == (edge.label_width == 0)
                if drawn.label is not None:
                    assert (drawn.label.width, drawn.label.height) == (edge.label_width, edge.label_height)

    @_SETTINGS
    @given(definitions())
    def test_edges_are_whole_and_nodes_apart(self, definition: m.Definition) -> None:
        """Edges run level and upright from border to border; no node stands on another or on a foreign frame."""
        for direction in self.directions:
            _, placed = self.place(definition, direction=direction)
            figures = measure_placed(placed)
            assert (figures.slanted, figures.detached, figures.overlaps) == (0, 0, 0), figures.faults

    @_SETTINGS
    @given(definitions())
    def test_stays_inside_the_picture(self, definition: m.Definition) -> None:
        """Everything has integer coordinates inside of the picture's size."""
        for direction in self.directions:
            _, placed = self.place(definition, direction=direction)
            boxes = [node.box for node in placed.nodes] + [group.box for group in placed.groups]
            boxes += [edge.label for edge in placed.edges if edge.label is not None]
            points = [point for edge in placed.edges for point in edge.points]
            points += [corner for box in boxes for corner in ((box.x, box.y), (box.right, box.bottom))]
            for x, y in points:
                assert type(x) is int
                assert type(y) is int
                assert 0 <= x <= placed.width
                assert 0 <= y <= placed.height

    @_SETTINGS
    @given(definitions())
    def test_same_diagram_same_bytes(self, definition: m.Definition) -> None:
        """A placed diagram is a function of the diagram, and survives its JSON."""
        first, second = self.place(definition)[1], self.place(definition)[1]
        assert first.to_json() == second.to_json()
        assert Placed.from_json(first.to_json()) == first
