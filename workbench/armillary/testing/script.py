"""What the world does while a workflow is tested: its services, the people with its tasks, whoever sends signals.

A script is a list of entries, made by the functions here or read from data (JSON, YAML)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from armillary_engine.definition.durations import duration_microseconds, parse_duration
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.definition.suggest import did_you_mean
from armillary_engine.interpreter.triggers import Failed
from armillary_engine.runtime import Handler
from armillary_engine.transport import Reply
from armillary_engine.transports.scripted import ANYTHING, FOREVER, Expected

Duration = str | timedelta


@dataclass(frozen=True, slots=True)
class Served:
    """All calls of a service go to a function."""

    service: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class Accepted:
    """The next call is accepted, and answered later by its token."""

    service: str
    operation: str
    answer: Any
    """A value, or a ``Failed``."""
    arguments: Any
    after: int
    """Microseconds since the call."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The next task of this name is completed."""

    task: str
    answer: Any
    by: str | None
    after: int
    """Microseconds since the task was opened."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal is sent."""

    signal: str
    payload: Any
    match: Any
    after: int
    """Microseconds since the start."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The instance is cancelled."""

    compensate: bool
    after: int


Entry = Expected | Accepted | Served | Answered | Sent | Cancelled
Script = Iterable[Entry | Mapping[str, Any]]


def reply(call: str, value: Any = None, *, arguments: Any = ANYTHING, after: Duration = "0s") -> Expected:
    """The next call of the service is ``"service/operation"`` and is answered with ``value``, ``after`` some time.

    With ``arguments`` it has to carry exactly these."""
    service, operation = _address(call)
    return Expected(service, operation, _reply(value), arguments, _seconds(after))


def fails(
    call: str, code: str = "failure", message: str = "", *, arguments: Any = ANYTHING, after: Duration = "0s"
) -> Expected:
    """The next call of the service fails with ``code``: one attempt of it, where the workflow tries again."""
    service, operation = _address(call)
    if code.partition(".")[0] not in ("failure", "timeout"):
        code = f"failure.{code}"
    return Expected(service, operation, Failed(code, message or f"{call} failed"), arguments, _seconds(after))


def later(call: str, value: Any = None, *, after: Duration, arguments: Any = ANYTHING) -> Accepted:
    """The next call of the service is accepted, and answered with ``value`` by its token, ``after`` some time.

    The wait lasts beyond the attempt, as long as the step's time-out allows."""
    service, operation = _address(call)
    return Accepted(service, operation, value, arguments, _microseconds(after))


def silent(call: str, *, arguments: Any = ANYTHING) -> Expected:
    """The next call of the service is never answered: its attempt ends by its time-out."""
    service, operation = _address(call)
    return Expected(service, operation, Reply(None), arguments, FOREVER)


def serve(service: str, handler: Handler) -> Served:
    """All calls of ``service`` are answered by ``handler(request)``, as many as there are."""
    return Served(service, handler)


def answer(task: str, value: Any = None, *, by: str | None = None, after: Duration = "0s") -> Answered:
    """The next task of this name is completed with ``value``, ``after`` it was opened."""
    return Answered(task, value, by, _microseconds(after))


def signal(name: str, payload: Any = None, *, match: Any = None, at: Duration = "0s") -> Sent:
    """A signal is sent; ``at`` is the time since the start."""
    return Sent(name, payload, match, _microseconds(at))


def cancel(*, at: Duration = "0s", compensate: bool = False) -> Cancelled:
    """The instance is cancelled; ``at`` is the time since the start."""
    return Cancelled(compensate, _microseconds(at))


def read_script(script: Script | Mapping[str, Any]) -> Sequence[Entry]:
    """The entries of a script; those that are data are read. Raises ``script.invalid`` with the number of the entry."""
    if isinstance(script, (Mapping, str)) or not isinstance(script, Iterable):
        hint = 'write [{"call": "rating/quote", "reply": {…}}, {"task": "Review", "answer": {…}}]'
        raise ArmillaryError("script.invalid", f"expected a list of entries, got {type(script).__name__}", hint=hint)
    return [_entry(entry, number) for number, entry in enumerate(script, 1)]


_SHAPES: dict[str, frozenset[str]] = {
    "call": frozenset({"call", "reply", "later", "fail", "message", "silent", "arguments", "after"}),
    "task": frozenset({"task", "answer", "by", "after"}),
    "signal": frozenset({"signal", "payload", "match", "at"}),
    "cancel": frozenset({"cancel", "compensate", "at"}),
}


def _entry(entry: Entry | Mapping[str, Any], number: int) -> Entry:
    if isinstance(entry, Entry):
        return entry
    if not isinstance(entry, Mapping):
        raise _invalid(number, f"expected an object, got {type(entry).__name__}")
    kind = next((kind for kind in _SHAPES if kind in entry), None)
    if kind is None:
        raise _invalid(number, f"expected one with {', '.join(map(repr, _SHAPES))}, got {sorted(entry)}")
    for key in entry.keys() - _SHAPES[kind]:
        known = _SHAPES[kind]
        raise _invalid(number, f"expected {', '.join(sorted(known))}, got {key!r}", did_you_mean(str(key), known) or "")
    try:
        return _read(kind, entry)
    except ArmillaryError as error:
        raise _invalid(number, error.message, error.hint) from None


def _read(kind: str, entry: Mapping[str, Any]) -> Entry:
    match kind:
        case "task":
            return answer(str(entry["task"]), entry.get("answer"), by=entry.get("by"), after=entry.get("after", "0s"))
        case "signal":
            payload, at = entry.get("payload"), entry.get("at", "0s")
            return signal(str(entry["signal"]), payload, match=entry.get("match"), at=at)
        case "cancel":
            return cancel(at=entry.get("at", "0s"), compensate=bool(entry.get("compensate")))
    call, arguments, after = str(entry["call"]), entry.get("arguments", ANYTHING), entry.get("after", "0s")
    if len({"reply", "later", "fail", "silent"} & entry.keys()) != 1:
        raise ArmillaryError("script.invalid", f"expected one of 'reply', 'later', 'fail' and 'silent' for {call}")
    if "later" in entry:
        return later(call, entry["later"], arguments=arguments, after=after)
    if "fail" in entry:
        return fails(call, str(entry["fail"]), str(entry.get("message", "")), arguments=arguments, after=after)
    if "silent" in entry:
        return silent(call, arguments=arguments)
    return reply(call, entry["reply"], arguments=arguments, after=after)


def _invalid(number: int, message: str, hint: str = "") -> ArmillaryError:
    return ArmillaryError("script.invalid", f"entry {number} of the script: {message}", hint=hint)


def _reply(value: Any) -> Reply:
    from armillary_engine.definition.codec import normalize

    return Reply(normalize(value))


def _address(call: str) -> tuple[str, str]:
    service, slash, operation = call.partition("/")
    if not (service and slash and operation):
        raise ArmillaryError("script.invalid", f"expected 'service/operation', got {call!r}")
    return service, operation


def _microseconds(duration: Duration) -> int:
    if not isinstance(duration, (str, timedelta)):
        message = f"expected a duration such as '2d', got {duration!r}"
        raise ArmillaryError("script.invalid", message, hint="write it with its unit: '30s', '2h30m', '14d'")
    return duration_microseconds(parse_duration(duration))


def _seconds(duration: Duration) -> float:
    return _microseconds(duration) / 1_000_000
