"""The same bytes across processes, hash seeds, threads and the order of keys in what was read.

Across Pythons the goldens tell too: they are kept bytes. CI compares this Python with another one.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import svgwrite
from armillary_engine.definition.codec import from_document, to_document
from armillary_renderers.gallery import GALLERY
from armillary_renderers.render import render

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "scripts" / "picture_hash.py"
OURS = [str(ROOT / "engine"), str(ROOT / "renderers")]


def here() -> str:
    names: dict[str, Any] = runpy.run_path(str(PROGRAM))
    return str(names["picture_hash"]())


def there(python: str, seed: str, *folders: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [python, str(PROGRAM), *OURS, *folders]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_another_process_with_another_hash_seed_draws_the_same_bytes(seed: str) -> None:
    ran = there(sys.executable, seed, *(path for path in sys.path if path.endswith("site-packages")))
    assert ran.stdout.strip() == here(), ran.stderr


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_another_python_draws_the_same_bytes(version: str, tmp_path: Path) -> None:
    """Those found as ``scripts/other_python.py`` finds them; each needs msgspec, which is built for one version."""
    found: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "other_python.py"))
    pythons = [
        sys.executable,
        *os.environ.get("ARMILLARY_PYTHONS", "").split(os.pathsep),
        *found["candidates"](version),
    ]
    probe = "import sys, msgspec; print('%d.%d' % sys.version_info[:2])"
    able = [python for python in pythons if python and _says([python, "-c", probe]) == version]
    if not able:
        pytest.skip(f"no Python {version} with msgspec: pip install msgspec there, or name one in ARMILLARY_PYTHONS")
    shutil.copytree(Path(svgwrite.__file__).parent, tmp_path / "svgwrite")  # pure Python, so ours will do
    for seed in ("0", "4711"):
        ran = there(able[0], seed, str(tmp_path))
        assert ran.stdout.strip() == here(), ran.stderr


def _says(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.strip()
    except OSError:
        return ""


def test_threads_draw_the_same_bytes() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert {future.result() for future in [pool.submit(here) for _ in range(4)]} == {here()}


def turned(value: Any) -> Any:
    """The same JSON with the keys of its objects the other way round."""
    if isinstance(value, dict):
        return {key: turned(part) for key, part in reversed(value.items())}
    return [turned(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", GALLERY)
def test_the_order_of_keys_in_a_document_does_not_matter(name: str) -> None:
    document: Any = to_document(GALLERY[name])
    first, second = from_document(document), from_document(turned(document))
    assert render(first).svg == render(second).svg
