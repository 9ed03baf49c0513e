"""What may not be in any file: names of package-registry hosts, places of one machine, a tracker's numbers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Written in pieces, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"),
        ("deb", "debian", "org"), ("conda", "anaconda", "org"), ("proxy", "golang", "org"), ("jsdelivr", "net"),
        ("unpkg", "com"), ("esm", "sh"),
    )
]  # fmt: skip
MACHINE_FOLDERS = ("work", "root", "tmp", "home")
FORBIDDEN = {
    "the name of a package-registry host": re.compile("|".join(map(re.escape, REGISTRY_HOSTS)), re.IGNORECASE),
    "a place of one machine": re.compile(rf"(?<![\w.~$}}*:/-])/(?:{'|'.join(MACHINE_FOLDERS)})/\w"),
    "the number of a tracker's issue": re.compile(r"\b(?:issue|ticket)s? #?\d", re.IGNORECASE),
}
NOT_OURS = {"LICENSE"}
TEXT = {".py", ".md", ".toml", ".sh", ".sql", ".js", ".css"}
BINARY = {".png", ".pdf", ".woff2", ".ttf", ".ico", ".gz", ".sqlite"}


def files() -> Iterator[Path]:
    """What git keeps or would keep; in an unpacked source archive, everything."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return (path for path in found if path.is_file() and path.suffix not in BINARY and path.name not in NOT_OURS)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nowhere(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:160]}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == [], f"expected no file to hold {what}"


def test_every_text_file_is_utf8_and_ends_with_a_newline() -> None:
    wrong = []
    for path in files():
        content = path.read_bytes()
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            wrong.append(f"{path.relative_to(ROOT)}: not UTF-8")
        if content and not content.endswith(b"\n") and path.suffix in TEXT:
            wrong.append(f"{path.relative_to(ROOT)}: no newline at the end")
    assert wrong == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("the name of a package-registry host", "https://files." + REGISTRY_HOSTS[1] + "/x"),
        ("a place of one machine", "open('/" + "tmp/x')"),
        ("a place of one machine", "cd /" + "home/ada"),
        ("the number of a tracker's issue", "see iss" + "ue 12"),
    ],
)
def test_what_is_looked_for_is_found(what: str, line: str) -> None:
    assert FORBIDDEN[what].search(line)


@pytest.mark.parametrize("line", ["https://host/root/page", "['/work']", "~/work/x", "$root/tmp/x", "./work/x"])
def test_what_is_no_place_of_one_machine_passes(line: str) -> None:
    assert not FORBIDDEN["a place of one machine"].search(line)
