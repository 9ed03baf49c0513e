"""Workflows from a seed, of every kind and nesting, that mostly go on: waits everywhere, failures now and then."""

from __future__ import annotations

from random import Random
from typing import Any

from armillary_engine.definition.model import (
    Address,
    Branch,
    Call,
    Complete,
    ContinueWith,
    Decision,
    Definition,
    Each,
    Escalation,
    Fail,
    Fork,
    ForkBranch,
    Handler,
    Leave,
    Next,
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
)

from .world import const, e, workflow

CODES = ("bad", "bad.worse", "timeout", "failure.x")
CATCHES = (("*",), ("*",), ("timeout",), ("bad", "timeout"), ("failure",), ("timeout.call", "bad.worse"), ("child",))


class Maker:
    """Draws one workflow. ``n`` is a counter that nearly every expression reads."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.ids = 0
        self.left = self.random.randint(10, 60)
        self.caught = 0

    def definition(self, name: str = "W") -> Definition:
        start = Set("start", {"n": e("0"), "log": e("[]")})
        return workflow(start, *self.body(0, loop=False, last=True), name=name)

    def id(self, kind: str) -> str:
        self.ids += 1
        return f"{kind}{self.ids}"

    def maybe(self, value: Any, otherwise: Any = None, chance: float = 0.4) -> Any:
        return value if self.random.random() < chance else otherwise

    def body(self, depth: int, *, loop: bool, last: bool = False) -> tuple[Step, ...]:
        steps: list[Step] = []
        for _ in range(self.random.randint(0 if depth else 2, 4)):
            if self.left <= 0:
                break
            self.left -= 1
            steps.append(self.step(depth, loop))
        if loop and self.random.random() < 0.3:
            steps.append(
                Decision(
                    self.id("if"), (Branch(e("n % 3 == 0"), (self.random.choice([Leave, Next])(self.id("out")),)),)
                )
            )
        if last and self.random.random() < 0.3:
            steps.append(Complete(self.id("complete"), e("{'n': n, 'log': log}")))
        return tuple(steps)

    def step(self, depth: int, loop: bool) -> Step:
        simple = [
            self.set,
            self.set,
            self.task,
            self.call,
            self.timer,
            self.signal,
            self.subworkflow,
            self.fail,
            self.rare,
        ]
        nesting = [self.decision, self.repeat, self.each, self.fork, self.attempt, self.attempt]
        make = self.random.choice(simple if depth >= 4 or self.random.random() < 0.5 else nesting)
        return make(depth, loop)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def set(self, depth: int, loop: bool) -> Step:
        return Set(self.id("set"), {"n": e("n + 1"), "log": e("log[0:3] + [n]")})

    def rare(self, depth: int, loop: bool) -> Step:
        kind = self.random.randint(0, 5)
        if kind == 0:
            return Complete(self.id("complete"), e("n"))
        if kind == 1 and depth == 0:
            return ContinueWith(self.id("continue"), self.random.choice(["Ask", "Nowhere"]), e("n"))
        return Reference(self.id("reference"), e("f'R-{n}'"), {"n": e("n")})

    def task(self, depth: int, loop: bool) -> Step:
        escalate = self.maybe(Escalation("PT1H", ("boss",)))
        return Task(
            self.id("task"),
            "T",
            payload=e("n"),
            result=self.maybe("answer"),
            timeout=self.maybe("P1D"),
            escalate=escalate,
        )

    def call(self, depth: int, loop: bool) -> Step:
        retry = RetryPolicy(
            self.random.randint(1, 3), "PT10S", on=self.random.choice([("*",), ("timeout",), ("failure.x",)])
        )
        return Call(self.id("call"), Address("s", "o"), e("n"), result=self.maybe("n", "reply", 0.1), retry=retry,
                    timeout=self.random.choice(["PT15S", "PT1H"]))  # fmt: skip

    def timer(self, depth: int, loop: bool) -> Step:
        return Timer(self.id("timer"), after=e(self.random.choice(["'PT1S'", "'PT1H'", "'P2D'"])))

    def signal(self, depth: int, loop: bool) -> Step:
        return Signal(
            self.id("signal"), "s", match=self.maybe(e("n")), result=self.maybe("got"), timeout=self.maybe("P1D")
        )

    def subworkflow(self, depth: int, loop: bool) -> Step:
        name = self.random.choice(
            ["Ask", "Chain", "Ask", "Chain", "Fails", "Nowhere"] if self.caught else ["Ask", "Ask", "Chain", "Fails"]
        )
        return Subworkflow(self.id("sub"), name, e("n"), result=self.maybe("child"), timeout=self.maybe("P1D"))

    def fail(self, depth: int, loop: bool) -> Step:
        if not self.caught and self.random.random() < 0.8:
            return self.task(depth, loop)
        failing = Fail(self.id("fail"), const(self.random.choice(CODES)), e("f'at {n}'"))
        return Decision(self.id("if"), (Branch(e("n % 2 == 1"), (failing,)),))

    def decision(self, depth: int, loop: bool) -> Step:
        branches = tuple(Branch(e(f"n % 3 == {index}"), self.body(depth + 1, loop=loop)) for index in range(2))
        return Decision(self.id("if"), branches, self.maybe(self.body(depth + 1, loop=loop)))

    def repeat(self, depth: int, loop: bool) -> Step:
        turn = Set(self.id("turn"), {"n": e("n + 1")})
        body = (turn, *self.body(depth + 1, loop=True))
        if self.random.random() < 0.5:
            return Repeat(self.id("while"), body, test=e("n % 4 != 3"), max=self.random.choice([2, 9, 30]))
        return Repeat(self.id("until"), body, until=e("n % 4 == 3"), max=self.random.choice([2, 9, 30]))

    def each(self, depth: int, loop: bool) -> Step:
        collect = self.maybe(e("[x, n]"), chance=0.7)
        return Each(self.id("each"), e(f"range({self.random.randint(0, 4)})"), "x", self.body(depth + 1, loop=True),
                    parallel=self.random.choice([1, 1, 2, 5]), collect=collect,
                    result=self.maybe("log") if collect else None)  # fmt: skip

    def fork(self, depth: int, loop: bool) -> Step:
        count = self.random.randint(1, 3)
        branches = tuple(ForkBranch(f"b{index}", self.body(depth + 1, loop=False)) for index in range(count))
        return Fork(self.id("fork"), branches, self.random.choice(["all", "all", "any", self.random.randint(1, count)]))

    def attempt(self, depth: int, loop: bool) -> Step:
        handlers = tuple(
            Handler(self.random.choice(CATCHES), self.body(depth + 1, loop=loop), self.maybe("problem"))
            for _ in range(self.random.choice([0, 1, 1, 2]))
        )
        self.caught += bool(handlers)
        body = self.body(depth + 1, loop=loop)
        self.caught -= bool(handlers)
        undo = self.maybe(
            (*self.body(depth + 2, loop=False), Call(self.id("undo"), Address("s", "undo"), e("n"))), chance=0.6
        )
        return Try(self.id("try"), body, handlers, undo)


def children() -> list[Definition]:
    """What generated workflows start."""
    return [
        workflow(Task("ask", "Ask", result="a"), Complete("z", e("1")), name="Ask"),
        workflow(ContinueWith("on", "Ask", e("input")), name="Chain"),
        workflow(Try("t", (), (), (Call("undo", Address("s", "undo"), e("input")),)), Task("first", "T"),
                 Fail("f", e("'rejected'"), e("'no'")), name="Fails"),
    ]  # fmt: skip
