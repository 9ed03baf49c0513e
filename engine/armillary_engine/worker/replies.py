"""Answers to calls whose service said that it would answer later."""

from __future__ import annotations

from typing import Any

from ..caller import ANYBODY
from ..definition.codec import normalize
from ..definition.problems import ArmillaryError
from ..interpreter.triggers import CallReturned, Failed, split_token
from ..mutation import Replied
from ..rows import CallRow
from ..runtime import Caller
from .engine import Engine

REPLY_LIMIT = 256 * 1024
"""Bytes of a reply as JSON."""


class Replies:
    """Takes replies. Whoever knows the token may answer: it was given to the service alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reply(self, token: str, value: Any | Failed = None, *, caller: Caller = ANYBODY) -> None:
        """See :meth:`armillary_engine.runtime.Runtime.reply`."""
        try:
            instance, serial = split_token(token)
        except ValueError as error:
            raise ArmillaryError("call.not-open", str(error)) from None
        first = self._engine.store.upkeep.call(instance, serial)
        call = first
        while call is not None and first is not None and call.state != "answered" and call.attempt == first.attempt:
            kind = self._commit(call, _trigger(call, value))
            if kind == "committed":
                return
            if kind not in ("conflict", "fenced"):
                break
            # Somebody else may have leased the same attempt meanwhile: it is open all the same.
            call = self._engine.store.upkeep.call(instance, serial)
        raise _not_open(token)

    def _commit(self, call: CallRow, trigger: CallReturned) -> str:
        consumes = Replied(call.serial, call.fence)
        stored = self._engine.store.read([call.instance]).get(call.instance)
        if stored is None:
            return "unknown"
        return self._engine.take_or_store(stored, trigger, consumes).kind


def _trigger(call: CallRow, value: Any | Failed) -> CallReturned:
    if isinstance(value, Failed):
        details = normalize(value.details, limit=REPLY_LIMIT)
        return CallReturned(call.serial, call.attempt, failed=Failed(value.code, value.message, details))
    return CallReturned(call.serial, call.attempt, reply=normalize(value, limit=REPLY_LIMIT))


def _not_open(token: str) -> ArmillaryError:
    hint = "it was answered before, timed out or was cancelled; nothing is to be done"
    return ArmillaryError("call.not-open", f"expected the token of an open call, got {token!r}", hint=hint)
