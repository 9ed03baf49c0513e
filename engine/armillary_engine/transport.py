"""The transport contract: how a request reaches a service, and how its answer or failure comes back.

A transport is bound to a service's name at deployment, outside the definition. It is called on a thread of its own; it
may block, and the engine abandons it when the attempt's time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .definition.model import Value
from .interpreter.triggers import Failed
from .runtime import Request


@dataclass(frozen=True, slots=True)
class Reply:
    """The service answered."""

    value: Value


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service has taken the request and will answer later, with ``Runtime.reply(request.token, value)``. A handler
    returns it too. The wait stays open, for as long as the step's ``timeout`` allows."""


Answer = Reply | Failed | Accepted


class Transport(Protocol):
    """Sends a request and waits for its answer. Later attempts carry the same arguments and idempotency key."""

    def send(self, request: Request) -> Answer:
        """Never raises for what the service did: that is a :class:`Failed` with a code."""
        ...
