"""Text → expression, through Python's own parser.

Beyond the canonical forms these spellings are understood: ``a < b < c`` (both comparisons), ``is None``, tuples (as
lists), generator expressions (as comprehensions), ``x.upper()`` and the like (as ``upper(x)``), f-strings with ``:.2f``
and ``:,`` (as ``format_number``), and ``name@2(x)`` for a function of the user's.
"""

from __future__ import annotations

import ast
import warnings

from ..expression_json import MAX_EXPRESSION_DEPTH
from ..model import Expression
from ..problems import ArmillaryError, Problem, Span
from .conversion import Reading, convert

MAX_TEXT = 64 * 1024
"""Characters of an expression's text."""


CORRECT = "correct it at this place; the forms are in the expression reference"


class ExpressionSyntaxError(ArmillaryError):
    """A text that is no expression of ours; ``problems`` has each place, with a span."""


def parse(text: str, *, file: str = "expression") -> Expression:
    """Text → expression in normal form. Raises :class:`ExpressionSyntaxError` with everything that is wrong."""
    problems: list[Problem] = []
    if len(text) > MAX_TEXT:
        message = f"expected at most {MAX_TEXT:,} characters, got {len(text):,}"
        raise ExpressionSyntaxError("expression.too-large", message, hint="assign parts of it to names first")
    tree, source = _tree(text, file)
    lines = source.encode("utf-8", "replace").split(b"\n")

    def fault(node: ast.AST, message: str, hint: str) -> None:
        problems.append(Problem("expression.syntax", message, hint=hint, span=_span(node, lines, file)))

    expression = convert(tree, Reading(fault, lambda node: source_text(node, lines)))
    if problems:
        raise ExpressionSyntaxError("expression.syntax", _listing(problems), hint=problems[0].hint, problems=problems)
    return expression


def _tree(text: str, file: str) -> tuple[ast.expr, str]:
    source = f"({text}\n)"  # the parentheses allow line breaks
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source, mode="eval").body, source
    except SyntaxError as error:
        line, column = max(error.lineno or 1, 1), max((error.offset or 1) - (2 if error.lineno == 1 else 1), 0)
        lines = text.split("\n")
        span = Span(file, line, column, text=lines[line - 1] if line <= len(lines) else None)
        message = f"expected an expression, got a syntax error: {error.msg}"
        problem = Problem("expression.syntax", message, hint=CORRECT, span=span)
        raise ExpressionSyntaxError("expression.syntax", message, hint=CORRECT, problems=[problem]) from None
    except (RecursionError, MemoryError):
        message = f"expected at most {MAX_EXPRESSION_DEPTH} nested expressions, got more"
        raise ExpressionSyntaxError("expression.too-deep", message, hint="assign parts of it to names first") from None
    except ValueError as error:  # a null character, an unpaired surrogate, or an endless number
        message = f"expected an expression, got: {error}"
        raise ExpressionSyntaxError("expression.syntax", message, hint=CORRECT) from None


def source_text(node: ast.expr, lines: list[bytes]) -> str | None:
    """A one-line node's own text; the columns of a syntax tree count UTF-8 bytes."""
    if node.lineno != node.end_lineno or node.lineno > len(lines):
        return None
    return lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode("utf-8", "replace")


def _span(node: ast.AST, lines: list[bytes], file: str) -> Span | None:
    if not isinstance(node, ast.expr):
        return None
    first = 1 if node.lineno == 1 else 0  # the parenthesis in front
    line = lines[node.lineno - 1]
    column = len(line[: node.col_offset].decode("utf-8", "replace")) - first
    end = None
    if node.end_lineno == node.lineno and node.end_col_offset is not None:
        end = len(line[: node.end_col_offset].decode("utf-8", "replace")) - first
    shown = line.decode("utf-8", "replace")[first:]
    return Span(file, node.lineno, max(column, 0), end_line=node.end_lineno, end_column=end, text=shown)


def _listing(problems: list[Problem]) -> str:
    return "; ".join(problem.message for problem in problems)
