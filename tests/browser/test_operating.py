"""What an operator does at the live view: sees why an instance stands; holds, takes up, retries, cancels, assigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import armillary as arm
import pytest
from armillary import call, compensate, task, workflow
from playwright.sync_api import Page, expect

from .bare import Bare, reach

pytestmark = [pytest.mark.require("chromium"), pytest.mark.timeout(120)]


@workflow
def issue_policy(policy: str) -> str:
    """Issue a policy."""
    call("printer/print", policy=policy)
    call("ledger/book", policy=policy)
    with compensate():
        call("ledger/reverse", policy=policy)
    task("SignPolicy", roles=["officer"])
    return "issued"


class Ledger:
    """Two services, of which the printer can be out of order."""

    def __init__(self) -> None:
        self.broken = True
        self.asked: list[str] = []

    def __call__(self, request: arm.Request) -> Any:
        self.asked.append(request.operation)
        if self.broken and request.operation == "print":
            raise RuntimeError("out of paper")
        return {"done": True}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def instance(ledger: Ledger) -> Iterator[arm.Instance]:
    with arm.Workbench("memory://") as bench:
        bench.service("ledger", ledger)
        bench.service("printer", ledger)
        yield bench.start(issue_policy, {"policy": "P-1"}).wait(timeout=60)


@pytest.fixture
def view(show: Callable[..., Bare], instance: arm.Instance) -> Bare:
    return show(instance)


def badge(page: Page) -> Any:
    return page.locator(".armillary-live-badge")


def mend(instance: arm.Instance, ledger: Ledger) -> None:
    """Retried with success: it waits for the task."""
    ledger.broken = False
    instance.retry()
    reach(instance.runtime, lambda: instance.status == "waiting")


def settle(view: Bare, instance: arm.Instance, status: str) -> None:
    """Until the page's request was answered and the instance is where that leads."""
    view.settle()
    reach(instance.runtime, lambda: instance.status == status)
    view.deliver()


def test_a_failed_instance_says_why_and_is_retried(
    view: Bare, page: Page, instance: arm.Instance, ledger: Ledger
) -> None:
    failed = page.locator(".armillary-live-notice-error", has_text="Failed")
    expect(failed).to_contain_text("out of paper")
    expect(failed).to_contain_text('call("printer/print"')
    expect(failed).to_contain_text("then retry")
    expect(page.get_by_role("group", name="Actions").get_by_role("button")).to_have_text(["Retry"])
    ledger.broken = False
    page.get_by_role("button", name="Retry").click()
    settle(view, instance, "waiting")
    expect(badge(page)).to_have_attribute("data-status", "waiting")
    expect(page.locator(".armillary-live-where")).to_contain_text("waits for a person")
    assert ledger.asked == ["print", "print", "book"]


def test_it_is_held_and_taken_up(view: Bare, page: Page, instance: arm.Instance, ledger: Ledger) -> None:
    mend(instance, ledger)
    view.deliver()
    page.get_by_role("button", name="Suspend").click()
    settle(view, instance, "suspended")
    expect(badge(page)).to_have_attribute("data-status", "suspended")
    expect(page.locator(".armillary-live-notice-warning")).to_contain_text("nothing advances until it is resumed")
    page.get_by_role("button", name="Resume").click()
    settle(view, instance, "waiting")
    expect(badge(page)).to_have_attribute("data-status", "waiting")


def test_cancelling_asks_first_and_undoes_what_was_done(
    view: Bare, page: Page, instance: arm.Instance, ledger: Ledger
) -> None:
    mend(instance, ledger)
    view.deliver()
    page.get_by_role("button", name="Cancel …").click()
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Cancel the instance")).to_be_hidden()
    assert instance.status == "waiting"
    page.get_by_role("button", name="Cancel …").click()
    page.get_by_label("undo first what it did").check()
    page.get_by_label("Reason").fill("the customer withdrew")
    page.keyboard.press("Enter")
    settle(view, instance, "cancelled")
    expect(badge(page)).to_have_attribute("data-status", "cancelled")
    assert ledger.asked[-1] == "reverse"
    assert any(event.data.get("reason") == "the customer withdrew" for event in instance.history)
    expect(page.get_by_role("group", name="Actions").get_by_role("button")).to_have_count(0)


def test_a_task_is_handed_over_and_given_back(view: Bare, page: Page, instance: arm.Instance, ledger: Ledger) -> None:
    mend(instance, ledger)
    view.deliver()
    page.get_by_role("button", name="Assign …").click()
    page.get_by_label("Who is to do it").get_by_role("textbox").fill("ann")
    page.get_by_role("button", name="Hand over").click()
    settle(view, instance, "waiting")
    expect(page.locator(".armillary-live-task")).to_contain_text("taken by ann")
    assert instance.tasks[0].assignee == "ann"
    page.get_by_role("button", name="Assign …").click()
    page.get_by_role("button", name="Release").click()
    settle(view, instance, "waiting")
    expect(page.locator(".armillary-live-task")).to_contain_text("for officer")


def test_what_is_refused_says_so_and_nothing_can_be_done_in_the_past(
    view: Bare, page: Page, instance: arm.Instance, ledger: Ledger
) -> None:
    mend(instance, ledger)
    page.get_by_role("button", name="Retry").click()  # the page still shows the failed instance
    expect(page.get_by_role("alert")).to_contain_text("expected an instance that can be retried")
    view.deliver()
    page.get_by_label("Moment of the history").fill("2")
    expect(page.locator(".armillary-live")).to_have_attribute("data-moment", "2")
    expect(page.get_by_role("group", name="Actions").get_by_role("button")).to_have_count(0)


def test_a_blocked_instance_says_what_it_waits_for(show: Callable[..., Bare], page: Page) -> None:
    with arm.Workbench("memory://") as bench:
        instance = bench.start(issue_policy, {"policy": "P-2"})
        reach(instance.runtime, lambda: instance.blocked)
        show(instance)
        expect(page.locator(".armillary-live-notice-warning")).to_contain_text("Blocked: waiting for service 'printer'")


def test_what_was_undone_is_not_retried(show: Callable[..., Bare], page: Page, ledger: Ledger) -> None:
    with arm.Workbench("memory://") as bench:
        bench.service("ledger", ledger)
        bench.service("printer", lambda request: {"sheets": 2})
        instance = bench.start(issue_policy, {"policy": "P-3"}).wait(timeout=60)
        bench.service("ledger", lambda request: {"done": True})
        instance.cancel(compensate=True, reason="a test")
        instance.wait("ended", timeout=60)
        show(instance)
        expect(page.get_by_role("group", name="Actions").get_by_role("button")).to_have_count(0)
