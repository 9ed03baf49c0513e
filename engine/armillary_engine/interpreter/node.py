"""A step prepared for running: what it is made of, where it leads, and the functions that run its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ..definition.model import Step
from .snapshot import Frame
from .triggers import CallReturned, ChildEnded, SignalArrived, TaskCompleted, TimerDue

if TYPE_CHECKING:
    from .compiler import Compiler
    from .run import Run

Answer = CallReturned | TaskCompleted | SignalArrived | TimerDue | ChildEnded
"""A trigger that resumes a wait."""

Plan = TypeVar("Plan")


class Behaviour(NamedTuple):
    """One kind of step. All functions may raise ``StepFailure`` or ``ExpressionFailure`` before they change anything
    but the visit's own frame."""

    plan: Callable[[Any, Compiler], Any]
    """``(step, compiler)`` → what the other functions need, computed once."""
    enter: Callable[[Run, Any, Frame], None]
    """``(run, node, frame)``: the visit ``frame`` begins; it is in ``run.frames`` only if put there."""
    resume: Callable[[Run, Any, Frame, Any], bool] | None = None
    """``(run, node, frame, trigger)``: its wait got a trigger; false, if that trigger is stale."""
    ended: Callable[[Run, Any, Frame, int], None] | None = None
    """``(run, node, frame, branch)``: a body of it came to its end."""


@dataclass(frozen=True, slots=True)
class Node(Generic[Plan]):
    """A step of a program."""

    step: Step
    plan: Plan
    behaviour: Behaviour
    after: str | None
    """The step that follows; ``None`` at the end of a body that is not a decision's."""
    bodies: tuple[str | None, ...]
    """The first step of each body it owns, in order."""
    scoped: bool
    """Whether names local to an ``each``, a handler or a compensation may be in sight."""
    local: bool
    """Whether its assignments stay in a turn of a parallel ``each`` or in a compensation."""
