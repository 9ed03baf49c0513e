"""Armillary: durable workflows, written as plain Python, run by an engine, drawn with their live state.

``import armillary as arm`` is all that a notebook needs. Names are loaded when they are first used, so that importing
the package costs little and the command line starts fast.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from armillary_engine.definition.problems import ArmillaryError, DefinitionError, Problem
    from armillary_engine.runtime import Request

    from . import functions, testing
    from .authoring import (
        AuthoringError,
        Check,
        Escalation,
        Failure,
        Retry,
        Schema,
        Timeout,
        Workflow,
        branch,
        business_reference,
        call,
        collect,
        compensate,
        continue_with,
        decompile,
        diff,
        each,
        error,
        fail,
        fragment,
        function,
        instance,
        load_definition,
        loop,
        now,
        parallel,
        sleep,
        sleep_until,
        step,
        subworkflow,
        task,
        wait_for_signal,
        workflow,
    )
    from .definitions import validate
    from .display import render
    from .handles import Instance, Task
    from .recording import Recording, replay
    from .workbench import Workbench

__version__ = "0.1.0"

__all__ = [
    "ArmillaryError",
    "AuthoringError",
    "Check",
    "DefinitionError",
    "Escalation",
    "Failure",
    "Instance",
    "Problem",
    "Recording",
    "Request",
    "Retry",
    "Schema",
    "Task",
    "Timeout",
    "Workbench",
    "Workflow",
    "branch",
    "business_reference",
    "call",
    "collect",
    "compensate",
    "continue_with",
    "decompile",
    "diff",
    "each",
    "error",
    "fail",
    "fragment",
    "function",
    "functions",
    "instance",
    "load_definition",
    "loop",
    "now",
    "parallel",
    "render",
    "replay",
    "sleep",
    "sleep_until",
    "step",
    "subworkflow",
    "task",
    "testing",
    "validate",
    "wait_for_signal",
    "workflow",
]

_HOME = {
    "ArmillaryError": "armillary_engine.definition.problems",
    "DefinitionError": "armillary_engine.definition.problems",
    "Instance": "armillary.handles",
    "functions": "armillary.functions",
    "Problem": "armillary_engine.definition.problems",
    "Recording": "armillary.recording",
    "Request": "armillary_engine.runtime",
    "Task": "armillary.handles",
    "Workbench": "armillary.workbench",
    "render": "armillary.display",
    "replay": "armillary.recording",
    "testing": "armillary.testing",
    "validate": "armillary.definitions",
}
"""Where a name comes from; all others are words of the language."""

if not TYPE_CHECKING:  # so that a type checker finds a misspelt name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            from difflib import get_close_matches

            close = get_close_matches(name, __all__, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise AttributeError(f"module 'armillary' has no attribute {name!r}{hint}", name=name, obj=None)
        home = import_module(_HOME.get(name, "armillary.authoring"))
        value = home if name in ("functions", "testing") else getattr(home, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


if "IPython" in sys.modules:
    from .display import teach_ipython

    teach_ipython()
