"""Rules of a single step and of where it stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from ..durations import DurationError, duration_microseconds, instant_microseconds
from ..expressions import roots_of
from ..failure_codes import catches
from ..model import (
    Body,
    Call,
    Const,
    Decision,
    Definition,
    Each,
    Expression,
    Fail,
    Fork,
    Leave,
    Repeat,
    Set,
    Task,
    Timer,
    Try,
)  # fmt: skip
from ..problems import Problem, Severity
from .walk import EffectsOf, Place, bodies

_CODE = re.compile(r"\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)


def check_step(place: Place, effects: EffectsOf) -> Iterator[Problem]:
    """The problems of one step."""
    step = place.step
    for rule in _RULES.get(step.kind, ()):
        yield from rule(place, effects)


def problem(
    place: Place, code: str, message: str, below: str = "", hint: str = "", severity: Severity = "error"
) -> Problem:
    """A problem of a step."""
    return Problem(code, message, severity, place.step.id, f"{place.pointer}/{below}" if below else place.pointer, hint)


def check_ids(definition: Definition, all_places: list[Place]) -> Iterator[Problem]:
    """Ids are unique, and the metadata speaks of steps that there are."""
    seen: dict[str, str] = {}
    for place in all_places:
        first = seen.setdefault(place.step.id, place.pointer)
        if first != place.pointer:
            message = f"expected an id that no other step has, got {place.step.id!r}, which {first} has too"
            yield problem(place, "id.duplicate", message, "id", "write another id")
    for id_ in definition.meta.steps:
        if id_ not in seen:
            message = f"expected the id of a step, got {id_!r}"
            pointer = "/meta/steps/" + id_.replace("~", "~0").replace("/", "~1")
            yield Problem("id.unknown", message, "warning", None, pointer, "remove it, or correct the id")


# ── where a step may stand ───────────────────────────────────────────────────────────────────────────────────────────


def _loop_exit(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    kind = place.step.kind
    word = "break" if kind == "leave" else "continue"
    for step, below in reversed(place.around):
        if isinstance(step, (Repeat, Each)):
            return
        if isinstance(step, Fork) or below == "compensate":
            what = "a fork" if isinstance(step, Fork) else "a compensation"
            message = f"expected {kind!r} in a loop of its own, got one inside {what} ({step.id!r})"
            yield problem(place, "flow.not-in-loop", message, "", f"end the branch normally, or put `{word}` outside")
            return
    yield problem(place, "flow.not-in-loop", f"expected {kind!r} inside a loop, got one outside", "", "remove it")


def _continue_with(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    for step, _ in place.around:
        if isinstance(step, Fork) or (isinstance(step, Each) and step.parallel > 1):
            what = "a fork" if isinstance(step, Fork) else "a parallel each"
            message = f"expected 'continue_with' outside parallel branches, got one inside {what} ({step.id!r})"
            yield problem(place, "flow.continue-in-parallel", message, "", "continue after the branches have joined")
            return


def _not_in_compensation(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    for step, below in place.around:
        if below == "compensate":
            message = f"expected steps that undo, got {place.step.kind!r} in the compensation of {step.id!r}"
            hint = "a compensation runs when the instance is ending; leave it out"
            yield problem(place, "flow.ends-in-compensation", message, "", hint)
            return


# ── rules of a kind ──────────────────────────────────────────────────────────────────────────────────────────────────


def _set(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    assert isinstance(place.step, Set)
    paths = list(place.step.assign)
    for path in paths:
        parts = path.split(".")
        for end in range(1, len(parts)):
            outer = ".".join(parts[:end])
            if outer in place.step.assign:
                message = f"expected paths of which none is part of another, got {outer!r} and {path!r}"
                yield problem(place, "set.overlap", message, f"assign/{path}", "assign them in two steps")
    if not paths:
        yield problem(place, "set.empty", "expected something to assign, got nothing", "assign", "remove it", "warning")


def _decision(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    assert isinstance(place.step, Decision)
    if not place.step.branches:
        yield problem(place, "decision.no-branches", "expected at least one branch, got none", "branches", "add one")
    if place.step.otherwise is None:
        message = f"no branch of {place.step.id!r} may hold, and then it does nothing"
        yield problem(place, "decision.falls-through", message, "", "write an else, if something is to happen", "info")


def _repeat(place: Place, effects: EffectsOf) -> Iterator[Problem]:
    step = place.step
    assert isinstance(step, Repeat)
    if (step.test is None) == (step.until is None):
        got = "none" if step.test is None else "both"
        message = f"expected either 'while' or 'until', got {got}"
        yield problem(place, "loop.form", message, "", "write one of them")
        return
    inside = effects.body(step.body)
    if inside.waits or inside.ends or _leaves(step.body):
        return
    condition = step.test if step.test is not None else step.until
    assert condition is not None
    for_ever = Const(True) if step.test is not None else Const(False)
    if condition == for_ever or (not isinstance(condition, Const) and not roots_of(condition) & inside.writes.keys()):
        message = f"expected a loop that can end or wait, got {step.id!r}, in which nothing changes its condition"
        hint = "assign what the condition reads, wait for something, or leave the loop"
        yield problem(place, "loop.endless", message, "while" if step.test is not None else "until", hint)


def _leaves(body: Body) -> bool:
    """Whether a ``leave`` in ``body`` ends the loop whose body it is."""
    for step in body:
        if isinstance(step, Leave):
            return True
        if isinstance(step, (Decision, Try)) and any(_leaves(inner) for _, inner in bodies(step)):
            return True
    return False


def _each(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    step = place.step
    assert isinstance(step, Each)
    if (step.collect is None) != (step.result is None):
        got, lacking = ("result", "collect") if step.collect is None else ("collect", "result")
        message = f"expected 'collect' and 'result' together, got {got!r} alone"
        yield problem(place, "each.collect", message, got, f"add {lacking!r}, or remove {got!r}", "warning")


def _fork(place: Place, effects: EffectsOf) -> Iterator[Problem]:
    step = place.step
    assert isinstance(step, Fork)
    count = len(step.branches)
    if not count:
        yield problem(place, "fork.no-branches", "expected at least one branch, got none", "branches", "add some")
    elif isinstance(step.join, int) and not 1 <= step.join <= count:
        message = f"expected a join of 1 to {count} branches, got {step.join}"
        yield problem(place, "fork.join", message, "join", 'write "all", "any" or a smaller number')
    for label, times in Counter(branch.label for branch in step.branches).items():
        if times > 1:
            message = f"expected branches with different labels, got {label!r} {times} times"
            yield problem(place, "fork.label", message, "branches", "tell them apart", "warning")
    yield from _conflicts(place, step, effects)


def _conflicts(place: Place, step: Fork, effects: EffectsOf) -> Iterator[Problem]:
    inside = [effects.body(branch.body) for branch in step.branches]
    users: dict[str, list[int]] = {}
    for index, effect in enumerate(inside):
        for name in effect.reads.keys() | effect.writes.keys():
            users.setdefault(name, []).append(index)
    for name, indexes in sorted(users.items()):
        if len(indexes) < 2:
            continue
        writers = [index for index in indexes if name in inside[index].writes]
        if not writers:
            continue
        first = writers[0]
        other = next(index for index in indexes if index != first)
        verb = "writes" if name in inside[other].writes else "reads"
        writer, user = inside[first].writes[name], {**inside[other].reads, **inside[other].writes}[name]
        label, sibling = step.branches[first].label, step.branches[other].label
        message = (
            f"expected {name!r} to be used by one branch only, got {label!r} writing it in {writer!r} "
            f"while {sibling!r} {verb} it in {user!r}"
        )
        hint = "give each branch a name of its own, and bring them together after the join"
        yield problem(place, "parallel.conflict", message, f"branches/{first}", hint)


def _try(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    step = place.step
    assert isinstance(step, Try)
    caught: list[str] = []
    for index, handler in enumerate(step.handlers):
        if not handler.catch:
            message = "expected at least one code to catch, got none"
            yield problem(place, "handler.no-codes", message, f"handlers/{index}/catch", 'write "*" for all of them')
        for code in handler.catch:
            if not _CODE.fullmatch(code):
                yield _bad_code(place, code, f"handlers/{index}/catch")
        dead = [code for code in handler.catch if catches(caught, code)]
        if handler.catch and len(dead) == len(handler.catch):
            message = f"expected a handler that can be reached, got one for {', '.join(dead)}, caught before"
            hint = "put the more specific handler first, or remove it"
            yield problem(place, "handler.dead", message, f"handlers/{index}", hint, "warning")
        caught += handler.catch


def _bad_code(place: Place, code: str, below: str) -> Problem:
    message = f"expected a dotted code such as rating.refused, got {code!r}"
    return problem(place, "code.invalid", message, below, "use letters, digits, _ and -, with dots between")


def _fail(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    assert isinstance(place.step, Fail)
    code = place.step.code.value if isinstance(place.step.code, Const) else None
    if isinstance(code, str) and (code == "*" or not _CODE.fullmatch(code)):
        yield _bad_code(place, code, "code")


def _call(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    step = place.step
    assert isinstance(step, Call)
    for code in step.retry.on:
        if not _CODE.fullmatch(code):
            yield _bad_code(place, code, "retry/on")
    try:
        whole, attempt = duration_microseconds(step.timeout), duration_microseconds(step.attempt_timeout)
    except DurationError:
        return  # the shape says so
    if attempt > whole:
        message = f"expected an attempt of at most {step.timeout}, as the whole call, got {step.attempt_timeout}"
        yield problem(place, "call.attempt-timeout", message, "attempt_timeout", "make timeout longer", "warning")


def _timer(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    step = place.step
    assert isinstance(step, Timer)
    if (step.after is None) == (step.at is None):
        got = "none" if step.after is None else "both"
        message = f"expected either 'after' or 'at', got {got}"
        yield problem(place, "timer.form", message, "", "write one of them")
        return
    if step.after is not None:
        yield from _constant(place, step.after, "after", duration_microseconds)
    if step.at is not None:
        yield from _constant(place, step.at, "at", instant_microseconds)


def _task(place: Place, _effects: EffectsOf) -> Iterator[Problem]:
    assert isinstance(place.step, Task)
    due = place.step.due
    if due is not None:
        is_duration = isinstance(due, Const) and isinstance(due.value, str) and due.value[:1] in ("P", "-")
        yield from _constant(place, due, "due", duration_microseconds if is_duration else instant_microseconds)


def _constant(place: Place, expression: Expression, below: str, parse: Callable[[str], int]) -> Iterator[Problem]:
    if isinstance(expression, Const) and isinstance(expression.value, str):
        try:
            parse(expression.value)
        except DurationError as error:
            yield problem(place, error.code, error.message, below, error.hint)


Rule = Callable[[Place, EffectsOf], Iterator[Problem]]
_RULES: dict[str, tuple[Rule, ...]] = {
    "set": (_set,), "decision": (_decision,), "repeat": (_repeat,), "each": (_each,), "fork": (_fork,), "try": (_try,),
    "fail": (_fail,), "call": (_call,), "timer": (_timer,), "task": (_task,), "leave": (_loop_exit,),
    "next": (_loop_exit,), "continue_with": (_continue_with, _not_in_compensation), "complete": (_not_in_compensation,),
}  # fmt: skip
