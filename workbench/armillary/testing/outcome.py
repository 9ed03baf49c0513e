"""What a test of a workflow gives: where it ended, what it asked for, and the story of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary_engine.definition.model import Definition, Value
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.interpreter.triggers import Failed
from armillary_engine.runtime import EventView, InstanceState, InstanceView, TaskView
from armillary_engine.transport import Answer, Reply

from ..tables import Table, printable, text_table
from ..words import changes, event_place, event_text, quoted, standing, value_text


class ScriptError(ArmillaryError, AssertionError):
    """A workflow did not do what its script expects; ``run`` is how far it came."""

    def __init__(self, message: str, run: Run) -> None:
        super().__init__("script.unmet", message, hint=f"what happened:\n{run.story}")
        self.run = run


@dataclass(frozen=True, slots=True)
class CallMade:
    """One attempt of a call: what was asked, when, and what came back."""

    service: str
    operation: str
    arguments: Value
    attempt: int
    step: str
    at: timedelta
    """Since the start."""
    answer: Answer
    shown: Value = None
    """The arguments without what a schema marks ``x-sensitive``."""

    @property
    def name(self) -> str:
        """``service/operation``"""
        return f"{self.service}/{self.operation}"

    def __repr__(self) -> str:
        match self.answer:
            case Reply(value=value):
                came = value_text(value)
            case Failed(code=code, message=message):
                came = f"{code}: {message}"
            case other:
                came = repr(other)
        return f"<{self.name} {value_text(self.shown)} → {came}>"


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A workflow that was run to its end, or to where nothing goes on without somebody.

    Where a workflow continued as another one, this is the last of the chain; ``history`` is that of all."""

    view: InstanceView
    definition: Definition
    output: Value
    """What it returned; numbers are ``int`` or exact ``Decimal``."""
    state: Mapping[str, Value]
    """The values that its steps have assigned."""
    history: Table[EventView]
    calls: Sequence[CallMade]
    """Every attempt of every call, in order."""
    tasks: Sequence[TaskView]
    """Every task that was shown to people, with its answer."""
    began: datetime
    elapsed: timedelta
    """How long it took, by its own clock."""
    shown: InstanceState
    """The same values without what a schema marks ``x-sensitive``, as history has them."""
    unused: Sequence[str] = ()
    """What the script had ready and nobody took, in words."""

    @property
    def status(self) -> str:
        """``completed failed cancelled``, or ``waiting`` where nobody answers."""
        return self.view.status

    @property
    def error(self) -> Mapping[str, Value] | None:
        """``{"code", "message", "step"}`` of one that failed."""
        return self.view.error

    @property
    def reference(self) -> str | None:
        """Its business reference."""
        return self.view.reference

    @property
    def steps(self) -> tuple[str, ...]:
        """Where it stands, if it has not ended."""
        return self.view.steps

    @property
    def story(self) -> str:
        """Everything that happened, a line each, with the time since the start."""
        rows = [
            [span(event.at - self.began), event_place(event), event_text(event), changes(event)]
            for event in self.history
        ]
        return text_table(("after", "step", "what", "changes"), rows) if rows else "nothing"

    def __repr__(self) -> str:
        calls = f", {len(self.calls)} call{'s'[: len(self.calls) != 1]}" if self.calls else ""
        stands = printable(standing(self.view))
        return "\n".join([f"<Run of {self.view.workflow}: {stands} after {span(self.elapsed)}{calls}>", *self.source])

    @property
    def source(self) -> list[str]:
        """The author's line at which it failed, with a caret; nothing where that is not known."""
        from ..authoring.origins import failed_at

        return quoted(failed_at(self.view.digest, self.error)) if self.error else []


def span(time: timedelta) -> str:
    """``2d 00:00:05.5``, ``00:01:30``"""
    seconds, micro = divmod(time // timedelta(microseconds=1), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    fraction = f".{micro:06d}".rstrip("0") if micro else ""
    return (f"{days}d " if days else "") + f"{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
