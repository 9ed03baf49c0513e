"""Which store a URL names, and one engine for each store in this process."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

import platformdirs
from armillary_engine.definition.problems import ArmillaryError

if TYPE_CHECKING:
    from armillary_engine.local import LocalRuntime

_FILE = "sqlite:///"
_BUILT_IN = frozenset({"memory", "sqlite", "postgresql"})
_PLANNED = {
    "mongodb": "MongoDB",
    "oracle": "Oracle",
    "http": "deployed backends",
    "https": "deployed backends",
}


def default_path() -> Path:
    """The file that is used when no URL is given: ``armillary.sqlite`` in the user's data folder."""
    return platformdirs.user_data_path("armillary", appauthor=False) / "armillary.sqlite"


def default_url() -> str:
    """The URL of :func:`default_path`; its folder is made if it is not there."""
    path = default_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArmillaryError(
            "store.not-writable",
            f"expected a writable folder {path.parent}, got: {error.strerror}",
            hint="name another place: Workbench('sqlite:///path/to/file.sqlite')",
        ) from None
    return f"{_FILE}{path}"


def normal_url(url: str) -> str:
    """``url`` with an absolute path, so that two spellings of one store are one; refuses what cannot be opened."""
    scheme, separator, rest = url.partition("://")
    scheme, driver, _ = scheme.lower().partition("+")
    if not separator:
        hint = f"for a file write {_FILE}{url}" if url else f"for a file write {_FILE}path"
        raise ArmillaryError("url.invalid", f"expected a URL such as {_FILE}path, got {url!r}", hint=hint)
    if scheme not in _BUILT_IN | {entry.name for entry in entry_points(group="armillary.backends")}:
        raise _unavailable(scheme)
    if driver:
        # The rest of the URL may hold a password: it is not shown.
        message = f"expected {scheme}://…, got a URL that also names a driver"
        raise ArmillaryError("url.invalid", message, hint="leave out the + and what follows it before ://")
    if scheme != "sqlite":
        return url
    name, mark, query = rest.removeprefix("/").partition("?")
    if not rest.startswith("/") or not name or name == ":memory:":
        hint = "for a store without a file write memory://"
        raise ArmillaryError("url.invalid", f"expected {_FILE}path, got {url!r}", hint=hint)
    return f"{_FILE}{_existing_folder(name)}{mark}{query}"


def _existing_folder(name: str) -> Path:
    path = Path(name).expanduser().resolve()
    if path.is_dir():
        raise ArmillaryError("url.invalid", f"expected a file, got the folder {path}", hint="add the name of a file")
    if not path.parent.is_dir():
        raise ArmillaryError(
            "url.invalid", f"expected an existing folder, got {path.parent}", hint="make it, or correct the path"
        )
    return path


def _unavailable(scheme: str) -> ArmillaryError:
    # The rest of the URL may hold a password: it is not shown.
    known = f"expected memory://, {_FILE}path or postgresql://…, got {scheme}://…"
    if scheme in _PLANNED:
        return ArmillaryError(
            "url.unavailable",
            f"{known}, and this version does not work with {_PLANNED[scheme]} yet",
            hint=f"use SQLite for now: {_FILE}path",
        )
    return ArmillaryError("url.unknown", known, hint="see `armillary --help` for the URLs that there are")


@dataclass(frozen=True)
class _Store:
    runtime: LocalRuntime
    users: WeakSet[object]


_open: dict[str, _Store] = {}
_lock = threading.Lock()


def join_store(url: str, user: object) -> LocalRuntime:
    """The one engine of this process on the store ``url`` (a normal one): made for the first user, then the same."""
    from armillary_engine.local import LocalRuntime

    with _lock:
        if url not in _open:
            _open[url] = _Store(LocalRuntime(url), WeakSet())
        _open[url].users.add(user)
        return _open[url].runtime


def leave_store(url: str, user: object) -> None:
    """Takes a user off; the engine stops with the last one. Users that nobody holds any more do not count."""
    with _lock:
        store = _open.get(url)
        if store is None:
            return
        store.users.discard(user)
        if not store.users:
            del _open[url]
            if "armillary.widgets.live" in sys.modules:
                sys.modules["armillary.widgets.live"].release(store.runtime)
            store.runtime.close()
