"""Writing workflows in Python: the verbs, ``@workflow``, and loading definitions from files."""

from __future__ import annotations

from . import functions
from .decompiler import DecompileError, decompile
from .difference import Change, Difference, diff
from .errors import AuthoringError, SourceError
from .fragment import fragment
from .function import function
from .load import LoadError, compile_source, load_definition, load_workflows
from .schema import Schema
from .verbs import (
    Check,
    Escalation,
    Failure,
    Retry,
    Timeout,
    branch,
    business_reference,
    call,
    collect,
    compensate,
    continue_with,
    each,
    error,
    fail,
    instance,
    loop,
    now,
    parallel,
    sleep,
    sleep_until,
    step,
    subworkflow,
    task,
    wait_for_signal,
)
from .workflow import Workflow, workflow, workflow_from_document

__all__ = [
    "AuthoringError", "Change", "Check", "DecompileError", "Difference", "Escalation", "Failure", "LoadError",
    "Retry", "Schema", "SourceError", "Timeout", "Workflow", "branch", "business_reference", "call", "collect",
    "compensate", "compile_source", "continue_with", "decompile", "diff", "each", "error", "fail", "fragment",
    "function", "functions", "instance", "load_definition", "load_workflows", "loop", "now", "parallel", "sleep",
    "sleep_until", "step", "subworkflow", "task", "wait_for_signal", "workflow", "workflow_from_document",
]  # fmt: skip
