"""What a person hands in where a definition is wanted: a workflow, a definition, a document, a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError, Problem


def as_definition(thing: Any) -> Definition:
    """The definition of a compiled workflow, a document (a mapping), or a file (``Path`` or its text form)."""
    if isinstance(thing, Definition):
        return thing
    inner = getattr(thing, "definition", None)
    if isinstance(inner, Definition):
        return inner
    if isinstance(thing, (str, Path, Mapping)):
        from .authoring import load_definition

        return load_definition(thing)
    hint = "put @workflow above the function" if callable(thing) else "pass a workflow, or the path of its file"
    got = f"the function {thing.__name__!r}" if hasattr(thing, "__name__") else type(thing).__name__
    raise ArmillaryError("definition.expected", f"expected a workflow or a definition, got {got}", hint=hint)


def validate(thing: Any) -> list[Problem]:
    """All that is wrong with a definition, errors and warnings; an empty list if nothing is."""
    from armillary_engine.definition.validate import validate as check

    return list(check(as_definition(thing)))
