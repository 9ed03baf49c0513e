"""``set`` and ``reference``: steps that only assign; and how every other step stores its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...definition import model
from ...definition.expressions import Evaluator
from ...definition.model import Value
from ..commands import Patch, SetReference
from ..compiler import Compiler
from ..encoding import size
from ..failures import StepFailure
from ..node import Behaviour, Node
from ..paths import Parts, kind_of, put
from ..run import Run
from ..snapshot import Frame

STATE_LIMIT = 1024 * 1024
"""Bytes of all values that an instance keeps: its state, local names, items in hand and captured compensations."""

PAYLOAD_LIMIT = 256 * 1024
"""Bytes of a request's arguments, a reply, a task's payload, or the input of another instance."""

Assignment = tuple[str, Parts, Value]
"""A path as text and in parts, and its value."""


def store(run: Run, node: Node[Any], frame: Frame, assignments: list[Assignment]) -> tuple[Patch, dict[str, Value]]:
    """Assigns all or nothing, and gives what the step's event tells: the patch of the state and, for names that stay in
    a turn or a compensation, its data. Raises ``StepFailure``."""
    if not assignments:
        return (), {}
    added = size([value for _, _, value in assignments])
    if node.local:
        _store_locally(run, frame, assignments, added)
        return (), {"local": [[path, value] for path, _, value in assignments]}
    roots = {parts[0] for _, parts, _ in assignments}
    changed = {root: run.state[root] for root in roots if root in run.state}
    for _, parts, value in assignments:
        put(changed, parts, value)
    before = run.state
    run.state = {**before, **changed}
    try:
        weigh(run, added)
    except StepFailure:
        run.state = before
        raise
    run.roots.update(changed)
    run.patched += added
    return tuple((path, value) for path, _, value in assignments), {}


def _store_locally(run: Run, frame: Frame, assignments: list[Assignment], added: int) -> None:
    visit, branch = _local_owner(run, frame)
    owner = run.frames[visit]
    names = dict(owner.names or {}) if owner.sealed else next(t.names for t in owner.turns if t.index == branch).copy()
    seen = run.roots_at(frame.parent, frame.branch)
    for _, parts, value in assignments:
        if len(parts) > 1 and parts[0] not in names and parts[0] in seen:
            names[parts[0]] = seen[parts[0]]
        put(names, parts, value)
    run.frames[visit] = owner.with_names(branch, names)
    try:
        weigh(run, added)
    except StepFailure:
        run.frames[visit] = owner
        raise
    run.patched += added


def _local_owner(run: Run, frame: Frame) -> tuple[int, int]:
    """The visit and turn of the innermost parallel ``each`` or compensation around a step."""
    parent, branch = frame.parent, frame.branch
    while True:
        owner = run.frames[parent]
        step = run.program.nodes[owner.step].step
        if owner.sealed or (isinstance(step, model.Each) and step.parallel > 1):
            return parent, branch
        parent, branch = owner.parent, owner.branch


def weigh(run: Run, added: int, *, pending: int = 0) -> None:
    """Refuses an instance that becomes too large by ``added`` bytes, of which ``pending`` are not in it yet. Only near
    the limit is it counted exactly."""
    bound = run.size + added
    if bound > STATE_LIMIT:
        bound = size((run.state, list(run.frames.values()), run.compensations)) + pending
        if bound > STATE_LIMIT:
            message = f"expected values of at most {STATE_LIMIT:,} bytes in all, got {bound:,}"
            raise StepFailure("failure.state-too-large", f"{message}; keep large data elsewhere and its address here")
    run.size = bound


def check_payload(value: Any, what: str) -> None:
    """Refuses a value that is too large to be sent or kept as one message."""
    got = size(value)
    if got > PAYLOAD_LIMIT:
        message = f"expected {what} of at most {PAYLOAD_LIMIT:,} bytes, got {got:,}; keep large data elsewhere"
        raise StepFailure("failure.payload-too-large", message)


def as_text(value: Value, what: str) -> str:
    """A text, or a whole number as text; ``what`` names it in the failure."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise StepFailure("expression.type", f"expected {what} to be text, got {kind_of(value)}; convert it with str(…)")


# ── set ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_set(step: model.Set, compiler: Compiler) -> tuple[tuple[str, Parts, Evaluator], ...]:
    return tuple((path, tuple(path.split(".")), compiler.expression(value)) for path, value in step.assign.items())


def _enter_set(run: Run, node: Node[tuple[tuple[str, Parts, Evaluator], ...]], frame: Frame) -> None:
    roots = run.roots_at(frame.parent, frame.branch) if node.scoped else run.roots
    patch, data = store(run, node, frame, [(path, parts, value(roots)) for path, parts, value in node.plan])
    run.record("step.done", frame, data, patch)
    run.proceed(node, frame)


SET = Behaviour(_plan_set, _enter_set)


# ── reference ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """A ``reference``, prepared."""

    key: Evaluator
    parts: Mapping[str, Evaluator]


def _plan_reference(step: model.Reference, compiler: Compiler) -> ReferencePlan:
    return ReferencePlan(
        compiler.expression(step.key), {name: compiler.expression(part) for name, part in step.parts.items()}
    )


def _enter_reference(run: Run, node: Node[ReferencePlan], frame: Frame) -> None:
    key = as_text(run.evaluate(node.plan.key, node, frame), "the reference")
    parts = {name: run.evaluate(part, node, frame) for name, part in node.plan.parts.items()}
    check_payload([key, parts], "a reference")
    run.reference, run.parts = key, parts
    run.refresh_roots()
    run.commands.append(SetReference(key, parts))
    run.record("step.done", frame, {"reference": key, "parts": parts})
    run.proceed(node, frame)


REFERENCE = Behaviour(_plan_reference, _enter_reference)
