"""The interpreter: one trigger in, one slice out; nothing else.

A slice delivers its trigger and then runs what is ready, depth first and in branch order, until every token waits, the
instance ends, or the slice is long enough; then the rest goes on by a ``Continue`` trigger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..definition.expressions import ExpressionFailure
from ..definition.problems import ArmillaryError
from .commands import Event, GoOn
from .compiler import problems_text
from .control import deliver_cancel, deliver_resume, deliver_retry, deliver_suspend
from .ending import complete, fail, fail_at_start
from .failures import StepFailure
from .program import Program
from .run import PATCH_LIMIT, STEP_LIMIT, Catalogue, Resolved, Run
from .slice import Slice
from .snapshot import Chain, Frame, Place, Snapshot, steps_of
from .steps.ends import checked_output
from .triggers import (
    CallReturned,
    Cancel,
    ChildEnded,
    Continue,
    Failed,
    Resume,
    Retry,
    SignalArrived,
    Start,
    Suspend,
    TaskCompleted,
    TimerDue,
    Trigger,
)  # fmt: skip


class InterpretError(ArmillaryError):
    """The interpreter was asked for what it must not do; nothing was changed."""


def no_catalogue(_name: str, _range: str) -> Resolved | None:
    """A catalogue without workflows."""
    return None


def interpret(
    program: Program, snapshot: Snapshot, trigger: Trigger, now: int, catalogue: Catalogue = no_catalogue
) -> Slice:
    """The slice that ``trigger`` starts. ``now`` is the store's clock at claim, in microseconds since the epoch; the
    slice's own ``now`` is never before the instance's last one nor before the due time of the timer that fired.

    The same arguments give the same slice, to the byte. Raises :class:`InterpretError` for a program of another digest
    and for a trigger that a suspended instance must not get.
    """
    if program.digest != snapshot.digest:
        message = f"expected the program of digest {snapshot.digest[:12]}…, got that of {program.digest[:12]}…"
        raise InterpretError("interpreter.digest", message)
    if snapshot.status == "suspended" and not isinstance(trigger, Cancel | Suspend | Resume | Retry):
        kind = KINDS[type(trigger)]
        message = f"expected to keep a {kind} trigger until the instance is resumed"
        raise InterpretError("interpreter.suspended", message)
    now = max(now, snapshot.now, trigger.due if isinstance(trigger, TimerDue) else 0)
    run = Run(program, snapshot, now, catalogue)
    stale = DELIVER[type(trigger)](run, trigger)
    if stale is not None:
        _record_stale(run, trigger, stale)
    elif not run.ended and run.status != "suspended":
        _drain(run)
    return _slice(run)


# ── delivering the trigger ───────────────────────────────────────────────────────────────────────────────────────────


def _deliver_start(run: Run, trigger: Start) -> str | None:
    if run.started is not None or run.ended:
        return "the instance has started before" if run.started is not None else f"the instance is {run.status}"
    run.started = run.now
    value = trigger.input
    problems: Any = ()
    if run.program.input is not None:
        value, problems = run.program.input(value)
    run.input = value
    run.refresh_roots()
    run.events.append(Event("instance.started", data={"input": value}))
    if problems:
        message = f"the input does not fit the workflow's schema: {problems_text(problems)}"
        fail_at_start(run, Failed("failure.input-invalid", message))
    else:
        run.ready.append(Place(run.program.first))
    return None


def _deliver_continue(run: Run, _trigger: Continue) -> str | None:
    run.continuing = False
    return None


def _deliver_answer(run: Run, trigger: Any) -> str | None:
    """A trigger that names a wait."""
    frame = run.frames.get(trigger.serial)
    if run.ended:
        return f"the instance is {run.status}"
    if frame is None or frame.wait is None:
        return "its wait is closed"
    node = run.program.nodes[frame.step]
    assert node.behaviour.resume is not None
    try:
        taken = node.behaviour.resume(run, node, frame, trigger)
    except (StepFailure, ExpressionFailure) as failure:
        place = Place(frame.step, frame.parent, frame.branch, frame.visit)
        fail(run, place, _failed(failure), "timeout" if isinstance(trigger, TimerDue) else "failed")
        return None
    return None if taken else "its wait is for something else"


def _record_stale(run: Run, trigger: Trigger, reason: str) -> None:
    serial = getattr(trigger, "serial", 0)
    frame = run.frames.get(serial)
    data = {"trigger": KINDS[type(trigger)], "reason": reason}
    run.events.append(Event("trigger.stale", serial, frame.step if frame else None, data))


DELIVER: dict[type, Callable[[Run, Any], str | None]] = {
    Start: _deliver_start,
    Continue: _deliver_continue,
    CallReturned: _deliver_answer,
    TaskCompleted: _deliver_answer,
    SignalArrived: _deliver_answer,
    TimerDue: _deliver_answer,
    ChildEnded: _deliver_answer,
    Cancel: deliver_cancel,
    Suspend: deliver_suspend,
    Resume: deliver_resume,
    Retry: deliver_retry,
}
KINDS: dict[type, str] = {
    Start: "start", Continue: "continue", CallReturned: "call-returned", TaskCompleted: "task-completed",
    SignalArrived: "signal", TimerDue: "timer-due", ChildEnded: "child-ended", Cancel: "cancel", Suspend: "suspend",
    Resume: "resume", Retry: "retry",
}  # fmt: skip


# ── running what is ready ────────────────────────────────────────────────────────────────────────────────────────────


def _drain(run: Run) -> None:
    ready = run.ready  # what a failed instance leaves there is for an operator's retry
    while ready and run.failed is None and run.entries < STEP_LIMIT and run.patched < PATCH_LIMIT:
        place = ready.pop()
        if place.step is None:
            _end_body(run, place)
        else:
            _enter(run, place, place.step)


def _enter(run: Run, place: Place, step: str) -> None:
    """A visit begins, or goes on under the serial that it has."""
    run.entries += 1
    node = run.program.nodes[step]
    visit = place.visit
    if visit:
        frame = run.frames.pop(visit, None) or Frame(step, visit, place.parent, place.branch)
    else:
        run.serial = visit = run.serial + 1
        frame = Frame(step, visit, place.parent, place.branch)
    try:
        node.behaviour.enter(run, node, frame)
    except (StepFailure, ExpressionFailure) as failure:
        if frame.count and visit not in run.frames:
            run.frames[visit] = frame  # it remembers the attempts of earlier openings
        fail(run, Place(step, place.parent, place.branch, visit), _failed(failure))


def _end_body(run: Run, place: Place) -> None:
    """A body came to its end: its owner goes on, or the instance is completed."""
    try:
        if place.parent == 0:
            complete(run, None, checked_output(run, None))
            return
        frame = run.frames[place.parent]
        node = run.program.nodes[frame.step]
        assert node.behaviour.ended is not None
        node.behaviour.ended(run, node, frame, place.branch)
    except (StepFailure, ExpressionFailure) as failure:
        fail(run, place, _failed(failure))


def _failed(failure: StepFailure | ExpressionFailure) -> Failed:
    if isinstance(failure, StepFailure):
        return failure.failed
    message = f"{failure.message}; {failure.hint}" if failure.hint else failure.message
    return Failed(failure.code, message, {"expression": failure.text, "values": failure.values})


# ── the slice ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _slice(run: Run) -> Slice:
    living = not run.ended and run.status != "suspended"
    if living and run.ready and not run.continuing:
        run.continuing = True
        run.commands.append(GoOn())
        run.events.append(Event("slice.limit", data={"steps": run.entries, "bytes": run.patched}))
    resting = not (living and run.ready)
    if living:
        busy, outside = _looks(run)
        run.status = "running" if busy or run.ready else "waiting"
        resting = outside and not run.ready
    snapshot = _snapshot(run)
    return Slice(snapshot, tuple(run.events), tuple(run.commands), steps_of(snapshot), resting)


def _looks(run: Run) -> tuple[bool, bool]:
    """Whether a call is due or in flight, and whether all waits are for somebody or something outside."""
    busy, outside = False, run.started is not None  # its start is delayed: nobody outside is waited for
    for frame in run.frames.values():
        wait = frame.wait
        if wait is None:
            continue
        if wait.kind == "call":
            outside = False
            busy = busy or wait.again is None or wait.again <= run.now
        elif wait.kind == "timer":
            outside = False
    return busy, outside


def _snapshot(run: Run) -> Snapshot:
    before = run.before
    chain = before.chain
    if run.next is not None:
        chain = Chain(chain.root, chain.number, chain.previous, run.next)
    return Snapshot(
        schema=before.schema, instance=before.instance, workflow=before.workflow, version=before.version,
        digest=before.digest, chain=chain, created=before.created, revision=before.revision + 1, serial=run.serial,
        status=run.status, started=run.started, now=run.now, input=run.input, state=run.state,
        reference=run.reference, parts=dict(run.parts), frames=tuple(run.frames.values()), ready=tuple(run.ready),
        continuing=run.continuing, compensations=tuple(run.compensations), compensating=run.compensating,
        error=run.error, failed=run.failed, output=run.output, parent=before.parent, size=run.size,
    )  # fmt: skip
