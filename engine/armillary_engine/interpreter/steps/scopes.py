"""``try``: a body whose failures are handled, and whose effects can be compensated."""

from __future__ import annotations

from dataclasses import dataclass

from ...definition import model
from ..compiler import Compiler, names_read
from ..encoding import size
from ..ending import next_compensation
from ..node import Behaviour, Node
from ..run import Run
from ..snapshot import Frame, Registration
from .values import weigh


@dataclass(frozen=True, slots=True)
class TryPlan:
    """A ``try``, prepared."""

    compensates: bool
    captures: frozenset[str]
    """The names that its compensation reads or assigns a member of."""


def _plan_try(step: model.Try, _compiler: Compiler) -> TryPlan:
    if step.compensate is None:
        return TryPlan(False, frozenset())
    return TryPlan(True, names_read(step.compensate))


def _enter_try(run: Run, node: Node[TryPlan], frame: Frame) -> None:
    run.record("step.entered", frame)
    run.frames[frame.visit] = frame
    run.begin(node, frame, 0)


def _try_ended(run: Run, node: Node[TryPlan], frame: Frame, branch: int) -> None:
    if frame.sealed:
        del run.frames[frame.visit]
        run.record("compensation.done", frame)
        next_compensation(run)
        return
    # What compensations do is not compensated in its turn.
    if branch == 0 and node.plan.compensates and run.compensating is None:
        _register(run, node, frame)
    del run.frames[frame.visit]
    run.record("step.done", frame, {"handler": branch - 1} if branch else {})
    run.proceed(node, frame)


def _register(run: Run, node: Node[TryPlan], frame: Frame) -> None:
    """Keeps what the compensation will see: the values of this moment, of the names that it reads."""
    roots = run.roots_at(frame.parent, frame.branch)
    names = {name: roots[name] for name in sorted(node.plan.captures) if name in roots and name not in RESERVED}
    added = size(names)
    weigh(run, added, pending=added)
    run.compensations.append(Registration(frame.step, frame.visit, names))


RESERVED = frozenset({"input", "instance", "now"})
"""Roots that are not state: a compensation sees them as they are when it runs."""

TRY = Behaviour(_plan_try, _enter_try, ended=_try_ended)
