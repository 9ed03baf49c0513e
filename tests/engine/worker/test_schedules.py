"""What becomes of a schedule when its runs are late, fail, or are nobody's to change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from armillary_engine.definition import model as m
from armillary_engine.definition.problems import ArmillaryError
from armillary_engine.local import LocalRuntime
from armillary_engine.operations import Every, ScheduleView
from armillary_engine.runtime import Caller
from armillary_engine.testing.clock import VirtualClock

from ..local.conftest import code

TEN = Every(interval=10)
OPS, EVE = Caller("bob", frozenset({"ops"})), Caller("eve", frozenset({"clerk"}))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def runtime(clock: VirtualClock) -> Iterator[LocalRuntime]:
    with LocalRuntime("memory://", clock=clock, work=False) as opened:
        body = (m.Task("review", "Review"),)
        opened.deploy(m.Definition("Case", body, access=m.Access(operate=("ops",)), version="1.0.0"))
        opened.deploy(m.Definition("Other", body, version="1.0.0"))
        yield opened
        assert list(opened.check()) == []


def later(runtime: LocalRuntime, clock: VirtualClock, seconds: float) -> None:
    clock.advance(seconds=seconds)
    while runtime.engine.step():
        pass


def only(runtime: LocalRuntime) -> ScheduleView:
    (view,) = runtime.schedules()
    return view


def test_a_minute_late_is_in_time(runtime: LocalRuntime, clock: VirtualClock) -> None:
    made = runtime.schedule("hourly", "Case", Every(interval=3600), missed="skip")
    assert made.next is not None
    later(runtime, clock, 3600 + 60)
    assert (len(runtime.instances()), only(runtime).last) == (1, made.next)
    later(runtime, clock, 3600 + 0.001)
    assert len(runtime.instances()) == 1, "a minute and a bit is not"
    assert (only(runtime).last, only(runtime).next) == (made.next, made.next + timedelta(hours=2)), "that of the run"


def test_a_run_that_fails_is_told_until_one_succeeds_and_holds_up_no_other(
    runtime: LocalRuntime, clock: VirtualClock
) -> None:
    runtime.schedule("a", "Case", TEN)
    later(runtime, clock, 10)
    (first,) = runtime.instances()
    runtime.schedule("b", "Other", TEN)
    runtime.disable("Case", "1.0.0", caller=OPS)
    later(runtime, clock, 10)
    failed, fine = runtime.schedules()
    assert "1.0.0 (disabled)" in (failed.error or "")
    assert (failed.last_instance, failed.last) == (first.id, failed.next and failed.next - timedelta(seconds=10))
    assert (fine.error, len(runtime.instances())) == (None, 2)
    runtime.enable("Case", "1.0.0", caller=OPS)
    later(runtime, clock, 10)
    mended, _ = runtime.schedules()
    assert (mended.error, mended.last_instance == first.id) == (None, False)


def test_who_may_not_operate_a_workflow_changes_none_of_its_schedules(
    runtime: LocalRuntime, clock: VirtualClock
) -> None:
    assert code(runtime.schedule, "often", "Case", TEN, caller=EVE) == "operate.not-allowed"
    assert runtime.schedules() == []
    made = runtime.schedule("often", "Case", TEN, caller=OPS)
    for change in (runtime.pause_schedule, runtime.resume_schedule, runtime.delete_schedule):
        assert code(change, "often", caller=EVE) == "operate.not-allowed"
    assert only(runtime) == made
    paused = runtime.pause_schedule("often", caller=OPS)
    assert (paused.paused, runtime.pause_schedule("often", caller=OPS)) == (True, paused)
    clock.advance(seconds=3)
    assert runtime.resume_schedule("often", caller=OPS) == made
    clock.advance(seconds=3)
    assert runtime.resume_schedule("often", caller=OPS) == made, "it is not paused"
    runtime.delete_schedule("often", caller=OPS)
    assert runtime.schedules() == []


@pytest.mark.parametrize("given", [{"missed": "some"}, {"at_most": 0}])
def test_what_to_do_with_missed_runs_is_checked(runtime: LocalRuntime, given: Any) -> None:
    assert code(runtime.schedule, "often", "Case", TEN, **given) == "schedule.invalid"
    assert runtime.schedule("often", "Case", TEN, missed="all", at_most=1).at_most == 1


def test_a_schedule_that_is_put_again_is_another_one(runtime: LocalRuntime, clock: VirtualClock) -> None:
    runtime.schedule("often", "Case", TEN, caller=OPS)
    runtime.pause_schedule("often", caller=OPS)
    clock.advance(seconds=3)
    anchored = Every(interval=0.5, anchor=runtime.schedule("often", "Other", TEN).created)
    again = runtime.schedule("often", "Other", anchored)
    assert (again.workflow, again.paused, again.every) == ("Other", False, anchored)
    assert only(runtime) == again


def test_a_run_that_the_store_fails_is_made_when_it_is_well(
    runtime: LocalRuntime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise ArmillaryError("store.lost", "expected an answer")

    made = runtime.schedule("often", "Case", TEN)
    monkeypatch.setattr(runtime.engine.store, "commit", fail)
    with pytest.raises(ArmillaryError, match="an answer"):
        later(runtime, clock, 10)
    assert only(runtime) == made
    monkeypatch.undo()
    runtime.engine.pulse.work = True  # as the loop does
    later(runtime, clock, 1)
    assert (only(runtime).last, only(runtime).error, len(runtime.instances())) == (made.next, None, 1)
