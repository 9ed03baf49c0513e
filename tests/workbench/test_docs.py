"""The reference pages name everything that there is, and what the pages show works."""

import inspect
import re
from pathlib import Path

import armillary as arm
import click
import pytest
from armillary.authoring import compile_source
from armillary.cli import armillary

DOCS = Path(__file__).resolve().parents[2] / "docs"
CLI = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
PYTHON = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
EVERYWHERE = {"--help", "--json", "--url", "--output"}


def commands(group: click.Group, *above: str):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


COMMANDS = dict(commands(armillary))


@pytest.mark.parametrize("path", COMMANDS)
def test_the_page_of_the_command_line_names_every_command_and_option(path):
    section = next(part for part in CLI.split("\n### ") if part.startswith(f"`armillary {path.split()[0]}"))
    assert f"`{path.split()[-1]}" in section or f"armillary {path}" in section
    params = [param for param in COMMANDS[path].params if isinstance(param, click.Option)]
    options = {option for param in params for option in param.opts if option.startswith("--")}
    assert options - EVERYWHERE <= set(re.findall(r"--[\w-]+", section))


@pytest.mark.parametrize("kind", [arm.Workbench, arm.Instance, arm.Task])
def test_the_page_of_python_names_every_member(kind):
    members = [name for name, _ in inspect.getmembers(kind) if not name.startswith("_")]
    assert [name for name in members if f".{name}" not in PYTHON and name not in ("view", "runtime")] == []


def test_the_workflow_of_the_concepts_page_compiles():
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "concepts.md").read_text(encoding="utf-8"), re.DOTALL)
    (workflow,) = compile_source(code)
    assert [step.kind for step in workflow.definition.body][:2] == ["reference", "call"]


def test_the_glossary_is_in_order_and_has_each_word_once():
    words = re.findall(r"^\| \*\*(.+?)\*\*", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert words == sorted(set(words), key=str.casefold)
    assert len(words) > 40


def test_every_decision_is_listed():
    pages = {path.name for path in (DOCS / "decisions").glob("0*.md")}
    assert pages == set(re.findall(r"\((0[^)]*\.md)\)", (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")))


def test_every_page_is_found_from_the_first():
    reached: set[Path] = set()
    ahead = [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        ahead += [(page.parent / link).resolve() for link in links]
    assert set(DOCS.rglob("*.md")) - reached == set()
