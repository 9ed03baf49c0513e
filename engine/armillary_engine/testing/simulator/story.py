"""What happened in a run, in order: kept as parts, and made text only for whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Violation(BaseException):
    """Something that must hold did not. No handler of the engine's may keep it to itself."""


@dataclass(slots=True)
class Story:
    """The events of one run. ``true``: microseconds since its beginning, whatever the clocks say."""

    lines: list[tuple[int, int, str, tuple[Any, ...]]] = field(default_factory=list)
    true: int = 0
    depth: int = 0

    def tell(self, text: str, *parts: Any) -> None:
        """Adds a line; ``parts`` fill the ``%s`` of ``text`` when it is read, so they must not change."""
        self.lines.append((self.true, self.depth, text, parts))

    def text(self) -> str:
        """All lines, each with its time; what happened while somebody was held up is indented."""
        told = []
        for true, depth, text, parts in self.lines:
            told.append(f"{_moment(true)}  {'│ ' * depth}{text % parts if parts else text}")
        return "\n".join(told)


def _moment(true: int) -> str:
    seconds, rest = divmod(true, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:06}"
    return f"{days}d {clock}" if days else f"   {clock}"
