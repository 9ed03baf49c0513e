"""The words of the language, as typed stubs.

A ``@workflow`` function is compiled and never run, so none of these does anything by itself: really calling one says
so.
Their signatures are what a type checker and an editor's completion see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, cast, overload

from armillary_engine.definition.problems import ArmillaryError

M = TypeVar("M")
Duration = str | timedelta
"""``"30s"``, ``"2h30m"``, ``"14d"``, ISO 8601 (``"PT30S"``), or a ``timedelta``."""


def _outside(verb: str) -> ArmillaryError:
    return ArmillaryError(
        "verb.outside",
        f"{verb} was used outside a @workflow function",
        hint="put it into a function marked @workflow, which is compiled and not run; start that with bench.start",
    )


# ── failures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Failure(Exception):  # noqa: N818 - it is what authors write
    """``except Failure("code") as e`` catches the code and every code below it; ``except Failure`` catches any."""

    code: str
    message: str
    if TYPE_CHECKING:

        def __new__(cls, code: str, message: str = "") -> type[Failure]:  # type: ignore[misc]
            """A class to catch or raise, narrowed to ``code``."""

    else:

        def __init__(self, code: str, message: str = "") -> None:
            super().__init__(code, message)
            self.code, self.message = code, message


class Timeout(Exception):  # noqa: N818 - it is what authors write
    """``except Timeout`` catches a wait or a call that took longer than its ``timeout``."""

    code: str = "timeout"
    message: str = ""


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When a failed call is tried again. ``max_attempts`` counts the first; the delay starts at ``backoff``, is
    multiplied by ``factor`` after each attempt up to ``max_backoff``, and varies by the fraction ``jitter``; ``on``
    lists the failure codes that are retried (default: all)."""

    max_attempts: int = 1
    backoff: Duration = "1s"
    factor: int | float | Decimal = 2
    max_backoff: Duration = "1h"
    jitter: int | float | Decimal = 0
    on: Sequence[str] = ("*",)


@dataclass(frozen=True)
class Check:
    """Refuses a task's answer for which ``when`` is true, with ``message``. Both may be a ``lambda answer: …``."""

    when: Callable[[Any], object]
    message: str | Callable[[Any], str]


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """Offers an open task to further ``roles`` ``after`` a time."""

    after: Duration
    roles: Sequence[str]


# ── waits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@overload
def call(
    to: str,
    /,
    *,
    reply: type[M],
    arguments: object = ...,
    timeout: Duration = ...,
    attempt_timeout: Duration = ...,
    retry: Retry = ...,
    heartbeat: Duration = ...,
    id: str = ...,
    **values: object,
) -> M: ...
@overload
def call(
    to: str,
    /,
    *,
    arguments: object = ...,
    timeout: Duration = ...,
    attempt_timeout: Duration = ...,
    retry: Retry = ...,
    heartbeat: Duration = ...,
    id: str = ...,
    **values: object,
) -> Any: ...
def call(to: str, /, **values: object) -> Any:
    """Asks a service: ``call("rating/quote", policy=…, reply=Quote)`` sends the operation ``quote`` to ``rating``.

    ``timeout`` bounds the whole step (1 h), ``attempt_timeout`` one attempt (30 s). Every other keyword is an argument;
    ``arguments={…}`` sends keys that are also options.
    """
    raise _outside("call()")


@overload
def task(
    name: str,
    /,
    *,
    answer: type[M],
    payload: object = ...,
    title: str = ...,
    roles: Sequence[str] = ...,
    assignee: str | None = ...,
    check: Sequence[Check] = ...,
    due: Duration | datetime = ...,
    escalate: Escalation = ...,
    timeout: Duration = ...,
    priority: int = ...,
    id: str = ...,
) -> M: ...
@overload
def task(
    name: str,
    /,
    *,
    payload: object = ...,
    title: str = ...,
    roles: Sequence[str] = ...,
    assignee: str | None = ...,
    check: Sequence[Check] = ...,
    due: Duration | datetime = ...,
    escalate: Escalation = ...,
    timeout: Duration = ...,
    priority: int = ...,
    id: str = ...,
) -> Any: ...
def task(name: str, /, **options: object) -> Any:
    """Gives a person something to do and waits for the answer, which must fit the model ``answer``."""
    raise _outside("task()")


@overload
def wait_for_signal(
    name: str, /, *, payload: type[M], match: object = ..., timeout: Duration = ..., id: str = ...
) -> M: ...
@overload
def wait_for_signal(name: str, /, *, match: object = ..., timeout: Duration = ..., id: str = ...) -> Any: ...
def wait_for_signal(name: str, /, **options: object) -> Any:
    """Waits for a signal called ``name`` whose key equals ``match``, and gives its payload."""
    raise _outside("wait_for_signal()")


@overload
def subworkflow(
    workflow: object,
    /,
    *,
    output: type[M],
    arguments: object = ...,
    version: str = ...,
    timeout: Duration = ...,
    id: str = ...,
    **values: object,
) -> M: ...
@overload
def subworkflow(
    workflow: object,
    /,
    *,
    arguments: object = ...,
    version: str = ...,
    timeout: Duration = ...,
    id: str = ...,
    **values: object,
) -> Any: ...
def subworkflow(workflow: object, /, **values: object) -> Any:
    """Runs another workflow as a child and gives its output; a child's failure is ``child.<code>`` here."""
    raise _outside("subworkflow()")


def sleep(duration: Duration, /, *, id: str = "") -> None:
    """Waits for a duration."""
    raise _outside("sleep()")


def sleep_until(moment: datetime | str, /, *, id: str = "") -> None:
    """Waits until a date and time."""
    raise _outside("sleep_until()")


# ── structure ────────────────────────────────────────────────────────────────────────────────────────────────────────


def parallel(*, join: Literal["all", "any"] | int = "all", id: str = "") -> AbstractContextManager[None]:
    """Holds ``with branch("label"):`` blocks that run side by side; goes on when ``join`` of them have ended."""
    raise _outside("parallel()")


def branch(label: str, /) -> AbstractContextManager[None]:
    """One branch of ``with parallel():``."""
    raise _outside("branch()")


def compensate(*, id: str = "") -> AbstractContextManager[None]:
    """How to undo what stands before it, should the workflow fail or be cancelled later."""
    raise _outside("compensate()")


def loop(condition: object = True, /, *, until: object = None, max: int | None = None, id: str = "") -> bool:
    """``while loop(condition, max=10)``; ``until=`` (often a ``lambda:``) is tested after each turn instead."""
    raise _outside("loop()")


@overload
def each(
    items: Mapping[str, M], /, *, parallel: int = ..., collect: object = ..., result: object = ..., id: str = ...
) -> Iterable[str]: ...
@overload
def each(
    items: Iterable[M], /, *, parallel: int = ..., collect: object = ..., result: object = ..., id: str = ...
) -> Iterable[M]: ...
def each(items: Any, /, **options: object) -> Iterable[Any]:
    """``for x in each(xs, parallel=4)``: the body once per item, ``parallel`` of them at a time."""
    raise _outside("each()")


def collect(value: M, /) -> list[M]:
    """As the last statement of a ``for``: ``prices = collect(quote.price)`` gathers a value per item, in order."""
    raise _outside("collect()")


def step(
    id: str = "",
    /,
    *,
    title: str = "",
    note: str = "",
    labels: Mapping[str, str] | None = None,
    layout: Mapping[str, object] | None = None,
) -> None:
    """Names the next statement's step; ``title``, ``note`` and branch ``labels`` are for people, ``layout`` holds hints
    for drawing."""
    raise _outside("step()")


# ── ends and marks ───────────────────────────────────────────────────────────────────────────────────────────────────


def business_reference(
    key: object, /, *, parts: Mapping[str, object] | None = None, id: str = "", **more: object
) -> None:
    """Sets what people search this instance by."""
    raise _outside("business_reference()")


def continue_with(
    workflow: object, /, *, arguments: object = None, version: str = "*", id: str = "", **values: object
) -> NoReturn:
    """Ends this instance and starts the next one of its chain."""
    raise _outside("continue_with()")


def fail(code: str, message: str = "", *, id: str = "") -> NoReturn:
    """Fails with a dotted code, which ``except Failure(code)`` may catch."""
    raise _outside("fail()")


@dataclass(frozen=True)
class InstanceFacts:
    """What a workflow may know about its own instance."""

    id: str
    reference: str | None
    started: datetime


@dataclass(frozen=True)
class Root:
    """A name that the engine provides, such as ``now``; stands for it in the author's namespace."""

    name: str


now: datetime = cast(datetime, Root("now"))
"""The time of the current slice: the same for every step of it."""
error: Failure = cast(Failure, Root("error"))
"""In a handler, the failure: what ``as error`` would name."""
instance: InstanceFacts = cast(InstanceFacts, Root("instance"))
"""The running instance: ``instance.id``, ``instance.reference``, ``instance.started``."""
