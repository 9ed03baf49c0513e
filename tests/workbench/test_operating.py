"""Handles and tables of what an operator looks after."""

from __future__ import annotations

from collections.abc import Iterator

import armillary as arm
import pytest
from armillary.operating import dead_letter_table, signal_table
from armillary_engine.operations import DeadLetterQuery
from armillary_engine.queries import SignalQuery
from armillary_engine.testing.clock import BEGINNING
from armillary_engine.testing.inline import InlineEngine

DAY = 86_400_000_000
ALL = DeadLetterQuery(status=None)


@pytest.fixture
def engine() -> Iterator[InlineEngine]:
    engine = InlineEngine(now=BEGINNING)
    engine.runtime.signal("payment-received", {"amount": 3}, match="P-1", id="s-1")
    engine.settle()
    engine.go_to(BEGINNING + 31 * DAY)
    engine.settle()
    yield engine
    engine.runtime.close()


def test_a_signal_that_nobody_took_in_time_is_a_dead_letter(engine):
    (letter,) = dead_letter_table(engine.runtime, DeadLetterQuery())
    assert (letter.reason, letter.view.name) == ("unmatched", "payment-received")
    assert letter.id in repr(letter)
    assert "payment-received" in repr(dead_letter_table(engine.runtime, ALL))
    assert "unmatched" in repr(signal_table(engine.runtime, SignalQuery()))


def test_a_dead_letter_is_replayed_once(engine):
    (letter,) = dead_letter_table(engine.runtime, DeadLetterQuery())
    assert letter.replay(by="ann").view.status == "replayed"
    assert letter.view.decided_by == "ann"
    assert len(dead_letter_table(engine.runtime, DeadLetterQuery())) == 0
    assert [view.status for view in signal_table(engine.runtime, SignalQuery(status="kept"))] == ["kept"]
    with pytest.raises(arm.ArmillaryError) as caught:
        letter.replay()
    assert caught.value.code == "dead-letter.decided"


def test_a_dead_letter_is_dropped_and_stays_listed(engine):
    (letter,) = dead_letter_table(engine.runtime, DeadLetterQuery())
    letter.drop("no such policy", by="ann")
    assert [one.view.status for one in dead_letter_table(engine.runtime, ALL)] == ["dropped"]
