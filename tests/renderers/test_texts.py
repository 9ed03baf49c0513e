"""DOT and Mermaid, read by the programs that they are for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from armillary_engine.definition import model as m
from armillary_renderers.gallery import GALLERY
from armillary_renderers.render import Picture, render

HOSTILE = '"quoted" \\N \\G <b>bold</b> {x|y} [z] -> ; # // /* "; }'


def hostile() -> Picture:
    step = m.Task("graph", HOSTILE, roles=(HOSTILE,))
    choice = m.Decision("end", (m.Branch(m.Get("subgraph"), (m.Complete("click"),)),))
    labels = m.StepMeta(title=HOSTILE, labels={"0": HOSTILE})
    return render(m.Definition("digraph", (step, choice), meta=m.Meta(title=HOSTILE, steps={"end": labels})))


@pytest.mark.parametrize("name", [*GALLERY, "hostile"])
def test_dot_accepts_it_and_draws_every_node_and_edge(require: Callable[[str], str], name: str) -> None:
    picture = hostile() if name == "hostile" else render(GALLERY[name])
    ran = subprocess.run([require("dot"), "-Tplain"], input=picture.dot, text=True, capture_output=True, check=True)
    assert ran.stderr == ""
    kinds = [line.partition(" ")[0] for line in ran.stdout.splitlines()]
    assert (kinds.count("node"), kinds.count("edge")) == (len(picture.diagram.nodes), len(picture.diagram.edges))
