"""What a slice becomes in the store."""

from __future__ import annotations

from armillary_engine.definition import model as m
from armillary_engine.interpreter import interpret, new_snapshot, prepare
from armillary_engine.interpreter.triggers import CallReturned, Failed, Retry, Start
from armillary_engine.mutation import Nothing
from armillary_engine.worker.mutations import FENCES, first_row, to_mutation


def test_a_call_that_is_opened_again_has_fences_beyond_those_of_its_earlier_opening() -> None:
    """A reply to that one may still be on its way, and must not be taken for one of the later attempt."""
    program = prepare(m.Definition("Asks", (m.Call("ask", m.Address("rating", "quote"), m.Const(None)),)))
    fresh = new_snapshot(instance="i", workflow="Asks", version=program.version, digest=program.digest, now=0)
    opened = interpret(program, fresh, Start(None), 0)
    failed = interpret(program, opened.snapshot, CallReturned(1, 1, failed=Failed("failure.down", "down")), 1)
    again = interpret(program, failed.snapshot, Retry("ops"), 2)
    row = first_row(fresh)
    (first,) = to_mutation(opened, fresh, row, Nothing(), new=True).calls
    (second,) = to_mutation(again, failed.snapshot, row, Nothing()).calls
    assert (first.attempt, second.attempt, first.key) == (1, 2, second.key)
    assert second.fence - first.fence >= 2**FENCES
