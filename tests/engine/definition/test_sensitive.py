"""Where sensitive values go in a workflow, step by step."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.expressions import parse
from armillary_engine.definition.marks import any_in
from armillary_engine.definition.sensitive import Kin, Sensitive, sensitive_of

SECRET = {"x-sensitive": True}
INPUT = {"properties": {"ssn": SECRET, "name": {}, "cards": {"items": {"properties": {"number": SECRET, "label": {}}}}}}


def flow(*body: m.Step, **fields: Any) -> Sensitive:
    return sensitive_of(m.Definition("Case", body, input=INPUT, **fields))


def of(text: str) -> Any:
    return flow(m.Set("s", {"x": parse(text)})).names.get("x", False)


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("input.ssn", True),
        ("input.name", False),
        ("input.ssn == 'a'", False),
        ("input.ssn in ['a']", False),
        ("startswith(input.ssn, 'a')", False),
        ("upper(input.ssn)", True),
        ("len(input.ssn)", True),
        ("f'{input.ssn}!'", True),
        ("input.ssn[0:3]", True),
        ("input.ssn + 'x'", True),
        ("{'a': input.ssn, 'b': 1}", {"a": True, "b": False}),
        ("{'a': input.ssn, 'b': 1}['a']", True),
        ("{'a': input.ssn, 'b': 1}['b']", False),
        ("[input.ssn, 'b'][1]", True),
        ("[input.name, 'b'][1]", False),
        ("'x' if input.ssn == 'a' else 'y'", False),
        ("input.ssn if input.name == 'a' else 'y'", True),
        ("[c.number for c in input.cards]", {"*": True}),
        ("[c.label for c in input.cards if c.number == 1]", {"*": False}),
        ("get(input, 'ssn', '')", True),
        ("get(input, 'name', '')", False),
        ("coalesce(input.name, input.ssn)", True),
        ("first(input.cards)", True),
    ],
)
def test_what_is_computed_from_it_is_sensitive(text: str, marks: Any) -> None:
    found = of(text)
    assert (found if any_in(found) else False) == (marks if any_in(marks) else False)


def test_it_is_followed_through_names_whatever_their_order() -> None:
    found = flow(
        m.Repeat(
            "again",
            (m.Set("late", {"b": parse("a")}), m.Set("early", {"a": parse("input.ssn")})),
            until=parse("true"),
        )
    )
    assert found.names["b"] is True


def test_a_loop_that_nests_ends() -> None:
    nest = m.Set("nest", {"x": m.Object({"inner": m.Get("x"), "own": m.Get("input.ssn")})})
    assert any_in(flow(m.Repeat("again", (nest,), until=parse("true"))).names["x"])


def test_what_comes_from_outside_is_as_its_schema_says() -> None:
    schema = {"properties": {"token": SECRET}}
    found = flow(
        m.Call("quote", m.Address("a", "b"), m.Const(None), reply=schema, result="quote"),
        m.Task("review", "Review", answer=schema, result="review"),
        m.Signal("paid", "paid", payload=schema, result="paid"),
    )
    assert all(any_in(found.names[name]) for name in ("quote", "review", "paid"))
    assert found.told == {"quote", "review", "paid"}
    assert any_in(found.field("review", "answer"))


def test_what_a_step_is_given_is_known() -> None:
    found = flow(
        m.Task("review", "Review", title=parse("f'for {input.ssn}'"), payload=parse("{'who': input.ssn, 'n': 1}")),
        m.Signal("paid", "paid", match=parse("input.ssn")),
        m.Reference("ref", parse("input.ssn"), {"a": parse("input.ssn"), "b": parse("input.name")}),
        m.Set("s", {"r": parse("instance.reference")}),
    )
    assert found.field("review", "payload") == {"who": True, "n": False}
    assert found.field("review", "title") is True
    assert found.field("paid", "match") is True
    assert found.any_field("parts") == {"a": True, "b": False}
    assert found.names["r"] is True


def test_failures_that_may_tell_it_are_known_where_they_are_caught() -> None:
    call = m.Call("quote", m.Address("a", "b"), parse("{'ssn': input.ssn}"))
    handler = m.Handler(("*",), (m.Set("s", {"why": parse("e.message"), "code": parse("error.code")}),), "e")
    found = flow(m.Try("try", (call,), (handler,)))
    assert found.told == {"quote", "s"}
    assert found.names["why"] is True
    assert "code" not in found.names
    assert flow(m.Try("try", (m.Call("c", m.Address("a", "b"), m.Const(1)),), (handler,))).names.keys() == {"input"}


def test_a_code_may_be_made_of_it() -> None:
    assert flow(m.Fail("no", parse("f'bad.{input.ssn}'"), m.Const("x"))).codes
    assert not flow(m.Fail("no", m.Const("bad"), parse("input.ssn"))).codes


def test_other_workflows_are_followed() -> None:
    def kin(name: str) -> Kin:
        return {"Child": Kin({"token": True}, True, False)}[name]

    body = (m.Subworkflow("child", "Child", m.Const(None), result="r"), m.Complete("done", m.Get("r")))
    found = sensitive_of(m.Definition("Parent", body), kin)
    assert found.names["r"] == {"token": True}
    assert found.output == {"token": True}
    assert found.told == {"child", "done"}
    after = sensitive_of(m.Definition("First", (m.ContinueWith("next", "Child", m.Const(None)),)), kin)
    assert after.output == {"token": True}


def test_where_nothing_is_marked_nothing_is_sensitive() -> None:
    assert not sensitive_of(
        m.Definition("Plain", (m.Set("s", {"x": m.Get("input.a")}),), input={"properties": {"a": {}}})
    )
