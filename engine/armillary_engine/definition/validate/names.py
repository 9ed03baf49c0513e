"""Which root names are surely assigned where, and which steps are reached; exact on the structured form.

A name is never taken back, so one pass is enough: what holds at the entry of a loop holds at each of its turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..expressions import roots_of
from ..model import (
    Body,
    Call,
    Complete,
    Const,
    ContinueWith,
    Decision,
    Definition,
    Each,
    Expression,
    Fail,
    Fork,
    Leave,
    Next,
    Reference,
    Repeat,
    Set,
    Signal,
    Step,
    Subworkflow,
    Task,
    Timer,
    Try,
)  # fmt: skip
from ..problems import Problem, Severity
from ..suggest import did_you_mean
from .known import Around, Gain, Known, Loop, Names, Ways, met
from .walk import ROOTS, EffectsOf, expressions, root, targets


class Flow:
    """Walks the ways through a definition and notes ``problems``."""

    def __init__(self, definition: Definition, effects: EffectsOf) -> None:
        self.definition = definition
        self.effects = effects
        self.problems: list[Problem] = []
        self.assigned = frozenset(effects.body(definition.body).writes)

    def run(self) -> list[Problem]:
        """All problems of names and ways."""
        self.body(self.definition.body, "/body", Known(), Around())
        return self.problems

    def report(
        self, code: str, message: str, step: Step, pointer: str, hint: str = "", severity: Severity = "error"
    ) -> None:
        """Takes note of a problem."""
        self.problems.append(Problem(code, message, severity, step.id, pointer, hint))

    def body(self, body: Body, pointer: str, known: Known, around: Around) -> bool:
        """Whether a body may go on at its end; ``known`` gains what it assigns."""
        for index, step in enumerate(body):
            if not self.step(step, f"{pointer}/{index}", known, around):
                if index + 1 < len(body):
                    self.unreachable(body[index + 1], f"{pointer}/{index + 1}", step)
                return False
        return True

    def unreachable(self, step: Step, pointer: str, before: Step) -> None:
        """Reports the first step that no way reaches."""
        message = f"expected a step that is reached, got {step.id!r} after {before.id!r}, which never goes on"
        self.report("flow.unreachable", message, step, pointer, "remove it, or what is before it", "warning")

    def step(self, step: Step, pointer: str, known: Known, around: Around) -> bool:
        """Whether the way goes on after a step."""
        match step:
            case Decision():
                return self.decision(step, pointer, known, around)
            case Repeat():
                return self.repeat(step, pointer, known, around)
            case Each():
                return self.each(step, pointer, known, around)
            case Fork():
                return self.fork(step, pointer, known, around)
            case Try():
                return self.try_(step, pointer, known, around)
            case Leave() | Next():
                if around.loop is not None:
                    ways = around.loop.leaves if isinstance(step, Leave) else around.loop.nexts
                    ways.append(known.since(around.loop.base))
                return False
            case Set() | Reference() | Call() | Task() | Timer() | Signal() | Subworkflow():
                self.own(step, pointer, known, around)
                return True
            case Complete() | Fail() | ContinueWith():
                self.own(step, pointer, known, around)
                return False

    # reading and writing

    def own(self, step: Step, pointer: str, known: Known, around: Around) -> None:
        """The reads and writes of a step without bodies."""
        seen: set[str] = set()
        for attribute, below, expression in expressions(step):
            in_check = isinstance(step, Task) and attribute in ("when", "message")
            extra = frozenset({"answer"} if in_check else ())
            self.read(expression, step, f"{pointer}/{below}", known, seen | extra)
            seen |= roots_of(expression) - extra
        self.assign(step, pointer, known, around)

    def read(self, expression: Expression, step: Step, pointer: str, known: Known, given: Iterable[str] = ()) -> None:
        """Reports each name that may not be assigned here; ``given`` are left out."""
        for name in sorted(roots_of(expression).difference(given)):
            self.name(name, step, pointer, known)

    def name(self, name: str, step: Step, pointer: str, known: Known) -> None:
        """Reports a name that may not be assigned here."""
        if known.has(name) or name in ("input", "instance", "now"):
            return
        if name == "error":
            message, hint = "expected `error` inside a handler, got it outside", "read it in the body of an `except`"
        elif name in self.assigned:
            writer = self.effects.body(self.definition.body).writes[name]
            message = f"expected {name!r} to be assigned on every way to here, got a way on which it is not"
            hint = f"it is assigned in {writer!r}; assign it before the ways part, or on each of them"
        else:
            known_names = {*self.assigned, "input", "instance", "now"}
            message = f"expected a name that a step assigns, got {name!r}"
            hint = did_you_mean(name, known_names) or f"the names are {', '.join(sorted(known_names)[:10])}"
        self.report("name.unassigned", message, step, pointer, hint)

    def assign(self, step: Step, pointer: str, known: Known, around: Around) -> None:
        """Checks what a step assigns, and makes it known."""
        for path, below in targets(step):
            name, where = root(path), f"{pointer}/{below}"
            if "." in path:
                self.name(name, step, where, known)
            if name in ROOTS:
                message = f"expected a name of your own, got {name!r}, which the engine gives"
                self.report("name.reserved", message, step, where, "assign to another name")
            elif name in around.local:
                message = f"expected another name, got {name!r}, which the loop or handler around gives"
                self.report("name.local", message, step, where, "assign to another name")
            elif around.outer is not None and around.outer.may_have(name):
                message = f"expected a name of the turn's own in a parallel each, got {name!r} from outside"
                self.report("parallel.outer-write", message, step, where, "use collect= and result=, or parallel=1")
        for path, _ in targets(step):
            known.add(Gain(frozenset({root(path)}), frozenset({root(path)})))

    def given(self, name: str, step: Step, pointer: str, known: Known) -> None:
        """Checks a name that a loop or a handler gives."""
        if name in ROOTS and not (name == "error" and isinstance(step, Try)):
            message = f"expected a name of your own, got {name!r}, which the engine gives"
            self.report("name.reserved", message, step, pointer, "choose another name")
        elif known.may_have(name):
            message = f"expected a new name, got {name!r}, which is assigned outside and hidden inside"
            self.report("name.shadowed", message, step, pointer, "choose another name", "warning")

    # steps with bodies

    def decision(self, step: Decision, pointer: str, known: Known, around: Around) -> bool:
        """The first true branch."""
        ways: Ways = []
        for index, branch in enumerate(step.branches):
            self.read(branch.when, step, f"{pointer}/branches/{index}/when", known)
            self.way(branch.body, f"{pointer}/branches/{index}/body", known, around, ways)
        if step.otherwise is None:
            ways.append(Gain())
        else:
            self.way(step.otherwise, f"{pointer}/otherwise", known, around, ways)
        return self.go_on(known, met(ways))

    def way(
        self, body: Body, pointer: str, known: Known, around: Around, ways: Ways, given: Names = frozenset(),
        maybe: Iterable[str] = (),
    ) -> bool:  # fmt: skip
        """Follows a body; when it goes on, ``ways`` gains what it adds. ``given`` are names that only it sees."""
        inner = Known(known, maybe=maybe, given=given)
        goes_on = self.body(body, pointer, inner, around)
        if goes_on:
            ways.append(inner.since(known))
        return goes_on

    def go_on(self, known: Known, gain: Gain | None) -> bool:
        """Adds what was gained on all ways, if there is one."""
        if gain is None:
            return False
        known.add(gain)
        return True

    def repeat(self, step: Repeat, pointer: str, known: Known, around: Around) -> bool:
        """A loop, tested before or after each turn."""
        written = frozenset(self.effects.body(step.body).writes)
        base = Known(known, (), written)
        loop = Loop(base)
        inner = Known(base)
        if step.test is not None:
            self.read(step.test, step, f"{pointer}/while", known)
        goes_on = self.body(step.body, f"{pointer}/body", inner, replace(around, loop=loop))
        turned = met([*loop.nexts, *([inner.since(base)] if goes_on else [])])
        ways = [Gain(way.sure, written) for way in loop.leaves]
        if step.until is not None and turned is not None:
            self.read(step.until, step, f"{pointer}/until", Known(known, turned.sure))
            if step.until != Const(False):
                ways.append(Gain(turned.sure, written))
        elif step.test is not None and step.test != Const(True):
            ways.append(Gain(frozenset(), written))
        return self.go_on(known, met(ways))

    def each(self, step: Each, pointer: str, known: Known, around: Around) -> bool:
        """A loop over items; those of a parallel one keep what they assign to themselves."""
        self.read(step.items, step, f"{pointer}/items", known)
        self.given(step.name, step, f"{pointer}/as", known)
        written = frozenset(self.effects.body(step.body).writes)
        parallel = step.parallel > 1
        base = Known(known, maybe=() if parallel else written, given=frozenset({step.name}))
        loop, inner = Loop(base), Known(base)
        inside = Around(loop, around.local | {step.name}, known if parallel else around.outer)
        goes_on = self.body(step.body, f"{pointer}/body", inner, inside)
        if step.collect is not None and goes_on:  # a turn that `next` ends collects nothing
            self.read(step.collect, step, f"{pointer}/collect", inner)
        if not parallel:
            known.add(Gain(frozenset(), written))
        self.assign(step, pointer, known, around)
        return True

    def fork(self, step: Fork, pointer: str, known: Known, around: Around) -> bool:
        """Parallel branches; after a join of all of them, what each assigns is assigned."""
        ways: Ways = []
        for index, branch in enumerate(step.branches):
            inside = replace(around, loop=None)
            self.way(branch.body, f"{pointer}/branches/{index}/body", known, inside, ways)
        count = len(step.branches)
        needed = count if step.join == "all" else 1 if step.join == "any" else min(int(step.join), count)
        written = frozenset(name for branch in step.branches for name in self.effects.body(branch.body).writes)
        if len(ways) < needed:
            return False
        sure = frozenset().union(*(way.sure for way in ways)) if needed == count else frozenset()
        known.add(Gain(sure, written))
        return True

    def try_(self, step: Try, pointer: str, known: Known, around: Around) -> bool:
        """A body with handlers, each entered with what was assigned before the body, and with what else may be."""
        ways: Ways = []
        written = self.effects.body(step.body).writes
        ended = self.way(step.body, f"{pointer}/body", known, around, ways)
        if step.compensate is not None:
            self.compensation(step, pointer, known, ways[0] if ended else None)
        for index, handler in enumerate(step.handlers):
            where = f"{pointer}/handlers/{index}"
            given = frozenset({"error", handler.name or "error"})
            if handler.name:
                self.given(handler.name, step, f"{where}/as", known)
            inside = replace(around, local=around.local | given)
            self.way(handler.body, f"{where}/body", known, inside, ways, given, written)
        return self.go_on(known, met(ways))

    def compensation(self, step: Try, pointer: str, known: Known, ended: Gain | None) -> None:
        """Runs later, with what was assigned when the body ended."""
        assert step.compensate is not None
        if ended is None and step.compensate:
            message = f"expected a compensation that is registered, got one after {step.id!r}, whose body never ends"
            hint = "let the body end normally, or remove the compensation"
            self.report("flow.unreachable", message, step.compensate[0], f"{pointer}/compensate/0", hint, "warning")
            return
        then = Known(known, ended.sure if ended else (), ended.maybe if ended else ())
        self.body(step.compensate, f"{pointer}/compensate", then, Around())
