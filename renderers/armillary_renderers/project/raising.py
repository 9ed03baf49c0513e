"""Which failures a step may raise, and which handlers catch them: what failure edges are drawn from."""

from __future__ import annotations

from armillary_engine.definition import model as m
from armillary_engine.definition.failure_codes import catches


def raised(step: m.Step) -> tuple[str, ...]:
    """Codes that a step itself may raise, beside the ``expression.*`` that any step may."""
    match step:
        case m.Call():
            return ("timeout", "failure")
        case m.Subworkflow(timeout=timeout):
            return ("timeout", "failure") if timeout else ("failure",)
        case m.Task(timeout=timeout) | m.Signal(timeout=timeout):
            return ("timeout",) if timeout else ()
        case m.Fail(code=code):
            return (code.value,) if isinstance(code, m.Const) and isinstance(code.value, str) else ("failure",)
    return ()


def raises_inside(step: m.Step) -> bool:
    """True where a step that owns bodies holds one that may raise."""
    match step:
        case m.Decision(branches=branches, otherwise=otherwise):
            return any(_any(branch.body) for branch in branches) or _any(otherwise or ())
        case m.Fork(branches=ways):
            return any(_any(way.body) for way in ways)
        case m.Repeat(body=body) | m.Each(body=body):
            return _any(body)
        case m.Try(body=body, handlers=handlers):
            return _any(body) or any(_any(handler.body) for handler in handlers)
    return False


def _any(body: m.Body) -> bool:
    return any(raised(step) or raises_inside(step) for step in body)


def caught(code: str, catch: tuple[str, ...]) -> bool:
    """True where a handler for ``catch`` may catch ``code`` or a code below it."""
    return catches(catch, code) or any(catches((code,), pattern) for pattern in catch)


def catch_label(handler: m.Handler) -> str:
    """What a handler catches, in words."""
    return ", ".join("any failure" if code == "*" else code for code in handler.catch)


def sources(step: m.Try) -> tuple[str, ...]:
    """The steps that a failure edge leaves from: those directly in the body, unless something deeper may fail too.

    An edge from each call in each branch would make pictures that no layout can draw without crossings (three branches
    with a call each, their gateway, their join and the handler are K3,3); so then the frame of the try stands for all.
    """
    if any(raises_inside(item) for item in step.body):
        return ()
    return tuple(item.id for item in step.body if _reaches(item, step.handlers))


def _reaches(item: m.Step, handlers: tuple[m.Handler, ...]) -> bool:
    return any(caught(code, handler.catch) for code in raised(item) for handler in handlers)
