"""What authors write for people: the docstring and the comments above statements."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Sequence

DIRECTIVE = re.compile(r"#\s*(type:|noqa|pyright:|mypy:|pylint:|fmt:|ruff:|isort:|pragma:|%%)")


def docstring(node: ast.FunctionDef) -> tuple[str | None, str | None]:
    """The title (first line) and the description (the rest) of a docstring."""
    text = ast.get_docstring(node, clean=True)
    if not text or not text.strip():
        return None, None
    first, _, rest = inspect.cleandoc(text).partition("\n")
    return first.strip(), rest.strip() or None


def comments_above(lines: Sequence[str]) -> dict[int, str]:
    """Line of a statement → the comment block that stands directly above it."""
    alone: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
            if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
                alone[token.start[0]] = token.string
    except (tokenize.TokenError, SyntaxError):
        return {}
    above: dict[int, str] = {}
    block: list[str] = []
    for number in range(1, len(lines) + 2):
        comment = alone.get(number)
        if comment is None:
            if block:
                above[number] = "\n".join(block)
            block = []
        elif not DIRECTIVE.match(comment):
            block.append(comment.lstrip("#").removeprefix(" ").rstrip())
    return above
