"""Definitions as the command line names them: ``file.py:name``, YAML, JSON, or ``-`` for standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError, Problem

from ..definitions import validate


def load(source: str) -> Definition:
    """One definition; what is wrong with it is raised with all its problems."""
    if source == "-":
        from armillary_engine.definition.codec import load_definition_bytes

        return load_definition_bytes(sys.stdin.read())
    _require_file(source)
    from ..authoring import load_definition

    return load_definition(source)


def problems_of(source: str) -> Sequence[Problem]:
    """All that is wrong with one source, whether it is found on reading, on compiling or on validation.

    Of a Python file without a name, all its workflows are looked at."""
    try:
        if source != "-":
            _require_file(source)
        return _python_problems(source) if source.endswith(".py") else _problems_in(load(source))
    except ArmillaryError as error:
        return error.problems or [Problem(code=error.code, message=error.message, hint=error.hint)]


def _problems_in(definition: Definition) -> list[Problem]:
    from ..authoring.origins import placed

    return placed(definition, validate(definition))


def _python_problems(source: str) -> list[Problem]:
    from ..authoring import load_workflows

    workflows = load_workflows(source)
    if not workflows:
        return [
            Problem("load.none", f"expected a workflow in {source}, got none", hint="mark a function with @workflow")
        ]
    return [problem for workflow in workflows for problem in workflow.problems]


def _require_file(source: str) -> None:
    path = Path(source)
    head, colon, name = source.rpartition(":")
    if colon and not path.exists() and name.isidentifier():
        path = Path(head)
    if not path.is_file():
        what = "got a folder" if path.is_dir() else "got none"
        raise click.UsageError(f"expected a Python, YAML or JSON file at {path}, {what}")
