"""How an instance stands: whether it rests, and what it lacks, as its views say."""

from __future__ import annotations

from ..backend import Found
from ..interpreter import SnapshotError, decode
from ..runtime import InstanceView
from ..views import instance_view
from .engine import Engine
from .masking import Masking


class Standing:
    """Makes views of instances."""

    def __init__(self, engine: Engine, masking: Masking) -> None:
        self._engine = engine
        self._masking = masking

    def view(self, found: Found) -> InstanceView:
        """An instance as it stands now."""
        resting = self._rests(found) and not found.running and self._children_rest(found)
        hidden = self._masking.of(found.row.digest)
        return instance_view(found, hidden, blocked=self._blocked(found), resting=resting)

    def at_hand(self, found: Found) -> bool:
        """Whether :meth:`view` needs no look into the store for it."""
        outside = found.accepted or found.children or found.dead is not None or found.ready or found.services
        return not outside and self._masking.at_hand(found.row.digest)

    def _rests(self, found: Found) -> bool:
        """Its row says so, or all that is under way are calls that somebody outside will answer."""
        if found.row.resting or not found.accepted:
            return found.row.resting
        stored = self._engine.store.read([found.row.id])[found.row.id]
        try:
            frames = decode(stored.snapshot).frames
        except SnapshotError:  # of a newer release, or damaged: nobody here can tell
            return False
        waits = [(frame.visit, frame.wait.kind) for frame in frames if frame.wait is not None]
        return all(kind != "timer" and (kind != "call" or visit in found.accepted) for visit, kind in waits)

    def _children_rest(self, found: Found) -> bool:
        children = (self._engine.store.instance(child) for child in found.children)
        return all(self._rests(c) and not c.running and self._children_rest(c) for c in children if c is not None)

    def _blocked(self, found: Found) -> str | None:
        if found.dead is not None:
            error = self._masking.error(found.row.id, found.dead)
            return f"a trigger failed again and again and is a dead letter now: {error}"
        if found.ready and (why := self._engine.programs.why_blocked(found.row.digest, found.row.id)) is not None:
            return why
        missing = [name for name in found.services if name not in self._engine.pool.services]
        missing = [name for name in missing if name not in self._engine.store.announced()] if missing else []
        return f"waiting for service {', '.join(repr(name) for name in missing)}" if missing else None
