"""A service that plays a script: expected calls in order, canned replies, failures and delays.

::

    transport = ScriptedTransport([Expected("rating", "quote", Reply({"premium": 12_500}))])
    runtime.register_service("rating", transport)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..definition.codec import dumps, normalize
from ..interpreter.triggers import Failed
from ..runtime import Handler, Request
from ..transport import Answer
from .python import PythonTransport

ANYTHING: Final = object()
"""Arguments that are not looked at."""
FOREVER: Final = float("inf")
"""The delay of an answer that never comes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One call that is expected, and what comes of it: an answer, or what a handler makes of the request."""

    service: str
    operation: str
    answer: Answer | Handler
    arguments: Any = ANYTHING
    delay: float = 0
    """Seconds until the answer comes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that was made, and what it was answered."""

    request: Request
    answer: Answer
    expected: bool


class ScriptedTransport:
    """Answers the calls of one service or of several, those of each service in the order in which they are expected.

    A call that is not expected is answered with ``failure.unexpected-call`` and kept in ``problems``; the call that was
    expected stays so. ``pause`` is called with the seconds of a delay; by default it waits."""

    def __init__(self, expected: Iterable[Expected], *, pause: Callable[[float], None] | None = None) -> None:
        self._ahead = list(expected)
        self._pause = pause or _wait
        self._lock = threading.Lock()
        self.asked: list[Asked] = []
        """Every call that was made, in order."""
        self.problems: list[str] = []
        """What was asked and not expected, in words."""

    @property
    def left(self) -> Sequence[Expected]:
        """What is still expected."""
        return tuple(self._ahead)

    def send(self, request: Request) -> Answer:
        """See :class:`armillary_engine.transport.Transport`."""
        with self._lock:
            found = next((one for one in self._ahead if one.service == request.service), None)
            problem = _problem(found, request)
            if problem is None and found is not None:
                self._ahead.remove(found)
            else:
                self.problems.append(problem or "")
        if problem is not None or found is None:
            answer: Answer = Failed("failure.unexpected-call", problem or "")
        elif callable(found.answer):
            answer = PythonTransport(found.answer).send(request)
        else:
            answer = found.answer
        with self._lock:
            self.asked.append(Asked(request, answer, problem is None))
        if found is not None and problem is None and found.delay:
            self._pause(found.delay)
        return answer


def _problem(expected: Expected | None, request: Request) -> str | None:
    got = f"{request.service}/{request.operation}"
    asked = _text(request.arguments)
    again = f" (attempt {request.attempt})" if request.attempt > 1 else ""
    place = f"; step {request.step_id!r} of {request.instance_id}{again}"
    if expected is None:
        return f"expected no more calls of {request.service!r}, got {got} with {asked}{place}"
    wanted = f"{expected.service}/{expected.operation}"
    if expected.operation != request.operation:
        return f"expected call {wanted}, got {got} with {asked}{place}"
    if expected.arguments is not ANYTHING and normalize(expected.arguments) != request.arguments:
        return f"expected call {wanted} with {_text(expected.arguments)}, got it with {asked}{place}"
    return None


def _text(value: Any) -> str:
    text = dumps(normalize(value)).decode()
    return text if len(text) <= 300 else text[:299] + "…"


def _wait(seconds: float) -> None:
    threading.Event().wait(None if seconds == FOREVER else seconds)
