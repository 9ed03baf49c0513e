"""A picture is made without the garbage collector, which would walk over all that is alive again and again.

A large picture makes hundreds of thousands of objects, all of which stay, and none of which is part of a cycle: the
collector finds nothing, and takes as long as the layout itself. It is a switch of the whole process, so:

- Only one thread pauses it at a time; who comes meanwhile, or again from within, works with what it finds. So threads
  that draw all the time cannot keep it off between them.
- It is on again as soon as that one picture is done, also after an exception, and also in a child that was forked in
  between. If it was off before, it stays off.
- What other threads throw away meanwhile is collected afterwards.

The one thing a host can notice: a thread that turns the collector off for good while another draws finds it on again.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_pausing = Lock()


@contextmanager
def paused() -> Iterator[None]:
    """Nothing is collected within, unless another thread has its turn. Also a decorator."""
    turn = _pausing
    if not gc.isenabled() or not turn.acquire(blocking=False):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        turn.release()


def _in_child() -> None:
    """The thread that paused it is not there any more."""
    global _pausing
    if _pausing.locked():
        _pausing = Lock()
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
