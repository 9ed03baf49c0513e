"""PNG and PDF, and that a picture looks the same wherever it is drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.definition.problems import ArmillaryError
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.raster import rasterize
from armillary_renderers.render import Picture, render
from armillary_renderers.svg.theme import Theme
from PIL import Image

from .pixels import difference, image, in_one_font

pytestmark = pytest.mark.timeout(120)
LIVE = Overlay({"claim-id": StepState("done", 1), "cover": StepState("failed", 2, retries=1, took="PT4S")})
BEYOND = 0x590
"""From there on a machine may have no font, and text may run from right to left."""


def shots(picture: Picture) -> dict[str, bytes]:
    """The picture as each rasterizer of ours draws it."""
    import cairosvg

    still = in_one_font(picture._draw(picture.theme, still=True))
    return {"resvg": rasterize(still, "png"), "cairo": cairosvg.svg2png(bytestring=still.encode(), scale=2)}


def browser_shot(browser: Any, picture: Picture) -> Image.Image:
    page = browser.new_page(device_scale_factor=2)
    page.set_content(f"<!doctype html><meta charset='utf-8'><body style='margin:0'>{in_one_font(picture.svg)}")
    found = image(page.locator("svg").screenshot())
    page.close()
    return found


@pytest.mark.require("chromium", "cairo")
@pytest.mark.parametrize("theme", ["light", "dark", "high-contrast", "print"])
@pytest.mark.parametrize("name", ["settle-claim", "onboard-employee", "process-orders"])
def test_it_looks_the_same_in_a_browser_and_in_rasterizers(browser: Any, name: str, theme: Theme) -> None:
    picture = render(GALLERY[name], theme=theme, legend=True, overlay=LIVE if name == "settle-claim" else None)
    page = browser_shot(browser, picture)
    drawn = {form: difference(page, image(data)) for form, data in shots(picture).items()}
    assert drawn["resvg"][0] < 1, drawn
    assert drawn["resvg"][1] < 0.3, drawn
    assert drawn["cairo"][0] < 3, drawn
    assert drawn["cairo"][1] < 2.5, drawn


@pytest.mark.require("chromium")
@pytest.mark.parametrize(
    ("before", "after"),
    [(".armillary-line{stroke:", ".armillary-line{opacity:0;stroke:"), ("font-size:13px", "font-size:15px"),
     (".armillary-shape{fill:", ".armillary-shape{opacity:0;fill:")],
)  # fmt: skip
def test_the_comparison_sees_what_is_missing(browser: Any, before: str, after: str) -> None:
    picture = render(GALLERY["settle-claim"], theme="light")
    page = browser_shot(browser, picture)
    still = in_one_font(picture._draw("light", still=True))
    assert before in still
    mean, share = difference(page, image(rasterize(still.replace(before, after), "png")))
    assert mean > 1 or share > 0.3


@pytest.mark.require("cairo")
def test_what_is_not_seen_is_not_on_paper(tmp_path: Path) -> None:
    from pypdf import PdfReader

    told = PdfReader(render(GALLERY["settle-claim"], overlay=LIVE).save(tmp_path / "live.pdf")).pages[0].extract_text()
    assert "!" not in told, "a marker of a problem, which no step has"
    assert (told.count("done"), told.count("failed"), told.count("waiting")) == (1, 1, 0)


def test_a_png_has_two_pixels_for_one_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    picture = render(GALLERY["hello"], theme="dark")
    first, second = (picture.save(tmp_path / name).read_bytes() for name in ("one.png", "two.png"))
    assert first == second
    found = image(first)
    assert found.size == (2 * picture.placed.width, 2 * picture.placed.height)
    assert max(found.getpixel((found.width // 2, 4))) < 64, "the dark theme's surface"  # type: ignore[type-var, arg-type]


@pytest.mark.require("cairo")
@pytest.mark.parametrize("name", GALLERY)
def test_a_pdf_has_every_text_to_be_selected(tmp_path: Path, name: str) -> None:
    from pypdf import PdfReader

    picture = render(GALLERY[name], detail="full")
    reader = PdfReader(picture.save(tmp_path / "picture.pdf"))
    [page] = reader.pages
    told = squeezed(page.extract_text())
    lines = [line for node in picture.diagram.nodes for line in (*node.title_lines, *node.detail_lines)]
    lines += [line for edge in picture.diagram.edges for line in edge.label_lines]
    expected = [line for line in lines if max(map(ord, line)) < BEYOND]
    assert expected
    assert [line for line in expected if squeezed(line) not in told] == []
    ratio = float(page.mediabox.width) / float(page.mediabox.height)
    assert ratio == pytest.approx(picture.placed.width / picture.placed.height, rel=0.01)
    assert not page.images, "the texts would be pictures"


def squeezed(text: str) -> str:
    """Without white space, which a PDF keeps as distances."""
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(("suffix", "module"), [(".png", "resvg_py"), (".pdf", "cairosvg")])
def test_without_a_rasterizer_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ArmillaryError, match="expected the package") as refused:
        render(GALLERY["hello"]).save(tmp_path / f"picture{suffix}")
    assert refused.value.code == "render.no-rasterizer"
    assert "pip install" in refused.value.hint
    assert list(tmp_path.iterdir()) == []
