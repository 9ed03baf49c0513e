import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from armillary.words import changes, clip, event_text, standing, to_json
from armillary_engine.definition.codec import loads
from armillary_engine.runtime import EventView, InstanceView
from hypothesis import given
from hypothesis import strategies as st

numbers = st.integers(-(10**33), 10**33) | st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**29
)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=4), inner, max_size=4),
    max_leaves=10,
)


@given(values, st.sampled_from([None, 2]))
def test_json_says_exactly_what_the_value_is(value, indent):
    assert loads(to_json(value, indent=indent)) == value


@given(values.filter(lambda value: "Decimal" not in repr(value)))
def test_indented_json_looks_like_the_standard_library_writes_it(value):
    assert to_json(value, indent=2) == json.dumps(value, indent=2, ensure_ascii=False)


def test_money_keeps_its_digits():
    assert to_json({"amount": Decimal("12000.5")}) == '{"amount": 12000.5}'


def instance(**fields) -> InstanceView:
    base = {"id": "i", "workflow": "W", "version": "1", "digest": "d", "status": "waiting", "resting": True}
    return InstanceView(**(base | {"revision": 1, "steps": ("review",)} | fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "waiting at review"),
        ({"status": "completed", "steps": ()}, "completed"),
        ({"blocked": "waiting for service 'rating'"}, "blocked: waiting for service 'rating'"),
        ({"status": "failed", "error": {"code": "failure.x", "message": "no policy"}}, "failed (failure.x): no policy"),
    ],
)
def test_where_an_instance_stands(fields, words):
    assert standing(instance(**fields)) == words


def event(type: str, patch=(), **data) -> EventView:
    return EventView("i", 1, type, datetime.now(UTC), 1, "quote", data, patch)


def test_events_are_told_in_words():
    assert event_text(event("step.waiting", **{"for": "task"})) == "waits for a person"
    assert "no such policy" in event_text(event("step.failed", code="failure.x", message="no such policy"))


def test_changes_of_an_event():
    patch = [["quote.premium", Decimal("12.5")], ["remarks"]]
    assert changes(event("step.done", patch)) == "quote.premium = 12.5; remarks removed"


def test_long_texts_are_clipped():
    assert clip("abcdef", 4) == "abc…"
