"""The check of every store that a test has opened by a runtime, at the end of it: see ``armillary_engine.check``."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def sound(expected: bool) -> Iterator[None]:
    """Whatever runtime was opened within is checked when it is closed, or here. ``expected``: a defect is an error."""
    from armillary_engine.definition.problems import ArmillaryError
    from armillary_engine.local import LocalRuntime

    defects: list[Any] = []
    opened: weakref.WeakSet[LocalRuntime] = weakref.WeakSet()
    begin, end = LocalRuntime.__init__, LocalRuntime.close

    def made(self: LocalRuntime, *given: Any, **options: Any) -> None:
        begin(self, *given, **options)
        opened.add(self)

    def check(self: LocalRuntime) -> None:
        self._loop.stop()  # of a store at work, some defects pass
        try:
            defects.extend(self.check())
        except ArmillaryError as error:
            if not error.code.startswith("store."):  # it was taken away, as some tests do
                raise

    def close(self: LocalRuntime) -> None:
        if not self._closed and expected:
            check(self)
        end(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalRuntime, "__init__", made)
        patch.setattr(LocalRuntime, "close", close)
        yield
        for runtime in list(opened):
            if not runtime._closed and expected:
                check(runtime)
    assert not defects, f"the stores of this test are not sound: {defects}"
