"""The canonical model: what a workflow is, as immutable values. Imports nothing of ours.

The JSON form (``armillary.workflow/1``) is the wire and storage form; :mod:`.codec` reads and writes it. Field names
here are the JSON member names, except where a JSON name is a Python keyword or a builtin worth keeping
(``as`` → ``name``, ``while`` → ``test``, ``if`` → ``condition``); the codec knows these few.

Durations are ISO 8601 texts (``PT30S``, ``P14D``) where the field is a ``Duration``, and expressions where a value may
be computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Value = None | bool | int | Decimal | str | list[Any] | dict[str, Any]
"""A JSON value. Whole numbers are ``int``; others are normalised ``Decimal`` of at most 34 digits; never ``float``."""

Schema = Mapping[str, Any]
"""A JSON Schema 2020-12 document."""

Duration = str
"""An ISO 8601 duration, such as ``PT30S`` or ``P14D``."""

Path = str
"""Dotted identifiers, such as ``quote.premium``; the first is the root name."""

SCHEMA = "armillary.workflow/1"


# ── expressions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Const:
    """A constant; in normal form a scalar."""

    value: Value


@dataclass(frozen=True, slots=True)
class Get:
    """The value at a path."""

    path: Path


@dataclass(frozen=True, slots=True)
class Op:
    """Comparison, boolean, arithmetic, ``in``, ``not in``, ``index`` (``a[b]``), ``slice`` (``a[b:c]``), ``neg``."""

    op: str
    args: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class If:
    """``then`` if ``condition`` is true, else ``otherwise``."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Object:
    """An object, member by member."""

    members: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list, item by item."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """Text made of literal parts and expressions (an f-string)."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """A comprehension: ``to`` for each of ``items`` (called ``name``) for which ``where`` holds."""

    items: Expression
    name: str
    to: Expression
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Fn:
    """A call of a function: a core one, or the user's as ``name@major``."""

    fn: str
    args: tuple[Expression, ...]


Expression = Const | Get | Op | If | Object | ListOf | Format | Map | Fn


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Set:
    """Assigns state. All expressions are evaluated before the first assignment, so member order has no meaning."""

    id: str
    assign: Mapping[Path, Expression]
    kind: Literal["set"] = "set"


@dataclass(frozen=True, slots=True)
class Reference:
    """Sets the instance's business reference, which is searchable."""

    id: str
    key: Expression
    parts: Mapping[str, Expression] = field(default_factory=dict)
    kind: Literal["reference"] = "reference"


@dataclass(frozen=True, slots=True)
class Address:
    """A service and one of its operations; what they are bound to is said at deployment."""

    service: str
    operation: str


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``attempts`` counts the first one; ``factor`` multiplies ``backoff`` after each, up to ``max``; ``jitter`` is a
    fraction (0 to 1) of the delay; ``on`` lists the failure codes that are retried (``*``: all)."""

    attempts: int = 1
    backoff: Duration = "PT1S"
    factor: Value = 2
    max: Duration = "PT1H"
    jitter: Value = 0
    on: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a service; waits for the reply."""

    id: str
    to: Address
    arguments: Expression
    reply: Schema | None = None
    result: Path | None = None
    timeout: Duration = "PT1H"
    attempt_timeout: Duration = "PT30S"
    retry: RetryPolicy = RetryPolicy()
    heartbeat: Duration | None = None
    kind: Literal["call"] = "call"


@dataclass(frozen=True, slots=True)
class Check:
    """An answer for which ``when`` is true is refused with ``message``.

    Roots in both: the instance's names and ``answer``."""

    when: Expression
    message: Expression


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who else is asked when a task is still open after a while."""

    after: Duration
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A human task; waits for an answer that fits."""

    id: str
    name: str
    title: Expression | None = None
    roles: tuple[str, ...] = ()
    assignee: Expression | None = None
    payload: Expression = Const(None)
    answer: Schema | None = None
    check: tuple[Check, ...] = ()
    result: Path | None = None
    due: Expression | None = None
    """A duration from the moment the task opens, or a date and time."""
    escalate: Escalation | None = None
    timeout: Duration | None = None
    priority: Expression | None = None
    kind: Literal["task"] = "task"


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a decision."""

    when: Expression
    body: Body


@dataclass(frozen=True, slots=True)
class Decision:
    """The first branch whose condition is true."""

    id: str
    branches: tuple[Branch, ...]
    otherwise: Body | None = None
    """``None``: no branch was written for it; falling through does nothing."""
    kind: Literal["decision"] = "decision"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop; exactly one of ``test`` (JSON ``while``, tested before) and ``until`` (tested after)."""

    id: str
    body: Body
    test: Expression | None = None
    until: Expression | None = None
    max: int | None = None
    kind: Literal["repeat"] = "repeat"


@dataclass(frozen=True, slots=True)
class Each:
    """The body once per item (called ``name``), ``parallel`` at a time."""

    id: str
    items: Expression
    name: str
    body: Body
    parallel: int = 1
    collect: Expression | None = None
    result: Path | None = None
    kind: Literal["each"] = "each"


@dataclass(frozen=True, slots=True)
class ForkBranch:
    """A parallel branch."""

    label: str
    body: Body


@dataclass(frozen=True, slots=True)
class Fork:
    """Parallel branches; goes on when ``join`` of them have ended."""

    id: str
    branches: tuple[ForkBranch, ...]
    join: Literal["all", "any"] | int = "all"
    kind: Literal["fork"] = "fork"


@dataclass(frozen=True, slots=True)
class Timer:
    """Exactly one of ``after`` (a duration) and ``at`` (a date and time)."""

    id: str
    after: Expression | None = None
    at: Expression | None = None
    kind: Literal["timer"] = "timer"


@dataclass(frozen=True, slots=True)
class Signal:
    """Waits for a signal."""

    id: str
    name: str
    match: Expression | None = None
    payload: Schema | None = None
    result: Path | None = None
    timeout: Duration | None = None
    kind: Literal["signal"] = "signal"


@dataclass(frozen=True, slots=True)
class Subworkflow:
    """Runs a child instance; waits for its output or its failure."""

    id: str
    workflow: str
    input: Expression
    version: str = "*"
    result: Path | None = None
    timeout: Duration | None = None
    kind: Literal["subworkflow"] = "subworkflow"


@dataclass(frozen=True, slots=True)
class ContinueWith:
    """Ends this instance and starts the next one of its chain."""

    id: str
    workflow: str
    input: Expression
    version: str = "*"
    kind: Literal["continue_with"] = "continue_with"


@dataclass(frozen=True, slots=True)
class Handler:
    """``catch`` lists codes: a code catches itself and every code below it (``failure`` catches ``failure.x``)."""

    catch: tuple[str, ...]
    body: Body
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """Handles failures of ``body``; registers ``compensate`` when it ends normally."""

    id: str
    body: Body
    handlers: tuple[Handler, ...] = ()
    compensate: Body | None = None
    kind: Literal["try"] = "try"


@dataclass(frozen=True, slots=True)
class Leave:
    """Ends the innermost loop around it."""

    id: str
    kind: Literal["leave"] = "leave"


@dataclass(frozen=True, slots=True)
class Next:
    """Goes on with the next turn of the innermost loop around it."""

    id: str
    kind: Literal["next"] = "next"


@dataclass(frozen=True, slots=True)
class Complete:
    """Ends the instance with an output."""

    id: str
    output: Expression = Const(None)
    kind: Literal["complete"] = "complete"


@dataclass(frozen=True, slots=True)
class Fail:
    """Fails with a code and a message."""

    id: str
    code: Expression
    message: Expression
    kind: Literal["fail"] = "fail"


Step = (
    Set | Reference | Call | Task | Decision | Repeat | Each | Fork | Timer | Signal | Subworkflow | ContinueWith | Try
    | Leave | Next | Complete | Fail
)  # fmt: skip
Body = tuple[Step, ...]


# ── the document ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Access:
    """Roles that may start, view and operate instances."""

    start: tuple[str, ...] = ()
    view: tuple[str, ...] = ()
    operate: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepMeta:
    """Outside the digest. ``labels`` names a step's branches for people: by index (``"0"``) or ``"otherwise"``."""

    title: str | None = None
    note: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meta:
    """Outside the digest."""

    title: str | None = None
    description: str | None = None
    steps: Mapping[str, StepMeta] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    """Where an author wrote it, put in when it is deployed: ``files`` (name, and the lines by their number) and ``at``
    (JSON pointer → file, line, column, end line, end column)."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One workflow. ``version`` is ``None`` for a draft; :func:`.codec.identity` derives ``0.0.0+<digest8>`` for it."""

    name: str
    body: Body
    version: str | None = None
    input: Schema = field(default_factory=dict)
    output: Schema | None = None
    access: Access = Access()
    meta: Meta = field(default_factory=Meta)
    schema: str = SCHEMA
