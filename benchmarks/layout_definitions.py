"""Generated definitions for the drawing benchmarks: every step kind, nested, the same for the same seed.

Two mixes. ``usual`` has the shares of kinds, depths and lengths that were counted in 31 definitions: the ten of the
gallery and the 21 of tests/workbench/authoring/natural (319 steps: 26 % own bodies; 46 % stand at depth 0, 42 % at 1,
10 % at 2, 2 % at 3; a decision has one branch and no otherwise nine times in ten). ``generate`` is for stress: more
ways, depths up to six, loops in loops, many early exits.
"""

from __future__ import annotations

import random

from armillary_engine.definition import model as m

JUMP = 0.15
"""The share of a loop's branches that end in ``leave`` or ``next``."""


def generate(steps: int, seed: int) -> m.Definition:
    """A definition of about ``steps`` steps."""
    return m.Definition("Generated", _Author(random.Random(seed)).body(steps, 0, False))


def usual(steps: int, seed: int) -> m.Definition:
    """A definition of about ``steps`` steps in the usual mix."""
    author = _Usual(random.Random(seed))
    body: m.Body = ()
    while author.count < steps - 1:
        body = (*body, author.step(0, False))
    return m.Definition("Usual", (*body, m.Complete(author.name("complete"))))


class _Author:
    def __init__(self, source: random.Random) -> None:
        self.source = source
        self.count = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count}"

    def body(self, budget: int, depth: int, loop: bool) -> m.Body:
        steps: list[m.Step] = []
        while budget > 0:
            choice = self.source.random()
            if budget < 4 or depth > 5 or choice < 0.55:
                steps.append(self.leaf())
                budget -= 1
                continue
            size = min(budget, self.source.randrange(3, max(4, budget // 2 + 1)))
            budget -= size
            steps.append(self.block(choice, size - 1, depth + 1, loop))
        return tuple(steps)

    def leaf(self) -> m.Step:
        match self.source.randrange(6):
            case 0:
                return m.Set(self.name("set"), {"total": m.Const(1)})
            case 1:
                return m.Task(self.name("task"), "ReviewQuote", roles=("ops",))
            case 2:
                return m.Timer(self.name("timer"), after=m.Const("PT5M"))
            case 3:
                return m.Signal(self.name("signal"), "paid", timeout="P1D" if self.source.random() < 0.5 else None)
        operation = self.source.choice(["quote", "issue-policy", "send"])
        retry = m.RetryPolicy(self.source.choice([1, 3]))
        return m.Call(self.name("call"), m.Address("rating", operation), m.Object({}), retry=retry)

    def block(self, choice: float, size: int, depth: int, loop: bool) -> m.Step:
        if choice < 0.72:
            return self.decision(size, depth, loop)
        if choice < 0.78:
            return m.Repeat(self.name("while"), self.body(size, depth, True), test=m.Get("open"))
        if choice < 0.82:
            return m.Repeat(self.name("until"), self.body(size, depth, True), until=m.Get("closed"))
        if choice < 0.87:
            return m.Each(self.name("each"), m.Get("items"), "item", self.body(size, depth, True))
        if choice < 0.93:
            count = self.source.choice([2, 3])
            bodies = [self.body(max(1, size // count), depth, False) for _ in range(count)]
            return m.Fork(self.name("fork"), tuple(m.ForkBranch(f"b{n}", body) for n, body in enumerate(bodies)))
        codes = self.source.choice([("timeout",), ("timeout", "*"), ("*",)])
        handlers = tuple(m.Handler((code,), self.ending(self.body(1, depth, loop), loop)) for code in codes)
        undo = (self.leaf(),) if self.source.random() < 0.3 else None
        return m.Try(self.name("try"), self.body(max(1, size - 2), depth, loop), handlers, undo)

    def decision(self, size: int, depth: int, loop: bool) -> m.Step:
        count = self.source.choice([1, 1, 2, 3])
        branches = tuple(
            m.Branch(m.Op(">", (m.Get("amount"), m.Const(n))), self.ending(self.body(size // count, depth, loop), loop))
            for n in range(count)
        )
        otherwise = self.body(1, depth, loop) if self.source.random() < 0.4 else None
        return m.Decision(self.name("if"), branches, otherwise)

    def ending(self, body: m.Body, loop: bool) -> m.Body:
        chance = self.source.random()
        if loop and chance < JUMP:
            return (*body, m.Leave(self.name("leave")) if chance < JUMP / 2 else m.Next(self.name("next")))
        if chance > 0.92:
            return (*body, m.Fail(self.name("fail"), m.Const("x"), m.Const("Stopped")))
        return body


class _Usual(_Author):
    """As counted; see the top of this file."""

    def step(self, depth: int, loop: bool) -> m.Step:
        if depth > 3 or self.source.random() >= (0.43, 0.12, 0.09, 0.05)[depth]:
            return self.leaf()
        (kind,) = self.source.choices(("decision", "try", "each", "repeat", "fork"), (37, 14, 14, 9, 8))
        match kind:
            case "decision":
                return self.decision(1, depth + 1, loop)
            case "try":
                return self.attempt(depth + 1, loop)
            case "each":
                return m.Each(self.name("each"), m.Get("items"), "item", self.some((5, 4, 3, 3), depth + 1, True))
            case "fork":
                count = self.source.choices((2, 3), (6, 2))[0]
                bodies = [self.some((16, 2), depth + 1, False) for _ in range(count)]
                return m.Fork(self.name("fork"), tuple(m.ForkBranch(f"branch {n}", b) for n, b in enumerate(bodies)))
        body = self.some((1, 3, 4, 1), depth + 1, True)
        if self.source.random() < 0.5:
            return m.Repeat(self.name("while"), body, test=m.Get("open"))
        return m.Repeat(self.name("until"), body, until=m.Get("closed"))

    def some(self, weights: tuple[int, ...], depth: int, loop: bool) -> m.Body:
        """A body of 1, 2, … steps with those weights."""
        (count,) = self.source.choices(range(1, len(weights) + 1), weights)
        return tuple(self.step(depth, loop) for _ in range(count))

    def leaf(self) -> m.Step:
        kinds = ("call", "set", "task", "timer", "signal", "reference", "subworkflow")
        match self.source.choices(kinds, (78, 49, 33, 13, 7, 5, 2))[0]:
            case "set":
                return m.Set(self.name("set"), {"total": m.Const(1)})
            case "task":
                return m.Task(self.name("task"), "ReviewQuote", roles=("ops",))
            case "timer":
                return m.Timer(self.name("timer"), after=m.Const("PT5M"))
            case "signal":
                return m.Signal(self.name("signal"), "paid", timeout=self.source.choice(("P1D", None)))
            case "reference":
                return m.Reference(self.name("reference"), m.Get("input.policy_id"))
            case "subworkflow":
                return m.Subworkflow(self.name("sub"), "IssuePolicy", m.Object({}))
        retry = m.RetryPolicy(self.source.choice([1, 1, 3]))
        operation = self.source.choice(["quote", "issue-policy", "send"])
        return m.Call(self.name("call"), m.Address("rating", operation), m.Object({}), retry=retry)

    def decision(self, size: int, depth: int, loop: bool) -> m.Step:
        count = self.source.choices((1, 2, 3), (35, 1, 1))[0]
        branches = tuple(
            m.Branch(m.Op(">", (m.Get("amount"), m.Const(n))), self.ending(self.some((30, 11, 2), depth, loop), loop))
            for n in range(count)
        )
        otherwise = self.some((30, 11, 2), depth, loop) if self.source.random() < 0.11 * size else None
        return m.Decision(self.name("if"), branches, otherwise)

    def attempt(self, depth: int, loop: bool) -> m.Step:
        codes = self.source.choices((("timeout",), ("*",), ("timeout", "*")), (5, 5, 2))[0]
        handlers = tuple(m.Handler((code,), self.ending(self.some((4, 1), depth, loop), loop)) for code in codes)
        undo = (self.leaf(),) if self.source.random() < 0.15 else None
        return m.Try(self.name("try"), self.some((10, 5, 2), depth, loop), handlers, undo)

    def ending(self, body: m.Body, loop: bool) -> m.Body:
        chance = self.source.random()
        if loop and chance < JUMP:
            return (*body, m.Leave(self.name("leave")) if chance < 2 * JUMP / 3 else m.Next(self.name("next")))
        return (*body, m.Fail(self.name("fail"), m.Const("x"), m.Const("Stopped"))) if chance > 0.75 else body
