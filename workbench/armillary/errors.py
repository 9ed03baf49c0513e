"""Errors of the workbench, and how a notebook shows the whole family: their text, without a stack of ours."""

from __future__ import annotations

from armillary_engine.definition.problems import ArmillaryError, DefinitionError, Problem, Span
from armillary_engine.runtime import InstanceView

from .words import standing

__all__ = ["ArmillaryError", "DefinitionError", "Problem", "Span", "WaitTimeoutError"]


class WaitTimeoutError(ArmillaryError, TimeoutError):
    """An instance was not where it was waited for in time; ``instance`` is where it stood."""

    def __init__(self, view: InstanceView, until: str, seconds: float) -> None:
        wanted = "to rest" if until == "resting" else "to end"
        message = f"expected instance {view.id} {wanted} within {seconds:g} s, got one that is {standing(view)}"
        super().__init__("wait.timeout", message, hint=_advice(view, until))
        self.instance = view


def _advice(view: InstanceView, until: str) -> str:
    if view.blocked:
        return "register what it waits for (bench.service(name, handler)) and wait again"
    if view.status == "suspended":
        return "resume it: instance.resume()"
    if until == "ended" and view.resting:
        return "it waits for somebody or something outside: see instance.tasks"
    return "wait longer, or look at instance.history"
