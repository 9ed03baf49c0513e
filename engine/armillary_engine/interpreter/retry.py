"""When the next attempt of a call may be sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction

from ..definition import model
from ..definition.durations import duration_microseconds

_UNIT = 2**64


@dataclass(frozen=True, slots=True)
class Policy:
    """A retry policy with its durations in microseconds; ``jitter`` in millionths of the delay."""

    attempts: int
    backoff: int
    factor: Fraction
    max: int
    jitter: int
    on: tuple[str, ...]


def prepare_policy(retry: model.RetryPolicy) -> Policy:
    """The policy of a definition, ready to be computed with."""
    return Policy(
        attempts=retry.attempts,
        backoff=duration_microseconds(retry.backoff),
        factor=Fraction(str(retry.factor)),
        max=duration_microseconds(retry.max),
        jitter=int(Fraction(str(retry.jitter)) * 1_000_000),
        on=retry.on,
    )


def delay(policy: Policy, failures: int, seed: str) -> int:
    """Microseconds to wait after the ``failures``-th failure: ``backoff`` × ``factor`` each time, at most ``max``, and
    then up to ``jitter`` of it less. The same seed (the waiting token and the attempt) gives the same delay."""
    wait = min(policy.backoff, policy.max)
    for _ in range(failures - 1):
        longer = min(int(wait * policy.factor), policy.max)
        if longer == wait:
            break
        wait = longer
    if policy.jitter:
        draw = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
        wait -= wait * policy.jitter * draw // (1_000_000 * _UNIT)
    return max(wait, 0)
