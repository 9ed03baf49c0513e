"""What the README shows runs as it stands there, and what it and the docs point at exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHECK = """
assert instance.status == "completed", instance.status
assert instance.output == "approved", instance.output
bench.close()
"""


def pages() -> Iterator[Path]:
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def test_the_readmes_lines_run(tmp_path: Path) -> None:
    [lines] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "readme.py").write_text(lines + CHECK, encoding="utf-8")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "readme.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<svg" in (tmp_path / "approve.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", list(pages()), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    assert [t for t in targets if "://" not in t and not (page.parent / t).exists()] == []
