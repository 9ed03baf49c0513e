"""One trigger, one instance: look its program up, interpret, and say what to commit. No thread, no store but to
read."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..clock import Clock
from ..definition import model
from ..interpreter import Snapshot, SnapshotError, decode, interpret
from ..interpreter.triggers import Trigger
from ..mutation import Consumes, Mutation
from ..rows import CallRow, InstanceRow, Stored
from ..telemetry import quiet
from .mutations import first_row, to_mutation
from .programs import LACKING, Programs

log = logging.getLogger(__name__)


class Slicer:
    """Makes mutations. ``lease`` may take calls that a slice opens for this worker at once."""

    def __init__(self, programs: Programs, clock: Clock, lease: Callable[[CallRow], CallRow]) -> None:
        self.programs = programs
        self.clock = clock
        self.lease = lease

    def next(self, stored: Stored, trigger: Trigger, consumes: Consumes) -> Mutation:
        """The slice of a stored instance. Raises what :func:`interpret`, :func:`decode` and the programs raise."""
        return self._slice(decode(stored.snapshot), stored.row, trigger, consumes, new=False)

    def attempt(self, stored: Stored, trigger: Trigger, consumes: Consumes) -> Mutation | None:
        """The slice of a stored instance. ``None``: the trigger is to be stored, for those who have what is lacking
        here, or to become a dead letter."""
        if stored.row.status == "suspended" or not self.programs.lacking.isdisjoint((stored.row.id, stored.row.digest)):
            return None
        try:
            return self.next(stored, trigger, consumes)
        except Exception as error:
            if not isinstance(error, (*LACKING, SnapshotError)):
                what = type(trigger).__name__
                log.error("instance %s could not take a %s", stored.row.id, what, exc_info=quiet(error))
            return None

    def first(self, snapshot: Snapshot, trigger: Trigger, consumes: Consumes, *, key: str | None) -> Mutation:
        """The first slice of an instance that is not stored yet."""
        return self._slice(snapshot, first_row(snapshot, key=key), trigger, consumes, new=True)

    def _slice(
        self, before: Snapshot, row: InstanceRow, trigger: Trigger, consumes: Consumes, *, new: bool
    ) -> Mutation:  # fmt: skip
        program = self.programs.get(before.digest)
        done = interpret(program, before, trigger, self.clock.now(), self.programs.resolve)

        def roles_of(serial: int) -> tuple[str, ...]:
            step = next((frame.step for frame in before.frames if frame.visit == serial), "")
            node = program.nodes.get(step)
            return node.step.roles if node is not None and isinstance(node.step, model.Task) else ()

        return to_mutation(done, before, row, consumes, new=new, lease=self.lease, roles_of=roles_of)
