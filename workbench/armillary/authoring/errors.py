"""What an author sees when a workflow does not compile: every problem at once, each under its own source line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from armillary_engine.definition.model import Definition
from armillary_engine.definition.problems import ArmillaryError, Problem, Span

TAB = 4


class AuthoringError(ArmillaryError):
    """A function that has no canonical meaning. ``problems`` lists all that is wrong with it, in source order.

    ``str(error)`` is the whole report; in a notebook it is shown instead of a traceback. ``definition`` is what the
    rest of it compiles to, with nulls for what was refused: a notebook draws it with markers.
    """

    def __init__(self, name: str, problems: Sequence[Problem], *, definition: Definition | None = None) -> None:
        count = sum(problem.severity == "error" for problem in problems)
        message = f"{name} does not compile: {count} problem{'' if count == 1 else 's'}"
        super().__init__("authoring.invalid", message, problems=problems)
        self.definition = definition

    def __str__(self) -> str:
        errors = [problem for problem in self.problems if problem.severity == "error"]
        return "\n\n".join([self.message, *map(report, errors)])

    def _render_traceback_(self) -> list[str]:
        """Called by IPython in place of a traceback."""
        return str(self).splitlines()


class SourceError(AuthoringError):
    """The source of a function cannot be found, or is no longer what was run."""


def report(problem: Problem) -> str:
    """One problem as text: where, the source line with a caret, what is wrong, what to write instead."""
    lines = [] if problem.span is None else [*where(problem.span)]
    lines.extend(f"  {line}" for line in f"{problem.message}  [{problem.code}]".splitlines())
    lines.extend(f"  {line}".rstrip() for line in problem.hint.splitlines())
    return "\n".join(lines)


def where(span: Span) -> list[str]:
    """``In [7], line 4``, the source line, and a caret under the part that is meant."""
    heading = f"{span.file}, line {span.line}"
    if not span.text:
        return [heading]
    line = span.text.splitlines()[0]
    end = span.end_column if span.end_column is not None and span.end_line in (None, span.line) else len(line)
    start = width(line[: span.column])
    carets = max(1, width(line[:end].rstrip()) - start)
    indent = width(line[: len(line) - len(line.lstrip())])
    shown = line.expandtabs(TAB).strip()
    return [heading, f"    {shown}", "    " + " " * (start - indent) + "^" * carets]


def width(text: str) -> int:
    """The columns that ``text`` takes in a fixed-width font, from the start of a line."""
    columns = 0
    for character in text:
        if character == "\t":
            columns += TAB - columns % TAB
        elif unicodedata.east_asian_width(character) in "WF":
            columns += 2
        elif not unicodedata.combining(character) and unicodedata.category(character) not in ("Cf", "Mn", "Me"):
            columns += 1
    return columns
