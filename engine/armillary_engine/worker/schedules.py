"""Recurring starts: stored with the moment when they are next due, and started under a key that the moment gives."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

from msgspec.structs import replace

from ..caller import ANYBODY
from ..clock import as_datetime, as_microseconds
from ..definition.codec import loads
from ..definition.problems import ArmillaryError
from ..ids import check_id
from ..operations import Every, Missed, ScheduleView
from ..rows import ScheduleRow
from ..runtime import Caller
from .access import expect_operator
from .engine import Engine
from .masking import Masking
from .mutations import text
from .recurrence import SECOND, between, check_every, next_after
from .starts import Starts

log = logging.getLogger(__name__)
LATE = 60 * SECOND
"""A run that is later than this was missed."""
AGAIN = 3600 * SECOND
"""After so long a schedule is looked at again whose time zone this machine does not know."""


class Schedules:
    """What people do with schedules, and starting what is due. ``note`` hears of the next moments."""

    def __init__(self, engine: Engine, starts: Starts, masking: Masking) -> None:
        self._engine = engine
        self._starts = starts
        self._masking = masking
        self.note: Callable[[int], None] = engine.pulse.note

    def put(
        self, id: str, workflow: str, every: Every, *, input: Any = None, version: str = "*", missed: Missed = "once",
        at_most: int = 100, caller: Caller = ANYBODY,
    ) -> ScheduleView:  # fmt: skip
        """See :meth:`armillary_engine.runtime.Runtime.schedule`."""
        check_id(id)
        check_every(every)
        if missed not in ("skip", "once", "all") or at_most < 1:
            message = f"expected missed to be skip, once or all, and at_most 1 or more, got {missed!r}, {at_most!r}"
            raise ArmillaryError("schedule.invalid", message)
        found = self._starts.resolve(workflow, version, fresh=True)
        expect_operator(self._engine.programs, found.digest, caller, f"schedule {workflow}")
        value = text(self._starts.check(found, input))
        while True:
            now = self._engine.clock.now()
            before = self._engine.store.upkeep.schedules(id)
            row = ScheduleRow(
                id, workflow, version, value, _every_text(every), missed, at_most, now, caller.name,
                revision=before[0].revision + 1 if before else 1, next=next_after(every, now, now),
            )  # fmt: skip
            if self._put(row):
                return self.view(row)

    def _put(self, row: ScheduleRow) -> bool:
        stored = True
        try:
            stored = self._engine.store.upkeep.put_schedule(row)
        finally:  # whoever is interrupted does not know whether it is stored
            if stored and row.next is not None:
                self.note(row.next)
        return stored

    def listed(self) -> Sequence[ScheduleView]:
        """All schedules, by id."""
        return [self.view(row) for row in self._engine.store.upkeep.schedules()]

    def pause(self, id: str, *, caller: Caller = ANYBODY) -> ScheduleView:
        """See :meth:`armillary_engine.runtime.Runtime.pause_schedule`."""
        return self._pause(id, caller, paused=True)

    def resume(self, id: str, *, caller: Caller = ANYBODY) -> ScheduleView:
        """See :meth:`armillary_engine.runtime.Runtime.resume_schedule`."""
        return self._pause(id, caller, paused=False)

    def _pause(self, id: str, caller: Caller, *, paused: bool) -> ScheduleView:
        while True:
            row = self._find(id, caller)
            if row.paused is paused:
                return self.view(row)
            due = None if paused else next_after(_every(row), self._engine.clock.now(), row.created)
            changed = replace(row, paused=paused, next=due, revision=row.revision + 1)
            if self._put(changed):
                return self.view(changed)

    def delete(self, id: str, *, caller: Caller = ANYBODY) -> None:
        """See :meth:`armillary_engine.runtime.Runtime.delete_schedule`."""
        self._find(id, caller)
        self._engine.store.upkeep.delete_schedule(id)

    def _find(self, id: str, caller: Caller) -> ScheduleRow:
        for row in self._engine.store.upkeep.schedules(id):
            if caller.roles is not None:
                digest = self._starts.resolve(row.workflow, row.version, fresh=True).digest
                expect_operator(self._engine.programs, digest, caller, f"change the schedule {id!r}")
            return row
        hint = "list the schedules"
        raise ArmillaryError("schedule.unknown", f"expected the id of a schedule, got {id!r}", hint=hint)

    # ── what is due ──────────────────────────────────────────────────────────────────────────────────────────────────

    def run_due(self) -> None:
        """Starts what is due. Two who do so at the same time start each run once: its key is taken by the first."""
        now = self._engine.clock.now()
        for row in self._engine.store.upkeep.schedules():
            if row.next is not None and row.next <= now:
                self._run(row, row.next, now)

    def _run(self, row: ScheduleRow, due: int, now: int) -> None:
        every = _every(row)
        wanted = row.at_most if row.missed == "all" else 1
        try:
            moments = between(every, due, now, anchor=row.created, at_most=wanted)
            next_due = next_after(every, now, row.created)
        except ArmillaryError as problem:
            log.error("schedule %r cannot be told when it is due: %s", row.id, problem)
            self._put(replace(row, revision=row.revision + 1, next=now + AGAIN, error=str(problem)))
            return
        if row.missed == "skip":
            moments = [moment for moment in moments if now - moment <= LATE]
        instance, error = row.last_instance, row.error
        for moment in moments:
            try:
                instance, error = self._start(row, moment), None
            except ArmillaryError as problem:
                if problem.code.startswith("store."):
                    raise
                error = str(problem)
                log.error("schedule %r could not start %s: %s", row.id, row.workflow, problem)
        last = moments[-1] if moments else row.last
        self._put(
            replace(row, revision=row.revision + 1, next=next_due, last=last, last_instance=instance, error=error)
        )

    def _start(self, row: ScheduleRow, moment: int) -> str:
        key = f"schedule:{row.id}:{as_datetime(moment).isoformat()}"
        given = loads(row.input_json, depth=1_000)
        found = self._starts.start(
            row.workflow, given, version=row.version, key=key, id=None, delay=None, caller=ANYBODY
        )  # fmt: skip
        return found if isinstance(found, str) else found.row.id

    def view(self, row: ScheduleRow) -> ScheduleView:
        """A schedule as people see it."""
        return ScheduleView(
            id=row.id,
            workflow=row.workflow,
            version=row.version,
            input=self._masking.input(row.workflow, loads(row.input_json, depth=1_000)),
            every=_every(row),
            missed=cast(Missed, row.missed),
            at_most=row.at_most,
            paused=row.paused,
            next=None if row.next is None else as_datetime(row.next),
            last=None if row.last is None else as_datetime(row.last),
            last_instance=row.last_instance,
            error=row.error,
            created=as_datetime(row.created),
            created_by=row.created_by,
        )


def _every_text(every: Every) -> str:
    interval = None if every.interval is None else round(every.interval * SECOND)
    anchor = None if every.anchor is None else as_microseconds(every.anchor)
    return text([every.cron, every.timezone, interval, anchor])


def _every(row: ScheduleRow) -> Every:
    cron, timezone, interval, anchor = cast(Any, loads(row.every_json))
    seconds = None if interval is None else int(interval) / SECOND
    return Every(cron, timezone, seconds, None if anchor is None else as_datetime(int(anchor)))
