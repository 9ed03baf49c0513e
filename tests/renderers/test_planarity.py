"""No crossing is drawn that is not needed: a test of planarity tells what can be drawn without, not the layout."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from armillary_engine.definition import model as m
from armillary_renderers.diagram.measure import measure as measure_placed
from armillary_renderers.layout import Options
from armillary_renderers.layouts.structured import layout
from armillary_renderers.testing import diagram_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


definitions = _load("layout_definitions")
planarity = _load("layout_planarity")


def crossings(definition: m.Definition) -> tuple[int, int]:
    """How many are drawn, and how many are needed."""
    diagram = diagram_of(definition)
    return measure_placed(layout(diagram, Options())).crossings, planarity.needed(diagram)


def _set(name: str) -> m.Set:
    return m.Set(name, {"total": m.Const(1)})


def _if(name: str, *then: m.Step, otherwise: m.Body | None = None) -> m.Decision:
    return m.Decision(name, (m.Branch(m.Get(name), then),), otherwise)


def _loop(*body: m.Step) -> m.Definition:
    return m.Definition("Loop", (m.Repeat("while", body, test=m.Get("open")), _set("after")))


def _try(*handlers: m.Body) -> m.Try:
    call = m.Call("call", m.Address("rating", "quote"), m.Object({}))
    caught = zip(("timeout", "*"), handlers, strict=False)
    return m.Try("try", (call,), tuple(m.Handler((code,), body) for code, body in caught))


LEAVE, NEXT = (m.Leave("leave"),), (m.Next("next"),)
EXITS = {
    "a branch with both, then the test": _loop(_if("a", _if("b", *NEXT), *LEAVE), _set("x")),
    "a branch with both, then a leave": _loop(_if("a", _if("b", *NEXT), *LEAVE), _if("c", m.Leave("out"))),
    "two branches that go back and go on": _loop(
        _if("a", _if("b", *NEXT), otherwise=(_if("c", m.Next("again")), _set("y"))), _set("x")
    ),
    "handlers that leave and go back": _loop(_try(LEAVE, NEXT), _set("x")),
    "handlers that leave and go back, then a leave": _loop(_try(NEXT, LEAVE), _if("c", m.Leave("out"))),
    "a leave, then a branch with both": _loop(_if("c", m.Leave("out")), _if("a", _if("b", *NEXT), *LEAVE), _set("x")),
    "a leave, then a branch with both, read the other way": _loop(
        _if("c", m.Leave("out")),
        _if("a", _set("x"), otherwise=(_set("y"), _if("b", *NEXT), _set("z"), *LEAVE)),
        _set("w"),
    ),
    "a leave, then a branch that only its inside leaves": _loop(
        _if("c", m.Leave("out")), _if("a", _if("b", *NEXT), _if("e", m.Leave("off"), otherwise=LEAVE)), _set("x")
    ),
    "a handler with both": _loop(_try((_if("b", *NEXT), *LEAVE)), _set("x")),
}


@pytest.mark.parametrize("name", EXITS)
def test_exits_that_can_be_drawn_apart_are(name: str) -> None:
    assert crossings(EXITS[name]) == (0, 0)


def test_what_nobody_can_draw_without_is_drawn_with_one_crossing() -> None:
    """Both branches may leave and else go on to a common step: K3,3."""
    both = _if("a", _if("b", *LEAVE), _set("y"), otherwise=(_if("c", m.Leave("out")), _set("z")))
    assert crossings(_loop(both, _set("x"))) == (1, 1)


@pytest.mark.parametrize(("steps", "seed"), [*((40, seed) for seed in range(40)), (100, 82), (100, 170)])
def test_generated_loops_with_many_exits_cross_no_more_than_they_must(
    steps: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "JUMP", 0.5)
    drawn, needed = crossings(definitions.generate(steps, seed))
    assert drawn <= needed
