"""DOT, read by the program that it is for, the outline, read by people, and Mermaid, which ``tests/browser`` draws."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest
from armillary_engine.definition import model as m
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.render import Picture, render
from armillary_renderers.svg.accessibility import KINDS

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


NODE = re.compile(r'  (n\d+)[\[({>]+"([^"]*)"[\])}]+')
EDGE = re.compile(r'  ([ng]\d+) (-->|-\.->)(?:\|"([^"]+)"\|)? ([ng]\d+)')


def words(text: str) -> str:
    """What Mermaid shows for a text: it may hold no sign of its syntax but the two forms below."""
    plain = re.sub(r"#\d+;|<br/>", "", text)
    assert not set('"#<>&`\\[]{}()|;') & set(plain), text
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text.replace("<br/>", "\n"))


def shown(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", [*GALLERY, "hostile"])
def test_mermaid_has_every_node_and_edge_with_its_text(name: str) -> None:
    picture = hostile() if name == "hostile" else render(GALLERY[name])
    lines = picture.mermaid.splitlines()
    assert lines[0] == "flowchart TD"
    nodes = [found for found in map(NODE.fullmatch, lines) if found]
    told = [
        shown(node.title) + (f"\n{shown(node.subtitle)}" if node.subtitle else "") for node in picture.diagram.nodes
    ]
    assert [words(found[2]) for found in nodes] == told
    edges = [found for found in map(EDGE.fullmatch, lines) if found]
    assert [(found[2] == "-.->", words(found[3] or "")) for found in edges] == [
        (edge.kind in ("failure", "compensation"), shown(edge.label)) for edge in picture.diagram.edges
    ]
    known = dict(zip((node.id for node in picture.diagram.nodes), (found[1] for found in nodes), strict=True))
    ends = [(known.get(edge.source), known.get(edge.target)) for edge in picture.diagram.edges]
    for found, (source, target) in zip(edges, ends, strict=True):  # an end may be a frame
        assert source in (found[1], None)
        assert target in (found[4], None)
    rest = [line.strip() for line in lines[1:] if not NODE.fullmatch(line) and not EDGE.fullmatch(line)]
    assert all(re.fullmatch(r'end|n\d+|subgraph g\d+\["[^"]*"\]', line) for line in rest), rest


def depth(line: str) -> int:
    return len(line) - len(line.lstrip())


@pytest.mark.parametrize("name", GALLERY)
def test_the_outline_has_every_step_once_and_every_branch_by_its_label(name: str) -> None:
    picture = render(GALLERY[name])
    lines = picture.outline.splitlines()
    assert lines[0] == picture.diagram.title
    assert all(depth(line) > 0 for line in lines[1:])
    steps = [node for node in picture.diagram.nodes if node.step is not None and node.kind not in ("join", "start")]
    told = sorted(line.strip().removeprefix("until ").partition(" (")[0] for line in lines if ": " in line)
    for node in steps:
        assert f"{KINDS.get(node.kind, node.kind)}: {node.title}".partition(" (")[0] in told
    for node in (node for node in steps if node.kind == "decision"):
        for edge in (edge for edge in picture.diagram.edges if edge.source == node.id and edge.label):
            assert any(line.strip().startswith(f"{edge.label}:") for line in lines)


def test_the_outline_has_what_handles_a_failure_and_what_undoes_it() -> None:
    lines = [line.strip() for line in render(GALLERY["book-trip"]).outline.splitlines()]
    for first, then in (
        ("on failure:", "timeout:"),
        ("timeout:", "human task: Check payment"),
        ("to undo it:", "service"),
    ):
        after = lines[lines.index(first) + 1 :]
        assert any(line.startswith(then) for line in after), (first, then)


def test_the_outline_shows_what_belongs_to_what() -> None:
    """By how far in it stands: a branch below its decision, its steps below it, and the rest no deeper than before."""
    paid = m.Decision("paid", (m.Branch(m.Get("ready"), (m.Task("pack", "Pack"),)),), (m.Task("remind", "Remind"),))
    lines = render(m.Definition("Ship", (paid, m.Complete("done")))).outline.splitlines()
    at = {line.strip().partition(":")[2].strip() or line.strip(): depth(line) for line in lines}
    assert at["Pack"] == at["Remind"] == 6
    assert [depth(line) for line in lines if "decision" in line or "end, completed" in line] == [2, 2]


def test_the_outline_says_where_an_instance_stands_and_a_hostile_text_stays_on_its_line() -> None:
    overlay = Overlay({"claim-id": StepState("done", 1), "cover": StepState("failed", 2)})
    text = render(GALLERY["settle-claim"], overlay=overlay).outline
    assert "business reference: Claim (claim.id) [done]" in text
    assert "[failed ×2]" in text
    assert text.count("[") == 2
    split = HOSTILE.replace(" ", "\n")
    one, other = (m.Definition("d", (m.Task("a", words),)) for words in ("Ask", split))
    assert len(render(other).outline.splitlines()) == len(render(one).outline.splitlines())
