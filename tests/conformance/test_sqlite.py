import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from armillary_engine.backends.sqlite import open_backend
from armillary_engine.testing import conformance


class _HeldConnection:
    """Waits before it commits."""

    def __init__(self, inner: Any, held: threading.Event, released: threading.Event) -> None:
        self.inner, self.held, self.released = inner, held, released

    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement == "COMMIT":
            self.held.set()
            self.released.wait()
        return self.inner.execute(statement, *parameters)


@contextmanager
def hold(store: Any) -> Iterator[threading.Event]:
    held, released, connection = threading.Event(), threading.Event(), store._writer._connection
    store._writer._connection = _HeldConnection(connection, held, released)
    try:
        yield held
    finally:
        store._writer._connection = connection
        released.set()


@pytest.mark.parametrize("case", conformance.CASES, ids=conformance.name)
def test_contract(case: conformance.Case, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    conformance.run(case, lambda clock: open_backend(url, clock=clock), hold)
