import gc
import subprocess
import sys
import textwrap
import threading
from decimal import Decimal
from pathlib import Path

import armillary as arm
import pytest
from armillary.stores import default_path

from .approval import approve_application, ask_once, ask_two_services, await_payment

APPLICATION = {"policy_id": "P-1", "amount": "12000.50"}


def rate(request: arm.Request) -> dict[str, object]:
    return {"premium": request.arguments["amount"] + 500}


def test_from_start_to_end(bench):
    bench.service("rating", rate)
    bench.deploy(approve_application)
    instance = bench.start("ApproveApplication", APPLICATION, key="P-1").wait(timeout=20)
    assert (instance.status, instance.reference) == ("waiting", "P-1")
    assert instance.state["quote"] == {"premium": Decimal("12500.5")}

    task = instance.tasks[0]
    assert (task.name, task.roles, task.payload) == (
        "ReviewQuote",
        ("underwriter",),
        {"quote": {"premium": Decimal("12500.5")}},
    )
    task.complete({"answer": "approve"}, by="ann")
    instance.wait(until="ended", timeout=20)
    assert instance.status == "completed"
    assert instance.output == {"result": "approve", "premium": Decimal("12500.5")}
    assert instance.error is None
    assert len(instance.tasks) == 0


def test_what_a_service_is_asked(bench):
    heard = []
    bench.service("rating", lambda request: heard.append(request) or {"premium": 1})
    instance = bench.start(approve_application, APPLICATION).wait(until="ended", timeout=20)
    assert instance.output["result"] == "approve"
    (request,) = heard
    assert (request.service, request.operation, request.attempt) == ("rating", "quote", 1)
    assert request.arguments == {"policy": "P-1", "amount": Decimal("12000.5")}
    assert (request.instance_id, request.step_id) == (instance.id, "quote")
    assert request.idempotency_key.startswith(instance.id)


def test_the_same_key_is_the_same_instance(bench):
    bench.deploy(ask_once)
    first, second = bench.start("AskOnce", key="K"), bench.start("AskOnce", key="K")
    assert first == second
    assert bench.start("AskOnce", key="L") != first
    assert len(bench.instances("AskOnce")) == 2


def test_a_workflow_that_is_started_is_deployed(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    assert instance.workflow == "AskOnce"
    assert [view.name for view in bench.definitions()] == ["AskOnce"]


def test_a_cell_that_is_run_again_leaves_one_engine(url):
    first = arm.Workbench(url)
    first.start(ask_once).wait(timeout=20)
    threads = threading.active_count()
    for _ in range(5):
        second = arm.Workbench(url)
        assert second.runtime is first.runtime
    assert threading.active_count() == threads
    second.close()
    assert len(first.instances()) == 1
    del second
    gc.collect()
    before = first.runtime
    first.close()
    reopened = arm.Workbench(url)
    assert reopened.runtime is not before
    reopened.close()


def test_a_service_that_is_registered_again_replaces_the_first(bench):
    bench.service("rating", lambda request: {"premium": 1})
    bench.service("rating", lambda request: {"premium": 2})
    instance = bench.start(approve_application, APPLICATION).wait(until="ended", timeout=20)
    assert instance.output["premium"] == 2


def test_what_was_left_goes_on_when_the_store_is_opened_again(url):
    with arm.Workbench(url) as bench:
        instance = bench.start(approve_application, APPLICATION)
        with pytest.raises(TimeoutError, match="waiting for service 'rating'"):
            instance.wait(timeout=0.5)
    with arm.Workbench(url) as bench:
        again = bench.instance(instance.id)
        assert again.blocked == "waiting for service 'rating'"
        bench.service("rating", rate)
        again.wait(timeout=20).tasks[0].complete({"answer": "decline"})
        assert again.wait(until="ended", timeout=20).output["result"] == "decline"


def test_a_workbench_that_is_closed_says_so(url):
    bench = arm.Workbench(url)
    instance = bench.start(ask_once).wait(timeout=20)
    bench.close()
    bench.close()
    with pytest.raises(arm.ArmillaryError) as caught:
        bench.start("AskOnce")
    assert "closed" in caught.value.message
    assert instance.id in repr(instance)


def test_waiting_says_where_the_instance_stands(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    with pytest.raises(TimeoutError) as caught:
        instance.wait(until="ended", timeout=0.01)
    assert "waiting at Ask" in str(caught.value) or "waiting at ask" in str(caught.value)
    assert "instance.tasks" in str(caught.value)
    with pytest.raises(arm.ArmillaryError, match="expected until='resting' or 'ended'"):
        instance.wait(until="done")


def test_waiting_hears_what_another_thread_does(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    waiter = threading.Thread(target=lambda: instance.wait(until="ended", timeout=20))
    waiter.start()
    instance.tasks[0].complete({"answer": "approve"})
    waiter.join(20)
    assert not waiter.is_alive()
    assert instance.status == "completed"


def test_an_instance_is_suspended_resumed_and_cancelled(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    instance.suspend(reason="audit")
    _until(instance, "suspended")
    instance.resume()
    _until(instance, "waiting")
    instance.cancel(reason="withdrawn").wait(until="ended", timeout=20)
    assert instance.status == "cancelled"
    assert len(bench.tasks()) == 0


def test_a_failed_instance_is_taken_up_again(bench):
    working = threading.Event()

    def moody(request: arm.Request) -> dict[str, int]:
        if not working.is_set():
            raise RuntimeError("the rating table is locked")
        return {"premium": 1}

    bench.service("rating", moody)
    instance = bench.start(approve_application, APPLICATION).wait(until="ended", timeout=20)
    assert instance.status == "failed"
    assert "the rating table is locked" in instance.error["message"]
    assert instance.error["step"] == "quote"
    working.set()
    assert instance.retry().wait(until="ended", timeout=20).status == "completed"


def test_a_call_is_tried_again_beside_other_services(bench):
    def moody(request: arm.Request) -> int:
        if request.attempt == 1:
            raise ConnectionError("the tariff server is starting")
        return request.attempt

    bench.service("registry", lambda request: None)
    bench.service("rating", moody)
    assert bench.start(ask_two_services, {"number": 1}).wait(until="ended", timeout=20).output == 2


def test_tasks_are_claimed_released_and_handed_over(bench):
    task = bench.start(ask_once).wait(timeout=20).tasks[0]
    assert task.claim("ann").assignee == "ann"
    assert task.reassign("bob").assignee == "bob"
    assert task.release("bob").assignee is None
    assert task.claim("cid").status == "open"
    assert [other.id for other in bench.tasks(assignee="cid")] == [task.id]
    assert len(bench.tasks(role="nobody")) == 0


def test_lists_show_what_there_is(bench):
    first = bench.start(ask_once, key="<b>1</b>").wait(timeout=20)
    shown = repr(bench.instances())
    assert first.id in shown
    assert "waiting" in shown
    assert "What do you say?" in repr(bench.tasks())
    assert "AskOnce" in repr(bench.definitions())
    assert first.id in repr(first)
    assert "started" in repr(first.history)
    assert [event.number for event in first.history] == list(range(1, len(first.history) + 1))


def test_a_signal_reaches_who_waits_for_it(bench):
    instance = bench.start(await_payment, {"policy": "P-1"}).wait(timeout=20)
    assert instance.status == "waiting"
    sent = bench.signal("payment-received", {"amount": "10.50"}, match="P-1", id="S-1")
    assert sent == bench.signal("payment-received", {"amount": "99"}, match="P-1", id="S-1") == "S-1"
    assert instance.wait(until="ended", timeout=20).output == Decimal("10.5")


def test_what_was_promised_survives_a_kill(url):
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import armillary as arm
        from approval import approve_application
        bench = arm.Workbench({url!r})
        bench.service("rating", lambda request: {{"premium": 20_000}})
        for number in range(10_000):
            application = {{"policy_id": f"P-{{number}}", "amount": number}}
            print(bench.start(approve_application, application, key=str(number)).id, flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    promised = [process.stdout.readline().strip() for _ in range(40)]
    process.kill()
    promised += process.communicate()[0].split()
    with arm.Workbench(url) as bench:
        bench.service("rating", lambda request: {"premium": 20_000})
        for id in promised:
            instance = bench.instance(id).wait(timeout=60)
            instance.tasks[0].complete({"answer": "approve"})
            assert instance.wait(until="ended", timeout=60).status == "completed"
        assert bench.runtime.check() == []


def test_without_a_url_the_path_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "armillary")
    with arm.Workbench():
        pass
    assert str(default_path()) in capsys.readouterr().out
    assert default_path().exists()


def test_a_store_in_memory_is_gone_when_it_is_closed():
    with arm.Workbench("memory://") as bench:
        bench.start(ask_once).wait(timeout=20)
    with arm.Workbench("memory://") as bench:
        assert len(bench.instances()) == 0


def _until(instance: arm.Instance, status: str) -> None:
    """Waits for a status through the engine's own messages."""
    heard = threading.Event()
    subscription = instance.runtime.subscribe(lambda _: heard.set(), instance=instance.id, at_once=True)
    try:
        while instance.status != status:
            assert heard.wait(20), f"still {instance.status}"
            heard.clear()
    finally:
        subscription.close()


def test_a_closed_workbench_says_that_it_is_closed(url):
    bench = arm.Workbench(url)
    bench.close()
    for ask in (bench.instances, bench.tasks, bench.definitions, bench.schedules, bench.dead_letters, bench.signals):
        with pytest.raises(arm.ArmillaryError, match=r"expected an open .*, got one .* closed") as caught:
            ask()
        assert caught.value.code == "workbench.closed"
    bench.close()
    assert repr(bench).endswith(", closed>")


def test_signals_are_listed_and_explained(bench):
    sent = bench.signal("payment-received", {"amount": 3}, match="P-1")
    assert [view.status for view in bench.signals()] == ["kept"]
    assert "P-1" in repr(bench.signals())
    bench.start(await_payment, {"policy": "P-2"}).wait(timeout=20)
    assert "payment-received" in repr(bench.explain(sent))
    assert bench.explain(sent).signal.id == sent


def test_several_are_deployed_at_once_and_a_version_is_taken_out_of_use(bench):
    @arm.workflow(name="Kept", version="1.0.0")
    def kept():
        return 1

    assert bench.deploy_all([kept]) == ()
    assert bench.disable("Kept", "1.0.0").enabled is False
    with pytest.raises(arm.ArmillaryError, match="Kept"):
        bench.start("Kept")
    assert bench.enable("Kept", "1.0.0").enabled is True
    assert bench.start("Kept").wait(until="ended", timeout=10).output == 1


def test_schedules_are_made_paused_and_deleted(bench):
    made = bench.schedule("nightly", ask_once, cron="0 3 * * *", timezone="Europe/Vienna")
    assert (made.id, made.workflow, made.paused) == ("nightly", "AskOnce", False)
    assert "0 3 * * * (Europe/Vienna)" in repr(bench.schedules())
    assert made.pause().paused
    assert not bench.schedules()[0].resume().paused
    made.delete()
    assert list(bench.schedules()) == []


def test_tasks_are_delegated_and_commented(bench):
    (task,) = bench.start(ask_once).wait(timeout=20).tasks
    task.claim("ann").delegate("bob", "ann").comment("please", by="ann")
    assert task.assignee == "bob"
    assert [event.type for event in task.history] == ["created", "claimed", "delegated", "commented"]
    assert "please" in repr(task.history)


def test_a_workflow_is_simulated_with_what_is_deployed(bench):
    bench.deploy(ask_once)
    outcome = bench.simulate("AskOnce", [{"task": "Ask", "answer": {"answer": "approve"}, "after": "400d"}])
    assert (outcome.output["answer"], outcome.elapsed.days) == ("approve", 400)
    assert list(bench.instances()) == []
