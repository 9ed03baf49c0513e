"""Imports go one way, and the parts that must be pure are."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine/armillary_engine", "renderers/armillary_renderers", "workbench/armillary")
ENGINE = ROOT / "engine" / "armillary_engine"
IMPURE_MODULES = frozenset(
    """
    asyncio concurrent ctypes fcntl getpass glob http io locale logging multiprocessing os pathlib pickle platform
    random sched secrets select selectors shutil signal socket sqlite3 ssl subprocess sys tempfile threading time
    urllib alembic httpx requests sqlalchemy
    """.split()  # noqa: SIM905 (a list of forty strings reads worse)
)
IMPURE_CALLS = frozenset({"__import__", "breakpoint", "eval", "exec", "globals", "input", "open", "print"})
IMPURE_METHODS = frozenset(
    {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("uuid", "uuid1"), ("uuid", "uuid4")}
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("armillary_engine", "armillary_renderers", "armillary", cache_dir=None)


def test_the_contracts_of_import_linter_hold() -> None:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_definition_imports_nothing_of_ours(graph: grimp.ImportGraph) -> None:
    assert foreign_imports(graph, "armillary_engine.definition") == []


def test_the_interpreter_imports_the_definition_and_nothing_else_of_ours(graph: grimp.ImportGraph) -> None:
    outside = foreign_imports(graph, "armillary_engine.interpreter")
    assert [edge for edge in outside if not edge[1].startswith("armillary_engine.definition")] == []


def foreign_imports(graph: grimp.ImportGraph, package: str) -> list[tuple[str, str]]:
    inside = {package, *graph.find_descendants(package)}
    imported = {module: graph.find_modules_directly_imported_by(module) - inside for module in inside}
    return sorted((module, found) for module, modules in imported.items() for found in modules)


def pure_files() -> Iterator[Path]:
    for folder in ("definition", "interpreter"):
        yield from sorted((ENGINE / folder).rglob("*.py"))


@pytest.mark.parametrize("path", list(pure_files()), ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_no_input_output_clock_or_chance(path: Path) -> None:
    """The definition and the interpreter are pure: the same arguments, the same result, on every machine."""
    assert list(impurities(ast.parse(path.read_text(encoding="utf-8")))) == []


def impurities(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0):
                modules = [module]
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                yield f"line {node.lineno}: {name}()"
                continue
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if (owner, name) in IMPURE_METHODS:
                yield f"line {node.lineno}: {owner}.{name}()"
                continue
            case _:
                continue
        yield from (f"line {node.lineno}: {name}" for name in modules if name.split(".")[0] in IMPURE_MODULES)


IMPURE = [
    "import time",
    "from os import path",
    "import os.path",
    "open('x')",
    "datetime.now()",
    "def f(): import random",
]


@pytest.mark.parametrize("source", IMPURE)
def test_impurities_are_found(source: str) -> None:
    assert list(impurities(ast.parse(source)))


# Import names whose distribution comes with another one that is declared.
COMES_WITH = {"pydantic_core": "pydantic", "traitlets": "ipywidgets", "comm": "ipywidgets", "IPython": "ipykernel"}


def test_every_library_that_the_packages_import_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = distributions_of(project["dependencies"], *(extras[name] for name in extras.keys() - {"test", "docs"}))
    # The conformance suite, the strategies and the pytest plugin are for tests: theirs, ours, and those of whoever
    # writes a backend or a workflow.
    testing = declared | distributions_of(extras["test"])
    distributions = importlib.metadata.packages_distributions()
    undeclared = {
        (path.relative_to(ROOT).as_posix(), name)
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("*.py")
        for name in imported_from_outside(ast.parse(path.read_text(encoding="utf-8")))
        if not (testing if {"testing", "pytest_plugin"} & {*path.with_suffix("").parts} else declared)
        & {canonicalize_name(d) for d in [COMES_WITH.get(name, ""), *distributions.get(name, [name])]}
    }
    assert sorted(undeclared) == []


def distributions_of(*lists: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for texts in lists for text in texts}


def imported_from_outside(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return {name for name in names if name not in sys.stdlib_module_names and not name.startswith("armillary")}


HEADLESS = """
import sys
import armillary_engine, armillary_renderers, armillary
found = sorted({name.split('.')[0] for name in sys.modules}
    & {'IPython', 'anywidget', 'comm', 'ipykernel', 'ipywidgets', 'jupyter_client', 'jupyterlab', 'jupyter_server',
       'fastapi', 'psycopg', 'pymongo', 'oracledb', 'redis', 'playwright', 'pytest', 'hypothesis'})
assert not found, found
"""


def test_a_plain_import_loads_no_jupyter_and_no_driver() -> None:
    done = subprocess.run([sys.executable, "-c", HEADLESS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
