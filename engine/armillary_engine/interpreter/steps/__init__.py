"""One module for each family of steps; :data:`BEHAVIOURS` is the table of all kinds."""

from __future__ import annotations

from collections.abc import Mapping

from ..node import Behaviour
from . import branches, calls, children, ends, loops, scopes, tasks, values, waits

BEHAVIOURS: Mapping[str, Behaviour] = {
    "set": values.SET,
    "reference": values.REFERENCE,
    "call": calls.CALL,
    "task": tasks.TASK,
    "timer": waits.TIMER,
    "signal": waits.SIGNAL,
    "decision": branches.DECISION,
    "fork": branches.FORK,
    "repeat": loops.REPEAT,
    "each": loops.EACH,
    "leave": loops.LEAVE,
    "next": loops.NEXT,
    "try": scopes.TRY,
    "subworkflow": children.SUBWORKFLOW,
    "continue_with": children.CONTINUE_WITH,
    "complete": ends.COMPLETE,
    "fail": ends.FAIL,
}
