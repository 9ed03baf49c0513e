"""Definitions from files and texts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from armillary.authoring import AuthoringError, LoadError, compile_source, load_definition, load_workflows
from armillary_engine.definition.problems import DefinitionError

PYTHON = """
from armillary.authoring import call, workflow

@workflow
def one(x: int):
    return call("a/b", x=x)

@workflow(version="1.0.0")
def two(x: int):
    return x
"""
YAML = """
# A flow.
schema: armillary.workflow/1
name: Two
version: 1.0.0
input:
  type: object
  properties: {x: {type: integer}}
  required: [x]
  additionalProperties: false
body:
  - id: complete   # the end
    kind: complete
    output: input.x
"""


@pytest.fixture
def python(tmp_path):
    path = tmp_path / "flows.py"
    path.write_text(PYTHON)
    return path


def test_a_python_file(python):
    assert [flow.name for flow in load_workflows(python)] == ["One", "Two"]
    assert load_definition(f"{python}:two").name == "Two"
    assert load_definition(f"{python}:Two").name == "Two"


def test_python_yaml_and_json_mean_the_same(python, tmp_path):
    written = load_definition(f"{python}:two")
    assert load_definition(YAML) == written
    path = tmp_path / "two.yaml"
    path.write_text(YAML)
    assert load_definition(path) == written
    from armillary_engine.definition.codec import dumps_definition, to_document

    path = tmp_path / "two.json"
    path.write_bytes(dumps_definition(written))
    assert load_definition(str(path)) == written
    assert load_definition(path.read_text()) == written
    assert load_definition(to_document(written)) == written


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{python}", "load.several"),
        ("{python}:three", "load.none"),
        ("{folder}/missing.yaml", "load.file"),
        ("{folder}/flow.txt", "load.kind"),
    ],
)
def test_what_cannot_be_loaded(python, source, code):
    with pytest.raises(LoadError) as caught:
        load_definition(source.format(python=python, folder=python.parent))
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("def f(:\n", AuthoringError, "line 1"),
        ("import nothing_of_this_name\n", LoadError, "line 1"),
        ("1 / 0\n", LoadError, "ZeroDivisionError"),
    ],
)
def test_python_that_does_not_import(tmp_path, text, error, said):
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(error, match=said):
        load_workflows(path)


def test_yaml_numbers_are_exact_and_expressions_are_text():
    found = load_definition(
        """
        schema: armillary.workflow/1
        name: Numbers
        body:
          - id: a
            kind: set
            assign:
              exact: 0.1234567890123456789012345678901234
              sum: 1 + exact
              text: '"quoted"'
              list: [1, "exact + 1", null, true]
              object: {a: 1, b: exact}
              canonical: {op: "+", args: [{const: 1}, {get: exact}]}
          - id: ask
            kind: call
            to: rating/quote
            arguments: {list: exact}
            timeout: 30s
        """
    )
    assign = found.body[0].assign
    assert assign["exact"].value == Decimal("0.1234567890123456789012345678901234")
    assert assign["sum"] == assign["canonical"]
    assert assign["text"].value == "quoted"
    assert list(found.body[1].arguments.members) == ["list"]
    assert (found.body[1].to.service, found.body[1].timeout) == ("rating", "PT30S")


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("schema: armillary.workflow/1\nname: A\nbody: [\n", 4, "yaml.syntax"),
        ("schema: armillary.workflow/1\nname: A\nbody:\n  - id: a\n    kind: set\n    assign:\n      x: 1 +\n", 7,
         "expression.syntax"),
        ("schema: armillary.workflow/1\nname: A\nbody:\n  - id: a\n    kind: sett\n", 5, "shape.kind"),
        ("schema: armillary.workflow/1\nname: A\nboddy: []\n", 3, "shape.unknown-field"),
    ],
)  # fmt: skip
def test_yaml_problems_have_lines(text, line, code):
    with pytest.raises(DefinitionError) as caught:
        load_definition(text)
    found = {problem.code: problem.span.line for problem in caught.value.problems if problem.span}
    assert found.get(code) == line


# ── in a child process ───────────────────────────────────────────────────────────────────────────────────────────────


def test_compile_source():
    one, two = compile_source(PYTHON)
    assert (one.name, two.name, two.version) == ("One", "Two", "1.0.0")
    assert compile_source(PYTHON, "two") == [two]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("@missing\ndef f(): pass\n" + PYTHON, LoadError, "NameError"),
        (PYTHON.replace("return call", "x = 1 + call"), AuthoringError, "flow.py, line 6"),
        ("def f(:", AuthoringError, "line 1"),
        ("raise SystemExit(3)", LoadError, "SystemExit"),
        ("import os; os._exit(3)", LoadError, "without an answer"),
        ("print('noise')\n" + PYTHON, None, ""),
    ],
)
def test_source_that_does_not_compile(text, error, said):
    if error is None:
        assert len(compile_source(text)) == 2
        return
    with pytest.raises(error, match=said):
        compile_source(text, file="flow.py")


def test_source_that_never_ends():
    with pytest.raises(LoadError) as caught:
        compile_source("while True: pass", timeout=0.5)
    assert caught.value.code == "load.timeout"


def test_the_document_of_a_child_is_the_same(python):
    here = load_workflows(python)[0]
    there = compile_source(PYTHON)[0]
    assert there.document == here.document


def test_an_anchor_may_be_used_again():
    text = "schema: armillary.workflow/1\nname: &x A\nbody:\n- id: &x a\n  kind: complete\n"
    assert load_definition(text).body[0].id == "a"
