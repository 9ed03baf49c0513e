"""Problems (what validation finds) and the one family of errors that people see.

Every message reads ``expected X, got Y; do Z`` and carries a stable, dotted code with a page in the docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in an author's source. Lines count from 1, columns from 0 and in characters (not bytes)."""

    file: str
    """A file's path, or what a person calls a cell: ``In [7]``."""
    line: int
    column: int = 0
    end_line: int | None = None
    end_column: int | None = None
    text: str | None = None
    """The source line(s) from ``line`` to ``end_line``, for a caret under them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One diagnostic: stable code, severity, message, and where it is."""

    code: str
    message: str
    severity: Severity = "error"
    step: str | None = None
    pointer: str = ""
    """RFC 6901 JSON pointer into the canonical document; ``""`` is the whole document."""
    hint: str = ""
    span: Span | None = None


class ArmillaryError(Exception):
    """An error that a person can act on; ``code`` is stable, ``hint`` says what to do."""

    def __init__(self, code: str, message: str, *, hint: str = "", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.problems: tuple[Problem, ...] = tuple(problems)

    def __str__(self) -> str:
        text = f"{self.message}  [{self.code}]"
        return f"{text}\n  {self.hint}" if self.hint else text

    def _render_traceback_(self) -> list[str]:
        """Called by IPython in place of a traceback: an error that a person can act on needs no stack of ours."""
        return str(self).splitlines()


class DefinitionError(ArmillaryError):
    """A definition that cannot be used; ``problems`` lists all that is wrong with it."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        found = tuple(problems)
        super().__init__("definition.invalid", _listed(name, found), problems=found)


class DefinitionsError(DefinitionError):
    """Definitions that cannot be used, by name; ``problems`` lists all that is wrong with each of them."""

    def __init__(self, found: Iterable[tuple[str, Sequence[Problem]]]) -> None:
        bad = list(found)
        listed = "\n".join(_listed(name, problems) for name, problems in bad)
        message = f"expected definitions that can be used, got {len(bad)} that cannot\n{listed}"
        problems = [problem for _, problems in bad for problem in problems]
        hint = "correct them, or deploy the others in the mode `warn`"
        ArmillaryError.__init__(self, "definitions.invalid", message, hint=hint, problems=problems)


def _listed(name: str, problems: Sequence[Problem]) -> str:
    errors = [problem for problem in problems if problem.severity == "error"]
    plural = "problem" if len(errors) == 1 else "problems"
    lines = "\n".join(f"  {p.step or '-'}: {p.message}{p.hint and '; ' + p.hint}  [{p.code}]" for p in errors)
    return f"definition {name!r} has {len(errors)} {plural}\n{lines}"
