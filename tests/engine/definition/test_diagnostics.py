"""Each diagnostic: a definition that has it, and one that comes close and has not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armillary_engine.definition.codec import from_document, load_definition_bytes
from armillary_engine.definition.expression_json import expression_to_json
from armillary_engine.definition.expressions import parse
from armillary_engine.definition.problems import DefinitionError, Problem
from armillary_engine.definition.validate import DIAGNOSTICS, validate

Json = dict[str, Any]
CATALOGUE = {"IssuePolicy": ["1.0.0", "1.4.0"]}
QUOTE = {"type": "object", "properties": {"premium": {"type": "number"}, "accepted": {"type": "boolean"}}}


def e(text: str) -> Json:
    return expression_to_json(parse(text))


def step(kind: str, id: str | None = None, **fields: Any) -> Json:
    return {"id": id or kind, "kind": kind, **{key.rstrip("_"): value for key, value in fields.items()}}


def set_(id: str, **assign: str) -> Json:
    return step("set", id, assign={name: e(text) for name, text in assign.items()})


def call(id: str = "ask", **fields: Any) -> Json:
    return step("call", id, to={"service": "rating", "operation": "quote"}, arguments=e("input"), **fields)


def task(id: str = "review", **fields: Any) -> Json:
    return step("task", id, name="Review", **fields)


def if_(when: str, *then: Json, otherwise: list[Json] | None = None, id: str = "if") -> Json:
    rest = {} if otherwise is None else {"otherwise": otherwise}
    return step("decision", id, branches=[{"when": e(when), "body": list(then)}], **rest)


def while_(condition: str, *body: Json, id: str = "while", **fields: Any) -> Json:
    return step("repeat", id, while_=e(condition), body=list(body), **fields)


def until(condition: str, *body: Json) -> Json:
    return step("repeat", "until", until=e(condition), body=list(body))


def each(*body: Json, **fields: Any) -> Json:
    return step("each", "for", items=e("[1, 2]"), as_="item", body=list(body), **fields)


def fork(*branches: list[Json], join: Any = "all", labels: str = "abcdef") -> Json:
    listed = [{"label": labels[i], "body": body} for i, body in enumerate(branches)]
    return step("fork", branches=listed, join=join)


def try_(body: list[Json], *handlers: tuple[list[str], list[Json]], **fields: Any) -> Json:
    return step("try", body=body, handlers=[{"catch": codes, "body": then} for codes, then in handlers], **fields)


def fail(code: str = "failure.refused", id: str = "fail") -> Json:
    return step("fail", id, code=e(json.dumps(code)), message=e('"No."'))


def nested(depth: int) -> Json:
    inner = set_("a", x="1")
    for index in range(depth):
        inner = if_("True", inner, id=f"if-{index}")
    return inner


def deep(depth: int) -> Json:
    expression: Json = {"get": "input"}
    for _ in range(depth):
        expression = {"op": "not", "args": [expression]}
    return expression


def document(*body: Any, **fields: Any) -> Json:
    return {"schema": "armillary.workflow/1", "name": "Case", "body": list(body), **fields}


def problems_of(made: Any) -> list[Problem]:
    try:
        definition = load_definition_bytes(made) if isinstance(made, (bytes, str)) else from_document(made)
    except DefinitionError as error:
        return list(error.problems)
    return validate(definition, catalogue=CATALOGUE)


COMPLETE, LEAVE, NEXT = step("complete"), step("leave"), step("next")
CONTINUE = step("continue_with", workflow="IssuePolicy", input=e("{}"))

CASES: dict[str, tuple[Any, Any]] = {
    # code: (has it, comes close)
    "definition.too-deep": (document(nested(50)), document(nested(49))),
    "definition.too-large": (b'"' + b" " * (16 * 1024 * 1024) + b'"', json.dumps(document(COMPLETE))),
    "shape.arguments": (
        document(step("complete", output={"op": "<", "args": [{"const": 1}]})),
        document(step("complete", output={"op": "<", "args": [{"const": 1}, {"const": 2}]})),
    ),
    "shape.duplicate-member": (
        '{"schema": "armillary.workflow/1", "name": "A", "body": [], "body": []}',
        '{"schema": "armillary.workflow/1", "name": "A", "body": []}',
    ),
    "shape.expression": (document(step("complete", output=1)), document(step("complete", output={"const": 1}))),
    "shape.id": (document({"kind": "leave", "id": " a"}), document(step("complete", "a b"))),
    "shape.kind": (document(step("cal")), document(call())),
    "shape.missing-field": (document(step("set")), document(set_("a", x="1"))),
    "shape.path": (
        document(step("complete", output={"get": "a.class"})),
        document(step("complete", output=e("input.klass"))),
    ),
    "shape.schema": ({**document(COMPLETE), "schema": "armillary.workflow/2"}, document(COMPLETE)),
    "shape.text": (document(COMPLETE, name=""), document(COMPLETE, name=" ")),
    "shape.type": (document(call(timeout=30)), document(call(timeout="30s"))),
    "shape.unknown-field": (document(call(time_out="PT1S")), document(call(timeout="PT1S"))),
    "duration.invalid": (document(step("timer", after=e('"1y"'))), document(step("timer", after=e('"P365D"')))),
    "datetime.invalid": (
        document(step("timer", at=e('"2026-11-31T00:00:00Z"'))),
        document(step("timer", at=e('"2026-11-30T00:00:00Z"'))),
    ),
    "version.invalid": (document(COMPLETE, version="1.2"), document(COMPLETE, version="1.2.0-rc.1")),
    "version.range": (
        document(step("subworkflow", workflow="IssuePolicy", input=e("{}"), version=">>1")),
        document(step("subworkflow", workflow="IssuePolicy", input=e("{}"), version=">=1 <2")),
    ),
    "value.not-json": (b"{", json.dumps(document(COMPLETE))),
    "value.number": (
        json.dumps(document(COMPLETE)).replace(
            "[", '[{"id": "s", "kind": "complete", "output": {"const": ' + "1" * 35 + "}},", 1
        ),
        document(step("complete", output={"const": 10**33})),
    ),
    "value.text": (
        document(step("complete", output={"const": "a\0"})),
        document(step("complete", output={"const": "a\x01"})),
    ),
    "value.key": (document(COMPLETE, input={1: 2}), document(COMPLETE, input={"1": 2})),
    "value.too-deep": (
        document(COMPLETE, input={"x": json.loads("[" * 100 + "]" * 100)}),
        document(COMPLETE, input={"x": json.loads("[" * 99 + "]" * 99)}),
    ),
    "id.duplicate": (document(set_("a", x="1"), set_("a", y="1")), document(set_("a", x="1"), set_("A", y="1"))),
    "id.unknown": (
        document(COMPLETE, meta={"steps": {"other": {"title": "T"}}}),
        document(COMPLETE, meta={"steps": {"complete": {"title": "T"}}}),
    ),
    "name.unassigned": (
        document(if_("input.x", set_("a", x="1")), set_("b", y="x")),
        document(if_("input.x", set_("a", x="1"), otherwise=[fail()]), set_("b", y="x")),
    ),
    "name.reserved": (document(set_("a", now="1")), document(set_("a", now_="1"))),
    "name.local": (document(each(set_("a", item="1"))), document(each(set_("a", item_="item")))),
    "name.shadowed": (document(set_("a", item="1"), each()), document(each(), set_("a", item="1"))),
    "set.overlap": (
        document(set_("b", a="{}"), step("set", assign={"a": e("{}"), "a.b": e("1")})),
        document(set_("b", a="{}"), step("set", assign={"a.c": e("{}"), "a.b": e("1")})),
    ),
    "set.empty": (document(step("set", assign={})), document(set_("a", x="None"))),
    "flow.unreachable": (
        document(if_("input.x", fail(), otherwise=[COMPLETE]), set_("a", x="1")),
        document(if_("input.x", fail()), set_("a", x="1")),
    ),
    "flow.not-in-loop": (
        document(while_("input.x", fork([if_("input.y", LEAVE)], [call()]))),
        document(while_("input.x", if_("input.y", LEAVE), call())),
    ),
    "flow.continue-in-parallel": (
        document(each(if_("input.x", CONTINUE), parallel=2)),
        document(each(if_("input.x", CONTINUE))),
    ),
    "flow.ends-in-compensation": (
        document(try_([call()], compensate=[COMPLETE])),
        document(try_([call()], compensate=[fail()])),
    ),
    "decision.no-branches": (document(step("decision", branches=[])), document(if_("True"))),
    "decision.falls-through": (document(if_("input.x", call())), document(if_("input.x", call(), otherwise=[]))),
    "loop.form": (document({**while_("input.x", call()), "until": e("input.x")}), document(until("input.x", call()))),
    "loop.endless": (
        document(set_("a", n="0"), while_("n < 3", set_("b", m="n + 1"))),
        document(set_("a", n="0"), while_("n < 3", set_("b", n="n + 1"))),
    ),
    "each.collect": (document(each(collect=e("item"))), document(each(collect=e("item"), result="all_of"))),
    "timer.form": (document(step("timer")), document(step("timer", after=e('"PT1S"')))),
    "fork.no-branches": (document(fork()), document(fork([call()]))),
    "fork.join": (document(fork([call("a")], [call("b")], join=3)), document(fork([call("a")], [call("b")], join=2))),
    "fork.label": (
        document(fork([call("a")], [call("b")], labels="aa")),
        document(fork([call("a")], [call("b")], labels="aA")),
    ),
    "parallel.conflict": (
        document(set_("s", x="1"), fork([set_("a", x="2")], [set_("b", y="x")])),
        document(set_("s", x="1"), fork([set_("a", z="x")], [set_("b", y="x")])),
    ),
    "parallel.outer-write": (
        document(set_("s", x="1"), each(set_("a", x="item"), parallel=2)),
        document(each(set_("a", x="item"), parallel=2), set_("s", x="1")),
    ),
    "handler.no-codes": (document(try_([call()], ([], []))), document(try_([call()], (["*"], [])))),
    "handler.dead": (
        document(try_([call()], (["failure"], []), (["failure.x"], []))),
        document(try_([call()], (["failure.x"], []), (["failure"], []))),
    ),
    "code.invalid": (document(fail("not ok")), document(fail("not-ok.really"))),
    "call.attempt-timeout": (document(call(timeout="PT10S")), document(call(timeout="PT30S"))),
    "expression.too-deep": (document(step("complete", output=deep(100))), document(step("complete", output=deep(99)))),
    "expression.unknown-operator": (
        document(step("complete", output={"op": "===", "args": []})),
        document(step("complete", output=e("1 == 2"))),
    ),
    "expression.unknown-function": (
        document(step("complete", output=e('uper("a")'))),
        document(step("complete", output=e('upper("a")'))),
    ),
    "expression.arguments": (
        document(step("complete", output=e("upper()"))),
        document(step("complete", output=e('strip("a")'))),
    ),
    "expression.unknown-member": (
        document(call(reply=QUOTE, result="quote"), step("complete", output=e("quote.premum"))),
        document(
            call(reply={**QUOTE, "additionalProperties": True}, result="quote"),
            step("complete", output=e("quote.premum")),
        ),
    ),
    "expression.type": (
        document(call(reply=QUOTE, result="quote"), if_("quote.premium", otherwise=[])),
        document(call(reply=QUOTE, result="quote"), if_("quote.accepted", otherwise=[])),
    ),
    "schema.invalid": (document(COMPLETE, input={"type": "strng"}), document(COMPLETE, input={"type": "string"})),
    "workflow.unknown": (
        document(step("subworkflow", workflow="IssuePolcy", input=e("{}"))),
        document(step("subworkflow", workflow="IssuePolicy", input=e("{}"))),
    ),
    "workflow.version-unknown": (
        document(step("continue_with", workflow="IssuePolicy", input=e("{}"), version="^2")),
        document(step("continue_with", workflow="IssuePolicy", input=e("{}"), version="^1.4")),
    ),
}


def test_every_diagnostic_has_a_case() -> None:
    assert CASES.keys() == DIAGNOSTICS.keys()


@pytest.mark.parametrize("code", CASES)
def test_triggers(code: str) -> None:
    found = [problem for problem in problems_of(CASES[code][0]) if problem.code == code]
    assert found, [problem.code for problem in problems_of(CASES[code][0])]
    problem = found[0]
    assert problem.severity == DIAGNOSTICS[code].severity
    assert problem.message


@pytest.mark.parametrize("code", CASES)
def test_comes_close(code: str) -> None:
    found = problems_of(CASES[code][1])
    assert code not in [problem.code for problem in found]
    assert not [problem for problem in found if problem.severity == "error"], found


def test_pointers_lead_to_what_is_wrong() -> None:
    for code, (made, _) in CASES.items():
        if isinstance(made, (bytes, str)):
            continue
        for problem in problems_of(made):
            at: Any = made
            *keys, last = problem.pointer.split("/")[1:] or [""]
            for key in keys:
                at = at[int(key)] if isinstance(at, list) else at[key.replace("~1", "/").replace("~0", "~")]
            assert isinstance(at, (dict, list)), (code, problem.pointer, last)


def test_all_problems_at_once_in_order() -> None:
    made = document(set_("a", now="1"), set_("a", y="nothing"), LEAVE)
    codes = [problem.code for problem in problems_of(made)]
    assert set(codes) == {"name.reserved", "id.duplicate", "name.unassigned", "flow.not-in-loop"}


def test_messages_name_the_way_out() -> None:
    made = document(call(reply=QUOTE, result="quote"), step("complete", output=e("qoute.premium")))
    (problem,) = problems_of(made)
    assert problem.step == "complete"
    assert problem.hint == "did you mean 'quote'?"


ASSIGNED = {
    "branches": document(if_("input.x", set_("a", x="1"), otherwise=[set_("b", x="2")]), set_("c", y="x")),
    "leaves": document(while_("True", call(), set_("a", x="1"), if_("input.x", LEAVE)), set_("c", y="x")),
    "until": document(until("x > 1", set_("a", x="1"), call()), set_("c", y="x")),
    "fork": document(fork([set_("a", x="1")], [set_("b", z="2")]), set_("c", y="x + z")),
    "handler ends": document(try_([set_("a", x="1")], (["*"], [fail()])), set_("c", y="x")),
    "error": document(try_([call()], (["*"], [set_("a", x="error.code")]))),
    "collect": document(
        each(set_("a", x="item"), collect=e("x + item"), result="sums", parallel=3), set_("c", y="sums")
    ),
    "next": document(until("x > 1", set_("a", x="1"), if_("input.x", NEXT), call())),
    "collect after next": document(
        each(if_("item == 1", NEXT), set_("a", x="item"), collect=e("x"), result="xs"), set_("c", y="xs")
    ),
    "check": document(
        task(check=[{"when": e("answer.x == input.x"), "message": e('f"{answer.x}"')}], result="answer_of")
    ),
    "compensation": document(try_([set_("a", x="1")], compensate=[set_("b", y="x")])),
}
UNASSIGNED = {
    "loop may not run": document(while_("input.x", call(), set_("a", x="1")), set_("c", y="x")),
    "items may be none": document(each(set_("a", x="1")), set_("c", y="x")),
    "leaves before": document(while_("True", call(), if_("input.x", LEAVE), set_("a", x="1")), set_("c", y="x")),
    "any": document(fork([set_("a", x="1")], [set_("b", z="2")], join="any"), set_("c", y="x")),
    "handler goes on": document(try_([set_("a", x="1")], (["*"], [])), set_("c", y="x")),
    "in handler": document(try_([set_("a", x="1")], (["*"], [set_("c", y="x")]))),
    "error outside": document(try_([call()], (["*"], [])), set_("a", x="error.code")),
    "item outside": document(each(call()), set_("c", y="item")),
    "turn's own": document(each(set_("a", x="1"), parallel=2), set_("c", y="x")),
    "member": document(step("set", assign={"a.b": e("1")})),
    "same step": document(set_("a", x="1", y="x")),
    "next before": document(until("x > 1", if_("input.x", NEXT), set_("a", x="1"), call())),
    "collect where nothing was": document(
        each(if_("item == 1", set_("a", x="item")), collect=e("x"), result="xs"), set_("c", y="xs")
    ),
    "answer outside": document(task(payload=e("answer"))),
    "compensation's": document(try_([call()], compensate=[set_("b", y="1")]), set_("c", z="y")),
}


@pytest.mark.parametrize("way", ASSIGNED)
def test_surely_assigned(way: str) -> None:
    assert "name.unassigned" not in [problem.code for problem in problems_of(ASSIGNED[way])]
    assert not [problem for problem in problems_of(ASSIGNED[way]) if problem.severity == "error"]


@pytest.mark.parametrize("way", UNASSIGNED)
def test_not_surely_assigned(way: str) -> None:
    assert "name.unassigned" in [problem.code for problem in problems_of(UNASSIGNED[way])]
