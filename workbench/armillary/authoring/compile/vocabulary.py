"""The words of the language, known by object."""

from __future__ import annotations

import ast

from .. import verbs
from .context import Context
from .names import MISSING

WAITING = ("call", "task", "wait_for_signal", "subworkflow", "sleep", "sleep_until")
STATEMENTS = ("business_reference", "continue_with", "fail", "step")
BLOCKS = ("parallel", "branch", "compensate", "loop", "each", "collect")
OPTIONS = ("Retry", "Check", "Escalation")
VERBS: dict[int, str] = {id(getattr(verbs, name)): name for name in (*WAITING, *STATEMENTS, *BLOCKS, *OPTIONS)}
PLACES = {
    "step": "alone on the line before a statement",
    "parallel": "as `with parallel():`",
    "branch": 'as `with branch("label"):` inside `with parallel():`',
    "compensate": "as `with compensate():` after what it undoes",
    "loop": "as `while loop(condition, max=10):`",
    "each": "as `for item in each(items):`",
    "collect": "as `prices = collect(price)`, the last statement of a `for`",
    "Retry": "as `retry=Retry(…)` in a call",
    "Check": "as `check=[Check(…)]` in a task",
    "Escalation": "as `escalate=Escalation(…)` in a task",
}


def is_verb(value: object) -> bool:
    """Whether a value is a word of the language."""
    return id(value) in VERBS


def verb_of(context: Context, node: ast.expr) -> str | None:
    """The verb that a call is of, by object."""
    if not isinstance(node, ast.Call):
        return None
    value = context.names.resolve(node.func)
    return None if value is MISSING else VERBS.get(id(value))
