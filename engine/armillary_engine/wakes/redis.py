"""Wake by Redis: ``?wake=redis://…`` at the URL of a store. Needs ``pip install 'armillary[redis]'``.

By publish and subscribe, not by a stream: the store is the truth, so what nobody hears need not be kept, trimmed or
acknowledged; whoever was disconnected looks into the store once, which a stream could not spare it. While Redis is
away, work is found by looking every two seconds."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError, ResponseError
from redis.retry import Retry

from ..definition.problems import ArmillaryError
from .bus import BusWake, LineLostError

log = logging.getLogger(__name__)
SECONDS = 5.0
"""To connect, and to send, at most."""
LARGEST = 1 << 20
KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}.items()
    if hasattr(socket, name)
}
"""A network that swallows everything is noticed within half a minute, where the system can be told so."""


class RedisLine:
    """Implements :class:`.bus.Line`. Two connections: one hears, one sends."""

    limit = LARGEST
    waits = True
    outlived = True

    def __init__(self, url: str, channel: str, owner: str) -> None:
        self._channel = channel
        self._farewell = f"{channel}:{owner}"
        options: dict[str, Any] = {
            "socket_connect_timeout": SECONDS, "socket_keepalive": True, "socket_keepalive_options": KEEPALIVE,
            "health_check_interval": 0, "retry": Retry(NoBackoff(), 0), "decode_responses": True,
        }  # fmt: skip
        self._sender = redis.Redis.from_url(url, socket_timeout=SECONDS, **options)
        self._hearer = redis.Redis.from_url(url, socket_timeout=None, **options)
        self._subscription = self._hearer.pubsub()  # type: ignore[no-untyped-call]

    def connect(self) -> None:
        self._subscription = self._hearer.pubsub()  # type: ignore[no-untyped-call]
        try:
            self._subscription.subscribe(self._channel, self._farewell)
            for _ in range(2):  # until both are said to be subscribed, what is told may be missed
                self._subscription.get_message(timeout=SECONDS)
        except (RedisError, OSError) as error:
            raise LineLostError(str(error)) from error

    def hear(self, seconds: float) -> Sequence[str]:
        try:
            message = self._subscription.get_message(ignore_subscribe_messages=True, timeout=seconds)
        except (RedisError, OSError, ValueError, AttributeError) as error:  # the last two: closed in the middle
            raise LineLostError(str(error)) from error
        if message is None or message["type"] != "message" or message["channel"] != self._channel:
            return ()
        return (str(message["data"]),)

    def send(self, texts: Sequence[str]) -> None:
        try:
            with self._sender.pipeline(transaction=False) as pipeline:
                for text in texts:
                    pipeline.publish(self._channel, text)
                pipeline.execute()
        except (RedisError, OSError) as error:
            raise LineLostError(str(error)) from error

    def settle(self) -> None:
        """What was sent has arrived."""

    def interrupt(self) -> None:
        try:
            if self._sender.publish(self._farewell, ""):
                return
        except (RedisError, OSError):
            pass
        connection = self._subscription.connection
        if connection is not None:
            connection.disconnect()

    def disconnect(self) -> None:
        try:
            self._subscription.close()
        except (RedisError, OSError) as error:
            log.debug("while disconnecting: %s", error)

    def release(self) -> None:
        """Closes both connections."""
        self._sender.close()
        self._hearer.close()


class RedisWake(BusWake):
    """Opens even where Redis is down just now, and says so: the store needs no hint to be right. Raises ``wake.denied``
    where Redis asks for another user or password, ``wake.url``."""

    def __init__(self, url: str, channel: str, owner: str) -> None:
        shown = _shown(url)
        try:
            self._own = line = RedisLine(url, channel, owner)
        except (ValueError, RedisError) as error:
            raise ArmillaryError("wake.url", f"expected a redis:// URL, got {shown}: {error}") from None
        connected = False
        try:
            line.connect()
            connected = True
        except LineLostError as error:
            if isinstance(error.__cause__, (AuthenticationError, AuthorizationError, ResponseError)):
                line.release()
                message = f"expected to be let in, and Redis refused: {shown} ({error})"
                raise ArmillaryError("wake.denied", message, hint="check the user and the password") from None
            log.warning("no Redis at %s yet: until there is, work is looked for every two seconds (%s)", shown, error)
        super().__init__(line, owner, connected=connected)

    def close(self) -> None:
        """See :class:`.bus.BusWake`."""
        super().close()
        self._own.release()


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def open_wake(url: str, *, channel: str, owner: str) -> RedisWake:
    """The driver that entry point ``armillary.wakes`` names ``redis``."""
    return RedisWake(url, channel, owner)
