"""Codes of failures: dotted, with two roots, and which of them catch which."""

from __future__ import annotations

from collections.abc import Iterable

TIMEOUT = "timeout"
FAILURE = "failure"


def full_code(code: str) -> str:
    """The code below its root: ``timeout`` and what is below it, ``*``, and for all others ``failure``, which may be
    left out: ``rejected`` and ``failure.rejected`` are one code, and ``failure`` catches both."""
    root = code.partition(".")[0]
    return code if root in (TIMEOUT, FAILURE) or code == "*" else f"{FAILURE}.{code}"


def catches(codes: Iterable[str], code: str) -> bool:
    """Whether one of ``codes`` is ``code``, stands above it, or is ``*``."""
    failed = full_code(code)
    return any(wanted in ("*", failed) or failed.startswith(wanted + ".") for wanted in map(full_code, codes))
