import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from armillary_engine.backends.memory import open_backend
from armillary_engine.testing import conformance

_names = itertools.count()


class _HeldLock:
    """Whoever lets it go first waits."""

    def __init__(self, inner: Any, held: threading.Event, released: threading.Event) -> None:
        self.inner, self.held, self.released = inner, held, released

    def __enter__(self) -> None:
        self.inner.acquire()

    def __exit__(self, *_error: object) -> None:
        self.held.set()
        self.released.wait()
        self.inner.release()


@contextmanager
def hold(store: Any) -> Iterator[threading.Event]:
    held, released, lock = threading.Event(), threading.Event(), store.lock
    store.lock = _HeldLock(lock, held, released)
    try:
        yield held
    finally:
        store.lock = lock
        released.set()


@pytest.mark.parametrize("case", conformance.CASES, ids=conformance.name)
def test_contract(case: conformance.Case) -> None:
    url = f"memory://conformance-{next(_names)}"
    conformance.run(case, lambda clock: open_backend(url, clock=clock), hold)
