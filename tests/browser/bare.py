"""A live view in an empty page, without JupyterLab: its module, its style sheet, and its kernel side in this process.

Messages of the page reach the model at once; what the model sends is handed to the page by :meth:`Bare.deliver`, which
every message of the page does too.
"""

from __future__ import annotations

import json
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
  const model = {
    comm_live: true,
    get: (name) => (name === "snapshot" ? snapshot : undefined),
    on: (event, listener) => listeners.set(event, listener),
    send: async (message) => { for (const answer of await window.kernel(JSON.stringify(message))) hand(answer); },
  };
  const hand = window.hand = (message) => listeners.get("msg:custom")(message);
  const widget = module.default();
  widget.initialize({ model });
  window.close_view = widget.render({ model, el: document.getElementById("host") });
}"""


class Bare:
    """The view of a handle's instance in a page."""

    def __init__(
        self, page: Page, handle: live.HasRuntime | Following, *, module: str = "live", dark: bool | None = None
    ) -> None:
        self.page = page
        self.model = handle if isinstance(handle, Following) else live.view(handle)
        self.sent: list[Any] = []
        self.received: list[Any] = []
        self.model.send = lambda message, buffers=None: self.sent.append(message)  # type: ignore[method-assign]
        theme = "" if dark is None else f'data-jp-theme-light="{str(not dark).lower()}"'
        page.set_content(_PAGE % (style_text(), theme))
        page.expose_function("kernel", self._hear)
        page.evaluate(_START, [module_text(module), json.loads(json.dumps(self.model.current()))])
        page.locator(".armillary-live").wait_for()

    def _hear(self, message: str) -> list[Any]:
        content = json.loads(message)
        self.received.append(content)
        self.model._receive(self.model, content, [])
        return self._waiting()

    def _waiting(self) -> list[Any]:
        messages, self.sent[:] = json.loads(json.dumps(self.sent)), []
        return list(messages)

    def deliver(self) -> None:
        """Brings the page up to date with what was committed."""
        self.model.publish()
        self.page.evaluate("(messages) => messages.forEach(window.hand)", self._waiting())
