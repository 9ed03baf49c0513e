"""What each kind of step becomes: its node, what the node says, its edges, its frame. One test for each promise."""

from __future__ import annotations

import json
from typing import Any, get_args
from xml.etree import ElementTree

import pytest
from armillary_engine.definition import model as m
from armillary_renderers.diagram.geometry import Box
from armillary_renderers.diagram.model import Diagram, Edge
from armillary_renderers.diagram.schema import PLACED
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.from_definition import project
from armillary_renderers.render import render
from armillary_renderers.svg.shapes import ICONS, outline
from armillary_renderers.testing import definitions
from hypothesis import HealthCheck, given, settings

YES = m.Get("ready")
CALL = m.Call("pay", m.Address("bank", "transfer-money"), m.Object({}), retry=m.RetryPolicy(attempts=4))
DO = m.Set("do", {"x": m.Const(1)})
OTHER = m.Set("other", {"x": m.Const(2)})


def of(*body: m.Step, **options: Any) -> Diagram:
    return project(m.Definition("Some", body), **options)


def edge(diagram: Diagram, source: str, target: str) -> Edge:
    (found,) = [edge for edge in diagram.edges if (edge.source, edge.target) == (source, target)]
    return found


def badges(diagram: Diagram, node: str) -> dict[str, str]:
    return {badge.kind: badge.text for badge in diagram.node[node].badges}


def targets(diagram: Diagram, source: str) -> dict[str, str]:
    """By slot: where control goes."""
    return {edge.slot: edge.target for edge in diagram.edges if edge.source == source}


# ── each kind ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_kind_is_told_from_the_others_by_its_shape_or_its_icon() -> None:
    kinds = {step.__dataclass_fields__["kind"].default for step in get_args(m.Step)} - {"try"}
    looks: dict[tuple[str, str | None], str] = {}
    for kind in sorted(kinds | {"join", "catch", "collapsed", "start"}):
        shape = ElementTree.tostring(outline(kind, Box(0, 0, 120, 60)), encoding="unicode")
        look = shape, ICONS.get(kind)
        assert look[1] is not None or kind in ("decision", "fork", "join", "start"), kind
        other = looks.setdefault(look, kind)
        assert {kind, other} <= {"fork", "join"} or other == kind


def test_ids_are_those_of_the_steps() -> None:
    diagram = of(DO, m.Fork("both", (m.ForkBranch("a", (CALL,)), m.ForkBranch("b", (OTHER,)))))
    assert [node.id for node in diagram.nodes if node.step] == ["do", "both", "pay", "other"]
    assert {node.id for node in diagram.nodes if not node.step} == {":start", "both:join", ":end"}


def test_a_sequence_is_a_line() -> None:
    diagram = of(DO, OTHER)
    assert {edge.source: edge.target for edge in diagram.edges} == {":start": "do", "do": "other", "other": ":end"}


def test_a_decision_labels_its_branches_and_the_way_otherwise() -> None:
    two = (m.Branch(m.Op(">", (m.Get("sum"), m.Const(1))), (DO,)), m.Branch(YES, (OTHER,)))
    diagram = of(m.Decision("choose", two))
    assert targets(diagram, "choose") == {"0": "do", "1": "other", "otherwise": ":end"}
    assert [diagram.edge["choose", slot].label for slot in ("0", "1", "otherwise")] == ["sum > 1", "ready", "otherwise"]
    one = of(m.Decision("choose", two[1:], (DO,)))
    assert [one.edge["choose", slot].label for slot in ("0", "otherwise")] == ["yes", "no"]


@pytest.mark.parametrize(
    ("loop", "words"),
    [
        (m.Repeat("loop", (DO,), test=YES), ("yes", "no")),
        (m.Each("loop", m.Get("items"), "item", (DO,)), ("each", "done")),
    ],
)
def test_a_loop_tested_before_is_a_frame_with_one_edge_back(loop: m.Step, words: tuple[str, str]) -> None:
    diagram = of(loop)
    assert [edge(diagram, "loop", target).label for target in ("do", ":end")] == list(words)
    assert [(edge.source, edge.target) for edge in diagram.edges if edge.back] == [("do", "loop")]
    assert [(group.id, group.members) for group in diagram.groups] == [("loop", ("loop", "do"))]


def test_a_loop_tested_after_goes_back_from_its_test() -> None:
    diagram = of(m.Repeat("loop", (DO,), until=YES))
    assert [(edge.source, edge.target, edge.label) for edge in diagram.edges if edge.back] == [("loop", "do", "no")]
    assert edge(diagram, "loop", ":end").label == "yes"


def test_leave_goes_on_after_its_loop_and_next_back_to_its_test() -> None:
    body = (m.Decision("choose", (m.Branch(YES, (m.Leave("out"),)),), (m.Next("again"),)),)
    diagram = of(m.Repeat("outer", (m.Repeat("loop", body, test=YES), DO), test=YES))
    assert (edge(diagram, "out", "do").kind, edge(diagram, "again", "loop").kind) == ("leave", "next")
    assert edge(diagram, "again", "loop").back


@pytest.mark.parametrize(("join", "text"), [("all", "All"), ("any", "Any"), (2, "2 of 3")])
def test_a_fork_has_a_join_that_says_how_many(join: Any, text: str) -> None:
    ways = tuple(m.ForkBranch(name, (m.Set(name, {"x": m.Const(1)}),)) for name in "abc")
    diagram = of(m.Fork("fork", ways, join))
    assert diagram.node["fork:join"].title == text
    assert {edge.source for edge in diagram.edges if edge.target == "fork:join"} == set("abc")
    assert [edge.label for edge in diagram.edges if edge.source == "fork"] == list("abc")


def test_a_timer_says_how_long_and_a_signal_how_long_at_most() -> None:
    diagram = of(m.Timer("nap", after=m.Const("PT5M")), m.Signal("paid", "payment", timeout="P2D"))
    assert "5" in diagram.node["nap"].title
    assert "2" in badges(diagram, "paid")["timeout"]


def test_a_task_shows_its_roles_its_due_time_and_its_escalation() -> None:
    escalate = m.Escalation("P1D", ("chief",))
    diagram = of(m.Task("review", "Review", roles=("clerk", "lead"), escalate=escalate))
    assert diagram.node["review"].subtitle == "clerk, lead"
    assert badges(diagram, "review")["escalation"].endswith(": chief")


def test_a_call_shows_its_service_and_how_often_it_is_tried() -> None:
    diagram = of(CALL)
    assert (diagram.node["pay"].title, diagram.node["pay"].subtitle) == ("Transfer money", "bank / transfer-money")
    assert badges(diagram, "pay")["retry"] == "4 attempts"


def test_failures_and_time_outs_lead_to_their_handlers() -> None:
    one = of(m.Try("try", (CALL,), (m.Handler(("timeout",), (DO,)),)))
    assert (edge(one, "pay", "do").kind, edge(one, "pay", "do").label) == ("failure", "timeout")
    many = of(m.Try("try", (CALL,), (m.Handler(("timeout",), (DO,)), m.Handler(("*",), (OTHER,)))))
    assert edge(many, "pay", "try:catch").kind == "failure"
    assert [edge(many, "try:catch", target).label for target in ("do", "other")] == ["timeout", "any failure"]


@pytest.mark.parametrize(
    "waiting",
    [
        m.Signal("wait", "paid", timeout="P1D"),
        m.Task("wait", "Review", roles=("clerk",), timeout="P1D"),
        m.Subworkflow("wait", "Child", m.Object({}), timeout="P1D"),
    ],
)
def test_what_waits_with_a_limit_has_an_edge_for_its_time_out(waiting: m.Step) -> None:
    handled = of(m.Try("try", (waiting,), (m.Handler(("timeout",), (DO,)),)))
    assert (edge(handled, "wait", "do").kind, edge(handled, "wait", "do").label) == ("failure", "timeout")


def failing(code: str) -> m.Fail:
    return m.Fail("wait", m.Const(code), m.Const("No."))


CHILD = m.Subworkflow("wait", "Child", m.Object({}))


@pytest.mark.parametrize(
    ("step", "catch", "leads"),
    [
        (failing("rejected"), "failure", True),
        (failing("failure.rejected"), "rejected", True),
        (failing("rejected.late"), "rejected", True),
        (failing("rejected"), "refused", False),
        (failing("timeout.mine"), "failure", False),
        (CHILD, "child.refused", True),
        (CHILD, "timeout.child", False),
    ],
)
def test_a_step_leads_to_the_handlers_of_what_it_may_fail_with(step: m.Step, catch: str, leads: bool) -> None:
    handled = of(m.Try("try", (step,), (m.Handler((catch,), (DO,)),)))
    assert ("do" in [edge.target for edge in handled.edges if edge.source == "wait"]) is leads


def test_a_compensation_hangs_on_what_it_undoes() -> None:
    diagram = of(m.Try("try", (CALL,), compensate=(DO,)))
    undo = edge(diagram, "pay", "do")
    assert (undo.kind, undo.label) == ("compensation", "undo")
    assert targets(diagram, "do") == {}


def test_a_subworkflow_names_its_child_and_a_continuation_its_target() -> None:
    diagram = of(
        m.Subworkflow("sub", "PrintLetters", m.Object({}), "2.x"), m.ContinueWith("on", "NextYear", m.Const(1))
    )
    assert (diagram.node["sub"].title, diagram.node["sub"].subtitle) == ("Print letters", "workflow 2.x")
    assert (diagram.node["on"].title, diagram.node["on"].subtitle) == ("Next year", "continue with")
    assert targets(diagram, "on") == {}


def test_ends_say_how_it_ended_and_nothing_leaves_them() -> None:
    ends = (m.Complete("done", m.Const("paid")), m.Fail("broken", m.Const("no.money"), m.Const("none")))
    diagram = of(m.Decision("choose", (m.Branch(YES, ends[:1]),), ends[1:]))
    assert (diagram.node["done"].subtitle, diagram.node["broken"].title) == ("paid", "Fail: no.money")
    assert targets(diagram, "done") == targets(diagram, "broken") == {}
    assert ":end" not in diagram.node


# ── detail ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", GALLERY)
def test_each_level_of_detail_says_more_and_draws_the_same(name: str) -> None:
    outline_, normal, full = (project(GALLERY[name], detail=detail) for detail in ("outline", "normal", "full"))
    edges = [[(edge.source, edge.target) for edge in diagram.edges] for diagram in (outline_, normal, full)]
    assert edges[0] == edges[1] == edges[2]
    for one, two, three in zip(outline_.nodes, normal.nodes, full.nodes, strict=True):
        assert one.title == two.title == three.title
        assert not one.subtitle
        assert not one.badges
        assert not two.details
        assert {badge.kind for badge in two.badges} <= {badge.kind for badge in three.badges}
        assert bool(three.subtitle) >= bool(two.subtitle)


# ── the main line ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_longest_way_to_the_end_is_the_main_line_unless_the_author_says_which() -> None:
    ways = (m.Branch(YES, (DO,)), m.Branch(m.Get("late"), (OTHER, CALL)), m.Branch(m.Get("no"), (m.Complete("end"),)))
    definition = m.Definition("Main", (m.Decision("choose", ways),))

    def main(definition: m.Definition) -> int:
        (block,) = [item for item in project(definition).root.items if hasattr(item, "main")]
        return int(block.main)

    assert main(definition) == 1
    hint = m.Meta(steps={"choose": m.StepMeta(layout={"main": "otherwise"})})
    assert main(m.Definition("Main", definition.body, meta=hint)) == 3
    tie = (m.Branch(YES, (DO,)), m.Branch(m.Get("late"), (OTHER,)))
    assert main(m.Definition("Tie", (m.Decision("choose", tie),))) == 0


# ── the published form ───────────────────────────────────────────────────────────────────────────────────────────────


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(definitions(most=30))
def test_a_placed_diagram_fits_its_schema(definition: m.Definition) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(PLACED)
    document = json.loads(render(definition, direction="right").placed.to_json())
    validator.validate(document)
    assert not validator.is_valid(document | {"width": "wide"})
