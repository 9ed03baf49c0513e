"""What a node says about its step: title, subtitle, badges and details, by kind and level of detail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from armillary_engine.definition import model as m

from armillary_renderers.diagram.model import Badge
from armillary_renderers.project.words import condition, duration, value, words

Detail = Literal["outline", "normal", "full"]


@dataclass(frozen=True, slots=True)
class Facts:
    """The texts of one node."""

    title: str
    subtitle: str = ""
    badges: tuple[Badge, ...] = ()
    details: tuple[str, ...] = ()


def facts(step: m.Step, meta: m.StepMeta, *, detail: Detail) -> Facts:
    """``outline``: the title; ``normal``: what tells steps of a kind apart; ``full``: all that a reviewer asks for."""
    title = meta.title or _title(step)
    if detail == "outline":
        return Facts(title)
    details = tuple(_details(step)) if detail == "full" else ()
    return Facts(title, _subtitle(step, detail), tuple(_badges(step, detail)), details)


_PLAIN = {
    "reference": "Business reference",
    "leave": "Leave loop",
    "next": "Next turn",
    "complete": "Complete",
    "fork": "In parallel",
    "try": "Try",
}


def _title(step: m.Step) -> str:
    if step.kind in _PLAIN:
        return _PLAIN[step.kind]
    match step:
        case m.Call(to=address):
            return words(address.operation)
        case m.Task(title=m.Const(value=str(title))):
            return title
        case m.Task(name=name) | m.Signal(name=name):
            return words(name)
        case m.Subworkflow(workflow=name) | m.ContinueWith(workflow=name):
            return words(name)
        case m.Set(assign=assign):
            return "Set " + ", ".join(sorted(assign))
        case m.Each(name=name, items=items):
            return f"For each {name} in {value(items)}"
        case m.Fail(code=code):
            return f"Fail: {value(code)}"
    return _asked(step)


def _asked(step: m.Step) -> str:
    """What a step tests or waits for."""
    match step:
        case m.Decision(branches=(only,)):
            return condition(only.when)
        case m.Decision(branches=branches) if (subject := common_subject(branches)) is not None:
            return subject
        case m.Repeat(test=test) if test is not None:
            return condition(test)
        case m.Repeat(until=until) if until is not None:
            return condition(until)
        case m.Timer(after=after) if after is not None:
            return f"Wait {value(after)}"
        case m.Timer(at=at) if at is not None:
            return f"Wait until {value(at)}"
    return words(step.id)


def _subtitle(step: m.Step, detail: Detail) -> str:
    match step:
        case m.Call(to=address):
            return f"{address.service} / {address.operation}"
        case m.Task(roles=roles):
            return ", ".join(roles)
        case m.Set(assign=assign):
            return _assigned(assign, detail)
        case m.Reference(key=key):
            return value(key)
        case m.Each(parallel=parallel):
            return f"{parallel} at a time" if parallel > 1 else ""
        case m.Signal(match=match):
            return "signal" if match is None else f"signal for {value(match)}"
        case m.Subworkflow(version=version):
            return "workflow" if version == "*" else f"workflow {version}"
        case m.ContinueWith(version=version):
            return "continue with" if version == "*" else f"continue with {version}"
        case m.Complete(output=output):
            return _outcome(output, detail)
        case m.Fail(message=message) if detail == "full":
            return value(message)
    return ""


SHORT = 28
"""Characters: what a step assigns is shown at ``normal`` if it is no longer."""


def _assigned(assign: Mapping[str, m.Expression], detail: Detail) -> str:
    if detail == "full":
        return ", ".join(f"{path} = {value(item)}" for path, item in sorted(assign.items()))
    texts = [value(item) for item in assign.values()]
    return texts[0] if len(texts) == 1 and len(texts[0]) <= SHORT else ""


def _outcome(output: m.Expression, detail: Detail) -> str:
    """At ``normal`` the one word that tells an end from the others: the first constant text of the output."""
    if output == m.Const(None):
        return ""
    if detail == "full":
        return value(output)
    members = output.members if isinstance(output, m.Object) else {"": output}
    words_ = [item.value for _, item in sorted(members.items()) if isinstance(item, m.Const)]
    return next((word for word in words_ if isinstance(word, str) and 0 < len(word) <= SHORT), "")


def common_subject(branches: tuple[m.Branch, ...]) -> str | None:
    """The one path that every branch compares with a constant, if it is so: then the labels are the constants."""
    paths = {_compared(branch.when)[0] for branch in branches}
    return paths.pop() if len(paths) == 1 and len(branches) > 1 else None


def case_label(branch: m.Branch) -> str:
    """The constant that a branch of a decision with a common subject stands for."""
    return _compared(branch.when)[1]


def _compared(when: m.Expression) -> tuple[str | None, str]:
    match when:
        case m.Op("==", (m.Get(path), m.Const() as constant)):
            return path, value(constant)
    return None, ""


def _badges(step: m.Step, detail: Detail) -> Iterator[Badge]:
    full = detail == "full"
    match step:
        case m.Call(retry=retry, timeout=timeout, attempt_timeout=attempt):
            if retry.attempts > 1:
                wait = f", {duration(retry.backoff)}" if full else ""
                yield Badge("retry", f"{retry.attempts} attempts{wait}")
            if full or timeout != "PT1H":
                yield Badge("timeout", duration(timeout))
            if full:
                yield Badge("timeout", f"{duration(attempt)} each")
        case m.Task(due=due, escalate=escalate, timeout=timeout):
            if due is not None:
                yield Badge("due", f"due {value(due)}")
            if timeout is not None:
                yield Badge("timeout", duration(timeout))
            if escalate is not None:
                yield Badge("escalation", f"{duration(escalate.after)}: {', '.join(escalate.roles)}")
            if full and step.check:
                yield Badge("check", f"{len(step.check)} checks" if len(step.check) > 1 else "1 check")
        case m.Signal(timeout=timeout) | m.Subworkflow(timeout=timeout) if timeout is not None:
            yield Badge("timeout", duration(timeout))
        case m.Repeat(max=limit) if limit is not None and full:
            yield Badge("retry", f"at most {limit}")


_EMPTY = (m.Const(None), m.Object({}))


def _details(step: m.Step) -> Iterator[str]:
    match step:
        case m.Call(arguments=given) if given not in _EMPTY:
            yield value(given)
        case m.Task(payload=given) if given not in _EMPTY:
            yield value(given)
        case m.Subworkflow(input=given) | m.ContinueWith(input=given) if given not in _EMPTY:
            yield value(given)
    result = getattr(step, "result", None)
    if isinstance(result, str):
        yield f"→ {result}"
