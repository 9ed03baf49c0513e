"""A YAML file that is changed keeps its comments, and the published schema fits what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from armillary.authoring import decompile, load_definition, load_workflows
from armillary.authoring.yaml_editor import update_yaml
from armillary.authoring.yaml_reader import yaml
from armillary_engine.definition.json_schema import authoring_schema
from armillary_engine.definition.model import Const, Timer
from armillary_engine.testing.strategies import definitions
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

SCHEMA = Draft202012Validator(authoring_schema())
EXAMPLES = sorted((Path(__file__).parent).glob("natural/mended/*.py"))
TEXT = """\
# How a claim is paid.
schema: armillary.workflow/1
name: PayClaim
version: 1.0.0
body:
  # First of all the amount.
  - id: quote
    kind: call
    to: rating/quote  # the old service
    arguments: {}
    timeout: 30s
  - id: wait
    kind: timer
    after: '"PT1H"'  # people change their minds
  # The end.
  - id: done
    kind: complete
    output: 1 + 1
"""


def test_nothing_changed_is_nothing_changed():
    assert update_yaml(TEXT, load_definition(TEXT)) == TEXT


def test_a_changed_field_is_all_that_changes():
    definition = load_definition(TEXT)
    wait = replace(definition.body[1], after=Const("PT2H"))
    body = (definition.body[0], wait, definition.body[2])
    changed = update_yaml(TEXT, replace(definition, body=body))
    assert changed == TEXT.replace("PT1H", "PT2H")


def test_comments_stay_when_steps_come_and_go():
    definition = load_definition(TEXT)
    quote, _, done = definition.body
    added = Timer("pause", after=Const("PT5M"))
    target = replace(definition, version="1.1.0", body=(added, quote, replace(done, output=Const(3))))
    changed = update_yaml(TEXT, target)
    assert load_definition(changed) == load_definition(decompile(target, to="yaml"))
    for comment in ("# How a claim is paid.", "# the old service"):
        assert comment in changed
    assert "timeout: 30s" in changed
    assert "version: 1.1.0" in changed


@given(definitions(plain=True, max_steps=8), definitions(plain=True, max_steps=8))
@settings(suppress_health_check=list(HealthCheck), max_examples=40)
def test_any_change_means_what_it_should(before, after):
    text = decompile(before, to="yaml")
    wanted = load_definition(decompile(after, to="yaml"))
    assert load_definition(update_yaml(text, after)) == wanted


def plain(text: str) -> object:
    return json.loads(json.dumps(yaml().load(text), default=float))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_schema_takes_every_example(path):
    (flow,) = load_workflows(path)
    assert [error.message for error in SCHEMA.iter_errors(plain(decompile(flow, to="yaml")))] == []


@given(definitions())
@settings(suppress_health_check=list(HealthCheck), max_examples=60)
def test_the_schema_takes_any_definition(definition):
    assert [error.message for error in SCHEMA.iter_errors(plain(decompile(definition, to="yaml")))] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("kind: call", "kind: cal"), ("timeout: 30s", "timeot: 30s"), ("timeout: 30s", "timeout: a while"),
        ("to: rating/quote", "to: rating"), ("name: PayClaim", "titel: PayClaim"), ("id: wait", "id: 3"),
        ("kind: timer", "kind: complete"),
    ],
)  # fmt: skip
def test_the_schema_finds_mistakes(right, wrong):
    assert SCHEMA.is_valid(plain(TEXT))
    assert not SCHEMA.is_valid(plain(TEXT.replace(right, wrong)))
