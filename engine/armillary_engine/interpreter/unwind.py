"""Ending what is under way: in branch order, inner before outer, with all that waits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from ..definition.model import Value
from .commands import CancelChild, CloseWait
from .run import Run
from .snapshot import Frame

Reason = Literal["done", "timeout", "cancelled", "failed"]


def children_of(run: Run) -> dict[int, list[Frame]]:
    """Visit → the frames in its bodies, in branch order."""
    children: dict[int, list[Frame]] = {}
    for frame in run.frames.values():
        children.setdefault(frame.parent, []).append(frame)
    for siblings in children.values():
        siblings.sort(key=lambda frame: frame.branch)
    return children


def below(run: Run, owner: int) -> Iterator[Frame]:
    """The frames below a visit, in branch order, inner before outer."""
    children = children_of(run)

    def walk(visit: int) -> Iterator[Frame]:
        for frame in children.get(visit, ()):
            yield from walk(frame.visit)
            yield frame

    return walk(owner)


def path_of(run: Run, parent: int) -> list[int]:
    """The visits from ``parent`` outward."""
    path = []
    while parent:
        path.append(parent)
        parent = run.frames[parent].parent
    return path


def end_frame(run: Run, frame: Frame, how: str, data: Mapping[str, Value], *, compensate: bool = False) -> None:
    """Records that a visit is over otherwise than by running on, and closes its wait. It stays in ``run.frames``."""
    if run.is_dormant(frame):
        return
    if frame.wait is not None:
        if frame.wait.child is not None:
            run.commands.append(CancelChild(frame.visit, frame.wait.child, compensate))
        run.commands.append(CloseWait(frame.visit, "cancelled", frame.wait.kind))
    run.record(f"compensation.{how}" if frame.sealed else f"step.{how}", frame, data)


def unwind(run: Run, owner: int) -> None:
    """Cancels all that is under way below a visit."""
    frames = list(below(run, owner))
    for frame in frames:
        end_frame(run, frame, "cancelled", {})
    discard(run, owner, frames)


def discard(run: Run, owner: int, frames: Collection[Frame]) -> None:
    """Forgets frames that have ended below a visit, and what was about to run there."""
    gone = {frame.visit for frame in frames}
    for visit in gone:
        del run.frames[visit]
    if run.ready:
        run.ready[:] = [place for place in run.ready if place.parent not in gone and place.parent != owner]
