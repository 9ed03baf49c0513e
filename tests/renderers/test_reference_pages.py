"""The reference's pages are those that its script makes, and its pictures show what they would: ``make reference``."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from armillary_renderers.gallery import GALLERY
from armillary_renderers.raster import rasterize
from armillary_renderers.render import render

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
SHOWN = re.compile(r' data-(?:node|edge|group|label|kind)="[^"]*"')


def shown(path: Path, text: str) -> object:
    """A page as it is; of a picture what it shows, not where and how it is drawn: goldens and the gallery keep that."""
    return sorted(SHOWN.findall(text)) if path.suffix == ".svg" else text


def test_pages_and_pictures_are_as_the_script_writes_them() -> None:
    written: dict[Path, str] = runpy.run_path(str(FOLDER / "make.py"))["files"]()
    found = {path: path.read_text(encoding="utf-8") for path in written if path.exists()}
    changed = [path.name for path, text in written.items() if shown(path, found.get(path, "")) != shown(path, text)]
    assert changed == [], "run: make reference, and look at what changed"
    kept = set((FOLDER / "constructs").glob("*"))
    assert kept == {path for path in written if path.suffix == ".svg"}, "remove what is no longer made"


@pytest.mark.parametrize("name", GALLERY)
def test_a_picture_without_the_rules_that_nothing_meets_looks_the_same(name: str) -> None:
    lean = runpy.run_path(str(FOLDER / "pictures.py"))["lean"]
    drawn = render(GALLERY[name], detail="full", theme="light").svg
    assert rasterize(lean(drawn), "png") == rasterize(drawn, "png")
    assert len(drawn) - len(lean(drawn)) > 8_000
