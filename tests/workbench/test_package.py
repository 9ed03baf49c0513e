"""What `import armillary` costs and gives."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import armillary
import pytest

HEAVY = {"IPython", "alembic", "anywidget", "click", "ipywidgets", "jsonschema", "jupyterlab", "pydantic", "sqlalchemy"}


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert modules_after("import armillary") & HEAVY == set()


def test_the_command_line_loads_no_jupyter_and_no_database_for_help():
    loaded = modules_after("from armillary.cli import call\ncall(['--help'])")
    assert loaded & (HEAVY - {"click", "pydantic"}) == set()


@pytest.mark.parametrize("name", armillary.__all__)
def test_every_name_is_there(name):
    assert getattr(armillary, name) is not None


def test_what_a_type_checker_sees_is_what_there_is():
    tree = ast.parse(Path(armillary.__file__).read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(armillary.__all__)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match="did you mean 'Workbench'"):
        armillary.WorkBench  # noqa: B018


def test_the_functions_of_workflows_are_all_there():
    from armillary.authoring import functions as home

    members = [(name, value) for name, value in inspect.getmembers(home, inspect.isfunction) if name[0] != "_"]
    assert len(members) > 30
    assert all(getattr(armillary.functions, name) is value for name, value in members)
    assert armillary.functions.__name__ == "armillary.functions"


def test_every_word_of_the_language_comes_from_the_package_too():
    from armillary import authoring

    results = {"Change", "DecompileError", "Difference", "LoadError", "SourceError"}
    tools = {"compile_source", "load_workflows", "workflow_from_document"}
    assert set(authoring.__all__) - results - tools <= set(armillary.__all__)
