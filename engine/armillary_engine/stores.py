"""Opening a store by its URL: the scheme names the backend, and no other backend's driver is imported."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from .backend import Backend
from .clock import Clock
from .definition.problems import ArmillaryError

BUILT_IN = {"memory": ".backends.memory", "sqlite": ".backends.sqlite", "postgresql": ".backends.postgresql"}


def open_store(url: str, *, clock: Clock | None = None) -> Backend:
    """The store of a URL. Other backends are found by entry points ``armillary.backends``. Raises ``store.url``."""
    scheme, separator, _ = url.partition("://")
    if scheme in BUILT_IN and separator:
        module = import_module(BUILT_IN[scheme], __package__)
        return cast(Backend, module.open_backend(url, clock=clock))
    found = {entry.name: entry for entry in entry_points(group="armillary.backends")}
    if scheme not in found or not separator:
        known = ", ".join(f"{name}://…" for name in sorted({*BUILT_IN, *found}))
        hint = "write memory://, or sqlite:///folder/store.sqlite"
        raise ArmillaryError("store.url", f"expected a URL of {known}, got {url!r}", hint=hint)
    return cast(Backend, found[scheme].load()(url, clock=clock))
