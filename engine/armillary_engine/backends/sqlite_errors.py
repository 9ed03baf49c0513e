"""What SQLite says, in words that a person can act on."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..definition.problems import ArmillaryError


class StoreError(ArmillaryError):
    """The store itself failed: ``store.corrupt``, ``store.newer``, ``store.full``, …; nothing was half-written."""


_SIGNS = (
    ("not a database", "store.corrupt"),
    ("malformed", "store.corrupt"),
    ("is full", "store.full"),
    ("readonly", "store.read-only"),
    ("unable to open", "store.unavailable"),
    ("locked", "store.busy"),
    ("disk i/o", "store.io"),
    ("too big", "store.too-large"),
)

_TEXTS = {
    "store.corrupt": (
        "expected an Armillary store, got a damaged file or one that is no SQLite database: {path}",
        "keep a copy of it; restore the last backup, try `sqlite3 FILE .recover`, or open another path",
    ),
    "store.full": (
        "expected room to write, got a full disk: {path}",
        "free some space; nothing was lost or half-written",
    ),
    "store.read-only": (
        "expected to write, got a read-only file: {path}",
        "make the file and its folder writable for this user, or open another path",
    ),
    "store.unavailable": (
        "expected a file that can be opened, got none: {path}",
        "check that the folder exists and that this user may read and write in it",
    ),
    "store.busy": (
        "expected to write, but another program holds the file locked: {path}",
        "close database browsers or backup programs that have it open for writing",
    ),
    "store.io": ("expected the disk to answer, got an input/output error: {path}", "check the disk and its free space"),
    "store.too-large": (
        "expected data within SQLite's limits, got more: {path}",
        "keep large data outside the workflow",
    ),
    "store.text": (
        "expected texts of whole characters, got half a surrogate pair, which no store keeps: {path}",
        "leave it out of names and ids",
    ),
}


def store_error(code: str, path: Path | str, detail: str = "") -> StoreError:
    """The error for ``code``."""
    message, hint = _TEXTS[code]
    return StoreError(code, message.format(path=path) + (f" ({detail})" if detail else ""), hint=hint)


FAILURES = (sqlite3.Error, UnicodeEncodeError)
"""What SQLite's driver raises."""


def translated(error: Exception, path: Path | str) -> Exception:
    """A :class:`StoreError` for what a person can act on; the error itself for a mistake of ours."""
    if isinstance(error, UnicodeEncodeError):
        return store_error("store.text", path, str(error))
    text = str(error).lower()
    code = next((code for sign, code in _SIGNS if sign in text), None)
    return error if code is None else store_error(code, path, str(error))


def newer(path: Path | str, got: int, known: int) -> StoreError:
    """The file was written by a newer release."""
    hint = "upgrade Armillary here, or open the file with the release that wrote it"
    message = f"expected a store of schema {known} or older, got schema {got}: {path}"
    return StoreError("store.newer", message, hint=hint)


def older(path: Path | str, got: int, known: int) -> StoreError:
    """The file was written by an older release."""
    hint = "make a copy of the file, then run: armillary db upgrade"
    message = f"expected a store of schema {known}, got the older schema {got}: {path}"
    return StoreError("store.older", message, hint=hint)


def foreign(path: Path | str) -> StoreError:
    """The file is a SQLite database of some other program."""
    message = f"expected an Armillary store, got a SQLite database of another program: {path}"
    return StoreError("store.foreign", message, hint="open another path")
