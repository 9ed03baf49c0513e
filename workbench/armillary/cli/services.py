"""Handlers for ``--service NAME=FILE.py:FUNCTION``."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

import click
from armillary_engine.runtime import Handler


def handler_of(text: str) -> tuple[str, Handler]:
    """The service's name and the function that answers it. The file is run to get it."""
    name, equals, place = text.partition("=")
    file, colon, function = place.rpartition(":")
    if not (name and equals and colon and function.isidentifier()):
        raise click.UsageError(f"--service: expected NAME=FILE.py:FUNCTION, got {text!r}")
    handler = getattr(_module(Path(file)), function, None)
    if not callable(handler):
        raise click.UsageError(f"--service: expected a function {function!r} in {file}, got none")
    return name, handler


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise click.UsageError(f"--service: expected a Python file at {path}, got none")
    spec = importlib.util.spec_from_file_location(f"armillary_service_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise click.UsageError(f"--service: expected a Python file, got {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))  # as `python FILE.py` does, so that it finds its neighbours
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - whatever their file raises
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"line {lines[-1]}: " if lines else ""
        raise click.UsageError(f"--service: {path} cannot be run: {where}{type(error).__name__}: {error}") from None
    return module
