"""The SVG document: well formed, self-contained, scoped, accessible, and the same bytes everywhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError, Problem
from armillary_renderers.diagram.geometry import Box
from armillary_renderers.diagram.model import Diagram
from armillary_renderers.diagram.schema import SCHEMA
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import STATES, Overlay, State, StepState
from armillary_renderers.render import render
from armillary_renderers.svg.accessibility import KINDS, STATE_WORDS
from armillary_renderers.svg.elements import element as xml
from armillary_renderers.svg.elements import safe, written
from armillary_renderers.svg.shapes import outline
from armillary_renderers.svg.theme import THEMES
from armillary_renderers.testing import definitions, diagram_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SVG = "{http://www.w3.org/2000/svg}"
SLOW = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
HOSTILE = [
    "</text><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "]]>&lt;&#x3c;script&#x3e;",
    "javascript:alert(1)",
    "}</style><style>*{display:none}",
    "a\x00b\x08\ud800\uffff\u202e",
    "${alert(1)} {{7*7}} %3Cscript%3E",
]


def one(title: str, step: str = "a") -> m.Definition:
    body = (m.Task(step, title, roles=(title,)), m.Decision("choose", (m.Branch(m.Const(True), ()),)))
    labels = m.StepMeta(title=title, note=title, labels={"0": title})
    return m.Definition(title, body, meta=m.Meta(title=title, description=title, steps={"choose": labels}))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text: str) -> None:
    problems = [Problem("x", text, step="choose")]
    overlay = Overlay({"choose": StepState("failed", 2, note=text)})
    picture = render(one(text), problems=problems, title=text, overlay=overlay)
    root = ElementTree.fromstring(picture.svg)
    allowed = {"svg", "g", "path", "rect", "circle", "text", "tspan", "use", "defs", "title", "desc", "style"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    for element in root.iter():
        assert not [name for name in element.attrib if name.lower().startswith("on")]
        assert all(element.get(name, "#").startswith("#") for name in element.attrib if name.endswith("href"))
    assert text not in "".join(style.text or "" for style in root.iter(f"{SVG}style"))
    picture.svg.encode()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_step_ids_are_attributes_only(text: str) -> None:
    ElementTree.fromstring(render(one("Ask", text)).svg)


@given(st.text(max_size=80))
@settings(deadline=None, max_examples=60)
def test_any_text_gives_a_document(text: str) -> None:
    ElementTree.fromstring(render(one(text)).svg)


@SLOW
@given(definitions(), st.sampled_from(THEMES))
def test_every_rule_and_reference_is_scoped(definition: m.Definition, theme: str) -> None:
    picture = render(definition, theme=theme, overlay=Overlay())  # type: ignore[arg-type]
    root = ElementTree.fromstring(picture.svg)
    identity = root.get("id")
    assert identity == picture.identity
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(found == identity or str(found).startswith(f"{identity}-") for found in identifiers)
    references = [element.get("{http://www.w3.org/1999/xlink}href") for element in root.iter(f"{SVG}use")]
    assert {str(reference)[1:] for reference in references} <= set(identifiers)
    sheet = re.sub(r"@keyframes [\w-]+\{[^}]*\{[^}]*\}\}|@media[^{]*\{", "", root.findtext(f"{SVG}style") or "")
    for selectors in re.findall(r"([^{}]+)\{", sheet):
        assert all(selector.strip().startswith(f"#{identity}") for selector in selectors.split(",")), selectors


@SLOW
@given(definitions())
def test_every_step_can_be_focused_and_says_what_it_is(definition: m.Definition) -> None:
    picture = render(definition, overlay=Overlay())
    root = ElementTree.fromstring(picture.svg)
    nodes = [element for element in root.iter(f"{SVG}g") if element.get("class") == "armillary-node"]
    steps = {element.get("data-step") for element in nodes} - {None}
    assert steps == {node.step for node in picture.diagram.nodes} - {None}
    for node in nodes:
        if node.get("data-step"):
            assert node.get("tabindex") == "0"
            assert node.get("data-state") == "not-reached"
            assert node.get("aria-label") == f"{node.get('data-label')}, not reached"
            badges = [use.get("class") for use in node.iter(f"{SVG}use") if "state" in str(use.get("class"))]
            assert badges == [f"armillary-state-{state}" for state in STATES[1:]]


@SLOW
@given(definitions())
def test_a_screen_reader_is_told_what_the_picture_and_each_node_is(definition: m.Definition) -> None:
    picture = render(definition)
    root = ElementTree.fromstring(picture.svg)
    assert root.get("role") == "graphics-document"
    assert root.get("aria-roledescription") == "workflow diagram"
    named = {element.get("id"): element for element in root.iter()}
    title, told = (named[name] for name in str(root.get("aria-labelledby")).split())
    assert (title.tag, title.text) == (f"{SVG}title", picture.diagram.title)
    assert told.tag == f"{SVG}desc"
    assert str(told.text).startswith("A workflow of ")
    assert [root[0], root[1]] == [title, told], "first, or a browser shows no name for the whole"
    nodes = [element for element in root.iter(f"{SVG}g") if element.get("class") == "armillary-node"]
    assert [node.get("role") for node in nodes] == ["graphics-symbol"] * len(picture.diagram.nodes)
    assert [node.get("data-node") for node in nodes] == [node.id for node in picture.diagram.nodes], (
        "the Tab key's order"
    )
    assert all(node.get("aria-label") for node in nodes)


def test_states_are_shown_by_attributes() -> None:
    overlay = Overlay({"a": StepState("waiting", 3)}, frozenset({(":start", "a")}))
    root = ElementTree.fromstring(render(one("Ask"), overlay=overlay).svg)
    (node,) = [element for element in root.iter() if element.get("data-step") == "a"]
    assert node.get("data-state") == "waiting"
    assert node.get("aria-label") == "human task: Ask, Ask, waiting, 3 times"
    assert "×3" in [text.text for text in node.iter(f"{SVG}text")]
    taken = [element.get("data-target") for element in root.iter() if element.get("data-taken") == "true"]
    assert taken == ["a"]


@pytest.mark.parametrize("state", STATES[1:])
def test_a_state_is_an_icon_and_a_word_as_well_as_a_colour(state: State) -> None:
    picture = render(one("Ask"), overlay=Overlay({"a": StepState(state, 1)}), legend=True)
    root = ElementTree.fromstring(picture.svg)
    named = {element.get("id"): element for element in root.iter()}
    badge = named[f"{picture.identity}-state-{state}"]
    assert [text.text for text in badge.iter(f"{SVG}text")] == [STATE_WORDS[state]]
    drawn = {named[f"{picture.identity}-state-{other}"].find(f"{SVG}path").get("d") for other in STATES[1:]}  # type: ignore[union-attr]
    assert len(drawn) == len(STATES) - 1
    (node,) = [element for element in root.iter() if element.get("data-step") == "a"]
    worn = [use.get("{http://www.w3.org/1999/xlink}href") for use in node.iter(f"{SVG}use")]
    assert f"#{picture.identity}-state-{state}" in worn
    sheet = root.findtext(f"{SVG}style") or ""
    assert f"[data-state={state}] .armillary-state-{state}{{display:inline}}" in sheet


SHAPES = {
    ("decision", "repeat"): [(50, 0), (100, 30), (50, 60), (0, 30)],
    ("fork", "join"): [(12, 0), (88, 0), (100, 30), (88, 60), (12, 60), (0, 30)],
    ("each",): [(9, 0), (91, 0), (100, 30), (91, 60), (9, 60), (0, 30)],
    ("signal",): [(7, 0), (93, 0), (100, 30), (93, 60), (7, 60), (0, 30)],
}


@pytest.mark.parametrize("kinds", SHAPES)
def test_diamonds_decide_and_hexagons_fork_join_wait_and_repeat(kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        path = str(outline(kind, Box(0, 0, 100, 60)).get("d"))
        points: list[tuple[int, int]] = []
        for letter, numbers in re.findall(r"([MLH])([\d ]+)", path):
            x, *y = map(int, numbers.split())
            points.append((x, points[-1][1] if letter == "H" else y[0]))
        assert points == SHAPES[kinds]


@pytest.mark.parametrize(
    ("kind", "tag"), [("start", "circle"), ("end", "circle"), ("catch", "circle"), ("task", "rect")]
)
def test_circles_begin_end_and_catch(kind: str, tag: str) -> None:
    assert outline(kind, Box(0, 0, 40, 40)).tag == tag


@pytest.mark.parametrize("name", GALLERY)
def test_the_legend_has_every_kind_of_node_and_line_that_is_drawn(name: str) -> None:
    picture = render(GALLERY[name], legend=True)
    root = ElementTree.fromstring(picture.svg)
    (rows,) = [part for part in root.iter(f"{SVG}g") if part.get("class") == "armillary-legend"]
    told = {text.text for text in rows.iter(f"{SVG}text")}
    kinds = {node.kind for node in picture.diagram.nodes}
    assert told >= {KINDS[kind] for kind in kinds}
    assert {part.get("data-kind") for part in rows.iter(f"{SVG}g")} - {None} >= kinds
    lines = {edge.kind for edge in picture.diagram.edges}
    assert ("failure or time-out" in told) == ("failure" in lines)
    assert ("compensation" in told) == ("compensation" in lines)
    assert "control flow" in told
    assert "armillary-legend" not in render(GALLERY[name]).svg, "it is there on request"


def test_what_is_cut_is_told_whole() -> None:
    long = " ".join(["incomprehensibilities"] * 30)
    root = ElementTree.fromstring(render(one(long)).svg)
    for name in ("node", "edge"):
        drawn = [part for part in root.iter(f"{SVG}g") if part.get("class") == f"armillary-{name}"]
        cut = [
            part for part in drawn if "…" in "".join("".join(text.itertext()) for text in part.findall(f"{SVG}text"))
        ]
        assert cut, name
        for part in cut:
            assert any(long in str(title.text) for title in part.iter(f"{SVG}title")), name


def test_two_themes_have_two_identities_and_one_layout() -> None:
    light, dark = render(one("Ask"), theme="light"), render(one("Ask"), theme="dark")
    assert light.identity != dark.identity
    assert light.placed == dark.placed


def test_density_moves_what_is_drawn_and_changes_no_size() -> None:
    drawn = [render(GALLERY["hello"], density=density) for density in ("compact", "normal", "airy")]
    heights = [picture.placed.height for picture in drawn]
    assert heights == sorted(set(heights))
    sizes = [[(spot.box.width, spot.box.height) for spot in picture.placed.nodes] for picture in drawn]
    assert sizes[0] == sizes[1] == sizes[2]
    assert render(GALLERY["hello"]).svg == drawn[1].svg


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"theme": "pink"}, "expected theme to be one of auto, light, dark, high-contrast, print, got 'pink'"),
        ({"detail": "all"}, "expected detail to be one of outline, normal, full, got 'all'"),
        ({"direction": "up"}, "expected direction to be one of down, right, left, got 'up'"),
        ({"density": "tight"}, "expected density to be one of compact, normal, airy, got 'tight'"),
        ({"id_prefix": "1 {"}, "expected id_prefix to be a letter followed by"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ArmillaryError, match=re.escape(message)):
        render(one("Ask"), **options)  # type: ignore[arg-type]


def test_saves_by_suffix_and_refuses_others(tmp_path: Path) -> None:
    picture = render(one("Ask"))
    for suffix in ("svg", "json", "mmd", "dot", "txt", "html"):
        assert picture.save(tmp_path / f"a.{suffix}").read_text(encoding="utf-8")
    with pytest.raises(ArmillaryError, match=r"expected a file ending in .*, got '\.bmp'"):
        picture.save(tmp_path / "a.bmp")
    with pytest.raises(ArmillaryError, match=r"expected a file that can be written, got .*a\.svg"):
        picture.save(tmp_path / "missing" / "a.svg")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".dot", ".html", ".json", ".mmd", ".svg", ".txt"]


@SLOW
@given(definitions())
def test_a_diagram_survives_its_json_and_fits_its_schema(definition: m.Definition) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    diagram = diagram_of(definition)
    assert Diagram.from_json(diagram.to_json()) == diagram
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(diagram.to_json()))


SCRIPT = """
import hashlib, sys
from armillary_engine.definition import model as m
from armillary_renderers.render import render
order = (lambda d: dict(reversed(d.items()))) if sys.argv[1] == "reversed" else dict
members = {"b": m.Const(1), "a": m.Get("input.x"), "c": m.Const("x")}
call = m.Call("ask", m.Address("rating", "quote"), m.Object(order(members)), retry=m.RetryPolicy(attempts=3))
body = (m.Reference("ref", m.Get("input.id"), order(members)), m.Set("set", order(members)), m.Try("try", (call,),
    (m.Handler(("timeout",), (m.Leave("l"),)), m.Handler(("*",), ()))))
steps = order({"ask": m.StepMeta(title="Ask"), "ref": m.StepMeta(note="n")})
definition = m.Definition("W", (m.Repeat("loop", body, until=m.Get("x")),), meta=m.Meta(steps=steps))
for detail in ("outline", "normal", "full"):
    picture = render(definition, detail=detail)
    for text in (picture.svg, picture.placed.to_json(), picture.mermaid, picture.dot, picture.outline):
        print(hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.mark.parametrize(("seed", "order"), [("0", "straight"), ("1", "straight"), ("77", "reversed")])
def test_same_bytes_in_any_process(seed: str, order: str) -> None:
    def digests(*arguments: str, **environment: str) -> str:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
        command = [sys.executable, "-c", SCRIPT, *arguments]
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout

    assert digests(order, PYTHONHASHSEED=seed) == digests("straight", PYTHONHASHSEED="random")


def test_errors_and_warnings_are_marked_and_remarks_are_not() -> None:
    problems = [
        Problem("a.b", "first", severity="warning", step="a"),
        Problem("a.c", "second", severity="error", step="a"),
        Problem("a.d", "third", severity="info", step="choose"),
        Problem("a.e", "fourth", step="gone"),
    ]
    picture = render(one("Ask"), problems=problems)
    marks = {
        node: [(mark.severity, mark.message) for mark in found] for node, found in picture.diagram.problems.items()
    }
    assert marks == {"a": [("error", "second"), ("warning", "first")], ":start": [("error", "fourth")]}
    assert picture.svg.count('class="armillary-problem"') == 2
    assert "a" in picture.outline
    assert "! error: second ! warning: first" in picture.outline
    assert Diagram.from_json(picture.diagram.to_json()) == picture.diagram


def test_a_decision_by_one_value_shows_the_value_and_its_cases() -> None:
    cases = tuple(m.Branch(m.Op("==", (m.Get("review.decision"), m.Const(case))), ()) for case in ("accept", "decline"))
    diagram = diagram_of(m.Definition("W", (m.Decision("which", cases),)))
    assert diagram.node["which"].title == "review.decision"
    assert [edge.label for edge in diagram.edges if edge.source == "which"] == ["accept", "decline", "otherwise"]


@given(st.text(max_size=20), st.text(max_size=20))
def test_elements_are_written_as_the_standard_library_does(attribute: str, words: str) -> None:
    root = xml("svg", {"a": safe(attribute), "xlink:href": "#b"})
    root.append(xml("text", {"class": safe(words)}, safe(words)))
    root.append(xml("g", {}))
    assert written(root) == ElementTree.tostring(root, encoding="unicode")


def test_an_embedded_font_is_only_as_large_as_the_texts_need() -> None:
    plain, latin = render(GALLERY["hello"]).svg, render(GALLERY["hello"], font="embedded").svg
    assert latin.count("@font-face") == 2
    assert 20_000 < len(latin) - len(plain) < 40_000
    step = m.Task("a", "Проверить")
    cyrillic = render(m.Definition("A", (step,)), font="embedded").svg
    assert cyrillic.count("@font-face") == 4
    assert "http" not in latin.replace("http://www.w3.org/", "")
    with pytest.raises(ArmillaryError, match="expected font to be one of system, embedded, got 'comic'"):
        render(GALLERY["hello"], font="comic")  # type: ignore[arg-type]
