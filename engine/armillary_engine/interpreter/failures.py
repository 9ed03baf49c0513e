"""What a step raises to fail."""

from __future__ import annotations

from ..definition.model import Value
from .triggers import Failed


class StepFailure(Exception):  # noqa: N818 - it is a failure of the workflow, not an error of this program
    """Ends the visit of a step that was about to run or resume; the interpreter looks for who catches it."""

    def __init__(self, code: str, message: str, details: Value = None) -> None:
        super().__init__(message)
        self.failed = Failed(code, message, details)
