"""What live views have in common: an anywidget that tells its pages what became different, while somebody looks.

Changes are read and sent from a thread of their own (:mod:`.publisher`), so that they arrive while a cell runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic as clock
from typing import Any, Protocol, cast

import anywidget
import traitlets
from armillary_engine.runtime import Changed, Subscription

from .actions import done
from .assets import style_text
from .publisher import Publisher

PATIENCE = 180.0
"""Seconds in which the page of a view answers to what it is told. One that was silent for longer, such as that of a
browser that was killed, is not told anything any more; should it come back, it says so and gets what it missed."""

_log = logging.getLogger(__name__)
publisher = Publisher()


class Fed(Protocol):
    """What a view shows: all of it, then what became different. Changes are numbered."""

    sequence: int

    def snapshot(self) -> Any:
        """All that is known; reads nothing new."""
        ...

    def change(self) -> Any:
        """Reads what is new; ``None`` where nothing is."""
        ...

    def heard(self, changed: Changed) -> None:
        """Something was committed; for any thread."""
        ...

    def still(self) -> dict[str, Any]:
        """By MIME type what stays of it without a kernel: its picture, and a line of text."""
        ...


class Following(anywidget.AnyWidget):
    """The model behind all views of one thing. Its subscription lives while somebody looks."""

    interval = 0.03
    """Seconds between two changes that are told: several commits in quick succession become one message."""

    _css = style_text()
    snapshot = traitlets.Any().tag(sync=True, to_json=lambda _, widget: widget.current())

    def __init__(self, runtime: Any, feed: Fed) -> None:
        self.runtime = runtime
        self._turn = threading.RLock()
        self._fed = feed
        self._views: dict[str, float | None] = {}
        """By view: since when it has not answered to what it was told; ``None`` where it has."""
        self._awaited = False
        """It was displayed and no page has said yet that it shows it."""
        self._subscription: Subscription | None = None
        super().__init__()
        _answer_where_asked(self.comm)
        self.on_msg(self._receive)

    def current(self) -> Any:
        """The newest snapshot that was told; what a page starts from."""
        with self._turn:
            return self._fed.snapshot()

    @property
    def watched(self) -> bool:
        """Whether somebody looks, or is about to."""
        return self._awaited or bool(self._views)

    def publish(self) -> None:
        """Sends what became different since the last time, if anything did."""
        with self._turn:
            change = self._fed.change()
            if change is not None:
                self._give_up_silent()
                self._tell(change)

    def close(self) -> None:
        """Stops following and closes the comm; its views stay as they are."""
        with self._turn:
            self._views.clear()
            self._awaited = False
            self._follow()
        super().close()

    def displayed(self) -> None:
        """It is about to be shown: from now on it follows, and it is up to date."""
        if not self._views:
            self._awaited = True
        self._follow()
        self.publish()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        with self._turn:
            self.displayed()
            shown = super()._repr_mimebundle_(**kwargs)
            if shown is None:
                return None
            data, metadata = cast("tuple[dict[str, Any], dict[str, Any]]", shown)
            return {**data, **self._fed.still()}, metadata

    def _subscribe(self) -> Subscription | None:
        """Hears of what may be new by :meth:`_changed`; ``None`` where nothing ever happens."""
        raise NotImplementedError

    def _answer(self, content: Any) -> None:
        """A message that not every view has."""
        _log.warning("expected a message of a live view, got %r", content)

    def _follow(self) -> None:
        if self.watched and self._subscription is None:
            publisher.attach(self)
            self._subscription = self._subscribe()
            if self._subscription is None:
                publisher.detach(self)
        elif not self.watched and self._subscription is not None:
            self._subscription.close()
            self._subscription = None
            publisher.detach(self)

    def _changed(self, changed: Changed) -> None:
        self._fed.heard(changed)
        publisher.touch(self)

    def _give_up_silent(self) -> None:
        """Forgets the views whose pages have not answered for long. No timer: only who is told something can answer."""
        now = clock()
        for name, since in list(self._views.items()):
            if since is None:
                self._views[name] = now
            elif now - since > PATIENCE:
                del self._views[name]
        self._follow()

    def _do(self, request: str, deed: str, do: Callable[[], dict[str, Any]]) -> None:
        """Does what a page asks for, and tells it: first that this was heard, and in the end how it went."""
        self._tell({"kind": "received", "request": request})
        self._tell(done(request, deed, do))

    def _tell(self, message: Any) -> None:
        self.send(message)

    def _receive(self, _: Any, content: Any, buffers: Any) -> None:
        match content["kind"]:
            case "opened":
                with self._turn:
                    self._views[content["view"]] = None
                    self._awaited = False
                    self._follow()
                    self._catch_up(content["sequence"])
            case "closed":
                with self._turn:
                    self._views.pop(content["view"], None)
                    self._follow()
            case "seen":
                with self._turn:
                    if content["view"] in self._views:
                        self._views[content["view"]] = None
            case "sync":
                self._catch_up(content["sequence"])
            case _:
                self._answer(content)

    def _catch_up(self, sequence: int) -> None:
        """Brings a page that has ``sequence`` up to date: by the changes themselves, or after a gap by a snapshot."""
        with self._turn:
            gap = sequence != self._fed.sequence
            self.publish()
            if gap:
                self._tell(self._fed.snapshot())


def _answer_where_asked(comm: Any) -> None:
    """Lets messages of a page run on the subshell that the page chose.

    ipykernel sends them to where the comm last *sent* from, which is the main shell for a comm that was opened in a
    cell: a click would wait for the running cell after all.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, chosen: chosen
