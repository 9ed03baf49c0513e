"""Makes one definition step by step, in a place that knows which names are known and what may stand there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from ...definition.model import (
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
    Expression,
    Fail,
    Fn,
    Fork,
    ForkBranch,
    Format,
    Get,
    Handler,
    Leave,
    ListOf,
    Next,
    Object,
    Op,
    Reference,
    Repeat,
    RetryPolicy,
    Set,
    Signal,
    Step,
    Subworkflow,
    Task,
    Timer,
    Try,
)  # fmt: skip

SERVICES = ("rating", "ledger")
SIGNALS = ("paid", "shipped")
KEYS = ("k1", "k2", "k3")
KINDS = (
    "set", "reference", "call", "task", "decision", "repeat", "each", "fork", "timer", "signal", "subworkflow",
    "continue_with", "try", "leave", "next", "complete", "fail",
)  # fmt: skip
"""Every kind of step."""
INPUT = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"n": {"type": "integer"}, "k": {"type": "string"}, "left": {"type": "integer"}},
    "required": ["n", "k", "left"],
}
_ANSWER = {
    "type": "object", "additionalProperties": True, "properties": {"ok": {"type": "boolean"}}, "required": ["ok"],
}  # fmt: skip
_REPLY = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
_PAYLOAD = {"type": "object", "properties": {"n": {"type": "integer"}}}
_CHECK = (Check(Op("==", (Get("answer.ok"), Const(False))), Const("say yes")),)
DEEPEST = 4
_SHORT = ("PT0.05S", "PT1S", "PT7S", "PT30S", "PT2M")
_LONG = ("PT20S", "PT90S", "PT10M", "PT1H", "P2D")


@dataclass(slots=True)
class Budget:
    """How many steps may still be made, and the last number that was given out."""

    left: int
    serial: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """What may stand here. ``numbers``: paths that surely hold a number. ``ways``: steps with nothing after them."""

    depth: int = 0
    numbers: tuple[str, ...] = ("input.n", "input.left")
    ways: tuple[str, ...] = ("complete", "fail", "continue_with")
    through: bool = False
    """The body must be able to come to its end."""

    def inner(self, **changes: Any) -> _Place:
        return replace(self, depth=self.depth + 1, **changes)


@dataclass(slots=True)
class Maker:
    """Makes one definition, called ``name``, that may run or continue with ``others`` and itself."""

    random: Random
    name: str
    others: Sequence[str]
    budget: Budget
    special: bool = False
    """Whether it calls a function that is not in the core."""

    def definition(self) -> Definition:
        body, numbers, _ = self.body(_Place(), least=3, most=6)
        if self.chance(0.4):
            body += (self.continue_with(_Place(numbers=numbers)),)
        elif self.chance(0.7):
            body += (self.complete(_Place(numbers=numbers)),)
        return Definition(name=self.name, body=body, version="1.0.0", input=INPUT)

    # ── small things ─────────────────────────────────────────────────────────────────────────────────────────────────

    def id(self, kind: str) -> str:
        self.budget.serial += 1
        return f"{kind}-{self.budget.serial}"

    def fresh(self) -> str:
        self.budget.serial += 1
        return f"r{self.budget.serial}"

    def choose(self, items: Sequence[Any]) -> Any:
        return items[int(self.random.random() * len(items))]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def number(self, place: _Place) -> Expression:
        operator = self.choose(("+", "-", "*"))
        right: Expression = Const(int(self.random.random() * 9) + 1)
        if self.special and self.chance(0.2):
            return Fn("twice@1", (Get(self.choose(place.numbers)),))
        return Op(operator, (Get(self.choose(place.numbers)), right)) if self.chance(0.7) else right

    def condition(self, place: _Place) -> Expression:
        operator = self.choose(("<", ">", "==", "!="))
        return Op(operator, (Get(self.choose(place.numbers)), Const(int(self.random.random() * 6))))

    def value(self, place: _Place) -> Expression:
        draw = self.random.random()
        if draw < 0.5:
            return self.number(place)
        if draw < 0.7:
            return Format(("case ", Get(self.choose(place.numbers)), " of ", Get("input.k")))
        if draw < 0.85:
            return Object({"n": self.number(place), "k": Get("input.k")})
        return ListOf((self.number(place), Get("input.k"), Const(None)))

    # ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def body(self, place: _Place, *, least: int = 1, most: int = 3) -> tuple[Body, tuple[str, ...], bool]:
        """Steps, the numbers that are surely known after them, and whether the last one never goes on."""
        steps: list[Step] = []
        numbers = place.numbers
        for _ in range(least + int(self.random.random() * (most - least + 1))):
            made, more = self.step(replace(place, numbers=numbers))
            steps += made
            numbers += more
        if place.depth and not place.through and self.chance(0.12):
            return (*steps, self.way_out(replace(place, numbers=numbers))), numbers, True
        return tuple(steps), numbers, False

    def way_out(self, place: _Place) -> Step:
        """A step with nothing after it."""
        made: Step = getattr(self, self.choose(place.ways))(place)
        return made

    def step(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        """A step with what it needs before it; and the numbers that it makes known."""
        self.budget.left -= 1
        table = _SIMPLE if self.budget.left <= 0 or place.depth >= DEEPEST else _ALL
        kind = self.choose(table)
        made, more = _MAKERS[kind](self, place)
        if kind in _FRAGILE and self.chance(0.6):
            codes = self.choose((("timeout", "failure", "child"), ("*",), ("timeout",)))
            return (Try(self.id("try"), made, (Handler(codes, self.small(place)),)),), ()
        return made, more

    def small(self, place: _Place) -> Body:
        return (Set(self.id("set"), {self.fresh(): self.number(place)}),)

    def maybe_out(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        """A decision that leads out of here for some inputs."""
        id, way = self.id("decision"), self.way_out(place)
        otherwise = self.small(place) if self.chance(0.5) else None
        return (Decision(id, (Branch(self.condition(place), (way,)),), otherwise),), ()

    # ── steps that are over at once ──────────────────────────────────────────────────────────────────────────────────

    def set(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        name = self.fresh()
        if self.chance(0.6):
            return (Set(self.id("set"), {name: self.number(place)}),), (name,)
        whole = Set(self.id("set"), {name: Object({"n": self.number(place)}), self.fresh(): self.value(place)})
        return (whole, Set(self.id("set"), {f"{name}.k": self.value(place)})), (f"{name}.n",)

    def reference(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        key = Format(("R-", Get(self.choose(place.numbers))))
        return (Reference(self.id("reference"), key, {"k": Get("input.k")}),), ()

    def complete(self, place: _Place) -> Step:
        return Complete(self.id("complete"), self.number(place))

    def fail(self, place: _Place) -> Step:
        code = self.choose(("failure.refused", "failure.late", "timeout.own"))
        return Fail(self.id("fail"), Const(code), Format(("refused at ", Get(self.choose(place.numbers)))))

    def leave(self, _place: _Place) -> Step:
        return Leave(self.id("leave"))

    def next(self, _place: _Place) -> Step:
        return Next(self.id("next"))

    def given(self, place: _Place, left: Expression) -> Expression:
        return Object({"n": self.number(place), "k": Get("input.k"), "left": left})

    def continue_with(self, place: _Place) -> Step:
        """With an earlier workflow; or again with this one, as often as the input says."""
        if self.others and self.chance(0.5):
            return ContinueWith(self.id("continue_with"), self.choose(self.others), self.given(place, Const(0)))
        given = self.given(place, Op("-", (Get("input.left"), Const(1))))
        again = ContinueWith(self.id("continue_with"), self.name, given)
        more = Op(">", (Get("input.left"), Const(0)))
        return Decision(self.id("decision"), (Branch(more, (again,)),), (self.complete(place),))

    # ── steps that wait ──────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        result, fits = self.fresh(), self.chance(0.6)
        retry = RetryPolicy(
            attempts=self.choose((1, 2, 3, 4)), backoff=self.choose(("PT0.2S", "PT3S")), factor=2, max="PT1M",
            jitter=self.choose((0, 1)), on=self.choose((("*",), ("failure.busy", "timeout"))),
        )  # fmt: skip
        step = Call(
            self.id("call"), Address(self.choose(SERVICES), self.choose(("quote", "book"))), self.value(place),
            reply=_REPLY if fits else None, result=result, timeout=self.choose(("PT2M", "PT30M")),
            attempt_timeout=self.choose(("PT5S", "PT40S")), retry=retry,
            heartbeat="PT4S" if self.chance(0.25) else None,
        )  # fmt: skip
        return (step,), (f"{result}.n",) if fits else ()

    def task(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        title = Format(("Check ", Get("input.k"))) if self.chance(0.3) else None
        step = Task(
            self.id("task"), "Check", title=title, roles=("ops",), payload=self.value(place), answer=_ANSWER,
            check=_CHECK if self.chance(0.3) else (), result=self.fresh() if self.chance(0.7) else None,
            due=Const("P1D") if self.chance(0.3) else None,
            escalate=Escalation(self.choose(_SHORT), ("chief",)) if self.chance(0.4) else None,
            timeout=self.choose(_LONG) if self.chance(0.3) else None,
        )  # fmt: skip
        return (step,), ()

    def timer(self, _place: _Place) -> tuple[Body, tuple[str, ...]]:
        span = Const(self.choose(_SHORT + _LONG))
        if self.chance(0.4):
            return (Timer(self.id("timer"), at=Fn("date_add", (Get("now"), span))),), ()
        return (Timer(self.id("timer"), after=span),), ()

    def signal(self, _place: _Place) -> tuple[Body, tuple[str, ...]]:
        step = Signal(
            self.id("signal"), self.choose(SIGNALS),
            match=self.choose((None, Const(self.choose(KEYS)), Get("input.k"))),
            payload=_PAYLOAD if self.chance(0.5) else None, result=self.fresh() if self.chance(0.7) else None,
            timeout=self.choose(_LONG) if self.chance(0.4) else None,
        )  # fmt: skip
        return (step,), ()

    def subworkflow(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        if not self.others:
            return self.timer(place)
        step = Subworkflow(
            self.id("subworkflow"), self.choose(self.others), self.given(place, Const(self.choose((0, 0, 1)))),
            result=self.fresh(), timeout=self.choose(_LONG) if self.chance(0.3) else None,
        )  # fmt: skip
        return (step,), ()

    # ── steps that own bodies ────────────────────────────────────────────────────────────────────────────────────────

    def decision(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        id, inner = self.id("decision"), place.inner()
        made = [(self.condition(place), self.body(inner, most=2)) for _ in range(self.choose((1, 1, 2)))]
        branches = tuple(Branch(when, body) for when, (body, _, _) in made)
        otherwise, _, ended = self.body(inner, most=2) if self.chance(0.6) else ((), (), False)
        if ended and all(ends for _, (_, _, ends) in made):
            otherwise = otherwise[:-1]  # or nothing after it could be reached
        return (Decision(id, branches, otherwise or None),), ()

    def repeat(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        """A loop of some turns, counted by a name of its own."""
        id, name, turns = self.id("repeat"), self.fresh(), Const(self.choose((1, 2, 2, 3)))
        first = Set(self.id("set"), {name: Const(0)})
        count = Set(self.id("set"), {name: Op("+", (Get(name), Const(1)))})
        ways = (*place.ways, "leave", "leave", "next", "next")
        inner = place.inner(through=True, ways=ways, numbers=(*place.numbers, name))
        body = (count, *self.turn(inner))
        if self.chance(0.6):
            return (first, Repeat(id, body, until=Op(">=", (Get(name), turns)))), (name,)
        return (first, Repeat(id, body, test=Op("<", (Get(name), turns)), max=10)), (name,)

    def turn(self, inner: _Place) -> Body:
        body, numbers, _ = self.body(inner, most=3)
        return (*body, *self.maybe_out(replace(inner, numbers=numbers))[0]) if self.chance(0.5) else body

    def each(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        id, name, parallel = self.id("each"), self.fresh(), self.choose((1, 1, 2, 3))
        items = ListOf(tuple(Const(number) for number in range(self.choose((0, 2, 2, 3)))))
        ways = tuple(way for way in place.ways if parallel == 1 or way not in ("continue_with", "leave"))
        ways += ("next", "next") if parallel > 1 else ("next", "next", "leave", "leave")
        body = self.turn(place.inner(through=True, ways=ways, numbers=(*place.numbers, name)))
        collect = Op("*", (Get(name), Const(3))) if self.chance(0.5) else None
        result = None if collect is None else self.fresh()
        return (Each(id, items, name, body, parallel=parallel, collect=collect, result=result),), ()

    def fork(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        id, count = self.id("fork"), self.choose((2, 2, 3))
        ways = tuple(way for way in place.ways if way in ("complete", "fail"))
        inner = place.inner(through=True, ways=ways)
        branches = tuple(ForkBranch(f"branch {number}", self.body(inner, most=2)[0]) for number in range(count))
        return (Fork(id, branches, self.choose(("all", "all", "any", 1, 2))),), ()

    def try_(self, place: _Place) -> tuple[Body, tuple[str, ...]]:
        id = self.id("try")
        body, _, _ = self.body(place.inner(through=True))
        handlers = []
        for codes in self.choose(((("*",),), (("timeout",), ("failure",)), (("failure", "child"),), ())):
            handled, _, _ = self.body(place.inner(through=True), most=2)
            handlers.append(Handler(codes, handled, self.choose((None, "problem"))))
        compensate = None
        if not handlers or self.chance(0.5):
            undo = place.inner(through=True, ways=("fail",))
            compensate = self.body(replace(undo, depth=max(undo.depth, DEEPEST - 1)), most=2)[0]
        return (Try(id, body, tuple(handlers), compensate),), ()


_Made = Callable[[Maker, _Place], tuple[Body, tuple[str, ...]]]
_SIMPLE = ("set", "set", "reference", "call", "call", "task", "timer", "signal", "subworkflow", "out")
_ALL = (*_SIMPLE, "decision", "repeat", "repeat", "each", "each", "fork", "fork", "try", "try")
_FRAGILE = frozenset({"call", "task", "signal", "subworkflow"})
_MAKERS: dict[str, _Made] = {
    "set": Maker.set, "reference": Maker.reference, "call": Maker.call, "task": Maker.task, "timer": Maker.timer,
    "signal": Maker.signal, "subworkflow": Maker.subworkflow, "out": Maker.maybe_out, "decision": Maker.decision,
    "repeat": Maker.repeat, "each": Maker.each, "fork": Maker.fork, "try": Maker.try_,
}  # fmt: skip
