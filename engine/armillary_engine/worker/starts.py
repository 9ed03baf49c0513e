"""Starting instances: once for a key, with the first slice in the same commit where that can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..backend import Found
from ..definition.codec import normalize
from ..definition.problems import ArmillaryError, Problem
from ..definition.suggest import did_you_mean
from ..definition.versions import highest
from ..ids import check_text
from ..interpreter import Program, Resolved, check_input, new_snapshot
from ..interpreter.triggers import Start
from ..mutation import Mutation, Nothing
from ..operations import Unavailable
from ..runtime import Caller
from .engine import Engine
from .mutations import start_mutation
from .programs import LACKING

INPUT_LIMIT = 256 * 1024
"""Bytes of an input as JSON."""
KEY_LIMIT = 500
"""Characters; what a database takes into an index."""
LONGEST_DELAY = 100 * 366 * 86_400
"""Seconds."""


class Starts:
    """Starts instances on an engine."""

    def __init__(self, engine: Engine, new_id: Callable[[], str]) -> None:
        self._engine = engine
        self._new_id = new_id
        self.unavailable: Callable[[], Sequence[Unavailable]] = lambda: ()

    def start(
        self, name: str, given: Any, *, version: str, key: str | None, id: str | None, delay: float | None,
        caller: Caller,
    ) -> Found | str:  # fmt: skip
        """The new instance as it was committed, or the id of the one that was started under this key before."""
        if key is not None:
            check_key(key)
            known = self._engine.store.by_key(name, key)
            if known is not None:
                return known
        begin = self.beginning(name, given, version=version, key=key, id=id, delay=delay, caller=caller)
        while True:
            mutation, outcome = self._engine.inbox.commit(begin)
            if outcome.kind != "conflict":  # the version was resolved by what is no longer deployed
                break
        if outcome.kind == "committed":
            return found_new(mutation)
        holder = None if key is None else self._engine.store.by_key(name, key)
        if holder is None:
            hint = "leave the id out, or give the key that it was started under to get the one that exists"
            raise ArmillaryError("instance.exists", f"expected an id that is free, got {id!r}", hint=hint)
        return holder

    def beginning(
        self, name: str, given: Any, *, version: str, key: str | None, id: str | None, delay: float | None,
        caller: Caller,
    ) -> Callable[[], Mutation]:  # fmt: skip
        """What makes the first mutation of a new instance, on any thread. What cannot be given to any workflow is
        refused here; all else when it is made."""
        value, later = _value(given), 0 if delay is None else _microseconds(delay)
        return lambda: self._begin(name, value, version=version, key=key, id=id, later=later, caller=caller)

    def _begin(
        self, name: str, value: Any, *, version: str, key: str | None, id: str | None, later: int, caller: Caller
    ) -> Mutation:  # fmt: skip
        now = self._engine.clock.now()  # before the version is resolved
        found = self.resolve(name, version)
        program = self._program(found)
        if program is not None:
            _allow(program, caller)
            value = _checked(program, value)
        snapshot = new_snapshot(
            instance=id or self._new_id(), workflow=name, version=found.version, digest=found.digest, now=now
        )
        start = Start(value)
        if later:
            return start_mutation(snapshot, start, key=key, ready=now + later)
        if program is None:
            return start_mutation(snapshot, start, key=key)
        return self._engine.slicer.first(snapshot, start, Nothing(), key=key)

    def check(self, found: Resolved, given: Any) -> Any:
        """``given`` as JSON, if what was resolved can be started with it. Raises ``input.invalid``."""
        value, program = _value(given), self._program(found)
        if program is not None:
            _checked(program, value)
        return value

    def _program(self, found: Resolved) -> Program | None:
        """``None``: something is lacking here; whoever has it starts the instance, and checks the input then."""
        try:
            return self._engine.programs.get(found.digest)
        except LACKING:
            return None

    def resolve(self, name: str, version: str, *, fresh: bool = False) -> Resolved:
        """The definition that an instance started now is on; ``fresh``: see :meth:`.programs.Programs.resolve`. Raises
        ``definition.unknown``."""
        found = self._engine.programs.resolve(name, version, fresh=fresh)
        if found is not None:
            return found
        for one in self.unavailable():
            if one.name == name and (one.version is None or highest(version, [one.version]) is not None):
                raise _unusable(one)
        rows = self._engine.store.definitions()
        names = sorted({row.name for row, _ in rows if row.enabled})
        versions = [row.version + ("" if row.enabled else " (disabled)") for row, _ in rows if row.name == name]
        if versions:
            hint = "deploy or enable such a version, or ask for another one"
            message = f"expected a deployed version of {name!r} in {version!r}, got {', '.join(versions)}"
            raise ArmillaryError("definition.unknown", message, hint=hint)
        hint = did_you_mean(name, names) or "deploy it first"
        known = ", ".join(names) or "none"
        raise ArmillaryError("definition.unknown", f"expected a deployed workflow ({known}), got {name!r}", hint=hint)


def found_new(mutation: Mutation) -> Found:
    """A new instance, from what was committed: no need to read it again."""
    calls = mutation.calls
    services = tuple(dict.fromkeys(call.service for call in calls if call.owner is None))
    ready = any(message.ready is None for message in mutation.messages)
    children = tuple(new.row.id for new in mutation.instances if new.row.parent == mutation.row.id)
    return Found(mutation.row, running=bool(calls) or ready, children=children, services=services, ready=ready)


def _unusable(one: Unavailable) -> ArmillaryError:
    wrong = "; ".join(problem.message for problem in one.problems if problem.severity == "error")
    message = f"expected a deployed workflow, got {one.name!r}, which was not deployed as it cannot be used: {wrong}"
    return ArmillaryError("definition.unknown", message, hint="correct it and deploy it", problems=one.problems)


def check_key(key: str) -> None:
    """Raises ``start.key-invalid``."""
    check_text(key, "a key", code="start.key-invalid", at_most=KEY_LIMIT, empty=True)


def _microseconds(delay: float) -> int:
    if not 0 <= delay <= LONGEST_DELAY:
        message = f"expected a delay of 0 to {LONGEST_DELAY:,} seconds (a hundred years), got {delay!r}"
        raise ArmillaryError("start.delay", message, hint="leave it out to start at once")
    return int(delay * 1_000_000)


def _value(given: Any) -> Any:
    try:
        return normalize({} if given is None else given, limit=INPUT_LIMIT)
    except ArmillaryError as error:
        raise ArmillaryError("input.invalid", error.message, hint=error.hint, problems=error.problems) from None


def _checked(program: Program, value: Any) -> Any:
    checked, problems = check_input(program, value)
    if problems:
        raise refused("input.invalid", f"the input of {program.name} does not fit", problems)
    return checked


def refused(code: str, what: str, problems: tuple[Problem, ...]) -> ArmillaryError:
    """An error that lists all that is wrong with a value."""
    lines = "\n".join(f"  {problem.pointer or '/'}: {problem.message}" for problem in problems)
    return ArmillaryError(code, f"{what}:\n{lines}", problems=problems)


def _allow(program: Program, caller: Caller) -> None:
    allowed = program.definition.access.start
    if caller.roles is not None and allowed and not caller.roles & set(allowed):
        roles = ", ".join(sorted(caller.roles)) or "none"
        message = f"expected one of the roles {', '.join(allowed)} to start {program.name}, got {roles}"
        raise ArmillaryError("start.not-allowed", message)
