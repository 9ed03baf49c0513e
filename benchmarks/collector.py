"""Growth is measured without the garbage collector: its passes over all that is alive grow with whatever else the
process holds, and they are Python's, not ours. Speed limits are measured with it, as people have it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Nothing is collected within; everything that can be is before and after."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
