"""A service that is a Python function in this process: ``handler(request) -> JSON value``."""

from __future__ import annotations

import inspect
import logging
import re
from typing import Any

from ..definition.codec import normalize
from ..definition.problems import ArmillaryError
from ..interpreter.triggers import Failed
from ..runtime import Handler, Request
from ..telemetry import quiet
from ..transport import Accepted, Answer, Reply

log = logging.getLogger("armillary.services")
REPLY_LIMIT = 256 * 1024
"""Bytes of a reply as JSON."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")


class PythonTransport:
    """Calls a function. What it returns becomes a JSON value; what it raises becomes a failure with a code."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    def send(self, request: Request) -> Answer:
        """See :class:`armillary_engine.transport.Transport`."""
        try:
            result = self.handler(request)
        except BaseException as error:
            log.info("service %r raised in %s", request.service, request.operation, exc_info=quiet(error))
            return failure_of(error)
        return result if isinstance(result, Accepted) else reply_of(result, request)


def failure_of(error: BaseException) -> Failed:
    """``failure.<ClassName>``, or the exception's own ``code`` where it has one (:class:`armillary.Failure` does)."""
    kind = type(error).__name__
    code = getattr(error, "code", None)
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        code = f"failure.{kind}"
    message = getattr(error, "message", None)
    text = message if isinstance(message, str) else str(error)
    details = getattr(error, "details", None)
    try:
        kept = normalize(details, limit=REPLY_LIMIT)
    except ArmillaryError:
        kept = repr(details)[:200]
    return Failed(code, _clean(text) or kind, kept)


def _clean(text: str) -> str:
    """Text as it may be stored: no null character, no half of a surrogate pair, not endless."""
    return text.replace("\0", "").encode(errors="replace").decode()[:10_000]


def reply_of(result: Any, request: Request) -> Answer:
    """The reply as a value, or why it is none."""
    if inspect.iscoroutine(result):
        result.close()
        hint = "write it as a plain function; each call has a thread of its own"
        return _refused(request, f"an async handler's coroutine; {hint}")
    try:
        return Reply(normalize(result, limit=REPLY_LIMIT))
    except ArmillaryError as problem:
        code = "failure.reply-too-large" if problem.code == "value.too-large" else "failure.reply-not-json"
        where = f"in the reply of {request.service}/{request.operation}"
        return Failed(code, f"{problem.message} {where}; {problem.hint}".rstrip("; "))
    except Exception as error:  # a model of theirs may raise whatever it likes
        log.info("the reply of %r could not be read", request.service, exc_info=quiet(error))
        return _refused(request, f"{type(result).__name__}, which raised {error!r}"[:1000])


def _refused(request: Request, what: str) -> Failed:
    message = f"expected a JSON value from {request.service}/{request.operation}, got {what}"
    return Failed("failure.reply-not-json", message)
