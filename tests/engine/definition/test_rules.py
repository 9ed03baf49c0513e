"""Rules of where steps may stand, of the names that branches share, and of loops: what is refused, what comes close."""

from __future__ import annotations

import pytest
from armillary_engine.definition.validate import types

from .test_diagnostics import (
    COMPLETE,
    CONTINUE,
    LEAVE,
    NEXT,
    Json,
    call,
    document,
    e,
    each,
    fail,
    fork,
    if_,
    problems_of,
    set_,
    step,
    task,
    try_,
    until,
    while_,
)


def errors(*body: Json) -> list[str]:
    """The codes of what is wrong with a definition."""
    return [problem.code for problem in problems_of(document(*body)) if problem.severity == "error"]


def undoing(*steps: Json) -> Json:
    return try_([call()], compensate=list(steps))


START = set_("start", x="1", item="[1]", answer="1", error_of="1")
SHARED = {
    "both write": ([set_("a", x="1")], [set_("b", x="2")]),
    "one reads": ([set_("a", y="x")], [set_("b", x="2")]),
    "a result": ([call(result="x")], [task(payload=e("x"))]),
    "a member": ([step("set", "a", assign={"item.n": e("1")})], [set_("b", y="item")]),
    "in the middle of a branch": ([if_("input.x", while_("input.y", call("c"), set_("a", y="x")))], [set_("b", x="2")]),
    "in a handler": ([try_([call()], (["*"], [set_("a", y="x")]))], [set_("b", x="2")]),
    "in a fork": ([fork([set_("a", y="x")], [call()]) | {"id": "inner"}], [set_("b", x="2")]),
    "read by a compensation": ([undoing(set_("a", y="x"))], [set_("b", x="2")]),
    "read by a compensation before it is its own": ([undoing(set_("a", x="x + 1"))], [set_("b", x="2")]),
    "of which a compensation assigns a member": (
        [undoing(step("set", "a", assign={"item.n": e("1")}))], [set_("b", item="[2]")],
    ),
    "items of the same name": (
        [step("each", "a", items=e("item"), as_="item", body=[call()])], [set_("b", item="[2]")],
    ),
    "an answer outside its check": ([task(payload=e("answer"))], [task("other", result="answer")]),
    "read by a check": ([task(check=[{"when": e("answer > x"), "message": e("'No.'")}])], [set_("b", x="2")]),
    "read by a check's message": (
        [task(check=[{"when": e("answer > 1"), "message": e("f'{x}'")}])], [set_("b", x="2")],
    ),
    "assigned by a loop": ([each(set_("a", x="item"))], [set_("b", y="x")]),
    "collected by a loop": ([each(collect=e("x"), result="r")], [set_("b", x="2")]),
    "a result of a loop": ([each(collect=e("item"), result="x", parallel=2)], [set_("b", y="x")]),
    "read by a turn": ([each(set_("a", y="x"), parallel=2)], [set_("b", x="2")]),
}  # fmt: skip
APART = {
    "both read": ([set_("a", y="x")], [set_("b", z="x")]),
    "the item": ([each(set_("a", y="item"))], [set_("b", item="[2]")]),
    "a handler's name": (
        [step("try", body=[call()], handlers=[{"catch": ["*"], "as": "error_of", "body": [set_("a", y="error_of")]}])],
        [set_("b", error_of="2")],
    ),
    "the answer in a check": (
        [task(check=[{"when": e("answer > 1"), "message": e("'No.'")}])], [task("other", result="answer")],
    ),
    "what a compensation assigns": ([undoing(set_("a", x="1"), set_("c", y="x"))], [set_("b", x="2")]),
    "names of a turn": ([each(set_("a", own="item"), collect=e("own"), result="r", parallel=2)], [set_("b", own="2")]),
    "a variable of an expression": ([set_("a", y="[x for x in input.all]")], [set_("b", x="2")]),
}  # fmt: skip


@pytest.mark.parametrize("way", SHARED)
def test_a_name_that_one_branch_writes_and_another_uses_is_refused(way: str) -> None:
    for branches in (SHARED[way], SHARED[way][::-1]):
        assert errors(START, fork(*branches)) == ["parallel.conflict"]


@pytest.mark.parametrize("way", APART)
def test_what_branches_do_not_share_is_no_conflict(way: str) -> None:
    assert errors(START, fork(*APART[way])) == []


@pytest.mark.parametrize(
    ("first", "second", "dead"),
    [
        ("failure", "rejected", True),
        ("rejected", "failure.rejected.late", True),
        ("*", "timeout", True),
        ("timeout", "timeout.call", True),
        ("failure", "timeout.call", False),
        ("rejected", "failure", False),
        ("timeout", "child.timeout", False),
    ],
)
def test_a_handler_is_dead_where_an_earlier_one_catches_all_that_it_would(first: str, second: str, dead: bool) -> None:
    found = problems_of(document(try_([call()], ([first], []), ([second], []))))
    assert ("handler.dead" in [problem.code for problem in found]) is dead


COUNT = set_("start", n="0")
ENDS = {
    "it waits": while_("True", call()),
    "it waits deep inside": while_("True", if_("input.x", each(try_([set_("a", x="1")], (["*"], [call()]))))),
    "it changes what is read": while_("n < 3", set_("a", n="n + 1")),
    "an inner loop changes it": while_("n < 3", each(set_("a", n="n + 1"))),
    "it completes": while_("True", if_("input.x", COMPLETE)),
    "it fails": while_("True", if_("input.x", each(if_("item == 1", fail(), id="if-2")))),
    "it is continued": while_("True", if_("input.x", CONTINUE)),
    "it leaves": while_("True", if_("input.x", LEAVE)),
    "it leaves from a handler": while_("True", try_([set_("a", x="1 / 0")], (["*"], [LEAVE]))),
    "until": until("n > 3", set_("a", n="n + 1")),
    "once": until("True", set_("a", x="1")),
    "never": while_("False", set_("a", x="1")),
}
ENDLESS = {
    "true": while_("True", set_("a", n="n + 1")),
    "never false": until("False", set_("a", n="n + 1")),
    "another name": while_("n < 3", set_("a", m="n + 1")),
    "a turn's own name": while_("n < 3", each(set_("a", n_of="item"), parallel=2)),
    "a compensation's own name": while_("n < 3", try_([set_("a", x="1")], compensate=[set_("b", n="5"), call()])),
    "only an inner loop is left": while_("True", each(LEAVE)),
    "next": while_("True", if_("input.x", NEXT)),
}


@pytest.mark.parametrize("way", ENDS)
def test_a_loop_that_can_end_or_wait_is_let_pass(way: str) -> None:
    assert errors(COUNT, ENDS[way]) == []


@pytest.mark.parametrize("way", ENDLESS)
def test_a_loop_that_can_neither_end_nor_wait_is_refused(way: str) -> None:
    found = errors(COUNT, ENDLESS[way])
    assert found == ["loop.endless"]


CROSSING = {
    "leave across a fork": while_("input.x", call("c"), fork([if_("input.y", LEAVE)], [call()])),
    "next across a fork": while_("input.x", call("c"), fork([if_("input.y", NEXT)], [call()])),
    "leave out of a compensation": while_("input.x", call("c"), try_([call()], compensate=[if_("input.y", LEAVE)])),
    "next outside of a loop": if_("input.x", NEXT),
}


@pytest.mark.parametrize("way", CROSSING)
def test_leave_and_next_stay_within_their_branch(way: str) -> None:
    found = errors(CROSSING[way])
    assert found == ["flow.not-in-loop"]


@pytest.mark.parametrize("exit", [LEAVE, NEXT])
def test_leave_and_next_have_a_loop_in_a_branch_a_turn_a_handler_and_a_compensation(exit: Json) -> None:
    loop = while_("input.x", call("c"), if_("input.y", exit))
    handled = while_("input.x", try_([call("c")], (["*"], [exit])))
    places = (
        fork([loop], [call()]),
        each(if_("item == 1", exit), parallel=2),
        handled,
        try_([call()], compensate=[loop]),
    )
    for one in places:
        assert errors(one) == []


PARALLEL = {
    "a fork": fork([CONTINUE], [call()]),
    "a fork around": fork([each(if_("item == 1", CONTINUE))], [call()]),
    "a parallel each": each(if_("item == 1", CONTINUE), parallel=2),
    "a parallel each around": each(while_("input.x", try_([CONTINUE])), parallel=2),
}


@pytest.mark.parametrize("way", PARALLEL)
def test_nothing_is_continued_in_parallel(way: str) -> None:
    found = errors(PARALLEL[way])
    assert found == ["flow.continue-in-parallel"]


def test_a_compensation_neither_completes_nor_continues_and_may_fail() -> None:
    for end in (COMPLETE, CONTINUE, if_("input.x", END_INSIDE)):
        found = errors(try_([call()], compensate=[end]))
        assert found == ["flow.ends-in-compensation"]
    assert [p for p in problems_of(document(try_([call()], compensate=[fail()]))) if p.severity == "error"] == []


END_INSIDE = while_("True", call("c"), if_("input.y", COMPLETE, id="if-2"))


def handling(*steps: Json, body: tuple[Json, ...] = ()) -> Json:
    return step("try", body=[call(), *body], handlers=[{"catch": ["*"], "as": "err", "body": list(steps)}])


@pytest.mark.parametrize("name", ["error", "err"])
def test_the_name_of_an_error_stays_in_its_handler_whatever_way_leads_out(name: str) -> None:
    read = set_("s", x=f"{name}.code")
    assert errors(while_("True", handling(LEAVE)), read) == ["name.unassigned"]
    assert errors(each(handling(LEAVE)), read) == ["name.unassigned"]
    assert errors(until("True", handling(NEXT, body=(fail(),))), read) == ["name.unassigned"]
    assert errors(until(f"{name}.code == 'x'", handling(NEXT, body=(fail(),)))) == ["name.unassigned"]
    assert errors(handling(), read) == ["name.unassigned"]
    assert errors(handling(read)) == []
    assert errors(handling(while_("True", call("c"), if_("input.x", LEAVE)), read)) == []


OUTER = {
    "a name from before": (set_("s", x="1"), each(set_("a", x="item"), parallel=2)),
    "a member": (set_("s", x="{}"), each(step("set", "a", assign={"x.n": e("item")}), parallel=2)),
    "a result": (set_("s", x="1"), each(call(result="x"), parallel=2)),
    "deep inside": (set_("s", x="1"), each(while_("input.y", try_([call()], (["*"], [set_("a", x="1")]))), parallel=2)),
    "in an inner turn": (each(set_("s", x="1"), each(set_("a", x="item"), parallel=2) | {"id": "in"}, parallel=2),),
    "in an inner loop": (set_("s", x="1"), each(each(set_("a", x="1")) | {"id": "in", "as": "row"}, parallel=2)),
    "a later turn of a loop": (while_("input.y", call(), each(set_("a", x="item"), parallel=2), set_("s", x="1")),),
    "maybe": (if_("input.y", set_("s", x="1")), each(set_("a", x="item"), parallel=2)),
    "maybe, by a loop": (each(set_("s", x="1")) | {"id": "first"}, each(set_("a", x="item"), parallel=2)),
}  # fmt: skip


def test_a_turns_own_name_is_another_turns_too() -> None:
    assert errors(each(set_("a", x="item"), parallel=2) | {"id": "first"}, each(set_("b", x="item"), parallel=2)) == []


def test_the_item_of_an_outer_loop_is_no_name_to_assign() -> None:
    inner = each(set_("a", item="1")) | {"id": "in", "as": "row"}
    assert errors(each(inner)) == ["name.local"]
    assert errors(handling(each(set_("a", err="1")))) == ["name.local"]


def test_a_name_that_may_be_assigned_outside_is_hidden() -> None:
    found = problems_of(document(if_("input.x", set_("a", item="1")), each(call())))
    assert "name.shadowed" in [problem.code for problem in found]


@pytest.mark.parametrize(
    ("loop", "goes_on"),
    [
        (until("False", call()), False),
        (while_("True", call()), False),
        (until("False", call(), if_("input.x", LEAVE)), True),
        (while_("True", call(), if_("input.x", LEAVE)), True),
        (until("input.x", call()), True),
        (while_("True", call(), each(LEAVE)), False),
    ],
)
def test_what_follows_a_loop_is_reached_where_a_way_leads_out(loop: Json, goes_on: bool) -> None:
    found = [problem.code for problem in problems_of(document(loop, set_("after", x="1")))]
    assert ("flow.unreachable" not in found) is goes_on


@pytest.mark.parametrize("way", OUTER)
def test_outer_names_are_read_only_in_a_parallel_each(way: str) -> None:
    found = errors(*OUTER[way])
    assert set(found) == {"parallel.outer-write"}


def test_the_members_that_a_check_reads_are_those_of_the_answer() -> None:
    verdict = {"type": "object", "properties": {"verdict": {"type": "string"}}, "required": ["verdict"]}
    for when, message in (("answer.verdct == 'x'", "'m'"), ("answer.verdict == 'x'", "f'{answer.verdt}'")):
        checked = task(answer=verdict, check=[{"when": e(when), "message": e(message)}])
        assert errors(checked) == ["expression.unknown-member"]


@pytest.mark.parametrize(
    ("due", "code"),
    [('"soon"', "datetime.invalid"), ('"P2X"', "duration.invalid"), ('"P2D"', None), ('"2026-11-30"', None)],
)
def test_when_a_task_is_due_is_a_duration_or_a_moment(due: str, code: str | None) -> None:
    assert errors(task(due=e(due))) == [code][: code is not None]


def test_codes_are_dotted_words_wherever_they_stand() -> None:
    bad: dict[str, list[Json]] = {
        "/body/0/code": [fail("a..b"), fail("*"), fail("")],
        "/body/0/handlers/0/catch": [try_([call()], (["not ok"], [])), try_([call()], (["*.x"], []))],
        "/body/0/retry/on": [call(retry={"attempts": 2, "on": ["a."]})],
    }
    for pointer, steps in bad.items():
        for one in steps:
            found = [(p.code, p.pointer) for p in problems_of(document(one)) if p.severity == "error"]
            assert found == [("code.invalid", pointer)]
    computed = step("fail", code=e("input.code"), message=e("'m'"))
    well = (try_([call()], (["*"], [])), call(retry={"attempts": 2, "on": ["*", "timeout.attempt"]}), computed)
    for one in well:
        assert errors(one) == []


QUOTE = {"type": "object", "properties": {"premium": {"type": "number"}}}
TYPED = {
    "the last turn's": (
        set_("s", now_="None", before="None"),
        while_(
            "input.go", set_("a", before="now_"), call(reply=QUOTE, result="now_"),
            if_("before is not None", set_("b", z="before.premium")),
        ),
    ),
    "a name that changes its type": (
        set_("s", x="1", y="1"),
        while_("input.go", call(), set_("a", x="y"), set_("b", y="'a'"), if_("input.x", set_("c", z="x + 'b'"))),
    ),
    "three turns later": (
        set_("s", a="1", b="1", c="1", d="1"),
        while_(
            "input.go", call(), set_("p", a="b"), set_("q", b="c"), set_("r", c="d"), set_("t", d="True"),
            if_("input.x", if_("a", id="in")),
        ),
    ),
    "an item that is named as another's": (
        set_("s", y="0"), each(set_("a", y="item")), set_("b", z="y + 1"), set_("c", item="'a'"),
    ),
    "a list that grows": (
        set_("s", xs="[]"), while_("input.go", call(), set_("a", xs="xs + [{'of': xs}]")), set_("b", z="len(xs)"),
    ),
    "an object that grows": (
        set_("s", x="{}"), while_("input.go", call(), set_("a", x="{'of': x}")), set_("b", z="x.of"),
    ),
}  # fmt: skip
MISTYPED = {
    "a number and a text": (set_("s", x="1"), set_("a", y="x"), set_("b", z="y + 'b'")),
    "whatever it is": (
        set_("s", x="1"), while_("input.go", call(), set_("a", x="True"), set_("b", y="x")),
        set_("c", z="upper(x)"),
    ),
    "an object that grows": (
        set_("s", x="{}"), while_("input.go", call(), set_("a", x="{'of': x}")), set_("b", z="x + 1"),
    ),
    "what comes down a long way": (
        set_("s", **{f"n{i}": "1" for i in range(31)}),
        while_("input.go", call(), *(set_(f"a{i}", **{f"n{i}": f"n{i + 1}"}) for i in range(30)), set_("t", n30="'a'")),
        set_("b", z="n0 and True"),
    ),
    "an item": (set_("s", y="0"), each(set_("a", y="item")), set_("b", z="y + 'b'"), set_("c", item="'a'")),
}  # fmt: skip


@pytest.mark.parametrize("turns", [0, 1, 20])
@pytest.mark.parametrize("way", TYPED)
def test_a_type_that_a_name_may_have_in_some_turn_is_let_pass(
    way: str, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(types, "TURNS", turns)
    assert errors(*TYPED[way]) == []


@pytest.mark.parametrize("way", MISTYPED)
def test_a_type_that_no_way_makes_right_is_refused(way: str) -> None:
    assert set(errors(*MISTYPED[way])) == {"expression.type"}
