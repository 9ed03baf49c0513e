"""Errors at run time, and problems of a definition, name the author's line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from armillary import Workbench
from armillary.authoring import decompile, load_definition, origins
from armillary.authoring.origins import failed_at, placed
from armillary.cli import armillary as cli
from armillary.sources import sources_of
from armillary_engine.definition.codec import dumps_definition, identity
from armillary_engine.definition.validate import validate
from click.testing import CliRunner

CELL = """
from armillary import call, workflow
@workflow
def share(amount: int, parts: int):
    rest = {"größe": amount,
            "share": amount / (parts - 1)}
    return rest
"""
YAML = """\
schema: armillary.workflow/1
name: Share
body:
  - id: rest
    kind: set
    assign:
      rest: input.amount / 0
      other: nobody + 1
"""


@pytest.fixture
def shell():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    InteractiveShell.clear_instance()


def test_a_failure_quotes_the_line_of_the_cell(shell):
    shell.run_cell(CELL, store_history=True).raise_error()
    flow = shell.user_ns["share"]
    with Workbench("memory://") as bench:
        instance = bench.start(flow, {"amount": 3, "parts": 1}).wait(until="ended", timeout=10)
        assert instance.error["code"] == "expression.division-by-zero"
        assert repr(instance).splitlines()[1:] == [
            "  In [1], line 6",
            '      "share": amount / (parts - 1)}',
            "               ^^^^^^^^^^^^^^^^^^^^",
        ]
        assert instance.failed_at.text.strip() == '"share": amount / (parts - 1)}'


def test_another_process_quotes_the_same_line(shell, tmp_path, monkeypatch):
    """Who has never seen the cell finds its lines in the store: the handle, the live view, and the command line."""
    url = f"sqlite:///{tmp_path}/flows.db"
    shell.run_cell(CELL, store_history=True).raise_error()
    with Workbench(url) as bench:
        instance = bench.start(shell.user_ns["share"], {"amount": 3, "parts": 1}).wait(until="ended", timeout=10)
        told, steps = instance.failed_at, sources_of(instance.view.digest)
    monkeypatch.setattr(origins, "_ORIGINS", {})
    with Workbench(url) as bench:
        again = bench.instance(instance.id)
        assert again.failed_at == told
        assert (told.file, told.line) == ("In [1]", 6)
        definition = bench.runtime.definition_by_digest(again.view.digest)
        assert sources_of(again.view.digest, definition) == steps
        assert identity(definition).digest == again.view.digest
        assert "source:" not in decompile(definition, to="yaml")
    shown = CliRunner().invoke(cli, ["instances", "show", instance.id, "--url", url])
    assert "failed at  In [1], line 6" in shown.output
    assert '"share": amount / (parts - 1)}' in shown.output
    assert shown.output.count("^") == 20


def test_a_source_for_which_there_is_no_room_stays_behind(compiled, monkeypatch):
    flow = compiled("@workflow\ndef flow():\n    return 'no room'\n")
    assert origins.with_source(flow.definition).meta.source
    monkeypatch.setattr(origins, "MAX_DEFINITION_BYTES", len(dumps_definition(flow.definition)))
    assert origins.with_source(flow.definition) == flow.definition


def test_a_source_that_somebody_made_up_is_nobodys(compiled):
    flow = compiled("@workflow\ndef flow():\n    fail('claim.late', 'too late')\n")
    (step,) = flow.definition.body
    for source in (
        {"at": {"/body/0": [3]}},
        {"at": {"/body/0": [0, 1, 2, 3, "x"]}, "files": [{}]},
        {"at": {"/body/0": None}},
    ):
        made_up = replace(flow.definition, meta=replace(flow.definition.meta, source=source))
        assert failed_at("f" * 64, {"step": step.id, "message": ""}, lambda _, one=made_up: one) is None


def test_the_decompiler_looking_at_it_changes_nothing(shell):
    shell.run_cell(CELL, store_history=True).raise_error()
    flow = shell.user_ns["share"]
    decompile(flow)
    assert failed_at(flow.digest, {"step": "rest", "message": ""}).file == "In [1]"


def test_a_step_is_quoted_where_no_expression_is_named(compiled):
    flow = compiled("@workflow\ndef flow():\n    fail('claim.late', 'too late')\n")
    with Workbench("memory://") as bench:
        instance = bench.start(flow).wait(until="ended", timeout=10)
        assert (instance.failed_at.file, instance.failed_at.line) == ("flow.py", 3)


def test_what_nobody_has_seen_has_no_line():
    assert failed_at("0" * 64, {"step": "a", "message": ""}) is None
    assert failed_at("0" * 64, None) is None


def test_yaml_has_lines_too(tmp_path):
    path = tmp_path / "share.yaml"
    path.write_text(YAML, encoding="utf-8")
    definition = load_definition(path)
    span = failed_at(identity(definition).digest, {"step": "rest", "message": "no, in `input.amount / 0`"})
    assert (span.file, span.line) == (str(path), 7)
    (problem,) = placed(definition, validate(definition))
    assert (problem.code, problem.span.line) == ("name.unassigned", 8)
