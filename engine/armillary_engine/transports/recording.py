"""A transport around another one that keeps what was asked and what was answered, so that a test can play it again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..interpreter.triggers import Failed
from ..runtime import Handler, Request
from ..transport import Accepted, Answer, Reply, Transport
from .python import PythonTransport
from .scripted import Expected


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request and its answer."""

    request: Request
    answer: Answer


class RecordingTransport:
    """Passes requests on to a transport or a handler, and keeps them with their answers."""

    def __init__(self, inner: Transport | Handler) -> None:
        sends = hasattr(inner, "send")
        self._inner = cast(Transport, inner) if sends else PythonTransport(cast(Handler, inner))
        self._lock = threading.Lock()
        self._calls: list[Recorded] = []

    @property
    def calls(self) -> Sequence[Recorded]:
        """What was asked so far, in the order of the answers."""
        with self._lock:
            return tuple(self._calls)

    def send(self, request: Request) -> Answer:
        """See :class:`armillary_engine.transport.Transport`."""
        answer = self._inner.send(request)
        with self._lock:
            self._calls.append(Recorded(request, answer))
        return answer

    def expected(self) -> list[Expected]:
        """What a :class:`~.scripted.ScriptedTransport` needs to play it again, arguments included."""
        return [
            Expected(one.request.service, one.request.operation, one.answer, one.request.arguments)
            for one in self.calls
        ]

    def script(self) -> list[dict[str, Any]]:
        """The same as data, as ``armillary simulate --script`` and ``armillary.testing.run`` take it."""
        return [_document(one) for one in self.calls]


def _document(one: Recorded) -> dict[str, Any]:
    called = {"call": f"{one.request.service}/{one.request.operation}", "arguments": one.request.arguments}
    match one.answer:
        case Reply(value=value):
            return {**called, "reply": value}
        case Failed(code=code, message=message):
            return {**called, "fail": code, "message": message}
        case Accepted():  # what was answered by its token is not known here
            return {**called, "later": None, "after": "0s"}
