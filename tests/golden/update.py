"""Draw the golden pictures again: python tests/golden/update.py

It writes build/goldens.html as well, as ``make goldens-report`` does: every changed picture before beside after. Commit
only what looks right there.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.render import Picture, render

HERE = Path(__file__).parent
LIVE = Overlay(
    {
        "claim-id": StepState("done", 1),
        "cover": StepState("done", 1),
        "covered": StepState("done", 1),
        "open": StepState("running", 1),
        "assess": StepState("waiting", 2),
        "incomplete": StepState("done", 1),
        "ask": StepState("done", 1),
    },
    frozenset(
        {
            (":start", "claim-id"),
            ("claim-id", "cover"),
            ("cover", "covered"),
            ("covered", "open"),
            ("open", "assess"),
            ("assess", "incomplete"),
            ("incomplete", "ask"),
            ("ask", "open"),
        }
    ),
)


def pictures() -> Iterator[tuple[str, Picture]]:
    """Every golden: the gallery, and the insurance case in each theme, direction, level of detail and state."""
    for name, definition in GALLERY.items():
        yield name, render(definition)
    claim = GALLERY["settle-claim"]
    yield "settle-claim-right", render(claim, direction="right")
    yield "settle-claim-left", render(claim, direction="left")
    yield "settle-claim-outline", render(claim, detail="outline", theme="print")
    yield "settle-claim-full", render(claim, detail="full", theme="high-contrast", legend=True)
    yield "settle-claim-live", render(claim, overlay=LIVE, theme="light")
    yield "settle-claim-live-dark", render(claim, overlay=LIVE, theme="dark")
    yield "hello-grid", render(GALLERY["hello"], layout="grid")


def files(name: str, picture: Picture) -> Iterator[tuple[Path, str]]:
    yield HERE / f"{name}.svg", picture.svg + "\n"
    yield HERE / f"{name}.placed.json", picture.placed.to_json()


def main() -> None:
    changed = 0
    for name, picture in pictures():
        for path, text in files(name, picture):
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            if before != text:
                path.write_text(text, encoding="utf-8")
                changed += 1
                print("changed", path.name)
    print(f"{changed} files changed; look at them before you commit:")
    report = runpy.run_path(str(HERE.parents[1] / "scripts" / "goldens_report.py"))
    report["main"]()


if __name__ == "__main__":
    main()
