"""Writes build/goldens.html: every golden picture that differs from the last commit, before beside after.

Goldens are reviewed as pictures: regenerate them, look at this page, then commit.
"""

from __future__ import annotations

import html
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
GOLDENS = "tests/golden"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
section { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-block: 1rem 3rem; }
h2 { grid-column: 1 / -1; margin: 0; font-size: 1rem; }
figure { margin: 0; border: 1px solid #bbb; padding: .5rem; overflow: auto; }
img { max-width: 100%; }
"""


def main() -> int:
    """Compares the working tree's goldens with the last commit's; gives the exit code (0: the page was written)."""
    committed = set(git("ls-tree", "-r", "--name-only", "HEAD", "--", GOLDENS).decode().splitlines())
    present = {path.relative_to(ROOT).as_posix() for path in (ROOT / GOLDENS).rglob("*") if path.is_file()}
    sections = []
    for name in sorted(name for name in committed | present if name.endswith(".svg")):
        before = git("show", f"HEAD:{name}") if name in committed else None
        after = (ROOT / name).read_bytes() if name in present else None
        if before != after:
            sections.append(section(name, before, after))
    target = ROOT / "build" / "goldens.html"
    target.parent.mkdir(exist_ok=True)
    body = "".join(sections) or "<p>No golden differs from the last commit.</p>"
    page = f"<!doctype html><meta charset=utf-8><title>Goldens</title><style>{STYLE}</style><h1>Goldens</h1>{body}"
    target.write_text(page, encoding="utf-8")
    print(f"{len(sections)} changed goldens: {target.relative_to(ROOT)}")
    return 0


def section(name: str, before: bytes | None, after: bytes | None) -> str:
    """One golden's two pictures; each is an image of its own, so that one's styles cannot reach the other."""
    figures = "".join(
        f"<figure><figcaption>{title}</figcaption>{picture(content)}</figure>"
        for title, content in (("before", before), ("after", after))
    )
    return f"<section><h2>{html.escape(name)}</h2>{figures}</section>"


def picture(content: bytes | None) -> str:
    """An SVG as a data URI, or a word where there is none."""
    if content is None:
        return "<p>none</p>"
    return f'<img alt="" src="data:image/svg+xml,{quote(content)}">'


def git(*arguments: str) -> bytes:
    """What git prints."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
