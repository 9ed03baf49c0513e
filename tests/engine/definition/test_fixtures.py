"""Documents of every schema, from the first release on, are read for ever, and mean the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.definition.codec import dumps, identity, load_definition_bytes, to_document
from armillary_engine.definition.fields import STEPS
from armillary_engine.definition.model import SCHEMA

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("workflow-*.json"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_what_was_written_once_is_read_for_ever_and_has_its_digest(path: Path) -> None:
    number, digest = path.stem.removeprefix("workflow-").split("-")
    data = path.read_bytes().rstrip(b"\n")
    definition = load_definition_bytes(data)
    assert identity(definition).digest.startswith(digest)
    if f"armillary.workflow/{number}" == SCHEMA:
        assert dumps(to_document(definition)) == data


def test_every_schema_is_kept_with_every_kind_of_step() -> None:
    numbers = {path.stem.split("-")[1] for path in FIXTURES}
    assert numbers == {str(number) for number in range(1, int(SCHEMA.rsplit("/", 1)[1]) + 1)}
    found: set[str] = set()
    for path in FIXTURES:
        found |= kinds_of(json.loads(path.read_bytes()))
    assert set(STEPS) <= found


def kinds_of(value: Any) -> set[str]:
    """The kinds of all steps in a document."""
    if isinstance(value, list):
        return set().union(*map(kinds_of, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    here = {value["kind"]} if {"id", "kind"} <= value.keys() else set()
    return here.union(*map(kinds_of, value.values()))
