"""The set-up script's sentences, and the table of skips that a test run ends with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="the set-up script needs a POSIX shell")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a space in its name that holds what the set-up script reads."""
    folder = tmp_path / "a check out"
    (folder / "scripts").mkdir(parents=True)
    for name in ("scripts/environment.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def set_up(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "scripts/environment.sh"],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", "HOME": str(checkout), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def executable(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@posix
def test_no_suitable_python_is_one_sentence(checkout: Path) -> None:
    programs = checkout / "bin"
    programs.mkdir()
    for name in ("dirname", "cat", "date"):
        (programs / name).symlink_to(str(shutil.which(name)))
    executable(programs / "python3", "exit 1")
    done = set_up(checkout, PATH=str(programs))
    assert done.returncode == 1
    assert done.stderr.startswith("armillary: expected Python 3.11, 3.12 or 3.13")
    assert done.stderr.count("\n") == 1
    assert not (checkout / ".venv").exists()


@posix
def test_an_unsuitable_python_named_by_hand_is_refused(checkout: Path) -> None:
    done = set_up(checkout, PYTHON=str(executable(checkout / "python2", "exit 1")))
    assert done.returncode == 1
    assert "expected PYTHON to be a Python 3.11, 3.12 or 3.13" in done.stderr


@posix
def test_the_newest_python_is_taken(checkout: Path) -> None:
    programs = checkout / "bin"
    programs.mkdir()
    for version in ("3.11", "3.12", "3.13"):
        name = f"python{version}"
        body = f'[ "$1" = -c ] && exit 0\n[ "$1" = --version ] && echo "Python {version}" && exit 0\nexit 1'
        executable(programs / name, body)
    done = set_up(checkout, PATH=f"{programs}:/usr/bin:/bin")
    assert "making .venv with Python 3.13" in done.stderr
    assert done.returncode == 1


@posix
def test_an_interrupted_or_offline_set_up_leaves_no_stamp(checkout: Path) -> None:
    done = set_up(checkout, PYTHON=sys.executable, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="")
    assert done.returncode == 1
    assert "could not install the packages of requirements.lock" in done.stderr
    assert not (checkout / ".venv" / "armillary-stamp").exists()


TESTS = """
import pytest

def test_runs():
    pass

@pytest.mark.require("dot")
def test_by_mark():
    pass

def test_by_fixture(require):
    assert require("dot")

@pytest.mark.skip(reason="a reason of its own")
def test_other():
    pass
"""


def run_tests(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    require(*names): a need\n")
    (folder / "test_some.py").write_text(TESTS)
    (folder / "bin").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={"PATH": str(folder / "bin"), "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_the_run_ends_with_a_table_of_skips(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run_tests(tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.split("what was skipped, and how to get it")[1].splitlines()
    assert any(line.split()[:2] == ["2", "dot"] and "apt-get install graphviz" in line for line in table)
    assert any(line.split()[:1] == ["1"] and line.endswith("a reason of its own") for line in table)
    assert "1 passed, 3 skipped" in table[-1]


def test_what_the_environment_requires_is_a_failure_not_a_skip(tmp_path: Path) -> None:
    done = run_tests(tmp_path, ARMILLARY_REQUIRE="dot")
    assert done.returncode == 1
    assert "ARMILLARY_REQUIRE asks for dot, which this machine lacks" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert "1 failed" in done.stdout or "1 error" in done.stdout


def test_what_is_there_is_given(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    executable(tmp_path / "bin" / "dot", "exit 0")
    done = run_tests(tmp_path, ARMILLARY_REQUIRE="dot")
    assert done.returncode == 0
    assert "3 passed, 1 skipped" in done.stdout


def test_an_unknown_requirement_is_named(tmp_path: Path) -> None:
    done = run_tests(tmp_path, ARMILLARY_REQUIRE="graphvis")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "got graphvis" in done.stdout + done.stderr
