"""Every layout of ours passes the suite that every layout must pass; ``structured`` keeps its own promises too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_renderers.diagram.measure import Measures
from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.diagram.placed import Placed
from armillary_renderers.gallery import GALLERY
from armillary_renderers.layout import Options, find_layout
from armillary_renderers.layouts import graphviz, grid, structured
from armillary_renderers.layouts.structured.measure import Measurer
from armillary_renderers.layouts.structured.plans import spacing
from armillary_renderers.project.nesting import bodies, inside
from armillary_renderers.testing import LayoutConformance, definitions, diagram_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STRICT = (
    "overlaps",
    "edges_through_nodes",
    "edges_near_nodes",
    "edges_on_frames",
    "slanted",
    "detached",
    "upward_undeclared",
    "labels_on_nodes",
    "labels_on_labels",
    "labels_far",
)
PLANAR = ("crossings", "foreign_segments", "edges_near_edges", "labels_on_edges", "labels_nearer_other")
SLOW = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


class TestStructured(LayoutConformance):
    layout = staticmethod(structured.layout)
    directions = ("down", "right", "left")


class TestGrid(LayoutConformance):
    layout = staticmethod(grid.layout)


def test_grid_refuses_a_direction_it_cannot_draw() -> None:
    diagram = diagram_of(m.Definition("One", (m.Set("a", {"x": m.Const(1)}),)))
    with pytest.raises(ArmillaryError, match="expected direction down with layout 'grid', got 'right'"):
        grid.layout(diagram, Options(direction="right"))


def test_unknown_layout_names_those_there_are() -> None:
    with pytest.raises(ArmillaryError, match=r"expected one of the layouts .*grid.*structured.*, got 'spiral'"):
        find_layout("spiral")


def faults(figures: Measures, names: tuple[str, ...]) -> list[str]:
    return [fault for fault in figures.faults if fault.split(":")[0] in names]


def check(definition: m.Definition, direction: str, wrap: int = 0, density: str = "normal") -> Placed:
    diagram = diagram_of(definition)
    options = Options(direction=direction, wrap=wrap, density=density)  # type: ignore[arg-type]
    placed = structured.layout(diagram, options)
    figures = measure_placed(placed)
    assert faults(figures, STRICT) == []
    assert figures.upward_undeclared == 0
    measurer = Measurer(diagram, spacing(options))
    measurer.sequence(diagram.root)
    if not measurer.jumps.crossed:
        assert faults(figures, PLANAR) == []
    return placed


@SLOW
@given(definitions(jumps=False))
def test_nothing_crosses_without_jumps(definition: m.Definition) -> None:
    for direction in ("down", "right", "left"):
        check(definition, direction)


@SLOW
@given(definitions(jumps=True), st.sampled_from(["down", "right", "left"]))
def test_nothing_crosses_with_jumps_unless_it_was_foreseen(definition: m.Definition, direction: str) -> None:
    """Whether that must be so is what test_planarity asks."""
    check(definition, direction)


@pytest.mark.parametrize("direction", ["down", "right", "left"])
def test_ways_out_of_a_loop_that_are_an_outer_loops_way_back_keep_apart(direction: str) -> None:
    """No edge of the diagram is one of a ``leave`` then: each goes back to the outer test."""
    choice = m.Decision("choice", (m.Branch(m.Get("ready"), (m.Leave("out"),)),), (m.Leave("away"),))
    inner = m.Repeat("inner", (choice,), test=m.Get("open"))
    check(m.Definition("Out", (m.Repeat("outer", (inner,), test=m.Get("open")),)), direction)


@SLOW
@given(definitions(jumps=True), st.sampled_from(["compact", "airy"]), st.sampled_from(["down", "right"]))
def test_every_density_keeps_to_the_gates(definition: m.Definition, density: str, direction: str) -> None:
    check(definition, direction, density=density)


@SLOW
@given(definitions(most=40))
def test_the_main_line_is_straight(definition: m.Definition) -> None:
    diagram = diagram_of(definition)
    placed = structured.layout(diagram, Options())
    axis = {placed.node[item.node].box.center.x for item in diagram.root.items if hasattr(item, "node")}
    assert len(axis) == 1


def test_of_branches_on_one_side_those_that_end_stand_outermost() -> None:
    ends = m.Fail("fail", m.Const("late"), m.Const("Too late"))
    handlers = (m.Handler(("timeout",), _body("wait")), m.Handler(("late",), (ends,)), m.Handler(("*",), _body("mend")))
    call = m.Call("call", m.Address("rating", "quote"), m.Object({}))
    placed = check(m.Definition("Guarded", (m.Try("try", (call,), handlers), *_body("after"))), "down")
    waits, mends, fails = (placed.node[name].box.x for name in ("wait-inside", "mend-inside", "fail"))
    assert waits < mends < fails


def _body(name: str) -> m.Body:
    return (m.Set(f"{name}-inside", {"x": m.Const(1)}),)


CHOICE = m.Decision("choice", (m.Branch(m.Get("ready"), ()),))
TITLE = m.Meta(steps={"loop": m.StepMeta(title="a" * 60)})
INNER = m.Repeat("inner", (*_body("inner"), m.Next("next")), until=m.Get("closed"))


@pytest.mark.parametrize("direction", ["down", "right", "left"])
@pytest.mark.parametrize(
    "definition",
    [
        m.Definition("Short", (m.Each("loop", m.Get("items"), "item", (CHOICE,)),)),
        m.Definition("Short", (m.Each("loop", m.Get("items"), "item", (replace(CHOICE, otherwise=_body("other")),)),)),
        m.Definition("Back", (m.Each("loop", m.Get("items"), "item", (CHOICE, m.Next("next"))),)),
        m.Definition("Tall", (m.Repeat("loop", (INNER, m.Next("again")), test=m.Get("open")),), meta=TITLE),
        m.Definition("Wide", (m.Repeat("loop", (*_body("first"), INNER), test=m.Get("open")),), meta=TITLE),
    ],
    ids=["one-choice", "two-ways", "next", "tall-test", "wide-body"],
)
def test_nothing_runs_through_a_test_that_is_longer_than_its_body(definition: m.Definition, direction: str) -> None:
    check(definition, direction)


def inserted() -> list[m.Step]:
    """A step of every kind that control goes on from."""
    handler = m.Handler(("*",), _body("handler"))
    call = m.Call("call-inside", m.Address("rating", "quote"), m.Object({}))
    return [
        m.Set("new", {"x": m.Const(1)}),
        m.Reference("new", m.Get("input.id")),
        m.Call("new", m.Address("rating", "quote"), m.Object({}), retry=m.RetryPolicy(3)),
        m.Task("new", "Review the quote once more", roles=("underwriter", "lead"), timeout="P2D"),
        m.Timer("new", after=m.Const("PT5M")),
        m.Signal("new", "paid", timeout="P1D"),
        m.Subworkflow("new", "IssuePolicy", m.Object({})),
        m.Decision("new", (m.Branch(m.Get("ready"), _body("branch")),)),
        m.Fork("new", (m.ForkBranch("a", _body("a")), m.ForkBranch("b", _body("b")))),
        m.Repeat("new", _body("while"), test=m.Get("open")),
        m.Repeat("new", _body("until"), until=m.Get("closed")),
        m.Each("new", m.Get("items"), "item", _body("each")),
        m.Try("new", (call,), (handler,)),
    ]


DIRECTIONS = st.sampled_from(["down", "right", "left"])


@SLOW
@given(definitions(most=30), st.sampled_from(inserted()), DIRECTIONS, st.data())
def test_an_inserted_step_moves_only_what_follows_and_only_along_the_flow(
    definition: m.Definition, extra: m.Step, direction: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(definition.body)))
    body = (*definition.body[:at], extra, *definition.body[at:])
    options = Options(direction=direction)  # type: ignore[arg-type]
    before = structured.layout(diagram_of(definition), options)
    after = structured.layout(diagram_of(replace(definition, body=body)), options)
    follows = {step.id for outer in definition.body[at:] for step in (outer, *inside(outer))}
    distances = set()
    for node in before.nodes:
        if node.id in after.node and node.id != ":end":
            across, along = _moved(before, after, node.id)
            assert across == 0, "nothing moves sideways"
            if node.id.partition(":")[0] in follows:
                distances.add(along)
            else:
                assert along == 0, "nothing before it moves"
    assert len(distances) <= 1, "what follows moves by one distance"
    assert all(along > 0 for along in distances)


def bodies_of(definition: m.Definition) -> list[tuple[m.Step, ...]]:
    return [body for step in definition.body for owner in (step, *inside(step)) for body in bodies(owner) if body]


def _with(body: m.Body, old: m.Body, new: m.Body) -> m.Body:
    """The body with one of the bodies in it, at any depth, replaced."""
    if body is old:
        return new
    return tuple(_replaced(step, old, new) for step in body)


def _replaced(step: m.Step, old: m.Body, new: m.Body) -> m.Step:
    def parts(found: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(part, body=_with(part.body, old, new)) for part in found)

    match step:
        case m.Decision():
            otherwise = None if step.otherwise is None else _with(step.otherwise, old, new)
            return replace(step, branches=parts(step.branches), otherwise=otherwise)
        case m.Fork():
            return replace(step, branches=parts(step.branches))
        case m.Repeat() | m.Each():
            return replace(step, body=_with(step.body, old, new))
    return step


@SLOW
@given(definitions(most=30), st.sampled_from(inserted()), DIRECTIONS, st.data())
def test_a_step_inserted_at_any_depth_moves_nothing_before_the_block_that_holds_it(
    definition: m.Definition, extra: m.Step, direction: str, data: st.DataObject
) -> None:
    """Outside of the outermost block around the place, nothing moves sideways and nothing before it moves at all."""
    index = data.draw(st.integers(0, len(definition.body) - 1))
    outer = definition.body[index]
    places = bodies_of(m.Definition("Part", (outer,)))
    old = data.draw(st.sampled_from(places)) if places else ()
    at = data.draw(st.integers(0, len(old) - 1)) if old else 0
    changed = _replaced(outer, old, (*old[:at], extra, *old[at:])) if old else outer
    body = (*definition.body[:index], changed, *definition.body[index + 1 :])
    options = Options(direction=direction)  # type: ignore[arg-type]
    before = structured.layout(diagram_of(definition), options)
    after = structured.layout(diagram_of(replace(definition, body=body)), options)
    owned = {outer.id, *(step.id for step in inside(outer))}
    for number, step in enumerate(definition.body):
        for name in (step.id, *(inner.id for inner in inside(step))):
            if name in owned or name not in before.node:
                continue
            across, along = _moved(before, after, name)
            assert across == 0, "nothing outside of the block moves sideways"
            assert number > index or along == 0, "nothing before the block moves"


def _moved(before: Placed, after: Placed, node: str) -> tuple[int, int]:
    """How far a node has moved across the flow and along it, seen from the start."""
    ways = [_seen_from_start(placed, node) for placed in (before, after)]
    return ways[1][0] - ways[0][0], ways[1][1] - ways[0][1]


def _seen_from_start(placed: Placed, node: str) -> tuple[int, int]:
    (x0, y0), (x, y) = placed.node[":start"].box.center, placed.node[node].box.center
    return {"down": (x - x0, y - y0), "right": (y - y0, x - x0), "left": (y - y0, x0 - x)}[placed.direction]


@SLOW
@given(definitions(most=40), st.integers(2, 8), st.sampled_from(["down", "right", "left"]))
def test_a_wrapped_flow_keeps_to_the_gates(definition: m.Definition, ranks: int, direction: str) -> None:
    check(definition, direction, ranks)


@pytest.mark.parametrize("count", [20, 60, 500, 3000])
@pytest.mark.parametrize("direction", ["down", "right", "left"])
def test_a_long_flow_wraps_to_a_page(direction: str, count: int) -> None:
    steps = tuple(m.Set(f"step-{number}", {"x": m.Const(1)}) for number in range(count))
    diagram = diagram_of(m.Definition("Long", steps))
    placed = structured.layout(diagram, Options(direction=direction, wrap=12))  # type: ignore[arg-type]
    figures = measure_placed(placed)
    assert 1 / 3 <= figures.aspect <= 3
    assert len(placed.columns) >= (4 if count > 40 else 1)
    assert figures.faults == ()
    assert figures.upward_undeclared == 0


@pytest.mark.require("dot")
class TestGraphviz:
    """``dot`` is a program to start for each picture, so this suite is examples, not the generated definitions."""

    @pytest.mark.parametrize("name", GALLERY)
    @pytest.mark.parametrize("direction", ["down", "right", "left"])
    def test_places_everything_and_joins_it(self, name: str, direction: str) -> None:
        diagram = diagram_of(GALLERY[name])
        placed = graphviz.layout(diagram, Options(direction=direction))  # type: ignore[arg-type]
        assert [node.id for node in placed.nodes] == [node.id for node in diagram.nodes]
        assert [edge.id for edge in placed.edges] == [edge.id for edge in diagram.edges]
        assert [group.id for group in placed.groups] == [group.id for group in diagram.groups]
        figures = measure_placed(placed)
        assert (figures.slanted, figures.detached, figures.overlaps) == (0, 0, 0), figures.faults
        assert placed.to_json() == graphviz.layout(diagram, Options(direction=direction)).to_json()  # type: ignore[arg-type]

    def test_refuses_with_a_sentence_where_the_program_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ArmillaryError, match="expected the program dot on the search path") as caught:
            graphviz.layout(diagram_of(GALLERY["hello"]), Options())
        assert caught.value.code == "layout.graphviz"
