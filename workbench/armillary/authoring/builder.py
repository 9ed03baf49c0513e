"""Workflows made by programs: the same model as from Python source, from calls and ``with`` blocks, without a source.

```python
build = Builder("PayClaim", version="1.0.0")
quote = build.call("rating/quote", result="quote", arguments={"policy": build.input.policy})
with build.when(quote.premium > 10_000):
    build.task("Review", roles=["lead"])
build.complete(quote.premium)
flow = build.workflow()
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from armillary_engine.definition import model
from armillary_engine.definition.codec import from_document, to_document
from armillary_engine.definition.durations import parse_duration
from armillary_engine.definition.problems import ArmillaryError, DefinitionError
from armillary_engine.definition.validate import validate

from .compile.ids import kebab
from .compile.models import schema_of
from .values import Value, apply, choose, expression_of
from .workflow import Workflow

__all__ = ["Builder", "Value", "apply", "choose"]


@dataclass
class Builder:
    """Collects steps in order. Ids are those of :mod:`armillary` where ``id=`` is left out and nothing clashes;
    a clash gets a number."""

    name: str
    version: str | None = None
    input_model: Any = None
    access: model.Access = field(default_factory=model.Access)
    _bodies: list[list[model.Step]] = field(default_factory=lambda: [[]])
    _ids: set[str] = field(default_factory=set)

    @property
    def input(self) -> Value:
        """The start document."""
        return Value(model.Get("input"))

    @property
    def now(self) -> Value:
        return Value(model.Get("now"))

    @property
    def error(self) -> Value:
        """The failure that a handler caught."""
        return Value(model.Get("error"))

    def workflow(self) -> Workflow:
        """The workflow. Raises :class:`DefinitionError` with all that is wrong with it."""
        schema = schema_of(self.input_model) if self.input_model is not None else {}
        body = tuple(self._bodies[0])
        made = model.Definition(self.name, body, version=self.version, input=schema, access=self.access)
        definition = from_document(to_document(made))
        problems = tuple(validate(definition))
        if any(problem.severity == "error" for problem in problems):
            raise DefinitionError(self.name, problems)
        return Workflow(definition, problems=problems)

    def add(self, step: model.Step) -> None:
        """Any step of the model, as it is."""
        if step.id in self._ids:
            raise ArmillaryError("id.duplicate", f"expected an id of its own, got {step.id!r} again", hint="give id=")
        self._ids.add(step.id)
        self._bodies[-1].append(step)

    def _id(self, wanted: str | None, base: str) -> str:
        if wanted is not None:
            return wanted
        name, number = kebab(base), 2
        while name in self._ids:
            name, number = f"{kebab(base)}-{number}", number + 1
        return name

    def set(self, id: str | None = None, /, **values: object) -> None:
        """Assigns names: ``build.set(total=build.input.amount + 1)``."""
        assign = {name: expression_of(value) for name, value in values.items()}
        self.add(model.Set(self._id(id, next(iter(values), "set")), assign))

    def reference(self, key: object, *, id: str | None = None, **parts: object) -> None:
        """The instance's business reference."""
        named = {name: expression_of(value) for name, value in parts.items()}
        self.add(model.Reference(self._id(id, "reference"), expression_of(key), named))

    def call(
        self, to: str, arguments: object = None, *, id: str | None = None, result: str | None = None, reply: Any = None,
        timeout: str = "PT1H", attempt_timeout: str = "PT30S", retry: model.RetryPolicy | None = None,
        heartbeat: str | None = None,
    ) -> Value:  # fmt: skip
        """Calls ``service/operation``; gives its result as a value."""
        service, slash, operation = to.partition("/")
        if not slash:
            raise ArmillaryError("call.address", f'expected "service/operation", got {to!r}')
        self.add(model.Call(
            self._id(id, operation), model.Address(service, operation),
            expression_of({} if arguments is None else arguments), reply=_schema(reply), result=result,
            timeout=parse_duration(timeout), attempt_timeout=parse_duration(attempt_timeout),
            retry=retry or model.RetryPolicy(), heartbeat=_duration(heartbeat),
        ))  # fmt: skip
        return Value(model.Get(result or "input"))

    def task(
        self, name: str, payload: object = None, *, id: str | None = None, result: str | None = None,
        roles: Sequence[str] = (), assignee: object = None, answer: Any = None, title: object = None,
        due: object = None, timeout: str | None = None,
    ) -> Value:  # fmt: skip
        """A human task; gives its answer as a value."""
        self.add(model.Task(
            self._id(id, name), name, title=_optional(title), roles=tuple(roles), assignee=_optional(assignee),
            payload=expression_of(payload), answer=_schema(answer), result=result, due=_optional(due),
            timeout=_duration(timeout),
        ))  # fmt: skip
        return Value(model.Get(result or "input"))

    def wait_for_signal(
        self, name: str, *, id: str | None = None, match: object = None, payload: Any = None,
        result: str | None = None, timeout: str | None = None,
    ) -> Value:  # fmt: skip
        """Waits for a signal; gives its payload as a value."""
        self.add(model.Signal(self._id(id, name), name, _optional(match), _schema(payload), result, _duration(timeout)))
        return Value(model.Get(result or "input"))

    def sleep(self, after: object, *, id: str | None = None) -> None:
        """Waits for a while: ``"2h"``, or a value."""
        length = parse_duration(after) if isinstance(after, str) else after
        self.add(model.Timer(self._id(id, "sleep"), after=expression_of(length)))

    def subworkflow(
        self, name: str, input: object = None, *, id: str | None = None, version: str = "*", result: str | None = None
    ) -> Value:
        """Runs a child; gives its output as a value."""
        whole = expression_of({} if input is None else input)
        self.add(model.Subworkflow(self._id(id, name), name, whole, version, result))
        return Value(model.Get(result or "input"))

    def complete(self, output: object = None, *, id: str | None = None) -> None:
        """Ends with an output."""
        self.add(model.Complete(self._id(id, "return"), expression_of(output)))

    def fail(self, code: str, message: object, *, id: str | None = None) -> None:
        """Fails."""
        self.add(model.Fail(self._id(id, "fail"), expression_of(code), expression_of(message)))

    # blocks

    @contextmanager
    def when(self, condition: object, *, id: str | None = None) -> Iterator[None]:
        """``if``: the steps inside are done when the condition holds."""
        key = self._id(id, "if")
        with self._inside() as body:
            yield
        self.add(model.Decision(key, (model.Branch(expression_of(condition), tuple(body)),)))

    @contextmanager
    def otherwise(self, condition: object = None) -> Iterator[None]:
        """``else``, or ``elif`` with a condition, directly after ``when``."""
        last = self._bodies[-1][-1] if self._bodies[-1] else None
        if not isinstance(last, model.Decision) or last.otherwise is not None:
            raise ArmillaryError("builder.otherwise", "expected `when` before `otherwise`", hint="write when first")
        with self._inside() as body:
            yield
        if condition is None:
            self._bodies[-1][-1] = replace(last, otherwise=tuple(body))
        else:
            branch = model.Branch(expression_of(condition), tuple(body))
            self._bodies[-1][-1] = replace(last, branches=(*last.branches, branch))

    @contextmanager
    def repeat(self, condition: object, *, id: str | None = None, max: int | None = None) -> Iterator[None]:
        """``while``."""
        key = self._id(id, "while")
        with self._inside() as body:
            yield
        self.add(model.Repeat(key, tuple(body), test=expression_of(condition), max=max))

    @contextmanager
    def each(self, items: object, name: str = "item", *, id: str | None = None, parallel: int = 1) -> Iterator[Value]:
        """``for``; gives the item."""
        key = self._id(id, f"for-{name}")
        with self._inside() as body:
            yield Value(model.Get(name))
        self.add(model.Each(key, expression_of(items), name, tuple(body), parallel))

    @contextmanager
    def parallel(self, *, id: str | None = None, join: Literal["all", "any"] | int = "all") -> Iterator[Branches]:
        """Branches side by side: ``with build.parallel() as branch:`` and in it ``with branch("label"):``."""
        branches = Branches(self)
        yield branches
        self.add(model.Fork(self._id(id, "parallel"), tuple(branches.made), join))

    @contextmanager
    def attempt(self, handlers: Mapping[str, Any] | None = None, *, id: str | None = None) -> Iterator[None]:
        """``try``; ``handlers``: failure code → a function that adds what to do then."""
        key = self._id(id, "try")
        with self._inside() as body:
            yield
        made = []
        for code, handle in (handlers or {}).items():
            with self._inside() as inner:
                handle()
            made.append(model.Handler((code,), tuple(inner)))
        self.add(model.Try(key, tuple(body), tuple(made)))

    @contextmanager
    def _inside(self) -> Iterator[list[model.Step]]:
        self._bodies.append([])
        try:
            yield self._bodies[-1]
        finally:
            self._bodies.pop()


@dataclass
class Branches:
    """The branches of one ``parallel``."""

    builder: Builder
    made: list[model.ForkBranch] = field(default_factory=list)

    @contextmanager
    def __call__(self, label: str) -> Iterator[None]:
        with self.builder._inside() as body:
            yield
        self.made.append(model.ForkBranch(label, tuple(body)))


def _optional(value: object) -> model.Expression | None:
    return None if value is None else expression_of(value)


def _duration(text: str | None) -> str | None:
    return None if text is None else parse_duration(text)


def _schema(type_: Any) -> model.Schema | None:
    return None if type_ is None else schema_of(type_)
