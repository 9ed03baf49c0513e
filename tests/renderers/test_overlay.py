"""From a history to states and taken edges; deltas between overlays."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import Problem
from armillary_renderers.diagram.model import Mark
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import (
    CHANGES,
    STATES,
    Overlay,
    StepState,
    delta,
    overlay_from_history,
    overlay_from_json,
    overlay_json,
)
from armillary_renderers.project.overlays import diagnostics, difference, heat_map, level, merged
from armillary_renderers.render import Picture, render
from hypothesis import given
from hypothesis import strategies as st


def events(*told: str) -> list[dict[str, str]]:
    return [
        dict(zip(("type", "step"), (f"step.{kind}", step), strict=True)) for kind, step in (t.split() for t in told)
    ]


def value(name: str) -> m.Set:
    return m.Set(name, {name: m.Const(1)})


def call(name: str) -> m.Call:
    return m.Call(name, m.Address("rating", name), m.Object({}))


def test_a_step_that_takes_no_time_records_only_its_end() -> None:
    definition = m.Definition("W", (value("a"), call("b"), value("c")))
    overlay = overlay_from_history(definition, events("done a", "waiting b"))
    assert overlay.steps == {"a": StepState("done", 1), "b": StepState("waiting", 1)}
    assert overlay.taken == {(":start", "a"), ("a", "b")}


def test_completion_reaches_the_end_and_leaves_nothing_running() -> None:
    definition = m.Definition("W", (value("a"), call("b")))
    overlay = overlay_from_history(definition, events("done a", "waiting b", "done b"), "completed")
    assert overlay.taken == {(":start", "a"), ("a", "b"), ("b", ":end")}
    cancelled = overlay_from_history(definition, events("done a", "waiting b"), "cancelled")
    assert cancelled.steps["b"].state == "cancelled"
    assert ("b", ":end") not in cancelled.taken


def loop(**how: m.Expression) -> m.Definition:
    return m.Definition("W", (value("a"), m.Repeat("again", (call("b"), value("c")), **how), value("d")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "state"),
    [("completed", "done"), ("failed", "failed"), ("cancelled", "cancelled"), ("running", "waiting")],
)
def test_what_was_open_when_an_instance_ended_ended_as_it_did(status: str, state: str) -> None:
    definition = m.Definition("W", (value("a"), call("b")))
    found = overlay_from_history(definition, events("done a", "entered b", "waiting b"), status)
    assert (found.steps["a"].state, found.steps["b"].state) == ("done", state)


def test_retries_are_those_of_the_last_visit() -> None:
    definition = m.Definition("W", (m.Repeat("again", (call("b"),), until=m.Get("done")),))
    first = [
        {"type": "step.entered", "step": "b", "serial": 1},
        {"type": "step.waiting", "step": "b", "serial": 1, "retries": 2},
    ]
    done = {"type": "step.done", "step": "b", "serial": 1}
    second = {"type": "step.entered", "step": "b", "serial": 2}
    told = [
        overlay_from_history(definition, [*first, done, second][:count]).steps["b"].retries for count in (1, 2, 3, 4)
    ]
    assert told == [0, 2, 2, 0]


def test_turns_of_a_loop_take_its_edge_back_and_count_visits() -> None:
    first = ["done a", "entered again", "waiting b", "done b", "done c"]
    once = overlay_from_history(loop(test=m.Get("x")), events(*first))
    assert once.taken == {(":start", "a"), ("a", "again"), ("again", "b"), ("b", "c")}
    twice = overlay_from_history(loop(test=m.Get("x")), events(*first, "waiting b"))
    assert twice.taken == {*once.taken, ("c", "again")}
    assert twice.steps["b"] == StepState("waiting", 2)
    over = overlay_from_history(loop(test=m.Get("x")), events(*first, "done again", "done d"))
    assert over.taken == {*once.taken, ("c", "again"), ("again", "d")}


def test_a_loop_tested_after_its_body_is_entered_at_its_body() -> None:
    first = ["done a", "entered again", "waiting b", "done b", "done c"]
    once = overlay_from_history(loop(until=m.Get("x")), events(*first))
    assert once.taken == {(":start", "a"), ("a", "b"), ("b", "c")}
    twice = overlay_from_history(loop(until=m.Get("x")), events(*first, "waiting b"))
    assert twice.taken == {*once.taken, ("c", "again"), ("again", "b")}


def test_a_join_is_reached_from_every_branch() -> None:
    branches = (m.ForkBranch("x", (call("b"),)), m.ForkBranch("y", (call("c"),)))
    definition = m.Definition("W", (m.Fork("both", branches), value("d")))
    told = events("entered both", "waiting b", "waiting c", "done b", "done c", "done both", "done d")
    taken = overlay_from_history(definition, told).taken
    assert {("both", "b"), ("both", "c"), ("b", "both:join"), ("c", "both:join"), ("both:join", "d")} <= taken


def test_a_join_is_pale_until_the_way_goes_on_from_it() -> None:
    branches = (m.ForkBranch("x", (call("b"),)), m.ForkBranch("y", (call("c"),)))
    definition = m.Definition("W", (m.Fork("both", branches), value("d")))

    def state(*told: str) -> str | None:
        picture = render(definition, overlay=overlay_from_history(definition, events("entered both", *told)))
        nodes = ElementTree.fromstring(picture.svg).iter()
        return next(node.get("data-state") for node in nodes if node.get("data-node") == "both:join")

    assert state("waiting b", "waiting c") == "not-reached"
    assert state("waiting b", "done b", "waiting c") == "not-reached"
    assert state("waiting b", "done b", "done c", "done both", "done d") == "done"


def test_a_caught_failure_takes_the_edge_to_its_handler() -> None:
    handled = m.Try("guard", (call("b"),), (m.Handler(("timeout",), (value("c"),)),))
    definition = m.Definition("W", (handled, value("d")))
    told = events("entered guard", "waiting b", "failed b", "done c", "done d")
    overlay = overlay_from_history(definition, told)
    assert overlay.steps["b"].state == "failed"
    assert {("b", "c"), ("c", "d")} <= overlay.taken
    assert ("b", "d") not in overlay.taken


def test_serials_tell_visits_apart_that_run_at_once() -> None:
    body = (call("b"),)
    definition = m.Definition("W", (m.Each("each", m.Get("items"), "item", body, parallel=2),))
    told = [{"type": "step.waiting", "step": "b", "serial": serial} for serial in (3, 4)]
    assert overlay_from_history(definition, told).steps["b"].visits == 2


states = st.builds(
    StepState,
    st.sampled_from(STATES),
    st.integers(0, 5),
    st.text(max_size=3),
    st.integers(0, 2),
    st.sampled_from(["", "PT3S"]),
    st.sampled_from(["", "2026-01-02T00:00:00Z"]),
)
names = st.sampled_from("abcd")
overlays = st.builds(
    Overlay,
    st.dictionaries(names, states),
    st.frozensets(st.tuples(names, names)),
    st.dictionaries(names, st.integers(0, 9)),
    st.dictionaries(st.tuples(names, names), st.integers(0, 9)),
    st.dictionaries(names, st.sampled_from(CHANGES)),
    st.dictionaries(names, st.just((Mark("error", "no"),))),
    st.sampled_from(["", "2026-01-01T00:00:00Z"]),
)


@given(overlays, overlays)
def test_a_delta_leads_from_one_overlay_to_the_other(before: Overlay, after: Overlay) -> None:
    change = delta(before, after)
    steps = {**before.steps, **{step: StepState(**found) for step, found in change.get("steps", {}).items()}}
    taken = (before.taken | {tuple(p) for p in change.get("taken", [])}) - {tuple(p) for p in change.get("untaken", [])}
    for name in ("heat", "changes", "problems", "flows", "now"):
        assert (name in change) == (getattr(before, name) != getattr(after, name))
        assert not change.get(name) or change[name] == overlay_json(after)[name]
    reached = {step: found for step, found in steps.items() if found != StepState()}
    assert reached == {step: found for step, found in after.steps.items() if found != StepState()}
    assert taken == after.taken
    assert delta(after, after) == {}


@given(overlays)
def test_overlays_survive_json(overlay: Overlay) -> None:
    assert overlay_from_json(overlay_json(overlay)) == overlay


def test_an_overlay_changes_attributes_and_nothing_else() -> None:
    definition = m.Definition("W", (value("a"), call("b")))
    empty = render(definition, overlay=Overlay())
    told = Overlay({"a": StepState("done", 2), "b": StepState("failed", 1)}, frozenset({("a", "b")}))
    full = render(definition, overlay=told)
    assert full.placed.to_json() == empty.placed.to_json()
    assert full.identity == empty.identity
    assert full.svg.count("<") == empty.svg.count("<") + 1, "×2 gives its empty text element a closing tag"


def attributes(picture: Picture, step: str) -> dict[str, str]:
    root = ElementTree.fromstring(picture.svg)
    return next(element.attrib for element in root.iter() if element.get("data-step") == step)


PLACED = ("shape", "icon", "line", "arrow", "label", "title", "text", "detail", "badge", "fact", "frame")


def placed(picture: Picture) -> list[tuple[str, list[tuple[str, str]]]]:
    """Where everything stands that is there without an overlay, too."""
    where = ("x", "y", "width", "height", "rx", "cx", "cy", "r", "d", "transform")
    found = []
    for part in ElementTree.fromstring(picture.svg).iter():
        if str(part.get("class")).removeprefix("armillary-") in PLACED or part.tag.endswith("tspan"):
            found.append((part.tag, [(name, part.attrib[name]) for name in where if name in part.attrib]))
    return found


@pytest.mark.parametrize("name", GALLERY)
def test_whatever_an_overlay_says_nothing_moves(name: str) -> None:
    plain = render(GALLERY[name])
    steps = [node.id for node in plain.diagram.nodes if node.step is not None]
    edges = [(edge.source, edge.target) for edge in plain.diagram.edges]
    states = {step: StepState(STATES[1 + at % 5], at, "note", retries=at, took="PT4S") for at, step in enumerate(steps)}
    marks = diagnostics([Problem("x", "wrong", step=step) for step in steps], Overlay(states, frozenset(edges)))
    changes = difference([{"kind": "changed", "step": step} for step in steps])
    counts = heat_map(dict.fromkeys(steps, 7), dict.fromkeys(edges, 7))
    for overlay in (Overlay(), marks, changes, counts):
        drawn = render(GALLERY[name], overlay=overlay)
        assert drawn.placed == plain.placed
        assert sorted(placed(drawn)) == sorted(placed(plain))  # what was taken is drawn last


def test_a_heat_map_has_five_levels_of_counts_and_leaves_the_layout_alone() -> None:
    definition = m.Definition("W", (value("a"), call("b"), value("c")))
    hot = render(definition, overlay=heat_map({"a": 1000, "b": 1}, {("a", "b"): 600, ("b", "c"): 1}))
    assert hot.placed == render(definition).placed
    assert [attributes(hot, step)["data-heat"] for step in "abc"] == ["5", "1", "0"]
    assert attributes(hot, "a")["aria-label"].endswith(", entered 1000 times")
    assert ">1,000<" in hot.svg
    edges = [e for e in ElementTree.fromstring(hot.svg).iter() if e.get("class") == "armillary-edge"]
    assert {edge.get("data-source"): edge.get("data-heat") for edge in edges} == dict(
        zip((":start", *"abc"), "0510", strict=True)
    )


def test_overlays_of_many_instances_add_up_to_a_heat_map() -> None:
    one = Overlay({"a": StepState("done", 2)}, frozenset({("a", "b")}))
    assert merged([one, one, Overlay()]) == Overlay(heat={"a": 4}, flows={("a", "b"): 2})


def test_levels_are_shares_of_the_largest() -> None:
    assert [level(count, 10) for count in (0, 1, 2, 3, 5, 9, 10)] == [0, 1, 1, 2, 3, 5, 5]


def test_a_countdown_counts_from_the_overlays_own_moment() -> None:
    definition = m.Definition("W", (call("b"),))
    waiting = {"b": StepState("waiting", 1, due="2026-03-02T14:00:00+00:00")}
    assert ">due 2026-03-02 14:00<" in render(definition, overlay=Overlay(waiting)).svg
    early = render(definition, overlay=Overlay(waiting, now="2026-03-01T12:30:00+00:00"))
    assert ">1 d 1 h left<" in early.svg
    assert 'data-due="2026-03-02T14:00:00+00:00"' in early.svg
    late = render(definition, overlay=Overlay(waiting, now="2026-03-02T14:03:00+00:00"))
    assert ">3 min late<" in late.svg
    assert early.placed == late.placed == render(definition).placed


def test_a_history_with_moments_tells_how_long_visits_took() -> None:
    definition = m.Definition("W", (call("b"),))
    told = [
        {"type": "step.waiting", "step": "b", "at": "2026-03-01T12:00:00+00:00", "due": "2026-03-01T13:00:00+00:00"},
        {"type": "step.waiting", "step": "b", "at": "2026-03-01T12:00:02+00:00", "retries": 2},
        {"type": "step.done", "step": "b", "at": "2026-03-01T12:04:10+00:00"},
    ]
    assert overlay_from_history(definition, told[:2]).steps["b"].due == "2026-03-01T13:00:00+00:00"
    assert overlay_from_history(definition, told).steps["b"] == StepState("done", 1, retries=2, took="PT4M10S")


def test_diagnostics_mark_steps_without_a_new_layout() -> None:
    definition = m.Definition("W", (value("a"), call("b")))
    problems = [Problem("x", "odd", severity="warning", step="b"), Problem("y", "wrong", step="b"), Problem("z", "?")]
    marked = render(definition, overlay=diagnostics(problems))
    assert marked.placed == render(definition).placed
    assert attributes(marked, "b")["data-problem"] == "error"
    assert "error: wrong, warning: odd" in attributes(marked, "b")["aria-label"]
    assert 'data-live="false"' in marked.svg


def test_a_difference_shows_each_side_what_it_holds() -> None:
    changes = [
        {"kind": "removed", "step": "gone"},
        {"kind": "added", "step": "fresh"},
        {"kind": "renamed", "step": "new", "before": "old"},
        {"kind": "changed", "step": "new"},
        {"kind": "version"},
    ]
    assert difference(changes).changes == {"fresh": "added", "new": "changed"}
    assert difference(changes, side="before").changes == {"gone": "removed", "old": "changed"}
    shown = render(m.Definition("W", (value("fresh"), value("same"))), overlay=difference(changes))
    assert attributes(shown, "fresh")["data-change"] == "added"
    assert "data-change" not in attributes(shown, "same")
    assert ">+ added<" in shown.svg


def test_the_legend_has_what_the_overlay_shows() -> None:
    definition = m.Definition("W", (value("a"), call("b"), value("c")))

    def words(overlay: Overlay) -> list[str]:
        root = ElementTree.fromstring(render(definition, overlay=overlay, legend=True).svg)
        found = root.find(".//{http://www.w3.org/2000/svg}g[@class='armillary-legend']")
        assert found is not None
        return [text.text or "" for text in found.iter("{http://www.w3.org/2000/svg}text")]

    counts = words(heat_map({"a": 10, "b": 1, "c": 0}))
    assert counts[-3:] == ["never", "entered up to 2 times", "entered up to 10 times"]
    changed = words(difference([{"kind": "added", "step": "a"}, {"kind": "changed", "step": "b"}]))
    assert changed[-2:] == ["+ added", "~ changed"]
