"""What a person can do at the view of an instance: answer or hand over a task; hold, retry or cancel the instance."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.runtime import Caller, InstanceState, Runtime

from .messages import Act, Reply, RevealedTask, Tree
from .values import answer_of, to_node

_log = logging.getLogger(__name__)
_SOMEBODY = Caller()

_DEEDS: dict[str, Callable[[Runtime, str, dict[str, Any]], object]] = {
    "complete": lambda runtime, task, told: runtime.complete_task(task, answer_of(told["answer"])),
    "reassign": lambda runtime, task, told: runtime.reassign_task(task, told["to"], caller=_SOMEBODY),
    "release": lambda runtime, task, told: runtime.release_task(task, caller=_SOMEBODY),
    "cancel": lambda runtime, id, told: runtime.cancel(id, compensate=told["compensate"], reason=told["reason"]),
    "suspend": lambda runtime, id, told: runtime.suspend(id, reason=told["reason"]),
    "resume": lambda runtime, id, told: runtime.resume(id),
    "retry": lambda runtime, id, told: runtime.retry(id),
}


def deed(
    runtime: Runtime, instance: str, content: Act, tree_of: Callable[[InstanceState], Tree]
) -> tuple[str, Callable[[], dict[str, Any]]]:
    """What a page asks for: in words, and what does it and gives what the reply is to tell."""
    verb, task, told = content["verb"], content.get("task"), content["arguments"]
    about = instance if task is None else task

    def do() -> dict[str, Any]:
        if verb == "reveal":
            return {"values": _revealed(runtime, instance, task, tree_of)}
        _DEEDS[verb](runtime, about, told)
        return {}

    return f"{verb} {about}", do


def done(request: str, words: str, do: Callable[[], dict[str, Any]]) -> Reply:
    """Does it, and says how it went. Never raises: the person at the view has to hear of it."""
    try:
        return cast("Reply", {**_reply(request, None), **do()})
    except ArmillaryError as error:
        return _reply(request, error)
    except Exception as error:  # noqa: BLE001  whatever it is
        _log.exception("%s failed", words)
        unexpected = ArmillaryError(
            "view.not-done", f"expected to {words}, got an error: {error}", hint="the kernel's log has the details"
        )
        return _reply(request, unexpected)


def _revealed(
    runtime: Runtime, instance: str, task: str | None, tree_of: Callable[[InstanceState], Tree]
) -> RevealedTask | Tree:
    """With what schemas mark as sensitive, if this person may see it. Raises ``access.denied``."""
    if task is None:
        return tree_of(runtime.instance_state(instance, reveal=True, caller=_SOMEBODY))
    view = runtime.task(task, reveal=True, caller=_SOMEBODY)
    return {"title": view.title, "payload": to_node(view.payload)}


def _reply(request: str, error: ArmillaryError | None) -> Reply:
    return {
        "kind": "reply",
        "request": request,
        "ok": error is None,
        "code": error.code if error else "",
        "message": error.message if error else "",
        "hint": error.hint if error else "",
        "problems": [{"pointer": problem.pointer, "message": problem.message} for problem in error.problems]
        if error
        else [],
    }
