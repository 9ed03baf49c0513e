"""``repeat`` and ``each``, ``leave`` and ``next``."""

from __future__ import annotations

from typing import Any

import pytest
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
    Leave,
    Next,
    Repeat,
    Set,
    Task,
    Try,
)
from armillary_engine.interpreter.triggers import TaskCompleted

from .world import World, e, workflow


def run(*body: Any, input: Any = None) -> World:
    return World(workflow(*body)).start(input)


def if_(condition: str, *body: Any, id: str = "if") -> Decision:
    return Decision(id, (Branch(e(condition), body),))


N = Set("n", {"n": e("0")})
INC = Set("inc", {"n": e("n + 1")})


# ── repeat ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("until", "turns"), [(0, 0), (3, 3)])
def test_while_is_tested_before_the_body(until: int, turns: int) -> None:
    world = run(N, Repeat("r", (INC,), test=e(f"n < {until}")))
    assert world.state == {"n": turns}
    assert world.event("step.done", "r").data == {"turns": turns}


@pytest.mark.parametrize(("until", "turns"), [(0, 1), (3, 3)])
def test_until_is_tested_after_the_body(until: int, turns: int) -> None:
    assert run(N, Repeat("r", (INC,), until=e(f"n >= {until}"))).state == {"n": turns}


def test_max_counts_per_entry_of_the_loop() -> None:
    inner = Repeat("in", (Set("m", {"m": e("m + 1")}),), test=e("m < 3"), max=3)
    outer = Repeat("out", (Set("m0", {"m": e("0")}), inner, INC), test=e("n < 5"), max=5)
    assert run(N, outer).state == {"n": 5, "m": 3}


def test_the_limit_fails_with_repeat_limit() -> None:
    world = run(N, Repeat("r", (INC,), test=e("True"), max=4))
    assert (world.status, world.error, world.state) == ("failed", "repeat.limit", {"n": 4})
    assert run(N, Repeat("r", (INC,), until=e("False"), max=4)).state == {"n": 4}


def test_max_defaults_to_10_000_where_the_body_cannot_wait() -> None:
    world = run(N, Repeat("r", (INC,), test=e("True")))
    assert (world.error, world.state) == ("repeat.limit", {"n": 10_000})
    assert world.it.slices == 11


def test_a_body_that_only_its_compensation_makes_wait_cannot_wait() -> None:
    undo = (Call("undo", Address("s", "o"), e("n")),)
    for body in (Try("t", (INC,), compensate=undo), if_("True", Try("t", (INC,), compensate=undo))):
        world = run(N, Repeat("r", (body,), test=e("n >= 0")))
        assert world.event("step.failed", "r").data["code"] == "repeat.limit"
        assert world.state == {"n": 10_000}


def test_a_chosen_branch_that_is_empty_goes_on_after_its_decision() -> None:
    world = run(N, if_("n == 0"), INC, Decision("d", (Branch(e("n == 0"), (INC,)),), ()), Set("m", {"m": e("n")}))
    assert world.state == {"n": 1, "m": 1}


def test_an_empty_body_turns_until_its_limit() -> None:
    world = run(Repeat("r", (), test=e("True")))
    assert (world.error, world.it.slices) == ("repeat.limit", 11), "no slice is endless"


def test_a_loop_whose_body_waits_has_no_limit_of_its_own() -> None:
    world = run(N, Repeat("r", (if_("n % 2000 == 1999", Task("t", "T")), INC), test=e("n < 12000")))
    for _ in range(6):
        world.answer("t")
    assert world.state == {"n": 12_000}


def test_a_limit_can_be_handled() -> None:
    body = Try("t", (Repeat("r", (INC,), test=e("True"), max=2),), (Handler(("repeat.limit",), ()),))
    assert run(N, body, Complete("z", e("n"))).output == 2


def test_each_turn_makes_new_visits() -> None:
    world = run(N, Repeat("r", (Task("t", "T"), INC), test=e("n < 3")))
    seen = []
    for _ in range(3):
        seen.append(world.serial("t"))
        world.answer("t")
    assert seen == sorted(set(seen))
    assert world.status == "completed"


# ── each, in sequence ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_body_runs_once_per_item_and_collects_in_the_items_order() -> None:
    add = Set("add", {"sum": e("sum + x")})
    world = run(Set("s", {"sum": e("0")}), Each("each", e("[3, 1, 2]"), "x", (add,), collect=e("x * sum"), result="r"))
    assert world.state == {"sum": 6, "r": [9, 4, 12]}


def test_the_item_is_always_local() -> None:
    world = run(Each("each", e("[1]"), "x", (Set("a", {"y": e("x")}),)), Set("b", {"z": e("x")}))
    assert (world.error, world.state) == ("expression.missing", {"y": 1})


def test_items_are_evaluated_once_on_entry() -> None:
    body = (Set("a", {"xs": e("xs + [x]")}),)
    world = run(Set("s", {"xs": e("[1, 2]")}), Each("each", e("xs"), "x", body))
    assert world.state["xs"] == [1, 2, 1, 2]


def test_empty_gives_an_empty_list() -> None:
    world = run(Each("each", e("[]"), "x", (Task("t", "T"),), collect=e("x"), result="r", parallel=3))
    assert (world.status, world.state) == ("completed", {"r": []})


def test_items_must_be_a_list() -> None:
    assert run(Each("each", e("'ab'"), "x", ())).error == "expression.type"
    assert run(Each("each", e("{}"), "x", ())).error == "expression.type"


def test_in_sequence_one_item_is_at_work_at_a_time() -> None:
    world = run(
        Each("each", e("[1, 2]"), "x", (Task("t", "T", payload=e("x"), result="a"),), collect=e("a"), result="r")
    )
    assert world.opened("t").payload == 1
    assert world.waiting() == ["t"]
    world.answer("t", "one")
    assert world.opened("t").payload == 2
    world.answer("t", "two")
    assert world.state == {"a": "two", "r": ["one", "two"]}


def test_an_empty_body_turns_within_bounds() -> None:
    world = run(Each("each", e("range(4000)"), "x", (), collect=e("x"), result="r"), Complete("z", e("len(r)")))
    assert (world.output, world.it.slices) == (4000, 5)


def test_items_in_hand_and_what_is_collected_count_towards_the_size_of_the_instance() -> None:
    world = run(Set("s", {"all": e("input")}), Each("each", e("all"), "x", ()), input=["x" * 200_000] * 3)
    assert world.error == "failure.state-too-large"
    world = run(Each("each", e("range(9)"), "x", (), collect=e("input")), input="x" * 200_000)
    assert world.error == "failure.state-too-large"


def test_an_inner_each_hides_the_item_of_the_outer_one() -> None:
    inner = Each("in", e("x"), "x", (), collect=e("x + 1"), result="row")
    outer = Each("out", e("[[1], [2, 3]]"), "x", (inner,), collect=e("[x, row]"), result="r")
    assert run(outer).state["r"] == [[[1], [2]], [[2, 3], [3, 4]]]


# ── each, in parallel ────────────────────────────────────────────────────────────────────────────────────────────────


def parallel(*body: Any, items: str = "[0, 1, 2, 3]", n: int = 2, **fields: Any) -> Each:
    return Each("each", e(items), "x", body, parallel=n, **fields)


def test_n_turns_are_at_work_at_a_time() -> None:
    world = run(parallel(Task("t", "T", payload=e("x"), result="a"), collect=e("[x, a]"), result="r"))
    opened = [command.payload for command in world.it.open.values()]
    assert opened == [0, 1]
    for expected in ([0, 2], [0, 3], [0]):
        last = max(world.it.open)
        world.give(TaskCompleted(last, "late"))
        assert [command.payload for command in world.it.open.values()] == expected
    world.answer("t", "first")
    assert world.state["r"] == [[0, "first"], [1, "late"], [2, "late"], [3, "late"]]
    assert world.status == "completed"


def test_ready_turns_run_in_the_items_order() -> None:
    note = Call("c", Address("s", "o"), e("x"))
    world = run(parallel(Set("a", {"y": e("x")}), note, items="[0, 1, 2, 3, 4]", n=3))
    assert [command.arguments for command in world.it.open.values()] == [0, 1, 2]
    quick = run(Set("s", {"n": e("5")}), parallel(Set("a", {"y": e("x")}), collect=e("y * n"), result="r", n=3))
    assert quick.state == {"n": 5, "r": [0, 5, 10, 15]}
    order = [event.data["local"] for event in quick.it.events if event.step == "a"]
    assert order == [[["y", 0]], [["y", 1]], [["y", 2]], [["y", 3]]]


def test_a_turn_begins_after_what_is_ready_in_those_before_it_also_deep_inside() -> None:
    count = Repeat("r", (Set("c", {"n": e("n + 1")}),), test=e("n < 1500"))
    long = Fork("f", (ForkBranch("a", (Set("c0", {"n": e("0")}), count)), ForkBranch("b", (Set("b", {"m": e("x")}),))))
    body = Decision("d", (Branch(e("x == 0"), (Task("t", "T"),)), Branch(e("x == 1"), (long,))), (Task("last", "L"),))
    world = World(workflow(parallel(body, items="[0, 1, 2]")))
    world.main = "i"
    world._create("i", "W", None, None, None)
    world.slice("i", world.it.queue.popleft())
    world.it.queue.append(TaskCompleted(world.serial("t"), None))
    world.run()
    told = world.types()
    assert told.index("t step.done") < told.index("b step.done") < told.index("last step.waiting")


def test_names_assigned_in_a_parallel_body_are_local_to_the_turn_and_outer_names_are_seen() -> None:
    body = (Set("a", {"y": e("x + base")}), Task("t", "T"), Set("b", {"y": e("y * 10")}))
    world = run(Set("s", {"base": e("100")}), parallel(*body, items="[1, 2]", collect=e("y"), result="r"))
    world.answer("t")
    world.answer("t")
    assert world.state == {"base": 100, "r": [1010, 1020]}
    assert world.event("step.done", "b").data == {"local": [["y", 1020]]}
    assert world.event("step.done", "b").patch == ()


def test_a_result_in_a_parallel_body_is_local_and_so_is_what_is_nested_in_it() -> None:
    inner = Each("in", e("[1, 2]"), "z", (Set("a", {"sum": e("sum + z * x")}),), collect=e("sum"), result="sums")
    world = run(parallel(Set("s", {"sum": e("0")}), inner, items="[1, 10]", collect=e("[sum, sums]"), result="r"))
    assert world.state == {"r": [[3, [1, 3]], [30, [10, 30]]]}


def test_assigning_a_member_in_a_parallel_body_leaves_the_outer_object() -> None:
    body = (Set("a", {"y": e("{'n': 0}")}), Set("b", {"y.n": e("x"), "outer.n": e("x")}))
    world = run(Set("s", {"outer": e("{'n': 7}")}), parallel(*body, collect=e("[y, outer]"), result="r", items="[1]"))
    assert world.state == {"outer": {"n": 7}, "r": [[{"n": 1}, {"n": 1}]]}


def test_a_failure_in_a_turn_cancels_the_others_and_fails_the_each() -> None:
    body = (Task("t", "T"), if_("x == 1", Fail("f", e("'bad'"), e("'m'"))))
    world = run(Try("try", (parallel(*body, n=3),), (Handler(("bad",), (Set("h", {"at": e("error.step")}),)),)))
    second = sorted(world.it.open)[1]
    world.give(TaskCompleted(second, None))
    assert (world.status, world.state) == ("completed", {"at": "f"})
    assert world.types("each") == ["step.entered", "step.failed"]
    assert world.types("t").count("step.cancelled") == 2


def test_a_thousand_open_branches_are_the_limit() -> None:
    body = Task("t", "T")
    assert run(parallel(body, items="range(999)", n=999)).status == "waiting"
    world = run(parallel(body, items="range(1001)", n=1001))
    assert (world.status, world.error) == ("failed", "failure.too-many-branches")


# ── leave and next ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_leave_ends_the_innermost_loop_around_it() -> None:
    inner = Repeat("in", (INC, if_("n % 3 == 0", Leave("l"))), test=e("True"))
    world = run(N, Repeat("out", (inner, INC), test=e("n < 8")))
    assert world.state == {"n": 10}
    assert world.types("in").count("step.done") == 3


def test_next_goes_on_with_the_next_turn() -> None:
    body = (INC, if_("n % 2 == 0", Next("skip")), Set("odd", {"odd": e("odd + [n]")}))
    world = run(Set("s", {"n": e("0"), "odd": e("[]")}), Repeat("r", body, test=e("n < 6")))
    assert world.state == {"n": 6, "odd": [1, 3, 5]}
    assert world.types("skip") == ["step.done"] * 3


def test_next_in_an_until_loop_goes_to_its_test() -> None:
    world = run(N, Repeat("r", (INC, Next("skip"), Fail("f", e("'x'"), e("'m'"))), until=e("n == 3")))
    assert world.state == {"n": 3}


def test_next_in_an_each_collects_nothing_for_its_turn() -> None:
    world = run(Each("each", e("range(5)"), "x", (if_("x % 2 == 1", Next("skip")),), collect=e("x"), result="r"))
    assert world.state == {"r": [0, 2, 4]}
    last = run(Each("each", e("range(2)"), "x", (if_("x == 1", Next("skip")),), collect=e("x"), result="r"))
    assert last.state == {"r": [0]}


def test_after_next_one_turn_is_at_work_as_before() -> None:
    body = (if_("x < 2", Next("skip")), Task("t", "T", payload=e("x")))
    world = run(Each("each", e("range(5)"), "x", body))
    for x in (2, 3, 4):
        assert [command.payload for command in world.it.open.values()] == [x]
        world.answer("t")
    assert world.status == "completed"


def test_leave_in_an_each_keeps_what_was_collected() -> None:
    world = run(Each("each", e("range(5)"), "x", (if_("x == 2", Leave("l")),), collect=e("x"), result="r"))
    assert world.state == {"r": [0, 1]}
    assert world.event("step.done", "each").data == {"turns": 3}
    assert world.types("l") == ["step.done"]


def test_leave_in_a_parallel_each_cancels_the_other_turns() -> None:
    body = (Task("t", "T", payload=e("x")), if_("x == 1", Leave("l")))
    world = run(parallel(*body, n=3, collect=e("x"), result="r"), Task("after", "After"))
    world.answer("t")
    world.give(TaskCompleted(sorted(world.it.open)[0], None))
    assert world.state == {"r": [0]}
    assert world.waiting() == ["after"]
    assert world.types("t").count("step.cancelled") == 2


def test_next_in_a_parallel_each_ends_only_its_turn() -> None:
    world = run(parallel(if_("x != 2", Next("skip")), n=3, collect=e("x"), result="r"))
    assert world.state == {"r": [2]}


def test_leave_and_next_end_the_tries_between() -> None:
    body = (INC, Try("t", (if_("n == 3", Leave("l")), Next("skip")), compensate=(Fail("f", e("'c'"), e("'m'")),)))
    world = run(N, Repeat("r", body, test=e("True")))
    assert (world.status, world.state) == ("completed", {"n": 3})
    assert world.types("t") == ["step.entered", "step.done"] * 3
    assert world.snapshot.compensations == ()


def test_a_result_that_cannot_be_stored_fails_the_each_and_not_the_leave() -> None:
    body = Each("each", e("range(3)"), "x", (if_("x == 1", Leave("l")),), collect=e("x"), result="a.b")
    world = run(body)
    assert world.error == "expression.path"
    assert world.snapshot.error is not None
    assert world.snapshot.error.step == "each"


def test_many_turns_are_cut_into_slices() -> None:
    world = run(N, Repeat("r", (INC,), test=e("n < 5000"), max=5000))
    assert world.state == {"n": 5000}
    assert 5 <= world.it.slices <= 7
