"""Every picture is valid SVG."""

from __future__ import annotations

from pathlib import Path

import pytest
from armillary_engine.definition import model as m
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.render import render
from armillary_renderers.svg.theme import THEMES, Theme
from armillary_renderers.testing import definitions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .svg_validator import faults

ROOT = Path(__file__).parents[2]
DRAWN = sorted(
    [*ROOT.glob("tests/golden/*.svg"), *ROOT.glob("docs/gallery/[!.]*.svg"), *ROOT.glob("docs/images/*.svg")]
)


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_picture_that_is_kept_is_valid(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    definition=definitions(),
    theme=st.sampled_from(THEMES),
    states=st.lists(st.sampled_from(["running", "waiting", "done", "failed", "cancelled"]), max_size=9),
    legend=st.booleans(),
)
def test_every_generated_picture_is_valid(
    definition: m.Definition, theme: Theme, states: list[str], legend: bool
) -> None:
    steps = {
        step.id: StepState(state, 2, "note", 1, "PT4S", "2026-03-04T12:00:00+00:00")  # type: ignore[arg-type]
        for step, state in zip(definition.body, states, strict=False)
    }
    assert faults(render(definition, theme=theme, legend=legend, overlay=Overlay(steps)).svg) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("<rect ", "<rectangle ", "no element"),
        (' rx="8"', ' rx="wide"', "not a valid value for attribute 'rx'"),
        (' class="armillary-title"', ' colour="red"', "Invalid attribute 'colour'"),
        ("xlink:href=\"#", "xlink:href=\"#no-", "leads nowhere"),
        ("</style>", "}</style>", "a brace too many"),
        ("-title\"", "-desc\"", "occurs 2 times"),
        (" .armillary-title{", ",p{", "selector p is not of this picture"),
        ("<defs>", "<defs><foo/>", "<foo> is no element"),
        ("<title ", "<title><g/></title><title ", "<g> in <title>"),
    ],
)  # fmt: skip
def test_the_validator_sees_what_is_wrong(before: str, after: str, fault: str) -> None:
    svg = render(GALLERY["hello"], theme="light").svg
    assert faults(svg) == []
    assert before in svg
    found = faults(svg.replace(before, after).replace("</rect>", "</rectangle>" if "rectangle" in after else "</rect>"))
    assert any(fault in told for told in found), found
