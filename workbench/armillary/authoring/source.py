"""Finding the source of a function, and making sure that it is the source of *this* function.

A file may have been edited after it was imported, and a cell may have been run again; so the text that is found is
compiled, and the code it gives is compared with the function's own.
"""

from __future__ import annotations
import __future__ as future

import ast
import linecache
import sys
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from operator import or_
from types import CodeType, FunctionType
from typing import Any

from armillary_engine.definition.problems import Problem, Span

from .errors import SourceError

FUTURE_FLAGS: int = reduce(or_, (getattr(future, name).compiler_flag for name in future.all_feature_names))

DECOMPILED = "<decompiled "
"""How the names of files begin that nobody wrote: those that the decompiler checks itself with."""


def is_decompiled(file: str) -> bool:
    """Whether a source is the decompiler's own, and not what an author wrote."""
    return file.startswith(DECOMPILED)


@dataclass(frozen=True)
class Source:
    """The text that a function was compiled from, and where in it the function stands."""

    file: str
    lines: tuple[str, ...]
    node: ast.FunctionDef
    offset: int = 0
    """What to add to a line number so that it counts as the author sees it (the line of a ``%%time``)."""

    @cached_property
    def within_texts(self) -> dict[int, ast.JoinedStr]:
        """Parts of f-strings (by ``id``) of which not every Python knows the exact place, with the f-string."""
        found: dict[int, ast.JoinedStr] = {}
        for outer in ast.walk(self.node):
            if not isinstance(outer, ast.JoinedStr) or id(outer) in found:
                continue
            simple = outer.lineno == outer.end_lineno and self._is_one_token(outer)
            for inner in ast.walk(outer):
                if inner is not outer and (not simple or isinstance(inner, ast.FormattedValue | ast.JoinedStr)):
                    found[id(inner)] = outer
        return found

    def _is_one_token(self, node: ast.JoinedStr) -> bool:
        """Whether an f-string is one literal, and not several that stand side by side."""
        text = self._segment(node).lstrip("fFrRbBuU")
        quote = text[:3] if text[:3] in ('"""', "'''") else text[:1]
        return quote != "" and quote not in text[len(quote) : -len(quote)]

    def span(self, node: ast.AST) -> Span:
        """Where ``node`` is; columns in characters."""
        node = self.within_texts.get(id(node), node)
        line, end_line = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
        start = self._characters(line, node.col_offset)  # type: ignore[attr-defined]
        end = self._characters(end_line, node.end_col_offset or 0)  # type: ignore[attr-defined]
        text = "\n".join(self.lines[line - 1 : end_line])
        return Span(self.file, line + self.offset, start, end_line + self.offset, end, text)

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def segment(self, node: ast.AST) -> str:
        """The text of ``node``, as it was written."""
        if id(node) not in self.within_texts:
            return self._segment(node)
        return (
            ast.unparse(node)
            if isinstance(node, ast.expr) and not isinstance(node, ast.FormattedValue | ast.JoinedStr | ast.Constant)
            else self._segment(self.within_texts[id(node)])
        )

    def _segment(self, node: ast.AST) -> str:
        first, last = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
        start = self._characters(first, node.col_offset)  # type: ignore[attr-defined]
        end = self._characters(last, node.end_col_offset or 0)  # type: ignore[attr-defined]
        if first == last:
            return self.line(first)[start:end]
        return "\n".join([self.line(first)[start:], *self.lines[first : last - 1], self.line(last)[:end]])

    def _characters(self, line: int, offset: int) -> int:
        text = self.line(line)
        return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))


@dataclass(frozen=True)
class Text:
    """A candidate: some text that the function may have been compiled from."""

    file: str
    lines: tuple[str, ...]
    offset: int = 0


def find_source(function: FunctionType) -> Source:
    """The source of ``function``.

    Raises :class:`SourceError`: ``authoring.no-source`` where there is none, ``authoring.source-changed`` where what is
    there now gives other code.
    """
    code = function.__code__
    flags = code.co_flags & FUTURE_FLAGS
    seen = None
    for text in candidates(function):
        seen = text
        try:
            tree, compiled = parsed("\n".join(text.lines) + "\n", code.co_filename, flags)
        except (SyntaxError, ValueError):
            continue
        node = matching(code, tree, nested(compiled))
        node = node or matching(code, tree, apart(tree, code.co_filename, flags))
        if node is not None:
            return Source(text.file, text.lines, node, text.offset)
    # Python 3.13 keeps the text of `python -c` as <string>, the name that all text given to exec() goes by.
    raise no_source(function) if seen is None or seen.file == "<string>" else source_changed(function, seen)


def candidates(function: FunctionType) -> Iterator[Text]:
    """Texts to try: what Python knows under the code's file name, then the cells that were run, newest first."""
    name = function.__code__.co_filename
    linecache.checkcache(name)
    lines = linecache.getlines(name, function.__globals__)
    if lines:
        yield Text(label(name), tuple(line.rstrip("\r\n") for line in lines), offset=dropped_lines(name))
        return
    shell = interactive_shell()
    if shell is None or not name.startswith("<timed"):
        return
    cells: list[str] = list(shell.history_manager.input_hist_raw)
    for number in range(len(cells) - 1, 0, -1):
        cell: str = cells[number]
        _, _, body = cell.lstrip("\n").partition("\n")
        if cell.lstrip().startswith("%%") and body.strip():
            # IPython drops blank lines at the top, which a person counts.
            dropped = cell.count("\n") - body.lstrip("\n").count("\n")
            yield Text(f"In [{number}]", tuple(shell.transform_cell(body).split("\n")), offset=dropped)


def interactive_shell() -> Any:
    """The running IPython shell, or ``None``; never imports IPython."""
    module = sys.modules.get("IPython.core.getipython")
    return module.get_ipython() if module is not None else None


def label(name: str) -> str:
    """What a person calls the place that Python calls ``name``: ``In [7]`` for a cell, otherwise the file."""
    number = cell_number(name)
    return name if number is None else f"In [{number}]"


def cell_number(name: str) -> int | None:
    """The number of the cell that Python calls ``name``."""
    numbers: dict[str, int] = getattr(getattr(interactive_shell(), "compile", None), "_filename_map", {})
    return numbers.get(name)


def dropped_lines(name: str) -> int:
    """Blank lines at the top of a cell, which IPython drops and a person counts."""
    number = cell_number(name)
    cells: list[str] = [] if number is None else list(interactive_shell().history_manager.input_hist_raw)
    if number is None or number >= len(cells):
        return 0
    return len(cells[number]) - len(cells[number].lstrip("\n"))


@lru_cache(maxsize=8)
def parsed(text: str, name: str, flags: int) -> tuple[ast.Module, CodeType]:
    """The syntax tree and the code of a whole file or cell."""
    tree: ast.Module = _compiled(text, name, flags | ast.PyCF_ONLY_AST)
    return tree, _compiled(text, name, flags)


def _compiled(text: str | ast.Module, name: str, flags: int) -> Any:
    # Cells may hold `await` outside a function, which changes nothing for the functions in them.
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python has given them when the text was run
        return compile(text, name, "exec", flags=flags, dont_inherit=True)


def apart(tree: ast.Module, name: str, flags: int) -> Iterator[CodeType]:
    """All code objects of a cell as IPython compiles it, each statement alone. That is other code: how Python calls a
    function of a module depends on whether it sees that the name was imported."""
    for statement in tree.body:
        yield from nested(_compiled(ast.Module([statement], []), name, flags))


def matching(code: CodeType, tree: ast.Module, compiled: Iterator[CodeType]) -> ast.FunctionDef | None:
    """The function of ``tree`` that is compiled to ``code``; of equal ones the one on the same line."""
    found = [one for one in compiled if one.co_name == code.co_name and one.co_qualname == code.co_qualname]
    same = [one for one in found if fingerprint(one) == fingerprint(code)]
    same.sort(key=lambda one: abs(one.co_firstlineno - code.co_firstlineno))
    for one in same:
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.FunctionDef)
                and node.name == code.co_name
                and first_line(node) == one.co_firstlineno
            ):
                return node
    # A function whose `assert` was rewritten by a test runner is found by its line; the assert itself is refused later.
    for node in ast.walk(tree):
        here = isinstance(node, ast.FunctionDef) and node.name == code.co_name
        if isinstance(node, ast.FunctionDef) and here and first_line(node) == code.co_firstlineno and asserts(node):
            return node
    return None


def asserts(node: ast.FunctionDef) -> bool:
    """Whether a function has an ``assert``."""
    return any(isinstance(inner, ast.Assert) for inner in ast.walk(node))


def first_line(node: ast.FunctionDef) -> int:
    """The line of a function's first decorator, or of its ``def``."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def nested(code: CodeType) -> Iterator[CodeType]:
    """All code objects inside one."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from nested(constant)


def fingerprint(code: CodeType) -> tuple[object, ...]:
    """What a function's code means, without where it stands."""
    constants = tuple(_constant(one) for one in code.co_consts)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_name, code.co_code, constants, names, code.co_argcount, code.co_kwonlyargcount)


def _constant(value: object) -> object:
    """A constant so that equal ones are equal: ``1`` is not ``True``, and a set has no order (that of one which was
    read from a ``.pyc`` may be another)."""
    if isinstance(value, CodeType):
        return fingerprint(value)
    if isinstance(value, tuple):
        return (tuple, *map(_constant, value))
    if isinstance(value, frozenset):
        return frozenset(map(_constant, value))
    return (type(value), repr(value))


def no_source(function: FunctionType) -> SourceError:
    """The error for a function without source."""
    name = function.__code__.co_filename
    if name.startswith("<timed"):
        cause = (
            "it was run by a cell magic that keeps no source; remove the magic's line, or store the cell in the history"
        )
    else:
        cause = "it was made by exec() or eval(), by a cell magic, or typed at a bare Python prompt"
    hint = f"{cause}\nput it into a file or a notebook cell"
    problem = Problem(
        "authoring.no-source", f"expected the source of {function.__name__}, found none in {name}", hint=hint
    )
    return SourceError(function.__name__, [problem])


def source_changed(function: FunctionType, text: Text) -> SourceError:
    """The error for a function whose source is another now."""
    what = (
        "run the cell again" if text.file.startswith("In [") else "import it again (importlib.reload, or a new kernel)"
    )
    message = f"expected the source that {function.__name__} was made from, but {text.file} has been edited since"
    line = function.__code__.co_firstlineno
    span = Span(text.file, line + text.offset, text=text.lines[line - 1] if line <= len(text.lines) else None)
    problem = Problem("authoring.source-changed", message, hint=what, span=span)
    return SourceError(function.__name__, [problem])


def dedented(text: str) -> str:
    """``text`` with the common indentation of all but its first line removed."""
    head, _, rest = text.partition("\n")
    return head if not rest else f"{head}\n{textwrap.dedent(rest)}"
