"""What a person sees of sensitive values in notebooks, exports and at the command line: nothing, unless they ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import armillary as arm
import pytest
from armillary import Failure, call, task, workflow
from armillary.widgets.feed import Feed
from armillary.widgets.static import bundle
from click.testing import CliRunner
from pydantic import BaseModel, Field

SECRET, AMOUNT = "øłđŋ-4711", Decimal("8271.625")
Hidden = Annotated[str, Field(json_schema_extra={"x-sensitive": True})]


class Person(BaseModel):
    """Who applies."""

    name: str
    ssn: Hidden
    wage: Annotated[Decimal, Field(json_schema_extra={"x-sensitive": True})]
    cards: list[Hidden] = []


@workflow
def check_person(person: Person) -> str:
    """Check a person."""
    why = ""
    label = f"{person.name} ({person.ssn})"
    try:
        call("register/check", ssn=person.ssn)
    except Failure as error:
        why = error.message
    review = task("LookAtPerson", roles=["clerk"], title=f"Look at {label}", payload={"person": person, "label": label})
    if review.answer != "fine":
        arm.fail("refused", f"{label}: {review.answer}, {why}")
    return label


GIVEN = {"name": "Ann", "ssn": SECRET, "wage": AMOUNT, "cards": [SECRET, SECRET]}


def hides(shown: object) -> bool:
    text = shown if isinstance(shown, str) else json.dumps(shown, default=str, ensure_ascii=False)
    return not any(sign in text for sign in (*"øłđŋ", "4711", str(AMOUNT), "\\u00f8"))


def broken(request: Any) -> Any:
    raise ValueError(f"no {request.arguments['ssn']}")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.sqlite"


@pytest.fixture(params=["fine", "no"])
def instance(request: pytest.FixtureRequest, url: str) -> Iterator[arm.Instance]:
    with arm.Workbench(url) as bench:
        bench.service("register", broken)
        bench.deploy(check_person)
        instance = bench.start(check_person, GIVEN).wait(timeout=20)
        feed = Feed(instance.runtime, instance.id)
        assert hides(feed.snapshot())
        for open_task in instance.tasks:
            assert hides(repr(open_task) + repr(open_task.payload))
            assert open_task.reveal().payload["person"]["ssn"] == SECRET
            open_task.complete({"answer": request.param})
        instance.wait("ended", timeout=20)
        assert hides(feed.change())
        yield instance


def test_nothing_that_is_shown_or_exported_tells_it(instance: arm.Instance, tmp_path: Path) -> None:
    definition = instance.runtime.definition_by_digest(instance.view.digest)
    picture = arm.render(instance)
    shown = [
        repr(instance), instance.state, instance.input, instance.output, instance.error, repr(instance.history),
        instance.history._repr_html_(), picture.svg, dict(picture._repr_mimebundle_()),
        bundle(picture.svg, instance.view, definition), instance.export(tmp_path / "history.json").read_text(),
        Feed(instance.runtime, instance.id).snapshot(),
    ]  # fmt: skip
    for one in shown:
        assert hides(one), one
    recording = arm.replay(tmp_path / "history.json")
    assert recording.at(len(recording)).state == instance.state
    assert instance.reveal().input["ssn"] == SECRET
    if instance.status == "completed":
        assert instance.reveal().output == f"Ann ({SECRET})"


def test_the_command_line_tells_it_only_where_it_is_asked_to(instance: arm.Instance, url: str, tmp_path: Path) -> None:
    from armillary.cli import armillary

    (tmp_path / "person.json").write_text(json.dumps(GIVEN, default=str))
    instance.runtime.start("CheckPerson", GIVEN)
    instance.runtime.signal("paid", {"a": 1}, instance=instance.id)
    commands = [
        ["instances", "list"], ["instances", "show", instance.id], ["instances", "history", instance.id],
        ["instances", "export", instance.id], ["tasks", "list", "--all"], ["dead-letters", "list", "--all"],
        ["definitions", "list"], ["signals", "list"],
    ]  # fmt: skip
    for command in commands:
        for more in ([], ["--json"]) if "export" not in command else ([],):
            ran = CliRunner().invoke(armillary, [*command, *more, "--url", url])
            assert ran.exit_code == 0, ran.output
            assert hides(ran.output), ran.output
    ran = CliRunner().invoke(armillary, ["instances", "show", instance.id, "--reveal", "--url", url])
    assert SECRET in ran.output


def test_a_simulation_prints_none_and_a_test_may_look_at_all() -> None:
    script = [
        arm.testing.reply("register/check", {}, arguments={"ssn": SECRET}),
        arm.testing.answer("LookAtPerson", {"answer": "fine"}),
    ]
    run = arm.testing.run(check_person, script, input=GIVEN)
    assert run.output == f"Ann ({SECRET})"
    assert hides(run.story + repr(run) + repr(run.calls) + repr(run.shown))
