"""Files for ``--script FILE``: what the world does, as JSON or YAML."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.transports.scripted import Expected, ScriptedTransport

from .output import read_json


def services_of(file: str | None) -> tuple[Collection[str], ScriptedTransport]:
    """The services that a script answers for, and what answers their calls. Refuses entries that are no calls."""
    from ..testing.script import read_script

    entries = read_script(script_of(file))
    expected = [entry for entry in entries if isinstance(entry, Expected)]
    if len(expected) < len(entries):
        number = next(number for number, entry in enumerate(entries, 1) if not isinstance(entry, Expected))
        raise click.UsageError(
            f"--script: expected a call with 'reply', 'fail' or 'silent' as entry {number}, got another kind of entry; "
            "here people answer tasks and send signals (armillary tasks, armillary signals). `armillary simulate` "
            "plays the whole of a script"
        )
    return {entry.service for entry in expected}, ScriptedTransport(expected)


def script_of(file: str | None) -> list[Any]:
    """The entries of a script, as data; none without a file."""
    if file is None:
        return []
    if file == "-" or not file.endswith((".yaml", ".yml")):
        entries = read_json(file if file == "-" else f"@{file}", option="--script")
    else:
        entries = _yaml(Path(file))
    if not isinstance(entries, list):
        raise click.UsageError(f"--script: expected a list of entries, got {type(entries).__name__}")
    return entries


def _yaml(path: Path) -> Any:
    from io import StringIO

    from armillary_engine.definition.codec import normalize
    from ruamel.yaml.error import YAMLError

    from ..authoring.yaml_reader import yaml

    try:
        return normalize(yaml().load(StringIO(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise click.UsageError(f"--script: cannot read {path}: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError, ArmillaryError) as error:
        raise click.UsageError(f"--script: expected YAML in {path}, got: {error}") from None
