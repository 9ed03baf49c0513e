"""How visits fail and instances end: handlers, compensations, and the four ways to be over."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..definition import model
from ..definition.failure_codes import catches
from ..definition.model import Value
from .commands import CancelChild, CloseWait, End, Event, StartNext
from .encoding import size
from .run import Run
from .snapshot import Compensating, Error, Frame, Place, error_value
from .triggers import Failed
from .unwind import Reason, below, discard, end_frame, path_of

# ── a visit fails ────────────────────────────────────────────────────────────────────────────────────────────────────


def fail(run: Run, place: Place, failed: Failed, reason: Reason = "failed") -> None:
    """What runs at ``place`` failed: the innermost ``try`` that catches it goes on with its handler; otherwise the
    instance fails, after its compensations."""
    frame = _failing(run, place)
    message, details = bounded(failed)
    error = Error(failed.code, message, frame.step or None, frame.visit, details)
    caught = _catcher(run, frame, failed.code)
    _close_failed(run, frame, error, reason, compensate=caught is None)
    if caught is None:
        _end_others(run, frame, error, list(below(run, 0)), compensate=True)
        _fail_uncaught(run, place, error)
    else:
        _handle(run, frame, error, *caught)


MESSAGE_LIMIT = 10_000
"""Characters of a failure's message that are kept."""
DETAILS_LIMIT = 64 * 1024
"""Bytes of a failure's details that are kept; larger ones are left out, and their size told."""


def bounded(failed: Failed) -> tuple[str, Value]:
    """Message and details of a failure as a snapshot keeps them, whatever a service said."""
    message, details = failed.message, failed.details
    if len(message) > MESSAGE_LIMIT:
        message = message[:MESSAGE_LIMIT] + "…"
    if details is not None and (bytes_ := size(details)) > DETAILS_LIMIT:
        details = {"left_out": f"{bytes_:,} bytes of details"}
    return message, details


def _failing(run: Run, place: Place) -> Frame:
    """The visit that fails: of the step itself or, at the end of a body, of its owner."""
    if place.step is None:
        return run.frames[place.parent] if place.parent else Frame("", 0)
    return run.frames.get(place.visit) or Frame(place.step, place.visit, place.parent, place.branch)


def _close_failed(run: Run, frame: Frame, error: Error, reason: Reason, *, compensate: bool) -> None:
    if frame.wait is not None:
        if frame.wait.child is not None and reason == "timeout":
            run.commands.append(CancelChild(frame.visit, frame.wait.child, compensate))
        run.commands.append(CloseWait(frame.visit, reason, frame.wait.kind))
    data = error_value(error)
    data.pop("step")
    kind = "compensation.failed" if frame.sealed else "step.failed"
    if frame.visit:
        run.record(kind, frame, data)


def _catcher(run: Run, frame: Frame, code: str) -> tuple[Frame, int] | None:
    """The ``try`` and its handler that catch a failure of ``frame``; those of a ``try`` hold for its body only."""
    visit, branch = frame.parent, frame.branch
    while visit:
        owner = run.frames[visit]
        step = run.program.nodes[owner.step].step
        if isinstance(step, model.Try) and branch == 0 and not owner.sealed:
            for index, handler in enumerate(step.handlers):
                if catches(handler.catch, code):
                    return owner, index
        visit, branch = owner.parent, owner.branch
    return None


def _end_others(run: Run, failed: Frame, error: Error, frames: list[Frame], *, compensate: bool = False) -> None:
    """Ends all frames but the one that failed: what is around it fails too, the rest is cancelled."""
    around = set(path_of(run, failed.parent))
    for frame in frames:
        if frame.visit == failed.visit:
            continue
        if frame.visit in around:
            end_frame(run, frame, "failed", {"code": error.code, "from": failed.step})
        else:
            end_frame(run, frame, "cancelled", {}, compensate=compensate)


def _handle(run: Run, failed: Frame, error: Error, owner: Frame, index: int) -> None:
    inner = list(below(run, owner.visit))
    _end_others(run, failed, error, inner)
    discard(run, owner.visit, inner)
    node = run.program.nodes[owner.step]
    handler = node.step.handlers[index]  # type: ignore[union-attr]
    value = error_value(error)
    names = {"error": value} if handler.name is None else {"error": value, handler.name: value}
    run.frames[owner.visit] = msgspec.structs.replace(owner, names=names)
    run.record("step.caught", owner, {"code": error.code, "handler": index})
    run.ready.append(Place(node.bodies[index + 1], owner.visit, index + 1))


def _fail_uncaught(run: Run, place: Place, error: Error) -> None:
    if run.compensating is None and run.compensations:
        forget(run)
        compensate(run, Compensating("failed", error))
        return
    run.failed = place  # frames and what was ready stay as they are, for an operator's retry
    before = run.compensating
    if before is not None and before.error is not None:
        error = msgspec.structs.replace(before.error, compensation=error)
    _end_failed(run, error)


# ── compensations ────────────────────────────────────────────────────────────────────────────────────────────────────


def compensate(run: Run, compensating: Compensating) -> None:
    """Runs the registered compensations, the last one first, and then ends the instance."""
    run.compensating = compensating
    next_compensation(run)


def next_compensation(run: Run) -> None:
    """Begins the next compensation; after the last one the instance ends as it was about to."""
    if run.compensations:
        registration = run.compensations.pop()
        node = run.program.nodes[registration.step]
        frame = Frame(registration.step, registration.visit, names=registration.names, sealed=True)
        run.frames[frame.visit] = frame
        run.record("compensation.started", frame)
        branch = len(node.bodies) - 1
        run.ready.append(Place(node.bodies[branch], frame.visit, branch))
        return
    ending = run.compensating
    assert ending is not None
    if ending.error is not None:
        _end_failed(run, ending.error)
    else:
        _end_cancelled(run, ending.reason, ending.by)


# ── the instance ends ────────────────────────────────────────────────────────────────────────────────────────────────


def forget(run: Run) -> None:
    """Leaves no token behind."""
    run.frames.clear()
    run.ready.clear()


def complete(run: Run, frame: Frame | None, output: Value, *, following: StartNext | None = None) -> None:
    """The instance is completed by the visit ``frame`` (``None``: its body came to its end), or continued by
    ``following``; what else is under way is cancelled, and compensations are dropped."""
    around = set(path_of(run, frame.parent)) if frame is not None else set()
    for other in below(run, 0):
        if other.visit in around:
            end_frame(run, other, "done", {})
        else:
            end_frame(run, other, "cancelled", {})
    forget(run)
    run.compensations.clear()
    run.compensating = None
    run.status, run.output = "completed", output
    if following is None:
        run.events.append(Event("instance.completed", data={"output": output}))
    else:
        run.next = following.id
        data: Mapping[str, Value] = {
            "next": following.id, "workflow": following.workflow, "version": following.version,
            "digest": following.digest,
        }  # fmt: skip
        run.events.append(Event("instance.continued", data=data))
        run.commands.append(following)
    run.commands.append(End("completed", output))


def fail_at_start(run: Run, failed: Failed) -> None:
    """The instance fails before its first step, so there is nothing to retry."""
    _end_failed(run, Error(failed.code, failed.message, details=failed.details))


def _end_failed(run: Run, error: Error) -> None:
    run.status, run.error = "failed", error
    data = error_value(error)
    run.events.append(Event("instance.failed", error.visit, error.step, data))
    details = error.details
    if error.compensation is not None:
        details = {"details": details, "compensation": error_value(error.compensation)}
    run.commands.append(End("failed", error=Failed(error.code, error.message, details)))


def cancel(run: Run, *, compensating: bool, reason: str, by: str | None) -> None:
    """Cancels the instance: at once or, with compensation, after that has run."""
    undoes = compensating and bool(run.compensations)
    if undoes:  # how it ends is told after its compensations, and it may be otherwise
        run.events.append(Event("instance.cancelling", data={"reason": reason, "by": by}))
    for frame in below(run, 0):
        end_frame(run, frame, "cancelled", {}, compensate=compensating)
    forget(run)
    if undoes:
        run.status = "running"
        compensate(run, Compensating("cancelled", reason=reason, by=by))
        return
    run.compensations.clear()
    _end_cancelled(run, reason, by)


def _end_cancelled(run: Run, reason: str, by: str | None) -> None:
    run.status = "cancelled"
    run.events.append(Event("instance.cancelled", data={"reason": reason, "by": by}))
    run.commands.append(End("cancelled"))
