"""What only a browser can tell: that texts fit, that pictures on one page keep apart, that nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_renderers.diagram.model import Mark
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import STATES, Overlay, StepState
from armillary_renderers.project.overlays import heat_map
from armillary_renderers.render import render

pytestmark = [pytest.mark.require("chromium"), pytest.mark.timeout(120)]
FONTS = ("DejaVu Sans", "Liberation Sans", "sans-serif")

OUTSIDE = """(font) => {
  const faults = [];
  for (const svg of document.querySelectorAll('svg')) {
    svg.style.fontFamily = `'${font}'`;
    for (const node of svg.querySelectorAll('.armillary-node')) {
      const shape = node.querySelector('.armillary-shape').getBBox();
      const diamond = ['decision', 'repeat'].includes(node.dataset.kind);
      for (const text of node.querySelectorAll('text[class]:not(.armillary-visits)')) {
        const lines = text.children.length ? [...text.children] : [text];
        const box = text.getBBox();
        const inside = box.x >= shape.x && box.x + box.width <= shape.x + shape.width
                    && box.y >= shape.y && box.y + box.height <= shape.y + shape.height;
        if (!inside) faults.push(`${node.dataset.step}: ${text.textContent}`);
        if (!diamond) continue;
        for (const line of lines) {
          const wide = line.getComputedTextLength() / 2 / (shape.width / 2);
          const y = parseFloat(line.getAttribute('y')) - 5;
          const high = Math.abs(y - (shape.y + shape.height / 2)) / (shape.height / 2);
          if (wide + high > 1) faults.push(`${node.dataset.step} corner: ${line.textContent}`);
        }
      }
    }
  }
  return faults;
}"""

LABELS = """(boxes) => {
  const faults = [];
  for (const [edge, [x, y, width, height]] of Object.entries(boxes)) {
    const group = [...document.querySelectorAll('.armillary-edge')].find(g => g.dataset.edge === edge);
    const box = group.querySelector('text').getBBox();
    if (box.x < x - 1 || box.x + box.width > x + width + 1 || box.y < y - 2 || box.y + box.height > y + height + 2)
      faults.push(edge);
  }
  return faults;
}"""


TOUCHING = """(least) => {
  const shown = '.armillary-visits, .armillary-retries, .armillary-clock, .armillary-change, .armillary-states use, '
    + '.armillary-problem[data-severity], .armillary-label, .armillary-title, .armillary-text';
  const found = [...document.querySelectorAll(shown)].filter(one => getComputedStyle(one).display !== 'none')
    .map(one => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width && box.height);
  const name = (one) => `${one.closest('g[data-node]')?.dataset.node ?? ''} ${one.getAttribute('class')}`;
  const faults = [];
  found.forEach(([one, a], at) => found.slice(at + 1).forEach(([other, b]) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 2 && down > least) faults.push(`${name(one)}, ${name(other)}: ${across} ${down}`);
  }));
  return faults;
}"""
"""What is written on what; the box of a text has some room above and below the letters."""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    yield opened
    opened.close()


def show(page: Any, *pictures: str) -> None:
    page.set_content(f"<!doctype html><meta charset='utf-8'><body>{''.join(pictures)}</body>")


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("detail", ["outline", "normal", "full"])
def test_every_text_is_inside_its_shape(page: Any, font: str, detail: str) -> None:
    drawn = [render(definition, detail=detail).svg for definition in GALLERY.values()]  # type: ignore[arg-type]
    show(page, *drawn)
    assert page.evaluate(OUTSIDE, font) == []


TEXTS = (
    "Überprüfung der Schadensmeldung",
    "Проверить заявку клиента",
    "Έλεγχος της αίτησης του πελάτη",
    "契約に署名する前に確認してください",
    "계약서에 서명하다",
    "חשבון חדש ללקוח",
    "عقد جديد للعميل",
    "🚀 Launch 🎉 and 👩‍💻 tell",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "illicit.fill-in_of/little/lilies and ﬁﬂﬃ",
)


def scripts(texts: tuple[str, ...] = TEXTS) -> m.Definition:
    """Each text on a task, a decision and a call."""
    steps: list[m.Step] = []
    titles: dict[str, m.StepMeta] = {}
    for number, text in enumerate(texts):
        inner = m.Call(f"call-{number}", m.Address("mail", "send"), m.Object({}), retry=m.RetryPolicy(3))
        steps.append(m.Task(f"task-{number}", "Ask", roles=(text[:20],)))
        steps.append(m.Decision(f"if-{number}", (m.Branch(m.Get("ready"), (inner,)),)))
        titles |= {f"{kind}-{number}": m.StepMeta(title=text) for kind in ("task", "if", "call")}
    return m.Definition("Scripts", tuple(steps), meta=m.Meta(steps=titles))


@pytest.mark.parametrize("font", FONTS)
def test_texts_of_every_script_are_inside_their_shapes(page: Any, font: str) -> None:
    show(page, render(scripts()).svg)
    assert page.evaluate(OUTSIDE, font) == []


@pytest.mark.parametrize("font", FONTS[:2])
def test_the_fonts_that_texts_are_measured_for_are_here(page: Any, font: str) -> None:
    """Otherwise the tests above would have seen another."""
    show(page, "<canvas></canvas>")
    widths = """(font) => { const pen = document.querySelector('canvas').getContext('2d');
        return ['monospace', 'serif'].map(other => {
            pen.font = `20px '${font}', ${other}`; return pen.measureText('wide mild').width; }); }"""
    one, other = page.evaluate(widths, font)
    assert one == other


@pytest.mark.parametrize("name", ["scripts", *GALLERY])
def test_texts_are_inside_with_the_font_that_the_picture_carries(page: Any, name: str) -> None:
    """With no other font that could stand in for it but one that is far too wide, for what it has characters of."""
    definition = scripts(TEXTS[:3]) if name == "scripts" else GALLERY[name]
    picture = render(definition, font="embedded", detail="full")
    show(page, picture.svg)
    page.wait_for_function("""() => { const there = [...document.fonts].filter(face => face.status === 'loaded');
        return ['400', '700'].every(weight => there.some(face => face.weight === weight)); }""")
    assert page.evaluate(OUTSIDE, "Armillary DejaVu Sans', monospace, 'x") == []
    boxes = {edge.id: list(edge.label) for edge in picture.placed.edges if edge.label is not None}
    assert page.evaluate(LABELS, boxes) == []


def test_the_font_that_the_picture_carries_is_the_one_that_is_seen(page: Any) -> None:
    """As an image, too, where a page's own fonts do not reach: a font that cannot be read is seen by its absence."""
    picture = render(GALLERY["hello"], font="embedded", theme="light")
    broken = picture.svg.replace("font/woff2;base64,", "font/woff2;base64,AAAA")
    drawn = """async (sources) => { const pixels = [];
        for (const source of sources) {
            const image = new Image(); image.src = 'data:image/svg+xml,' + encodeURIComponent(source);
            await image.decode();
            const pen = new OffscreenCanvas(image.width, image.height).getContext('2d');
            pen.drawImage(image, 0, 0);
            pixels.push(pen.getImageData(0, 0, image.width, image.height).data.join());
        }
        return pixels.map(found => found === pixels[0]); }"""
    assert page.evaluate(drawn, [picture.svg, picture.svg, broken]) == [True, True, False]


@pytest.mark.parametrize("name", GALLERY)
def test_every_label_is_inside_its_box(page: Any, name: str) -> None:
    picture = render(GALLERY[name])
    show(page, picture.svg)
    boxes = {edge.id: list(edge.label) for edge in picture.placed.edges if edge.label is not None}
    assert page.evaluate(LABELS, boxes) == []


def busy(definition: m.Definition) -> Overlay:
    """Each step says all that its kind can."""
    steps, marks = {}, {}
    for number, node in enumerate(render(definition).diagram.nodes):
        if node.step is not None:
            tried = {"retries": 2, "took": "PT4S"} if node.kind in ("call", "task", "subworkflow") else {}
            state = STATES[1 + number % (len(STATES) - 1)]
            steps[node.id] = StepState(state, 2, **tried)  # type: ignore[arg-type]
            marks[node.id] = (Mark("error", "wrong"),)
    return Overlay(steps, problems=marks)


@pytest.mark.parametrize("name", GALLERY)
def test_nothing_that_an_overlay_says_stands_on_something_else(page: Any, name: str) -> None:
    for overlay in (busy(GALLERY[name]), heat_map(dict.fromkeys(busy(GALLERY[name]).steps, 1234), {})):
        show(page, render(GALLERY[name], overlay=overlay, theme="light").svg)
        assert page.evaluate(TOUCHING, 5) == []


def fill(page: Any, identity: str, kind: str) -> str:
    shape = f"#{identity} .armillary-node[data-kind={kind}] .armillary-shape"
    return str(page.eval_on_selector(shape, "e => getComputedStyle(e).fill"))


def test_two_themes_on_one_page_keep_apart_even_when_the_first_is_hidden(page: Any) -> None:
    light, dark = render(GALLERY["hello"], theme="light"), render(GALLERY["hello"], theme="dark")
    show(page, light.svg, dark.svg)
    both = fill(page, light.identity, "call"), fill(page, dark.identity, "call")
    assert both[0] != both[1]
    show(page, f"<div style='display:none'>{light.svg}</div>", dark.svg)
    assert fill(page, dark.identity, "call") == both[1]
    icon = page.eval_on_selector(f"#{dark.identity} .armillary-icon", "e => e.getBBox().width")
    assert icon > 5


def test_auto_follows_the_page_and_gives_way_to_an_attribute(page: Any) -> None:
    picture = render(GALLERY["hello"])
    page.emulate_media(color_scheme="light")
    show(page, picture.svg)
    light = fill(page, picture.identity, "call")
    page.emulate_media(color_scheme="dark")
    dark = fill(page, picture.identity, "call")
    assert light != dark
    page.eval_on_selector("svg", "e => e.dataset.theme = 'light'")
    assert fill(page, picture.identity, "call") == light
    page.emulate_media(color_scheme="light")
    page.eval_on_selector("svg", "e => e.dataset.theme = 'dark'")
    assert fill(page, picture.identity, "call") == dark


def test_an_attribute_alone_shows_a_state(page: Any) -> None:
    show(page, render(GALLERY["hello"], overlay=Overlay()).svg)
    seen = "node => [...node.querySelectorAll('.armillary-states use')].map(u => getComputedStyle(u).display)"
    for state in STATES:
        page.eval_on_selector("[data-step=greet]", f"node => node.dataset.state = '{state}'")
        shown = page.eval_on_selector("[data-step=greet]", seen)
        assert shown == ["inline" if name == state else "none" for name in STATES[1:]]


def test_hostile_labels_run_nothing(page: Any) -> None:
    told: list[str] = []
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: told.append(request.url))
    hostile = "</text></svg><script>alert(1)</script><img src='http://localhost:9/x' onerror='alert(2)'>"
    step = m.Task("a", hostile, roles=(hostile,))
    meta = m.Meta(title=hostile, description=hostile, steps={"a": m.StepMeta(note=hostile)})
    picture = render(m.Definition(hostile, (step,), meta=meta), overlay=Overlay({"a": StepState("failed", 1, hostile)}))
    show(page, picture.html)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert told == []
    assert page.evaluate("document.querySelectorAll('script, img, foreignObject').length") == 0


def test_the_check_sees_a_text_that_does_not_fit(page: Any) -> None:
    show(page, render(GALLERY["settle-claim"]).svg.replace("font-size:13px", "font-size:21px"))
    assert page.evaluate(OUTSIDE, "DejaVu Sans") != []
