"""The live view's kernel side: it follows by itself, shares one model, answers a page, and leaves nothing behind."""

from __future__ import annotations

import gc
import json
import threading
from decimal import Decimal
from typing import Any

import pytest
from armillary.widgets import following, live
from armillary.widgets.assets import PARTS, module_text

from .conftest import Sent
from .fake import FakeRuntime, Handle

WAITING: Any = (("step.entered", "review-quote", {}, []), ("step.waiting", "review-quote", {"for": "task"}, []))


def receive(model: live.LiveView, /, **message: Any) -> None:
    model._receive(model, message, [])  # type: ignore[arg-type]


def open_page(view: live.LiveView, name: str = "page-1") -> None:
    receive(view, kind="opened", view=name, sequence=view.current()["sequence"])


def test_a_commit_is_told_without_being_asked(runtime: FakeRuntime, handle: Handle, sent: Sent) -> None:
    open_page(live.view(handle))
    runtime.commit(
        *WAITING, status="waiting", steps=("review-quote",), state={"quote": Decimal("1.50")}, tasks=[runtime.ask()]
    )
    (change,) = sent.wait(len)
    assert change["kind"] == "change"
    assert change["sequence"] == 1
    assert change["overlay"]["steps"]["review-quote"]["state"] == "waiting"
    assert change["header"]["status"] == "waiting"
    assert change["tree"]["set"] == [("quote", {"type": "number", "text": "1.50"})]
    assert [task["id"] for task in change["tasks"]] == ["i-1/2"]
    assert [row["text"] for row in change["history"]] == ["entered", "waits for a person"]
    json.dumps(change)


def test_a_call_runs_while_it_is_asked_and_waits_in_back_off(runtime: FakeRuntime, handle: Handle, sent: Sent) -> None:
    open_page(live.view(handle))
    runtime.commit(("step.waiting", "quote", {"for": "call"}, []), status="running", steps=("quote",))
    sent.wait(len)  # or both changes would come as one
    runtime.commit(("call.retrying", "quote", {"attempt": 1}, []), status="waiting", steps=("quote",))
    asked, back_off = sent.wait(lambda sent: len(sent) == 2)
    assert asked["overlay"]["steps"]["quote"]["state"] == asked["header"]["status"] == "running"
    assert back_off["overlay"]["steps"]["quote"]["state"] == back_off["header"]["status"] == "waiting"


def test_each_change_holds_only_what_is_new(runtime: FakeRuntime, handle: Handle, sent: Sent) -> None:
    open_page(live.view(handle))
    runtime.commit(*WAITING, state={"a": 1, "b": [1]}, tasks=[runtime.ask()])
    sent.wait(lambda messages: len(messages) == 1)
    runtime.commit(("step.done", "review-quote", {}, []), state={"a": True, "b": [1]})
    change = sent.wait(lambda messages: len(messages) == 2)[1]
    assert change["tree"] == {"set": [("a", {"type": "boolean", "value": True})], "removed": []}
    assert change["tasks"] is None
    assert len(change["history"]) == 1


def test_many_quick_commits_become_few_messages_and_lose_nothing(
    runtime: FakeRuntime, handle: Handle, sent: Sent
) -> None:
    open_page(live.view(handle))
    for number in range(200):
        runtime.commit(("step.entered", "quote", {}, [("n", number)]), state={"n": number})
    messages = sent.wait(lambda messages: sum(len(message["history"]) for message in messages) == 200)
    assert len(messages) < 100
    assert [message["sequence"] for message in messages] == list(range(1, len(messages) + 1))
    assert dict(messages[-1]["tree"]["set"])["n"]["text"] == "199"


def test_there_is_one_model_for_an_instance(runtime: FakeRuntime, handle: Handle) -> None:
    assert live.view(handle) is live.view(Handle(runtime))
    other = FakeRuntime()
    assert live.view(Handle(other)) is not live.view(handle)
    live.release(other)  # type: ignore[arg-type]


def test_it_subscribes_while_somebody_looks_and_only_then(runtime: FakeRuntime, handle: Handle, sent: Sent) -> None:
    view = live.view(handle)
    assert runtime.listeners == []
    view._repr_mimebundle_()
    view._repr_mimebundle_()
    assert len(runtime.listeners) == 1, "it is about to be shown"
    open_page(view, "one")
    open_page(view, "two")
    assert len(runtime.listeners) == 1
    receive(view, kind="closed", view="one")
    assert len(runtime.listeners) == 1
    receive(view, kind="closed", view="two")
    receive(view, kind="closed", view="two")
    assert runtime.listeners == []
    thread = following.publisher.thread
    if thread is not None:
        thread.join(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "armillary-views"]
    runtime.commit(*WAITING)
    open_page(view, "three")
    assert [message["kind"] for message in sent.messages] == ["change"], "what happened meanwhile is caught up with"


def test_a_gap_is_filled_with_a_snapshot(runtime: FakeRuntime, handle: Handle, sent: Sent) -> None:
    view = live.view(handle)
    open_page(view)
    runtime.commit(*WAITING)
    sent.wait(len)
    receive(view, kind="sync", sequence=0)
    snapshot = sent.of("snapshot")[0]
    assert snapshot["sequence"] == 1
    assert 'data-state="waiting"' in snapshot["svg"]


def test_a_page_that_starts_later_gets_the_present(runtime: FakeRuntime, handle: Handle, sent: Sent) -> None:
    view = live.view(handle)
    open_page(view)
    runtime.commit(*WAITING)
    sent.wait(len)
    assert view.get_state("snapshot")["snapshot"]["history"][-1]["text"] == "waits for a person"


def test_an_answer_completes_the_task(runtime: FakeRuntime, handle: Handle, sent: Sent) -> None:
    view = live.view(handle)
    open_page(view)
    runtime.commit(*WAITING, tasks=[runtime.ask()])
    receive(
        view,
        kind="act",
        verb="complete",
        request="r",
        task="i-1/2",
        arguments={"answer": '{"decision": "approve", "discount": 100.10}'},
    )
    kinds = [message["kind"] for message in sent.messages if message.get("request") == "r"]
    assert kinds == ["received", "reply"]
    assert sent.of("reply")[0]["ok"]
    assert runtime.answers == [("i-1/2", {"decision": "approve", "discount": Decimal("100.10")})]
    assert str(runtime.answers[0][1]["discount"]) == "100.10"


@pytest.mark.parametrize(
    ("task", "answer", "code", "pointers"),
    [
        ("i-1/9", "{}", "task.not-open", []),
        ("i-1/2", '{"decision": "decline"}', "task.answer-invalid", ["/remarks"]),
        ("i-1/2", "{", "task.answer-not-json", []),
    ],
)
def test_a_refused_answer_says_why(
    runtime: FakeRuntime, handle: Handle, sent: Sent, task: str, answer: str, code: str, pointers: list[str]
) -> None:
    runtime.commit(*WAITING, tasks=[runtime.ask()])
    receive(live.view(handle), kind="act", verb="complete", request="r", task=task, arguments={"answer": answer})
    (reply,) = sent.of("reply")
    assert not reply["ok"]
    assert reply["code"] == code
    assert reply["message"].startswith("expected ")
    assert [problem["pointer"] for problem in reply["problems"]] == pointers
    assert runtime.answers == []


def test_a_runtime_that_breaks_is_reported_at_the_form_and_kept(
    runtime: FakeRuntime, handle: Handle, sent: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(runtime, "complete_task", broken)
    receive(live.view(handle), kind="act", verb="complete", request="r", task="i-1/2", arguments={"answer": "{}"})
    assert sent.of("reply")[0]["code"] == "view.not-done"
    monkeypatch.setattr(runtime, "history", broken)
    monkeypatch.undo()
    open_page(live.view(handle))
    runtime.commit(*WAITING)
    sent.wait(lambda messages: messages[-1]["kind"] == "change")


def test_unknown_messages_are_ignored(handle: Handle, sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    receive(live.view(handle), kind="evil")
    assert sent.messages == []
    assert "expected a message of a live view" in caplog.text


def test_models_that_nobody_sees_are_closed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_UNSEEN", 3)
    runtimes = [FakeRuntime(id=f"i-{number}") for number in range(8)]
    views = [live.view(Handle(runtime)) for runtime in runtimes]
    assert [view.comm is None for view in views] == [True] * 4 + [False] * 4
    assert sum(model in views for model in live._models.values()) == 4
    for runtime in runtimes:
        live.release(runtime)  # type: ignore[arg-type]
    gc.collect()


def test_the_bundle_reads_without_a_kernel(runtime: FakeRuntime, handle: Handle) -> None:
    runtime.commit(*WAITING, status="waiting", steps=("review-quote",), reference="<b>P-1</b>")
    bundle = live.view(handle)._repr_mimebundle_()
    assert bundle is not None
    data, _ = bundle
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == live.view(handle).model_id
    assert "&lt;b&gt;P-1&lt;/b&gt;" in data["text/html"]
    assert 'data-state="waiting"' in data["text/html"]
    diagram = data["application/vnd.armillary.diagram+json"]
    assert diagram["status"] == "waiting"
    assert diagram["svg"].startswith("<svg")
    json.dumps(data)


def test_a_failing_view_does_not_stop_the_others(
    handle: Handle, runtime: FakeRuntime, sent: Sent, caplog: pytest.LogCaptureFixture
) -> None:
    other = FakeRuntime(id="i-2")
    broken = live.view(Handle(other))
    open_page(broken)
    open_page(live.view(handle))
    other.view = None  # type: ignore[assignment]
    following.publisher.touch(broken)
    runtime.commit(*WAITING)
    sent.wait(len)
    live.release(other)  # type: ignore[arg-type]


def test_the_parts_join_to_one_module() -> None:
    text = module_text()
    assert text.count("export ") == 1
    assert "export default" in text
    assert not [line for line in text.splitlines() if line.startswith("import ")]
    assert all(len(parts) == len(set(parts)) for parts in PARTS.values())


def test_a_page_that_died_without_a_word_is_given_up(
    runtime: FakeRuntime, handle: Handle, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(following, "clock", lambda: now)
    view = live.view(handle)
    open_page(view, "dead")
    open_page(view, "alive")

    def commit(number: int) -> None:
        runtime.commit(("step.entered", "quote", {}, []))
        sent.wait(lambda messages: len([one for one in messages if one["kind"] == "change"]) >= number)

    commit(1)
    receive(view, kind="seen", view="alive")
    now = 10 * following.PATIENCE  # however long nothing happens: nobody was told anything
    commit(2)
    assert set(view._views) == {"alive"}
    now += following.PATIENCE + 1
    commit(3)
    assert runtime.listeners == [], "nobody is left"
    receive(view, kind="opened", view="alive", sequence=0)
    assert set(view._views) == {"alive"}, "it was only frozen"
    assert len(runtime.listeners) == 1
