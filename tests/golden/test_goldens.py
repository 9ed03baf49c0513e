"""The pictures of the gallery are the ones that were last looked at and accepted (``tests/golden/update.py``)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from armillary_renderers.diagram.measure import measure
from armillary_renderers.gallery import GALLERY
from armillary_renderers.render import Picture, render

HERE = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("golden_update", HERE / "update.py")
assert _SPEC is not None
assert _SPEC.loader is not None
update = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(update)
PICTURES: dict[str, Picture] = dict(update.pictures())


@pytest.mark.parametrize("name", PICTURES)
def test_golden(name: str) -> None:
    for path, text in update.files(name, PICTURES[name]):
        assert path.read_text(encoding="utf-8") == text, (
            "draw it again with tests/golden/update.py, look at it with make goldens-report"
        )


def test_no_golden_is_left_over() -> None:
    wanted = {path for name, picture in PICTURES.items() for path, _ in update.files(name, picture)}
    found = {*HERE.glob("*.svg"), *HERE.glob("*.placed.json")}
    assert found == wanted


WISHES: dict[str, Callable[[Picture], bool]] = {
    "no text is cut": lambda picture: (
        not any(
            line.endswith("…") for node in picture.diagram.nodes for line in (*node.title_lines, *node.detail_lines)
        )
    ),
    "nodes fill 18 % of it": lambda picture: measure(picture.placed).node_share >= 0.18,
    "at most .6 bends an edge": lambda picture: measure(picture.placed).bends_per_edge <= 0.6,
    "at most 200 pixels an edge": lambda picture: (
        measure(picture.placed).edge_length <= 200 * len(picture.placed.edges)
    ),
}
TODO = {
    ("book-trip", "nodes fill 18 % of it"): "the ways of the handlers run past one another to the right",
    (
        "process-orders",
        "nodes fill 18 % of it",
    ): "the body stands to the right of its gateway, and nothing below that",
    ("poll-job", "nodes fill 18 % of it"): "the frame is wide for one branch to the right",
    ("route-ticket", "nodes fill 18 % of it"): "four branches in a row, of which one goes on",
    ("review-document", "nodes fill 18 % of it"): "each of three levels moves its body to the right",
    ("review-document", "at most 200 pixels an edge"): "leaving the outer loop goes around all of it",
    ("settle-claim-right", "at most .6 bends an edge"): "four rows: each continuation has four bends",
    ("settle-claim-left", "at most .6 bends an edge"): "four rows: each continuation has four bends",
    ("settle-claim-right", "at most 200 pixels an edge"): "four rows: each continuation runs back all of a row",
    ("settle-claim-left", "at most 200 pixels an edge"): "four rows: each continuation runs back all of a row",
}
"""What is ugly and known to be: picture and wish, and why it is not so yet. A wish that has come true is taken off."""
EXAMPLES = {"hello-grid"}
"""The smallest layout that keeps the contract is an example, not a picture that anybody should like."""


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("name", sorted(PICTURES.keys() - EXAMPLES))
def test_what_is_ugly_is_on_the_list_and_nothing_else(name: str, wish: str) -> None:
    fulfilled = WISHES[wish](PICTURES[name])
    if (name, wish) in TODO:
        assert not fulfilled, f"{name} is prettier than the list says ({wish}): take it off TODO"
    else:
        assert fulfilled, f"{name} has become ugly ({wish}): mend it, or put it on TODO and say why"


def test_the_list_names_pictures_and_wishes() -> None:
    assert TODO.keys() <= {(name, wish) for name in PICTURES for wish in WISHES}


@pytest.mark.parametrize("name", GALLERY)
@pytest.mark.parametrize("direction", ["down", "right", "left"])
@pytest.mark.parametrize("detail", ["outline", "normal", "full"])
def test_examples_keep_to_the_gates(name: str, direction: str, detail: str) -> None:
    figures = measure(render(GALLERY[name], direction=direction, detail=detail).placed)  # type: ignore[arg-type]
    assert figures.faults == ()
    assert figures.upward_undeclared == 0
