"""Lists that read well: a sequence of things that shows itself as a table, as plain text and as HTML."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from typing import Generic, TypeVar, overload

T_co = TypeVar("T_co", covariant=True)

_CELL = "text-align:left;padding:2px 12px 2px 0;vertical-align:top;white-space:pre-wrap"


class Table(Sequence[T_co], Generic[T_co]):
    """An immutable list that draws itself as a table: ``repr`` in a terminal, HTML (escaped) in a notebook.

    ``rows`` holds one text per heading for each of ``items``."""

    def __init__(
        self, items: Sequence[T_co], headings: Sequence[str], *, rows: Sequence[Sequence[str]], empty: str
    ) -> None:
        self._items = tuple(items)
        self._rows = tuple(rows)
        self._headings = tuple(headings)
        self._empty = empty

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Table[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Table[T_co]:
        if isinstance(index, slice):
            return Table(self._items[index], self._headings, rows=self._rows[index], empty=self._empty)
        try:
            return self._items[index]
        except IndexError:
            found = f"only {len(self)}" if self._items else self._empty
            raise IndexError(f"expected an index in this list, got {index}; there are {found}") from None

    def __repr__(self) -> str:
        return text_table(self._headings, self._rows) if self._items else self._empty

    def _repr_html_(self) -> str:
        if not self._items:
            return f"<p><em>{escape(self._empty)}</em></p>"
        head = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in self._headings)
        body = "".join(
            "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row) + "</tr>" for row in self._rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def text_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns aligned by spaces, headings above, no trailing white space; control characters are made visible."""
    lines = [[printable(cell) for cell in row] for row in (list(headings), *rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(_pad, line, widths)).rstrip() for line in lines)


def printable(text: str) -> str:
    """``text`` on one line and harmless to a terminal: control and formatting characters become escapes."""
    return "".join(
        character if unicodedata.category(character) not in {"Cc", "Cf", "Zl", "Zp", "Cs"} else ascii(character)[1:-1]
        for character in text
    )


def width(text: str) -> int:
    """How many cells of a terminal ``text`` takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _pad(text: str, to: int) -> str:
    return text + " " * (to - width(text))
