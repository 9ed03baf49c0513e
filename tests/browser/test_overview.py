"""Where all instances of a workflow stand, in a browser; and that a delta in the page is what the renderer draws."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import armillary as arm
import pytest
from armillary import call, task, workflow
from armillary.operating import retry_each
from armillary.widgets import live
from armillary.widgets.assets import PARTS, module_text
from armillary.widgets.overview import Overview
from armillary_engine.runtime import Changed
from armillary_renderers.diagram.model import Mark
from armillary_renderers.gallery import GALLERY
from armillary_renderers.project.overlay import CHANGES, STATES, Overlay, StepState, delta
from armillary_renderers.render import render
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from .bare import Bare, reach

pytestmark = [pytest.mark.require("chromium"), pytest.mark.timeout(120)]


@workflow
def approve_order(amount: int) -> str:
    """Approve an order."""
    call("stock/reserve", amount=amount)
    if amount > 100:
        task("ApproveOrder", roles=["manager"])
    task("PackOrder", roles=["clerk"])
    return "packed"


def reserve(request: arm.Request) -> Any:
    if request.arguments["amount"] == 13:
        raise RuntimeError("no such stock")
    return {"reserved": True}


@pytest.fixture
def bench() -> Iterator[arm.Workbench]:
    with arm.Workbench("memory://") as bench:
        bench.service("stock", reserve)
        for amount in [13, 13, *[500] * 7, *[5] * 4]:
            bench.start(approve_order, {"amount": amount})
        for instance in bench.instances():
            instance.wait(timeout=60)
        yield bench


def expect_counts(page: Page, **steps: str) -> None:
    """Until these rows of the table say this: how many stand there, are blocked and failed, in one text."""
    for step, counts in steps.items():
        row = page.locator(".armillary-live-table tbody tr").filter(
            has=page.get_by_role("button", name=step.replace("_", "-"), exact=True)
        )
        expect(row.locator("td")).to_have_text(counts.split())


class Told:
    """Completes tasks, and waits until listeners were told of where that led."""

    def __init__(self, bench: arm.Workbench) -> None:
        self._heard: dict[str, int] = {}
        self._arrived = threading.Condition()
        bench.runtime.subscribe(self._hear)

    def _hear(self, changed: Changed) -> None:
        with self._arrived:
            self._heard[changed.instance] = changed.revision
            self._arrived.notify_all()

    def complete(self, tasks: Sequence[arm.Task], step: str | None) -> None:
        for one in tasks:
            one.complete()
            where = (step,) if step else ()
            with self._arrived:
                there = self._arrived.wait_for(partial(self._is, one.instance, where), 60)
            assert there, f"expected {one.instance!r} at {where}"

    def _is(self, instance: arm.Instance, steps: tuple[str, ...]) -> bool:
        view = instance.view
        return view.steps == steps and self._heard.get(instance.id, 0) >= view.revision


def on(page: Page, step: str) -> Any:
    return page.locator(f".armillary-live .armillary-node[data-step='{step}']")


@pytest.fixture
def view(show: Callable[..., Bare], bench: arm.Workbench) -> Bare:
    watch = bench.watch(approve_order)
    return show(Overview(bench.runtime, watch.definition, watch.before), module="overview")


def hear_of_anything(view: Bare) -> None:
    """As after a line was lost: what is in the store already may not have been told yet."""
    view.model._changed(Changed("", 0))
    view.deliver()


def test_it_counts_where_they_stand_and_says_where_they_failed(view: Bare, page: Page) -> None:
    expect_counts(page, approve_order="7 · ·", pack_order="4 · ·", reserve="· · 2")
    expect(page.locator(".armillary-live-table tbody tr")).to_have_count(3)
    expect(on(page, "approve-order").locator(".armillary-visits")).to_have_text("7")
    expect(on(page, "approve-order")).to_have_attribute("data-heat", "5")
    expect(on(page, "pack-order"), "a part of a level is a level").to_have_attribute("data-heat", "3")
    expect(on(page, "reserve")).to_have_attribute("data-problem", "error")
    expect(on(page, "reserve")).to_have_attribute("aria-label", re.compile("2 failed here: no such stock"))
    expect(page.locator(".armillary-live-facts").first).to_contain_text("11 waiting")
    expect(on(page, "if-amount").locator(".armillary-visits")).to_have_text("")


APART = """() => {
  const node = document.querySelector(".armillary-live .armillary-node[data-step=reserve]");
  const [count, mark] = [".armillary-visits", ".armillary-problem"].map((which) => node.querySelector(which).getBoundingClientRect());
  return count.width > 0 && mark.width > 0 && count.left >= mark.right - 1;
}"""  # noqa: E501


def test_a_count_and_the_mark_of_a_problem_stand_apart(view: Bare, page: Page) -> None:
    page.wait_for_function(APART)


SHOTS = Path(__file__).parents[2] / "test-results" / "screenshots"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_screenshots(show: Callable[..., Bare], page: Page, bench: arm.Workbench, dark: bool) -> None:
    """Which the docs show: ``docs/images/make.py``."""
    watch = bench.watch(approve_order)
    show(Overview(bench.runtime, watch.definition, watch.before), module="overview", dark=dark)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator(".armillary-live-table").get_by_role("button", name="reserve").click()
    page.get_by_role("button", name="Retry what failed here").click()
    expect(page.get_by_role("form", name="Retry what failed")).to_be_visible()
    view = page.locator(".armillary-live")
    expect(view).to_have_css("background-color", "rgb(21, 26, 33)" if dark else "rgb(255, 255, 255)")
    page.wait_for_function(
        "() => { const view = document.querySelector('.armillary-live');"
        " return view.scrollWidth <= view.clientWidth + 1; }"
    )
    SHOTS.mkdir(parents=True, exist_ok=True)
    view.screenshot(path=SHOTS / f"overview-{'dark' if dark else 'light'}.png")


def test_it_follows_by_itself_and_only_what_changed_is_read(view: Bare, page: Page, bench: arm.Workbench) -> None:
    picture = page.locator(".armillary-live-stage > div").element_handle()
    told = Told(bench)
    three = list(bench.tasks("ApproveOrder"))[:3]
    asked: list[str] = []
    real = bench.runtime.instance
    bench.runtime.instance = lambda id: (asked.append(id), real(id))[1]  # type: ignore[method-assign]
    told.complete(three, "pack-order")
    view.deliver()
    expect_counts(page, pack_order="7 · ·")
    assert set(asked) == {one.instance.id for one in three}
    told.complete(bench.tasks("PackOrder", limit=2), None)
    view.deliver()
    expect(page.locator(".armillary-live-facts").first).to_contain_text("2 completed since you look")
    expect_counts(page, pack_order="5 · ·")
    assert page.evaluate("(one) => one === document.querySelector('.armillary-live-stage > div')", picture), (
        "drawn anew"
    )


def test_a_step_lists_its_instances(view: Bare, page: Page) -> None:
    page.get_by_role("button", name="reserve").click()
    chosen = page.get_by_role("region", name="Chosen step")
    expect(chosen.locator("li")).to_have_count(2)
    expect(chosen.locator("li").first).to_contain_text("failed: no such stock")


def test_what_failed_is_retried_after_a_question_and_it_says_what_it_did(
    view: Bare, page: Page, bench: arm.Workbench
) -> None:
    actions = page.get_by_role("group", name="Actions")
    question = page.get_by_role("form", name="Retry what failed")
    actions.get_by_role("button", name="Retry all that failed").click()
    expect(question).to_contain_text("Take up the 2 instances that failed again")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert len(bench.instances(status="failed")) == 2, "it was only asked"

    bench.service("stock", lambda request: {"reserved": True})
    retry, asked = bench.runtime.retry, []

    def somebody_is_faster(id: str, **options: Any) -> None:
        if not asked:
            retry(id)
            reach(bench.runtime, lambda: bench.instance(id).status == "waiting")
        asked.append(id)
        retry(id, **options)

    bench.runtime.retry = somebody_is_faster  # type: ignore[method-assign]
    actions.get_by_role("button", name="Retry all that failed").click()
    question.get_by_role("button", name="Retry 2").click()
    view.settle()
    told = page.locator(".armillary-live-header [role=status]", has_text="Retried")
    expect(told).to_contain_text("Retried 1 of 2; the other was refused: expected an instance that can be retried")
    reach(bench.runtime, lambda: len(bench.instances(status="waiting")) == 13)
    hear_of_anything(view)
    expect_counts(page, pack_order="6 · ·")
    expect(actions.get_by_role("button")).to_have_count(0)
    expect(page.locator(".armillary-live-facts").first).to_contain_text("13 waiting")


def test_what_failed_at_a_step_is_retried_there(view: Bare, page: Page, bench: arm.Workbench) -> None:
    page.get_by_role("button", name="reserve").click()
    chosen = page.get_by_role("region", name="Chosen step")
    bench.service("stock", lambda request: {"reserved": True})
    chosen.get_by_role("button", name="Retry what failed here").click()
    page.get_by_role("button", name="Retry 2").click()
    expect(page.locator(".armillary-live-header [role=status]", has_text="Retried 2")).to_be_visible()
    reach(bench.runtime, lambda: len(bench.instances(status="waiting")) == 13)
    hear_of_anything(view)
    expect(chosen).to_contain_text("No instance stands here")


def test_instances_of_another_version_are_counted_apart(
    show: Callable[..., Bare], page: Page, bench: arm.Workbench
) -> None:
    """A step of the same name means something else there: it would be counted where it does not stand."""

    @workflow(name="ApproveOrder", version="2.0.0")
    def approve_order_anew(amount: int) -> str:
        """Approve an order."""
        task("PackOrder", roles=["robot"])
        call("stock/reserve", amount=amount)
        return "packed"

    old = bench.watch(approve_order)
    bench.start(approve_order_anew, {"amount": 1}).wait(timeout=60)
    watch = bench.watch("ApproveOrder")
    assert [(row.step, row.standing, row.failed) for row in watch.steps] == [("pack-order", 1, 0)]
    [elsewhere] = watch.elsewhere
    assert (elsewhere.version, elsewhere.standing, elsewhere.failed) == (approve_order.version, 11, 2)
    assert [(other.version, other.standing) for other in old.elsewhere] == [("2.0.0", 1)]
    assert "2.0.0; 13 on other versions" in repr(watch)
    show(Overview(bench.runtime, watch.definition, watch.before), module="overview")
    expect_counts(page, pack_order="1 · ·")
    expect(page.locator(".armillary-live-facts").first).to_contain_text(re.compile("ApproveOrder 2.0.0 *1 waiting"))
    expect(page.locator(".armillary-live-elsewhere tbody td")).to_have_text(["11", "·", "2"])
    expect(page.get_by_role("button", name="Retry all that failed")).to_have_count(0)
    page.get_by_role("radio", name="What the newest 200 passed").check()
    expect(on(page, "pack-order").locator(".armillary-visits")).to_have_text("1")


def test_other_overlays_lie_on_the_same_picture(view: Bare, page: Page, bench: arm.Workbench) -> None:
    page.get_by_role("radio", name="What the newest 200 passed").check()
    expect(on(page, "reserve").locator(".armillary-visits")).to_have_text("13")
    expect(page.locator(".armillary-edge[data-heat='5']").first).to_have_count(1)
    page.get_by_role("radio", name="Problems").check()
    expect(on(page, "reserve")).not_to_have_attribute("data-heat", "5")
    expect(page.locator(".armillary-live .armillary-node[data-problem]")).to_have_count(0)
    page.get_by_role("radio", name="Where they stand").check()
    expect(on(page, "approve-order")).to_have_attribute("data-heat", "5")


def test_changes_since_the_version_before(show: Callable[..., Bare], page: Page, bench: arm.Workbench) -> None:
    @workflow
    def approve_order_before(amount: int) -> str:
        """As it was."""
        call("stock/reserve", amount=amount)
        task("CheckOrder", roles=["auditor"])
        task("PackOrder", roles=["clerk"])
        return "packed"

    watch = bench.watch(approve_order, against=approve_order_before)
    show(Overview(bench.runtime, watch.definition, watch.before), module="overview")
    page.get_by_role("radio", name="Changes since").check()
    expect(on(page, "approve-order")).to_have_attribute("data-change", "added")
    expect(on(page, "approve-order").locator(".armillary-change")).to_have_text("+ added")
    page.get_by_role("button", name="Legend").click()
    expect(page.get_by_role("region", name="Legend").locator("li", has_text="+ added")).to_be_visible()


def test_the_legend_has_what_is_in_use(view: Bare, page: Page) -> None:
    page.locator(".armillary-live-canvas").focus()
    page.get_by_role("button", name="Legend").click()
    legend = page.get_by_role("region", name="Legend")
    expect(legend.locator("li")).to_have_text(["none", "up to 3", "up to 5", "up to 7", "!an error, or a failure"])
    page.get_by_role("button", name="Legend").click()
    expect(legend).to_be_hidden()


def test_a_watch_retries_what_failed_and_tells(bench: arm.Workbench) -> None:
    watch = bench.watch(approve_order)
    again = watch.retry_failed(step="pack-order")
    assert (again.done, again.refused, repr(again)) == ((), (), "Retried 0")
    bench.service("stock", lambda request: {"reserved": True})
    failed = {instance.id for instance in bench.instances(status="failed")}
    done = watch.retry_failed(by="ann")
    assert (set(done.done), str(done)) == (failed, "Retried 2")
    reach(bench.runtime, lambda: len(bench.instances(status="waiting")) == 13)
    [refused] = retry_each(bench.runtime, ["nobody"]).refused
    assert refused[1].code == "instance.unknown"


def test_a_watch_is_a_table_and_a_picture_too(bench: arm.Workbench) -> None:
    watch = bench.watch("ApproveOrder")
    assert [(row.step, row.standing, row.failed) for row in watch.steps] == [
        ("approve-order", 7, 0), ("pack-order", 4, 0), ("reserve", 0, 2),
    ]  # fmt: skip
    assert "no such stock" in repr(watch)
    assert ">7</text>" in watch.picture().svg
    shown = watch._repr_mimebundle_()
    assert "11 waiting" in shown[0]["text/plain"]
    live.release(bench.runtime)


# ── what a delta does in the page is what the renderer would have drawn ──────────────────────────────────────────────

DEFINITION = GALLERY["settle-claim"]
STEPS = sorted(node.id for node in render(DEFINITION).diagram.nodes if node.step is not None)
EDGES = sorted({(edge.source, edge.target) for edge in render(DEFINITION).diagram.edges})
steps = st.sampled_from(STEPS)
overlays = st.builds(
    Overlay,
    st.dictionaries(
        steps, st.builds(StepState, st.sampled_from(STATES), st.integers(0, 3), retries=st.integers(0, 2)), max_size=5
    ),
    st.frozensets(st.sampled_from(EDGES), max_size=5),
    st.dictionaries(steps, st.integers(0, 9000), max_size=5),
    st.dictionaries(st.sampled_from(EDGES), st.integers(0, 9), max_size=5),
    st.dictionaries(steps, st.sampled_from(CHANGES), max_size=3),
    st.dictionaries(
        steps, st.builds(lambda kind, text: (Mark(kind, text),), st.sampled_from(("error", "warning")), st.just("why")),
        max_size=3,
    ),
)  # fmt: skip
READ = """
const read = (svg) => ({
  live: svg.dataset.live,
  nodes: Object.fromEntries([...svg.querySelectorAll(".armillary-node[data-node]")].map((node) => [node.dataset.node, {
    state: node.dataset.state, heat: node.dataset.heat, change: node.dataset.change, problem: node.dataset.problem,
    texts: [...node.querySelectorAll("text")].filter((one) => one.textContent).map((one) => one.textContent),
    badge: node.querySelector(".armillary-problem")?.dataset.severity,
    title: node.querySelector(":scope > title")?.textContent,
    says: node.getAttribute("aria-label").split(", ").sort().join(),
  }])),
  edges: Object.fromEntries([...svg.querySelectorAll(".armillary-edge[data-edge]")].map((edge) => [edge.dataset.edge, { ...edge.dataset }])),
});
"""  # noqa: E501
APPLY = """([source, steps]) => {
  const made = (text) => new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const svg = made(source);
  return steps.map(([change, drawn]) => { window.applyChanges(svg, change); return [window.read(svg), window.read(made(drawn))]; });
}"""  # noqa: E501


def test_a_delta_in_the_page_gives_what_the_renderer_draws(page: Page) -> None:
    module = module_text("overview").replace("export default", "window.parts =")
    assert "overview" in PARTS
    page.set_content("<p></p>")
    page.add_script_tag(content=f"{READ} window.read = read; {module}; window.applyChanges = applyChanges;")

    @given(st.lists(overlays, min_size=1, max_size=3))
    @settings(max_examples=25)
    def agrees(found: list[Overlay]) -> None:
        before, told = Overlay(), []
        for overlay in found:
            told.append([delta(before, overlay), render(DEFINITION, overlay=overlay).svg])
            before = overlay
        for mine, drawn in page.evaluate(APPLY, [render(DEFINITION, overlay=Overlay()).svg, told]):
            assert mine == drawn

    agrees()
