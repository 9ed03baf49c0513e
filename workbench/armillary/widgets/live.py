"""The live view of one instance: an anywidget that follows its runtime by itself.

There is one model for each instance of a runtime, however often it is displayed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, cast

from armillary_engine.runtime import Runtime, Subscription

from .actions import deed
from .assets import module_text
from .feed import Feed, Followed
from .following import Following
from .messages import Act

MAX_UNSEEN = 50
"""Models without a view that are kept, so that a reopened notebook finds them; the oldest beyond that are closed."""

_models: OrderedDict[tuple[int, str], Following] = OrderedDict()
_models_lock = threading.RLock()


class HasRuntime(Protocol):
    """An instance's handle."""

    @property
    def id(self) -> str: ...
    @property
    def runtime(self) -> Followed: ...


def view(instance: HasRuntime) -> LiveView:
    """The live view of an instance; the same one each time it is asked for."""
    return cast("LiveView", model_of(instance.runtime, instance.id, lambda: LiveView(instance.runtime, instance.id)))


def model_of(runtime: Any, name: str, make: Callable[[], Following]) -> Following:
    """The model with this name, made where there is none yet; the oldest that nobody looks at are closed."""
    key = (id(runtime), name)
    with _models_lock:
        if key not in _models:
            _models[key] = make()
        _models.move_to_end(key)
        _close_unseen()
        return _models[key]


def release(runtime: Any) -> None:
    """Closes all live views of a runtime that is about to close."""
    with _models_lock:
        for key in [key for key, model in _models.items() if model.runtime is runtime]:
            _models.pop(key).close()


def _close_unseen() -> None:
    unseen = [key for key, model in list(_models.items())[:-1] if not model.watched]
    for key in unseen[: max(0, len(unseen) - MAX_UNSEEN)]:
        _models.pop(key).close()


class LiveView(Following):
    """The model behind all views of one instance. Make it with :func:`view`."""

    _esm = module_text("live")

    def __init__(self, runtime: Followed, instance: str) -> None:
        self._feed = Feed(runtime, instance)
        super().__init__(runtime, self._feed)

    def _subscribe(self) -> Subscription | None:
        """To a recording never: nothing happens in it."""
        if getattr(self.runtime, "recorded", False):
            return None
        return cast("Subscription", self.runtime.subscribe(self._changed, instance=self._feed.instance))

    def _answer(self, content: Any) -> None:
        match content["kind"]:
            case "act":
                self._act(content)
            case "seek":
                with self._turn:
                    self._tell(self._feed.past(content["request"], content["before"], content["number"]))
            case "fold":
                self._fold(content["step"], open=content["open"])
            case _:
                super()._answer(content)

    def _fold(self, step: str, *, open: bool) -> None:
        with self._turn:
            self.publish()
            if self._feed.fold(step, open=open):
                self._tell(self._feed.snapshot())

    def _act(self, content: Act) -> None:
        if not getattr(self.runtime, "recorded", False):
            asked = deed(cast("Runtime", self.runtime), self._feed.instance, content, self._feed.tree_of)
            self._do(content["request"], *asked)
