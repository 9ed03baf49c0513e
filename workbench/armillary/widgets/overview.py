"""The live view of all instances of a workflow: where they stand, what they passed, and what differs from before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, cast

from armillary_engine.definition.codec import identity
from armillary_engine.definition.model import Definition
from armillary_engine.runtime import Changed, Runtime, Subscription
from armillary_renderers.project.overlay import Overlay, delta
from armillary_renderers.project.overlays import diagnostics, difference
from armillary_renderers.render import Picture, render

from ..definitions import validate
from ..operating import retry_each
from . import static
from .assets import module_text
from .census import SAMPLE, Census
from .following import Following
from .picture import draw

Mode = Literal["standing", "passed", "problems", "changes"]
MODES: Mapping[Mode, str] = {
    "standing": "Where they stand",
    "passed": f"What the newest {SAMPLE} passed",
    "problems": "Problems",
    "changes": "Changes",
}


class OverviewFeed:
    """What an overview shows, and what became different. ``before``: the definition that it is compared with."""

    def __init__(self, runtime: Runtime, definition: Definition, before: Definition | None) -> None:
        self.sequence = 0
        self.census = Census(runtime, definition)
        self.definition = definition
        self.before = before
        self.mode: Mode = "standing"
        self._who = identity(definition)
        self.census.read()
        self.overlay = self.overlay_for("standing")

    def overlay_for(self, mode: Mode) -> Overlay:
        """What a mode lays over the picture."""
        match mode:
            case "standing":
                return self.census.standing()
            case "passed":
                return self.census.passed()
            case "problems":
                return diagnostics(validate(self.definition))
            case "changes" if self.before is not None:
                from ..authoring.difference import diff

                return difference(asdict(change) for change in diff(self.before, self.definition).changes)
        return Overlay()

    @property
    def modes(self) -> dict[Mode, str]:
        """What can be chosen, and how it is called."""
        found = dict(MODES)
        if self.before is None:
            del found["changes"]
        else:
            found["changes"] = f"Changes since {identity(self.before).version}"
        return found

    def snapshot(self) -> dict[str, Any]:
        """The bare picture, and what lies over it."""
        return {
            "kind": "snapshot",
            "sequence": self.sequence,
            "svg": draw(self.definition, Overlay()),
            "title": self.definition.meta.title or self.definition.name,
            "workflow": self._who.name,
            "version": self._who.version,
            "modes": list(self.modes.items()),
            "overlay": delta(Overlay(), self.overlay),
            **self._told(),
        }

    def _told(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "caption": self.caption(),
            "statuses": dict(self.census.statuses),
            "gone": dict(self.census.gone),
            "rows": [asdict(row) for row in self.census.rows()],
            "elsewhere": [asdict(other) for other in self.census.elsewhere()],
        }

    def caption(self) -> str:
        """All of it in one line."""
        told = [f"{count:,} {status}" for status, count in self.census.statuses.items()]
        others = sum(other.standing + other.failed for other in self.census.elsewhere())
        more = f"; {others:,} on other versions" if others else ""
        return f"{self._who.name} {self._who.version}: {', '.join(told) or 'no instance is on its way'}{more}"

    def heard(self, changed: Changed) -> None:
        """Something about an instance was committed."""
        self.census.heard(changed.instance)

    def change(self) -> dict[str, Any] | None:
        """What became different of the instances."""
        return self._change() if self.census.read() else None

    def choose(self, mode: Mode) -> dict[str, Any] | None:
        """Another overlay on the same picture."""
        if mode not in self.modes or mode == self.mode:
            return None
        self.mode = mode
        return self._change()

    def _change(self) -> dict[str, Any]:
        before, self.overlay = self.overlay, self.overlay_for(self.mode)
        self.sequence += 1
        told = self._told()
        return {"kind": "change", "sequence": self.sequence, "overlay": delta(before, self.overlay), **told}

    def still(self) -> dict[str, Any]:
        """By MIME type what stays of it without a kernel."""
        caption = self.caption()
        return {"text/plain": caption, "text/html": static.captioned(self.picture().svg, caption)}

    def picture(self, **options: Any) -> Picture:
        """What is shown now, as a picture that stays."""
        return render(self.definition, overlay=self.overlay, **options)


class Overview(Following):
    """The model behind all views of one workflow's instances."""

    interval = 0.25
    """Seconds between two changes that are told: thousands of instances may commit in one."""

    _esm = module_text("overview")

    def __init__(self, runtime: Runtime, definition: Definition, before: Definition | None) -> None:
        self._feed = OverviewFeed(runtime, definition, before)
        super().__init__(runtime, self._feed)

    def _subscribe(self) -> Subscription | None:
        subscription = self.runtime.subscribe(self._changed)
        self._feed.census.forget()
        return cast("Subscription", subscription)

    def _answer(self, content: Any) -> None:
        match content["kind"]:
            case "mode":
                with self._turn:
                    change = self._feed.choose(content["mode"])
                    if change is not None:
                        self._tell(change)
            case "list":
                with self._turn:
                    places = [asdict(place) for place in self._feed.census.at(content["step"])]
                self._tell({"kind": "moment", "request": content["request"], "places": places})
            case "retry-failed":
                self._do(content["request"], "retry what failed", lambda: self._retry(content["step"]))
            case _:
                super()._answer(content)

    def _retry(self, step: str | None) -> dict[str, Any]:
        with self._turn:
            ids = self._feed.census.failed(step)
        return {"message": str(retry_each(self.runtime, ids))}  # Not in turn: what became different is told meanwhile.
