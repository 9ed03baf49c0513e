"""Every message that crosses the comm between a live view and the kernel, as typed dictionaries.

Numbers of the author never cross as JavaScript numbers: a value travels as a :data:`Node`, in which a number is text,
and an answer travels as JSON text. Counters and indices of ours are small and stay numbers.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from .values import Node

# ── what a view shows ────────────────────────────────────────────────────────────────────────────────────────────────


class ErrorText(TypedDict):
    """Why an instance failed."""

    code: str
    message: str
    step: str | None
    source: str | None
    """The author's line with a caret, where this process has seen it."""
    remedy: str
    """What can be done about it."""


class Standing(TypedDict):
    """What holds a step up."""

    step: str
    text: str
    tone: Literal["plain", "good", "busy", "bad", "quiet"]


class Header(TypedDict):
    """Who it is and where it stands."""

    id: str
    revision: int
    caption: str
    """All of it in one line."""
    workflow: str
    title: str | None
    version: str
    reference: str | None
    status: str
    resting: bool
    standing: list[Standing]
    """Where it stands, and why it does not go on from there."""
    compensates: bool
    """What it did can be undone."""
    retriable: bool
    blocked: str | None
    error: ErrorText | None
    started: str | None
    """ISO 8601 with offset, as all times here."""
    updated: str | None
    ended: str | None


class Choice(TypedDict):
    """One of the values that a field takes."""

    label: str
    value: str
    """JSON text."""


FieldKind = Literal[
    "string",
    "integer",
    "number",
    "boolean",
    "choice",
    "date",
    "date-time",
    "time",
    "constant",
    "object",
    "list",
    "json",
]


class Field(TypedDict):
    """One field of a form, made from a JSON Schema."""

    kind: FieldKind
    name: str
    label: str
    description: str
    required: bool
    nullable: bool
    default: str | None
    """JSON text, or ``None`` for none."""
    defaults: list[str]
    """JSON texts of the items of a ``list``'s default."""
    choices: list[Choice]
    fields: list[Field]
    """Of an ``object``."""
    item: Field | None
    """Of a ``list``."""
    limits: dict[str, str]
    """``minimum maximum minLength maxLength pattern minItems maxItems`` …, as text."""


class TaskForm(TypedDict):
    """An open task and the form that answers it."""

    id: str
    step: str
    name: str
    title: str
    roles: list[str]
    assignee: str | None
    priority: int
    created: str
    due: str | None
    payload: Node
    form: Field | None
    """``None``: the task takes no answer."""


class Row(TypedDict):
    """One event of the history."""

    number: int
    at: str
    type: str
    step: str | None
    tone: Literal["plain", "good", "busy", "bad", "quiet"]
    text: str
    detail: list[tuple[str, Node]]
    """The event's data."""
    patch: list[tuple[str, Node | None]]
    """What it changed: path and new value, ``None`` where the value was removed."""


class Tree(TypedDict):
    """The values of an instance. Each root travels only when it changed."""

    input: Node
    state: list[tuple[str, Node]]
    output: Node


class TreeChange(TypedDict):
    """The roots that changed."""

    set: list[tuple[str, Node]]
    removed: list[str]
    output: NotRequired[Node]


# ── kernel → browser ─────────────────────────────────────────────────────────────────────────────────────────────────


class SourceFile(TypedDict):
    """A file or cell that steps were written in: the lines that are known, with their numbers."""

    name: str
    lines: list[tuple[int, str]]


class Sources(TypedDict):
    """Where the steps were written: by step the index of the file, the first and the last line."""

    files: list[SourceFile]
    steps: dict[str, tuple[int, int, int]]


class Snapshot(TypedDict):
    """All of it, at ``sequence``: the widget's initial state, and the answer to :class:`Sync` after a gap."""

    kind: Literal["snapshot"]
    sequence: int
    recorded: bool
    """It is a history that was exported: nothing will happen any more, and nothing can be done."""
    svg: str
    folds: dict[str, Literal["collapse", "expand"]]
    """What can be done with the steps that own others, or stand for a child workflow."""
    sources: Sources | None
    """``None``: nobody knows where the workflow was written."""
    header: Header
    tree: Tree
    tasks: list[TaskForm]
    history: list[Row]
    earlier: int
    """How many older events are left off."""


class Change(TypedDict):
    """What became different between ``sequence - 1`` and ``sequence``."""

    kind: Literal["change"]
    sequence: int
    overlay: dict[str, Any]
    """Attribute changes of the diagram, see ``armillary_renderers.project.overlay.delta``."""
    header: Header
    tree: TreeChange
    tasks: list[TaskForm] | None
    """The open tasks, or ``None`` when they are the same as before."""
    history: list[Row]
    """Events that were added."""


class FieldProblem(TypedDict):
    """What is wrong with one field of an answer."""

    pointer: str
    """JSON pointer into the answer; ``""``: the whole."""
    message: str


class Received(TypedDict):
    """The kernel has the request in hand."""

    kind: Literal["received"]
    request: str


class RevealedTask(TypedDict):
    """What a task shows, with what is masked in it."""

    title: str
    payload: Node


class Reply(TypedDict):
    """How a request ended: it is done, or why not. ``message``: why not, or what was done where that is to be told."""

    kind: Literal["reply"]
    request: str
    ok: bool
    code: str
    message: str
    hint: str
    problems: list[FieldProblem]
    values: NotRequired[RevealedTask | Tree]
    """Of ``reveal``: for this page alone, never part of a :class:`Snapshot`."""


class Past(TypedDict):
    """The instance as it was after event ``number``, as changes of how it was at the one that :class:`Seek` named."""

    kind: Literal["moment"]
    request: str
    number: int
    overlay: dict[str, Any]
    header: Header
    tree: TreeChange


ToBrowser = Snapshot | Change | Received | Reply | Past

# ── browser → kernel ─────────────────────────────────────────────────────────────────────────────────────────────────


class Opened(TypedDict):
    """A view of the model is on a page; ``view`` is unique among all pages."""

    kind: Literal["opened"]
    view: str
    sequence: int
    """What the page has; a newer state is sent if there is one."""


class Closed(TypedDict):
    """A view is gone."""

    kind: Literal["closed"]
    view: str


class Sync(TypedDict):
    """A message was missed."""

    kind: Literal["sync"]
    sequence: int


class Act(TypedDict):
    """Do something with a task, or with the instance. ``arguments``: for ``complete`` an ``answer`` as JSON text,
    so that its numbers are exact; for ``reassign`` a name ``to``; for ``cancel`` ``compensate`` and a ``reason``; for
    ``suspend`` a ``reason``. ``reveal`` changes nothing: its reply has what is masked."""

    kind: Literal["act"]
    request: str
    verb: Literal["complete", "reassign", "release", "cancel", "suspend", "resume", "retry", "reveal"]
    task: NotRequired[str]
    arguments: dict[str, Any]


class Seen(TypedDict):
    """A view got a message a while ago: its page is alive."""

    kind: Literal["seen"]
    view: str


class Seek(TypedDict):
    """A page that shows the moment after event ``before`` wants that after event ``number``."""

    kind: Literal["seek"]
    request: str
    before: int
    number: int


class Fold(TypedDict):
    """Draw a step with all that it owns, or its child workflow, in full (``open``) or as one node."""

    kind: Literal["fold"]
    step: str
    open: bool


class RetryFailed(TypedDict):
    """Retry all instances of the workflow's version that failed; with ``step``, those that failed there."""

    kind: Literal["retry-failed"]
    request: str
    step: str | None


FromBrowser = Opened | Closed | Seen | Sync | Act | Seek | Fold | RetryFailed
