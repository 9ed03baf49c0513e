"""``try``: handlers and compensations."""

from __future__ import annotations

from typing import Any

import pytest
from armillary_engine.definition.failure_codes import catches, full_code
from armillary_engine.definition.model import (
    Address,
    Branch,
    Call,
    Complete,
    Decision,
    Each,
    Fail,
    Fork,
    ForkBranch,
    Handler,
    Reference,
    Repeat,
    Set,
    Subworkflow,
    Task,
    Try,
)
from armillary_engine.interpreter.commands import End
from armillary_engine.interpreter.triggers import CallReturned, Failed, Retry, Suspend

from .world import World, const, e, workflow


def run(*body: Any, input: Any = None, others: tuple[Any, ...] = ()) -> World:
    return World(workflow(*body), *others).start(input)


def fail(code: str = "bad", id: str = "f") -> Fail:
    return Fail(id, const(code), const(f"{code} happened"))


def note(name: str, id: str | None = None, value: str = "1") -> Set:
    return Set(id or f"set-{name}", {name: e(value)})


def task(id: str) -> Task:
    return Task(id, id)


def call(id: str) -> Call:
    return Call(id, Address("s", id), const(None))


def undo(name: str) -> tuple[Call]:
    """A compensation that can be seen: a call that tells a value."""
    return (Call(f"undo-{name}", Address("undo", name), e("booked")),)


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("catch", "code", "caught"),
    [
        ("*", "anything.at.all", True),
        ("*", "timeout.call", True),
        ("timeout", "timeout.call", True),
        ("timeout", "timeout", True),
        ("timeout.call", "timeout.task", False),
        ("timeout", "timeouts.x", False),
        ("failure", "timeout.call", False),
        ("failure", "failure.service", True),
        ("failure", "expression.missing", True),
        ("failure", "repeat.limit", True),
        ("failure", "child.timeout.call", True),
        ("failure", "rejected", True),
        ("timeout", "child.timeout.call", False),
        ("child", "child.rejected.late", True),
        ("child.rejected", "child.rejected.late", True),
        ("rejected", "rejected", True),
        ("rejected", "failure.rejected", True),
        ("failure.rejected", "rejected.late", True),
        ("rejected.late", "rejected", False),
        ("reject", "rejected", False),
        ("expression", "expression.type", True),
    ],
)
def test_a_code_catches_itself_and_every_code_below_it(catch: str, code: str, caught: bool) -> None:
    assert catches((catch,), code) is caught
    assert catches(("other", catch), code) is caught


def test_codes_have_two_roots() -> None:
    assert [full_code(code) for code in ("timeout.call", "failure", "rejected", "*")] == [
        "timeout.call", "failure", "failure.rejected", "*",
    ]  # fmt: skip


# ── handlers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_body_that_ends_normally_runs_no_handler() -> None:
    world = run(Try("t", (note("x"),), (Handler(("*",), (note("y"),)),)))
    assert world.state == {"x": 1}
    assert world.types("t") == ["step.entered", "step.done"]


def test_handlers_are_tried_in_order() -> None:
    handlers = (Handler(("timeout",), (note("a"),)), Handler(("bad.x", "bad"), (note("b"),)), Handler(("*",), ()))
    world = run(Try("t", (fail("bad.y"),), handlers), Complete("z", e("b")))
    assert world.output == 1
    assert world.event("step.caught").data == {"code": "bad.y", "handler": 1}
    assert world.event("step.done", "t").data == {"handler": 1}


def test_a_handler_sees_the_error_under_error_and_its_own_name() -> None:
    handler = Handler(("*",), (note("seen", value="[error.code, error.message, error.step, e.code]"),), "e")
    assert run(Try("t", (fail("bad"),), (handler,))).state == {"seen": ["bad", "bad happened", "f", "bad"]}


def test_the_error_is_local_to_the_handler() -> None:
    world = run(Try("t", (fail(),), (Handler(("*",), (), "e"),)), note("x", value="error.code"))
    assert world.error == "expression.missing"
    assert run(Try("t", (fail(),), (Handler(("*",), ()),)), note("x", value="e")).error == "expression.missing"


def test_an_inner_error_hides_the_outer_one_while_it_is_handled() -> None:
    inner = Try("in", (fail("second", "f2"),), (Handler(("*",), (note("a", value="error.code"),)),))
    outer = Try("out", (fail("first"),), (Handler(("*",), (inner, note("b", value="error.code"))),))
    assert run(outer).state == {"a": "second", "b": "first"}


def test_a_failure_in_a_handler_goes_outward() -> None:
    inner = Try("in", (fail("first"),), (Handler(("first",), (fail("second", "f2"),)), Handler(("second",), ())))
    outer = Try("out", (inner,), (Handler(("second",), (note("x"),)),))
    world = run(outer)
    assert world.state == {"x": 1}
    assert world.types("in") == ["step.entered", "step.caught", "step.failed"]


def test_a_failure_no_handler_catches_goes_outward() -> None:
    inner = Try("in", (fail("other"),), (Handler(("timeout", "bad"), ()),))
    assert run(Try("out", (inner,), (Handler(("other",), (note("x"),)),))).state == {"x": 1}
    world = run(inner)
    assert (world.status, world.error) == ("failed", "other")


def test_state_assigned_before_the_failure_stays() -> None:
    world = run(Try("t", (note("x"), fail()), (Handler(("*",), (note("y", value="x + 1"),)),)))
    assert world.state == {"x": 1, "y": 2}


def test_a_failure_inside_loops_forks_and_each_unwinds_to_its_try() -> None:
    deep = Decision("d", (Branch(e("x == 2"), (fail(),)),))
    each = Each("each", e("[1, 2, 3]"), "x", (deep,))
    fork = Fork("fork", (ForkBranch("a", (task("waits"),)), ForkBranch("b", (each,))))
    loop = Repeat("loop", (fork,), test=e("True"))
    world = run(Try("t", (loop,), (Handler(("bad",), (note("x"),)),)))
    assert (world.status, world.state) == ("completed", {"x": 1})
    assert [world.types(step)[-1] for step in ("each", "fork", "loop")] == ["step.failed"] * 3
    assert world.types("waits") == ["step.waiting", "step.cancelled"]
    assert world.event("step.failed", "loop").data == {"code": "bad", "from": "f"}


def test_cancellation_is_not_catchable() -> None:
    world = run(Try("t", (task("a"),), (Handler(("*",), (note("x"),)),)))
    world.cancel()
    assert (world.status, world.state) == ("cancelled", {})


def test_what_a_failure_tells_is_bounded() -> None:
    world = run(call("c"), task("after"))
    world.give(CallReturned(1, 1, failed=Failed("failure.service", "m" * 50_000, {"body": "x" * 100_000})))
    error = world.snapshot.error
    assert error is not None
    assert (len(error.message), error.details) == (10_001, {"left_out": "100,011 bytes of details"})
    assert run(Fail("f", const("c" * 201), const("m"))).error == "expression.type"


def test_an_empty_try_and_an_empty_handler_go_on() -> None:
    assert run(Try("t", ()), Try("u", (fail(),), (Handler(("*",), ()),)), note("x")).state == {"x": 1}


# ── compensations ────────────────────────────────────────────────────────────────────────────────────────────────────


def booking(name: str) -> Try:
    return Try(f"book-{name}", (Set(f"set-{name}", {"booked": const(name)}),), compensate=undo(name))


def undone(world: World) -> list[Any]:
    return [event.step for event in world.it.events if event.type == "compensation.started"]


def test_an_uncaught_failure_runs_the_registrations_in_reverse_one_at_a_time_with_the_state_of_that_moment() -> None:
    world = run(booking("flight"), booking("hotel"), booking("car"), fail())
    for name in ("car", "hotel", "flight"):
        assert world.status == "running"
        assert world.waiting() == [f"undo-{name}"]
        assert world.opened(f"undo-{name}").arguments == name
        world.reply(f"undo-{name}")
    assert (world.status, world.error) == ("failed", "bad")
    assert undone(world) == ["book-car", "book-hotel", "book-flight"]
    assert world.types("book-car") == ["step.entered", "step.done", "compensation.started", "compensation.done"]


def test_a_compensation_is_registered_once_per_visit() -> None:
    trip = Try("book", (note("n", value="n + 1"),), compensate=(Set("u", {"undone": e("n")}),))
    world = run(Set("s", {"n": e("0")}), Repeat("r", (trip,), test=e("n < 3")), fail())
    assert undone(world) == ["book"] * 3
    told = [event.data for event in world.it.events if event.step == "u"]
    assert told == [{"local": [["undone", 3]]}, {"local": [["undone", 2]]}, {"local": [["undone", 1]]}]
    assert world.state == {"n": 3}


def test_a_body_that_fails_registers_nothing_even_if_it_is_handled() -> None:
    handled = Try("t", (fail("first"),), (Handler(("*",), ()),), (note("x"),))
    world = run(handled, fail("second", "g"))
    assert (world.error, undone(world)) == ("second", [])


def test_a_caught_failure_runs_none_and_keeps_the_registrations() -> None:
    caught = Try("t", (booking("flight"), fail("first")), (Handler(("*",), ()),))
    world = run(caught, task("wait"), fail("second", "g"))
    assert undone(world) == []
    world.answer("wait")
    assert undone(world) == ["book-flight"]


def test_complete_drops_them() -> None:
    world = run(booking("flight"), Complete("z", e("1")), fail())
    assert (world.status, undone(world), world.snapshot.compensations) == ("completed", [], ())


def test_a_compensation_sees_the_local_names_of_its_moment_and_never_later_ones() -> None:
    undo_both = (Set("u", {"told": e("[x, error.code]")}), Set("v", {"later": e("after")}))
    body = Try("in", (), compensate=undo_both)
    handler = Handler(("*",), (Each("each", e("[7]"), "x", (body,)),))
    world = run(Try("out", (fail("first"),), (handler,)), note("after"), fail("second", "g"))
    assert world.event("step.done", "u").data == {"local": [["told", [7, "first"]]]}
    assert (world.status, world.error) == ("failed", "second")
    assert world.snapshot.error is not None
    assert world.snapshot.error.compensation is not None
    assert world.snapshot.error.compensation.code == "expression.missing"


def test_a_compensation_sees_the_moment_and_the_reference_of_when_it_runs() -> None:
    undo_it = (Set("u", {"told": e("[now, instance.reference, input]")}),)
    late = (task("wait"), Reference("r", const("P-1")), fail())
    world = run(Try("t", (Set("s", {"seen": e("now")}),), compensate=undo_it), *late, input=7)
    world.pass_time("PT1H").answer("wait")
    assert world.state == {"seen": "2025-06-15T15:06:40Z"}
    assert world.event("step.done", "u").data == {"local": [["told", ["2025-06-15T16:06:40Z", "P-1", 7]]]}


def test_a_failing_compensation_ends_the_instance_with_both_errors_and_the_rest_stay_listed() -> None:
    world = run(booking("flight"), booking("hotel"), fail())
    world.break_call("undo-hotel", "failure.down")
    assert world.status == "failed"
    error = world.snapshot.error
    assert error is not None
    assert error.compensation is not None
    assert (error.code, error.compensation.code, error.compensation.step) == ("bad", "failure.down", "undo-hotel")
    assert [registration.step for registration in world.snapshot.compensations] == ["book-flight"]
    assert world.types("book-hotel")[-1] == "compensation.failed"
    told = world.event("instance.failed").data
    assert (told["code"], told["compensation"]["code"]) == ("bad", "failure.down")
    (end,) = world.commands(End)
    assert end.error.code == "bad"
    assert end.error.details["compensation"]["code"] == "failure.down"


def test_retry_goes_on_from_the_failing_compensation_and_runs_the_rest() -> None:
    world = run(booking("flight"), booking("hotel"), fail())
    world.break_call("undo-hotel", "failure.down")
    world.give(Retry("ops"))
    assert world.event("instance.retried").data == {"by": "ops", "step": "undo-hotel"}
    assert world.waiting() == ["undo-hotel"]
    assert world.opened("undo-hotel").attempt == 2
    world.reply("undo-hotel").reply("undo-flight")
    assert (world.status, world.error) == ("failed", "bad")
    assert world.snapshot.error is not None
    assert world.snapshot.error.compensation is None


def test_handlers_work_inside_a_compensation() -> None:
    undo_it = (Try("ut", (fail("oops", "uf"),), (Handler(("oops",), (note("handled"),)),)),)
    world = run(Try("t", (), compensate=undo_it), fail())
    assert (world.error, world.types("t")[-1]) == ("bad", "compensation.done")
    assert world.event("step.done", "set-handled").data == {"local": [["handled", 1]]}


def test_what_compensations_do_is_not_compensated() -> None:
    undo_it = (Try("inner", (note("x"),), compensate=(note("never"),)),)
    world = run(Try("t", (), compensate=undo_it), fail())
    assert undone(world) == ["t"]
    assert world.status == "failed"


def test_the_handlers_of_a_try_do_not_hold_for_its_compensation() -> None:
    world = run(Try("t", (), (Handler(("*",), (note("x"),)),), (fail("oops", "uf"),)), fail())
    assert world.snapshot.error is not None
    assert world.snapshot.error.compensation is not None
    assert world.snapshot.error.compensation.code == "oops"


def test_cancel_with_compensation_runs_them_and_ends_cancelled() -> None:
    world = run(booking("flight"), task("wait"))
    world.cancel(compensate=True)
    assert (world.status, world.waiting()) == ("running", ["undo-flight"])
    assert world.event("instance.cancelling").data == {"reason": "no longer wanted", "by": "ops"}
    world.reply("undo-flight")
    assert world.status == "cancelled"
    assert world.event("instance.cancelled").data == {"reason": "no longer wanted", "by": "ops"}


def test_a_suspended_instance_that_is_cancelled_with_compensation_undoes_what_it_did() -> None:
    world = run(booking("flight"), task("wait")).give(Suspend()).cancel(compensate=True)
    assert (world.status, world.waiting()) == ("running", ["undo-flight"])
    world.reply("undo-flight")
    assert world.status == "cancelled"


def test_one_that_was_suspended_while_it_undid_goes_on_undoing() -> None:
    world = run(booking("flight"), task("wait"), fail()).answer("wait").give(Suspend()).cancel(compensate=True)
    assert (world.status, world.waiting()) == ("running", ["undo-flight"])
    assert world.event("instance.resumed").data == {"by": "ops"}
    world.reply("undo-flight")
    assert (world.status, world.error) == ("failed", "bad")


def test_cancel_without_compensation_runs_none() -> None:
    world = run(booking("flight"), task("wait")).cancel()
    assert (world.status, undone(world), world.snapshot.compensations) == ("cancelled", [], ())


def test_a_cancelled_instance_whose_compensation_fails_is_failed() -> None:
    world = run(booking("flight"), task("wait")).cancel(compensate=True)
    world.break_call("undo-flight", "failure.down")
    assert (world.status, world.error) == ("failed", "failure.down")


def test_cancel_always_succeeds_also_while_compensations_run() -> None:
    world = run(booking("flight"), fail())
    world.cancel(compensate=True)
    assert world.it.events[-1].data["reason"] == "its compensations are running"
    world.cancel()
    assert world.status == "cancelled"
    assert world.types("book-flight")[-1] == "compensation.cancelled"


def test_a_failure_in_parallel_compensates_what_other_branches_have_done() -> None:
    fork = Fork("fork", (ForkBranch("a", (booking("flight"), task("wait"))), ForkBranch("b", (fail(),))))
    world = run(fork)
    assert world.waiting() == ["undo-flight"]
    assert world.types("wait") == ["step.waiting", "step.cancelled"]


def test_children_that_a_failing_instance_cancels_compensate_too() -> None:
    child = workflow(booking("inside"), task("inner"), name="Child")
    fork = Fork(
        "fork", (ForkBranch("a", (Subworkflow("sub", "Child", const(None)),)), ForkBranch("b", (task("t"), fail())))
    )
    world = run(fork, others=(child,))
    world.answer("t")
    assert world.status == "failed"
    assert world.waiting("i:2") == ["undo-inside"]


def test_children_that_a_handled_failure_cancels_are_not_compensated() -> None:
    child = workflow(booking("inside"), task("inner"), name="Child")
    branches = (ForkBranch("a", (Subworkflow("sub", "Child", const(None)),)), ForkBranch("b", (task("t"), fail())))
    world = run(Try("try", (Fork("fork", branches),), (Handler(("*",), (task("other"),)),)), others=(child,))
    world.answer("t")
    assert (world.waiting(), world["i:3"].snapshot.status) == (["other"], "cancelled")


def test_registrations_of_turns_and_branches_run_in_reverse_of_their_order_whatever_stood_around() -> None:
    inner = Each("in", e("[1, 2]"), "y", (Try("t", (), compensate=(Call("u", Address("s", "o"), e("[x, y]")),)),), 2)
    body = Each("out", e("[1, 2]"), "x", (inner, Call("c", Address("s", "o"), e("x"))), parallel=2)
    late = Try("late", (), compensate=(Call("u2", Address("s", "o"), e("'late'")),))
    world = run(Fork("fork", (ForkBranch("a", (body,)), ForkBranch("b", (late, task("b"))))), fail())
    world.reply("c").reply("c").answer("b")
    told = []
    while world.status != "failed":
        (step,) = world.waiting()
        told.append(world.opened(step).arguments)
        world.reply(step)
    assert told == ["late", [2, 2], [2, 1], [1, 2], [1, 1]]


def test_a_child_has_undone_its_own_before_its_parent_hears_of_its_failure() -> None:
    child = workflow(booking("inside"), fail(), name="Child")
    world = run(booking("flight"), Subworkflow("sub", "Child", const(None)), others=(child,))
    assert (world.waiting(), world.waiting("i:3")) == (["sub"], ["undo-inside"])
    world.reply("undo-inside", id="i:3")
    assert (world["i:3"].snapshot.status, world.waiting()) == ("failed", ["undo-flight"])
    assert world.reply("undo-flight").error == "child.bad"


def test_captured_values_count_towards_the_size_of_the_instance() -> None:
    big = Try("t", (note("booked", value="input"),), compensate=undo("x"))
    world = run(
        Set("s", {"n": e("0")}), Repeat("r", (big, note("n", value="n + 1")), test=e("n < 9")), input="x" * 200_000
    )
    assert world.it.snapshot.compensating is not None  # it failed, and undoes what was registered until then
    data = world.event("step.failed", "t").data
    assert data["code"] == "failure.state-too-large"
    assert "from" not in data, "it is what it captures that is too much"
