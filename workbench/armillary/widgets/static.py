"""What is left of a live view without a kernel: a picture of the state at the time it was shown."""

from __future__ import annotations

import html
from typing import Any

from armillary_engine.definition.model import Definition
from armillary_engine.runtime import InstanceView

DIAGRAM = "application/vnd.armillary.diagram+json"


def sentence(view: InstanceView) -> str:
    """One line of plain text: ``ApproveApplication 1.2.0, P-1: waiting at review-quote``."""
    reference = f", {view.reference}" if view.reference else ""
    where = f" at {', '.join(view.steps)}" if view.steps and view.ended is None else ""
    return f"{view.workflow} {view.version}{reference}: {view.status}{where}"


def figure(svg: str, view: InstanceView) -> str:
    """The picture and what it shows, as HTML that needs no script."""
    when = f", as of {view.updated:%Y-%m-%d %H:%M:%S} UTC" if view.updated else ""
    return captioned(svg, f"{sentence(view)}{when}")


def captioned(svg: str, text: str) -> str:
    """A picture with a line of text below it, as HTML that needs no script."""
    caption = html.escape(text)
    return (
        f'<figure class="armillary-static" style="margin:0">{svg}'
        f'<figcaption style="font:12px sans-serif;opacity:.75;margin-top:4px">{caption}</figcaption></figure>'
    )


def bundle(svg: str, view: InstanceView, definition: Definition) -> dict[str, Any]:
    """MIME types and their data that say the same with and without Armillary installed."""
    return {
        "text/plain": f"<Instance {view.id} of {sentence(view)}>",
        "text/html": figure(svg, view),
        DIAGRAM: {
            "schema": "armillary.diagram/1",
            "svg": svg,
            "caption": sentence(view),
            "instance": view.id,
            "status": view.status,
            "revision": view.revision,
            "definition": {"name": definition.name, "version": view.version, "digest": view.digest},
            "at": None if view.updated is None else view.updated.isoformat(),
        },
    }
