"""Handles and tables for whoever operates an engine: signals, schedules, dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from armillary_engine.definition.model import Value
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.operations import (
    DeadLetterQuery,
    DeadLetterView,
    Every,
    ScheduleView,
    SignalExplanation,
    SignalView,
)
from armillary_engine.queries import SignalQuery
from armillary_engine.runtime import Caller

from .tables import Table, printable, text_table
from .words import clip, moment, to_json, value_text

if TYPE_CHECKING:
    from armillary_engine.runtime import Runtime


class Schedule:
    """Starts instances again and again. Its fields are what the store said when it was read."""

    def __init__(self, runtime: Runtime, view: ScheduleView) -> None:
        self.runtime = runtime
        self.view = view

    @property
    def id(self) -> str:
        """What it is called."""
        return self.view.id

    @property
    def workflow(self) -> str:
        """What it starts."""
        return self.view.workflow

    @property
    def paused(self) -> bool:
        """Whether it starts nothing for now."""
        return self.view.paused

    def pause(self, by: str | None = None) -> Schedule:
        """Starts nothing until :meth:`resume`."""
        self.view = self.runtime.pause_schedule(self.id, caller=Caller(by))
        return self

    def resume(self, by: str | None = None) -> Schedule:
        """Goes on with the next moment from now; what the pause has passed over is not made up for."""
        self.view = self.runtime.resume_schedule(self.id, caller=Caller(by))
        return self

    def delete(self, by: str | None = None) -> None:
        """Ends it. Instances that it has started go on."""
        self.runtime.delete_schedule(self.id, caller=Caller(by))

    def __repr__(self) -> str:
        return f"<Schedule {printable(self.id)} of {self.workflow}, {every_text(self.view.every)}, {stands(self.view)}>"


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of instances that were to be retried: the ids of those that were, and why the others were refused."""

    done: tuple[str, ...]
    refused: tuple[tuple[str, ArmillaryError], ...]

    def __str__(self) -> str:
        if not self.refused:
            return f"Retried {len(self.done):,}"
        others = "the other was refused" if len(self.refused) == 1 else "the others were refused, the first"
        (_, why), asked = self.refused[0], len(self.done) + len(self.refused)
        return f"Retried {len(self.done):,} of {asked:,}; {others}: {why.message}"

    def __repr__(self) -> str:
        rows = [[id, error.code, clip(error.message, 80)] for id, error in self.refused]
        return f"{self}\n{text_table(('refused', 'code', 'why'), rows)}" if rows else str(self)


def retry_each(runtime: Runtime, ids: Iterable[str], by: str | None = None) -> Retried:
    """Retries one instance after the other. One that is refused, as somebody has taken it up, stops none of them."""
    done: list[str] = []
    refused: list[tuple[str, ArmillaryError]] = []
    for id in ids:
        try:
            runtime.retry(id, caller=Caller(by))
            done.append(id)
        except ArmillaryError as error:
            refused.append((id, error))
    return Retried(tuple(done), tuple(refused))


class DeadLetter:
    """What could not be processed. Its fields are what the store said when it was read."""

    def __init__(self, runtime: Runtime, view: DeadLetterView) -> None:
        self.runtime = runtime
        self.view = view

    @property
    def id(self) -> str:
        """``message-<number>`` or ``signal-<id>``."""
        return self.view.id

    @property
    def reason(self) -> str:
        """``poison`` or ``unmatched``."""
        return self.view.reason

    @property
    def error(self) -> str | None:
        """What went wrong the last time."""
        return self.view.error

    @property
    def body(self) -> Value:
        """What it carried."""
        return self.view.body

    def replay(self, by: str | None = None) -> DeadLetter:
        """Sends it again as a new message; this one is marked as replayed."""
        self.view = self.runtime.replay_dead_letter(self.id, caller=Caller(by))
        return self

    def drop(self, reason: str = "", by: str | None = None) -> DeadLetter:
        """Gives it up; it stays listed as dropped."""
        self.view = self.runtime.drop_dead_letter(self.id, reason=reason, caller=Caller(by))
        return self

    def __repr__(self) -> str:
        return f"<DeadLetter {printable(self.id)}, {self.view.kind}, {self.reason}: {clip(self.error or '', 60)}>"


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────

SCHEDULE_HEADINGS = ("schedule", "workflow", "every", "stands", "next", "last")


def schedule_row(view: ScheduleView) -> list[str]:
    """The cells of a schedule under ``SCHEDULE_HEADINGS``."""
    every = every_text(view.every)
    return [view.id, f"{view.workflow} {view.version}", every, stands(view), moment(view.next), moment(view.last)]


def schedule_table(runtime: Runtime) -> Table[Schedule]:
    """Handles on all schedules."""
    views = runtime.schedules()
    rows = [schedule_row(view) for view in views]
    return Table([Schedule(runtime, view) for view in views], SCHEDULE_HEADINGS, rows=rows, empty="no schedules")


def every_text(every: Every) -> str:
    """``0 9 * * 1-5 (Europe/Vienna)``, ``every 300 s``"""
    return f"{every.cron} ({every.timezone})" if every.cron is not None else f"every {every.interval or 0:g} s"


def stands(view: ScheduleView) -> str:
    """``paused``, ``on``, or why its last run could not be started."""
    return "paused" if view.paused else f"failed: {clip(view.error, 60)}" if view.error else "on"


DEAD_LETTER_HEADINGS = ("dead letter", "reason", "what", "instance", "attempts", "arrived", "status", "error")


def dead_letter_row(view: DeadLetterView) -> list[str]:
    """The cells of a dead letter under ``DEAD_LETTER_HEADINGS``."""
    what = f"{view.kind} {view.name}" if view.name else view.kind
    arrived, error = moment(view.arrived), clip(view.error or "", 60)
    return [view.id, view.reason, what, view.instance or "", str(view.attempts), arrived, view.status, error]


def dead_letter_table(runtime: Runtime, query: DeadLetterQuery) -> Table[DeadLetter]:
    """Handles on the dead letters that ``query`` finds."""
    views = runtime.dead_letters(query)
    handles = [DeadLetter(runtime, view) for view in views]
    return Table(handles, DEAD_LETTER_HEADINGS, rows=[dead_letter_row(view) for view in views], empty="no dead letters")


SIGNAL_HEADINGS = ("signal", "name", "status", "for", "payload", "sent", "taken by")


def signal_row(view: SignalView) -> list[str]:
    """The cells of a signal under ``SIGNAL_HEADINGS``."""
    to = view.instance if view.instance is not None else value_text(view.match, limit=40)
    payload, takers = value_text(view.payload, limit=40), ", ".join(view.takers)
    return [view.id, view.name, view.status, to, payload, moment(view.created), takers]


def signal_table(runtime: Runtime, query: SignalQuery) -> Table[SignalView]:
    """The signals that ``query`` finds."""
    views = runtime.signals(query)
    return Table(views, SIGNAL_HEADINGS, rows=[signal_row(view) for view in views], empty="no signals")


class Explanation:
    """Why a signal matched or did not: ``.reason``, and the open waits of the same name in ``.waits``."""

    def __init__(self, found: SignalExplanation) -> None:
        self.signal = found.signal
        self.reason = found.reason
        self.waits = found.waits

    def __repr__(self) -> str:
        lines = [printable(f"{self.signal.name} {self.signal.id} ({self.signal.status}): {self.reason}")]
        if self.waits:
            lines += ["", waits_text(self.waits)]
        return "\n".join(lines)


def waits_text(waits: Sequence[Any]) -> str:
    """A table of open waits."""
    rows = [[wait.token, to_json(wait.match) if not wait.addressed else "its instance alone"] for wait in waits]
    return text_table(("open wait", "takes"), rows)
