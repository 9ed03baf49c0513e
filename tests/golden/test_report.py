"""The report shows every changed golden before and after."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

ROOT = Path(__file__).parents[2]
ONE, OTHER = (f'<svg xmlns="http://www.w3.org/2000/svg"><title>{name}</title></svg>' for name in "ab")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    goldens = tmp_path / "tests" / "golden"
    goldens.mkdir(parents=True)
    for name in ("kept", "changed", "removed"):
        (goldens / f"{name}.svg").write_text(ONE)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "goldens"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    (goldens / "changed.svg").write_text(OTHER)
    (goldens / "added.svg").write_text(OTHER)
    (goldens / "removed.svg").unlink()
    return tmp_path


def test_it_shows_what_changed_before_beside_after(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = ROOT / "scripts" / "goldens_report.py"
    copy = checkout / "scripts" / script.name
    copy.parent.mkdir()
    copy.write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
    assert runpy.run_path(str(copy))["main"]() == 0
    assert "3 changed goldens" in capsys.readouterr().out
    page = (checkout / "build" / "goldens.html").read_text(encoding="utf-8")
    assert page.count("<section>") == 3
    assert page.count("<img") == 4, "two of the changed one, one of the added and of the removed one"
    assert "kept.svg" not in page
    for name, pictures in (("added", ["", OTHER]), ("changed", [ONE, OTHER]), ("removed", [ONE, ""])):
        (section,) = re.findall(rf"<section><h2>tests/golden/{name}.svg</h2>(.*?)</section>", page)
        shown = re.findall(r"<figcaption>(before|after)</figcaption>(<p>none</p>|<img [^>]*>)", section)
        assert [title for title, _ in shown] == ["before", "after"]
        for (_, drawn), picture in zip(shown, pictures, strict=True):
            assert (quote(picture) in drawn) if picture else (drawn == "<p>none</p>"), name


def test_goldens_are_drawn_anew_only_together_with_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    update = runpy.run_path(str(ROOT / "tests" / "golden" / "update.py"))
    known = update["main"].__globals__
    monkeypatch.setitem(known, "pictures", lambda: iter(()))
    monkeypatch.setattr(runpy, "run_path", lambda path: {"main": lambda: told.append(Path(path).name)})
    update["main"]()
    assert told == ["goldens_report.py"]
