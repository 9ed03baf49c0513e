"""What is sensitive reaches a page when a person asks for it at the live view, and only then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import armillary as arm
import pytest
from armillary import task, workflow
from armillary_engine.definition.problems import ArmillaryError
from playwright.sync_api import Page, expect
from pydantic import BaseModel, Field

from .bare import Bare, reach

pytestmark = [pytest.mark.require("chromium"), pytest.mark.timeout(120)]
SECRET = "4711-0815"


class Person(BaseModel):
    """Who applies."""

    name: str
    ssn: Annotated[str, Field(json_schema_extra={"x-sensitive": True})]


@workflow
def look_at_person(person: Person) -> str:
    """Look at a person."""
    label = f"{person.name} ({person.ssn})"
    review = task("Look", title=f"Look at {label}", payload={"label": label})
    return str(review.answer)


@pytest.fixture
def instance() -> Iterator[arm.Instance]:
    with arm.Workbench("memory://") as bench:
        yield bench.start(look_at_person, {"name": "Ann", "ssn": SECRET}).wait(timeout=60)


class Heard(Bare):
    """Keeps what the page was told."""

    told: list[str]

    def _waiting(self) -> list[Any]:
        messages = super()._waiting()
        self.told = [*getattr(self, "told", []), *map(json.dumps, messages)]
        return messages


@pytest.fixture
def view(page: Page, instance: arm.Instance) -> Iterator[Heard]:
    view = Heard(page, instance)
    yield view
    view.close()


def reached(view: Heard, page: Page) -> bool:
    """Whether the secret is anywhere: on the page, in what it was told, in what a notebook saves."""
    kept = json.dumps([view.model.current(), view.model._repr_mimebundle_()], default=str)
    return any(SECRET in text for text in (page.content(), kept, *view.told))


def test_a_task_is_revealed_when_somebody_asks_and_hidden_again(view: Heard, page: Page) -> None:
    card = page.locator(".armillary-live-task")
    expect(card.locator("h4")).to_have_text("•••")
    assert not reached(view, page)
    card.get_by_role("button", name="Reveal").click()
    expect(card.locator("h4")).to_have_text(f"Look at Ann ({SECRET})")
    expect(card.locator(".armillary-live-payload")).to_contain_text(SECRET)
    card.get_by_role("button", name="Hide").click()
    expect(card.locator("h4")).to_have_text("•••")
    view.told.clear()
    assert not reached(view, page), "neither the model nor what a notebook saves ever had it"


def test_the_state_is_revealed_until_it_changes(view: Heard, page: Page, instance: arm.Instance) -> None:
    state = page.get_by_role("tree", name="State")
    expect(state).to_contain_text("•••")
    assert not reached(view, page)
    reveal = page.locator(".armillary-live-section", has=state).get_by_role("button", name="Reveal")
    reveal.click()
    expect(state).to_contain_text(f"Ann ({SECRET})")
    instance.runtime.suspend(instance.id)
    reach(instance.runtime, lambda: instance.status == "suspended")
    view.deliver()
    expect(page.locator(".armillary-live-badge")).to_contain_text("Suspended")
    expect(state).not_to_contain_text(SECRET)
    expect(state).to_contain_text("•••")


def test_who_may_not_see_it_is_told_so(
    view: Heard, page: Page, instance: arm.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any, **__: Any) -> Any:
        raise ArmillaryError("access.denied", "expected somebody who may do the task, got nobody")

    monkeypatch.setattr(instance.runtime, "task", denied)
    card = page.locator(".armillary-live-task")
    card.get_by_role("button", name="Reveal").click()
    expect(card).to_contain_text("expected somebody who may do the task, got nobody")
    expect(card.locator("h4")).to_have_text("•••")
    assert not reached(view, page)


def test_where_nothing_is_hidden_nothing_is_offered(show: Callable[..., Bare], page: Page) -> None:
    with arm.Workbench("memory://") as bench:
        instance = bench.start(look_at_anybody, {"name": "Ann"}).wait(timeout=60)
        show(instance)
        expect(page.locator(".armillary-live-task h4")).to_have_text("Look at Ann")
        expect(page.get_by_role("button", name="Reveal")).to_have_count(0)


@workflow
def look_at_anybody(name: str) -> str:
    """Look at anybody."""
    review = task("Look", title=f"Look at {name}", payload={"name": name})
    return str(review.answer)
