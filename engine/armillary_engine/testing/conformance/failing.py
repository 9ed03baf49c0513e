"""Every method of a store fails, before or after it has done its work, or the worker dies with it: nothing is lost.

The proxies are generated: whatever a runtime calls on its store may fail, by its name and how often it was called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, cast

from ...backend import Backend, Begun
from ...definition.model import (
    Address,
    Call,
    Complete,
    Definition,
    Expression,
    Get,
    Object,
    Signal,
    Subworkflow,
    Task,
)
from ...definition.problems import ArmillaryError
from ...interpreter.triggers import token
from ...local import LocalRuntime
from ...rows import CallRow
from ...runtime import Request
from ...worker.calls import CallPool, key_of
from ...worker.loop import Loop
from .harness import Bench, case

Moment = Literal["before", "after", "death"]
OFTEN = 2
"""So many calls of each method fail, each in a run of its own."""
UNHARMED = frozenset({"close", "open_wake", "announce", "announced", "dead_owners"})
"""What is called when a store is opened and closed."""
TURNS = 300


class Death(BaseException):
    """The worker died with what it had in hand."""


class Failing:
    """A store, or a part of it, whose ``nth`` call of ``method`` fails at a moment; ``calls`` counts them all."""

    def __init__(self, inner: Any, calls: Counter[str], method: str = "", nth: int = 0, moment: Moment = "before"):
        self._inner, self._calls = inner, calls
        self._fails = (method, nth)
        self._moment: Moment = moment

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name in ("upkeep", "retention"):
            method, nth = self._fails
            return Failing(value, self._calls, method, nth, self._moment)
        return self._guarded(name, value) if callable(value) and name not in UNHARMED else value

    def _guarded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*parts: Any, **named: Any) -> Any:
            self._calls[name] += 1
            fails = (name, self._calls[name]) == self._fails
            if fails and self._moment == "before":
                raise ArmillaryError("store.unavailable", f"expected {name} to be done, got a fault before it")
            done = method(*parts, **named)
            if name == "begin":
                return Begun(lambda: self._told(name, done.outcomes(), fails=fails))
            return self._told(name, done, fails=fails)

        return call

    def _told(self, name: str, done: Any, *, fails: bool) -> Any:
        if fails and self._moment == "death":
            raise Death
        if fails:
            raise ArmillaryError("store.unavailable", f"expected {name} to be told, got a fault after it")
        return done


class _AtOnce(CallPool):
    """Calls services on the thread of whoever sends the call."""

    def call(self, call: CallRow) -> None:
        with self._lock:
            self._flying[key_of(call)] = call
        self._send(call)


def _definitions() -> tuple[Definition, Definition]:
    nothing: Expression = Object({})
    child = Definition("Child", (Task("look", "Look"), Complete("end", nothing)), "1.0.0")
    body = (
        Call("quote", Address("rating", "quote"), nothing, result="quote"),
        Task("review", "Review", result="review"),
        Signal("paid", "paid", match=Get("input.key"), result="paid"),
        Subworkflow("below", "Child", nothing),
        Complete("end", Get("paid.sum")),
    )
    return child, Definition("Case", body, "1.0.0")


class _Life:
    """One run of the workflow under a fault, with people who ask again until they are answered."""

    def __init__(self, bench: Bench, key: str, method: str = "", nth: int = 0, moment: Moment = "before") -> None:
        self.bench, self.key = bench, key
        self.calls: Counter[str] = Counter()
        self.fault: tuple[str, int, Moment] = (method, nth, moment)
        self.requests: list[str] = []
        self.open(bench.store)

    def open(self, inner: Backend) -> None:
        self.inner = inner
        store = Failing(inner, self.calls, *self.fault)
        self.runtime = LocalRuntime("failing://", store=cast(Backend, store), work=False)
        engine = self.runtime.engine
        engine.pool = engine.attempts.pool = _AtOnce(engine.inbox.put, clock=self.bench.clock)
        self.loop = Loop(engine)
        self.runtime.register_service("rating", self.rate)

    def rate(self, request: Request) -> Any:
        self.requests.append(request.idempotency_key)
        return {"premium": 7}

    def ask(self, what: Callable[[], Any], *, known: str = "") -> Any:
        """Asks until there is an answer; ``known``: the refusal that says that it was done before."""
        while True:
            try:
                return what()
            except Death:
                self.die()
            except ArmillaryError as error:
                if error.code == known:
                    return None
                if not error.code.startswith("store."):
                    raise

    def work(self, holds: Callable[[], Any]) -> Any:
        """Turns the loop until ``holds``; whoever rests sleeps until the moment that it has told."""
        for _ in range(TURNS):
            if found := self.ask(holds):
                return found
            try:
                rest = self.loop.turn()
            except Death:
                self.die()
                continue
            if rest is not None and not rest.failed and not self.runtime.engine.pulse.flag.is_set():
                if found := self.ask(holds):
                    return found
                assert rest.until is not None, f"{self.fault}: it sleeps for ever"
                now = self.bench.clock.now()
                self.bench.clock.advance(microseconds=max(rest.until - now, 0) + 1)
        raise AssertionError(f"{self.fault}: the instance does not go on")

    def die(self) -> None:
        """Another worker opens the store, when the dead one's leases have ended."""
        self.end()
        self.bench.clock.advance(seconds=61)
        self.open(self.bench.open())

    def end(self) -> None:
        """Nothing is closed in good order; the system takes what the process had."""
        self.runtime._closed = True
        self.runtime._wake.close()
        if self.inner is not self.bench.store:
            self.bench.opened.remove(self.inner)
            self.inner.close()

    def run(self) -> None:
        key = self.key
        self.ask(lambda: self.runtime.signal("paid", {"sum": 5}, match=key, id=key))
        id = self.ask(lambda: self.runtime.start("Case", {"key": key}, key=key)).id
        self.work(lambda: any(kind == "task" for kind, _ in self.bench.store.pending(id)))
        review = token(id, 2)
        self.ask(lambda: self.runtime.complete_task(review, {"ok": True}), known="task.not-open")
        self.ask(lambda: self.runtime.signal("paid", {"sum": 6}, match=key, id=key))
        self.work(lambda: ("task", 1) in self.bench.store.pending(token_of(id)))
        self.ask(lambda: self.runtime.complete_task(f"{token_of(id)}/1", {}), known="task.not-open")
        view = self.work(lambda: (found := self.runtime.instance(id)).ended and found)
        assert (view.status, self.runtime.instance_state(id).output) == ("completed", 5), self.fault
        assert set(self.requests) == {f"{id}/1"}, "a service may be asked again, with the same key"
        history = [event.type for event in self.bench.store.history(id, after=0, limit=100)]
        assert history.count("step.done") == 5, (self.fault, history)


def token_of(id: str) -> str:
    """The child of the fourth step."""
    return f"{id}:4"


@case
def whichever_method_fails_before_or_after_it_nothing_is_lost(bench: Bench) -> None:
    first = _Life(bench, "calm")
    for definition in _definitions():
        first.runtime.deploy(definition)
    first.calls.clear()
    first.run()
    assert {"commit", "begin", "claim", "store_signal", "read", "due"} <= set(first.calls)
    moments: tuple[Moment, ...] = ("before", "after", "death")
    for method, count in sorted(first.calls.items()):
        for nth in range(1, min(count, OFTEN) + 1):
            for moment in moments:
                life = _Life(bench, f"{method}-{nth}-{moment}", method, nth, moment)
                life.run()
                life.end()
    first.end()
