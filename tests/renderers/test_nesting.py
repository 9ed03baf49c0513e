"""Steps drawn as one, and child workflows drawn in place."""

from __future__ import annotations

import json

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import Problem
from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.from_definition import Shown
from armillary_renderers.project.nesting import can_collapse, inside
from armillary_renderers.project.overlay import Overlay, StepState, nested, overlay_from_history
from armillary_renderers.render import render
from armillary_renderers.testing import definitions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SLOW = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def parent() -> m.Definition:
    child = m.Subworkflow("child", "Child", m.Object({}))
    guarded = m.Try("guard", (child,), (m.Handler(("*",), (m.Set("mend", {"x": m.Const(1)}),)),))
    return m.Definition("Parent", (m.Set("a", {"x": m.Const(1)}), guarded, m.Set("z", {"x": m.Const(1)})))


def owners(definition: m.Definition) -> list[m.Step]:
    every = [inner for step in definition.body for inner in (step, *inside(step))]
    return [step for step in every if can_collapse(step)]


@SLOW
@given(definitions(), st.data())
def test_collapsed_steps_hide_what_they_own_and_nothing_else(definition: m.Definition, data: st.DataObject) -> None:
    chosen = [step for step in owners(definition) if data.draw(st.booleans())]
    full = render(definition)
    picture = render(definition, collapsed=[step.id for step in chosen])
    hidden = {inner.id for step in chosen for inner in inside(step)}
    steps = {node.step for node in picture.diagram.nodes if node.step}
    assert steps == {node.step for node in full.diagram.nodes if node.step} - hidden | (
        {step.id for step in chosen if not isinstance(step, m.Try) or step.body} - hidden
    )
    figures = measure_placed(picture.placed)
    strict = ("overlaps", "edges_through_nodes", "slanted", "detached", "upward_undeclared", "labels_on_nodes")
    assert [getattr(figures, name) for name in strict] == [0] * len(strict), figures.faults
    assert Diagram.from_json(picture.diagram.to_json()) == picture.diagram


@SLOW
@given(definitions(jumps=False), st.sampled_from(["down", "right", "left"]))
def test_an_expanded_child_keeps_to_the_gates(child: m.Definition, direction: str) -> None:
    picture = render(parent(), expanded={"child": child}, direction=direction)  # type: ignore[arg-type]
    figures = measure_placed(picture.placed)
    assert figures.faults == ()
    assert figures.upward_undeclared == 0
    inner = {node.id.removeprefix("child::") for node in picture.diagram.nodes if node.id.startswith("child::")}
    assert inner == {node.id for node in render(child).diagram.nodes}
    assert Diagram.from_json(picture.diagram.to_json()) == picture.diagram


@pytest.mark.parametrize("layout", ["grid", "structured"])
def test_control_enters_and_leaves_the_frame(layout: str) -> None:
    picture = render(parent(), expanded={"child": GALLERY["hello"]}, layout=layout)
    told = {(edge.source, edge.target) for edge in picture.diagram.edges}
    assert {("a", "child"), ("child", "z"), ("child", "mend")} <= told
    frame = next(group for group in picture.placed.groups if group.id == "child")
    assert {"child:::start", "child::greet"} <= set(frame.members)
    assert "subworkflow: Child" in picture.outline
    assert "subgraph" in picture.mermaid
    assert '"a" -> "child:::start"' in picture.dot


def test_children_of_children_expand_by_their_path() -> None:
    picture = render(parent(), expanded={"child": parent(), "child::child": GALLERY["hello"]})
    assert "child::child::greet" in picture.diagram.node
    again = render(parent(), expanded={"child": GALLERY["settle-claim"]}, collapsed=["child::open"])
    assert again.diagram.node["child::open"].kind == "collapsed"


def test_problems_inside_a_collapsed_step_stand_on_it() -> None:
    claim = GALLERY["settle-claim"]
    picture = render(claim, collapsed=["open"], problems=[Problem("x", "wrong", step="assess")])
    assert [mark.message for mark in picture.diagram.problems["open"]] == ["wrong"]


def test_the_way_past_a_collapsed_fork_is_taken() -> None:
    claim = GALLERY["settle-claim"]
    steps = ["settle", "pay", "letter", "settle", "received"]
    kinds = ["entered", "done", "done", "done", "waiting"]
    told = [{"type": f"step.{kind}", "step": step} for kind, step in zip(kinds, steps, strict=True)]
    assert ("settle", "received") in overlay_from_history(claim, told, shown=Shown(frozenset({"settle"}))).taken


def test_the_state_of_a_child_lies_inside_of_its_parents_step() -> None:
    child = Overlay({"greet": StepState("waiting", 1)}, frozenset({(":start", "greet")}))
    both = nested(Overlay({"child": StepState("waiting", 1)}), "child", child)
    picture = render(parent(), expanded={"child": GALLERY["hello"]}, overlay=both)
    assert 'data-step="child::greet" data-state="waiting"' in picture.svg
    assert 'data-source="child:::start" data-target="child::greet" data-kind="flow" data-taken="true"' in picture.svg


def test_the_schema_knows_nested_blocks() -> None:
    import jsonschema
    from armillary_renderers.diagram.schema import SCHEMA

    picture = render(parent(), expanded={"child": GALLERY["hello"]}, collapsed=["x"])
    jsonschema.validate(json.loads(picture.diagram.to_json()), SCHEMA)
