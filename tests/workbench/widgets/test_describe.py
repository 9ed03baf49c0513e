"""What the history says of each event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from armillary.widgets.describe import row_of
from armillary_engine.runtime import EventView

AT = datetime(2026, 3, 2, tzinfo=UTC)
DUE = int((AT + timedelta(seconds=2)).timestamp() * 1_000_000)


def event(type: str, data: Any = None, patch: Any = ()) -> EventView:
    return EventView("i", 1, type, AT, 1, "quote", data or {}, patch)


@pytest.mark.parametrize(
    ("type", "data", "text"),
    [
        ("instance.started", {"input": {}}, "started"),
        ("step.waiting", {"for": "call", "service": "rating", "operation": "quote"}, "asks rating / quote"),
        ("step.waiting", {"for": "task"}, "waits for a person"),
        ("step.done", {"branch": 0}, "the first condition holds"),
        ("step.done", {"branch": 7}, "condition 8 holds"),
        ("step.done", {"branch": "otherwise"}, "no condition holds"),
        ("step.done", {"attempt": 1}, "done"),
        ("step.done", {"attempt": 3}, "done at attempt 3"),
        ("call.retrying", {"attempt": 2, "due": DUE, "message": "busy"}, "attempt 1 failed, tried again in 2 s: busy"),
        ("step.failed", {"code": "failure.x", "message": "no such policy"}, "failed: no such policy"),
        ("instance.failed", {"code": "failure.x", "message": "no such policy"}, "failed with failure.x"),
        (
            "instance.cancelling",
            {"by": "ann", "reason": "withdrawn"},
            "undoes what was done, to be cancelled by ann: withdrawn",
        ),
        ("something.new", {"a": 1}, "something.new"),
    ],
)
def test_texts(type: str, data: Any, text: str) -> None:
    assert row_of(event(type, data))["text"] == text


def test_a_failure_before_the_first_step_is_told_by_the_instance() -> None:
    failed = EventView("i", 1, "instance.failed", AT, 0, None, {"code": "c", "message": "the input does not fit"}, ())
    assert row_of(failed)["text"] == "failed: the input does not fit"


def test_what_changed_travels_with_exact_numbers() -> None:
    row = row_of(event("step.done", {}, [("quote", Decimal("12.50")), ("old",)]))
    assert row["patch"] == [("quote", {"type": "number", "text": "12.50"}), ("old", None)]


def test_what_no_text_tells_is_kept_as_detail() -> None:
    assert [name for name, _ in row_of(event("something.new", {"for": 1, "b": 2}))["detail"]] == ["for", "b"]
    assert [name for name, _ in row_of(event("step.failed", {"code": "c", "message": "m"}))["detail"]] == ["code"]
