"""The diagram of the live view in a browser: moving over it, finding steps, folding, and time travel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import armillary as arm
import pytest
from armillary import call, subworkflow, task, workflow
from playwright.sync_api import Page, expect

from .bare import Bare

pytestmark = [pytest.mark.require("chromium"), pytest.mark.timeout(120)]


@workflow
def confirm_number(policy: str) -> str:
    """Confirm a number."""
    call("policies/number", policy=policy)
    task("ConfirmNumber", roles=["clerk"])
    return "confirmed"


@workflow
def insure_boat(policy: str) -> str:
    """Insure a boat."""
    rounds = 0
    call("rating/quote", policy=policy)
    while rounds < 3:
        review = task("ReviewQuote", roles=["underwriter"], timeout="P3D")
        if review.answer == "approve":
            break
        rounds = rounds + 1
    if rounds > 2:
        call("mail/decline", policy=policy)
        return "declined"
    return subworkflow("ConfirmNumber", policy=policy)


@pytest.fixture
def instance() -> Iterator[arm.Instance]:
    with arm.Workbench("memory://") as bench:
        for service in ("rating", "policies", "mail"):
            bench.service(service, lambda request: {"done": True})
        bench.deploy(confirm_number)
        instance = bench.start(insure_boat, {"policy": "P-1"})
        for answer in ("again", "approve"):
            instance.wait(timeout=60)
            for open_task in instance.tasks:
                open_task.complete({"answer": answer})
        yield instance.wait(timeout=60)


@pytest.fixture
def view(show: Callable[..., Bare], instance: arm.Instance) -> Bare:
    return show(instance)


def node(page: Page, id: str) -> Any:
    return page.locator(f".armillary-live .armillary-node[data-node='{id}']")


REST = """() => new Promise((rested) => {
  const stage = document.querySelector('.armillary-live-stage');
  let [before, still] = ['', 0];
  requestAnimationFrame(function look() {
    still = stage.style.transform === before ? still + 1 : 0;
    before = stage.style.transform;
    if (still < 12) return requestAnimationFrame(look);
    const m = new DOMMatrix(before);
    rested([m.e, m.f, m.a]);
  });
})"""
"""A change is drawn by the next frame, a glide by several: at rest is what twelve frames did not change."""


def transform(page: Page) -> list[float]:
    """x, y and scale of the stage, at rest."""
    return [float(number) for number in page.evaluate(REST)]


def canvas(page: Page) -> Any:
    return page.locator(".armillary-live-canvas")


def test_it_is_dragged_scrolled_and_zoomed(view: Bare, page: Page) -> None:
    page.keyboard.press("Tab")
    before = transform(page)
    box = canvas(page).bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 400)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 500, steps=4)
    page.mouse.up()
    dragged = transform(page)
    assert dragged[1] == pytest.approx(before[1] + 100, abs=5)
    expect(page.locator(".armillary-selected"), "the end of a drag chose a step").to_have_count(0)
    page.mouse.wheel(0, 60)
    page.wait_for_function(
        "(y) => !document.querySelector('.armillary-live-stage').style.transform.includes(y)", arg=f"{dragged[1]}px"
    )
    scrolled = transform(page)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -240)
    page.keyboard.up("Control")
    page.wait_for_function("() => !document.querySelector('.armillary-live-level').textContent.startsWith('100')")
    zoomed = transform(page)
    assert zoomed[2] == pytest.approx(dragged[2] * 2.718, rel=0.01)
    before, after = ((500 - y) / scale for _, y, scale in (scrolled, zoomed))
    assert after == pytest.approx(before, abs=2), "what is under the pointer stays there"
    page.get_by_role("button", name="Show all of it").click()
    whole = transform(page)
    height = page.evaluate("() => document.querySelector('.armillary-live-stage svg').viewBox.baseVal.height")
    assert whole[2] * height <= box["height"]
    expect(page.locator(".armillary-live-map")).to_be_hidden()
    page.get_by_role("button", name="Actual size").click()
    expect(page.locator(".armillary-live-map")).to_be_visible()


def test_the_overview_moves_the_picture(view: Bare, page: Page) -> None:
    page.get_by_role("button", name="Actual size").click()
    map = page.locator(".armillary-live-map")
    expect(map).to_be_visible()
    transform(page)
    box = map.bounding_box()
    map.click(position={"x": box["width"] / 2, "y": 8})
    top = transform(page)
    map.click(position={"x": box["width"] / 2, "y": box["height"] - 8})
    bottom = transform(page)
    assert bottom[1] < top[1]
    map.focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    assert transform(page)[1] > bottom[1]
    page.get_by_role("button", name="Overview").click()
    expect(map).to_be_hidden()


def test_the_arrow_keys_follow_the_edges(view: Bare, page: Page) -> None:
    expect(page.locator(".armillary-live-canvas [tabindex='0']")).to_have_count(1)
    node(page, ":start").focus()
    for next in ("rounds", "quote", "while-rounds", "review-quote", "if-answer"):
        page.keyboard.press("ArrowDown")
        expect(node(page, next)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(node(page, "review-quote")).to_be_focused()
    page.locator(".armillary-node[data-node=if-rounds]").focus()
    page.keyboard.press("ArrowDown")
    expect(node(page, "confirm-number"), "the way that was taken").to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(node(page, "decline"), "the other way of the same decision").to_be_focused()
    expect(page.locator(".armillary-walked")).to_have_attribute("data-target", "decline")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Chosen step")).to_contain_text("Decline")
    page.keyboard.press("Escape")
    expect(page.locator(".armillary-live-chosen")).to_be_hidden()


def test_the_way_back_is_the_way_that_was_walked(view: Bare, page: Page) -> None:
    """Two ways lead to the test of the loop: each is gone back where one came from."""
    for before in ("quote", "while-rounds-rounds"):
        node(page, before).focus()
        page.keyboard.press("ArrowDown")
        expect(node(page, "while-rounds")).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(node(page, before)).to_be_focused()


def test_a_search_finds_steps_by_what_stands_on_them(view: Bare, page: Page) -> None:
    page.locator(".armillary-node[data-node=quote]").focus()
    page.keyboard.press("/")
    page.keyboard.type("underwriter")
    expect(page.locator(".armillary-live-found-count")).to_have_text("1 of 1")
    expect(page.locator(".armillary-found-now")).to_have_attribute("data-node", "review-quote")
    page.get_by_label("Find a step").first.fill("number zzz")
    expect(page.locator(".armillary-live-found-count")).to_have_text("no step")
    page.get_by_role("searchbox").fill("mail")
    page.keyboard.press("Escape")
    expect(page.locator(".armillary-live-search")).to_be_hidden()
    expect(node(page, "decline")).to_be_focused()
    expect(page.locator(".armillary-found")).to_have_count(0)


AMISS = """() => {
  const middle = (which) => { const box = document.querySelector(which).getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; };
  const [[x, y], [wanted, high]] = [middle('.armillary-found-now .armillary-shape'), middle('.armillary-live-canvas')];
  return [Math.abs(x - wanted), Math.abs(y - high)];
}"""  # noqa: E501


def test_what_was_found_glides_to_the_middle(view: Bare, page: Page) -> None:
    """Where somebody does not ask for less motion; as all other tests do."""
    page.emulate_media(reduced_motion="no-preference")
    for _ in range(5):  # Until it is far larger than its pane, which it otherwise keeps to.
        page.get_by_role("button", name="Larger").click()
    canvas(page).locator("[tabindex='0']").focus()
    page.keyboard.press("/")
    page.keyboard.type("underwriter")
    expect(page.locator(".armillary-found-now")).to_have_count(1)
    transform(page)
    across, down = page.evaluate(AMISS)
    assert across < 2
    assert down < 2


def test_a_step_shows_the_lines_that_it_was_written_in(view: Bare, page: Page) -> None:
    page.get_by_role("button", name="Show all of it").click()
    page.locator(".armillary-node[data-step=review-quote]").click()
    chosen = page.get_by_role("region", name="Chosen step")
    here = chosen.locator(".armillary-live-line-here")
    expect(here).to_have_count(1)
    expect(here).to_contain_text('task("ReviewQuote"')
    first = insure_boat.source_map["review-quote"].line
    expect(chosen).to_contain_text(f"{Path(__file__).name}, line {first}")
    chosen.locator(".armillary-live-line-step", has_text='call("rating/quote"').click()
    expect(page.locator(".armillary-selected")).to_have_attribute("data-step", "quote")
    page.evaluate("() => document.addEventListener('armillary:source', (event) => { window.place = event.detail })")
    chosen.get_by_role("button", name="line").click()
    page.wait_for_function("(line) => window.place?.line === line", arg=insure_boat.source_map["quote"].line)


def test_loops_and_subworkflows_collapse_and_expand(view: Bare, page: Page) -> None:
    page.get_by_role("button", name="Show all of it").click()
    page.get_by_role("button", name="Collapse while-rounds").click()
    collapsed = page.locator(".armillary-node[data-node=while-rounds][data-kind=collapsed]")
    expect(collapsed).to_have_attribute("data-state", "done")
    expect(page.locator(".armillary-node[data-node=review-quote]")).to_have_count(0)
    collapsed.focus()
    page.keyboard.press("f")
    expect(page.locator(".armillary-node[data-node=review-quote]")).to_have_count(1)
    page.locator(".armillary-node[data-node=confirm-number]").dblclick()
    inner = page.locator(".armillary-node[data-step='confirm-number::confirm-number']")
    expect(inner).to_have_attribute("data-state", "waiting")
    page.get_by_role("button", name="Collapse confirm-number").click()
    expect(inner).to_have_count(0)


def test_an_expanded_child_lives_and_is_travelled(view: Bare, page: Page, instance: arm.Instance) -> None:
    page.get_by_role("button", name="Show all of it").click()
    page.locator(".armillary-node[data-node=confirm-number]").dblclick()
    inner = page.locator(".armillary-node[data-step='confirm-number::confirm-number']")
    expect(inner).to_have_attribute("data-state", "waiting")
    for open_task in instance.tasks:
        open_task.complete({})
    instance.wait("ended", timeout=60)
    view.deliver()
    expect(inner).to_have_attribute("data-state", "done")
    started = next(event.number for event in instance.history if "child" in event.data)
    scrubber = page.get_by_label("Moment of the history")
    for number, state in ((started - 1, "not-reached"), (started, "done"), (0, "not-reached")):
        scrubber.fill(str(number))
        expect(page.locator(".armillary-live")).to_have_attribute("data-moment", str(number))
        expect(inner).to_have_attribute("data-state", state)
    page.get_by_role("button", name="Live").click()
    expect(inner).to_have_attribute("data-state", "done")


PAIRS = "(which) => [...document.querySelectorAll(which)].map((edge) => [edge.dataset.source, edge.dataset.target])"


def test_time_travel_shows_diagram_and_state_as_they_were(view: Bare, page: Page, instance: arm.Instance) -> None:
    recording = arm.replay(instance)
    scrubber = page.get_by_label("Moment of the history")
    for number in (0, 3, 7, 5, len(recording)):
        scrubber.fill(str(number))
        root = page.locator(".armillary-live")
        if number < len(recording):
            expect(root).to_have_attribute("data-moment", str(number))
        then = recording.at(number)
        expect(root).to_have_attribute("data-status", then.status)
        for step in recording.definition_of_it.body:
            node = page.locator(f".armillary-live .armillary-node[data-step='{step.id}']")
            state = then.overlay.steps[step.id].state if step.id in then.overlay.steps else "not-reached"
            expect(node).to_have_attribute("data-state", state)
        drawn = {tuple(pair) for pair in page.evaluate(f"({PAIRS})('.armillary-edge[data-source]')")}
        page.wait_for_function(
            f"(pairs) => ({PAIRS})('.armillary-edge[data-taken=true]').map(String).sort().join() === pairs",
            arg=",".join(sorted(",".join(pair) for pair in then.overlay.taken & drawn)),
        )
    expect(page.get_by_role("heading", name="To do")).to_be_visible()


def test_an_answer_about_a_picture_that_is_gone_is_not_drawn(view: Bare, page: Page, instance: arm.Instance) -> None:
    """Asked for from a moment of the past, and overtaken by the way back to the present."""
    page.get_by_label("Moment of the history").fill("7")
    expect(page.locator(".armillary-live")).to_have_attribute("data-moment", "7")
    page.evaluate("""() => {
        const scrubber = document.querySelector(".armillary-live-scrubber");
        const go = (to) => { scrubber.value = to; scrubber.dispatchEvent(new Event("input")); };
        go(4);
        document.querySelector(".armillary-live-now").click();
        go(2);
    }""")
    expect(page.locator(".armillary-live")).to_have_attribute("data-moment", "2")
    view.settle()
    then = arm.replay(instance).at(2).overlay.steps
    for step in insure_boat.definition.body:
        state = then[step.id].state if step.id in then else "not-reached"
        expect(page.locator(f".armillary-live .armillary-node[data-step='{step.id}']")).to_have_attribute(
            "data-state", state
        )


def test_the_past_stays_while_the_present_goes_on(view: Bare, page: Page, instance: arm.Instance) -> None:
    page.get_by_label("Moment of the history").fill("4")
    root = page.locator(".armillary-live")
    expect(root).to_have_attribute("data-moment", "4")
    expect(page.get_by_role("heading", name="To do")).to_be_hidden()
    before = len(instance.history)
    for open_task in instance.tasks:
        open_task.complete({})
    instance.wait("ended", timeout=60)
    view.deliver()
    expect(root).to_have_attribute("data-moment", "4")
    expect(page.locator(".armillary-live-moment")).to_contain_text(f"4 / {len(instance.history)}")
    assert len(instance.history) > before
    expect(page.locator(".armillary-node[data-step=confirm-number]")).to_have_attribute("data-state", "not-reached")
    page.get_by_role("button", name="Live").click()
    expect(root).not_to_have_attribute("data-moment", "4")
    expect(page.locator(".armillary-node[data-step=confirm-number]")).to_have_attribute("data-state", "done")
    expect(root).to_have_attribute("data-status", "completed")


def test_the_history_is_played_and_a_row_is_a_moment(view: Bare, page: Page, instance: arm.Instance) -> None:
    last = len(instance.history)
    page.get_by_label("Speed").select_option("50")
    page.get_by_role("button", name="Play the history").click()
    expect(page.locator(".armillary-live-moment")).to_contain_text(f"{last} / {last}")
    expect(page.get_by_role("button", name="Play the history")).to_be_visible()
    page.get_by_role("button", name="Show the moment after event 3").click()
    expect(page.locator(".armillary-live")).to_have_attribute("data-moment", "3")
    expect(page.locator(".armillary-live-event[aria-current]")).to_have_attribute("data-number", "3")
    page.get_by_label("Moment of the history").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".armillary-live")).to_have_attribute("data-moment", "4")
    page.get_by_role("button", name="One event back").click()
    expect(page.locator(".armillary-live")).to_have_attribute("data-moment", "3")


RESTS = """() => {
  window.rests = [];
  const plain = window.setTimeout;
  window.setTimeout = (act, rest, ...more) => { if (act.name === "step") window.rests.push(rest); return plain(act, rest, ...more); };
}"""  # noqa: E501


def test_each_speed_is_its_own(view: Bare, page: Page) -> None:
    page.evaluate(RESTS)
    for times in ("0.5", "1", "50"):
        page.get_by_label("Moment of the history").fill("0")
        page.get_by_label("Speed").select_option(times)
        page.evaluate("() => { window.rests.length = 0; }")
        page.get_by_label("Moment of the history").press(" ")
        page.wait_for_function("() => window.rests.length > 0")
        page.get_by_label("Moment of the history").press(" ")
        assert page.evaluate("() => window.rests[0]") == 250 / float(times)


def test_an_exported_history_is_travelled_without_an_engine(
    show: Callable[..., Bare], page: Page, instance: arm.Instance, tmp_path: Path
) -> None:
    recording = arm.replay(instance.export(tmp_path / "history.json"))
    show(recording)
    expect(page.get_by_role("heading", name="To do")).to_be_hidden()
    expect(page.get_by_text("No kernel is following")).to_be_hidden()
    page.get_by_label("Moment of the history").fill("4")
    root = page.locator(".armillary-live")
    expect(root).to_have_attribute("data-moment", "4")
    expect(root).to_have_attribute("data-status", recording.at(4).status)
    page.get_by_role("button", name="Show all of it").click()
    page.locator(".armillary-node[data-node=confirm-number]").dblclick()
    expect(page.locator(".armillary-node[data-step='confirm-number::number']")).to_have_attribute(
        "data-state", "not-reached"
    )
    expect(root).to_have_attribute("data-moment", "4")
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.locator(".armillary-node[data-step='confirm-number::number']")).to_have_attribute("data-state", "done")


def test_a_countdown_counts_and_every_control_has_a_name(view: Bare, page: Page) -> None:
    page.get_by_label("Moment of the history").fill("6")
    clock = page.locator(".armillary-node[data-step=review-quote] .armillary-clock")
    expect(clock).to_have_text("3 d left")
    nameless = page.evaluate(
        "() => [...document.querySelectorAll('.armillary-live :is(button, input, select, [role=button], [tabindex])')]"
        ".filter((one) => !(one.getAttribute('aria-label') ?? one.textContent.trim())"
        " && !one.labels?.length && !one.getAttribute('aria-labelledby')).map((one) => one.outerHTML)"
    )
    assert nameless == []


def test_hostile_sources_and_searches_are_only_texts(
    show: Callable[..., Bare], page: Page, instance: arm.Instance
) -> None:
    hostile = '<img src=x onerror="window.hacked=1"></pre><script>window.hacked=1</script>'
    step = "review-quote"
    document = arm.replay(instance).document
    document["instance"]["digest"] = "of a definition that this process did not compile"
    document["sources"] = {"files": [{"name": hostile, "lines": [(1, hostile)]}], "steps": {step: (0, 1, 1)}}
    recording = arm.replay(document)
    show(recording)
    page.get_by_role("button", name="Show all of it").click()
    page.locator(f".armillary-node[data-step={step}]").click()
    expect(page.locator(".armillary-live-line-here bdi")).to_have_text(hostile)
    page.keyboard.press("/")
    page.keyboard.type(f'{hostile}"]')
    expect(page.locator(".armillary-live-found-count")).to_have_text("no step")
    expect(page.locator(".armillary-live :is(img, script)")).to_have_count(0)
    assert page.evaluate("() => window.hacked === undefined")
