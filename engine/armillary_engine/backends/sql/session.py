"""How the shared statements reach a database: one open transaction, positional parameters written ``?``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Protocol

from msgspec import Struct

Row = tuple[Any, ...]


class Session(Protocol):
    """The inside of one transaction. Made and ended by the backend, never by the operations."""

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Executes, and gives the number of rows it changed."""
        ...

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Sequence[Row]:
        """Executes, and gives all rows."""
        ...

    def many(self, statement: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Executes once for each of ``parameters``."""
        ...


def names(row_type: type[Struct]) -> tuple[str, ...]:
    """The columns of a row type: its fields, in order."""
    return row_type.__struct_fields__


def columns(row_type: type[Struct], prefix: str = "") -> str:
    """The columns of a row type for a SELECT; a row of it is ``row_type(*row)``."""
    return ", ".join(prefix + name for name in names(row_type))


def insert(table: str, row_type: type[Struct], *extra: str) -> str:
    """The statement that stores a row of ``row_type``, with ``extra`` columns before its own."""
    all_names = (*extra, *names(row_type))
    return f"INSERT INTO {table} ({', '.join(all_names)}) VALUES ({', '.join('?' * len(all_names))})"


TOGETHER = 16
"""So many rows are inserted by one statement: in SQLite, each row of a statement for many is a step of its own, which
gives up the interpreter's lock and has to get it back."""


def insert_all(session: Session, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Stores rows with the statement that stores one of them (see :func:`insert`)."""
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        session.run(_of_several(statement, len(some)), [value for row in some for value in row])


@lru_cache(maxsize=256)
def _of_several(statement: str, count: int) -> str:
    head, _, one = statement.rpartition(" VALUES ")
    return f"{head} VALUES {', '.join([one] * count)}"


def values(row_type: type[Struct]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes the parameters of :func:`insert` out of a row."""
    return attrgetter(*names(row_type))
