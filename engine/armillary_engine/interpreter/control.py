"""What operators do to an instance: cancel, suspend, resume, retry."""

from __future__ import annotations

from .commands import Event
from .ending import cancel
from .run import Run
from .snapshot import Frame, Place, Snapshot
from .triggers import Cancel, Resume, Retry, Suspend
from .unwind import children_of


def deliver_cancel(run: Run, trigger: Cancel) -> str | None:
    """Ends the instance, now or after its compensations. Gives why the trigger is stale, or ``None``."""
    if run.ended:
        return f"the instance is {run.status}"
    if trigger.compensate and run.compensating is not None:
        if run.status != "suspended":
            return "its compensations are running"
        return deliver_resume(run, Resume(trigger.by))
    cancel(run, compensating=trigger.compensate, reason=trigger.reason, by=trigger.by)
    return None


def deliver_suspend(run: Run, trigger: Suspend) -> str | None:
    """Stops the instance where it stands. Gives why the trigger is stale, or ``None``."""
    if run.ended or run.status == "suspended":
        return f"the instance is {run.status}"
    run.status = "suspended"
    run.events.append(Event("instance.suspended", data={"reason": trigger.reason, "by": trigger.by}))
    return None


def deliver_resume(run: Run, trigger: Resume) -> str | None:
    """Lets a suspended instance go on. Gives why the trigger is stale, or ``None``."""
    if run.status != "suspended":
        return f"the instance is {run.status}"
    run.status = "running"
    run.events.append(Event("instance.resumed", data={"by": trigger.by}))
    return None


def why_not_retry(snapshot: Snapshot) -> str | None:
    """Why an operator's retry would do nothing, or ``None`` when it may be asked for."""
    if snapshot.status != "failed":
        return f"the instance is {snapshot.status}, not failed"
    if snapshot.parent is not None:
        return f"its parent has taken its failure; retry {snapshot.parent.instance}, which starts it anew"
    if snapshot.failed is None and snapshot.compensating is not None:
        return "its work has been compensated; start a new instance"
    if snapshot.failed is None:
        return "it failed before its first step; start a new instance"
    return None


def deliver_retry(run: Run, trigger: Retry) -> str | None:
    """Goes on from the failed step, and opens again, under their visits, the waits that were cancelled with it. Gives
    why the trigger is stale, or ``None``."""
    reason = why_not_retry(run.before)
    if reason is not None or run.failed is None:
        return reason
    failed, error = run.failed, run.error
    run.failed = run.error = None
    run.status = "running"
    step = error and (error.compensation or error).step
    run.events.append(Event("instance.retried", data={"by": trigger.by, "step": step or None}))
    again = [failed]
    for frame in _outer_first(run):
        if frame.wait is not None:
            # Its wait was closed; until it is entered again it only remembers how often it was tried.
            run.frames[frame.visit] = Frame(
                frame.step, frame.visit, frame.parent, frame.branch, count=frame.wait.attempt
            )
            if frame.visit != failed.visit:
                again.append(Place(frame.step, frame.parent, frame.branch, frame.visit))
        elif not run.is_dormant(frame):
            kind = "compensation.started" if frame.sealed else "step.entered"
            run.record(kind, frame, {"again": True})
    run.ready += reversed(again)
    return None


def _outer_first(run: Run) -> list[Frame]:
    """All frames, outer before inner, in branch order."""
    children = children_of(run)
    found: list[Frame] = []
    todo = list(reversed(children.get(0, [])))
    while todo:
        frame = todo.pop()
        found.append(frame)
        todo += reversed(children.get(frame.visit, []))
    return found
