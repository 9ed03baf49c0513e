"""Nothing that anybody sees of an instance holds what a schema marks as sensitive, whatever the workflow does with it:
instances, state, history, tasks, signals, schedules, dead letters, logs; and history that is replayed gives the state.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.codec import dumps_definition, identity
from armillary_engine.definition.expressions import parse
from armillary_engine.definition.marks import MASK
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.interpreter import replay
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import DeadLetterQuery, Every
from armillary_engine.retention import RetentionPolicy, run_retention
from armillary_engine.rows import DefinitionRow
from armillary_engine.runtime import Caller, InstanceQuery, Request, TaskQuery
from armillary_engine.testing.clock import BEGINNING
from armillary_engine.testing.inline import InlineEngine
from hypothesis import given
from hypothesis import strategies as st

RARE = "øłđŋ"
"""Each of these letters, large or small, gives a secret away, however it was cut, joined or printed."""
HIDDEN = {"x-sensitive": True}
NUMBER, AMOUNT = 90817263, Decimal("7162.534")
PERSON = {
    "ssn": f"1{RARE}2", "name": "Ann", "balance": AMOUNT,
    "cards": [{"number": NUMBER, "label": "gold"}, {"number": NUMBER + 1, "label": RARE.upper()}],
}  # fmt: skip
SCHEMA = {
    "type": "object",
    "properties": {
        "ssn": {"type": "string", **HIDDEN},
        "name": {"type": "string"},
        "balance": {"format": "decimal", **HIDDEN},
        "cards": {
            "type": "array",
            "items": {"type": "object", "properties": {"number": {"type": "integer", **HIDDEN}, "label": HIDDEN}},
        },
    },
}
TOKEN = {"type": "object", "properties": {"token": {"type": "string", **HIDDEN}, "n": {"type": "integer"}}}
GIVEN = {"token": f"t{RARE}", "n": 3}


def hides(shown: object) -> bool:
    """Whether a text or a view tells nothing."""
    text = str(shown)
    return not any(sign in text for sign in (*RARE, *RARE.upper(), str(NUMBER), str(NUMBER + 1), str(AMOUNT)))


def views(runtime: LocalRuntime) -> Iterator[object]:
    """All that may be seen."""
    yield from runtime.definitions()
    yield from runtime.schedules()
    yield from runtime.dead_letters(DeadLetterQuery(status=None))
    for signal in runtime.signals():
        yield runtime.explain(signal.id)
    for task in runtime.tasks(TaskQuery(status=None, limit=500)):
        yield task
        yield runtime.task(task.id)
        yield runtime.task_events(task.id)
    for view in runtime.instances(InstanceQuery(limit=500)):
        events, state = runtime.history(view.id), runtime.instance_state(view.id)
        assert replay(events) == state.state, "history that is replayed gives the state that is shown"
        yield from (view, state, *events)


# ── any workflow ─────────────────────────────────────────────────────────────────────────────────────────────────────

SOURCES = (
    "input", "input.ssn", "input.name", "input.cards", "input.balance", "a", "b", "c", "c.x", "item", "why",
    "error.message",
)  # fmt: skip
TEXTS = (
    "p", "p", "p", "[p, q]", "{'x': p, 'y': q}", "f'<{p}>'", "p if q == 'a' else q", "p + q", "p[0]", "p['x']",
    "p['ssn']", "p[1:]", "p[q]", "[i for i in p]", "[{'n': i, 'of': q} for i in p]", "get(p, 'x', q)", "coalesce(p, q)",
    "upper(p)", "str(p)", "first(p)", "sorted(p)", "merge(p, q)", "values(p)", "entries(p)", "split(p)", "p * 2",
    "len(p)", "p == q", "p in q", "p > 1", "not p", "number(p)", "money(p, 2)", "date_add(p, 'P1D')", "join(p, '-')",
)  # fmt: skip
FORMS = tuple(map(parse, TEXTS))


def filled(form: Any, parts: dict[str, m.Expression]) -> Any:
    """A form with expressions in the places of ``p`` and ``q``."""
    match form:
        case m.Get(path) if path in parts:
            return parts[path]
        case tuple():
            return tuple(filled(one, parts) for one in form)
        case dict():
            return {name: filled(one, parts) for name, one in form.items()}
        case _ if dataclasses.is_dataclass(form):
            inner = {one.name: filled(getattr(form, one.name), parts) for one in dataclasses.fields(form)}
            return dataclasses.replace(form, **inner)  # type: ignore[type-var]
    return form


@st.composite
def expression(draw: st.DrawFn, depth: int = 1) -> m.Expression:
    if depth == 0 or draw(st.booleans()):
        return m.Get(draw(st.sampled_from(SOURCES)))
    form = draw(st.sampled_from(FORMS))  # shallow ones more often: the deeper, the likelier that it fails
    found: m.Expression = filled(form, {"p": draw(expression(depth - 1)), "q": draw(expression(depth - 1))})
    return found


class Ids:
    def __init__(self) -> None:
        self.last = 0

    def next(self) -> str:
        self.last += 1
        return f"s{self.last}"


NAMES = st.sampled_from(["a", "b", "c", "c.x", "c.y"])


@st.composite
def step(draw: st.DrawFn, ids: Ids, depth: int) -> m.Step:
    id, one = ids.next(), draw(expression())
    kinds = ["set", "set", "call", "task", "signal", "reference", "fail", "timer", "child"]
    match draw(st.sampled_from([*kinds, "each", "try", "try", "fork", "compensate"] if depth else kinds)):
        case "set":
            return m.Set(id, {draw(NAMES): one})
        case "call":
            return m.Call(id, m.Address("bank", draw(st.sampled_from(["pay", "break"]))), m.Object({"given": one}),
                          reply=TOKEN, result=draw(NAMES))  # fmt: skip
        case "task":
            title, assignee = draw(st.none() | expression()), draw(st.none() | expression())
            return m.Task(id, "Look", title, assignee=assignee, payload=one, answer=TOKEN, result=draw(NAMES))
        case "signal":
            return m.Signal(id, "paid", match=one, payload=TOKEN, result=draw(NAMES), timeout="PT1H")
        case "reference":
            return m.Reference(id, one, {"part": draw(expression())})
        case "fail":
            return m.Fail(id, draw(expression() | st.just(m.Const("bad"))), one)
        case "timer":
            return m.Timer(id, after=draw(st.just(m.Const("PT1S")) | expression()))
        case "child":
            return m.Subworkflow(id, "Child", m.Object({"of": one}), result=draw(NAMES))
        case "each":
            collect, parallel = draw(st.none() | expression()), draw(st.sampled_from([1, 2]))
            return m.Each(
                id, one, "item", draw(body(ids, depth - 1)), parallel, collect, draw(NAMES) if collect else None
            )
        case "fork":
            branches = tuple(m.ForkBranch(label, draw(body(ids, depth - 1))) for label in ("left", "right"))
            return m.Fork(id, branches, draw(st.sampled_from(["all", "any"])))
        case "compensate":
            return m.Try(id, draw(body(ids, depth - 1)), compensate=draw(body(ids, depth - 1)))
    return handled(ids, draw(body(ids, depth - 1)), draw(body(ids, depth - 1)))


def handled(ids: Ids, inner: tuple[m.Step, ...], after: tuple[m.Step, ...] = ()) -> m.Step:
    """A handler that keeps what went wrong."""
    tell = m.Set(ids.next(), {"why": m.Get("error.message"), "c": m.Object({"x": m.Get("error")})})
    return m.Try(ids.next(), inner, (m.Handler(("*",), (tell, *after)),))


@st.composite
def body(draw: st.DrawFn, ids: Ids, depth: int) -> tuple[m.Step, ...]:
    """Most steps are handled: an expression that is drawn fails more often than not, and then nothing would follow."""
    steps = [draw(step(ids, depth)) for _ in range(draw(st.integers(1, 4)))]
    return tuple(one if draw(st.integers(0, 4)) == 0 else handled(ids, (one,)) for one in steps)


@st.composite
def workflows(draw: st.DrawFn) -> m.Definition:
    first = m.Set(
        "first", {"a": m.Get("input"), "b": m.Const("b"), "c": m.Object({"x": m.Const(1)}), "why": m.Const(None)}
    )
    return m.Definition("Case", (first, *draw(body(Ids(), 2)), m.Complete("last", draw(expression()))), input=SCHEMA)


CHILD = m.Definition(
    "Child",
    (
        m.Set("x", {"x": parse("f'{input.of}'")}),
        m.Decision("d", (m.Branch(parse("len(x) > 40"), (m.Fail("no", m.Const("bad"), m.Get("x")),)),)),
        m.Complete("done", m.Object({"y": m.Get("x"), "z": m.Const(1)})),
    ),
    input={"type": "object", "properties": {"of": HIDDEN}},
)
WAITER = m.Definition("Waiter", (m.Signal("paid", "paid", payload=TOKEN),))


def bank(request: Request) -> Any:
    if request.operation == "break":
        raise RuntimeError(f"no such thing as {request.arguments}") from KeyError(str(request.arguments))
    return GIVEN


def deploy(runtime: LocalRuntime, *definitions: m.Definition) -> None:
    """Without validation: what fails while it runs is meant to, as its words are what is looked at."""
    for one in definitions:
        who = identity(one)
        runtime.engine.store.deploy(DefinitionRow(who.name, who.version, who.digest, dumps_definition(one), 1))


def act(engine: InlineEngine) -> None:
    """What people and time do."""
    runtime = engine.runtime
    for task in runtime.tasks():
        if runtime.task(task.id).status == "open":  # what came of another one may have closed it
            runtime.complete_task(task.id, GIVEN)
    for view in runtime.instances():
        if view.ended is None:
            runtime.signal("paid", GIVEN, instance=view.id)
    engine.settle()
    engine.go_to(engine.clock.now() + 2_000_000)
    engine.settle()


class Heard(logging.Handler):
    """All that is logged, as it is written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += logging.Formatter().format(record)


@pytest.fixture
def heard() -> Iterator[Heard]:
    """The logs of the engine."""
    yield from listening()


def listening() -> Iterator[Heard]:
    handler, loggers = Heard(), [logging.getLogger(name) for name in ("armillary_engine", "armillary.services")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def trimmed(engine: InlineEngine) -> None:
    """Of each history the last event stays, after a checkpoint that has the state as it was before."""
    engine.go_to(engine.clock.now() + 1)
    report = run_retention(engine.runtime.engine.store, RetentionPolicy(history=timedelta(), keep_events=1))
    assert report.trimmed
    assert "checkpoint" in {event.type for event in engine.runtime.history(engine.runtime.instances()[-1].id)}


@given(workflows())
def test_no_view_and_no_log_tells_a_secret(definition: m.Definition) -> None:
    for heard in listening():
        engine = InlineEngine(now=BEGINNING)
        runtime = engine.runtime
        try:
            runtime.register_service("bank", bank)
            deploy(runtime, CHILD, WAITER, definition)
            id = runtime.start("Case", PERSON).id
            engine.settle()
            for _ in range(6):
                for view in views(runtime):
                    assert hides(view), view
                act(engine)
            if runtime.instance(id).ended is None:
                runtime.cancel(id, compensate=True)
                engine.settle()
            for view in views(runtime):
                assert hides(view), view
            trimmed(engine)
            for view in views(runtime):
                assert hides(view), view
            assert hides(heard.text), heard.text
        finally:
            runtime.close()


# ── who may see it ───────────────────────────────────────────────────────────────────────────────────────────────────

ASKS = m.Definition(
    "Asks",
    (
        m.Task(
            "look", "Look", parse("f'for {input.ssn}'"), ("clerk",), payload=m.Get("input"), answer=TOKEN, result="a"
        ),
        m.Complete("done", m.Object({"a": m.Get("a"), "of": m.Get("input.ssn")})),
    ),
    input=SCHEMA,
    access=m.Access(operate=("ops",)),
)
CLERK, GUEST = Caller("ann", frozenset({"clerk"})), Caller("bob", frozenset({"guest"}))
OPS = Caller("eve", frozenset({"ops"}))


@pytest.fixture
def engine() -> Iterator[InlineEngine]:
    engine = InlineEngine(now=BEGINNING)
    engine.runtime.deploy(ASKS)
    yield engine
    assert list(engine.runtime.check()) == []
    engine.runtime.close()


def test_whoever_may_do_a_task_may_see_what_it_shows(engine: InlineEngine) -> None:
    runtime = engine.runtime
    runtime.start("Asks", PERSON)
    (task,) = runtime.tasks()
    shown: Any = task.payload
    assert (task.title, shown["ssn"], shown["name"]) == (MASK, MASK, "Ann")
    revealed = runtime.task(task.id, reveal=True, caller=CLERK)
    assert (revealed.title, revealed.payload) == (f"for {PERSON['ssn']}", PERSON)
    assert runtime.claim_task(task.id, caller=CLERK).payload == shown, "only who asks for it is shown it"
    with pytest.raises(ArmillaryError) as caught:
        runtime.task(task.id, reveal=True, caller=GUEST)
    assert caught.value.code == "task.not-allowed"
    assert runtime.complete_task(task.id, GIVEN, caller=CLERK).answer == {"token": MASK, "n": 3}


def test_whoever_may_operate_an_instance_may_see_its_values(engine: InlineEngine) -> None:
    runtime = engine.runtime
    id = runtime.start("Asks", PERSON).id
    runtime.complete_task(runtime.tasks()[0].id, GIVEN)
    state = runtime.instance_state(id, reveal=True, caller=OPS)
    assert (state.input, state.state, state.output) == (PERSON, {"a": GIVEN}, {"a": GIVEN, "of": PERSON["ssn"]})
    masked = runtime.instance_state(id)
    assert (masked.state, masked.output) == ({"a": {"token": MASK, "n": 3}}, {"a": {"token": MASK, "n": 3}, "of": MASK})
    with pytest.raises(ArmillaryError) as caught:
        runtime.instance_state(id, reveal=True, caller=CLERK)
    assert caught.value.code == "operate.not-allowed"


def test_what_went_wrong_in_the_engine_is_told_without_words(
    engine: InlineEngine, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    runtime = engine.runtime
    id = runtime.start("Asks", PERSON, delay=1).id

    def broken(*_: Any) -> Any:
        raise RuntimeError(f"a defect of ours, with {PERSON}")

    with monkeypatch.context() as patch:
        patch.setattr(runtime.engine.slicer, "next", broken)
        for _ in range(6):
            engine.go_to(engine.clock.now() + 200_000_000)
            engine.settle()
    (letter,) = runtime.dead_letters()
    assert letter.error == f"RuntimeError: {MASK}"
    assert MASK in str(runtime.instance(id).blocked)
    assert all(map(hides, views(runtime)))
    assert "RuntimeError" in heard.text
    assert hides(heard.text)
    runtime.replay_dead_letter(letter.id)
    engine.settle()


def test_an_input_that_does_not_fit_is_refused_without_it(engine: InlineEngine) -> None:
    runtime = engine.runtime
    with pytest.raises(ArmillaryError) as caught:
        runtime.start("Asks", {**PERSON, "cards": [{"number": f"x{RARE}"}]})
    assert "/cards/0/number" in str(caught.value)
    assert hides(caught.value)


def test_what_a_signal_has_to_equal_is_masked(engine: InlineEngine) -> None:
    """Of the signals that were sent, and of the waits that want another value."""
    waits = m.Signal("paid", "paid", match=m.Get("input.ssn"))
    engine.runtime.deploy(m.Definition("Waits", (waits,), input=SCHEMA))
    engine.runtime.start("Waits", PERSON)
    sent = engine.runtime.signal("paid", 1, match=f"9{RARE}")
    (signal,) = engine.runtime.signals()
    told = engine.runtime.explain(sent)
    assert (signal.match, [one.match for one in told.waits]) == (MASK, [MASK])
    assert hides(signal)
    assert hides(told)


def test_what_a_schedule_starts_with_is_masked(engine: InlineEngine) -> None:
    view = engine.runtime.schedule("daily", "Asks", Every(interval=60), input=PERSON)
    assert hides(view)
    engine.go_to(engine.clock.now() + 61_000_000)
    engine.settle()
    (started,) = engine.runtime.instances()
    assert engine.runtime.instance_state(started.id, reveal=True).input == PERSON, "it is started with the thing itself"
