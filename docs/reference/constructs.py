"""The page of every construct: what it is in Python, in YAML, in the canonical document, and as a picture.

Made from the examples by which the tests hold the compiler: ``tests/workbench/authoring/spellings.py``.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

from armillary.authoring.yaml_reader import yaml
from armillary.authoring.yaml_writer import printer, write_yaml
from armillary_engine.definition.codec import to_document
from armillary_engine.definition.model import Definition
from armillary_renderers.render import render
from pictures import lean

EXAMPLES = Path(__file__).parents[2] / "tests" / "workbench" / "authoring"
PAGE = "constructs.md"
PICTURES = "constructs"
WIDE = 100
INTRODUCTION = """\
# Every construct

What each can be written as, and what it looks like: in Python, in YAML, in the canonical document, in a picture. The
examples are those by which the compiler is tested. Where a step alone is shown, `app` is the only parameter, an
`Application`:

"""
Files = dict[str, str]


def load(name: str) -> ModuleType:
    """A module beside the tests."""
    spec = importlib.util.spec_from_file_location(f"armillary_examples_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def constructs() -> Files:
    """The page and its pictures: path below this folder → text."""
    examples, compiling = load("spellings"), load("conftest")
    files: Files = {}
    lines = ["<!-- Made by `python docs/reference/make.py`; do not edit. -->", "", INTRODUCTION + models(compiling)]
    lines += ["", "## The whole", ""]
    for whole in examples.WHOLE:
        definition = compiling.compile_text(whole.python + "\n").definition
        lines += shown(whole.title, whole.python, definition, files, part=whole.yaml)
    for kind, rows in by_kind(examples.SPELLINGS):
        lines += [f"## {kind}", ""]
        for fields, python in rows:
            definition = compiling.body_of(python)
            lines += shown(f"{kind}: {', '.join(fields)}", python, definition, files)
    lines += expressions(examples.EXPRESSIONS, compiling, files)
    return {PAGE: "\n".join(lines).rstrip() + "\n"} | files


def models(compiling: ModuleType) -> str:
    """The models that the examples use, as they are written."""
    source = (EXAMPLES / "conftest.py").read_text("utf-8")
    found = [
        re.search(rf"(?ms)^class {name}\(.*?(?=\n\n\n)", source)
        for name in ("Status", "Line", "Quote", "Application", "Outcome")
    ]
    return "```python\n" + "\n\n".join(one.group() for one in found if one) + "\n```"


def by_kind(rows: Iterable[Any]) -> Iterator[tuple[str, list[tuple[list[str], str]]]]:
    """Examples by kind of step; fields with the same Python together."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        fields = kinds.setdefault(row.kind, {}).setdefault(row.python, [])
        fields += [] if row.field in fields else [row.field]
    for kind, examples in kinds.items():
        yield kind, [(fields, python) for python, fields in examples.items()]


def shown(
    title: str, python: str, definition: Definition, files: Files, part: Mapping[str, str] | None = None
) -> list[str]:
    """One example in its four forms."""
    name = unused(re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"), files)
    files[name] = lean(render(definition, detail="full", theme="light").svg)
    document = as_json(definition)
    data = yaml().load(write_yaml(definition))
    data, document = (cut(data, part), cut(document, part)) if part else (data["body"], document["body"])
    forms = (("python", python), ("yaml", as_yaml(data)), ("json", compact(document)))
    blocks = [line for language, text in forms for line in (f"```{language}", text.rstrip("\n"), "```", "")]
    return [f"### {title}", "", *blocks, f"![{title}]({name})", ""]


def unused(stem: str, files: Files) -> str:
    """A path that no picture has yet."""
    paths = [f"{PICTURES}/{stem}.svg", *(f"{PICTURES}/{stem}-{number}.svg" for number in range(2, 20))]
    return next(path for path in paths if path not in files)


def cut(document: Any, part: Mapping[str, str]) -> Any:
    """The members of a document that an example is about, whole."""
    wanted = dict.fromkeys(pointer.split("/")[1] for pointer in part)
    return {key: document[key] for key in wanted}


def as_json(definition: Definition) -> Any:
    """The canonical document as plain data, its members in the order of the model."""
    return json.loads(json.dumps(to_document(definition), default=float))


def as_yaml(data: Any) -> str:
    """Data as YAML text."""
    stream = StringIO()
    printer().dump(data, stream)
    lines = stream.getvalue().rstrip("\n").split("\n")
    return "\n".join(line[2:] for line in lines) if isinstance(data, list) else "\n".join(lines)


def compact(data: Any, indent: int = 0) -> str:
    """JSON with everything on one line that fits on one."""
    line = json.dumps(data, ensure_ascii=False)
    if len(line) + indent <= WIDE or not isinstance(data, list | dict) or not data:
        return line
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(data, list):
        return "[\n" + ",\n".join(inner + compact(item, indent + 2) for item in data) + f"\n{outer}]"
    members = (
        f"{inner}{json.dumps(key, ensure_ascii=False)}: {compact(item, indent + 2)}" for key, item in data.items()
    )
    return "{\n" + ",\n".join(members) + f"\n{outer}}}"


def expressions(rows: Iterable[tuple[str, str]], compiling: ModuleType, files: Files) -> list[str]:
    """A table of expressions, and one picture that shows them as the labels of steps."""
    lines = ["## Expressions", "", "| Python | YAML | canonical |", "|---|---|---|"]
    names, listed = [], list(rows)
    for number, (python, spelt) in enumerate(listed, 1):
        body = compiling.body_of(f"x = {python}")
        document = as_json(body)["body"][0]["assign"]["x"]
        cells = (code(python), code(spelt), code(json.dumps(document, ensure_ascii=False)))
        lines.append(f"| {' | '.join(cells)} |")
        names.append(f"x{number} = {python}")
    picture = f"{PICTURES}/expressions.svg"
    files[picture] = lean(render(compiling.body_of("\n".join(names)), detail="full", theme="light").svg)
    return [
        *lines,
        "",
        "In the same order, as steps that assign them:",
        "",
        f"![expressions]({PICTURES}/expressions.svg)",
    ]


def code(text: str) -> str:
    """Text as code in a table."""
    return f"`{text}`".replace("|", "\\|")
