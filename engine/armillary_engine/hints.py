"""What is told of a commit: what the engine tells, and what a store may hand on together with the commit itself."""

from __future__ import annotations

from .backend import Hint
from .mutation import Mutation


def moments_of(mutation: Mutation) -> list[int]:
    """When the store needs somebody because of a mutation: for a deadline, a retry, or a call whose lease has ended."""
    return deadlines_of(mutation) + [call.ready for call in mutation.calls if call.owner is not None]


def deadlines_of(mutation: Mutation) -> list[int]:
    """Those that come whoever holds the calls."""
    moments = [sent.ready for sent in mutation.messages if sent.ready is not None]
    moments += [call.timeout for call in mutation.calls if call.timeout is not None]
    return moments + [retry.ready for retry in mutation.retries]


def makes_work(mutation: Mutation, *, met: bool) -> bool:
    """Whether somebody may find something to do because of a mutation. ``met``: a wait that it opens has met a
    signal."""
    return (
        bool(mutation.instances or (mutation.waits and met) or mutation.holds is False)
        or any(call.owner is None for call in mutation.calls)
        or any(sent.ready is None for sent in mutation.messages)
        or gives_up_a_wait(mutation)
    )


def gives_up_a_wait(mutation: Mutation) -> bool:
    """Whether a wait for a signal is over without one: what was handed over to it, and not taken, is kept again."""
    return any(close.kind == "signal" and close.reason != "done" for close in mutation.closes)


def hint_of(mutation: Mutation, *, met: bool = False) -> Hint:
    """Of a mutation that was committed alone, to whoever is concerned with its instance only."""
    changed = ((mutation.row.id, mutation.row.revision),)
    return Hint(changed, makes_work(mutation, met=met), min(moments_of(mutation), default=None))
