"""Failures: what a step raises to fail, and which codes catch which."""

from __future__ import annotations

from collections.abc import Iterable

from ..definition.model import Value
from .triggers import Failed

TIMEOUT = "timeout"
FAILURE = "failure"


class StepFailure(Exception):  # noqa: N818 - it is a failure of the workflow, not an error of this program
    """Ends the visit of a step that was about to run or resume; the interpreter looks for who catches it."""

    def __init__(self, code: str, message: str, details: Value = None) -> None:
        super().__init__(message)
        self.failed = Failed(code, message, details)


def full_code(code: str) -> str:
    """The code below its root: ``timeout`` and what is below it, ``*``, and for all others ``failure``, which may be
    left out: ``rejected`` and ``failure.rejected`` are one code, and ``failure`` catches both."""
    root = code.partition(".")[0]
    return code if root in (TIMEOUT, FAILURE) or code == "*" else f"{FAILURE}.{code}"


def catches(codes: Iterable[str], code: str) -> bool:
    """Whether one of ``codes`` is ``code``, stands above it, or is ``*``."""
    failed = full_code(code)
    return any(wanted in ("*", failed) or failed.startswith(wanted + ".") for wanted in map(full_code, codes))
