"""What all wakes have in common whose hints travel by way of a server: gathering, sending again, connecting again.

The first hint goes at once, from whoever has it where sending waits for nobody; what follows within milliseconds goes
together, from a thread, and none goes within a commit. A hint that could not be sent is kept and sent as soon as it can
be. Whoever was disconnected looks once when it is back; whoever has heard others looks once more when they have fallen
silent, since one of them may have died after a commit and before its hint; and everybody looks every two minutes, for a
line may be deaf and not know it, and tries whether it hears itself. So a loss costs time, never work.

Where nobody else listens nothing is told. Whoever connects says so, and all who hear it answer; whoever was not
answered is alone, until it hears of somebody: then it tells that anything may have changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from ..backend import ANYTHING, Hint
from ..definition.problems import ArmillaryError

log = logging.getLogger(__name__)
GAPS = ((1, 0.0005), (8, 0.0025), (2**31, 0.010))
"""Seconds in which what follows a hint is gathered, by how many hints went together before: whoever waits for one
answer at a time never waits for this, and where there is much to tell few are sent."""
QUIET = 1.0
"""Seconds of silence after which what may have been left unsaid is looked for."""
SELDOM = 120.0
"""Seconds after which everybody looks, whatever was lost, and however."""
ECHO = 10.0
"""Seconds after which a line that has not heard what was sent on it counts as lost."""
ANSWERED = 0.5
"""Seconds after which whoever has said that it is there, and heard nobody, is alone."""
FOREVER = float("inf")
PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds before a connection is tried again."""
LOOK = Hint()
HELLO = Hint(work=False)


class LineLostError(Exception):
    """The connection of a line is gone, or cannot be made."""


class Line(Protocol):
    """A connection to a server that hands texts on to all who listen on a channel."""

    limit: int
    """So many bytes a text may have."""
    waits: bool
    """Whether :meth:`send` takes a round trip: then a thread of its own does it."""
    outlived: bool
    """The store may be well while the line is lost: then it is looked into until the line is back."""

    def connect(self) -> None:
        """Connects and listens. Raises :class:`LineLostError`."""
        ...

    def hear(self, seconds: float) -> Sequence[str]:
        """Waits for texts, ``seconds`` at most; none: time is over, or :meth:`interrupt` was called. Raises
        :class:`LineLostError`."""
        ...

    def send(self, texts: Sequence[str]) -> None:
        """Raises :class:`LineLostError`. Called by one thread at a time, while another one hears. What was handed over
        arrives, if need be after the line was lost and connected again."""
        ...

    def settle(self) -> None:
        """Waits a moment for what was sent to arrive. Never raises."""
        ...

    def interrupt(self) -> None:
        """Ends :meth:`hear`. Never raises."""
        ...

    def disconnect(self) -> None:
        """Never raises."""
        ...


class BusWake:
    """Implements :class:`armillary_engine.backend.Wake` on a :class:`Line`, which is connected already, or (``False``)
    will be as soon as it can be."""

    def __init__(self, line: Line, owner: str, *, connected: bool = True) -> None:
        self._line = line
        self._owner = owner
        self._mine = msgspec.json.encode([owner]).decode()[:-1]
        self._heard: Callable[[Hint], None] | None = None
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._pending: list[Hint] = []
        self._alone_from = FOREVER
        """The moment from which nobody else is known to listen."""
        self._gathers = GAPS[0][1]
        self._gathered = 0.0
        """The moment until which hints are gathered."""
        self._sending = threading.Lock()
        self._listener = threading.Thread(target=self._listen, args=(connected,), name="armillary-listen", daemon=True)
        self._notifier = threading.Thread(target=self._notify, name="armillary-notify", daemon=True)
        self._listener.start()
        self._notifier.start()

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def notify(self, hint: Hint) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        if self._is_alone():
            return
        with self._lock:
            at_once = self._at_once() and not self._line.waits
            self._pending.append(hint)
            first = len(self._pending) == 1
        if at_once and self._sending.acquire(blocking=False):
            try:
                sent = self._send()
            finally:
                self._sending.release()
            if sent:
                return
        if first:
            self._ready.set()

    def _is_alone(self) -> bool:
        return time.monotonic() >= self._alone_from

    def _at_once(self) -> bool:
        """Whether a hint may go at once: none waits, and nothing was told just before."""
        return not self._pending and time.monotonic() >= self._gathered

    def _gather(self, sent: int) -> None:
        """What follows so many hints is gathered."""
        aim = next(seconds for most, seconds in GAPS if sent <= most)
        self._gathers = min(2 * self._gathers, aim) if self._gathers < aim else max(self._gathers / 2, aim)
        self._gathered = time.monotonic() + self._gathers

    def _notify(self) -> None:
        failed = 0
        while True:
            self._ready.wait()
            self._ready.clear()
            self._closed.wait(self._gathered - time.monotonic())
            if self._closed.is_set():
                return
            with self._sending:
                sent = self._send()
            failed = 0 if sent else failed + 1
            if failed:
                self._closed.wait(PAUSES[min(failed, len(PAUSES)) - 1])
                self._ready.set()

    def _send(self) -> bool:
        """What is pending, by one thread at a time."""
        with self._lock:
            pending, self._pending = self._pending, []
            if not pending:
                return True
            self._gather(len(pending))
        hint = together(pending)
        try:
            self._line.send(texts(self._owner, hint, self._line.limit))
        except LineLostError as error:
            log.debug("a hint was not sent yet: %s", error)
            with self._lock:
                self._pending.insert(0, hint)
            return False
        return True

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def listen(self, heard: Callable[[Hint], None]) -> None:
        """See :class:`armillary_engine.backend.Wake`."""
        self._heard = heard

    def _listen(self, connected: bool) -> None:
        while not self._closed.is_set():
            if not connected and not self._reconnect():
                return
            connected = False
            try:
                self._hear()
            except LineLostError as error:
                if not self._closed.is_set():
                    log.info("the connection that listens was lost: %s", error)

    def _hear(self) -> None:
        was_alone, self._alone_from = self._is_alone(), FOREVER
        if was_alone:
            self.notify(ANYTHING)  # somebody may have come while the line was lost
        self._say(_Text(self._owner, changed=()))
        seldom = silent = time.monotonic() + SELDOM
        deaf = time.monotonic() + ECHO
        while not self._closed.is_set():
            arrived = self._line.hear(max(0.0, min(seldom, silent, deaf) - time.monotonic()))
            heard = [self._take(text) for text in arrived]
            now = time.monotonic()
            if any(text.startswith(self._mine) for text in arrived):
                deaf = FOREVER
                if self._alone_from == FOREVER:  # of those who were asked nobody has answered yet
                    self._alone_from = now + ANSWERED
            if now >= deaf:
                raise LineLostError(f"expected to hear what was sent within {ECHO} s, and it is deaf")
            if now >= seldom:
                self._tell(ANYTHING)
                self._say(_Text(self._owner))
                seldom = silent = now + SELDOM
                deaf = min(deaf, now + ECHO)
            elif any(heard):  # its own texts break no silence
                silent = now + QUIET
            elif now >= silent:
                self._tell(LOOK)
                silent = seldom

    def _say(self, text: _Text) -> None:
        """Something of this wake's own."""
        with self._sending:
            self._line.send([_written(text)])

    def _take(self, text: str) -> bool:
        """Whether it was told by somebody else."""
        if text.startswith(self._mine):
            return False
        try:
            told = msgspec.json.decode(text, type=_Text)
        except msgspec.DecodeError:
            return False
        if told.owner == self._owner:
            return False
        was_alone, self._alone_from = self._is_alone(), time.monotonic() + 2 * SELDOM
        if was_alone:
            self.notify(ANYTHING)  # what was committed since then was told to nobody
        if told.changed is None:
            return False
        hint = Hint(told.changed, told.work, told.due)
        if hint != HELLO:
            self._tell(hint)
        elif not was_alone:
            self._say(_Text(self._owner))
        return True

    def _tell(self, hint: Hint) -> None:
        if self._heard is not None:
            self._heard(hint)

    def _reconnect(self) -> bool:
        """False: closed meanwhile."""
        tried = 0
        while not self._closed.is_set():
            self._line.disconnect()
            try:
                self._line.connect()
            except (LineLostError, ArmillaryError) as error:
                log.info("not connected yet: %s", error)
                if self._line.outlived:
                    self._tell(ANYTHING)
                self._closed.wait(PAUSES[min(tried, len(PAUSES) - 1)])
                tried += 1
            else:
                self._tell(ANYTHING)  # whatever was told meanwhile was missed
                return True
        return False

    def close(self) -> None:
        """Sends what is pending, ends the threads and the connection."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._ready.set()
        self._notifier.join()
        with self._sending:
            self._send()
        self._line.settle()
        self._line.interrupt()
        self._listener.join()
        self._line.disconnect()


class _Text(msgspec.Struct, array_like=True):
    """What is sent: a hint, or (without ``changed``) only that its sender is there. One that says nothing else asks who
    is."""

    owner: str
    work: bool = False
    due: int | None = None
    changed: tuple[tuple[str, int], ...] | None = None


def _written(text: _Text) -> str:
    return msgspec.json.encode(text).decode()


def together(hints: Sequence[Hint]) -> Hint:
    """What hints say together: of each instance its highest revision, and the earliest moment."""
    if len(hints) == 1:
        return hints[0]
    changed: dict[str, int] = {}
    for hint in hints:
        for instance, revision in hint.changed:
            changed[instance] = max(revision, changed.get(instance, 0))
    moments = [hint.due for hint in hints if hint.due is not None]
    return Hint(tuple(changed.items()), any(hint.work for hint in hints), min(moments, default=None))


def texts(owner: str, hint: Hint, limit: int) -> list[str]:
    """What is sent for a hint, in parts of ``limit`` bytes at most. One whose id fits nowhere stands for any."""
    parts: list[list[tuple[str, int]]] = [[]]
    room = limit - len(owner.encode()) - 100
    size = 0
    for instance, revision in hint.changed:
        one = (instance, revision) if len(instance.encode()) < limit // 12 else ("", 0)
        length = len(msgspec.json.encode(one)) + 1
        if size + length > room and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(one)
        size += length
    return [_written(_Text(owner, hint.work, hint.due, tuple(part))) for part in parts]
