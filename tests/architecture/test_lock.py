"""requirements.lock names every package by hash and no host, and fits what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENTRIES = [entry.strip() for entry in re.split(r"\n(?=\S)", LOCK.replace("\\\n", " "))]
ENTRY = re.compile(r"\S+==\S+( ; [^\\]+?)?( +--hash=sha256:[0-9a-f]{64})+")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins() -> list[Requirement]:
    return [Requirement(entry.split(" --hash=")[0].strip()) for entry in ENTRIES]


def asked_for() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    found = [Requirement(text) for text in [*PROJECT["dependencies"], *extras["lab"], *extras["test"]]]
    return [requirement for requirement in found if requirement.name != PROJECT["name"]]


def applying(requirements: list[Requirement], environment: dict[str, str]) -> list[Requirement]:
    return [r for r in requirements if r.marker is None or r.marker.evaluate(environment)]


def test_every_entry_is_one_version_with_hashes() -> None:
    assert [entry[:80] for entry in ENTRIES if not ENTRY.fullmatch(entry)] == []


def test_no_host_and_no_address() -> None:
    assert re.search(r"://|--(extra-)?index-url|--find-links|@", LOCK) is None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_what_the_project_asks_for_is_pinned_on_each_python(version: str) -> None:
    environment = {**default_environment(), "python_version": version, "python_full_version": f"{version}.9"}
    pinned = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in applying(pins(), environment)
    }
    unmet = [
        str(wanted)
        for wanted in applying(asked_for(), environment)
        if not wanted.specifier.contains(pinned.get(canonicalize_name(wanted.name), "0"), prereleases=True)
    ]
    assert unmet == [], "run `make lock`"
