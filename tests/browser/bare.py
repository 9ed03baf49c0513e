"""A live view in an empty page, without JupyterLab: its module, its style sheet, and its kernel side in this process.

Messages of the page reach the model at once; what the model sends is handed to the page by :meth:`Bare.deliver`, which
every question of the page does too. Both return when the page has taken what was handed to it.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from typing import Any

from armillary.widgets import live
from armillary.widgets.assets import module_text, style_text
from armillary.widgets.following import Following
from playwright.sync_api import Page

_PAGE = """<!doctype html><meta charset="utf-8"><title>view</title>
<style>body { margin: 8px; font-family: sans-serif; }</style>
<style>%s</style><body %s><div id="host"></div></body>"""
_START = """async ([source, snapshot]) => {
  const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const listeners = new Map();
  const batches = new Map();
  window.taken = 0;
  window.unanswered = 0;
  window.hand = (message) => listeners.get("msg:custom")(message);
  window.take = ({ number, messages }) => { // In the order in which they were sent, whichever way they came.
    batches.set(number, messages);
    for (let batch; (batch = batches.get(window.taken)) !== undefined; window.taken += 1) {
      batches.delete(window.taken);
      batch.forEach(window.hand);
    }
  };
  const model = {
    comm_live: true,
    get: (name) => (name === "snapshot" ? snapshot : undefined),
    on: (event, listener) => listeners.set(event, listener),
    send: async (message) => {
      window.unanswered += 1;
      window.take(await window.kernel(JSON.stringify(message)));
      window.unanswered -= 1;
    },
  };
  const widget = module.default();
  widget.initialize({ model });
  window.close_view = widget.render({ model, el: document.getElementById("host") });
}"""


def reach(runtime: Any, there: Callable[[], object]) -> None:
    """Until something holds that a commit brings about."""
    changed = threading.Event()
    subscription = runtime.subscribe(lambda _: changed.set())
    while not there():
        assert changed.wait(60), "nothing was committed that led there"
        changed.clear()
    subscription.close()


class Bare:
    """The view of a handle's instance, or of a model, in a page."""

    def __init__(
        self, page: Page, handle: live.HasRuntime | Following, *, module: str = "live", dark: bool | None = None
    ) -> None:
        self.page = page
        self.model = handle if isinstance(handle, Following) else live.view(handle)
        self.received: list[Any] = []
        self._sent: queue.SimpleQueue[Any] = queue.SimpleQueue()  # The thread of all live views sends too.
        self._batches = 0
        self.model.send = lambda message, buffers=None: self._sent.put(message)  # type: ignore[method-assign]
        theme = "" if dark is None else f'data-jp-theme-light="{str(not dark).lower()}"'
        page.set_content(_PAGE % (style_text(), theme))
        page.expose_function("kernel", self._hear)
        page.evaluate(_START, [module_text(module), json.loads(json.dumps(self.model.current()))])
        page.locator(".armillary-live").wait_for()
        self.settle()

    def _hear(self, message: str) -> dict[str, Any]:
        content = json.loads(message)
        self.received.append(content)
        self.model._receive(self.model, content, [])
        return self._batch([] if content["kind"] == "seen" else self._waiting())

    def _waiting(self) -> list[Any]:
        messages = []
        while not self._sent.empty():
            messages.append(json.loads(json.dumps(self._sent.get())))
        return messages

    def _batch(self, messages: list[Any]) -> dict[str, Any]:
        self._batches += 1
        return {"number": self._batches - 1, "messages": messages}

    def deliver(self) -> None:
        """Brings the page up to date with what was committed."""
        self.model.publish()
        batch = self._batch(self._waiting())
        self.page.evaluate("(batch) => window.take(batch)", batch)
        self.page.wait_for_function("(number) => window.taken > number", arg=batch["number"])
        self.settle()

    def settle(self) -> None:
        """Until all that the page asked was answered."""
        self.page.wait_for_function("() => window.unanswered === 0")

    def close(self) -> None:
        """Ends what follows on this side."""
        live.release(self.model.runtime)
        self.model.close()
