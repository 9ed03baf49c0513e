"""What a person may do wrong, and the sentence that answers. Nothing is lost, and nothing is half written."""

import subprocess
import sys
import textwrap
from pathlib import Path

import armillary as arm
import pytest

from .approval import approve_application, ask_once

APPLICATION = {"policy_id": "P-1", "amount": "12000.50"}


def refusal(act, code: str) -> str:
    """The text of the one error that ``act`` gives; it has to say what was expected, what was got, and what to do."""
    with pytest.raises(arm.ArmillaryError) as caught:
        act()
    assert caught.value.code == code, caught.value
    said = str(caught.value)
    assert "expected" in said, said
    assert "got" in said, said
    return said


# ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_payload_that_does_not_fit_the_input_schema(bench):
    bench.deploy(approve_application)
    said = refusal(lambda: bench.start("ApproveApplication", {"policy": "P-1", "amount": "much"}), "input.invalid")
    assert "policy_id" in said
    assert "amount" in said
    assert len(bench.instances()) == 0


def test_an_unknown_workflow(bench):
    bench.deploy(approve_application)
    said = refusal(lambda: bench.start("AproveApplication", APPLICATION), "definition.unknown")
    assert "did you mean" in said
    assert "ApproveApplication" in said


def test_an_unknown_version(bench):
    bench.deploy(approve_application)
    assert "9.9.9" in refusal(
        lambda: bench.start("ApproveApplication", APPLICATION, version="9.9.9"), "definition.unknown"
    )


def test_an_unknown_instance_and_an_unknown_task(bench):
    refusal(lambda: bench.instance("nobody"), "instance.unknown")
    refusal(lambda: bench.task("nobody/1"), "task.unknown")


def test_an_input_that_is_no_json(bench):
    bench.deploy(ask_once)
    with pytest.raises(arm.ArmillaryError, match="expected a JSON value"):
        bench.start("AskOnce", {"when": object()})
    assert len(bench.instances()) == 0


@pytest.mark.parametrize("amount", [12000.50, "12000.50"])
def test_money_is_exact_however_it_is_handed_in(bench, amount):
    bench.service("rating", lambda request: {"premium": request.arguments["amount"] * 3})
    instance = bench.start(approve_application, {"policy_id": "P-1", "amount": amount}).wait(timeout=20)
    assert str(instance.state["quote"]["premium"]) == "36001.5"


# ── tasks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_completion_of_a_task(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    task = instance.tasks[0]
    task.complete({"answer": "approve"})
    instance.wait(until="ended", timeout=20)
    refusal(lambda: task.complete({"answer": "decline"}), "task.not-open")
    assert instance.output["answer"] == "approve"


def test_an_answer_that_does_not_fit(bench):
    instance = bench.start(ask_once).wait(timeout=20)
    task = instance.tasks[0]
    said = refusal(lambda: task.complete({"answer": "perhaps"}), "task.answer-invalid")
    assert "approve" in said
    assert "perhaps" in said
    said = refusal(lambda: task.complete(None), "task.answer-invalid")
    assert (task.status, len(instance.tasks)) == ("open", 1)
    task.complete({"answer": "decline"})
    assert instance.wait(until="ended", timeout=20).output["answer"] == "decline"


# ── services ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_handler_that_raises(bench):
    def broken(request: arm.Request) -> None:
        raise ValueError("no tariff for this postcode")

    bench.service("rating", broken)
    instance = bench.start(approve_application, APPLICATION).wait(until="ended", timeout=20)
    assert instance.status == "failed"
    assert instance.error["message"] == "no tariff for this postcode"
    assert instance.error["code"] == "failure.ValueError"
    assert "failed (failure.ValueError): no tariff for this postcode" in repr(instance)


def test_a_handler_that_returns_no_json(bench):
    bench.service("rating", lambda request: {"premium": object()})
    instance = bench.start(approve_application, APPLICATION).wait(until="ended", timeout=20)
    assert instance.status == "failed"
    assert "expected" in instance.error["message"]
    assert "object" in instance.error["message"]


def test_a_reply_that_does_not_fit_its_schema(bench):
    bench.service("rating", lambda request: {"price": 1})
    instance = bench.start(approve_application, APPLICATION).wait(until="ended", timeout=20)
    assert instance.status == "failed"
    assert "premium" in instance.error["message"]


@pytest.mark.parametrize("handler", ["rating", None, 7])
def test_a_handler_that_is_no_function(bench, handler):
    assert "bench.service" in refusal(lambda: bench.service("rating", handler), "service.handler")


@pytest.mark.parametrize("name", ["", None, 7, "rating/quote"])
def test_a_service_under_no_name(bench, name):
    assert "before the slash" in refusal(lambda: bench.service(name, lambda request: {}), "service.name")


def test_an_async_handler(bench):
    async def rate(request):
        return {}

    assert "def instead of async def" in refusal(lambda: bench.service("rating", rate), "service.handler")


def test_a_handler_that_never_returns_does_not_keep_the_process(tmp_path):
    script = f"""
        import sys, threading
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import armillary as arm
        from approval import approve_application
        bench = arm.Workbench("sqlite:///{tmp_path}/store.sqlite")
        reached = threading.Event()
        def hang(request):
            reached.set()
            threading.Event().wait()
        bench.service("rating", hang)
        instance = bench.start(approve_application, {APPLICATION!r})
        assert reached.wait(20)
        print(instance.id)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    with arm.Workbench(f"sqlite:///{tmp_path}/store.sqlite") as bench:
        bench.service("rating", lambda request: {"premium": 1})
        instance = bench.instance(done.stdout.strip())
        assert instance.wait(until="ended", timeout=60).output["result"] == "approve"


# ── definitions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_without_the_decorator(bench):
    def approve():
        pass

    assert "@workflow" in refusal(lambda: bench.deploy(approve), "definition.expected")


@pytest.mark.parametrize("thing", [7, None, object()])
def test_what_is_no_workflow(bench, thing):
    refusal(lambda: bench.deploy(thing), "definition.expected")


# ── stores ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_no_store(tmp_path):
    path = tmp_path / "letter.sqlite"
    path.write_text("Dear Sir or Madam, " * 500)
    said = refusal(lambda: arm.Workbench(f"sqlite:///{path}"), "store.corrupt")
    assert str(path) in said
    assert path.read_text().startswith("Dear Sir")


def test_a_store_that_was_damaged(tmp_path):
    path = tmp_path / "store.sqlite"
    with arm.Workbench(f"sqlite:///{path}") as bench:
        for number in range(20):
            bench.start(ask_once, key=str(number))
    content = bytearray(path.read_bytes())
    content[100:] = b"\xa5" * (len(content) - 100)
    path.write_bytes(content)

    def read() -> None:
        with arm.Workbench(f"sqlite:///{path}") as bench:
            bench.instances()

    refusal(read, "store.corrupt")


def test_a_token_for_a_store_in_this_process(url):
    refusal(lambda: arm.Workbench(url, token="x"), "url.token")
