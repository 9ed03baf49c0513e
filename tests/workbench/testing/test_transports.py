"""The scripted and the recording transport, behind the transport contract and by their entry points."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import entry_points

import pytest
from armillary.testing import run
from armillary_engine.interpreter.triggers import Failed
from armillary_engine.runtime import Request
from armillary_engine.transport import Reply
from armillary_engine.transports.recording import RecordingTransport
from armillary_engine.transports.scripted import Expected, ScriptedTransport

from ..approval import approve_application

APPLICATION = {"policy_id": "P-1", "amount": "12000.50"}


def request(operation: str = "quote", service: str = "rating", **arguments) -> Request:
    deadline = datetime(2030, 1, 1, tzinfo=UTC)
    return Request(service, operation, arguments, "key", "instance", "step", 1, deadline)


def test_answers_come_in_order():
    transport = ScriptedTransport(
        [
            Expected("rating", "quote", Reply(1), {"policy": "P-1"}),
            Expected("mail", "send", Failed("failure.busy", "later")),
            Expected("rating", "quote", lambda asked: asked.arguments["policy"]),
        ]
    )
    assert transport.send(request(policy="P-1")) == Reply(1)
    assert transport.send(request(policy="P-2")) == Reply("P-2")
    assert transport.send(request("send", "mail")) == Failed("failure.busy", "later")
    assert [one.request.operation for one in transport.asked] == ["quote", "quote", "send"]
    assert (transport.left, transport.problems) == ((), [])


def test_a_call_that_is_not_expected_leaves_the_expected_one():
    transport = ScriptedTransport([Expected("rating", "quote", Reply(1))])
    answer = transport.send(request("requote"))
    assert isinstance(answer, Failed)
    assert answer.code == "failure.unexpected-call"
    assert answer.message.startswith("expected call rating/quote, got rating/requote with {}")
    assert transport.problems == [answer.message]
    assert transport.send(request()) == Reply(1)
    assert "expected no more calls of 'rating'" in transport.send(request()).message


def test_delays_are_handed_to_whoever_waits():
    pauses: list[float] = []
    transport = ScriptedTransport([Expected("rating", "quote", Reply(1), delay=86_400)], pause=pauses.append)
    assert transport.send(request()) == Reply(1)
    assert pauses == [86_400]


def test_what_is_recorded_is_played_again(armillary_workbench):
    recording = RecordingTransport(lambda asked: {"premium": asked.arguments["amount"]})
    armillary_workbench.runtime.register_service("rating", recording)
    instance = armillary_workbench.start(approve_application, {**APPLICATION, "amount": "9.50"})
    output = instance.wait("ended", timeout=20).output
    assert run(approve_application, recording.script(), input={**APPLICATION, "amount": "9.50"}).output == output
    played = ScriptedTransport(recording.expected())
    assert played.send(recording.calls[0].request) == recording.calls[0].answer


def test_failures_are_recorded():
    recording = RecordingTransport(ScriptedTransport([Expected("rating", "quote", Failed("failure.busy", "no"))]))
    recording.send(request(policy="P-1"))
    assert recording.script() == [
        {"call": "rating/quote", "arguments": {"policy": "P-1"}, "fail": "failure.busy", "message": "no"}
    ]


@pytest.mark.parametrize("name", ["python", "scripted", "recording"])
def test_transports_are_found_by_entry_point(name):
    (point,) = entry_points(group="armillary.transports", name=name)
    assert callable(point.load().send)
