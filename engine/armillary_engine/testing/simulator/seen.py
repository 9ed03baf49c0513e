"""One instance as its commits have told it: which visits have begun and ended, and the state that its history gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...interpreter import Snapshot
from ...rows import EventRow
from .story import Violation

BEGINS = frozenset({"step.entered", "step.waiting", "step.done"})
ENDS = frozenset({"step.done", "step.failed", "step.cancelled"})


@dataclass(slots=True)
class Seen:
    """One instance as its commits have told it."""

    snapshot: Snapshot
    events: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    visits: dict[int, str] = field(default_factory=dict)
    """Visit → ``open`` or ``over``; ``again``: an operator's retry may open it again."""
    undone: dict[int, str] = field(default_factory=dict)
    parent: str | None = None
    ended: bool = False

    def visit(self, id: str, event: EventRow) -> None:
        """No step runs twice for one visit: it begins once and ends once, unless an operator has it retried."""
        was = self.visits.get(event.serial)
        if was in ("over", "failed") or (was == "open" and event.type in ("step.entered", "step.waiting")):
            text = "visit %s of %s is %s, and then there is %s of %s"
            raise Violation(text % (event.serial, id, was, event.type, event.step))
        if was is None and event.type not in BEGINS and event.type != "step.failed":
            text = "visit %s of %s has not begun, and there is %s of %s"
            raise Violation(text % (event.serial, id, event.type, event.step))
        if event.type in ENDS:
            self.visits[event.serial] = "over" if event.type == "step.done" else "failed"
        else:
            self.visits[event.serial] = "open"

    def undo(self, id: str, event: EventRow) -> None:
        """A compensation begins once for its visit, and ends once."""
        kind = event.type.partition(".")[2]
        was = self.undone.get(event.serial)
        if kind == "started" and was not in (None, "failed"):
            text = "the compensation of visit %s of %s was %s, and is started again"
            raise Violation(text % (event.serial, id, was))
        if kind != "started" and was != "started":
            text = "the compensation of visit %s of %s was %s, and is %s"
            raise Violation(text % (event.serial, id, was, kind))
        self.undone[event.serial] = kind


@dataclass(frozen=True, slots=True)
class Events:
    """Events, as a story tells them."""

    rows: Sequence[EventRow]

    def __str__(self) -> str:
        return ", ".join(f"{row.type} {row.step or ''}".rstrip() for row in self.rows) or "nothing yet"
