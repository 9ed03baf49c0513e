"""Time travel: an instance at any event of its history, from a store and from a file that was exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import armillary as arm
import pytest
from armillary import call, subworkflow, task, workflow


@workflow
def check_policy(policy: str) -> str:
    """Check a policy."""
    number = call("policies/number", policy=policy)
    task("ConfirmNumber", roles=["clerk"], payload={"number": number})
    return "checked"


@workflow
def quote_policy(policy: str, amount: Decimal) -> str:
    """Quote a policy."""
    asked = 0
    quote = call("rating/quote", amount=amount)
    while asked < 2:
        review = task("ReviewQuote", roles=["underwriter"], timeout="P3D")
        if review.answer == "approve":
            break
        asked = asked + 1
    if quote.premium < 100:
        return "cheap"
    return subworkflow("CheckPolicy", policy=policy)


@pytest.fixture(params=["memory", "sqlite"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[arm.Instance]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'store.sqlite'}"
    with arm.Workbench(url) as bench:
        bench.service("rating", lambda request: {"premium": Decimal("12500.50")})
        bench.service("policies", lambda request: {"number": 1})
        bench.deploy(check_policy)
        instance = bench.start(quote_policy, {"policy": "P-1", "amount": "99.90"})
        for answer in ("again", "approve", "fine"):
            instance.wait(timeout=10)
            for open_task in instance.tasks:
                open_task.complete({"answer": answer})
        yield instance.wait("ended", timeout=10)


def test_every_moment_agrees_with_the_history_up_to_it(instance: arm.Instance) -> None:
    recording = arm.replay(instance)
    last = len(recording)
    assert recording.at(0).state == {}
    assert recording.at(0).overlay.steps == {}
    assert recording.at(last).state == instance.state
    assert (recording.at(last).status, recording.at(last).output) == (instance.status, instance.output)
    for number in range(1, last + 1):
        then, before = recording.at(number), recording.at(number - 1)
        event = then.event
        assert event is not None
        assert event.number == number
        if event.patch:
            assert then.state != before.state or event.patch[0][-1] == before.state.get(event.patch[0][0])
        if event.step and event.type == "step.waiting" and event.data["for"] == "task":
            assert (then.status, then.steps) == ("waiting", (event.step,))
            assert then.overlay.steps[event.step].state == "waiting"


def test_an_exported_history_says_the_same_without_an_engine(instance: arm.Instance, tmp_path: Path) -> None:
    path = instance.export(tmp_path / "history.json")
    kept, live = arm.replay(path), arm.replay(instance)
    assert kept.document == live.document
    for number in range(len(live) + 1):
        assert kept.at(number) == live.at(number)
        assert kept.picture(number).svg == live.picture(number).svg
    assert kept.at(len(kept)).state["quote"]["premium"] == Decimal("12500.50")
    assert [child.view.workflow for child in kept.children.values()] == ["CheckPolicy"]
    assert json.loads(path.read_text())["format"] == "armillary.history/1"


def test_the_layout_is_the_same_at_every_moment(instance: arm.Instance) -> None:
    recording = arm.replay(instance)
    assert {recording.picture(number).placed.to_json() for number in range(len(recording) + 1)} == {
        recording.picture().placed.to_json()
    }


def test_it_shows_itself_in_a_notebook(instance: arm.Instance, tmp_path: Path) -> None:
    bundle: Any = arm.replay(instance.export(tmp_path / "history.json"))._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "<svg" in data["text/html"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON"),
        ("[]", "expected armillary.history/1"),
        ('{"format": "armillary.history/0"}', "got 'armillary.history/0'"),
        ('{"format": "armillary.history/1", "instance": {}}', "expected a complete history"),
        (
            '{"format": "armillary.history/1", "instance": {"id": 1}, "events": [{}], "definition": {}}',
            "complete history",
        ),
    ],
)
def test_what_is_no_history_is_refused_in_words(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "history.json"
    path.write_text(content)
    with pytest.raises(arm.ArmillaryError, match=message) as raised:
        arm.replay(path)
    assert raised.value.code == "history.format"
    with pytest.raises(arm.ArmillaryError, match="expected an exported history") as missing:
        arm.replay(tmp_path / "nothing.json")
    assert missing.value.code == "history.file"
