"""Wake drivers by URL: ``?wake=redis://…`` at the URL of a store. Found by entry points ``armillary.wakes``, each an
``open_wake(url, *, channel, owner)``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from ..backend import Wake
from ..definition.problems import ArmillaryError

BUILT_IN = {"redis": "redis", "rediss": "redis"}
"""Our own drivers: the module here, which is also the name of the extra that brings what it needs."""


def open_driver(url: str, *, channel: str, owner: str) -> Wake:
    """The wake that a URL names, for the store that ``channel`` stands for. Raises ``wake.url``, ``wake.driver``."""
    scheme, separator, _ = url.partition("://")
    found = {} if scheme in BUILT_IN else {entry.name: entry for entry in entry_points(group="armillary.wakes")}
    if not separator or scheme not in {*BUILT_IN, *found}:
        known = ", ".join(f"{name}://…" for name in sorted({*BUILT_IN, *found}))
        raise ArmillaryError(
            "wake.url", f"expected a wake driver of {known}, got {scheme!r}", hint="?wake=redis://host"
        )
    try:
        here = import_module(f".{BUILT_IN[scheme]}", __package__).open_wake if scheme in BUILT_IN else None
        opening = here or found[scheme].load()
    except ImportError as error:
        extra = BUILT_IN.get(scheme, scheme)
        message = f"expected the driver of {scheme}://, got none: {error}"
        raise ArmillaryError("wake.driver", message, hint=f"pip install 'armillary[{extra}]'") from None
    return cast(Callable[..., Wake], opening)(url, channel=channel, owner=owner)


def refuse_driver(url: str, store: str, own: str) -> None:
    """For a store that has one way to wake: raises ``wake.refused`` where its URL asks for another one."""
    if any(name == "wake" for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)):
        message = f"expected no wake driver: {store} wakes {own}, and needs no other one"
        raise ArmillaryError("wake.refused", message, hint="leave ?wake=… out; PostgreSQL and MongoDB take it")
