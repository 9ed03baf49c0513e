"""Values in PostgreSQL's binary form, one at a time or a whole column as an array, so that one statement writes many
rows.

The driver has adapters of its own, which find the type anew in each list and take longer than the server; a column of
ours has one type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

_HEAD = Struct(">iiIii").pack
_EMPTY = Struct(">iiI").pack
_LENGTH = Struct(">i").pack
_BIG = Struct(">iq").pack
_TRUE, _FALSE, _NULL = b"\0\0\0\1\1", b"\0\0\0\1\0", b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of the server: its name and number, and how a value of it is written. ``element`` puts its length before
    it, as in an array (of ``TEXTS`` and ``BIGS`` there are none)."""

    name: str
    oid: int
    scalar: Callable[[Any], bytes]
    element: Callable[[Any], bytes]


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data


def _blob(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


TEXT = Kind("text", 25, str.encode, _text)
BIG = Kind("bigint", 20, Struct(">q").pack, lambda value: _BIG(8, value))
BOOL = Kind("boolean", 16, lambda value: b"\1" if value else b"\0", lambda value: _TRUE if value else _FALSE)
BLOB = Kind("bytea", 17, bytes, _blob)


def scalar(kind: Kind, value: Any) -> bytes | None:
    """One value; ``None`` is null."""
    return None if value is None else kind.scalar(value)


def array(kind: Kind, values: Sequence[Any]) -> bytes:
    """An array of one dimension; ``None`` in it is null."""
    if not values:
        return _EMPTY(0, 0, kind.oid)
    element, first, count = kind.element, values[0], len(values)
    if values.count(first) == count:  # as in many columns: a version, a status, or null
        items = (_NULL if first is None else element(first)) * count
    else:
        items = b"".join([_NULL if value is None else element(value) for value in values])
    return _HEAD(1, 1, kind.oid, count, 1) + items


TEXTS = Kind("text[]", 1009, lambda values: array(TEXT, values), TEXT.element)
BIGS = Kind("bigint[]", 1016, lambda values: array(BIG, values), BIG.element)
