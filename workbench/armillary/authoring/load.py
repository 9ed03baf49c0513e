"""Definitions from files and texts: Python, YAML, JSON.

Loading a Python file imports it, which runs it. :func:`compile_source` does that in a child process.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from armillary_engine.definition.codec import from_document, load_definition_bytes
from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError, Problem, Span
from armillary_engine.definition.suggest import did_you_mean

from .errors import AuthoringError
from .workflow import Workflow, workflow_from_document
from .yaml_reader import read_yaml

SUFFIXES = (".py", ".yaml", ".yml", ".json")


class LoadError(ArmillaryError):
    """A file or a text that holds no definition (``load.*``)."""


def load_definition(source: str | Path | Mapping[str, Any]) -> Definition:
    """One definition from a canonical document, a file (``flow.py``, ``flow.py:name``, ``flow.yaml``, ``flow.json``),
    or the text of a YAML or JSON document.

    A Python file is imported, which runs it. Raises :class:`LoadError`, :class:`AuthoringError` or ``DefinitionError``.
    """
    if isinstance(source, Mapping):
        return from_document(source)
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return load_text(source)
    path, name = split_name(str(source))
    if path.suffix == ".py":
        return choose(load_workflows(path), name, str(path)).definition
    return load_text(read(path), file=str(path), is_json=path.suffix == ".json")


def load_text(text: str, *, file: str = "<text>", is_json: bool = False) -> Definition:
    """A YAML or JSON document."""
    if is_json:
        return load_definition_bytes(text)
    return read_yaml(text, file=file)


def split_name(source: str) -> tuple[Path, str | None]:
    """``flow.py:approve`` → the file and the name."""
    head, colon, name = source.rpartition(":")
    if colon and name.isidentifier() and head.endswith(SUFFIXES):
        return Path(head), name
    return Path(source), None


def read(path: Path) -> str:
    """The text of a file."""
    if path.suffix not in SUFFIXES:
        hint = "name it .py, .yaml or .json"
        raise LoadError("load.kind", f"expected a Python, YAML or JSON file, got {path}", hint=hint)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8"
        raise LoadError("load.encoding", f"expected UTF-8 in {path}, got {error.reason}", hint=hint) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise LoadError("load.file", f"expected a file at {path}, got: {reason}", hint="check the path") from None


# ── Python ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def load_workflows(path: str | Path) -> list[Workflow]:
    """The workflows of a Python file, in the order in which they are written. The file is imported, which runs it."""
    path = Path(path)
    read(path)
    specification = importlib.util.spec_from_file_location(f"armillary_loaded_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise LoadError("load.file", f"expected a Python file, got {path}")
    module = importlib.util.module_from_spec(specification)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # a file next to it can be imported, as when Python runs it
    sys.modules[specification.name] = module
    try:
        specification.loader.exec_module(module)
    except ArmillaryError:
        raise
    except SyntaxError as error:
        raise broken_syntax(path, error) from None
    except Exception as error:
        raise failed_import(path, error) from error
    finally:
        sys.path.remove(folder)
        sys.modules.pop(specification.name, None)
    return workflows_of(vars(module))


def workflows_of(namespace: Mapping[str, object]) -> list[Workflow]:
    """The workflows in a module, each once."""
    found = [value for value in namespace.values() if isinstance(value, Workflow)]
    return list(dict.fromkeys(found))


def choose(workflows: list[Workflow], name: str | None, file: str) -> Workflow:
    """The one that is called ``name``, or the only one."""
    known = {workflow.name: workflow for workflow in workflows}
    if name is None:
        if len(workflows) == 1:
            return workflows[0]
        if not workflows:
            hint = "mark a function with @workflow"
            raise LoadError("load.none", f"expected a workflow in {file}, got none", hint=hint)
        hint = "name one of them: " + ", ".join(f"{file}:{one}" for one in known)
        raise LoadError("load.several", f"expected one workflow in {file}, got {len(workflows)}", hint=hint)
    for workflow in workflows:
        if name in (workflow.name, function_name(workflow)):
            return workflow
    hint = did_you_mean(name, known) or (f"there is {', '.join(known)}" if known else "mark a function with @workflow")
    raise LoadError("load.none", f"expected a workflow {name!r} in {file}, got none", hint=hint)


def function_name(workflow: Workflow) -> str:
    """``ApproveApplication`` → ``approve_application``."""
    from .compile.functions import snake

    return snake(workflow.name)


def broken_syntax(path: Path, error: SyntaxError) -> AuthoringError:
    """The error for a file that is no Python."""
    line, column = error.lineno or 1, max((error.offset or 1) - 1, 0)
    span = Span(str(path), line, column, text=(error.text or "").rstrip("\n"))
    return AuthoringError(
        path.name,
        [Problem("python.syntax", f"expected Python, got: {error.msg}", hint="correct it at this place", span=span)],
    )


def failed_import(path: Path, error: Exception) -> LoadError:
    """The error for a file that raises when it is imported."""
    line = next((frame.lineno for frame in reversed(frames(error)) if frame.filename == str(path)), None)
    where = f"{path}, line {line}" if line else str(path)
    message = f"expected {path.name} to import, got {type(error).__name__}: {error}"
    return LoadError("load.import", message, hint=f"at {where}; importing a file runs it")


def frames(error: Exception) -> list[Any]:
    """The frames of an error's traceback."""
    import traceback

    return list(traceback.extract_tb(error.__traceback__))


def compile_source(text: str, name: str | None = None, *, file: str = "<text>", timeout: float = 30) -> list[Workflow]:
    """The workflows of some Python source, or only the one called ``name``. The source is run in a child process, for
    ``timeout`` seconds at most. Raises what loading a file raises."""
    child = [sys.executable, "-I", "-c", CHILD.format(path=sys.path)]
    try:
        done = subprocess.run(
            child,
            input=json.dumps({"text": text, "file": file}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        hint = "importing it runs it: move slow work out of the module, or give more time with timeout="
        raise LoadError("load.timeout", f"expected {file} to import within {timeout:g} s", hint=hint) from None
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        reason = (done.stderr.strip().splitlines() or ["it ended without an answer"])[-1]
        raise LoadError("load.import", f"expected {file} to import, got: {reason}")
    answer = json.loads(lines[-1])
    if "error" in answer:
        raise failed_child(answer["error"])
    workflows = [workflow_from_document(load_document(document)) for document in answer["documents"]]
    return workflows if name is None else [choose(workflows, name, file)]


def load_document(text: str) -> dict[str, Any]:
    """A document from its JSON text, numbers exact."""
    from armillary_engine.definition.codec import to_document

    return to_document(load_definition_bytes(text))


CHILD = "import sys; sys.path[:] = {path!r}; from armillary.authoring.child import main; main()"


def failed_child(error: Mapping[str, Any]) -> ArmillaryError:
    """An error of the child process, as it would have been raised here."""
    problems = [
        Problem(**{**problem, "span": Span(**problem["span"]) if problem["span"] else None})
        for problem in error["problems"]
    ]
    if error["authoring"]:
        return AuthoringError(error["name"], problems)
    return LoadError(error["code"], error["message"], hint=error["hint"])
