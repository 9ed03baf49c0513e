"""Who asks something of an engine."""

from __future__ import annotations

from dataclasses import dataclass

from .ids import check_text


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``roles=None``: a local, trusted caller (a notebook, the CLI) to whom everything is allowed."""

    name: str | None = None
    """1 to 200 characters; others are refused with ``caller.name-invalid``."""
    roles: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            check_text(self.name, "a name of a caller", code="caller.name-invalid", at_most=200)


ANYBODY = Caller()
"""Somebody who is trusted, and has no name: whoever works in the process itself."""
