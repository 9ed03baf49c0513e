"""What runs in the child process of :func:`armillary.authoring.load.compile_source`: source in, documents out."""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import sys
import types
from dataclasses import asdict
from typing import Any

from armillary_engine.definition.codec import dumps_definition
from armillary_engine.definition.problems import ArmillaryError, Problem, Span

from .errors import AuthoringError
from .load import workflows_of


def main() -> None:
    """Reads ``{"text", "file"}`` from standard input and prints one line of JSON."""
    asked = json.loads(sys.stdin.read())
    with contextlib.redirect_stdout(io.StringIO()):
        answer = run(asked["text"], asked["file"])
    sys.stdout.write(json.dumps(answer) + "\n")


def run(text: str, file: str) -> dict[str, Any]:
    """Runs the source and describes its workflows, or what went wrong."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = types.ModuleType("source")
    module.__file__ = file
    sys.modules["source"] = module
    try:
        exec(compile(text, file, "exec", dont_inherit=True), vars(module))
    except ArmillaryError as error:
        return {"error": described(error)}
    except SyntaxError as error:
        span = Span(file, error.lineno or 1, max((error.offset or 1) - 1, 0), text=(error.text or "").rstrip("\n"))
        problem = Problem(
            "python.syntax", f"expected Python, got: {error.msg}", hint="correct it at this place", span=span
        )
        return {"error": described(AuthoringError(file, [problem]))}
    except BaseException as error:  # noqa: BLE001 - the source is the author's, and may even exit
        message = f"expected {file} to import, got {type(error).__name__}: {error}"
        return {"error": described(ArmillaryError("load.import", message, hint="importing a file runs it"))}
    return {"documents": [dumps_definition(one.definition).decode() for one in workflows_of(vars(module))]}


def described(error: ArmillaryError) -> dict[str, Any]:
    """An error as JSON-able data."""
    return {
        "authoring": isinstance(error, AuthoringError),
        "name": error.message.partition(" does not compile")[0],
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "problems": [asdict(problem) for problem in error.problems],
    }
