"""Values for the browser: numbers as text, large values cut and counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import pytest
from armillary.widgets.values import MAX_MEMBERS, MAX_TEXT, answer_of, to_json_text, to_node
from armillary_engine.definition.problems import ArmillaryError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1234567890123456789012345678901234"), "1234567890123456789012345678901234"),
        (Decimal("0.1000"), "0.1000"),
        (Decimal("1E+20"), "100000000000000000000"),
        (Decimal("-1E-7"), "-0.0000001"),
        (2**200, str(2**200)),
    ],
)
def test_numbers_are_text_with_all_their_digits(value: Any, text: str) -> None:
    assert to_node(value) == {"type": "number", "text": text}
    assert to_json_text(value) == text


def test_true_is_no_number() -> None:
    assert to_node(True) == {"type": "boolean", "value": True}


def test_long_texts_and_collections_are_cut_and_say_so() -> None:
    assert to_node("x" * (MAX_TEXT + 5)) == {"type": "text", "text": "x" * MAX_TEXT, "more": 5}
    assert cast(Any, to_node(list(range(MAX_MEMBERS + 3))))["more"] == 3
    assert cast(Any, to_node({str(i): i for i in range(MAX_MEMBERS + 3)}))["more"] == 3


def test_a_deep_value_is_cut_at_a_depth() -> None:
    value: Any = 1
    for _ in range(2000):
        value = [value]
    node: Any = to_node(value)
    while node["type"] == "list" and node["items"]:
        node = node["items"][0]
    assert node == {"type": "list", "items": [], "more": 1}


def test_a_wide_value_stays_within_its_budget() -> None:
    node: Any = to_node([[i] * 100 for i in range(400)], nodes=1000)
    count = sum(1 + len(item["items"]) for item in node["items"])
    assert count <= 1001
    assert len(node["items"]) + node["more"] == 400


def test_answers_keep_their_digits() -> None:
    answer = answer_of('{"premium": 12500.10, "count": 123456789012345678901234567890}')
    assert answer == {"premium": Decimal("12500.10"), "count": 123456789012345678901234567890}
    assert str(answer["premium"]) == "12500.10"


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "{'a': 1}", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ArmillaryError) as caught:
        answer_of(text)
    assert caught.value.code == "task.answer-not-json"
