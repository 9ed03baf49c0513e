"""Every code that an author meets: what brings it about, what comes close and is well, and the text, which is kept.

The texts in ``golden/codes.txt`` were read aloud; those of definitions and of
expressions are kept beside the engine's tests.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any, cast

import armillary.authoring as arm
import pytest
from armillary.authoring import AuthoringError, builder, compile_source, decompiler, load_definition, load_workflows
from armillary.authoring.compile import expressions, refused
from armillary.authoring.compile.models import ModelError, schema_of
from armillary.authoring.decompiler import Style
from armillary.authoring.diagnostics import AUTHORING, EVERY
from armillary.authoring.errors import report
from armillary_engine.definition.codec import from_document
from armillary_engine.definition.problems import ArmillaryError, Problem
from armillary_engine.local import LocalRuntime
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SOURCES = (ROOT / "workbench/armillary/authoring", ROOT / "engine/armillary_engine/definition")
CODE = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")


def beside(name: str) -> SimpleNamespace:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return SimpleNamespace(**vars(module))


CASES: dict[str, tuple[str, str]] = {code: pair for code, pair in beside("codes").CASES.items() if pair[0]}


class Aliased(BaseModel):
    policy_id: str = Field(alias="policyId")


NAMES = {
    "RATES": [1, 2], "LIMIT": 3, "make": lambda: 1, "object_type": type("Plain", (), {}), "Aliased": Aliased,
    "other": lambda function: function,
}  # fmt: skip


def problems_of(compiled, text: str) -> tuple[Problem, ...]:
    """What is said of a source, warnings included."""
    body = "".join(f"    {line}\n" for line in text.splitlines())
    source = text if text.startswith("@") else f"@workflow\ndef flow(app: Application):\n{body}    return\n"
    try:
        return compiled(source, **NAMES).problems
    except AuthoringError as error:
        return error.problems


@pytest.mark.parametrize("code", CASES)
def test_it_is_brought_about(compiled, code):
    assert code in [problem.code for problem in problems_of(compiled, CASES[code][0])]


@pytest.mark.parametrize("code", CASES)
def test_what_comes_close_is_well(compiled, code):
    found = problems_of(compiled, CASES[code][1])
    assert code not in [problem.code for problem in found]
    assert [problem for problem in found if problem.severity == "error"] == []


# ── what is said elsewhere than in a function's body ─────────────────────────────────────────────────────────────────


def unset() -> None:
    def around() -> None:
        @arm.workflow
        def flow():
            x = later  # noqa: F841

        later = 1

    around()


def nonlocal_name() -> None:
    kept = 1

    @arm.workflow
    def flow():
        nonlocal kept
        x = 1  # noqa: F841

    assert kept


def read(text: str, folder: Path, name: str = "flow.py") -> object:
    path = folder / name
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return load_definition(path)


FLOW = "from armillary import workflow\n\n@workflow\ndef flow():\n    return 1\n"
TWO = FLOW + FLOW.replace("def flow", "def other")
SOUND = {"schema": "armillary.workflow/1", "name": "A", "body": [{"id": "a", "kind": "complete"}]}
YAML = "schema: armillary.workflow/1\nname: A\nbody:\n  - id: a\n    kind: complete\n"
BROKEN = {"schema": "armillary.workflow/1", "name": "A", "body": [{"id": "a", "kind": "leave"}]}


def changed(folder: Path) -> object:
    """A file that is edited between its import and its compiling."""
    path = folder / "changed.py"
    path.write_text("def flow():\n    return 1\n")
    spec = importlib.util.spec_from_file_location("changed", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_text("def flow():\n    return 2\n")
    return arm.workflow(module.flow)


def other(folder: Path) -> object:
    """A form of syntax that this release does not know."""
    said: list[str] = []
    context = SimpleNamespace(refuse=lambda _node, code, message, hint: said.append(code) or message + hint)
    expressions.refused(context, ast.Slice())  # type: ignore[arg-type]
    refused.refuse_statement(context, ast.Pass())  # type: ignore[arg-type]
    raise ArmillaryError(said[0], "this has no meaning in a workflow", hint="write it another way")


def typed_dict(folder: Path) -> object:
    if sys.version_info >= (3, 12):
        message = "Item has no JSON Schema: typing.TypedDict can't be read on this Python"
        raise ModelError("model.typed-dict", message, hint="write `from typing_extensions import TypedDict`")
    import typing

    return schema_of(typing.TypedDict("Item", {"key": str}))


async def waits() -> None: ...


def deployed(members: dict[str, Any]) -> object:
    """What the start of a deployment says of two definitions that end with these members."""
    found = [from_document(SOUND | {"name": name, "body": [{**SOUND["body"][0], **members}]}) for name in "AB"]
    with LocalRuntime("memory://", work=False) as runtime:
        return runtime.deploy_all(found)


def build(do: Callable[[Any], object]) -> object:
    return do(builder.Builder("Flow"))


def different(monkeypatch: pytest.MonkeyPatch, source: str) -> object:
    """What a mistake of ours in the decompiler would show."""
    monkeypatch.setattr(decompiler, "write", lambda *_: source)
    return decompiler.agreed(from_document({**BROKEN, "body": [{"id": "complete", "kind": "complete"}]}), Style())


ELSEWHERE: dict[str, Callable[[Path], object]] = {
    "name.unset": lambda _: unset(),
    "syntax.nonlocal": lambda _: nonlocal_name(),
    "syntax.other": other,
    "model.typed-dict": typed_dict,
    "verb.outside": lambda _: arm.call("a/b"),
    "fragment.kind": lambda _: arm.fragment(cast(Any, 3)),
    "function.invalid": lambda _: arm.function(major=1)(lambda *, x: x),
    "workflow.called": lambda folder: load_workflows(file(folder, FLOW))[0](),
    "workflow.kind": lambda _: arm.workflow(waits),
    "workflow.roles": lambda _: arm.workflow(start="agent"),
    "authoring.no-source": lambda _: arm.workflow(FunctionType(compile("1", "<text>", "eval"), {}, "flow")),
    "authoring.source-changed": changed,
    "authoring.invalid": lambda folder: load_workflows(file(folder, FLOW.replace("1", "1 & 2"))),
    "load.encoding": lambda folder: load_definition(file(folder, b"\xff")),
    "load.file": lambda folder: load_definition(folder / "none.py"),
    "load.import": lambda folder: load_definition(file(folder, "import nothing_of_this_name")),
    "load.kind": lambda folder: load_definition(file(folder, "x", "flow.txt")),
    "load.none": lambda folder: load_definition(file(folder, "x = 1")),
    "load.several": lambda folder: load_definition(file(folder, TWO)),
    "load.timeout": lambda _: compile_source("import time\ntime.sleep(60)\n" + FLOW, timeout=0.2),
    "python.syntax": lambda folder: load_definition(file(folder, "def flow(:\n")),
    "yaml.syntax": lambda folder: load_definition(file(folder, "a: [1\n", "flow.yaml")),
    "definition.invalid": lambda _: from_document({}),
    "definitions.invalid": lambda _: deployed({"output": {"get": "nobody.assigned"}}),
    "decompile.unwritable": lambda _: arm.decompile(from_document(BROKEN)),
    "builder.function": lambda _: builder.apply("rund", 1),
    "builder.iteration": lambda _: build(lambda made: list(made.input)),
    "builder.otherwise": lambda _: build(lambda made: made.otherwise().__enter__()),
    "builder.truth": lambda _: build(lambda made: bool(made.input == 1)),
}  # fmt: skip


def bound() -> object:
    later = 1

    @arm.workflow
    def flow():
        x = later  # noqa: F841

    return flow


def local_name() -> object:
    kept = 1

    @arm.workflow
    def flow():
        kept = 1  # noqa: F841

    return flow if kept else None


def unchanged(folder: Path) -> object:
    """A file that is only touched between its import and its compiling."""
    path = file(folder, "def flow():\n    return 1\n", "unchanged.py")
    spec = importlib.util.spec_from_file_location("unchanged", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.touch()
    return arm.workflow(module.flow)


def chosen(made: Any) -> object:
    with made.when(made.input.x == 1):
        made.set(y=1)
    with made.otherwise():
        made.set(y=2)
    return made.workflow


def once_for_each(made: Any) -> object:
    with made.each(made.input.lines) as line:
        made.call("a/b", {"line": line})
    return made.workflow


def plus(x: int) -> int:
    return x + 1


class Item(TypedDict):
    key: str


CLOSE: dict[str, Callable[[Path], object]] = {
    "name.unset": lambda _: bound(),
    "syntax.nonlocal": lambda _: local_name(),
    "syntax.other": lambda folder: read(FLOW.replace("1", "[1, 2][0:1]"), folder),
    "model.typed-dict": lambda _: schema_of(Item),
    "verb.outside": lambda folder: read("from armillary import call\n" + FLOW.replace("1", "call('a/b')"), folder),
    "fragment.kind": lambda _: arm.fragment(lambda x: x),
    "function.invalid": lambda _: arm.function(major=1)(plus),
    "workflow.called": lambda folder: load_workflows(file(folder, FLOW))[0],
    "workflow.kind": lambda folder: read(FLOW, folder),
    "workflow.roles": lambda folder: read(FLOW.replace("@workflow", "@workflow(start=['agent'])"), folder),
    "authoring.no-source": lambda folder: read(FLOW, folder),
    "authoring.source-changed": unchanged,
    "authoring.invalid": lambda folder: load_workflows(file(folder, FLOW.replace("1", "1 + 2"))),
    "load.encoding": lambda folder: read(FLOW.replace("1", '"é"'), folder),
    "load.file": lambda folder: read(FLOW, folder),
    "load.import": lambda folder: read("import json\n" + FLOW, folder),
    "load.kind": lambda folder: read(FLOW, folder),
    "load.none": lambda folder: read("x = 1\n" + FLOW, folder),
    "load.several": lambda folder: load_definition(f"{file(folder, TWO)}:other"),
    "load.timeout": lambda _: compile_source("import time\n" + FLOW, timeout=60),
    "python.syntax": lambda folder: read(FLOW, folder),
    "yaml.syntax": lambda folder: load_definition(file(folder, YAML, "flow.yaml")),
    "definition.invalid": lambda _: from_document(SOUND),
    "definitions.invalid": lambda _: deployed({"output": {"const": 1}}),
    "decompile.unwritable": lambda _: arm.decompile(from_document(SOUND)),
    "builder.function": lambda _: repr(builder.apply("round", 1)),
    "builder.iteration": lambda _: build(once_for_each),
    "builder.otherwise": lambda _: build(chosen),
    "builder.truth": lambda _: repr(build(lambda made: made.input == 1)),
}  # fmt: skip
"""What comes close, and is well."""
OURS = {"decompile.different": FLOW, "decompile.invalid": "1 / 0"}
"""Mistakes of ours, and what the decompiler would have to write for them."""
LATER = {"syntax.type": "type Number = int"}
"""What only Python 3.12 and later can read."""


def file(folder: Path, text: str | bytes, name: str = "flow.py") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def told(error: ArmillaryError, code: str) -> Problem:
    """What an error says under a code, whether it is its own or that of one of its problems."""
    inside = [problem for problem in error.problems if problem.code == code]
    return inside[0] if inside else Problem(error.code, error.message, hint=error.hint)


def test_what_is_said_elsewhere(golden, tmp_path, monkeypatch):
    texts = []
    for code, do in sorted(ELSEWHERE.items()):
        with pytest.raises(ArmillaryError) as caught:
            do(tmp_path)
        problem = told(caught.value, code)
        assert problem.code == code
        texts.append(report(replace(problem, span=None)).replace(str(tmp_path), "…"))
    for code, source in OURS.items():
        with pytest.raises(ArmillaryError) as caught:
            different(monkeypatch, source)
        assert caught.value.code == code
        texts.append(report(told(caught.value, code)))
    golden("codes-elsewhere", "\n\n".join(texts))


@pytest.mark.parametrize("code", CLOSE)
def test_what_comes_close_elsewhere_is_well(code, tmp_path):
    made = CLOSE[code](tmp_path)
    assert [problem for problem in getattr(made, "problems", ()) if problem.severity == "error"] == []


def test_all_that_is_said_elsewhere_has_its_close_case():
    assert CLOSE.keys() == ELSEWHERE.keys()


def test_every_text_of_a_function_reads_well(compiled, golden):
    texts = []
    for code, (source, _) in sorted(CASES.items()):
        problem = next(one for one in problems_of(compiled, source) if one.code == code)
        assert problem.hint, code
        texts.append(report(problem))
    golden("codes", "\n\n".join(texts))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a statement of Python 3.12")
@pytest.mark.parametrize("code", LATER)
def test_what_only_later_pythons_can_read(compiled, code):
    (problem,) = problems_of(compiled, LATER[code])
    assert (problem.code, problem.hint) == (code, "define it above the function")


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def raised() -> Iterator[str]:
    """Every code that stands in the sources as one: an argument of what refuses, reports or raises."""
    for source in SOURCES:
        for path in sorted(source.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield from codes_in(node)


SAYS = ("refuse", "report", "problem", "Problem", "__init__")
EXPRESSION = ("failure", "FunctionError")


def codes_in(call: ast.Call) -> Iterator[str]:
    """The codes among the first three arguments of one call."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    for argument in call.args[:3]:
        text = argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""
        if CODE.fullmatch(text) and (name in SAYS or name.endswith(("Error", "Failure"))):
            yield text
        elif name in EXPRESSION and argument is call.args[0] and text:
            yield f"expression.{text}"


def test_every_code_that_is_said_is_in_the_table():
    found = set(raised())
    assert len(found) > 150
    assert found - EVERY.keys() == set()
    assert {f"syntax.{word}" for word, *_ in refused.STATEMENTS.values()} <= EVERY.keys()
    assert {f"syntax.{word}" for word, *_ in expressions.REFUSED.values()} <= EVERY.keys()


def test_every_code_of_the_table_is_brought_about():
    kept = CASES.keys() | ELSEWHERE.keys() | OURS.keys() | LATER.keys()
    assert kept == AUTHORING.keys()


def test_every_code_has_an_anchor():
    page = (ROOT / "docs/reference/diagnostics.md").read_text(encoding="utf-8")
    for code in EVERY:
        assert page.count(f'<a id="{code}"></a>') == 1, code
