"""The gallery in the docs is what its script writes now."""

from __future__ import annotations

import runpy
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "gallery"


def test_the_gallery_is_as_its_script_writes_it() -> None:
    written: dict[Path, str] = runpy.run_path(str(FOLDER / "make.py"))["files"]()
    found = {path: path.read_text(encoding="utf-8") for path in [*FOLDER.glob("*.svg"), FOLDER / "index.md"]}
    assert {path.name for path in found} == {path.name for path in written}
    changed = [path.name for path, text in written.items() if found[path] != text]
    assert changed == [], "write it again with docs/gallery/make.py, and look at it"
