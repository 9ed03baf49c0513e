"""A saved picture looks the same in whatever program a writer opens it with: Firefox, Inkscape, librsvg, resvg."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import Problem
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import Overlay, StepState
from armillary_renderers.project.overlays import diagnostics, heat_map
from armillary_renderers.project.overlays import difference as difference_of
from armillary_renderers.raster import rasterize
from armillary_renderers.render import Picture, render
from armillary_renderers.svg.fonts import Font
from PIL import Image

from .pixels import BLOCK, difference, image, in_one_font
from .test_in_a_browser import scripts

pytestmark = [pytest.mark.require("chromium"), pytest.mark.timeout(180)]


def every_kind() -> m.Definition:
    """A step of each kind, in one flow that is longer than a page."""
    work = m.Call("work", m.Address("rating", "quote"), m.Object({}), retry=m.RetryPolicy(3), timeout="PT5M")

    def again(name: str) -> m.Call:
        return replace(work, id=name)

    branches = (m.ForkBranch("mail", (again("mail"),)), m.ForkBranch("post", (again("post"),)))
    handlers = (m.Handler(("timeout",), (again("estimate"),)), m.Handler(("*",), ()))
    ways = (m.Branch(m.Get("last"), (m.Leave("leave"),)), m.Branch(m.Get("odd"), (m.Next("next"),)))
    steps: tuple[m.Step, ...] = (
        m.Set("set", {"total": m.Const(1)}),
        m.Reference("reference", m.Get("claim.id")),
        m.Task("task", "ReviewQuote", roles=("underwriter",), escalate=m.Escalation("P2D", ("lead",))),
        m.Repeat("while", (m.Decision("kind", ways, (again("ask"),)),), test=m.Get("open")),
        m.Repeat("until", (again("poll"),), until=m.Get("closed")),
        m.Each("each", m.Get("orders"), "order", (again("pack"),), parallel=4),
        m.Fork("fork", branches, 1),
        m.Try("try", (again("reserve"), again("book")), handlers, (again("cancel"),)),
        m.Timer("timer", after=m.Const("PT5M")),
        m.Signal("signal", "payment-received", match=m.Get("claim.id"), timeout="P14D"),
        m.Subworkflow("sub", "IssuePolicy", m.Object({})),
        m.Decision("late", (m.Branch(m.Get("late"), (m.Fail("fail", m.Const("late"), m.Const("Too late")),)),)),
        m.Decision("old", (m.Branch(m.Get("old"), (m.ContinueWith("go", "RenewPolicy", m.Object({})),)),)),
        m.Complete("complete", m.Object({"result": m.Const("paid")})),
    )
    return m.Definition("Every kind of step", steps)


CLAIM = GALLERY["settle-claim"]
LIVE = Overlay(
    {
        "claim-id": StepState("done", 1),
        "cover": StepState("done", 1, retries=2, took="PT4S"),
        "covered": StepState("cancelled", 1),
        "open": StepState("running", 1),
        "assess": StepState("waiting", 2, due="2026-03-04T12:00:00+00:00"),
        "refuse": StepState("failed", 1, "no such mailbox"),
    },
    frozenset({(":start", "claim-id"), ("claim-id", "cover"), ("cover", "covered"), ("covered", "open")}),
    now="2026-03-02T09:00:00+00:00",
)
SAVED: dict[str, dict[str, Any]] = {
    "every kind": {"definition": every_kind(), "theme": "light", "legend": True},
    "every kind, full, on paper": {"definition": every_kind(), "theme": "print", "detail": "full"},
    "an instance, dark": {"definition": CLAIM, "theme": "dark", "overlay": LIVE, "legend": True},
    "read to the left, high contrast": {"definition": CLAIM, "theme": "high-contrast", "direction": "left"},
    "counts": {"definition": CLAIM, "theme": "light", "overlay": heat_map({"claim-id": 900, "open": 1900}, {})},
    "a difference": {
        "definition": CLAIM,
        "theme": "light",
        "overlay": difference_of([{"kind": "added", "step": "approve"}, {"kind": "removed", "step": "letter"}]),
    },
    "problems, auto": {
        "definition": CLAIM,
        "overlay": diagnostics([Problem("x", "nobody offers it", step="refuse")]),
    },
    "other scripts": {"definition": scripts(), "theme": "light"},
}


def firefox(program: str, file: Path, *, dark: bool = False) -> bytes:
    """One pixel for one: its screenshots know no other scale. A profile of its own, so that it asks nothing."""
    profile = file.with_suffix(".profile")
    profile.mkdir()
    wishes = {"ui.systemUsesDarkTheme": int(dark), "ui.prefersReducedMotion": 1}
    (profile / "user.js").write_text("".join(f'user_pref("{name}", {value});\n' for name, value in wishes.items()))
    shot = file.with_suffix(".firefox.png")
    window = ["--window-size=2400,3000", "--screenshot", str(shot), file.as_uri()]
    ran(program, "--headless", "--no-remote", "--profile", str(profile), *window)
    return shot.read_bytes()


def inkscape(program: str, file: Path) -> bytes:
    shot = file.with_suffix(".inkscape.png")
    ran(program, "--export-type=png", "--export-dpi=192", f"--export-filename={shot}", str(file))
    return shot.read_bytes()


def rsvg(program: str, file: Path) -> bytes:
    return ran(program, "--zoom", "2", str(file))


def ran(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=90).stdout


def saved(folder: Path, picture: Picture, *, font: bool = True) -> Path:
    """The file that people get, its font settled."""
    file = folder / "picture.svg"
    file.write_text(in_one_font(picture.svg) if font else picture.svg, encoding="utf-8")
    return file


def shown_in_chromium(browser: Any, file: Path, scale: int) -> Image.Image:
    page = browser.new_page(device_scale_factor=scale, viewport={"width": 2400, "height": 3000})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # The badge of a running step pulses.
    page.goto(file.as_uri())
    found = image(page.locator("svg").first.screenshot())
    page.close()
    return found


VIEWERS: dict[str, Callable[[str, Path], bytes]] = {"firefox": firefox, "inkscape": inkscape, "rsvg": rsvg}


@pytest.mark.parametrize("viewer", [*VIEWERS, "resvg"])
@pytest.mark.parametrize("name", SAVED)
def test_a_saved_picture_looks_the_same_in_every_program(
    browser: Any, require: Callable[[str], str], tmp_path: Path, name: str, viewer: str
) -> None:
    """What a writer opens elsewhere: the file as it was saved, style sheet, hidden badges and all."""
    program = "" if viewer == "resvg" else require(viewer)
    file = saved(tmp_path, render(**SAVED[name]))
    scale = 1 if viewer == "firefox" else 2
    expected = shown_in_chromium(browser, file, scale)
    data = VIEWERS[viewer](program, file) if program else rasterize(file.read_text(encoding="utf-8"), "png")
    found = image(data)
    found = found.crop((0, 0, *expected.size)) if viewer == "firefox" else found
    mean, share = difference(expected, found, BLOCK * scale // 2)
    # A machine may have no font for a script, and each program shows that in another way.
    limits = (2, 2.5) if name == "other scripts" else (0.6, 0.1)
    assert mean < limits[0], (mean, share)
    assert share < limits[1], (mean, share)


@pytest.mark.require("firefox")
@pytest.mark.parametrize("font", ["system", "embedded"])
def test_in_firefox_too_a_file_follows_the_scheme_and_carries_its_font(
    browser: Any, require: Callable[[str], str], tmp_path: Path, font: Font
) -> None:
    shown = {}
    for theme in ("light", "dark"):
        (folder := tmp_path / theme).mkdir()
        picture = render(CLAIM, font=font)
        file = saved(folder, picture, font=font == "system")
        shot = image(firefox(require("firefox"), file, dark=theme == "dark"))
        file.write_text(file.read_text().replace('id="', 'data-theme="' + theme + '" id="', 1))
        expected = shown_in_chromium(browser, file, 1)
        shown[theme] = shot.crop((0, 0, *expected.size))
        mean, share = difference(expected, shown[theme], BLOCK // 2)
        assert mean < 0.6, (theme, mean, share)
        assert share < 0.1, (theme, mean, share)
    assert difference(shown["light"], shown["dark"])[0] > 50


@pytest.mark.require("firefox")
def test_the_font_that_a_file_carries_is_the_one_that_firefox_shows(
    require: Callable[[str], str], tmp_path: Path
) -> None:
    picture = render(GALLERY["hello"], font="embedded", theme="light")
    shots = []
    for name, text in (("whole", "font/woff2;base64,"), ("broken", "font/woff2;base64,AAAA")):
        (folder := tmp_path / name).mkdir()
        file = saved(folder, picture, font=False)
        file.write_text(file.read_text().replace("font/woff2;base64,", text))
        shots.append(image(firefox(require("firefox"), file)))
    assert difference(*shots, BLOCK // 2)[1] > 0
