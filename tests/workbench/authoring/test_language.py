"""The two spellings of every construct mean the same. The reference shows them: `docs/reference/constructs.md`."""

from __future__ import annotations

import importlib.util
from io import StringIO
from pathlib import Path

import pytest
from armillary.authoring import load_definition
from armillary.authoring.yaml_reader import yaml
from armillary.authoring.yaml_writer import printer, write_yaml
from armillary_engine.definition.fields import FIELDS, STEPS
from armillary_engine.definition.model import Access, Definition, StepMeta

HERE = Path(__file__).parent
REFERENCE = HERE.parents[2] / "docs" / "reference" / "language.md"

spec = importlib.util.spec_from_file_location("spellings", HERE / "spellings.py")
assert spec is not None
assert spec.loader is not None
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
SPELLINGS = module.SPELLINGS


def found_step(body, kind: str):
    for step in body:
        if step["kind"] == kind:
            return step
        for value in step.values():
            inner = value if isinstance(value, list) else []
            bodies = (
                [inner]
                if inner and "kind" in inner[0]
                else [one["body"] for one in inner if isinstance(one, dict) and "body" in one]
            )
            for one in bodies:
                if (deeper := found_step(one, kind)) is not None:
                    return deeper
    return None


@pytest.mark.parametrize("row", SPELLINGS, ids=lambda row: f"{row.kind}.{row.field}")
def test_both_spellings_mean_the_same(compiled, row):
    source = "@workflow\ndef flow(app: Application):\n" + "".join(f"    {line}\n" for line in row.python.splitlines())
    definition = compiled(source).definition
    document = yaml().load(write_yaml(definition))
    step = found_step(document["body"], row.kind)
    assert row.field in step, "the Python does not use the field"
    if "…" not in row.yaml:  # what holds steps or a schema is compared by the decompiler's tests
        written = yaml().load(row.yaml)
        assert list(written) == [row.field]
        step[row.field] = written[row.field]
    assert load_definition(dumped(document)) == load_definition(write_yaml(definition))


def dumped(document) -> str:
    stream = StringIO()
    printer().dump(document, stream)
    return stream.getvalue()


def test_every_field_of_every_step_is_spelt():
    every = {(kind, row.json) for kind, owner in STEPS.items() for row in FIELDS[owner]}
    assert every - {(row.kind, row.field) for row in SPELLINGS} == set()


@pytest.mark.parametrize("whole", module.WHOLE, ids=lambda whole: whole.title)
def test_what_is_of_the_whole_means_the_same(compiled, whole):
    written = write_yaml(compiled(whole.python + "\n").definition)
    document = yaml().load(written)
    for pointer, spelt in whole.yaml.items():
        *above, last = pointer.split("/")[1:]
        at = document
        for key in above:
            at = at[int(key)] if isinstance(at, list) else at[key]
        assert last in at
        at[last] = yaml().load(spelt)
    assert load_definition(dumped(document)) == load_definition(written)


@pytest.mark.parametrize(("python", "spelt"), module.EXPRESSIONS)
def test_expressions_mean_the_same(steps, python, spelt):
    text = f"schema: armillary.workflow/1\nname: A\nbody:\n- id: x\n  kind: set\n  assign:\n    x: {spelt}\n"
    assert load_definition(text).body[0].assign == steps(f"x = {python}")[0].assign


def test_every_field_of_the_document_is_spelt():
    pointers = {pointer for whole in module.WHOLE for pointer in whole.yaml} | {"/body"}
    told = {pointer.split("/")[1] for pointer in pointers}
    assert {row.json for row in FIELDS[Definition]} - told - {"input"} == set()
    texts = " ".join(spelt for whole in module.WHOLE for spelt in whole.yaml.values())
    assert all(f"{row.json}:" in texts for owner in (Access, StepMeta) for row in FIELDS[owner])


def test_the_example_of_the_reference_compiles(compiled):
    block = REFERENCE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert compiled(block).name == "Approve"
