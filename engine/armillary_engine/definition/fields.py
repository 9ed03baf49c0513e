"""The table of the canonical document: every object, its fields, their JSON names, what they hold, their defaults.

Reading, writing, the language reference and the published JSON Schema all come from it.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from typing import Any

from . import model


class Holds(Enum):
    """What a field holds."""

    TEXT = "text"
    NAME = "identifier"
    PATH = "path"
    EXPRESSION = "expression"
    EXPRESSIONS = "expressions by name"
    ASSIGNMENTS = "expressions by path"
    SCHEMA = "JSON Schema"
    DURATION = "duration"
    RANGE = "range of versions"
    TEXTS = "list of texts"
    LABELS = "texts by name"
    COUNT = "whole number of at least 1"
    NUMBER = "number of at least 0"
    FACTOR = "number of at least 1"
    FRACTION = "number from 0 to 1"
    JOIN = '"all", "any" or a number'
    FREE = "any JSON object"
    BODY = "list of steps"
    OBJECT = "object"
    OBJECTS = "list of objects"
    STEP_META = "step metadata by id"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: its attribute in the model, its JSON name, what it holds, and its default when it may be left out."""

    attribute: str
    json: str
    holds: Holds
    required: bool
    default: Any = None
    of: type | None = None
    """The class of the objects in it, where ``holds`` is ``OBJECT`` or ``OBJECTS``."""

    @property
    def may_be_null(self) -> bool:
        """Whether null in a document says that the field is left out; elsewhere it is the value null."""
        return not self.required and self.default is None


_NAMES = {
    (model.Repeat, "test"): "while",
    (model.Each, "name"): "as",
    (model.Handler, "name"): "as",
}
_H = Holds
_HOLDS: dict[type, dict[str, Holds | tuple[Holds, type]]] = {
    model.Set: {"assign": _H.ASSIGNMENTS},
    model.Reference: {"key": _H.EXPRESSION, "parts": _H.EXPRESSIONS},
    model.Call: {
        "to": (_H.OBJECT, model.Address), "arguments": _H.EXPRESSION, "reply": _H.SCHEMA, "result": _H.PATH,
        "timeout": _H.DURATION, "attempt_timeout": _H.DURATION, "retry": (_H.OBJECT, model.RetryPolicy),
        "heartbeat": _H.DURATION,
    },
    model.Task: {
        "name": _H.TEXT, "title": _H.EXPRESSION, "roles": _H.TEXTS, "assignee": _H.EXPRESSION,
        "payload": _H.EXPRESSION, "answer": _H.SCHEMA, "check": (_H.OBJECTS, model.Check), "result": _H.PATH,
        "due": _H.EXPRESSION, "escalate": (_H.OBJECT, model.Escalation), "timeout": _H.DURATION,
        "priority": _H.EXPRESSION,
    },
    model.Decision: {"branches": (_H.OBJECTS, model.Branch), "otherwise": _H.BODY},
    model.Repeat: {"body": _H.BODY, "test": _H.EXPRESSION, "until": _H.EXPRESSION, "max": _H.COUNT},
    model.Each: {
        "items": _H.EXPRESSION, "name": _H.NAME, "body": _H.BODY, "parallel": _H.COUNT, "collect": _H.EXPRESSION,
        "result": _H.PATH,
    },
    model.Fork: {"branches": (_H.OBJECTS, model.ForkBranch), "join": _H.JOIN},
    model.Timer: {"after": _H.EXPRESSION, "at": _H.EXPRESSION},
    model.Signal: {
        "name": _H.TEXT, "match": _H.EXPRESSION, "payload": _H.SCHEMA, "result": _H.PATH, "timeout": _H.DURATION,
    },
    model.Subworkflow: {
        "workflow": _H.TEXT, "version": _H.RANGE, "input": _H.EXPRESSION, "result": _H.PATH, "timeout": _H.DURATION,
    },
    model.ContinueWith: {"workflow": _H.TEXT, "version": _H.RANGE, "input": _H.EXPRESSION},
    model.Try: {"body": _H.BODY, "handlers": (_H.OBJECTS, model.Handler), "compensate": _H.BODY},
    model.Leave: {},
    model.Next: {},
    model.Complete: {"output": _H.EXPRESSION},
    model.Fail: {"code": _H.EXPRESSION, "message": _H.EXPRESSION},
    model.Address: {"service": _H.TEXT, "operation": _H.TEXT},
    model.RetryPolicy: {
        "attempts": _H.COUNT, "backoff": _H.DURATION, "factor": _H.FACTOR, "max": _H.DURATION, "jitter": _H.FRACTION,
        "on": _H.TEXTS,
    },
    model.Check: {"when": _H.EXPRESSION, "message": _H.EXPRESSION},
    model.Escalation: {"after": _H.DURATION, "roles": _H.TEXTS},
    model.Branch: {"when": _H.EXPRESSION, "body": _H.BODY},
    model.ForkBranch: {"label": _H.TEXT, "body": _H.BODY},
    model.Handler: {"catch": _H.TEXTS, "body": _H.BODY, "name": _H.NAME},
    model.Access: {"start": _H.TEXTS, "view": _H.TEXTS, "operate": _H.TEXTS},
    model.StepMeta: {"title": _H.TEXT, "note": _H.TEXT, "labels": _H.LABELS, "layout": _H.FREE},
    model.Meta: {
        "title": _H.TEXT, "description": _H.TEXT, "steps": _H.STEP_META, "source": _H.FREE,
    },
    model.Definition: {
        "name": _H.TEXT, "body": _H.BODY, "version": _H.TEXT, "input": _H.SCHEMA, "output": _H.SCHEMA,
        "access": (_H.OBJECT, model.Access), "meta": (_H.OBJECT, model.Meta),
    },
}  # fmt: skip


def _row(owner: type, field: Field[Any], holds: Holds | tuple[Holds, type]) -> FieldRow:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    kind, of = holds if isinstance(holds, tuple) else (holds, None)
    json = _NAMES.get((owner, field.name), field.name)
    required = default is MISSING
    return FieldRow(field.name, json, kind, required, None if required else default, of)


FIELDS: dict[type, tuple[FieldRow, ...]] = {
    owner: tuple(_row(owner, field, held[field.name]) for field in fields(owner) if field.name in held)
    for owner, held in _HOLDS.items()
}
"""Class of the model → its fields in the order of the model, without ``id``, ``kind`` and ``schema``."""

STEPS: dict[str, type] = {
    str(field.default): owner for owner in FIELDS for field in fields(owner) if field.name == "kind"
}
"""Kind of step → its class."""
