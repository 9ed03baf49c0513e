"""Tests of workflows: run one against a script of what the world does, on a clock that needs no waiting.

::

    from armillary.testing import answer, reply, run

    def test_a_high_premium_is_reviewed():
        outcome = run(approve_application, [
            reply("rating/quote", {"premium": 12_500}),
            answer("ReviewApplication", {"answer": "approve"}, after="2d"),
            reply("policies/issue"),
        ], input={"policy_id": "P-1", "amount": "12000.50"})
        assert outcome.output == "approved"
"""

from __future__ import annotations

from .driver import run
from .outcome import CallMade, Run, ScriptError
from .script import Script, answer, cancel, fails, later, read_script, reply, serve, signal, silent

__all__ = [
    "CallMade",
    "Run",
    "Script",
    "ScriptError",
    "answer",
    "cancel",
    "fails",
    "later",
    "read_script",
    "reply",
    "run",
    "serve",
    "signal",
    "silent",
]
