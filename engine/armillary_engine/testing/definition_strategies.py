"""Hypothesis strategies for definitions that validate without an error.

Definitions are made step by step in a scope that knows which names are surely assigned, which may be written here, and
whether a loop, a fork or a parallel ``each`` is around, so that nothing has to be filtered out afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from ..definition.fields import STEPS
from ..definition.model import (
    Access,
    Address,
    Body,
    Branch,
    Call,
    Check,
    Complete,
    Const,
    ContinueWith,
    Decision,
    Definition,
    Each,
    Escalation,
    Fail,
    Fn,
    Fork,
    ForkBranch,
    Get,
    Handler,
    Leave,
    Meta,
    Next,
    Op,
    Reference,
    Repeat,
    RetryPolicy,
    Set,
    Signal,
    Step,
    StepMeta,
    Subworkflow,
    Task,
    Timer,
    Try,
)  # fmt: skip
from .definition_parts import BOOLEANS, Budget, Draw, Parts, Scope, below
from .value_strategies import identifiers

KINDS = frozenset(STEPS)
"""Every kind of step."""


def definitions(
    *, kinds: Collection[str] = KINDS, max_steps: int = 25, plain: bool = False
) -> st.SearchStrategy[Definition]:
    """Definitions without an error, of the given kinds (all) and about ``max_steps`` steps at most. ``plain`` keeps
    ids, names and labels to short ASCII words."""
    return st.composite(_definition)(frozenset(kinds), max_steps, plain)


def _definition(draw: Draw, kinds: frozenset[str], max_steps: int, plain: bool) -> Definition:
    unknown = kinds - KINDS
    if unknown:
        raise ValueError(f"expected kinds of steps, got {', '.join(sorted(unknown))}")
    maker = _Maker(draw, plain)
    scope = Scope(Budget(draw(st.integers(1, max_steps)), kinds), {"input": "any", "instance": "any", "now": "text"})
    scope.frozen = frozenset(scope.known)
    body, _ = maker.body(scope, least=1, most=6)
    roles = st.lists(st.sampled_from(["agent", "auditor", "ops"]), max_size=2, unique=True).map(tuple)
    return Definition(
        name=draw(st.sampled_from(["ApproveApplication", "Renew", "Claim2"])) if plain else maker.label(),
        body=body,
        version=draw(st.sampled_from([None, "1.0.0", "2.11.3"])),
        input=draw(st.sampled_from(_SCHEMAS)),
        output=draw(st.one_of(st.none(), st.sampled_from(_SCHEMAS))),
        access=draw(st.builds(Access, roles, roles, roles)) if draw(st.booleans()) else Access(),
        meta=draw(st.builds(Meta, st.one_of(st.none(), maker.words()), st.one_of(st.none(), maker.words()),
                            st.just(scope.budget.meta))),
    )  # fmt: skip


_SCHEMAS: tuple[dict[str, Any], ...] = (
    {},
    {"type": "object"},
    {"type": "object", "additionalProperties": True, "properties": {"amount": {"type": "number", "format": "decimal"}}},
)


class _Maker(Parts):
    """Draws one definition, step by step."""

    # bodies

    def body(self, scope: Scope, least: int = 0, most: int = 4) -> tuple[Body, bool]:
        """Steps, and whether the last of them never goes on."""
        steps: list[Step] = []
        for _ in range(self.between(least, most)):
            possible = [kind for kind in _STEPS if kind not in _LAST and self.fits(scope, kind)]
            if not possible:
                break
            scope.budget.left -= 1
            made, ended = _STEPS[self.choose(possible)](self, scope)
            steps += made
            if ended:
                return tuple(steps), True
        last = [] if scope.goes_on else [kind for kind in _LAST if kind in scope.last and self.fits(scope, kind)]
        if last and (self.draw(below(3)) == 0 or (least and not steps)):
            steps += _STEPS[self.choose(last)](self, scope)[0]
            return tuple(steps), True
        return tuple(steps), False

    def fits(self, scope: Scope, kind: str) -> bool:
        budget = scope.budget
        return kind in budget.kinds and budget.left > 0 and (kind not in _NESTING or scope.depth < 4)

    # steps; each gives the steps and whether nothing goes on after them

    def set(self, scope: Scope) -> tuple[list[Step], bool]:
        kind = self.choose(["number", "text", "boolean", "any"])
        make = {"number": self.number, "text": self.text, "boolean": self.condition, "any": self.expression}[kind]
        value = make(scope)
        return [Set(self.id(scope, "set"), {self.result(scope, kind): value})], False

    def reference(self, scope: Scope) -> tuple[list[Step], bool]:
        parts = {self.draw(identifiers()): self.text(scope) for _ in range(self.between(0, 2))}
        return [Reference(self.id(scope, "reference"), self.text(scope), parts)], False

    def call(self, scope: Scope) -> tuple[list[Step], bool]:
        id_, arguments = self.id(scope, "call"), self.expression(scope)
        step = Call(
            id_, Address(self.choose(["rating", "mail"]), self.choose(["quote", "send"])), arguments,
            reply=self.maybe(lambda: self.choose(_SCHEMAS)), result=self.maybe(lambda: self.result(scope)),
            timeout=self.maybe(self.duration, "PT1H"), attempt_timeout=self.maybe(self.duration, "PT30S"),
            retry=self.maybe(self.retry, RetryPolicy()), heartbeat=self.maybe(self.duration),
        )  # fmt: skip
        return [step], False

    def duration(self) -> str:
        return str(self.choose(("PT1S", "PT30S", "PT2H30M", "P1D", "P14D")))

    def retry(self) -> RetryPolicy:
        return RetryPolicy(
            attempts=self.choose([1, 3]), backoff=self.duration(), factor=self.choose([1, 2, Decimal("1.5")]),
            max=self.duration(), jitter=self.choose([0, Decimal("0.25"), 1]),
            on=self.choose([("*",), ("timeout", "failure.x")]),
        )  # fmt: skip

    def task(self, scope: Scope) -> tuple[list[Step], bool]:
        id_, payload, answering = self.id(scope, "task"), self.expression(scope), dict(scope.known)
        checks = (Check(Op("==", (Get("answer"), self.expression(scope))), self.text(scope)),)
        roles = self.choose([(), ("ops",), ("ops", "underwriter")])
        step = Task(
            id_, self.label(), title=self.maybe(lambda: self.text(scope)), roles=roles,
            assignee=self.maybe(lambda: self.text(scope)), payload=payload,
            answer=self.maybe(lambda: self.choose(_SCHEMAS)), check=self.maybe(lambda: checks, ()),
            due=self.maybe(lambda: Const(self.duration())),
            escalate=self.maybe(lambda: Escalation(self.duration(), ("ops",))),
            timeout=self.maybe(self.duration), priority=self.maybe(lambda: self.number(scope)),
        )  # fmt: skip
        scope.known = answering
        return [replace(step, result=self.maybe(lambda: self.result(scope)))], False

    def decision(self, scope: Scope) -> tuple[list[Step], bool]:
        id_ = self.id(scope, "if")
        branches, ended = [], []
        if self.draw(below(4)) == 0:
            labels = {"0": self.label(), "otherwise": self.label()}
            layout = self.maybe(lambda: {"direction": "down", "order": self.between(0, 3)}, {})
            scope.budget.meta[id_] = StepMeta(labels=labels, layout=layout)
        for _ in range(self.between(1, 3)):
            when = self.condition(scope)
            body, ends = self.body(scope.inner(goes_on=False), most=3)
            branches.append(Branch(when, body))
            ended.append(ends)
        otherwise = None
        if self.draw(BOOLEANS):
            otherwise, ends = self.body(scope.inner(), most=3)
            ended.append(ends)
        return [Decision(id_, tuple(branches), otherwise)], otherwise is not None and all(ended)

    def repeat(self, scope: Scope) -> tuple[list[Step], bool]:
        id_, limit = self.id(scope, "while"), self.maybe(lambda: self.between(1, 5))
        counters = scope.names("number", writable=True)
        before: list[Step] = []
        if not counters and "set" in scope.budget.kinds:
            start = self.number(scope, 0)
            counters = [self.fresh(scope, "turns", "number")]
            before = [Set(self.id(scope, "start"), {counters[0]: start})]
        inner = scope.inner(goes_on=True, last=scope.last | {"leave", "next"})
        if counters and self.draw(BOOLEANS):
            name = self.choose(counters)
            turn = Set(self.id(scope, "count"), {name: Op("+", (Get(name), Const(1)))})
            body, _ = self.body(inner, most=3)
            body += self.turn_off(inner)
            return [*before, Repeat(id_, (turn, *body), test=Op("<", (Get(name), Const(3))), max=limit)], False
        name = self.fresh(inner, "turns", "number")
        turn = Set(self.id(scope, "count"), {name: self.number(scope)})
        body, _ = self.body(inner, most=3)
        body += self.turn_off(inner)
        return [*before, Repeat(id_, (turn, *body), until=Op(">", (Get(name), Const(3))), max=limit)], False

    def turn_off(self, scope: Scope) -> Body:
        """Now and then a way out of the loop or of its turn."""
        ways = [kind for kind in ("leave", "next") if kind in scope.last & scope.budget.kinds]
        if not ways or "decision" not in scope.budget.kinds or self.draw(BOOLEANS):
            return ()
        way, _ = _STEPS[self.choose(ways)](self, scope)
        return (Decision(self.id(scope, "if"), (Branch(self.condition(scope), tuple(way)),)),)

    def each(self, scope: Scope) -> tuple[list[Step], bool]:
        id_, items = self.id(scope, "for"), Fn("range", (Const(self.between(0, 3)),))
        parallel = self.choose([1, 1, 4])
        alone = parallel == 1
        inner = scope.inner(goes_on=True, last=scope.last | {"leave", "next"})
        if not alone:
            inner.last -= {"leave", "continue_with"}
            inner.frozen = frozenset(inner.known)
        scope.budget.serial += 1
        name = f"item_{scope.budget.serial}"
        inner.known[name] = "number"
        inner.frozen |= {name}
        body, _ = self.body(inner, most=3)
        body += self.turn_off(inner)
        collect = self.maybe(lambda: self.number(replace(scope, known={**scope.known, name: "number"})))
        result = self.maybe(lambda: self.result(scope)) if collect is not None else None
        return [Each(id_, items, name, body, parallel=parallel, collect=collect, result=result)], False

    def fork(self, scope: Scope) -> tuple[list[Step], bool]:
        id_, count = self.id(scope, "fork"), self.between(2, 3)
        join = self.choose(["all", "any", *range(1, count + 1)])
        branches, made = [], []
        for index in range(count):
            inner = scope.inner(goes_on=True, last=scope.last & {"complete", "fail"})
            inner.frozen = frozenset(inner.known)
            body, _ = self.body(inner, most=3)
            branches.append(ForkBranch(f"{self.label()} {index}", body))
            made.append({n: k for n, k in inner.known.items() if n not in scope.known})
        if join in ("all", count):
            for names in made:
                scope.known.update(names)
        return [Fork(id_, tuple(branches), join)], False

    def timer(self, scope: Scope) -> tuple[list[Step], bool]:
        id_ = self.id(scope, "sleep")
        if self.draw(BOOLEANS):
            return [Timer(id_, at=Fn("date_add", (Get("now"), Const(self.duration()))))], False
        return [Timer(id_, after=Const(self.duration()))], False

    def signal(self, scope: Scope) -> tuple[list[Step], bool]:
        id_, match = self.id(scope, "signal"), self.maybe(lambda: self.text(scope))
        step = Signal(
            id_, self.label(), match=match, payload=self.maybe(lambda: self.choose(_SCHEMAS)),
            result=self.maybe(lambda: self.result(scope)), timeout=self.maybe(self.duration),
        )  # fmt: skip
        return [step], False

    def subworkflow(self, scope: Scope) -> tuple[list[Step], bool]:
        id_, given = self.id(scope, "child"), self.expression(scope)
        step = Subworkflow(
            id_, self.choose(["IssuePolicy", "Notify"]), given, version=self.choose(["*", "1.x", ">=1.2 <2"]),
            result=self.maybe(lambda: self.result(scope)), timeout=self.maybe(self.duration),
        )  # fmt: skip
        return [step], False

    def try_(self, scope: Scope) -> tuple[list[Step], bool]:
        id_ = self.id(scope, "try")
        ended = []
        body, ends = self.body(scope.inner(), least=0 if scope.goes_on else 1, most=3)
        ended.append(ends)
        handlers = []
        catches = self.choose([[], ["timeout"], ["failure", "*"], ["failure", "failure.rating"]])
        for code in sorted(catches, key=lambda code: (-len(code), code)):
            inner = scope.inner()
            name = self.maybe(lambda: "problem")
            inner.known[name or "error"] = "any"
            inner.frozen |= {name or "error"}
            handled, ends = self.body(inner, most=2)
            handlers.append(Handler((code,), handled, name))
            ended.append(ends)
        compensate = None
        if not ended[0] and self.draw(BOOLEANS):
            undo = scope.inner(goes_on=True, last=scope.last & {"fail"})
            undo.frozen = frozenset(undo.known)
            compensate, _ = self.body(undo, most=2)
        return [Try(id_, body, tuple(handlers), compensate)], all(ended)

    def complete(self, scope: Scope) -> tuple[list[Step], bool]:
        return [Complete(self.id(scope, "complete"), self.maybe(lambda: self.expression(scope), Const(None)))], True

    def fail(self, scope: Scope) -> tuple[list[Step], bool]:
        return [Fail(self.id(scope, "fail"), Const("failure.refused"), self.text(scope))], True

    def continue_with(self, scope: Scope) -> tuple[list[Step], bool]:
        version = self.choose(["2", "*", ">=1.2 <3", "^1"])
        return [ContinueWith(self.id(scope, "continue"), "IssuePolicy", self.expression(scope), version)], True

    def leave(self, scope: Scope) -> tuple[list[Step], bool]:
        return [Leave(self.id(scope, "leave"))], True

    def next(self, scope: Scope) -> tuple[list[Step], bool]:
        return [Next(self.id(scope, "next"))], True


_LAST = ("leave", "next", "complete", "fail", "continue_with")
_NESTING = frozenset({"decision", "repeat", "each", "fork", "try"})
_STEPS: dict[str, Callable[[_Maker, Scope], tuple[list[Step], bool]]] = {
    "set": _Maker.set, "reference": _Maker.reference, "call": _Maker.call, "task": _Maker.task,
    "decision": _Maker.decision, "repeat": _Maker.repeat, "each": _Maker.each, "fork": _Maker.fork,
    "timer": _Maker.timer, "signal": _Maker.signal, "subworkflow": _Maker.subworkflow, "try": _Maker.try_,
    "complete": _Maker.complete, "fail": _Maker.fail, "continue_with": _Maker.continue_with, "leave": _Maker.leave,
    "next": _Maker.next,
}  # fmt: skip
